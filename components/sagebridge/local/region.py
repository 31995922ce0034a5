"""SageMaker in one region: its endpoints at work, with the metrics, alarms and scaling that belong to them."""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from sagebridge import _models
from sagebridge.files import write_file
from sagebridge.local import REGION
from sagebridge.local.cloudwatch import moto as cloudwatch
from sagebridge.local.cloudwatch import moto_logs
from sagebridge.local.cloudwatch.alarms import Alarms
from sagebridge.local.cloudwatch.endpoints import EndpointMetrics, Gauges
from sagebridge.local.cloudwatch.logs import Logs
from sagebridge.local.cloudwatch.metrics import Metrics
from sagebridge.local.console.page import RECENT
from sagebridge.local.faults import Faults
from sagebridge.local.monitoring import Monitoring
from sagebridge.local.openai import OpenAi
from sagebridge.local.runtime import Runtime
from sagebridge.local.sagemaker.endpoints import Endpoints
from sagebridge.local.sagemaker.resources import Resources
from sagebridge.local.sagemaker.service import SageMaker
from sagebridge.local.scaling.api import Api
from sagebridge.local.scaling.scaler import Scaler
from sagebridge.local.scaling.targets import Targets
from sagebridge.local.serving import docker
from sagebridge.local.serving.asynchronous import Asynchronous
from sagebridge.local.serving.capture import Capture
from sagebridge.local.serving.hosting import Hosting
from sagebridge.local.serving.invocations import Invocation, Invocations
from sagebridge.local.settings import Settings
from sagebridge.local.shapes import Record, service
from sagebridge.local.store import Moto

FOLDER = "regions"
"""The folder of the regions besides the usual one, in the server's own folder."""


@dataclass(frozen=True)
class Shared:
    """What the regions of the account have in common."""

    moto: Moto
    """The account's other services."""
    settings: Settings
    """What is set at the moment."""
    faults: Faults
    """Says what is to go wrong."""


class Region:
    """SageMaker in one region, with what belongs to its endpoints.

    Args:
        name: the region, such as `eu-west-1`.
        server: the server's folder.
        shared: what the regions have in common.
    """

    def __init__(self, name: str, server: Path, shared: Shared) -> None:
        moto, times = shared.moto, shared.settings.times
        directory = server if name == REGION else server / FOLDER / name
        state = directory / "state"
        state.mkdir(parents=True, exist_ok=True)
        book = cloudwatch.AlarmBook(moto, name)
        targets = Targets(*_saved_state(state / "autoscaling.json"), book)
        self.scaling_targets = targets.registered
        resources = Resources(*_saved_state(state / "sagemaker.json"), name)
        self.endpoints = Endpoints(resources, targets.scaled_of)
        docker.remove_left_behind(directory / "endpoints")
        self.logs = Logs(directory / "logs", partial(moto_logs.register, moto, region=name))
        moto_logs.install(self.logs, name)
        self.alarm_states = partial(moto.alarm_states, region=name)
        self.hosting = Hosting(
            self.endpoints,
            moto,
            directory / "endpoints",
            logs=self.logs,
            settings=shared.settings,
            faults=shared.faults,
            alarm_states=self.alarm_states,
        )
        self.sagemaker = SageMaker(resources, self.endpoints, self.hosting.work, targets.remove_endpoint)
        self._capture = Capture(moto)
        self.recent: deque[Invocation] = deque(maxlen=RECENT)
        unpublished: deque[Invocation] = deque()
        observers = [self.recent.appendleft, unpublished.append]
        self.invocations = Invocations(self.hosting.route, observers, self._capture, name)
        self._asynchronous = Asynchronous(self.invocations, self.hosting.route, moto, state / "queue", name)
        self.runtime = Runtime(self.invocations, self._asynchronous)
        self.openai = OpenAi(self.invocations)
        metrics = Metrics(state / "metrics.jsonl", lambda: times().round_seconds)
        cloudwatch.install(metrics, name)
        scaler = Scaler(targets, self.sagemaker.call, times)
        self.scaling = Api(targets, scaler, self.sagemaker.call, book, name)
        gauges = Gauges(self._asynchronous.backlog, self._asynchronous.waited, self.hosting.loads, targets.scaled)
        self._monitoring = Monitoring(
            metrics,
            EndpointMetrics(metrics, unpublished, self.sagemaker.call, times, gauges),
            Alarms(book, metrics, times, scaler.scale),
            scaler,
            times,
        )

    def close(self) -> None:
        """Ends the workers."""
        self._monitoring.close()
        self._asynchronous.close()
        self.invocations.close()
        self._capture.flush()
        self.hosting.close()


def used(server: Path) -> list[str]:
    """Returns the regions of which a server keeps something, the usual one first."""
    return [REGION, *sorted(folder.name for folder in (server / FOLDER).glob("*") if folder.is_dir())]


@cache
def known() -> frozenset[str]:
    """Returns the regions of AWS that have SageMaker, without those of other partitions, whose ARNs are others."""
    partition = _models.endpoints()["partitions"][0]
    endpoints = partition["services"][service("sagemaker").endpoint_prefix]["endpoints"]
    return frozenset(endpoints) & frozenset(partition["regions"])


def _saved_state(file: Path) -> tuple[Record, Callable[[Record], None]]:
    """Returns a state that is kept in a JSON file, empty at first, and the function that keeps it."""
    state: Record = json.loads(file.read_text()) if file.exists() else {}
    return state, lambda state: write_file(file, json.dumps(state).encode())
