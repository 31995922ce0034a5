"""Every kind of model, on the real engine: what its endpoint answers, and what AWS describes."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pulumi
import pulumi_aws
import pytest

from tests.conftest import PREDICTION, Aws, Base
from tests.engine.lives import everything, invoke, put_echo, rolls_back_and_mends
from tests.fields import IMAGE
from tests.local.account import ECHO, HANDLER, TRUST, echo
from tests.stacks import Declared

pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("nothing_stays")]

SECRET = "correct-horse-battery-staple"  # noqa: S105 - no one's


def container(aws: Aws, endpoint: str) -> Any:
    """Describes the only container of the model that an endpoint runs."""
    configuration = aws.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    (variant,) = aws.sagemaker.describe_endpoint_config(EndpointConfigName=configuration)["ProductionVariants"]
    return aws.sagemaker.describe_model(ModelName=variant["ModelName"])["PrimaryContainer"]


def test_a_multi_model_endpoint(aws: Aws, base: Base, declared: Declared) -> None:
    def put(word: str) -> None:
        put_echo(aws, base, f"{declared.endpoint}/{word}.tar.gz", word)

    def answers(*words: str) -> None:
        assert [invoke(aws, declared.endpoint, TargetModel=f"{word}.tar.gz")["word"] for word in words] == list(words)

    put("red")
    put("blue")
    declared.args |= {
        "mode": "MultiModel",
        "model_data_url": f"s3://{base.bucket_name}/{declared.endpoint}/",
        "environment": {
            **HANDLER,
            "SAGEMAKER_SUBMIT_DIRECTORY": put_echo(aws, base, f"{declared.endpoint}-code.tar.gz", "that of all"),
        },
    }
    declared.up()
    answers("red", "blue")

    put("late")
    assert set(declared.preview()) == {"same"}
    answers("late", "red")

    declared.args["model_cache_setting"] = "Disabled"
    rolls_back_and_mends(aws, declared, lambda: answers("red", "late"))
    assert container(aws, declared.endpoint)["MultiModelConfig"] == {"ModelCacheSetting": "Disabled"}
    answers("red", "blue", "late")


def test_versions_of_a_registered_model_package(aws: Aws, base: Base, declared: Declared, model_data: str) -> None:
    name = f"{declared.endpoint}-group"
    aws.sagemaker.create_model_package_group(ModelPackageGroupName=name)

    def version(url: str) -> str:
        made = aws.sagemaker.create_model_package(
            ModelPackageGroupName=name,
            ModelApprovalStatus="Approved",
            InferenceSpecification={
                "Containers": [{"Image": IMAGE, "ModelDataUrl": url, "Environment": HANDLER}],
                "SupportedContentTypes": ["application/json"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
        )
        return made["ModelPackageArn"]

    declared.args = {
        "execution_role_arn": base.execution_role_arn,
        "model_package_name": version(model_data),
        "endpoint_name": declared.endpoint,
    }
    declared.up()
    assert aws.predict(declared.endpoint) == pytest.approx(PREDICTION, abs=1e-9)
    assert set(declared.preview()) == {"same"}

    second = version(put_echo(aws, base, f"{declared.endpoint}/2.tar.gz", "second"))
    declared.args["model_package_name"] = second

    def first_serves() -> None:
        assert aws.predict(declared.endpoint) == pytest.approx(PREDICTION, abs=1e-9)

    rolls_back_and_mends(aws, declared, first_serves)
    assert invoke(aws, declared.endpoint)["word"] == "second"
    assert container(aws, declared.endpoint)["ModelPackageName"] == second


def test_one_endpoint_moves_from_a_framework_to_containers_and_to_uncompressed_data(
    aws: Aws, base: Base, declared: Declared, model_data: str
) -> None:
    role, name = base.execution_role_arn, declared.endpoint
    declared.args = {
        "execution_role_arn": role,
        "framework": "sklearn",
        "framework_version": "1.9-0",
        "model_data_url": model_data,
        "endpoint_name": name,
    }
    declared.up()
    assert container(aws, name)["Image"] == IMAGE
    assert aws.predict(name) == pytest.approx(PREDICTION, abs=1e-9)
    assert set(declared.preview()) == {"same"}

    red, blue = (put_echo(aws, base, f"{name}/{word}.tar.gz", word) for word in ("red", "blue"))
    declared.args = {
        "execution_role_arn": role,
        "containers": [
            {"image": IMAGE, "model_data_url": red, "container_hostname": "first"},
            {"image": IMAGE, "model_data_url": blue, "container_hostname": "second", "environment": {"KEY": "value"}},
        ],
        "inference_execution_mode": "Direct",
        "endpoint_name": name,
    }
    declared.up()
    assert invoke(aws, name, TargetContainerHostname="first")["word"] == "red"
    second = invoke(aws, name, TargetContainerHostname="second")
    assert (second["word"], second["environment"]["KEY"]) == ("blue", "value")
    assert set(declared.preview()) == {"same"}

    aws.s3.put_object(Bucket=base.bucket_name, Key=f"{name}/plain/inference.py", Body=ECHO.format(word="uncompressed"))
    declared.args = {
        "execution_role_arn": role,
        "image": IMAGE,
        "model_data_source": {"s3_uri": f"s3://{base.bucket_name}/{name}/plain/", "accept_eula": True},
        "environment": HANDLER,
        "vpc_config": {"subnets": ["subnet-1", "subnet-2"], "security_group_ids": ["sg-1"]},
        "enable_network_isolation": True,
        "endpoint_name": name,
    }
    declared.up()
    assert invoke(aws, name)["word"] == "uncompressed"
    assert set(declared.preview()) == {"same"}
    model = aws.sagemaker.describe_model(ModelName=declared.outputs()["modelName"])
    assert set(model["VpcConfig"]["Subnets"]) == {"subnet-1", "subnet-2"}
    assert model["VpcConfig"]["SecurityGroupIds"] == ["sg-1"]
    assert model["EnableNetworkIsolation"] is True
    assert container(aws, name)["ModelDataSource"]["S3DataSource"]["ModelAccessConfig"] == {"AcceptEula": True}


def test_a_secret_reaches_the_container_and_nothing_else(aws: Aws, base: Base, declared: Declared) -> None:
    token = SECRET

    def program() -> None:
        declared.args |= {
            "environment": {"TOKEN": pulumi.Output.secret(token), "LEVEL": "debug"},
            "instance_type": pulumi.Output.from_input("ml.m5.large"),
        }
        declared.declare()

    declared.program = program
    declared.args["model_data_url"] = put_echo(aws, base, f"{declared.endpoint}/model.tar.gz", "model")
    declared.args["autoscaling"] = {"min_capacity": 1, "max_capacity": 2, "invocations_per_instance": 100}
    shown = declared.shown()
    result = declared.up()
    environment = invoke(aws, declared.endpoint)["environment"]
    assert (environment["TOKEN"], environment["LEVEL"]) == (SECRET, "debug")
    assert not any(output.secret for output in result.outputs.values())

    backend = Path(urlsplit(aws.environment["PULUMI_BACKEND_URL"]).path)
    kept = "".join(file.read_text() for file in backend.rglob(f"*{declared.endpoint}*/**/*.json"))
    state = (backend / f".pulumi/stacks/declared/{declared.endpoint}.json").read_text()
    assert SECRET not in shown + result.stdout + result.stderr + state + kept
    assert '"AllTraffic":"ml.m5.large"' in state  # what is no secret does not become one beside it

    token = SECRET * 1024
    said = declared.preview_fails()
    assert "environment['TOKEN'] must be at most 1024 characters long." in said
    assert SECRET not in said


def test_what_is_made_in_the_same_program_is_known_only_in_the_update(
    aws: Aws, declared: Declared, tmp_path: Path
) -> None:
    archive = tmp_path / "model.tar.gz"
    archive.write_bytes(echo("made"))
    count = 0

    def program() -> None:
        bucket = pulumi_aws.s3.Bucket("models", force_destroy=True)
        role = pulumi_aws.iam.Role("role", assume_role_policy=json.dumps(TRUST))
        model = pulumi_aws.s3.BucketObjectv2(
            "model", bucket=bucket.bucket, key="model.tar.gz", source=pulumi.FileAsset(str(archive))
        )
        declared.args |= {
            "execution_role_arn": role.arn,
            "model_data_url": pulumi.Output.format("s3://{0}/{1}", bucket.bucket, model.key),
            "image": bucket.arn.apply(lambda _: IMAGE),
            "initial_instance_count": role.arn.apply(lambda _: count),
        }
        declared.declare()

    declared.program = program
    before = everything(aws)
    assert set(declared.preview()) == {"create"}
    said = declared.up_fails()
    assert "initial_instance_count must be 1 or more, not 0" in said
    assert everything(aws) == before

    count = 2
    declared.up()
    assert invoke(aws, declared.endpoint)["word"] == "made"
    (variant,) = aws.sagemaker.describe_endpoint(EndpointName=declared.endpoint)["ProductionVariants"]
    assert variant["CurrentInstanceCount"] == 2
    assert set(declared.preview()) == {"same"}
