"""The life of endpoints: what is asked for and what becomes of it.

This module starts no process. `serving/` does the work of an endpoint, and reports what came of it to `Endpoints`.

The record of an endpoint keeps whole copies of the configuration and models that it was asked to run (its
deployments), because AWS lets both be deleted while the endpoint serves on. Besides what AWS describes, it has

- `asked`, the deployment last asked for, and `running`, the one that serves, if any. Each has its `id`, `config`,
  `models` and `StartTime`, and under `capacity` the capacities that its variants start with.
- `capacity`, the capacities of its variants as they run (see `variants`), and `desired`, the ones that an
  UpdateEndpointWeightsAndCapacities under way asks for.
- `stage`, what a deployment under way is doing, as DescribeEndpoint's `VariantStatus` says it.
- `events`, the last changes of its status: `{"time", "status", "config", "reason"?}`.
"""

import copy
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from sagebridge.local import deployment
from sagebridge.local.sagemaker import rules
from sagebridge.local.sagemaker.answers import SERVING
from sagebridge.local.sagemaker.resources import CONFIG, ENDPOINT, MODEL, Resources
from sagebridge.local.sagemaker.variants import (
    all_variants,
    changed_capacity,
    current_capacities,
    retain,
    starting_capacities,
)
from sagebridge.local.shapes import Record

MAX_EVENTS = 50


class Endpoints:
    """The account's endpoints and their configurations.

    Args:
        resources: the account's resources.
        scaled: returns the variants of an endpoint that Application Auto Scaling scales. It must not take a lock.
    """

    def __init__(self, resources: Resources, scaled: Callable[[str], Collection[str]] = lambda _: ()) -> None:
        self._resources = resources
        self._scaled = scaled

    # Operations, called while the service holds the resources.

    def new_config(self, request: Record) -> Record:
        """Returns the record of a new endpoint configuration.

        Raises:
            AwsError: `ValidationException`.
        """
        rules.check_variants(request)
        for variant in all_variants(request):
            rules.check_variant(variant)
            model = self._resources.find(MODEL, variant["ModelName"])
            if "ServerlessConfig" in variant:
                rules.check_serverless(request, variant["VariantName"], model)
            variant.setdefault("InitialVariantWeight", 1.0)
        return request

    def new_endpoint(self, request: Record) -> Record:
        """Returns the record of a new endpoint.

        Raises:
            AwsError: `ValidationException`.
        """
        deployment.check(request.get("DeploymentConfig", {}))
        endpoint = {
            "EndpointName": request["EndpointName"],
            "LastDeploymentConfig": request.get("DeploymentConfig"),
            "asked": self._new_deployment(request["EndpointConfigName"]),
        }
        _move(endpoint, "Creating")
        return endpoint

    def update(self, request: Record) -> Record:
        """Carries out UpdateEndpoint.

        Raises:
            AwsError: `ValidationException`.
        """
        endpoint = self._resources.find(ENDPOINT, request["EndpointName"])
        rules.check_updatable(endpoint)
        asked = self._new_deployment(request["EndpointConfigName"])
        old_config = endpoint["running"]["config"]
        rules.check_other_config(endpoint, request["EndpointConfigName"])
        rules.check_scaled(old_config, asked["config"], self._scaled(endpoint["EndpointName"]))
        policy = request.get("DeploymentConfig")
        if request.get("RetainDeploymentConfig"):
            policy = endpoint.get("LastDeploymentConfig")
        if policy:
            deployment.check(policy)
            rules.check_same_names(old_config, asked["config"])
        if request.get("RetainAllVariantProperties"):
            excluded = [item["VariantPropertyType"] for item in request.get("ExcludeRetainedVariantProperties", [])]
            retain(asked["capacity"], current_capacities(endpoint), excluded)
        endpoint |= {"LastDeploymentConfig": policy, "asked": asked}
        endpoint.pop("FailureReason", None)
        _move(endpoint, "Updating")
        return {"EndpointArn": endpoint["EndpointArn"]}

    def update_capacities(self, request: Record) -> Record:
        """Carries out UpdateEndpointWeightsAndCapacities.

        Raises:
            AwsError: `ValidationException`.
        """
        endpoint = self._resources.find(ENDPOINT, request["EndpointName"])
        rules.check_updatable(endpoint)
        desired = current_capacities(endpoint)
        changes = request["DesiredWeightsAndCapacities"]
        rules.check_capacity_changes(endpoint, desired, changes)
        desired |= {
            change["VariantName"]: changed_capacity(desired[change["VariantName"]], change) for change in changes
        }
        endpoint |= {"desired": desired, "asked": endpoint["running"]}
        endpoint.pop("FailureReason", None)
        _move(endpoint, "Updating")
        return {"EndpointArn": endpoint["EndpointArn"]}

    def delete(self, name: str) -> None:
        """Begins to delete an endpoint.

        Raises:
            AwsError: `ValidationException`.
        """
        endpoint = self._resources.find(ENDPOINT, name)
        rules.check_idle(endpoint)
        _move(endpoint, "Deleting")

    def _new_deployment(self, config_name: str) -> Record:
        config = self._resources.find(CONFIG, config_name)
        models = {
            variant["ModelName"]: self._resources.find(MODEL, variant["ModelName"]) for variant in all_variants(config)
        }
        return copy.deepcopy(
            {
                "id": uuid.uuid4().hex[:8],
                "config": config,
                "models": models,
                "capacity": starting_capacities(config),
                "StartTime": time.time(),
            }
        )

    # What `serving/` and the console ask.

    def find(self, name: str) -> Record | None:
        """Returns a copy of an endpoint's record, or None."""
        with self._resources.reading():
            return copy.deepcopy(self._resources.of(ENDPOINT).get(name))

    def names(self) -> list[str]:
        """Returns the names of all endpoints, sorted."""
        with self._resources.reading():
            return sorted(self._resources.of(ENDPOINT))

    def is_serving(self, name: str) -> bool:
        """Returns whether an endpoint takes invocations; asked at each invocation, so nothing is copied."""
        with self._resources.reading():
            endpoint = self._resources.of(ENDPOINT).get(name)
            return endpoint is not None and endpoint["EndpointStatus"] in SERVING

    def busy(self) -> list[str]:
        """Returns the names of the endpoints with work under way, which goes on when the server starts again."""
        with self._resources.reading():
            endpoints = self._resources.of(ENDPOINT).items()
            return [name for name, endpoint in endpoints if endpoint["EndpointStatus"] in rules.BUSY]

    # What `serving/` reports.

    def stage(self, name: str, status: str, message: str) -> None:
        """Notes what a deployment under way is doing.

        Args:
            name: the endpoint's name.
            status: AWS's VariantStatus, such as `Baking`.
            message: AWS's StatusMessage.
        """
        with self._changing(name) as endpoint:
            endpoint["stage"] = {"Status": status, "StatusMessage": message, "StartTime": time.time()}

    def deployed(self, name: str) -> None:
        """Notes that the deployment last asked for serves from now on."""
        with self._changing(name) as endpoint:
            endpoint |= {"running": endpoint["asked"], "capacity": endpoint["asked"]["capacity"]}
            _move(endpoint, "InService")

    def scaled(self, name: str) -> None:
        """Notes that the variants have the weights and capacities last asked for."""
        with self._changing(name) as endpoint:
            endpoint["capacity"] = endpoint.pop("desired")
            _move(endpoint, "InService")

    def failed(self, name: str, reason: str | None, *, at_once: bool = False) -> None:
        """Notes that what was last asked for failed: a new endpoint is Failed, one that serves rolls back.

        Args:
            name: the endpoint's name.
            reason: the FailureReason; None for a silent rollback.
            at_once: whether the rollback is done at the same time, so that nobody sees RollingBack.
        """
        with self._changing(name) as endpoint:
            if "running" not in endpoint:
                _move(endpoint, "Failed", reason)
                return
            _move(endpoint, "RollingBack", reason)
            if at_once:
                _roll_back(endpoint)

    def rolled_back(self, name: str) -> None:
        """Notes that the old configuration's fleet alone serves again."""
        with self._changing(name) as endpoint:
            _roll_back(endpoint)

    def deleted(self, name: str) -> None:
        """Notes that nothing remains of an endpoint."""
        with self._resources.changing():
            self._resources.remove(ENDPOINT, name)

    @contextmanager
    def _changing(self, name: str) -> Iterator[Record]:
        with self._resources.changing():
            yield self._resources.of(ENDPOINT)[name]


def _move(endpoint: Record, status: str, reason: str | None = None) -> None:
    """Changes the status of an endpoint, and adds that to its events."""
    now = time.time()
    failure = {"FailureReason": reason} if reason else {}
    endpoint |= {"EndpointStatus": status, "LastModifiedTime": now} | failure
    endpoint.pop("stage", None)
    shown = endpoint["asked"] if status in ("Creating", "Updating", "Failed") else endpoint.get("running")
    event = {"time": now, "status": status, "config": (shown or endpoint["asked"])["config"]["EndpointConfigName"]}
    event |= {"reason": reason} if reason else {}
    endpoint["events"] = [*endpoint.get("events", []), event][-MAX_EVENTS:]


def _roll_back(endpoint: Record) -> None:
    endpoint.pop("desired", None)
    endpoint["asked"] = endpoint["running"]
    _move(endpoint, "InService")
