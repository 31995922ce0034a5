"""From Terraform's attributes to the call of the component: all of it, or refused by name."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from sagebridge.bridge.adopt import compare as component
from sagebridge.bridge.adopt import discover as endpoints
from sagebridge.bridge.adopt import handover as forgetting
from sagebridge.bridge.adopt import program as source
from sagebridge.bridge.errors import BridgeError
from sagebridge.bridge.stack import mapping, preview
from sagebridge.bridge.stack import merge as merging
from sagebridge.bridge.stack.mapping import ProviderMapping
from sagebridge.bridge.stack.state import Secret
from sagebridge.bridge.terraform.state import Resource, State
from sagebridge.guards.lookup import GENERATION_TAG
from tests.conftest import Aws
from tests.fields import IMAGE

URL = "s3://bucket/models/a/model.tar.gz"
ROLE = "arn:aws:iam::123456789012:role/sagemaker"
ENVIRONMENT = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": URL}
CONTAINER = {"image": IMAGE, "mode": "SingleModel", "model_data_url": URL, "environment": ENVIRONMENT}


@pytest.fixture(scope="module")
def known(aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> ProviderMapping:
    file = Path(tmp_path_factory.mktemp("mapping"), "mapping.json")
    aws.must("pulumi", "package", "get-mapping", "terraform", "aws@7.51.1", "--out", str(file))
    return mapping.read(file.read_text(), endpoints.TYPES)


def model(name: str = "m", **changed: Any) -> Resource:
    attributes = {"name": name, "execution_role_arn": ROLE, "primary_container": [CONTAINER], **changed}
    return Resource("", endpoints.MODEL, name, attributes=attributes)


def variant(name: str = "AllTraffic", **changed: Any) -> dict[str, Any]:
    common = {"variant_name": name, "model_name": "m", "initial_variant_weight": 1, "serverless_config": []}
    return common | {"instance_type": "ml.m5.large", "initial_instance_count": 1} | changed


def configuration(*variants: dict[str, Any], **changed: Any) -> Resource:
    attributes = {"name": "c", "production_variants": list(variants) or [variant()], **changed}
    return Resource("", endpoints.CONFIGURATION, "c", attributes=attributes)


def endpoint(**changed: Any) -> Resource:
    attributes = {"name": "e", "endpoint_config_name": "c", "deployment_config": [], **changed}
    return Resource("", endpoints.ENDPOINT, "e", attributes=attributes)


def state(*resources: Resource) -> State:
    return State(1, "l", {}, resources)


def call(known: ProviderMapping, *resources: Resource) -> component.Call:
    (found,) = endpoints.find(state(*resources))
    return component.call(found, known)


pytestmark = pytest.mark.engine  # the mapping is the plugin's own


def test_the_simplest_endpoint_is_the_short_form(known: ProviderMapping) -> None:
    made = call(known, endpoint(), configuration(), model())
    assert made.arguments == {
        "endpoint_name": "e",
        "execution_role_arn": ROLE,
        "image": IMAGE,
        "model_data_url": URL,
        "instance_type": "ml.m5.large",
        "initial_instance_count": 1,
    }
    assert made.imports == {
        ("aws:sagemaker/model:Model", "e-model"): "m",
        ("aws:sagemaker/endpointConfiguration:EndpointConfiguration", "e-config"): "c",
        ("aws:sagemaker/endpoint:Endpoint", "e"): "e",
    }


def test_variants_models_and_the_other_blocks_are_kept(known: ProviderMapping) -> None:
    other = model("n", primary_container=[CONTAINER | {"environment": {**ENVIRONMENT, "A": "1"}}])
    config = configuration(
        variant("blue", routing_config=[{"routing_strategy": "LEAST_OUTSTANDING_REQUESTS"}], volume_size_in_gb=20),
        variant("green", model_name="n", initial_variant_weight=0.25),
        data_capture_config=[
            {
                "enable_capture": True,
                "destination_s3_uri": "s3://bucket/capture",
                "initial_sampling_percentage": 50,
                "capture_options": [{"capture_mode": "Input"}],
                "capture_content_type_header": [{"json_content_types": ["application/json"]}],
            }
        ],
        kms_key_arn="arn:aws:kms:us-east-1:123456789012:key/1",
    )
    policy = {
        "traffic_routing_configuration": [
            {
                "type": "CANARY",
                "wait_interval_in_seconds": 60,
                "canary_size": [{"type": "CAPACITY_PERCENT", "value": 20}],
            }
        ],
        "termination_wait_in_seconds": 30,
    }
    rollback = [{"alarms": [{"alarm_name": "x"}]}]
    deployment = [{"blue_green_update_policy": [policy], "auto_rollback_configuration": rollback}]
    made = call(known, endpoint(deployment_config=deployment), config, model(), other)
    blue, green = made.arguments["production_variants"]
    assert blue["routing_strategy"] == "LEAST_OUTSTANDING_REQUESTS"
    assert (blue["volume_size_in_gb"], green["initial_variant_weight"]) == (20, 0.25)
    assert blue["image"] == IMAGE  # each its own model
    assert green["environment"] == {"A": "1"}
    assert made.arguments["deployment_config"] == {
        "blue_green_update_policy": {
            "type": "CANARY",
            "wait_interval_in_seconds": 60,
            "canary_size": {"type": "CAPACITY_PERCENT", "value": 20},
            "termination_wait_in_seconds": 30,
        },
        "auto_rollback_alarms": ["x"],
    }
    assert made.arguments["data_capture_config"]["json_content_types"] == ["application/json"]
    assert made.imports["aws:sagemaker/model:Model", "e-green-model"] == "n"


def test_asynchronous_and_serverless_endpoints_are_kept(known: ProviderMapping) -> None:
    output = {
        "s3_output_path": "s3://bucket/out",
        "notification_config": [{"error_topic": "arn:aws:sns:us-east-1:123456789012:t"}],
    }
    asynchronous = [{"output_config": [output], "client_config": [{"max_concurrent_invocations_per_instance": 2}]}]
    made = call(known, endpoint(), configuration(async_inference_config=asynchronous), model())
    assert made.arguments["async_inference_config"] == {
        "s3_output_path": "s3://bucket/out",
        "error_topic": "arn:aws:sns:us-east-1:123456789012:t",
        "max_concurrent_invocations_per_instance": 2,
    }
    serverless = [{"memory_size_in_mb": 2048, "max_concurrency": 5, "provisioned_concurrency": 0}]
    one = variant(serverless_config=serverless, instance_type="", initial_instance_count=0)
    made = call(known, endpoint(), configuration(one), model())
    assert made.arguments["serverless_config"] == {"memory_size_in_mb": 2048, "max_concurrency": 5}
    assert "instance_type" not in made.arguments


@pytest.mark.parametrize("environment", [{}, {"SAGEMAKER_PROGRAM": "inference.py", "A": "1"}])
def test_an_archive_without_the_variables_that_the_component_sets_is_kept(
    known: ProviderMapping, environment: dict[str, str]
) -> None:
    bare = model(primary_container=[CONTAINER | {"environment": environment}])
    given = call(known, endpoint(), configuration(), bare).arguments
    assert given["default_environment"] is False
    assert given.get("environment", {}) == environment


@pytest.mark.parametrize(
    ("in_terraform", "declared"), [(0.800000011920929, 0.8), (0.25, 0.25), (1.0000001192092896, 1.0000001), (3, 3)]
)
def test_a_weight_is_declared_as_a_person_would_write_it(
    known: ProviderMapping, in_terraform: float, declared: float
) -> None:
    weighed = configuration(variant("a", initial_variant_weight=in_terraform), variant("b"))
    made = call(known, endpoint(), weighed, model())
    assert made.arguments["production_variants"][0]["initial_variant_weight"] == declared


def scaling() -> list[Resource]:
    about = {
        "service_namespace": "sagemaker",
        "resource_id": "endpoint/e/variant/AllTraffic",
        "scalable_dimension": "sagemaker:variant:DesiredInstanceCount",
    }
    metric = [{"predefined_metric_type": "SageMakerVariantInvocationsPerInstance"}]
    tracking = {"target_value": 100, "scale_in_cooldown": 300, "scale_out_cooldown": 300}
    policy = {
        **about,
        "name": "target-tracking",
        "policy_type": "TargetTrackingScaling",
        "target_tracking_scaling_policy_configuration": [tracking | {"predefined_metric_specification": metric}],
    }
    target = about | {"min_capacity": 1, "max_capacity": 3}
    return [
        Resource("", endpoints.TARGET, "t", attributes=target),
        Resource("", endpoints.POLICY, "p", attributes=policy),
    ]


def test_a_configuration_that_scales_is_a_generations_own_and_one_that_had_a_generation_keeps_it(
    known: ProviderMapping,
) -> None:
    made = call(known, endpoint(), configuration(), model(), *scaling())
    assert made.arguments["autoscaling"]["invocations_per_instance"] == 100
    assert made.generation == "adopted:c"
    exported = configuration(tags={GENERATION_TAG: "1234"})
    made = call(known, endpoint(), exported, model(), *scaling())
    assert made.generation == "1234"
    assert "tags" not in made.arguments
    with pytest.raises(BridgeError, match=r"c: tags\.sagebridge:generation"):
        call(known, endpoint(), exported, model())


def test_a_generations_id_is_the_configurations_own() -> None:
    stash = {"urn": "urn:pulumi:dev::p::pulumi:index:Stash::e-generation", "type": "pulumi:index:Stash", "id": "chance"}
    other = stash | {"urn": "urn:pulumi:dev::p::pulumi:index:Stash::e-scaling"}
    given = json.dumps({"deployment": {"resources": [stash, other]}})
    found = json.loads(merging.with_generations(given, {"e-generation": "adopted:c"}))["deployment"]["resources"]
    assert [each["id"] for each in found] == ["adopted:c", "chance"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"model": {"primary_container": [CONTAINER | {"image_config": [{"repository_access_mode": "Vpc"}]}]}},
            "m: primary_container.image_config",
        ),
        ({"model": {"tags": {"a": "b"}}}, "c: tags"),
        ({"configuration": {"execution_role_arn": ROLE}}, "c: execution_role_arn"),
        ({"variant": {"enable_ssm_access": True}}, "c: production_variants.enable_ssm_access"),
        ({"variant": {"instance_type": "ml.nonsense"}}, "instance_type"),
    ],
)
def test_what_the_component_cannot_say_is_refused_by_name(
    known: ProviderMapping, changed: dict[str, Any], said: str
) -> None:
    config = configuration(variant(**changed.get("variant", {})), **changed.get("configuration", {}))
    with pytest.raises(BridgeError) as refused:
        call(known, endpoint(), config, model(**changed.get("model", {})))
    assert said in refused.value.message


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        ([], "no aws_sagemaker_endpoint"),
        ([endpoint()], "uses the aws_sagemaker_endpoint_configuration c"),
        ([endpoint(), configuration()], "uses the aws_sagemaker_model m"),
        ([endpoint(), dataclasses.replace(endpoint(name="f"), name="f"), configuration(), model()], "is used by"),
        (
            [endpoint(), configuration(), dataclasses.replace(configuration(name="d"), name="d"), model()],
            "aws_sagemaker_model.m is used by",
        ),
        ([endpoint(), dataclasses.replace(configuration(), tainted=True), model()], "is tainted"),
    ],
)
def test_an_endpoint_that_is_not_whole_or_not_alone_is_refused(resources: list[Resource], said: str) -> None:
    with pytest.raises(BridgeError, match=said):
        endpoints.find(state(*resources))


def test_an_address_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(BridgeError, match=r"at aws_x\.y \(it has: aws_sagemaker_endpoint\.e\)"):
        endpoints.find(state(endpoint(), configuration(), model()), ["aws_x.y"])


def test_the_text_is_python_and_has_no_secret(known: ProviderMapping) -> None:
    values = {**ENVIRONMENT, "TOKEN": Secret("s3cr3t"), "ODD": "a\"b'c\n${x} ü\\"}
    container = [CONTAINER | {"environment": values}]
    made = source.program([call(known, endpoint(), configuration(), model(primary_container=container))])
    compile(made.text, "endpoints.py", "exec")
    assert "s3cr3t" not in made.text
    assert made.secrets == {"e-environment-TOKEN": "s3cr3t"}
    assert repr(values["ODD"]) in made.text


def test_removed_blocks_name_the_outermost_module_that_is_all_adopted() -> None:
    def resource(module: str, name: str, key: str | None = None) -> Resource:
        return Resource(module, endpoints.MODEL, name, key)

    whole = [resource('module.a["x"].module.b', "m"), resource('module.a["y"].module.b', "m")]
    kept, split = resource("module.c", "other"), [resource("module.c", "each", "x"), resource("module.c", "each", "y")]
    found = forgetting.forgetting(state(*whole, kept, *split), [*whole, split[0]])
    assert found.removed.count("from = ") == 1
    assert "from = module.a\n" in found.removed
    assert found.commands == ("terraform state rm 'module.c.aws_sagemaker_model.each[\"x\"]'",)


def test_a_merge_keeps_the_stacks_own_provider_and_hides_secrets() -> None:
    urn = "urn:pulumi:dev::p::"
    provider = {"urn": f"{urn}pulumi:providers:aws::default", "type": "pulumi:providers:aws", "id": "1"}
    there = {"version": 3, "deployment": {"resources": [provider]}}
    new = {
        "urn": f"{urn}aws:a/b:C::x",
        "type": "aws:a/b:C",
        "provider": f"{provider['urn']}::2",
        "inputs": {"deep": ["s3cr3t"]},
        "ignoreChanges": ["*"],
    }
    rehearsed = {"version": 4, "features": ["hooks"], "deployment": {"resources": [provider | {"id": "2"}, new]}}
    merged = json.loads(merging.merged(json.dumps(there), json.dumps(rehearsed), ["s3cr3t"]))
    assert (merged["version"], merged["features"]) == (4, ["hooks"])
    own, added = merged["deployment"]["resources"]
    assert own == provider
    assert added["provider"] == f"{provider['urn']}::1"
    assert "ignoreChanges" not in added
    assert added["inputs"]["deep"][0]["plaintext"] == '"s3cr3t"'
    with pytest.raises(BridgeError, match="already"):
        merging.merged(json.dumps(merged), json.dumps(rehearsed))


def test_a_preview_names_each_change_and_a_broken_one_is_a_message() -> None:
    urn = "urn:pulumi:dev::p::x:index:Parent$aws:a/b:C::name"
    step = {"op": "update", "urn": urn, "detailedDiff": {"tags.a": {}}, "newState": {"inputs": "s3cr3t"}}
    steps = [{"op": "same", "urn": urn}, step]
    document = json.dumps({"steps": steps, "changeSummary": {"same": 1, "update": 1}})
    assert preview.differences(f"warning: text\n{document}") == ["name (aws:a/b:C): update of tags.a"]
    assert preview.differences(json.dumps({"changeSummary": {"create": 1}})) == ["the preview counts create"]
    for text in ("", "{", '{"steps": [3]}', '{"changeSummary": 3}'):
        with pytest.raises(BridgeError, match="preview"):
            preview.differences(text)
