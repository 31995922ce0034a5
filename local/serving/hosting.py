"""All endpoints: makes an endpoint's status follow what was asked for, with AWS's reasons when that fails.

What really went wrong is in the endpoint's log, `endpoints/<name>.log`.
"""

from __future__ import annotations

import logging
import shutil
import time
import traceback
from threading import Lock, Thread
from typing import TYPE_CHECKING

from local import ACCOUNT
from local.serving.fleet import Fleet
from local.shapes import AwsError

if TYPE_CHECKING:
    from pathlib import Path

    from local.sagemaker import Record, SageMaker
    from local.serving.container import Aws

log = logging.getLogger(__name__)


class Hosting:
    """Does the work of the endpoints.

    Args:
        control: SageMaker's control plane.
        aws: the account's other services.
        directory: where archives are unpacked and endpoints' logs are.
    """

    def __init__(self, control: SageMaker, aws: Aws, directory: Path) -> None:
        self._control = control
        self._aws = aws
        self._directory = directory
        self._fleets: dict[str, Fleet] = {}
        self._lock = Lock()
        directory.mkdir(parents=True, exist_ok=True)
        for name in control.busy_endpoints():
            self.work(name)

    def work(self, name: str) -> None:
        """Do in the background what the endpoint's status says is to be done."""
        Thread(target=self._work, args=[name], name=f"endpoint {name}", daemon=True).start()

    def route(self, name: str) -> Fleet:
        """Choose the fleet that takes the next request of an endpoint.

        Raises:
            AwsError: `ValidationError` for an endpoint that does not serve.
        """
        with self._lock:
            if not self._control.is_serving(name):
                raise AwsError("ValidationError", f"Endpoint {name} of account {ACCOUNT} not found.")
            if name not in self._fleets and (record := self._control.endpoint(name)):  # after a restart of the server
                self._fleets[name] = self._new_fleet(name, record["running"])
            return self._fleets[name]

    def close(self) -> None:
        """End all workers; what they unpacked stays for the next start."""
        with self._lock:
            for fleet in self._fleets.values():
                fleet.retire(remove=False)

    def _new_fleet(self, name: str, deployment: Record) -> Fleet:
        return Fleet(deployment, self._directory / name / deployment["id"], self._aws, self._log_file(name))

    def _log_file(self, name: str) -> Path:
        return self._directory / f"{name}.log"

    def _work(self, name: str) -> None:
        record = self._control.endpoint(name)
        if record is None:
            return
        log.info("endpoint %s: %s; its log is %s", name, record["EndpointStatus"], self._log_file(name))
        if record["EndpointStatus"] in ("Creating", "Updating"):
            self._deploy(name, record["asked"])
        elif record["EndpointStatus"] == "RollingBack":
            self._control.rolled_back(name)
        elif record["EndpointStatus"] == "Deleting":
            self._delete(name)

    def _deploy(self, name: str, deployment: Record) -> None:
        fleet = self._new_fleet(name, deployment)
        try:
            fleet.start()
        except Exception as error:  # noqa: BLE001 - whatever happens, the endpoint must not hang in its status
            fleet.retire(remove=True)
            reason = getattr(error, "reason", "Request to service failed. If failure persists, see the server's log.")
            self._note(name, getattr(error, "cause", None) or traceback.format_exc())
            log.warning("endpoint %s failed: %s See %s", name, reason, self._log_file(name))
            self._control.failed(name, reason)
            self._work(name)
            return
        with self._lock:
            old = self._fleets.get(name)
            self._fleets[name] = fleet
            self._control.deployed(name)
        if old is not None:
            old.retire(remove=True)
        self._forget_others(name, fleet)
        log.info("endpoint %s: InService", name)

    def _forget_others(self, name: str, fleet: Fleet) -> None:
        """Remove what deployments left behind that a stop of the server cut short."""
        for folder in (self._directory / name).iterdir():
            if folder != fleet.home:
                shutil.rmtree(folder, ignore_errors=True)

    def _delete(self, name: str) -> None:
        with self._lock:
            fleet = self._fleets.pop(name, None)
        if fleet is not None:
            fleet.retire(remove=True)
        shutil.rmtree(self._directory / name, ignore_errors=True)
        self._control.deleted(name)
        log.info("endpoint %s: deleted", name)

    def _note(self, name: str, text: str) -> None:
        with self._log_file(name).open("a") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
