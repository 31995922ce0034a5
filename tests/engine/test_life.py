"""An endpoint's life on the real engine: made, changed in place, taken down."""

import gc
import json
from pathlib import Path

import pulumi
import pytest
from pulumi.runtime._callbacks import _CallbackServicer

from sagebridge import TerraformBase
from tests.conftest import PREDICTION, Aws, Base, publish, trained
from tests.local.account import until
from tests.stacks import Declared, Stack

pytestmark = pytest.mark.engine

MODEL, CONFIGURATION, ENDPOINT = "Model", "EndpointConfiguration", "Endpoint"


def test_up_predicts_as_the_model_itself_and_a_second_up_changes_nothing(aws: Aws, stack: Stack) -> None:
    stack.up()
    outputs = stack.outputs()
    assert outputs["endpointName"] == stack.endpoint
    assert outputs["endpointArn"].endswith(f":endpoint/{stack.endpoint}")
    assert aws.predict(stack.endpoint) == pytest.approx(PREDICTION, abs=1e-9)

    assert stack.preview() == {"same": 5}
    assert stack.steps() == []
    stack.refresh()
    assert stack.preview() == {"same": 5}
    assert stack.outputs() == outputs


def test_an_instance_type_makes_a_new_configuration_and_updates_the_endpoint_in_place(aws: Aws, stack: Stack) -> None:
    stack.up()
    before = aws.sagemaker.describe_endpoint(EndpointName=stack.endpoint)
    stack.config(instanceType="ml.m5.large")
    steps = stack.steps()
    assert steps == [
        ("update", "SageMakerEndpoint"),  # it records what it runs on
        ("create-replacement", CONFIGURATION),
        ("replace", CONFIGURATION),
        ("update", ENDPOINT),
        ("delete-replaced", CONFIGURATION),
    ]
    after = aws.sagemaker.describe_endpoint(EndpointName=stack.endpoint)
    assert after["EndpointConfigName"] == stack.outputs()["endpointConfigName"] != before["EndpointConfigName"]
    assert after["CreationTime"] == before["CreationTime"]  # never deleted
    assert aws.predict(stack.endpoint) == pytest.approx(PREDICTION, abs=1e-9)
    assert stack.preview() == {"same": 5}


def test_a_retrained_model_answers_and_the_same_model_packaged_again_changes_nothing(
    aws: Aws, base: Base, stack: Stack, tmp_path: Path
) -> None:
    stack.up()
    first = aws.predict(stack.endpoint)
    stack.config(modelData=publish(aws, base, trained(tmp_path, rows=200), "boston-housing"))
    stack.up()
    retrained = aws.predict(stack.endpoint)
    assert abs(retrained - first) > 0.01

    (tmp_path / "again").mkdir()
    stack.config(modelData=publish(aws, base, trained(tmp_path / "again", rows=200), "boston-housing"))
    assert stack.steps() == []
    assert aws.predict(stack.endpoint) == retrained


def test_serverless(aws: Aws, stack: Stack) -> None:
    stack.config(serverless="true", serverlessMemory="2048")
    stack.up()
    (variant,) = aws.sagemaker.describe_endpoint_config(EndpointConfigName=stack.outputs()["endpointConfigName"])[
        "ProductionVariants"
    ]
    assert variant["ServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 2}
    assert "InstanceType" not in variant
    assert aws.predict(stack.endpoint) == pytest.approx(PREDICTION, abs=1e-9)
    assert stack.preview() == {"same": 5}


def test_serverless_becomes_real_time_in_place_but_not_the_other_way(aws: Aws, stack: Stack) -> None:
    stack.config(serverless="true")
    stack.up()
    stack.config(serverless="")
    assert ("update", ENDPOINT) in stack.steps()
    assert aws.predict(stack.endpoint) == pytest.approx(PREDICTION, abs=1e-9)

    stack.config(serverless="true")
    assert "AWS does not make an endpoint with instances serverless" in stack.preview_fails()


def test_another_name_is_refused_in_the_preview_and_the_endpoint_stays(aws: Aws, stack: Stack) -> None:
    stack.up()
    stack.config(endpointName=f"{stack.endpoint}-other")
    said = stack.preview_fails()
    assert f"endpoint_name cannot change from '{stack.endpoint}' to '{stack.endpoint}-other', because" in said
    assert aws.predict(stack.endpoint) == pytest.approx(PREDICTION, abs=1e-9)


def test_tags_are_on_all_three_and_change_in_place(aws: Aws, stack: Stack) -> None:
    stack.tag(team="ml")
    stack.up()
    stack.tag(stage="test")
    assert {operation for operation, _ in stack.steps()} == {"update"}
    outputs = stack.outputs()
    arns = [
        outputs["endpointArn"],
        aws.sagemaker.describe_endpoint_config(EndpointConfigName=outputs["endpointConfigName"])["EndpointConfigArn"],
        aws.sagemaker.describe_model(ModelName=outputs["modelName"])["ModelArn"],
    ]
    for arn in arns:
        tags = {tag["Key"]: tag["Value"] for tag in aws.sagemaker.list_tags(ResourceArn=arn)["Tags"]}
        assert tags == {"team": "ml", "stage": "test"}


def test_destroy_leaves_nothing_in_sagemaker(aws: Aws, stack: Stack) -> None:
    stack.up()
    outputs = stack.outputs()
    stack.destroy()

    def names() -> set[str]:
        return {
            *(found["EndpointName"] for found in aws.sagemaker.list_endpoints()["Endpoints"]),
            *(found["EndpointConfigName"] for found in aws.sagemaker.list_endpoint_configs()["EndpointConfigs"]),
            *(found["ModelName"] for found in aws.sagemaker.list_models()["Models"]),
        }

    until(lambda: not {outputs["endpointName"], outputs["endpointConfigName"], outputs["modelName"]} & names())


def test_the_base_is_read_from_s3(aws: Aws, base: Base, stack: Stack) -> None:
    aws.s3.upload_file(str(base.state), base.bucket_name, "states/base.tfstate")
    stack.config(terraformState=f"s3://{base.bucket_name}/states/base.tfstate")
    stack.up()
    assert aws.predict(stack.endpoint) == pytest.approx(PREDICTION, abs=1e-9)


def test_a_sensitive_output_of_the_base_is_a_secret(aws: Aws, base: Base, declared: Declared, tmp_path: Path) -> None:
    state = json.loads(base.state.read_text())
    state["outputs"] |= {"token": {"value": "hunter2", "type": "string", "sensitive": True}}
    state["outputs"] |= {"zone": {"value": "b", "type": "string"}}
    (tmp_path / "base.tfstate").write_text(json.dumps(state))
    aws.s3.upload_file(str(tmp_path / "base.tfstate"), base.bucket_name, "states/sensitive.tfstate")

    def program() -> None:
        settings = f"region=us-east-1&profile={aws.environment['AWS_PROFILE']}"
        places = (str(tmp_path / "base.tfstate"), f"s3://{base.bucket_name}/states/sensitive.tfstate?{settings}")
        for number, place in enumerate(places):
            outputs = TerraformBase.read(place).outputs
            pulumi.export(f"token{number}", outputs["token"])
            pulumi.export(f"zone{number}", outputs["zone"])

    declared.program = program
    found = declared.up().outputs
    assert {name: (output.value, output.secret) for name, output in found.items()} == {
        "token0": ("hunter2", True),
        "zone0": ("b", False),
        "token1": ("hunter2", True),
        "zone1": ("b", False),
    }


def test_the_hooks_of_a_program_are_served_by_one_server(declared: Declared, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each had its own, which took most of a large plan's time."""
    started: list[object] = []
    serve = _CallbackServicer.serve

    async def count(server: _CallbackServicer) -> None:
        started.append(server)
        await serve(server)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(_CallbackServicer, "serve", count)
    declared.preview()
    assert len(started) == 1


def test_a_program_that_is_over_leaves_no_connection_to_its_engine(declared: Declared) -> None:
    """One that lingers makes a later program fail whose engine has the same port by chance."""

    def connections() -> int:
        gc.collect()
        return sum(type(each).__name__ == "ResourceMonitorStub" for each in gc.get_objects())

    declared.preview()
    first = connections()
    declared.preview()
    declared.preview()
    assert connections() <= first
