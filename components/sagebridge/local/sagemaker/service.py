"""SageMaker's control plane: models, endpoint configurations and endpoints, their rules and their life.

It holds what callers asked for and says what is; it starts no process. `serving/` does the work of an
endpoint and reports back through the methods under "The life of an endpoint".

The record of an endpoint keeps whole copies of the configuration and models that it was asked to run (its
deployments), since AWS lets both be deleted while the endpoint serves on. Besides what AWS describes it has

- `asked`, the deployment last asked for, and `running`, the one that serves, if any: each with its `id`, `config`,
  `models`, `StartTime`, and `capacity`, that of its variants when it starts,
- `capacity`, that of the variants as they run: `{variant: {"weight", "count", "serverless"}}`, and `desired`, the one
  that an UpdateEndpointWeightsAndCapacities under way asks for,
- `stage`, what a deployment under way is doing, as DescribeEndpoint's `VariantStatus` says it,
- `events`, the last changes of its status: `{"time", "status", "config", "reason"?}`.
"""

from __future__ import annotations

import base64
import copy
import json
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from threading import RLock
from typing import TYPE_CHECKING, Any

from botocore.model import ListShape, StructureShape

from sagebridge.local import ACCOUNT, REGION, deployment
from sagebridge.local.shapes import AwsError, check, service

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from botocore.model import OperationModel

Record = dict[str, Any]
SERVING = ("InService", "Updating", "RollingBack")
BUSY = ("Creating", "Updating", "RollingBack", "Deleting")
WORK = ("CreateEndpoint", "UpdateEndpoint", "UpdateEndpointWeightsAndCapacities", "DeleteEndpoint")  # for serving/
MEMORY_SIZES = (1024, 2048, 3072, 4096, 5120, 6144)  # MB; AWS's guide to serverless endpoints
MAX_TAGS = 50
MAX_EVENTS = 50
_INSTANCES = ("InstanceType", "InitialInstanceCount")
_DESCRIBED = ("AsyncInferenceConfig", "ExplainerConfig", "MetricsConfig", "CrossRegionTrafficConfig")  # as configured
PAGE = 100  # items; SageMaker's largest page


@dataclass(frozen=True)
class Kind:
    """A kind of resource: the words that its operations, members, errors and ARNs are made of."""

    title: str  # Model, as in CreateModel and ModelName
    noun: str  # as errors say it
    arn: str  # the resource type in its ARN
    listed: str  # the member of a List operation's answer
    missing: str = 'Could not find {noun} "{arn}".'

    def arn_of(self, name: str) -> str:
        """Give the ARN of a resource of this kind."""
        return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{self.arn}/{name}"


MODEL = Kind("Model", "model", "model", "Models")
CONFIG = Kind("EndpointConfig", "endpoint configuration", "endpoint-config", "EndpointConfigs")
ENDPOINT = Kind("Endpoint", "endpoint", "endpoint", "Endpoints")
PACKAGE = Kind("ModelPackage", "model package", "model-package", "ModelPackageSummaryList")
GROUP = Kind(  # hashicorp/terraform-provider-aws looks for "does not exist" (model_package_group.go)
    "ModelPackageGroup",
    "model package group",
    "model-package-group",
    "ModelPackageGroupSummaryList",
    "Model Package Group {arn} does not exist.",
)
KINDS = (MODEL, CONFIG, ENDPOINT, PACKAGE, GROUP)


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
        scaled: gives the variants of an endpoint that Application Auto Scaling scales.
    """

    def __init__(
        self,
        state: Record,
        save: Callable[[Record], None],
        scaled: Callable[[str], Collection[str]] = lambda _: (),
    ) -> None:
        self._state = empty_state() | state
        self._save = save
        self._scaled = scaled
        self._lock = RLock()
        self._operations: dict[str, Callable[[Record], Record]] = {
            "UpdateEndpoint": self._update_endpoint,
            "UpdateEndpointWeightsAndCapacities": self._update_capacities,
            "UpdateModelPackage": self._update_package,
            "AddTags": self._add_tags,
            "ListTags": self._list_tags,
            "DeleteTags": self._delete_tags,
        }
        self._new = {
            MODEL: self._new_model,
            CONFIG: self._new_config,
            ENDPOINT: self._new_endpoint,
            PACKAGE: self._new_package,
            GROUP: _new_group,
        }
        for kind in KINDS:
            self._operations |= {
                f"Create{kind.title}": partial(self._create, kind),
                f"Describe{kind.title}": partial(self._describe, kind),
                f"Delete{kind.title}": partial(self._delete, kind),
                f"List{kind.title}s": partial(self._list, kind),
            }

    @property
    def operations(self) -> list[str]:
        """The names of the operations that there are."""
        return sorted(self._operations)

    def call(self, name: str, request: Record) -> Record:
        """Carry out one operation, such as `CreateModel`.

        Raises:
            AwsError: as AWS would answer; `UnknownOperationException` for what is not served here.
        """
        operation = self._operations.get(name)
        if operation is None:
            raise AwsError(
                "UnknownOperationException",
                f"The local AWS has no SageMaker {name}. It has: {', '.join(self.operations)}.",
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
        tags = request.pop("Tags", [])
        if kind is PACKAGE:
            request = self._package_name(request)
        name = _key(kind, request)
        arn = kind.arn_of(name)
        if name in self._state[kind.title]:
            raise _invalid(f'Cannot create already existing {kind.noun} "{arn}".')
        record = self._new[kind](without_empty(request))
        self._tag(arn, tags)
        self._state[kind.title][name] = record | {f"{kind.title}Arn": arn, "CreationTime": time.time()}
        return {f"{kind.title}Arn": arn}

    def _find(self, kind: Kind, name: str) -> Record:
        try:
            record: Record = self._state[kind.title][name]
        except KeyError:
            raise _invalid(kind.missing.format(noun=kind.noun, arn=kind.arn_of(name))) from None
        return record

    def _describe(self, kind: Kind, request: Record) -> Record:
        record = self._find(kind, _key(kind, request))
        return _described_endpoint(record) if kind is ENDPOINT else record

    def _delete(self, kind: Kind, request: Record) -> Record:
        name = _key(kind, request)
        record = self._find(kind, name)
        if kind is ENDPOINT:
            _refuse_busy(record)
            _move(record, "Deleting")
        elif kind is GROUP and any(item.get("ModelPackageGroupName") == name for item in self._packages()):
            raise AwsError(  # botocore, DeleteModelPackageGroup: ConflictException; the words are ours
                "ConflictException", f'Model package group "{kind.arn_of(name)}" still has model packages.'
            )
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
            and (kind is not PACKAGE or _is_asked(record, request))
        ]
        by: str = request.get("SortBy", "CreationTime")
        key = {"Name": f"{kind.title}Name", "Status": "EndpointStatus"}.get(by, by)
        # The order unless asked for: botocore, the documentation of each SortOrder
        usual = "Ascending" if kind in (PACKAGE, GROUP) else "Descending"
        descending = request.get("SortOrder", usual) == "Descending"

        def place(record: Record) -> list[Any]:
            return [record[key], record[f"{kind.title}Arn"]]

        found.sort(key=place, reverse=descending)
        if token := request.get("NextToken"):
            last = _read_token(token, f"{kind.title} {by}")
            found = [record for record in found if (place(record) < last if descending else place(record) > last)]
        page = found[: request.get("MaxResults", PAGE)]
        more = len(page) < len(found)
        return {kind.listed: page} | ({"NextToken": _token(f"{kind.title} {by}", place(page[-1]))} if more else {})

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

    # Models and their packages

    def _new_model(self, request: Record) -> Record:
        if ("PrimaryContainer" in request) == ("Containers" in request):
            raise _invalid("A model needs either PrimaryContainer or Containers.")
        asked = containers(request)
        for container in asked:
            if ("Image" in container) == ("ModelPackageName" in container):
                raise _invalid("Each container of a model needs either an Image or a ModelPackageName.")
            if "Image" in container:
                _complete(container)
        resolved = {}
        if any("ModelPackageName" in container for container in asked):
            resolved = {"resolved": [part for container in asked for part in self._resolved(container)]}
        return {"EnableNetworkIsolation": False} | request | resolved

    def _resolved(self, container: Record) -> list[Record]:
        """Give the containers that one container of a model stands for: itself, or those of its package."""
        if "ModelPackageName" not in container:
            return [container]
        package = self._find(PACKAGE, container["ModelPackageName"].removeprefix(PACKAGE.arn_of("")))
        # botocore, CreateModelPackageInput: "the value of this parameter must be set to Approved to deploy the model"
        if "ModelPackageGroupName" in package and package["ModelApprovalStatus"] != "Approved":
            raise _invalid(f'Model package "{package["ModelPackageArn"]}" is not approved.')
        found: list[Record] = copy.deepcopy(package.get("InferenceSpecification", {}).get("Containers", []))
        if not found:
            raise _invalid(f'Model package "{package["ModelPackageArn"]}" has no containers.')
        for part in found:
            _complete(part)
            part["Environment"] = part.get("Environment", {}) | container.get("Environment", {})
        return found

    def _packages(self) -> list[Record]:
        return list(self._state[PACKAGE.title].values())

    def _package_name(self, request: Record) -> Record:
        """Name a package by its group and version, or by itself.

        botocore, CreateModelPackageInput: ModelPackageName "is required for unversioned models. It is not applicable
        to versioned models", for which ModelPackageGroupName is required.
        """
        if ("ModelPackageName" in request) == ("ModelPackageGroupName" in request):
            raise _invalid("A model package needs either ModelPackageName or ModelPackageGroupName.")
        if "ModelPackageName" in request:
            return request
        group = self._find(GROUP, _key(GROUP, request))
        name = group["ModelPackageGroupName"]
        group["last"] = group.get("last", 0) + 1
        return request | {
            "ModelPackageName": f"{name}/{group['last']}",
            "ModelPackageGroupName": name,
            "ModelPackageVersion": group["last"],
        }

    def _new_package(self, request: Record) -> Record:
        request["ModelPackageName"] = request["ModelPackageName"].partition("/")[0]
        versioned = {"ModelApprovalStatus": "PendingManualApproval"} if "ModelPackageGroupName" in request else {}
        return versioned | request | {"ModelPackageStatus": "Completed"}

    def _update_package(self, request: Record) -> Record:
        arn = request.pop("ModelPackageArn")
        package = self._find(PACKAGE, arn.removeprefix(PACKAGE.arn_of("")))
        properties = package.get("CustomerMetadataProperties", {}) | request.pop("CustomerMetadataProperties", {})
        for key in request.pop("CustomerMetadataPropertiesToRemove", []):
            properties.pop(key, None)
        more = request.pop("AdditionalInferenceSpecificationsToAdd", [])
        package |= request | {
            "CustomerMetadataProperties": properties,
            "AdditionalInferenceSpecifications": package.get("AdditionalInferenceSpecifications", []) + more,
            "LastModifiedTime": time.time(),
        }
        return {"ModelPackageArn": arn}

    # Endpoint configurations and endpoints

    def _new_config(self, request: Record) -> Record:
        shadows = request.get("ShadowProductionVariants", [])
        # botocore, CreateEndpointConfigInput.ShadowProductionVariants: "If you use this field, you can only specify
        # one variant for ProductionVariants and one variant for ShadowProductionVariants."
        if shadows and (len(shadows), len(request["ProductionVariants"])) != (1, 1):
            raise _invalid("With ShadowProductionVariants, there must be one production and one shadow variant.")
        variants = all_variants(request)
        names = [variant["VariantName"] for variant in variants]
        if len(set(names)) < len(names):
            raise _invalid(f"Variant names must be unique within an endpoint configuration; got {names}.")
        for variant in variants:
            _check_variant(variant)
            model = self._find(MODEL, variant["ModelName"])
            if "ServerlessConfig" in variant:
                _check_serverless(request, variant["VariantName"], model)
            variant.setdefault("InitialVariantWeight", 1.0)
        return request

    def _deployment(self, config_name: str) -> Record:
        config = self._find(CONFIG, config_name)
        variants = all_variants(config)
        models = {variant["ModelName"]: self._find(MODEL, variant["ModelName"]) for variant in variants}
        capacity = {variant["VariantName"]: _capacity_of(variant) for variant in variants}
        found = {"config": config, "models": models, "capacity": capacity, "StartTime": time.time()}
        return copy.deepcopy({"id": uuid.uuid4().hex[:8], **found})

    def _new_endpoint(self, request: Record) -> Record:
        deployment.check(request.get("DeploymentConfig", {}))
        record = {
            "EndpointName": request["EndpointName"],
            "LastDeploymentConfig": request.get("DeploymentConfig"),
            "asked": self._deployment(request["EndpointConfigName"]),
        }
        _move(record, "Creating")
        return record

    def _update_endpoint(self, request: Record) -> Record:
        record = self._find(ENDPOINT, request["EndpointName"])
        _refuse_busy(record)
        _refuse_failed(record)
        asked = self._deployment(request["EndpointConfigName"])
        running = record["running"]
        # botocore, UpdateEndpoint: "To update an endpoint, you must create a new EndpointConfig." That the one in use
        # is refused is what an integration test against AWS says (fennel-ai's TestUpdateEndpoint); the words are ours.
        if request["EndpointConfigName"] == running["config"]["EndpointConfigName"]:
            raise _invalid(
                f'Endpoint "{record["EndpointArn"]}" already has endpoint configuration '
                f'"{running["config"]["EndpointConfigArn"]}". Create a new one to update it.'
            )
        _check_scaled(running["config"], asked["config"], self._scaled(record["EndpointName"]))
        policy = request.get("DeploymentConfig")
        if request.get("RetainDeploymentConfig"):
            policy = record.get("LastDeploymentConfig")
        if policy:
            deployment.check(policy)
            _check_names(running["config"], asked["config"])
        if request.get("RetainAllVariantProperties"):
            excluded = [item["VariantPropertyType"] for item in request.get("ExcludeRetainedVariantProperties", [])]
            _retain(asked["capacity"], capacity(record), excluded)
        record |= {"LastDeploymentConfig": policy, "asked": asked}
        record.pop("FailureReason", None)
        _move(record, "Updating")
        return {"EndpointArn": record["EndpointArn"]}

    def _update_capacities(self, request: Record) -> Record:
        record = self._find(ENDPOINT, request["EndpointName"])
        _refuse_busy(record)
        _refuse_failed(record)
        desired = capacity(record)
        named = set()
        for wanted in request["DesiredWeightsAndCapacities"]:
            name = wanted["VariantName"]
            if name in named:  # the words of this and the next as moto has them
                raise _invalid(f'The variant name "{name}" was non-unique within the request.')
            named.add(name)
            if name not in desired:
                config = record["running"]["config"]["EndpointConfigName"]
                raise _invalid(
                    f'The variant name(s) "{name}" is/are not present within endpoint configuration "{config}".'
                )
            desired[name] = _wanted(name, desired[name], wanted)
        record |= {"desired": desired, "asked": record["running"]}
        record.pop("FailureReason", None)
        _move(record, "Updating")
        return {"EndpointArn": record["EndpointArn"]}

    # The life of an endpoint, for serving/

    def endpoint(self, name: str) -> Record | None:
        """Give a copy of an endpoint's record, or None."""
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

    def capacity(self, name: str) -> Record:
        """Give a copy of the capacity of an endpoint's variants as they run; empty when none do."""
        record = self.endpoint(name)
        return capacity(record) if record and "running" in record else {}

    def stage(self, name: str, status: str, message: str) -> None:
        """Say what a deployment under way is doing.

        Args:
            name: the endpoint's.
            status: AWS's VariantStatus, such as `Baking`.
            message: AWS's StatusMessage.
        """
        with self._lock:
            found = self._state[ENDPOINT.title][name]
            found["stage"] = {"Status": status, "StatusMessage": message, "StartTime": time.time()}
            self._save(self._state)

    def deployed(self, name: str) -> None:
        """The deployment last asked for serves from now on."""
        with self._changing(name) as record:
            record |= {"running": record["asked"], "capacity": record["asked"]["capacity"]}
            _move(record, "InService")

    def scaled(self, name: str) -> None:
        """The variants have the weights and capacities last asked for."""
        with self._changing(name) as record:
            record["capacity"] = record.pop("desired")
            _move(record, "InService")

    def failed(self, name: str, reason: str | None, *, at_once: bool = False) -> None:
        """What was last asked for came to nothing: a new endpoint ends, one that serves rolls back.

        Args:
            name: the endpoint's.
            reason: the FailureReason; None for a rollback that keeps silent.
            at_once: have the rollback done at the same time, so that nobody sees RollingBack.
        """
        with self._changing(name) as record:
            if "running" not in record:
                _move(record, "Failed", reason)
                return
            _move(record, "RollingBack", reason)
            if at_once:
                _roll_back(record)

    def rolled_back(self, name: str) -> None:
        """Only the old configuration's fleet is left, and serves."""
        with self._changing(name) as record:
            _roll_back(record)

    def deleted(self, name: str) -> None:
        """Nothing is left of an endpoint."""
        with self._lock:
            self._remove(ENDPOINT, name)
            self._save(self._state)

    @contextmanager
    def _changing(self, name: str) -> Iterator[Record]:
        """Hold the state still for a change of an endpoint; it is saved when this ends."""
        with self._lock:
            yield self._state[ENDPOINT.title][name]
            self._save(self._state)


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)


def _refuse_busy(endpoint: Record) -> None:
    """Refuse an update, of capacities too, and a delete, while there is work under way, in AWS's words for all three.

    The AWS Controllers for Kubernetes (sagemaker-controller) and others match them; for DeleteEndpoint as well.
    """
    if endpoint["EndpointStatus"] in BUSY:
        raise _invalid(f'Cannot update in-progress endpoint "{endpoint["EndpointArn"]}".')


def _refuse_failed(endpoint: Record) -> None:
    """botocore, EndpointStatus Failed: "DeleteEndpoint is the only operation that can be performed"; words ours."""
    if endpoint["EndpointStatus"] == "Failed":
        raise _invalid(f'Cannot update failed endpoint "{endpoint["EndpointArn"]}". Delete it and create it again.')


def _move(endpoint: Record, status: str, reason: str | None = None) -> None:
    """Give an endpoint another status, and add that to its events."""
    now = time.time()
    endpoint |= {"EndpointStatus": status, "LastModifiedTime": now} | ({"FailureReason": reason} if reason else {})
    endpoint.pop("stage", None)
    shown = endpoint["asked"] if status in ("Creating", "Updating", "Failed") else endpoint.get("running")
    event = {"time": now, "status": status, "config": (shown or endpoint["asked"])["config"]["EndpointConfigName"]}
    event |= {"reason": reason} if reason else {}
    endpoint["events"] = [*endpoint.get("events", []), event][-MAX_EVENTS:]


def _roll_back(endpoint: Record) -> None:
    endpoint.pop("desired", None)
    endpoint["asked"] = endpoint["running"]
    _move(endpoint, "InService")


def _key(kind: Kind, request: Record) -> str:
    """Give what a resource is kept under: its name, also where its ARN is given."""
    named: str = request[f"{kind.title}Name"]
    return named.removeprefix(kind.arn_of(""))


def _token(what: str, place: list[Any]) -> str:
    """Make the token that a list goes on with, after a place in its order."""
    return base64.urlsafe_b64encode(json.dumps([what, place]).encode()).decode()


def _read_token(token: str, what: str) -> list[Any]:
    try:
        known, place = json.loads(base64.urlsafe_b64decode(token.encode()))
        if known == what and isinstance(place[1], str) and isinstance(place[0], float if "Time" in what else str):
            return list(place)
    except (ValueError, TypeError, LookupError):
        pass
    raise _invalid("The NextToken is not one that the last answer to this operation gave, sorted in the same way.")


def _is_asked(package: Record, request: Record) -> bool:
    """Tell whether a ListModelPackages asks for a package: unversioned ones unless it says otherwise."""
    group = request.get("ModelPackageGroupName")
    usual = "Versioned" if group else "Unversioned"
    kind = "Versioned" if "ModelPackageGroupName" in package else "Unversioned"
    return (
        request.get("ModelPackageType", usual) in (kind, "Both")
        and (group is None or _key(GROUP, request) == package.get("ModelPackageGroupName"))
        and request.get("ModelApprovalStatus") in (None, package.get("ModelApprovalStatus"))
    )


def _new_group(request: Record) -> Record:
    return request | {"ModelPackageGroupStatus": "Completed"}


def _complete(container: Record) -> None:
    """Add the members that AWS fills in: the mode, and the other form of where the archive is."""
    container.setdefault("Mode", "SingleModel")
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    if "ModelDataUrl" in container and source is None and container["Mode"] == "SingleModel":
        data = {"S3Uri": container["ModelDataUrl"], "S3DataType": "S3Object", "CompressionType": "Gzip"}
        container["ModelDataSource"] = {"S3DataSource": data}


def containers(model: Record) -> list[Record]:
    """Give a model's containers in the order in which they serve."""
    found: list[Record] = model.get("resolved") or model.get("Containers") or [model["PrimaryContainer"]]
    return found


def all_variants(config: Record) -> list[Record]:
    """Give a configuration's variants, production and shadow."""
    found: list[Record] = config["ProductionVariants"] + config.get("ShadowProductionVariants", [])
    return found


def capacity(endpoint: Record) -> Record:
    """Give a copy of the capacity of a serving endpoint's variants, from the endpoint's record."""
    config = endpoint["running"]["config"]
    started = {variant["VariantName"]: _capacity_of(variant) for variant in all_variants(config)}
    return copy.deepcopy(endpoint.get("capacity") or started)


def sized(asked: Record, capacities: Record) -> Record:
    """Give a copy of a deployment whose variants have other capacities than those of its configuration."""
    found = copy.deepcopy(asked)
    for variant in all_variants(found["config"]):
        now = capacities[variant["VariantName"]]
        variant["InitialVariantWeight"] = now["weight"]
        if "ServerlessConfig" in variant:
            variant["ServerlessConfig"] = now["serverless"]
        else:
            variant["InitialInstanceCount"] = now["count"]
    return found


def _capacity_of(variant: Record) -> Record:
    return {
        "weight": variant["InitialVariantWeight"],
        "count": variant.get("InitialInstanceCount", 0),
        "serverless": variant.get("ServerlessConfig"),
    }


def _wanted(name: str, now: Record, wanted: Record) -> Record:
    """Give a variant's capacity after an UpdateEndpointWeightsAndCapacities. The words of refusals are ours."""
    serverless = wanted.get("ServerlessUpdateConfig")
    if serverless and not now["serverless"]:
        raise _invalid(f"Variant {name} is on instances, so it cannot have a ServerlessUpdateConfig.")
    if now["serverless"] and "DesiredInstanceCount" in wanted:
        raise _invalid(f"Variant {name} is serverless, so it cannot have a DesiredInstanceCount.")
    if serverless:
        _check_provisioned(name, now["serverless"] | serverless)
    return {
        "weight": wanted.get("DesiredWeight", now["weight"]),
        "count": wanted.get("DesiredInstanceCount", now["count"]),
        "serverless": now["serverless"] | serverless if serverless else now["serverless"],
    }


def _retain(asked: Record, now: Record, excluded: list[str]) -> None:
    """Keep weights and instance counts as they are now, where there is a variant of the same name and kind."""
    for name in asked.keys() & now.keys():
        if "DesiredWeight" not in excluded:
            asked[name]["weight"] = now[name]["weight"]
        if "DesiredInstanceCount" not in excluded and not (asked[name]["serverless"] or now[name]["serverless"]):
            asked[name]["count"] = now[name]["count"]


def _check_names(old: Record, new: Record) -> None:
    """Refuse to shift traffic between configurations with other variants.

    Guide to deployment guardrails, "Exclusions": "your new endpoint configuration must have the same variant name as
    the old endpoint configuration". The words are ours.
    """
    before, after = ({variant["VariantName"] for variant in config["ProductionVariants"]} for config in (old, new))
    if before != after:
        raise _invalid(
            "With a DeploymentConfig, the new endpoint configuration must have the variant names of the old one: "
            f"{', '.join(sorted(before))}; it has {', '.join(sorted(after))}."
        )


def _check_scaled(old: Record, new: Record, scaled: Collection[str]) -> None:
    """Refuse to remove a variant that is scaled automatically, or to change its instance type.

    Guide, "Update endpoints that use auto scaling": "If the update would change the instance type for any model that is
    a target for automatic scaling, the update fails." The words are remembered from public reports.
    """
    before, after = (
        {variant["VariantName"]: variant.get("InstanceType") for variant in config["ProductionVariants"]}
        for config in (old, new)
    )
    wrong = [name for name in before if name in scaled and after.get(name) != before[name]]
    if wrong:
        raise _invalid(
            f"The variant(s) {json.dumps(wrong)} must be deregistered as scalable targets with AWS Auto Scaling before "
            "they can be removed or have their instance type updated."
        )


def _check_serverless(config: Record, name: str, model: Record) -> None:
    """Refuse what a serverless variant cannot have. The words are ours.

    Guide to serverless inference, "Feature exclusions": "GPUs, AWS marketplace model packages, private Docker
    registries, Multi-Model Endpoints, VPC configuration, network isolation, data capture, multiple production
    variants, Model Monitor, and inference pipelines".
    """
    excluded = {
        "several variants": len(all_variants(config)) > 1,
        "DataCaptureConfig": config.get("DataCaptureConfig", {}).get("EnableCapture", "DataCaptureConfig" in config),
        "a model with VpcConfig": "VpcConfig" in model,
        "a model with network isolation": model["EnableNetworkIsolation"],
        "a model with several containers": len(containers(model)) > 1,
        "a multi-model container": any(part["Mode"] == "MultiModel" for part in containers(model)),
    }
    for what, given in excluded.items():
        if given:
            raise _invalid(f"Serverless variant {name} cannot go with {what}.")


def _check_provisioned(name: str, serverless: Record) -> None:
    # botocore, ProvisionedConcurrency: "Should be less than or equal to MaxConcurrency."
    if serverless.get("ProvisionedConcurrency", 0) > serverless["MaxConcurrency"]:
        raise _invalid(f"ProvisionedConcurrency of variant {name} must be at most its MaxConcurrency.")


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
    if serverless:
        _check_provisioned(name, serverless)


def _described_endpoint(record: Record) -> Record:
    asked: Record = record["asked"]
    shown: Record = record.get("running", asked)
    config = shown["config"]
    # With a new configuration; a change of weights and capacities has none.
    pending = record["EndpointStatus"] in ("Creating", "Updating") and "desired" not in record
    stage = [record["stage"]] if "stage" in record else []
    answer = {
        **record,
        "EndpointConfigName": config["EndpointConfigName"],
        **{name: config.get(name) for name in _DESCRIBED},
    }
    if "running" in record:
        now = capacity(record)
        status = [] if pending else stage
        answer |= _summaries(shown, now, record.get("desired", now), status)
        answer["DataCaptureConfig"] = _capture(config.get("DataCaptureConfig"), record["EndpointStatus"])
    if pending:
        answer["PendingDeploymentSummary"] = {
            "EndpointConfigName": asked["config"]["EndpointConfigName"],
            **_summaries(asked, asked["capacity"], asked["capacity"], stage, pending=True),
            "StartTime": asked["StartTime"],
        }
    return answer


def _capture(config: Record | None, status: str) -> Record | None:
    if config is None:
        return None
    enabled = config.get("EnableCapture", True)  # botocore, EnableCapture: "defaults to enabled"
    return {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled and status in SERVING else "Stopped",
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
        "KmsKeyId": config.get("KmsKeyId"),
    }


def _summaries(shown: Record, now: Record, desired: Record, status: list[Record], *, pending: bool = False) -> Record:
    """Describe the variants of a deployment as they run, or will."""
    config = shown["config"]
    return {
        member: [
            _summary(variant, shown, now[variant["VariantName"]], desired[variant["VariantName"]])
            | {"VariantStatus": status}
            | ({"InstanceType": variant.get("InstanceType")} if pending else {})
            for variant in config.get(member, [])
        ]
        for member in ("ProductionVariants", "ShadowProductionVariants")
    }


def _summary(variant: Record, shown: Record, now: Record, desired: Record) -> Record:
    """Describe a variant as it runs, without ResolvedImage, the digest of a pulled image: none is pulled."""
    images = [container["Image"] for container in containers(shown["models"][variant["ModelName"]])]
    kept = {key: variant.get(key) for key in ("ManagedInstanceScaling", "RoutingConfig")}
    return kept | {
        "VariantName": variant["VariantName"],
        "DeployedImages": [{"SpecifiedImage": image, "ResolutionTime": shown["StartTime"]} for image in images],
        "CurrentWeight": now["weight"],
        "DesiredWeight": desired["weight"],
        "CurrentInstanceCount": now["count"],
        "DesiredInstanceCount": desired["count"],
        "CurrentServerlessConfig": now["serverless"],
        "DesiredServerlessConfig": desired["serverless"] if desired["serverless"] != now["serverless"] else None,
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
