"""The work of the endpoints: makes their statuses follow what was asked for, with AWS's reasons when that fails.

The log of a container says why it did not start, and the server's log says what else went wrong.

An endpoint keeps its status when the server stops. The next start does the endpoint's work from the beginning, with all
traffic on the old fleet.
"""

import logging
import random
import shutil
import time
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread

from sagebridge.endpoint_log import log_group
from sagebridge.local import ACCOUNT
from sagebridge.local.cloudwatch.logs import Logs
from sagebridge.local.deployment import Plan, plan
from sagebridge.local.faults import Faults
from sagebridge.local.sagemaker.endpoints import Endpoints
from sagebridge.local.sagemaker.models import containers
from sagebridge.local.sagemaker.variants import current_capacities, sized
from sagebridge.local.serving.fleet import Fleet
from sagebridge.local.serving.instances import model_folder
from sagebridge.local.serving.model_data import Aws, DeployError
from sagebridge.local.serving.variant import NO_PING
from sagebridge.local.settings import Settings
from sagebridge.local.shapes import AwsError, Record

log = logging.getLogger(__name__)
WATCH_SECONDS = 0.1
"""Seconds between two looks at the alarms and the times during a wait."""
NO_CAPACITY = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. "
    "Please retry using a different ML instance type or after some time."
)
"""AWS's own words; those below are ours, because AWS's are not known."""
ALARMED = "The deployment was rolled back: alarms of its AutoRollbackConfiguration are in ALARM: {alarms}."
TIMED_OUT = "The deployment was rolled back: it took longer than its MaximumExecutionTimeoutInSeconds, {limit:g}."
BROKEN = "Request to service failed. If failure persists, see the server's log."


@dataclass(frozen=True)
class Part:
    """A fleet and its share of an endpoint's traffic."""

    deployment: Record
    """The deployment that the fleet serves."""
    fleet: Fleet
    share: float
    """From 0 to 1."""


class _ClosedError(Exception):
    """The server stops, so a wait ends before its time."""


class Hosting:
    """Does the work of the endpoints.

    Args:
        endpoints: SageMaker's endpoints, whose statuses say what is to be done.
        aws: the account's other services.
        directory: the folder where archives are unpacked.
        logs: the endpoints' logs.
        settings: what is set at the moment; asked for at each use.
        faults: says what is to go wrong.
        alarm_states: returns the states of those CloudWatch alarms that exist, such as `ALARM`.
    """

    def __init__(  # noqa: PLR0913 - everything that its endpoints work with
        self,
        endpoints: Endpoints,
        aws: Aws,
        directory: Path,
        *,
        logs: Logs,
        settings: Settings,
        faults: Faults,
        alarm_states: Callable[[Collection[str]], dict[str, str]],
    ) -> None:
        self._alarm_states = alarm_states
        self._endpoints = endpoints
        self._aws = aws
        self._directory = directory
        self._logs = logs
        self._settings = settings
        self._times = settings.times
        self._faults = faults
        self._parts: dict[str, list[Part]] = {}
        self._lock = Lock()
        self._closed = Event()
        directory.mkdir(parents=True, exist_ok=True)
        for name in endpoints.busy():
            self.work(name)

    def work(self, name: str) -> None:
        """Does in the background what an endpoint's status says is to be done."""
        Thread(target=self._work, args=[name], name=f"endpoint {name}", daemon=True).start()

    def route(self, name: str) -> Fleet:
        """Chooses the fleet that takes the next request of an endpoint, by the shares of the traffic.

        Raises:
            AwsError: `ValidationError` for an endpoint that does not serve.
        """
        with self._lock:
            if not self._endpoints.is_serving(name):
                raise AwsError("ValidationError", f"Endpoint {name} of account {ACCOUNT} not found.")
            parts = self._serving(name)
        if len(parts) == 1:
            return parts[0].fleet
        shares = [part.share for part in parts]
        return random.choices(parts, shares)[0].fleet  # noqa: S311 - no secret

    def shares(self, name: str) -> list[tuple[Record, float]]:
        """Returns the deployments of an endpoint that serve, the oldest first, and their shares of the traffic."""
        with self._lock:
            parts = self._serving(name) if self._endpoints.is_serving(name) else []
        return [(part.deployment, part.share) for part in parts]

    def model_folder(self, name: str, deployment: Record, variant: str) -> Path:
        """Returns where the model data of a variant's first container is, once it is fetched."""
        return model_folder(self._home(name, deployment), variant, 1)

    def loads(self) -> dict[tuple[str, str], int]:
        """Returns the number of requests under way, by endpoint and variant."""
        with self._lock:
            fleets = [(name, part.fleet) for name, parts in self._parts.items() for part in parts]
        under_way: Counter[tuple[str, str]] = Counter()
        for name, fleet in fleets:
            for variant, load in fleet.loads().items():
                under_way[name, variant] += load
        return under_way

    def close(self) -> None:
        """Ends all workers and all waits. What was unpacked stays for the next start."""
        self._closed.set()
        with self._lock:
            for part in [part for parts in self._parts.values() for part in parts]:
                part.fleet.retire(remove=False)

    def _serving(self, name: str) -> list[Part]:
        """Returns the fleets of an endpoint that serves, and makes its fleet anew after a restart of the server."""
        if name not in self._parts and (record := self._endpoints.find(name)):
            running = record["running"]
            fleet = self._new_fleet(name, sized(running, current_capacities(record)))
            self._parts[name] = [Part(running, fleet, 1.0)]
        return self._parts[name]

    def _new_fleet(self, name: str, deployment: Record) -> Fleet:
        home = self._home(name, deployment)
        return Fleet(deployment, home, self._aws, lambda stream: self._logs.stream(name, stream).append, self._settings)

    def _home(self, name: str, deployment: Record) -> Path:
        return self._directory / name / str(deployment["id"])

    def _work(self, name: str) -> None:
        record = self._endpoints.find(name)
        if record is None:
            return
        log.info("endpoint %s: %s; its log group is %s", name, record["EndpointStatus"], log_group(name))
        try:
            if record["EndpointStatus"] == "RollingBack":
                self._last("rolling_back")
                self._endpoints.rolled_back(name)
            elif record["EndpointStatus"] == "Deleting":
                self._last("deleting")
                self._delete(name)
            elif "desired" in record:
                self._attempt(name, self._scale, record)
            elif record["EndpointStatus"] in ("Creating", "Updating"):
                self._attempt(name, self._deploy, record)
        except _ClosedError:
            log.info("endpoint %s: goes on when the server starts again", name)

    def _attempt(self, name: str, work: Callable[[str, Record], None], record: Record) -> None:
        """Does work that may fail; then the endpoint fails, or rolls back."""
        try:
            work(name, record)
        except _ClosedError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever happens, the endpoint must not hang in its status
            reason = error.reason if isinstance(error, DeployError) else BROKEN
            cause = error.cause if isinstance(error, DeployError) else traceback.format_exc()
            log.warning("endpoint %s failed: %s %s", name, reason, cause)
            self._endpoints.failed(name, reason, at_once=not self._times().rolling_back)
            self._work(name)
        else:
            log.info("endpoint %s: InService", name)

    def _deploy(self, name: str, record: Record) -> None:
        deployment: Record = record["asked"]
        start = time.monotonic()
        is_update = "running" in record
        self._endpoints.stage(name, "Creating", _launching(deployment))
        self._last("updating" if is_update else "creating")
        if fault := self._faults.take("slow", endpoint=name):
            self._stay(fault.seconds or 0)
        sized_deployment = sized(deployment, deployment["capacity"])
        fleet = self._new_fleet(name, sized_deployment)
        try:
            self._fail_on_demand(name, deployment)
            fleet.start()
            if is_update:
                shift = plan(record.get("LastDeploymentConfig"), sized_deployment["config"]["ProductionVariants"])
                self._shift(name, Part(deployment, fleet, 0.0), shift, time.monotonic() - start)
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
            self._endpoints.deployed(name)  # from here on, the next deployment may begin
        for part in old:
            part.fleet.retire(remove=True)

    def _fail_on_demand(self, name: str, deployment: Record) -> None:
        if self._faults.take("capacity", endpoint=name):
            raise DeployError(NO_CAPACITY, "It was asked for by: sagebridge local fault capacity")
        if self._faults.take("ping", endpoint=name):
            variant = deployment["config"]["ProductionVariants"][0]
            is_pipeline = len(containers(deployment["models"][variant["ModelName"]])) > 1
            reason = NO_PING.format(
                container="container_1" if is_pipeline else "primary", variant=variant["VariantName"]
            )
            raise DeployError(reason, "It was asked for by: sagebridge local fault ping")

    def _shift(self, name: str, new: Part, shift: Plan, seconds: float) -> None:
        """Shifts the traffic from the old fleet to the new one, and watches the alarms.

        Args:
            name: the endpoint's name.
            new: the new fleet.
            shift: the steps.
            seconds: the time that the deployment took so far.

        Raises:
            DeployError: an alarm is in ALARM, the deployment took too long, or a rollback was asked for.
        """
        spent = seconds
        self._watch(shift, spent)
        for step in shift.steps:
            with self._lock:
                old = self._serving(name)[0]
                self._parts[name] = [
                    Part(old.deployment, old.fleet, 1 - step.share),
                    Part(new.deployment, new.fleet, step.share),
                ]
            self._endpoints.stage(name, "Baking", step.message)
            for passed in self._pass(step.wait):
                self._watch(shift, spent + passed)
            spent += step.wait
        if self._faults.take("rollback", endpoint=name):
            raise DeployError("", "It was asked for by: sagebridge local fault rollback")

    def _watch(self, shift: Plan, spent: float) -> None:
        states = self._alarm_states(shift.alarms) if shift.alarms else {}
        alarmed = [name for name, state in states.items() if state == "ALARM"]
        if alarmed:
            raise DeployError(ALARMED.format(alarms=", ".join(alarmed)), f"Alarms: {states}.")
        if spent > shift.limit:
            raise DeployError(TIMED_OUT.format(limit=shift.limit), f"It took {spent:.0f} of AWS's seconds.")

    def _scale(self, name: str, record: Record) -> None:
        """Changes the weights and capacities of the variants."""
        capacities, desired = current_capacities(record), record["desired"]
        grows = any(desired[variant]["count"] > capacities[variant]["count"] for variant in desired)
        self._endpoints.stage(name, "Updating", f"Changing weights and capacities of {', '.join(desired)}.")
        self._last("updating")
        if grows and self._faults.take("capacity", endpoint=name):
            raise DeployError(NO_CAPACITY, "It was asked for by: sagebridge local fault capacity")
        with self._lock:
            fleet = self._serving(name)[0].fleet
        try:
            _resize(fleet, desired)
        except Exception:
            _resize(fleet, capacities)
            raise
        self._endpoints.scaled(name)

    def _last(self, status: str) -> None:
        """Waits as long as a status lasts; the time may be changed meanwhile."""
        began = time.monotonic()
        while (rest := getattr(self._times(), status) - (time.monotonic() - began)) > 0:
            self._stay(min(rest, WATCH_SECONDS))

    def _stay(self, seconds: float) -> None:
        """Waits for real seconds, or until the server stops.

        Raises:
            _ClosedError: the server stops.
        """
        if self._closed.wait(seconds):
            raise _ClosedError

    def _pass(self, seconds: float) -> Iterator[float]:
        """Lets AWS's seconds pass at the pace, and yields now and then how many have passed, at last all of them."""
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
        """Removes what other deployments, cut short by a stop of the server, left behind."""
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
        self._endpoints.deleted(name)
        log.info("endpoint %s: deleted", name)


def _resize(fleet: Fleet, capacities: Record) -> None:
    for variant, capacity in capacities.items():
        fleet.weigh(variant, capacity["weight"])
        if capacity["serverless"]:
            fleet.limit(variant, capacity["serverless"])
        else:
            fleet.resize(variant, capacity["count"])


def _launching(deployment: Record) -> str:
    """Returns what a deployment begins with, in the words of SageMaker's guide to its events."""
    return f"Launching {sum(variant['count'] for variant in deployment['capacity'].values())} instance(s)."
