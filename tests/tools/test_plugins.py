"""The plugin that is built here answers for the official one: its names are those of the package pulumi_aws."""

import importlib
import inspect
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pulumi_aws
import pytest
from pulumi import _types

from sagebridge._aws import shapes
from tests.stacks import Declared
from tools import engine, environment

pytestmark = pytest.mark.engine

OF_OTHER_SERVICES = re.compile(
    r"aws:cloudwatch/(event|getEvent|internetMonitor|alarmMuteRule|otelEnrichment|resourceMetricsConfiguration)"
    r"|aws:s3/(files|vectors|getFiles)"
    r"|aws:index/get(AvailabilityZones?|BillingServiceAccount|Regions):"
)
"""What stands in the module of a kept service, but belongs to another, such as EventBridge or EC2."""
NEWER = {
    "aws:cloudwatch/logS3TableIntegrationSource:LogS3TableIntegrationSource",
    "aws:cloudwatch/logStorageTierPolicy:LogStorageTierPolicy",
    "aws:iam/getOutboundWebIdentityFederation:getOutboundWebIdentityFederation",
    "aws:iam/getRolePolicies:getRolePolicies",
    "aws:iam/getRolePolicyAttachments:getRolePolicyAttachments",
    "aws:s3/getBucketNotification:getBucketNotification",
    "aws:s3/getBuckets:getBuckets",
    "aws:s3control/multiRegionAccessPointRoutes:MultiRegionAccessPointRoutes",
    "aws:sagemaker/algorithm:Algorithm",
    "aws:sagemaker/hubContentReference:HubContentReference",
    "aws:sagemaker/hyperParameterTuningJob:HyperParameterTuningJob",
    "aws:sagemaker/mlflowApp:MlflowApp",
    "aws:sagemaker/trainingJob:TrainingJob",
}
"""What pulumi_aws has of a later version of Terraform's provider than the one that is built."""

NEWER_ARGUMENTS = {
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": {"resourceArn"},
    "aws:cloudwatch/metricAlarm:MetricAlarm": {
        *("evaluationCriteria", "evaluationInterval", "evaluationWindow", "warmUpConfiguration")
    },
    "aws:s3/bucket:Bucket": {"bucketNamespace"},
    "aws:s3/bucketV2:BucketV2": {"bucketNamespace"},
    "aws:s3control/storageLensConfiguration:StorageLensConfiguration": {
        *("advancedPerformanceMetrics", "expandedPrefixesDataExport", "prefixDelimiter", "storageLensTableDestination")
    },
    "aws:sagemaker/endpointConfiguration:EndpointConfiguration": {"capacityReservationConfig"},
    "aws:sns/topic:Topic": {"maximumMessageSize"},
}
"""The arguments of a later version, at any depth of a type."""

RELAXED_SINCE = {
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": {"policyName"},
    "aws:cloudwatch/metricAlarm:MetricAlarm": {"comparisonOperator", "evaluationPeriods"},
}
"""What a later version of the provider no longer requires."""

NEWER_VALUES = {
    "instance_type": {*(f"ml.g7.{size}xlarge" for size in ("2", "4", "8", "12", "24", "48"))},
    "inference_ami_version": set(),
    "routing_strategy": {"KV_AWARE", "PREFIX_AWARE"},
}
"""The values of a variant's arguments that AWS takes, and that the AWS SDK of the built provider does not know."""


@dataclass(frozen=True)
class Described:
    """An object of the schema beside the class of the package that stands for it."""

    place: str
    properties: dict[str, Any]
    required: set[str]
    python: type


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    plugin = engine.find_all()["pulumi-resource-aws"]
    assert plugin is not None
    if plugin.origin != "built":
        pytest.skip("the official plugin is in use")
    done = subprocess.run(
        ["pulumi", "package", "get-schema", plugin.path / "pulumi-resource-aws"],
        env=environment.process_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    described: dict[str, Any] = json.loads(done.stdout)
    return described


@cache
def official_resources() -> dict[str, tuple[str, str]]:
    """Returns the modules and names of the package's resources by their tokens."""
    (text,) = re.findall(r'resource_modules="""\n(.*?)\n"""', Path(pulumi_aws.__file__).read_text(), re.DOTALL)
    return {token: (module["fqn"], name) for module in json.loads(text) for token, name in module["classes"].items()}


@cache
def official_functions() -> dict[str, tuple[str, str]]:
    """Returns the modules and names of the package's functions by their tokens."""
    folder = Path(pulumi_aws.__file__).parent
    functions = {}
    for file in (*folder.glob("get_*.py"), *folder.glob("*/get_*.py")):
        package = ".".join(("pulumi_aws", *file.relative_to(folder).parts[:-1]))
        for token in re.findall(r"invoke\('(aws:\w+/\w+:\w+)'", file.read_text()):
            functions[token] = (package, file.stem)
    return functions


def inputs_of(token: str) -> type:
    """Returns the class of a resource's arguments, which has another name where a nested type took the first."""
    module_name, name = official_resources()[token]
    module = importlib.import_module(module_name)
    arguments: type = getattr(module, f"{name}InitArgs", None) or getattr(module, f"{name}Args")
    return arguments


def resources_of(schema: dict[str, Any]) -> Iterator[Described]:
    """Yields the inputs of each resource, and what is nested in them."""
    for token, resource in schema["resources"].items():
        inputs, required = resource.get("inputProperties", {}), set(resource.get("requiredInputs", ()))
        yield from nested(Described(token, inputs, required, inputs_of(token)), schema["types"])


def nested(described: Described, types: dict[str, Any]) -> Iterator[Described]:
    """Yields an object and all that is nested in it, each beside the class that its annotation names."""
    yield described
    annotations = types_of(described.python)
    for name, described_property in described.properties.items():
        token = reference(described_property)
        if token is None or name not in annotations:
            continue
        type_name = token.rpartition(":")[2]
        names = {f"{type_name[0].upper()}{type_name[1:]}{end}" for end in ("", "Args", "Result")}
        classes = [found for found in classes_in(annotations[name]) if found.__name__ in names]
        place = f"{described.place}.{name}"
        assert classes, f"{place} is a {type_name}, but in the package {annotations[name]}"
        object_type = types[token]
        properties, required = object_type.get("properties", {}), set(object_type.get("required", ()))
        yield from nested(Described(place, properties, required, classes[0]), types)


def types_of(python: type) -> dict[str, Any]:
    return _types.input_type_types(python) if _types.is_input_type(python) else _types.output_type_types(python)


def reference(described: dict[str, Any]) -> str | None:
    """Returns the token of the nested type that a property holds, directly or in a list or map."""
    held = described.get("items") or described.get("additionalProperties") or described
    if held is not described:
        return reference(held)
    found = re.fullmatch("#/types/(.*)", held.get("$ref", ""))
    return found[1] if found else None


def classes_in(annotation: Any) -> list[type]:
    if inspect.isclass(annotation) and not get_args(annotation):
        return [annotation]
    return [found for argument in get_args(annotation) for found in classes_in(argument)]


def modules_of(schema: dict[str, Any]) -> set[str]:
    return {re.split("[:/]", token)[1] for token in (*schema["resources"], *schema["functions"])}


def test_every_resource_and_function_of_the_kept_services_has_the_official_token(schema: dict[str, Any]) -> None:
    modules = modules_of(schema)
    assert {"cloudwatch", "ecr", "index", "kms", "s3", "sagemaker", "sns", "sqs"} <= modules
    tokens = {*schema["resources"], *schema["functions"]}
    official = {
        token
        for token in (*official_resources(), *official_functions())
        if re.split("[:/]", token)[1] in modules and not OF_OTHER_SERVICES.match(token)
    }
    assert tokens - official == set()
    assert official - tokens == NEWER


def test_the_properties_of_resources_have_the_official_names_at_every_depth(schema: dict[str, Any]) -> None:
    described = list(resources_of(schema))
    assert len(described) > len(schema["resources"]) + 400
    for inputs in described:
        newer = NEWER_ARGUMENTS.get(inputs.place.partition(".")[0], set())
        assert set(inputs.properties) == set(types_of(inputs.python)) - newer, inputs.place
    for token, resource in schema["resources"].items():
        module_name, name = official_resources()[token]
        official = set(_types.resource_types(getattr(importlib.import_module(module_name), name)))
        assert set(resource["properties"]) - official == set(), token


def test_lists_and_single_objects_are_the_official_ones(schema: dict[str, Any]) -> None:
    for inputs in resources_of(schema):
        annotations = types_of(inputs.python)
        for name, described in inputs.properties.items():
            assert (described.get("type") == "array") == ("Sequence[" in str(annotations[name])), (inputs.place, name)


def test_what_may_be_left_out_as_it_is_named_by_itself_is_so_officially(schema: dict[str, Any]) -> None:
    for inputs in resources_of(schema):
        parameters = inspect.signature(inputs.python).parameters.values()
        names = _types.input_type_py_to_pulumi_names(inputs.python)
        required = {
            names.get(parameter.name, parameter.name)
            for parameter in parameters
            if parameter.default is inspect.Parameter.empty
        }
        assert inputs.required == required | RELAXED_SINCE.get(inputs.place, set()), inputs.place


def test_policies_are_taken_as_dictionaries_where_the_package_takes_them(schema: dict[str, Any]) -> None:
    documents = {
        (token, name)
        for token in schema["resources"]
        for name, annotation in types_of(inputs_of(token)).items()
        if any(found.__name__.endswith("PolicyDocumentArgs") for found in classes_in(annotation))
    }
    taken = {
        (token, name)
        for token, resource in schema["resources"].items()
        for name, described in resource.get("inputProperties", {}).items()
        if "oneOf" in described
    }
    assert len(documents) > 10
    assert taken == documents


def test_functions_have_the_official_arguments_and_results(schema: dict[str, Any]) -> None:
    for token, function in schema["functions"].items():
        package, python_name = official_functions()[token]
        module = importlib.import_module(package)
        arguments = set(re.findall(r"__args__\['(\w+)'\]", inspect.getsource(getattr(module, python_name))))
        assert set(function["inputs"].get("properties", {})) - arguments == set(), token
        name = token.rpartition(":")[2]
        result = getattr(module, f"{name[0].upper()}{name[1:]}Result")
        outputs = function["outputs"]
        described = Described(token, outputs["properties"], set(outputs.get("required", ())), result)
        for part in nested(described, schema["types"]):
            assert set(part.properties) - set(types_of(part.python)) == set(), part.place


@pytest.mark.usefixtures("schema")  # which skips where the official plugin is in use
def test_a_variant_takes_the_values_that_aws_takes(declared: Declared) -> None:
    enumerations = {
        "instance_type": "ProductionVariantInstanceType",
        "inference_ami_version": "ProductionVariantInferenceAmiVersion",
        "routing_strategy": "RoutingStrategy",
    }
    declared.program = configuration_that_is_refused
    said = declared.preview_fails()
    for argument, shape in enumerations.items():
        values, *_ = re.findall(rf"expected {argument} to be one of \[(.*?)\]", said)
        taken = set(re.findall(r'"(.*?)"', values))
        assert set(shapes()[shape]["enum"]) - taken == NEWER_VALUES[argument], argument


def configuration_that_is_refused() -> None:
    """Declares an endpoint configuration whose values no provider knows, so that it says which ones it knows."""
    pulumi_aws.sagemaker.EndpointConfiguration(
        "refused",
        production_variants=[
            {
                "model_name": "scorer",
                "instance_type": "unknown",
                "inference_ami_version": "unknown",
                "routing_configs": [{"routing_strategy": "unknown"}],
            }
        ],
    )
