"""The mocks answer as AWS does: names, IDs and ARNs by the type, objects, and Terraform's outputs."""

from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from sagebridge import SageMakerEndpoint, TerraformBase
from sagebridge.testing import MockedEngine, Mocks, identities

ACCOUNT = "123456789012"
SAGEMAKER, SNS, LOGS = (f"arn:aws:{service}:us-east-1:{ACCOUNT}" for service in ("sagemaker", "sns", "logs"))
IAM = f"arn:aws:iam::{ACCOUNT}"
NO_ARGS: Any = dict.fromkeys(["auth_mode", "default_user_settings", "domain_name", "subnet_ids", "vpc_id"], "x")
POLICY = '{"Version": "2012-10-17", "Statement": []}'


def described(engine: MockedEngine, declare: Callable[[], Any], *outputs: str) -> list[Any]:
    """Returns outputs of a resource that a program declares."""

    def program() -> None:
        resource = declare()
        for name in outputs:
            pulumi.export(name, getattr(resource, name))

    exported = engine.run(program).outputs
    return [exported[name] for name in outputs]


@pytest.mark.parametrize(
    ("declare", "identity", "arn"),
    [
        (lambda: aws.sagemaker.Endpoint("a", endpoint_config_name="c"), "a-1234567", f"{SAGEMAKER}:endpoint/a-1234567"),
        (
            lambda: aws.sagemaker.EndpointConfiguration("a", production_variants=[]),
            "a-1234567",
            f"{SAGEMAKER}:endpoint-config/a-1234567",
        ),
        (lambda: aws.sagemaker.Model("a", name="b", execution_role_arn="r"), "b", f"{SAGEMAKER}:model/b"),
        (lambda: aws.sagemaker.Domain("a", **NO_ARGS), "a-1234567", f"{SAGEMAKER}:domain/a-1234567"),
        (lambda: aws.iam.Role("a", assume_role_policy=POLICY), "a-1234567", f"{IAM}:role/a-1234567"),
        (lambda: aws.iam.Role("a", path="/t/", assume_role_policy=POLICY), "a-1234567", f"{IAM}:role/t/a-1234567"),
        (lambda: aws.iam.Policy("a", policy=POLICY), f"{IAM}:policy/a-1234567", f"{IAM}:policy/a-1234567"),
        (lambda: aws.s3.Bucket("a"), "a-1234567", "arn:aws:s3:::a-1234567"),
        (lambda: aws.s3.Bucket("a", bucket="models"), "models", "arn:aws:s3:::models"),
        (lambda: aws.sns.Topic("a"), f"{SNS}:a-1234567", f"{SNS}:a-1234567"),
        (lambda: aws.cloudwatch.LogGroup("a"), "a-1234567", f"{LOGS}:log-group:a-1234567"),
    ],
)
def test_a_resource_has_the_id_and_the_arn_of_its_type(
    sagebridge_mocks: MockedEngine, declare: Callable[[], Any], identity: str, arn: str
) -> None:
    assert described(sagebridge_mocks, declare, "id", "arn") == [identity, arn]


def test_what_provider_and_aws_make_up_is_there_too(sagebridge_mocks: MockedEngine) -> None:
    def bucket() -> aws.s3.Bucket:
        return aws.s3.Bucket("a", tags={"team": "ml"})

    assert described(sagebridge_mocks, bucket, "bucket", "tags_all", "region") == [
        "a-1234567",
        {"team": "ml"},
        "us-east-1",
    ]


def test_a_key_has_a_uuid_and_a_dashboard_its_name(sagebridge_mocks: MockedEngine) -> None:
    (key, arn) = described(sagebridge_mocks, lambda: aws.kms.Key("a"), "id", "arn")
    assert arn == f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{key}"
    dashboard = described(
        sagebridge_mocks,
        lambda: aws.cloudwatch.Dashboard("a", dashboard_name="d", dashboard_body="{}"),
        "id",
        "dashboard_arn",
    )
    assert dashboard == ["d", f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/d"]


def test_a_resource_is_in_the_region_that_it_its_provider_or_the_stack_names(sagebridge_mocks: MockedEngine) -> None:
    def program() -> None:
        china = pulumi.ResourceOptions(provider=aws.Provider("china", region="cn-north-1"))
        pulumi.export("own", aws.sns.Topic("own", region="eu-north-1").arn)
        pulumi.export("provider", aws.sns.Topic("provider", opts=china).arn)
        pulumi.export("stack", aws.sns.Topic("stack").arn)

    exported = sagebridge_mocks.run(program, {"aws:region": "eu-west-1"}).outputs
    assert exported == {
        "own": f"arn:aws:sns:eu-north-1:{ACCOUNT}:own-1234567",
        "provider": f"arn:aws-cn:sns:cn-north-1:{ACCOUNT}:provider-1234567",
        "stack": f"arn:aws:sns:eu-west-1:{ACCOUNT}:stack-1234567",
    }


def test_functions_say_where_the_program_is(sagebridge_mocks: MockedEngine) -> None:
    def program() -> None:
        pulumi.export("account", aws.get_caller_identity().account_id)
        pulumi.export("region", aws.get_region().region)
        pulumi.export("partition", aws.get_partition().partition)

    exported = sagebridge_mocks.run(program, {"aws:region": "cn-north-1"}).outputs
    assert exported == {"account": ACCOUNT, "region": "cn-north-1", "partition": "aws-cn"}


def endpoint(url: str = "s3://models/a.tar.gz", **args: Any) -> Callable[[], None]:
    def program() -> None:
        base = TerraformBase.read("none.tfstate")
        simple: Any = {"execution_role_arn": base.execution_role_arn, "model_data_url": url}
        SageMakerEndpoint("scorer", simple | {"framework": "sklearn", "framework_version": "1.9-0"} | args)

    return program


def test_images_and_archives_are_looked_up_without_a_network(
    sagebridge_mocks: MockedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"AWS_PROFILE": "none", "AWS_REGION": "xx", "HTTPS_PROXY": "http://127.0.0.1:1"}.items():
        monkeypatch.setenv(name, value)
    (model,) = sagebridge_mocks.run(endpoint()).of_type("aws:sagemaker/model:Model")
    assert ".dkr.ecr.us-east-1.amazonaws.com/" in model.inputs["primaryContainer"]["image"]
    assert model.inputs["executionRoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/sagemaker"


def test_a_test_says_which_archives_are_there_and_what_they_were_trained_with() -> None:
    mocks = Mocks()
    mocks.archives = {"s3://models/b.tar.gz"}
    engine = MockedEngine(mocks)
    engine.run(endpoint("s3://models/b.tar.gz"))
    with pytest.raises(pulumi.RunError, match=r"cannot read s3://models/a\.tar\.gz: it is not there"):
        engine.run(endpoint())
    mocks.metadata = {"scikit-learn": "0.23.2", "python": "3.7.10"}
    with pytest.raises(pulumi.RunError, match="does not fit the image"):
        engine.run(endpoint("s3://models/b.tar.gz"))


def test_every_type_of_resource_that_the_component_makes_has_a_form(sagebridge_mocks: MockedEngine) -> None:
    program = endpoint(
        endpoint_name="scorer",
        autoscaling={
            "min_capacity": 1,
            "max_capacity": 3,
            "invocations_per_instance": 100,
            "schedules": {"night": {"schedule": "cron(0 20 * * ? *)", "min_capacity": 1, "max_capacity": 1}},
        },
        deployment_config={"blue_green_update_policy": {"type": "ALL_AT_ONCE", "wait_interval_in_seconds": 0}},
        alarms={},
        dashboard=True,
    )
    types = {resource.typ for resource in sagebridge_mocks.run(program).resources if resource.typ.startswith("aws:")}
    assert len(types) == 8
    assert {token.removeprefix("aws:") for token in types} <= identities.FORMS.keys()


def test_terraforms_outputs_are_those_that_the_test_gives() -> None:
    outputs = {"bucket_name": "b", "execution_role_arn": "r", "model_prefix": "m", "subnets": ["s-1"]}
    bases: list[TerraformBase] = []
    MockedEngine(Mocks(outputs)).run(lambda: bases.append(TerraformBase.read("none.tfstate")))
    assert (bases[0].bucket_name, bases[0].model_prefix) == ("b", "m")
