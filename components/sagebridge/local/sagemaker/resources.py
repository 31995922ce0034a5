"""The account's resources in SageMaker: their kinds as data, how they are kept, listed and tagged."""

import base64
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock
from typing import Any

from sagebridge.local import ACCOUNT, REGION
from sagebridge.local.shapes import Record, invalid

MAX_TAGS = 50
"""Tags that a resource can have."""
_ARN = re.compile(r"arn:[^:]*:sagemaker:(?P<region>[^:]*):")
PAGE = 100
"""Items of SageMaker's largest page."""


@dataclass(frozen=True)
class Kind:
    """A kind of resource: the words that its operations, members, errors and ARNs are made of."""

    title: str
    """The word in its operations and members: `Model`, as in `CreateModel` and `ModelName`."""
    noun: str
    """What errors call it."""
    arn_type: str
    """The resource type in its ARN."""
    list_member: str
    """The member of a List operation's answer that holds the page."""
    sort_order: str = "Descending"
    """The order of a list when the request names none; source: botocore, the documentation of each SortOrder."""
    not_found: str = 'Could not find {noun} "{arn}".'
    """AWS's error for a name that no resource has."""


MODEL = Kind("Model", "model", "model", "Models")
CONFIG = Kind("EndpointConfig", "endpoint configuration", "endpoint-config", "EndpointConfigs")
ENDPOINT = Kind("Endpoint", "endpoint", "endpoint", "Endpoints")
PACKAGE = Kind("ModelPackage", "model package", "model-package", "ModelPackageSummaryList", "Ascending")
GROUP = Kind(
    "ModelPackageGroup",
    "model package group",
    "model-package-group",
    "ModelPackageGroupSummaryList",
    "Ascending",
    # hashicorp/terraform-provider-aws looks for "does not exist" (model_package_group.go)
    "Model Package Group {arn} does not exist.",
)
KINDS = (MODEL, CONFIG, ENDPOINT, PACKAGE, GROUP)


class Resources:
    """The account's resources in a region, and their tags.

    Its methods are called while `reading` or `changing` holds the state still.

    Args:
        state: as it was last saved; an account without resources has an empty one.
        save: keeps the state.
        region: the region.
    """

    def __init__(self, state: Record, save: Callable[[Record], None], region: str = REGION) -> None:
        self.region = region
        self._state: Record = {kind.title: {} for kind in KINDS} | {"tags": {}} | state
        self._save = save
        self._lock = RLock()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Holds the state still while something is read."""
        with self._lock:
            yield

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Holds the state still for a change, which is saved when this ends without an error."""
        with self._lock:
            yield
            self._save(self._state)

    def arn_of(self, kind: Kind, name: str) -> str:
        """Returns the ARN of a resource."""
        return f"arn:aws:sagemaker:{self.region}:{ACCOUNT}:{kind.arn_type}/{name}"

    def name_of(self, kind: Kind, name_or_arn: str) -> str:
        """Returns the name of a resource, for which a request may give its ARN instead.

        Raises:
            AwsError: `ValidationException` for an ARN of another region; the words are AWS's
                (aws/amazon-sagemaker-examples#1438).
        """
        arn = _ARN.match(name_or_arn)
        if arn and arn["region"] != self.region:
            raise invalid(f"ARN should be scoped to correct region: {self.region}")
        return name_or_arn.removeprefix(self.arn_of(kind, ""))

    def name_in(self, kind: Kind, request: Record) -> str:
        """Returns the name of the resource that a request is about.

        Raises:
            AwsError: `ValidationException` for an ARN of another region.
        """
        return self.name_of(kind, request[f"{kind.title}Name"])

    def of(self, kind: Kind) -> dict[str, Record]:
        """Returns the records of a kind by the resources' names."""
        records: dict[str, Record] = self._state[kind.title]
        return records

    def find(self, kind: Kind, name: str) -> Record:
        """Returns the record of a resource.

        Raises:
            AwsError: `ValidationException` if there is no such resource.
        """
        try:
            return self.of(kind)[name]
        except KeyError:
            raise invalid(kind.not_found.format(noun=kind.noun, arn=self.arn_of(kind, name))) from None

    def check_new(self, kind: Kind, name: str) -> None:
        """Refuses a name that a resource has already.

        Raises:
            AwsError: `ValidationException`.
        """
        if name in self.of(kind):
            raise invalid(f'Cannot create already existing {kind.noun} "{self.arn_of(kind, name)}".')

    def add(self, kind: Kind, name: str, record: Record, tags: list[dict[str, str]]) -> str:
        """Adds a resource and returns its ARN.

        Raises:
            AwsError: `ValidationException` for too many tags.
        """
        arn = self.arn_of(kind, name)
        self.tag(arn, tags)
        self.of(kind)[name] = record | {f"{kind.title}Arn": arn, "CreationTime": time.time()}
        return arn

    def remove(self, kind: Kind, name: str) -> None:
        """Removes a resource and its tags, if it exists."""
        self.of(kind).pop(name, None)
        self._state["tags"].pop(self.arn_of(kind, name), None)

    def tags(self, arn: str) -> dict[str, str]:
        """Returns the tags of a resource.

        Raises:
            AwsError: `ValidationException` if there is no such resource.
        """
        for kind in KINDS:
            name = self.name_of(kind, arn)
            if name != arn:
                self.find(kind, name)
                tags: dict[str, str] = self._state["tags"].get(arn, {})
                return tags
        raise invalid(f'Could not find resource "{arn}".')

    def tag(self, arn: str, tags: list[dict[str, str]]) -> None:
        """Adds tags to those of a resource.

        Raises:
            AwsError: `ValidationException` for too many tags.
        """
        merged = self._state["tags"].get(arn, {}) | {tag["Key"]: tag["Value"] for tag in tags}
        if len(merged) > MAX_TAGS:
            raise invalid(f"A resource can have {MAX_TAGS} tags at most; {arn} would have {len(merged)}.")
        self._state["tags"][arn] = merged


def page(kind: Kind, records: Mapping[str, Record], request: Record) -> Record:
    """Answers a List operation.

    Args:
        kind: the kind that is listed.
        records: the resources of that kind, by their names.
        request: the operation's request, with AWS's filters, order and token.

    Raises:
        AwsError: `ValidationException` for a token that no such list gave.
    """
    matching = [record for name, record in records.items() if _matches(name, record, request)]
    sort_by: str = request.get("SortBy", "CreationTime")
    key = {"Name": f"{kind.title}Name", "Status": "EndpointStatus"}.get(sort_by, sort_by)
    descending = request.get("SortOrder", kind.sort_order) == "Descending"

    def place(record: Record) -> list[Any]:
        return [record[key], record[f"{kind.title}Arn"]]

    matching.sort(key=place, reverse=descending)
    if token := request.get("NextToken"):
        last = _read_token(token, f"{kind.title} {sort_by}")
        matching = [record for record in matching if (place(record) < last if descending else place(record) > last)]
    records_shown = matching[: request.get("MaxResults", PAGE)]
    answer: Record = {kind.list_member: records_shown}
    if len(records_shown) < len(matching):
        answer["NextToken"] = _token(f"{kind.title} {sort_by}", place(records_shown[-1]))
    return answer


def _matches(name: str, record: Record, request: Record) -> bool:
    """Returns whether a resource passes the filters of a List operation."""
    return (
        request.get("NameContains", "").lower() in name.lower()
        and request.get("StatusEquals") in (None, record.get("EndpointStatus"))
        and all(
            request.get(f"{member}After", float("-inf"))
            <= record.get(member, 0)
            <= request.get(f"{member}Before", float("inf"))
            for member in ("CreationTime", "LastModifiedTime")
        )
    )


def _token(order: str, place: list[Any]) -> str:
    """Returns the token with which a list continues after a place in its order."""
    return base64.urlsafe_b64encode(json.dumps([order, place]).encode()).decode()


def _read_token(token: str, order: str) -> list[Any]:
    try:
        token_order, place = json.loads(base64.urlsafe_b64decode(token.encode()))
        sortable = float if "Time" in order else str
        if token_order == order and isinstance(place[0], sortable) and isinstance(place[1], str):
            return list(place)
    except (ValueError, TypeError, LookupError):
        pass
    raise invalid("The NextToken is not one that the last answer to this operation gave, sorted in the same way.")
