"""Scalable targets: the variants that are scaled, with their policies, scheduled actions and activities."""

from collections import defaultdict
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from threading import RLock

from sagebridge.local.cloudwatch.moto import AlarmBook
from sagebridge.local.shapes import Record, invalid

NAMESPACE = "sagemaker"
INSTANCES = "sagemaker:variant:DesiredInstanceCount"
CONCURRENCY = "sagemaker:variant:DesiredProvisionedConcurrency"
DIMENSIONS = {INSTANCES: "desired instance count", CONCURRENCY: "desired provisioned concurrency"}
"""The dimensions of a variant that can be scaled, and what activities call them."""


@dataclass(frozen=True)
class Registered:
    """What Application Auto Scaling has of an endpoint."""

    targets: list[Record]
    """Its scalable targets."""
    policies: list[Record]
    """The scaling policies of its targets."""
    actions: list[Record]
    """The scheduled actions of its targets."""
    activities: list[Record]
    """Its last scaling activities, the newest first."""


class Targets:
    """The account's scalable targets.

    The API and the scaler change what is in here while they hold `lock`, and then call `save`.

    Args:
        state: as it was last saved; an account that scales nothing has an empty one.
        save: keeps the state.
        book: the account's alarms.
    """

    targets: dict[str, Record]
    """The targets by their keys (see `key_of`)."""
    policies: dict[str, dict[str, Record]]
    """The scaling policies of each target, by their names."""
    actions: dict[str, dict[str, Record]]
    """The scheduled actions of each target, by their names."""

    def __init__(self, state: Record, save: Callable[[Record], None], book: AlarmBook) -> None:
        self.lock = RLock()
        empty: Record = {"targets": {}, "policies": {}, "actions": {}, "activities": []}
        self._state = empty | state
        self.targets = self._state["targets"]
        self.policies = self._state["policies"]
        self.actions = self._state["actions"]
        self._save = save
        self._book = book

    @property
    def activities(self) -> list[Record]:
        """The last scaling activities, the newest first."""
        activities: list[Record] = self._state["activities"]
        return activities

    @activities.setter
    def activities(self, activities: list[Record]) -> None:
        self._state["activities"] = activities

    def save(self) -> None:
        """Keeps what was changed."""
        self._save(self._state)

    def scaled(self) -> dict[str, set[str]]:
        """Returns the variants that are scalable targets, by endpoint. It takes no lock, so it is safe anywhere."""
        variants: defaultdict[str, set[str]] = defaultdict(set)
        for target in list(self.targets.values()):
            endpoint, variant = variant_of(target)
            variants[endpoint].add(variant)
        return dict(variants)

    def scaled_of(self, endpoint: str) -> set[str]:
        """Returns the variants of an endpoint that are scalable targets. It takes no lock, so it is safe anywhere."""
        return self.scaled().get(endpoint, set())

    def registered(self, endpoint: str) -> Registered:
        """Returns a copy of all that there is of an endpoint."""
        with self.lock:
            keys = [key for key, target in self.targets.items() if variant_of(target)[0] == endpoint]
            registered = Registered(
                [self.targets[key] for key in keys],
                [policy for key in keys for policy in self.policies.get(key, {}).values()],
                [action for key in keys for action in self.actions.get(key, {}).values()],
                [activity for activity in self.activities if variant_of(activity)[0] == endpoint],
            )
            return deepcopy(registered)

    def remove(self, key: str) -> None:
        """Removes a target with its policies, their alarms, and its scheduled actions."""
        for policy in self.policies.pop(key, {}).values():
            self._book.delete(alarm["AlarmName"] for alarm in policy["Alarms"])
        self.actions.pop(key, None)
        del self.targets[key]

    def remove_endpoint(self, endpoint: str) -> None:
        """Deregisters the variants of an endpoint that is deleted.

        Source: SageMaker's guide, "Delete endpoints configured for automatic scaling".
        """
        with self.lock:
            keys = [key for key, target in self.targets.items() if variant_of(target)[0] == endpoint]
            for key in keys:
                self.remove(key)
            if keys:
                self.save()


def key_of(request: Record) -> str:
    """Returns the key of the scalable target that a request is about.

    Raises:
        AwsError: `ValidationException`, in moto's words for AWS's.
    """
    match request["ResourceId"].split("/"):
        case ["endpoint", _, "variant", _] if request["ScalableDimension"] in DIMENSIONS:
            return f"{request['ResourceId']} {request['ScalableDimension']}"
    raise invalid("Unsupported service namespace, resource type or scalable dimension")


def variant_of(record: Record) -> tuple[str, str]:
    """Returns the names of the endpoint and the variant that a target, policy, action or activity is about."""
    _, endpoint, _, variant = record["ResourceId"].split("/")
    return endpoint, variant


def identity(record: Record) -> Record:
    """Returns the members by which AWS identifies the target of a record."""
    return {name: record[name] for name in ("ServiceNamespace", "ResourceId", "ScalableDimension")}
