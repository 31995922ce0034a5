"""SageMaker's control plane: models, endpoint configurations and endpoints, their rules and their life.

It holds what callers asked for and says what is; it starts no process. `serving/` does the work of an
endpoint and reports back through the methods under "The life of an endpoint".

The record of an endpoint keeps whole copies of the configuration and models that it was asked to run (its
deployments), since AWS lets both be deleted while the endpoint serves on.
"""

from __future__ import annotations

import copy
import time
import uuid
from dataclasses import dataclass
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, Any

from botocore.model import ListShape, StructureShape

from local import ACCOUNT, REGION
from local.shapes import AwsError, check, service

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.model import OperationModel

Record = dict[str, Any]
SERVING = ("InService", "Updating", "RollingBack")
BUSY = ("Creating", "Updating", "RollingBack", "Deleting")
MEMORY_SIZES = (1024, 2048, 3072, 4096, 5120, 6144)  # MB; AWS's guide to serverless endpoints
MAX_TAGS = 50
_INSTANCES = ("InstanceType", "InitialInstanceCount")
PAGE = 100  # items; SageMaker's largest page


@dataclass(frozen=True)
class Kind:
    """A kind of resource: the words that its operations, members, errors and ARNs are made of."""

    title: str  # Model, as in CreateModel and ModelName
    noun: str  # as errors say it
    arn: str  # the resource type in its ARN

    def arn_of(self, name: str) -> str:
        """Give the ARN of a resource of this kind."""
        return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{self.arn}/{name}"


MODEL = Kind("Model", "model", "model")
CONFIG = Kind("EndpointConfig", "endpoint configuration", "endpoint-config")
ENDPOINT = Kind("Endpoint", "endpoint", "endpoint")
KINDS = (MODEL, CONFIG, ENDPOINT)


def empty_state() -> Record:
    """Give the state of an account that has nothing in SageMaker."""
    return {kind.title: {} for kind in KINDS} | {"tags": {}}


def without_empty(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Drop members that are null or empty, at every depth: AWS leaves them out of its answers."""
    if isinstance(value, dict):
        kept = {key: without_empty(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item is not None and item not in ({}, [])}
    if isinstance(value, list):
        return [without_empty(item) for item in value]
    return value


class SageMaker:
    """The account's SageMaker.

    Args:
        state: as `empty_state` gives it, or as it was last saved.
        save: keeps the state; called before a change is acknowledged.
    """

    def __init__(self, state: Record, save: Callable[[Record], None]) -> None:
        self._state = state
        self._save = save
        self._lock = RLock()
        self._operations: dict[str, Callable[[Record], Record]] = {
            "UpdateEndpoint": self._update_endpoint,
            "AddTags": self._add_tags,
            "ListTags": self._list_tags,
            "DeleteTags": self._delete_tags,
        }
        self._new = {MODEL: _new_model, CONFIG: self._new_config, ENDPOINT: self._new_endpoint}
        for kind in KINDS:
            self._operations |= {
                f"Create{kind.title}": partial(self._create, kind),
                f"Describe{kind.title}": partial(self._describe, kind),
                f"Delete{kind.title}": partial(self._delete, kind),
                f"List{kind.title}s": partial(self._list, kind),
            }

    def call(self, name: str, request: Record) -> Record:
        """Carry out one operation, such as `CreateModel`.

        Raises:
            AwsError: as AWS would answer; `UnknownOperationException` for what is not served here.
        """
        operation = self._operations.get(name)
        if operation is None:
            raise AwsError(
                "UnknownOperationException",
                f"The local AWS has no SageMaker {name}. It has: {', '.join(sorted(self._operations))}.",
            )
        model = service("sagemaker").operation_model(name)
        check(model, request)
        with self._lock:
            answer = operation(copy.deepcopy(request))
            if not name.startswith(("Describe", "List")):
                self._save(self._state)
        return _shaped(model, answer)

    # Every kind of resource

    def _create(self, kind: Kind, request: Record) -> Record:
        name = request[f"{kind.title}Name"]
        arn = kind.arn_of(name)
        if name in self._state[kind.title]:
            raise _invalid(f'Cannot create already existing {kind.noun} "{arn}".')
        tags = request.pop("Tags", [])
        record = without_empty(self._new[kind](request))
        self._tag(arn, tags)
        self._state[kind.title][name] = record | {f"{kind.title}Arn": arn, "CreationTime": time.time()}
        return {f"{kind.title}Arn": arn}

    def _find(self, kind: Kind, name: str) -> Record:
        try:
            record: Record = self._state[kind.title][name]
        except KeyError:
            raise _invalid(f'Could not find {kind.noun} "{kind.arn_of(name)}".') from None
        return record

    def _describe(self, kind: Kind, request: Record) -> Record:
        record = self._find(kind, request[f"{kind.title}Name"])
        return _described_endpoint(record) if kind is ENDPOINT else record

    def _delete(self, kind: Kind, request: Record) -> Record:
        name = request[f"{kind.title}Name"]
        record = self._find(kind, name)
        if kind is ENDPOINT:
            _refuse_busy(record)
            record |= {"EndpointStatus": "Deleting", "LastModifiedTime": time.time()}
        else:
            self._remove(kind, name)
        return {}

    def _remove(self, kind: Kind, name: str) -> None:
        self._state[kind.title].pop(name, None)
        self._state["tags"].pop(kind.arn_of(name), None)

    def _list(self, kind: Kind, request: Record) -> Record:
        found = [
            record
            for name, record in self._state[kind.title].items()
            if request.get("NameContains", "").lower() in name.lower()
            and request.get("StatusEquals") in (None, record.get("EndpointStatus"))
            and _within(record, request)
        ]
        key = {"Name": f"{kind.title}Name"}.get(by := request.get("SortBy", "CreationTime"), by)
        if key == "Status":
            key = "EndpointStatus"
        found.sort(key=lambda record: record[key], reverse=request.get("SortOrder") != "Ascending")
        start = int(request.get("NextToken", "0"))
        end = start + request.get("MaxResults", PAGE)
        return {f"{kind.title}s": found[start:end]} | ({"NextToken": str(end)} if end < len(found) else {})

    # Tags

    def _tag(self, arn: str, tags: list[dict[str, str]]) -> dict[str, str]:
        merged: dict[str, str] = self._state["tags"].get(arn, {}) | {tag["Key"]: tag["Value"] for tag in tags}
        if len(merged) > MAX_TAGS:
            raise _invalid(f"A resource can have {MAX_TAGS} tags at most; {arn} would have {len(merged)}.")
        self._state["tags"][arn] = merged
        return merged

    def _add_tags(self, request: Record) -> Record:
        self._check_tagged(request["ResourceArn"])
        return {"Tags": _tag_list(self._tag(request["ResourceArn"], request["Tags"]))}

    def _list_tags(self, request: Record) -> Record:
        self._check_tagged(request["ResourceArn"])
        return {"Tags": _tag_list(self._state["tags"].get(request["ResourceArn"], {}))}

    def _delete_tags(self, request: Record) -> Record:
        self._check_tagged(request["ResourceArn"])
        for key in request["TagKeys"]:
            self._state["tags"].get(request["ResourceArn"], {}).pop(key, None)
        return {}

    def _check_tagged(self, arn: str) -> None:
        for kind in KINDS:
            name = arn.removeprefix(kind.arn_of(""))
            if name != arn:
                self._find(kind, name)
                return
        raise _invalid(f'Could not find resource "{arn}".')

    # Endpoint configurations and endpoints

    def _new_config(self, request: Record) -> Record:
        variants = request["ProductionVariants"] + request.get("ShadowProductionVariants", [])
        names = [variant["VariantName"] for variant in variants]
        if len(set(names)) < len(names):
            raise _invalid(f"Variant names must be unique within an endpoint configuration; got {names}.")
        for variant in variants:
            _check_variant(variant)
            self._find(MODEL, variant["ModelName"])
            variant.setdefault("InitialVariantWeight", 1.0)
        return request

    def _deployment(self, config_name: str) -> Record:
        config = self._find(CONFIG, config_name)
        names = {variant["ModelName"] for variant in config["ProductionVariants"]}
        models = {name: self._find(MODEL, name) for name in names}
        return copy.deepcopy({"id": uuid.uuid4().hex[:8], "config": config, "models": models, "StartTime": time.time()})

    def _new_endpoint(self, request: Record) -> Record:
        return {
            "EndpointName": request["EndpointName"],
            "EndpointStatus": "Creating",
            "LastModifiedTime": time.time(),
            "LastDeploymentConfig": request.get("DeploymentConfig"),
            "asked": self._deployment(request["EndpointConfigName"]),
        }

    def _update_endpoint(self, request: Record) -> Record:
        record = self._find(ENDPOINT, request["EndpointName"])
        _refuse_busy(record)
        if record["EndpointStatus"] == "Failed":  # AWS: "DeleteEndpoint is the only operation" for one that failed
            raise _invalid(f'Cannot update failed endpoint "{record["EndpointArn"]}". Delete it and create it again.')
        if request.get("RetainAllVariantProperties"):
            raise _invalid("The local AWS does not know RetainAllVariantProperties: it has no autoscaling.")
        asked = self._deployment(request["EndpointConfigName"])
        if not request.get("RetainDeploymentConfig"):
            record["LastDeploymentConfig"] = request.get("DeploymentConfig")
        record |= {"EndpointStatus": "Updating", "LastModifiedTime": time.time(), "asked": asked}
        record.pop("FailureReason", None)
        return {"EndpointArn": record["EndpointArn"]}

    # The life of an endpoint, for serving/

    def endpoint(self, name: str) -> Record | None:
        """Give a copy of an endpoint's record, or None.

        Its `asked` is the deployment last asked for, its `running` the one that serves, if any.
        """
        with self._lock:
            found: Record | None = self._state[ENDPOINT.title].get(name)
            return copy.deepcopy(found)

    def is_serving(self, name: str) -> bool:
        """Tell whether there is an endpoint that takes invocations; asked at each one, so nothing is copied."""
        with self._lock:
            found = self._state[ENDPOINT.title].get(name)
            return found is not None and found["EndpointStatus"] in SERVING

    def busy_endpoints(self) -> list[str]:
        """Name the endpoints with work under way, which goes on when the server starts again."""
        with self._lock:
            return [name for name, record in self._state[ENDPOINT.title].items() if record["EndpointStatus"] in BUSY]

    def count_endpoints(self) -> int:
        """Count the endpoints, whatever their status."""
        return len(self._state[ENDPOINT.title])

    def deployed(self, name: str) -> None:
        """The deployment last asked for serves from now on."""
        self._move(name, "InService", running=self._state[ENDPOINT.title][name]["asked"])

    def failed(self, name: str, reason: str) -> None:
        """The deployment last asked for came to nothing: a new endpoint ends, one that serves rolls back."""
        serving = "running" in self._state[ENDPOINT.title][name]
        self._move(name, "RollingBack" if serving else "Failed", FailureReason=reason)

    def rolled_back(self, name: str) -> None:
        """Only the old configuration's fleet is left, and serves."""
        self._move(name, "InService")

    def deleted(self, name: str) -> None:
        """Nothing is left of an endpoint."""
        with self._lock:
            self._remove(ENDPOINT, name)
            self._save(self._state)

    def _move(self, name: str, status: str, **members: object) -> None:
        with self._lock:
            self._state[ENDPOINT.title][name] |= {
                "EndpointStatus": status,
                "LastModifiedTime": time.time(),
                **members,
            }
            self._save(self._state)


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)


def _refuse_busy(endpoint: Record) -> None:
    if endpoint["EndpointStatus"] in BUSY:
        raise _invalid(f'Cannot update in-progress endpoint "{endpoint["EndpointArn"]}".')


def _new_model(request: Record) -> Record:
    if ("PrimaryContainer" in request) == ("Containers" in request):
        raise _invalid("A model needs either PrimaryContainer or Containers.")
    for container in containers(request):
        if "Image" not in container:
            raise _invalid("The local AWS has no model packages: each container needs an Image.")
        container.setdefault("Mode", "SingleModel")
        source = container.get("ModelDataSource", {}).get("S3DataSource")
        if "ModelDataUrl" in container and source is None:  # AWS answers with both forms
            url = container["ModelDataUrl"]
            data = {"S3Uri": url, "S3DataType": "S3Object", "CompressionType": "Gzip"}
            container["ModelDataSource"] = {"S3DataSource": data}
    return {"EnableNetworkIsolation": False} | request


def containers(model: Record) -> list[Record]:
    """Give a model's containers in the order in which they serve."""
    found: list[Record] = model.get("Containers") or [model["PrimaryContainer"]]
    return found


def _check_variant(variant: Record) -> None:
    name = variant["VariantName"]
    if "ModelName" not in variant:
        raise _invalid(f"Variant {name} needs a ModelName: the local AWS has no inference components.")
    serverless = variant.get("ServerlessConfig")
    instances = [member for member in _INSTANCES if member in variant]
    if serverless and instances:
        raise _invalid(f"Variant {name} has a ServerlessConfig, so it cannot have {' and '.join(instances)}.")
    if not serverless and len(instances) < len(_INSTANCES):
        raise _invalid(f"Variant {name} needs InstanceType and InitialInstanceCount, or else a ServerlessConfig.")
    if serverless and serverless["MemorySizeInMB"] not in MEMORY_SIZES:
        raise _invalid(f"MemorySizeInMB of variant {name} must be one of {', '.join(map(str, MEMORY_SIZES))}.")


def _described_endpoint(record: Record) -> Record:
    asked: Record = record["asked"]
    deployment: Record = record.get("running", asked)
    config = deployment["config"]
    answer = {
        **record,
        "EndpointConfigName": config["EndpointConfigName"],
        "AsyncInferenceConfig": config.get("AsyncInferenceConfig"),
    }
    if "running" in record:
        answer["ProductionVariants"] = [_summary(variant, deployment) for variant in config["ProductionVariants"]]
    if record["EndpointStatus"] in ("Creating", "Updating"):
        answer["PendingDeploymentSummary"] = {
            "EndpointConfigName": asked["config"]["EndpointConfigName"],
            "ProductionVariants": [_summary(variant, asked) for variant in asked["config"]["ProductionVariants"]],
            "StartTime": asked["StartTime"],
        }
    return answer


def _summary(variant: Record, deployment: Record) -> Record:
    """Describe a variant as it runs, without ResolvedImage, the digest of a pulled image: none is pulled."""
    images = [container["Image"] for container in containers(deployment["models"][variant["ModelName"]])]
    weight = variant["InitialVariantWeight"]
    count = variant.get("InitialInstanceCount", 0)
    kept = {key: variant.get(key) for key in ("ManagedInstanceScaling", "RoutingConfig")}
    return kept | {
        "VariantName": variant["VariantName"],
        "DeployedImages": [{"SpecifiedImage": image, "ResolutionTime": deployment["StartTime"]} for image in images],
        "CurrentWeight": weight,
        "DesiredWeight": weight,
        "CurrentInstanceCount": count,
        "DesiredInstanceCount": count,
        "CurrentServerlessConfig": variant.get("ServerlessConfig"),
    }


def _tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _within(record: Record, request: Record) -> bool:
    """Tell whether a record's times are in the span that a List operation asks for."""
    return all(
        request.get(f"{time_of}After", float("-inf"))
        <= record.get(time_of, 0)
        <= request.get(f"{time_of}Before", float("inf"))
        for time_of in ("CreationTime", "LastModifiedTime")
    )


def _shaped(operation: OperationModel, answer: Record) -> Record:
    """Keep of an answer what AWS answers: the operation's own members, none of them empty."""
    shape = operation.output_shape
    if shape is None:
        return {}
    kept = {name: value for name, value in answer.items() if name in shape.members}
    if not operation.name.startswith("List"):
        return dict(without_empty(kept))
    for name, member in shape.members.items():  # an empty list is an answer here
        if isinstance(member, ListShape) and isinstance(member.member, StructureShape):
            kept[name] = [{key: item[key] for key in member.member.members if key in item} for item in kept[name]]
    return kept
