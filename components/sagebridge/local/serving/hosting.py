"""All endpoints: makes an endpoint's status follow what was asked for, with AWS's reasons when that fails.

What really went wrong is in the endpoint's log, `endpoints/<name>.log`.

A stop of the server leaves an endpoint in the status that it has; the next start does its work from the beginning,
with all traffic on the old fleet.
"""

from __future__ import annotations

import logging
import random
import shutil
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Protocol

from sagebridge.local import ACCOUNT
from sagebridge.local.deployment import Plan, plan
from sagebridge.local.sagemaker.service import capacity, containers, sized
from sagebridge.local.serving.fleet import Fleet
from sagebridge.local.serving.model_data import Aws, DeployError
from sagebridge.local.serving.variant import NO_PING
from sagebridge.local.shapes import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from sagebridge.local.faults import Faults
    from sagebridge.local.sagemaker.service import Record, SageMaker
    from sagebridge.local.times import Times

log = logging.getLogger(__name__)
WATCH_SECONDS = 0.1  # how often alarms and the times are looked at during a wait
# AWS's own words
NO_CAPACITY = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. "
    "Please retry using a different ML instance type or after some time."
)
# Ours: AWS's are not known
ALARMED = "The deployment was rolled back: alarms of its AutoRollbackConfiguration are in ALARM: {alarms}."
TIMED_OUT = "The deployment was rolled back: it took longer than its MaximumExecutionTimeoutInSeconds, {limit:g}."
BROKEN = "Request to service failed. If failure persists, see the server's log."


class Account(Aws, Protocol):
    """What the endpoints need of the account's other services."""

    def alarm_states(self, names: Collection[str]) -> dict[str, str]:
        """Give the states of CloudWatch alarms, such as `ALARM`; alarms that there are not are left out."""


@dataclass(frozen=True)
class Part:
    """A fleet, and its share of an endpoint's traffic, from 0 to 1."""

    deployment: Record
    fleet: Fleet
    share: float


class _ClosedError(Exception):
    """The server stops."""


class Hosting:
    """Does the work of the endpoints.

    Args:
        control: SageMaker's control plane.
        aws: the account's other services.
        directory: where archives are unpacked and endpoints' logs are.
        times: how long things take, asked at each use.
        faults: what is to go wrong.
    """

    def __init__(
        self, control: SageMaker, aws: Account, directory: Path, times: Callable[[], Times], faults: Faults
    ) -> None:
        self._control = control
        self._aws = aws
        self._directory = directory
        self._times = times
        self._faults = faults
        self._parts: dict[str, list[Part]] = {}
        self._lock = Lock()
        self._closed = Event()
        directory.mkdir(parents=True, exist_ok=True)
        for name in control.busy_endpoints():
            self.work(name)

    def work(self, name: str) -> None:
        """Do in the background what the endpoint's status says is to be done."""
        Thread(target=self._work, args=[name], name=f"endpoint {name}", daemon=True).start()

    def route(self, name: str) -> Fleet:
        """Choose the fleet that takes the next request of an endpoint, by the shares of the traffic.

        Raises:
            AwsError: `ValidationError` for an endpoint that does not serve.
        """
        with self._lock:
            if not self._control.is_serving(name):
                raise AwsError("ValidationError", f"Endpoint {name} of account {ACCOUNT} not found.")
            parts = self._serving(name)
        if len(parts) == 1:
            return parts[0].fleet
        shares = [part.share for part in parts]
        return random.choices(parts, shares)[0].fleet  # noqa: S311 - no secret

    def shares(self, name: str) -> list[tuple[Record, float]]:
        """Give an endpoint's deployments that serve, the oldest first, and their shares of the traffic."""
        with self._lock:
            parts = self._serving(name) if self._control.is_serving(name) else []
        return [(part.deployment, part.share) for part in parts]

    def loads(self) -> dict[tuple[str, str], int]:
        """Give the number of requests under way, by endpoint and variant."""
        with self._lock:
            fleets = [(name, part.fleet) for name, parts in self._parts.items() for part in parts]
        under_way: Counter[tuple[str, str]] = Counter()
        for name, fleet in fleets:
            for variant, load in fleet.loads().items():
                under_way[name, variant] += load
        return under_way

    def close(self) -> None:
        """End all workers and all waits; what was unpacked stays for the next start."""
        self._closed.set()
        with self._lock:
            for part in [part for parts in self._parts.values() for part in parts]:
                part.fleet.retire(remove=False)

    def _serving(self, name: str) -> list[Part]:
        """Give the fleets of an endpoint that serves; its fleet is made anew after a restart of the server."""
        if name not in self._parts and (record := self._control.endpoint(name)):
            running = record["running"]
            fleet = self._new_fleet(name, sized(running, capacity(record)))
            self._parts[name] = [Part(running, fleet, 1.0)]
        return self._parts[name]

    def _new_fleet(self, name: str, deployment: Record) -> Fleet:
        home = self._directory / name / deployment["id"]
        return Fleet(deployment, home, self._aws, self._log_file(name), self._times)

    def _log_file(self, name: str) -> Path:
        return self._directory / f"{name}.log"

    def _work(self, name: str) -> None:
        record = self._control.endpoint(name)
        if record is None:
            return
        log.info("endpoint %s: %s; its log is %s", name, record["EndpointStatus"], self._log_file(name))
        try:
            if record["EndpointStatus"] == "RollingBack":
                self._last("rolling_back")
                self._control.rolled_back(name)
            elif record["EndpointStatus"] == "Deleting":
                self._last("deleting")
                self._delete(name)
            elif "desired" in record:
                self._attempt(name, self._scale, record)
            elif record["EndpointStatus"] in ("Creating", "Updating"):
                self._attempt(name, self._deploy, record)
        except _ClosedError:
            log.info("endpoint %s: goes on when the server starts again", name)

    def _attempt(self, name: str, what: Callable[[str, Record], None], record: Record) -> None:
        """Do something that may come to nothing; then the endpoint fails, or rolls back."""
        try:
            what(name, record)
        except _ClosedError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever happens, the endpoint must not hang in its status
            reason = error.reason if isinstance(error, DeployError) else BROKEN
            self._note(name, error.cause if isinstance(error, DeployError) else traceback.format_exc())
            log.warning("endpoint %s failed: %s See %s", name, reason, self._log_file(name))
            self._control.failed(name, reason, at_once=not self._times().rolling_back)
            self._work(name)
        else:
            log.info("endpoint %s: InService", name)

    def _deploy(self, name: str, record: Record) -> None:
        deployment: Record = record["asked"]
        began = time.monotonic()
        updates = "running" in record
        self._control.stage(name, "Creating", _launching(deployment))
        self._last("updating" if updates else "creating")
        if fault := self._faults.take("slow", endpoint=name):
            self._stay(fault.seconds or 0)
        sized_deployment = sized(deployment, deployment["capacity"])
        fleet = self._new_fleet(name, sized_deployment)
        try:
            self._fail_on_demand(name, deployment)
            fleet.start()
            if updates:
                shift = plan(record.get("LastDeploymentConfig"), sized_deployment["config"]["ProductionVariants"])
                self._shift(name, Part(deployment, fleet, 0.0), shift, time.monotonic() - began)
        except _ClosedError:
            fleet.retire(remove=False)
            raise
        except Exception:
            with self._lock:
                if name in self._parts:
                    self._parts[name] = [Part(part.deployment, part.fleet, 1.0) for part in self._parts[name][:1]]
            fleet.retire(remove=True)
            raise
        with self._lock:
            old = self._parts.get(name, [])[:1]
            self._forget_others(name, [fleet, *(part.fleet for part in old)])
            self._parts[name] = [Part(deployment, fleet, 1.0)]
            self._control.deployed(name)  # from here on, the next deployment may begin
        for part in old:
            part.fleet.retire(remove=True)

    def _fail_on_demand(self, name: str, deployment: Record) -> None:
        if self._faults.take("capacity", endpoint=name):
            raise DeployError(NO_CAPACITY, "It was asked for by: sagebridge local fault capacity")
        if self._faults.take("ping", endpoint=name):
            variant = deployment["config"]["ProductionVariants"][0]
            several = len(containers(deployment["models"][variant["ModelName"]])) > 1
            reason = NO_PING.format(container="container_1" if several else "primary", variant=variant["VariantName"])
            raise DeployError(reason, "It was asked for by: sagebridge local fault ping")

    def _shift(self, name: str, new: Part, shift: Plan, worked: float) -> None:
        """Shift the traffic from the old fleet to the new one, watching the alarms.

        Args:
            name: the endpoint's.
            new: the new fleet.
            shift: the steps.
            worked: seconds that the deployment took so far.

        Raises:
            DeployError: an alarm is in ALARM, the deployment took too long, or a rollback was asked for.
        """
        spent = worked
        self._watch(shift, spent)
        for step in shift.steps:
            with self._lock:
                old = self._serving(name)[0]
                self._parts[name] = [
                    Part(old.deployment, old.fleet, 1 - step.share),
                    Part(new.deployment, new.fleet, step.share),
                ]
            self._control.stage(name, "Baking", step.message)
            for passed in self._pass(step.wait):
                self._watch(shift, spent + passed)
            spent += step.wait
        if self._faults.take("rollback", endpoint=name):
            raise DeployError("", "It was asked for by: sagebridge local fault rollback")

    def _watch(self, shift: Plan, spent: float) -> None:
        states = self._aws.alarm_states(shift.alarms) if shift.alarms else {}
        alarmed = [name for name, state in states.items() if state == "ALARM"]
        if alarmed:
            raise DeployError(ALARMED.format(alarms=", ".join(alarmed)), f"Alarms: {states}.")
        if spent > shift.limit:
            raise DeployError(TIMED_OUT.format(limit=shift.limit), f"It took {spent:.0f} of AWS's seconds.")

    def _scale(self, name: str, record: Record) -> None:
        """Give the variants other weights and capacities."""
        now, desired = capacity(record), record["desired"]
        more = [variant for variant in desired if desired[variant]["count"] > now[variant]["count"]]
        self._control.stage(name, "Updating", f"Changing weights and capacities of {', '.join(desired)}.")
        self._last("updating")
        if more and self._faults.take("capacity", endpoint=name):
            raise DeployError(NO_CAPACITY, "It was asked for by: sagebridge local fault capacity")
        with self._lock:
            fleet = self._serving(name)[0].fleet
        try:
            _resize(fleet, desired)
        except Exception:
            _resize(fleet, now)
            raise
        self._control.scaled(name)

    def _last(self, status: str) -> None:
        """Let a status last for its time, which may be changed meanwhile."""
        began = time.monotonic()
        while (rest := getattr(self._times(), status) - (time.monotonic() - began)) > 0:
            self._stay(min(rest, WATCH_SECONDS))

    def _stay(self, seconds: float) -> None:
        """Wait in real seconds, or until the server stops."""
        if self._closed.wait(seconds):
            raise _ClosedError

    def _pass(self, seconds: float) -> Iterator[float]:
        """Let AWS's seconds pass, at the pace; give now and then how many did, the last time all."""
        passed = 0.0
        while passed < seconds:
            pace = self._times().pace
            nap = min((seconds - passed) / pace, WATCH_SECONDS)
            self._stay(nap)
            passed += nap * pace
            if passed < seconds:
                yield passed
        yield seconds

    def _forget_others(self, name: str, fleets: list[Fleet]) -> None:
        """Remove what other deployments left behind that a stop of the server cut short."""
        folder = self._directory / name
        for other in folder.iterdir() if folder.exists() else []:
            if other not in [fleet.home for fleet in fleets]:
                shutil.rmtree(other, ignore_errors=True)

    def _delete(self, name: str) -> None:
        with self._lock:
            parts = self._parts.pop(name, [])
        for part in parts:
            part.fleet.retire(remove=True)
        shutil.rmtree(self._directory / name, ignore_errors=True)
        self._control.deleted(name)
        log.info("endpoint %s: deleted", name)

    def _note(self, name: str, text: str) -> None:
        with self._log_file(name).open("a") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")


def _resize(fleet: Fleet, capacities: Record) -> None:
    for variant, wanted in capacities.items():
        fleet.weigh(variant, wanted["weight"])
        if wanted["serverless"]:
            fleet.limit(variant, wanted["serverless"])
        else:
            fleet.resize(variant, wanted["count"])


def _launching(deployment: Record) -> str:
    """Say what a deployment begins with, in the words of SageMaker's guide to its events."""
    return f"Launching {sum(variant['count'] for variant in deployment['capacity'].values())} instance(s)."
