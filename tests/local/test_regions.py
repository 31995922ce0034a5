"""SageMaker in several regions: each has endpoints of its own, and ARNs name the region."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagebridge.local import control
from tests.local.account import HANDLER, IMAGE, INSTANCE, Account, echo, pack, until

pytestmark = pytest.mark.server

THERE = "eu-west-1"
FAILING = """
def model_fn(model_dir):
    return None

def predict_fn(data, model):
    raise ValueError("no")
"""
IMAGE_THERE = IMAGE.replace("us-east-1", THERE)


def declare(account: Account, name: str, archive: bytes, region: str = THERE) -> None:
    """Makes a model, a configuration and an endpoint of one name."""
    sagemaker = account.client("sagemaker", region=region)
    container = {
        "Image": IMAGE.replace("us-east-1", region),
        "ModelDataUrl": account.upload(archive),
        "Environment": HANDLER,
    }
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=account.base(), PrimaryContainer=container)
    variant = {"VariantName": "AllTraffic", "ModelName": name, **INSTANCE}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)


def serves(account: Account, name: str, region: str = THERE) -> dict[str, Any]:
    """Returns the description of an endpoint, once it is not Creating any more."""
    sagemaker = account.client("sagemaker", region=region)
    until(lambda: sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] != "Creating", 60)
    description: dict[str, Any] = sagemaker.describe_endpoint(EndpointName=name)
    assert description["EndpointStatus"] == "InService", description.get("FailureReason")
    return description


def invoke(account: Account, name: str, region: str = THERE) -> dict[str, Any]:
    """Returns what an endpoint answers."""
    runtime = account.client("sagemaker-runtime", region=region)
    answer: dict[str, Any] = json.load(runtime.invoke_endpoint(EndpointName=name, Body=b"{}")["Body"])
    return answer


def test_endpoints_of_one_name_in_two_regions_are_two(account: Account) -> None:
    name = account.name("twin")
    for region in ("us-east-1", THERE):
        declare(account, name, echo(f"of {region}"), region)
    for region in ("us-east-1", THERE):
        assert serves(account, name, region)["EndpointArn"].split(":")[3] == region
        assert invoke(account, name, region)["word"] == f"of {region}"
    account.client("sagemaker").delete_endpoint(EndpointName=name)
    assert invoke(account, name)["word"] == f"of {THERE}"


def test_what_belongs_to_an_endpoint_is_in_its_region(account: Account) -> None:
    name = account.name("whole")
    declare(account, name, echo("x"))
    serves(account, name)
    invoke(account, name)
    for region, is_there in ((THERE, True), ("us-east-1", False)):
        groups = account.client("logs", region=region).describe_log_groups(
            logGroupNamePrefix="/aws/sagemaker/Endpoints/"
        )
        assert (f"/aws/sagemaker/Endpoints/{name}" in str(groups)) == is_there
    cloudwatch = account.client("cloudwatch", region=THERE)
    dimensions = [{"Name": "EndpointName", "Value": name}]
    until(lambda: cloudwatch.list_metrics(Namespace="AWS/SageMaker", Dimensions=dimensions)["Metrics"], 30)
    elsewhere = account.client("cloudwatch")
    assert not elsewhere.list_metrics(Namespace="AWS/SageMaker", Dimensions=dimensions)["Metrics"]


def test_a_variant_is_scaled_in_its_region(account: Account) -> None:
    name = account.name("scaled")
    declare(account, name, echo("x"))
    serves(account, name)
    scaling = account.client("application-autoscaling", region=THERE)
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{name}/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    arn = scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=3)["ScalableTargetARN"]
    assert arn.split(":")[3] == THERE
    metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    policy = scaling.put_scaling_policy(
        **target,
        PolicyName="p",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={"TargetValue": 10.0, "PredefinedMetricSpecification": metric},
    )
    arns = [policy["PolicyARN"], *(alarm["AlarmARN"] for alarm in policy["Alarms"])]
    assert {arn.split(":")[3] for arn in arns} == {THERE}
    names = [alarm["AlarmName"] for alarm in policy["Alarms"]]
    assert len(account.client("cloudwatch", region=THERE).describe_alarms(AlarmNames=names)["MetricAlarms"]) == 2
    elsewhere = account.client("application-autoscaling")
    assert not elsewhere.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[target["ResourceId"]])[
        "ScalableTargets"
    ]


def test_a_models_error_names_the_log_of_its_region(account: Account) -> None:
    name = account.name("failing")
    declare(account, name, pack({"inference.py": FAILING}))
    serves(account, name)
    runtime = account.client("sagemaker-runtime", region=THERE)
    with pytest.raises(ClientError) as caught:
        runtime.invoke_endpoint(EndpointName=name, Body=b"{}", ContentType="application/json")
    answer: Any = caught.value.response
    assert answer["LogStreamArn"] == f"arn:aws:logs:{THERE}:123456789012:log-group:/aws/sagemaker/Endpoints/{name}"
    assert f"https://{THERE}.console.aws.amazon.com/cloudwatch/home?region={THERE}#" in answer["Error"]["Message"]


def test_what_is_not_there_is_refused_with_the_arn_of_the_region(account: Account) -> None:
    sagemaker = account.client("sagemaker", region=THERE)
    with pytest.raises(
        ClientError, match=f'Could not find endpoint "arn:aws:sagemaker:{THERE}:123456789012:endpoint/x"'
    ):
        sagemaker.describe_endpoint(EndpointName="x")


@pytest.mark.parametrize(
    ("call", "members"),
    [
        ("describe_model_package_group", {"ModelPackageGroupName": "arn:aws:sagemaker:{0}:123456789012:{1}"}),
        ("list_tags", {"ResourceArn": "arn:aws:sagemaker:{0}:123456789012:model/m"}),
        ("delete_model_package", {"ModelPackageName": "arn:aws:sagemaker:{0}:123456789012:model-package/p/1"}),
    ],
)
def test_an_arn_of_another_region_is_refused_in_awss_words(
    account: Account, call: str, members: dict[str, str]
) -> None:
    filled = {name: value.format("us-east-1", "model-package-group/g") for name, value in members.items()}
    with pytest.raises(ClientError, match=f"ARN should be scoped to correct region: {THERE}"):
        getattr(account.client("sagemaker", region=THERE), call)(**filled)


@pytest.mark.parametrize("region", ["us-east-1", THERE])
def test_an_image_of_another_region_is_refused_in_awss_words(account: Account, region: str) -> None:
    image = IMAGE_THERE if region == "us-east-1" else IMAGE
    said = (
        f'Region of "{image}" does not match expected region of {region}. Cross region ECR image pulls are not allowed.'
    )
    with pytest.raises(ClientError) as caught:
        account.client("sagemaker", region=region).create_model(
            ModelName=account.name("model"), ExecutionRoleArn=account.base(), PrimaryContainer={"Image": image}
        )
    assert caught.value.response["Error"]["Message"] == said


def test_a_region_that_aws_does_not_have_is_refused_by_name(account: Account) -> None:
    for region in ("eu-west-9", "cn-north-1"):
        with pytest.raises(ClientError, match=rf"The local AWS has no region {region}\. It has: .*eu-west-1"):
            account.client("sagemaker", region=region).list_endpoints()


def test_endpoints_of_every_region_outlive_the_server_and_end_with_a_reset(directory: Path) -> None:
    account = Account(control.start(directory)[0].url)
    account.base()
    declare(account, "kept", echo("x"))
    serves(account, "kept")
    control.stop(directory)
    running, _ = control.start(directory)
    account = Account(running.url)
    assert running.endpoints == 1
    assert invoke(account, "kept")["word"] == "x"
    control.reset(directory)
    running, _ = control.start(directory)
    assert running.endpoints == 0
    assert not Account(running.url).client("sagemaker", region=THERE).list_endpoints()["Endpoints"]
