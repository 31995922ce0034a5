import json
from collections.abc import Callable
from typing import Any

import pytest

from sagebridge.local.sagemaker.answers import without_empty
from sagebridge.local.sagemaker.endpoints import Endpoints
from sagebridge.local.sagemaker.resources import Resources
from sagebridge.local.sagemaker.service import SageMaker
from sagebridge.local.sagemaker.variants import current_capacities
from sagebridge.local.shapes import AwsError
from tests.local.account import IMAGE

ARN = "arn:aws:sagemaker:us-east-1:123456789012:"
ON_INSTANCES: dict[str, Any] = {"InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 2}


class Saved:
    """Takes what is saved, as JSON."""

    text = ""

    def save(self, state: dict[str, Any]) -> None:
        self.text = json.dumps(state)


class Control(SageMaker):
    """A SageMaker whose work the tests report themselves."""

    def __init__(self, state: dict[str, Any], save: Callable[[dict[str, Any]], None]) -> None:
        resources = Resources(state, save)
        self.endpoints = Endpoints(resources)
        super().__init__(resources, self.endpoints, lambda _: None, lambda _: None)

    def capacity(self, name: str) -> dict[str, Any]:
        endpoint = self.endpoints.find(name)
        assert endpoint is not None
        return current_capacities(endpoint)


@pytest.fixture
def saved() -> Saved:
    return Saved()


@pytest.fixture
def sagemaker(saved: Saved) -> Control:
    control = Control({}, saved.save)
    control.call(
        "CreateModel",
        {"ModelName": "m", "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": "s3://b/k", "Environment": {}}},
    )
    control.call("CreateEndpointConfig", config("c"))
    return control


def config(name: str, **members: object) -> dict[str, Any]:
    return {"EndpointConfigName": name, "ProductionVariants": [variant(**ON_INSTANCES)], **members}


def variant(**members: object) -> dict[str, object]:
    return {"VariantName": "v", "ModelName": "m", **members}


def refusal(sagemaker: Control, operation: str, **request: object) -> str:
    with pytest.raises(AwsError) as caught:
        sagemaker.call(operation, request)
    assert caught.value.code == "ValidationException"
    return caught.value.message


def serving(sagemaker: Control) -> Control:
    sagemaker.call("CreateEndpoint", {"EndpointName": "e", "EndpointConfigName": "c"})
    sagemaker.endpoints.deployed("e")
    return sagemaker


def describe(sagemaker: Control) -> dict[str, Any]:
    return sagemaker.call("DescribeEndpoint", {"EndpointName": "e"})


def test_a_model_is_described_as_it_was_asked_for_with_awss_defaults(sagemaker: Control) -> None:
    answer = sagemaker.call("DescribeModel", {"ModelName": "m"})
    assert answer.pop("CreationTime") > 0
    source = {"S3Uri": "s3://b/k", "S3DataType": "S3Object", "CompressionType": "Gzip"}
    assert answer == {
        "ModelName": "m",
        "ModelArn": f"{ARN}model/m",
        "EnableNetworkIsolation": False,
        "PrimaryContainer": {
            "Image": IMAGE,
            "Mode": "SingleModel",
            "ModelDataUrl": "s3://b/k",
            "ModelDataSource": {"S3DataSource": source},
        },
    }


def test_members_that_moto_drops_are_kept(sagemaker: Control) -> None:
    role = "arn:aws:iam::123456789012:role/r"
    shadow = [{"VariantName": "s", "ModelName": "m", **ON_INSTANCES, "InitialVariantWeight": 1.0}]
    asked = config("d", ExecutionRoleArn=role, ShadowProductionVariants=shadow, VpcConfig=None, Tags=[])
    sagemaker.call("CreateEndpointConfig", {k: v for k, v in asked.items() if v is not None})
    answer = sagemaker.call("DescribeEndpointConfig", {"EndpointConfigName": "d"})
    assert (answer["ExecutionRoleArn"], answer["ShadowProductionVariants"]) == (role, shadow)
    assert answer["ProductionVariants"][0]["InitialVariantWeight"] == 1.0


def test_no_answer_has_an_empty_member() -> None:
    value: dict[str, Any] = {"a": {}, "b": [], "c": None, "d": 0, "e": False, "f": "", "g": {"h": [{"i": {}}]}}
    assert without_empty(value) == {"d": 0, "e": False, "f": "", "g": {"h": [{}]}}


@pytest.mark.parametrize(
    ("operation", "request_", "message"),
    [
        ("DescribeModel", {"ModelName": "x"}, f'Could not find model "{ARN}model/x".'),
        (
            "DeleteEndpointConfig",
            {"EndpointConfigName": "x"},
            f'Could not find endpoint configuration "{ARN}endpoint-config/x".',
        ),
        ("DeleteEndpoint", {"EndpointName": "x"}, f'Could not find endpoint "{ARN}endpoint/x".'),
        (
            "CreateEndpoint",
            {"EndpointName": "x", "EndpointConfigName": "x"},
            f'Could not find endpoint configuration "{ARN}endpoint-config/x".',
        ),
        (
            "CreateEndpointConfig",
            config("x", ProductionVariants=[variant(**ON_INSTANCES | {"ModelName": "x"})]),
            f'Could not find model "{ARN}model/x".',
        ),
        (
            "CreateModel",
            {"ModelName": "m", "PrimaryContainer": {"Image": IMAGE}},
            f'Cannot create already existing model "{ARN}model/m".',
        ),
        ("ListTags", {"ResourceArn": f"{ARN}model/x"}, f'Could not find model "{ARN}model/x".'),
    ],
)
def test_refusals_are_in_awss_words(sagemaker: Control, operation: str, request_: dict[str, Any], message: str) -> None:
    assert refusal(sagemaker, operation, **request_) == message


@pytest.mark.parametrize(
    "members",
    [
        {"InstanceType": "ml.m5.xlarge"},
        {"InitialInstanceCount": 1},
        {"ServerlessConfig": {"MemorySizeInMB": 4096, "MaxConcurrency": 2}, "InitialInstanceCount": 1},
        {"ServerlessConfig": {"MemorySizeInMB": 4000, "MaxConcurrency": 2}},
    ],
)
def test_a_variant_is_on_instances_or_serverless(sagemaker: Control, members: dict[str, Any]) -> None:
    assert "ariant v" in refusal(
        sagemaker, "CreateEndpointConfig", **config("x", ProductionVariants=[variant(**members)])
    )


def test_an_operation_that_is_not_served_says_which_are(sagemaker: Control) -> None:
    with pytest.raises(AwsError, match=r"has no SageMaker CreateTrainingJob\. It has: AddTags, Create") as caught:
        sagemaker.call("CreateTrainingJob", {})
    assert caught.value.code == "UnknownOperationException"


def test_an_endpoint_under_way_is_described_by_what_was_asked_for(sagemaker: Control) -> None:
    sagemaker.call("CreateEndpoint", {"EndpointName": "e", "EndpointConfigName": "c"})
    answer = describe(sagemaker)
    assert (answer["EndpointStatus"], answer["EndpointConfigName"]) == ("Creating", "c")
    assert "ProductionVariants" not in answer
    (pending,) = answer["PendingDeploymentSummary"]["ProductionVariants"]
    assert pending["DeployedImages"][0]["SpecifiedImage"] == IMAGE


def test_a_serving_endpoint_is_described_by_its_variants(sagemaker: Control) -> None:
    answer = describe(serving(sagemaker))
    assert "PendingDeploymentSummary" not in answer
    (variant,) = answer["ProductionVariants"]
    assert variant["DeployedImages"][0].pop("ResolutionTime") > 0
    assert variant == {
        "VariantName": "v",
        "DeployedImages": [{"SpecifiedImage": IMAGE}],
        "CurrentWeight": 1.0,
        "DesiredWeight": 1.0,
        "CurrentInstanceCount": 2,
        "DesiredInstanceCount": 2,
    }


def test_an_update_shows_the_old_configuration_until_it_is_done(sagemaker: Control) -> None:
    serving(sagemaker).call("CreateEndpointConfig", config("d"))
    sagemaker.call("UpdateEndpoint", {"EndpointName": "e", "EndpointConfigName": "d"})
    answer = describe(sagemaker)
    assert (answer["EndpointStatus"], answer["EndpointConfigName"]) == ("Updating", "c")
    assert answer["PendingDeploymentSummary"]["EndpointConfigName"] == "d"
    sagemaker.endpoints.deployed("e")
    assert describe(sagemaker)["EndpointConfigName"] == "d"


def test_a_failed_update_rolls_back_and_keeps_its_reason_until_the_next(sagemaker: Control) -> None:
    serving(sagemaker).call("CreateEndpointConfig", config("d"))
    sagemaker.call("UpdateEndpoint", {"EndpointName": "e", "EndpointConfigName": "d"})
    sagemaker.endpoints.failed("e", "because")
    assert describe(sagemaker)["EndpointStatus"] == "RollingBack"
    sagemaker.endpoints.rolled_back("e")
    answer = describe(sagemaker)
    assert (answer["EndpointStatus"], answer["EndpointConfigName"]) == ("InService", "c")
    assert answer["FailureReason"] == "because"
    sagemaker.call("UpdateEndpoint", {"EndpointName": "e", "EndpointConfigName": "d"})
    assert "FailureReason" not in describe(sagemaker)


@pytest.mark.parametrize("operation", ["UpdateEndpoint", "DeleteEndpoint"])
def test_an_endpoint_under_way_can_be_neither_updated_nor_deleted(sagemaker: Control, operation: str) -> None:
    request = {"EndpointName": "e", "EndpointConfigName": "c"}
    sagemaker.call("CreateEndpoint", request)
    assert refusal(sagemaker, operation, **request) == f'Cannot update in-progress endpoint "{ARN}endpoint/e".'


def test_a_failed_endpoint_can_only_be_deleted(sagemaker: Control) -> None:
    request = {"EndpointName": "e", "EndpointConfigName": "c"}
    sagemaker.call("CreateEndpoint", request)
    sagemaker.endpoints.failed("e", "because")
    assert describe(sagemaker)["FailureReason"] == "because"
    assert "Cannot update failed endpoint" in refusal(sagemaker, "UpdateEndpoint", **request)
    assert "Cannot create already existing endpoint" in refusal(sagemaker, "CreateEndpoint", **request)
    sagemaker.call("DeleteEndpoint", {"EndpointName": "e"})
    sagemaker.endpoints.deleted("e")
    assert "Could not find endpoint" in refusal(sagemaker, "DescribeEndpoint", EndpointName="e")


def test_model_and_configuration_can_go_while_the_endpoint_serves(sagemaker: Control) -> None:
    serving(sagemaker)
    before = describe(sagemaker)
    sagemaker.call("DeleteEndpointConfig", {"EndpointConfigName": "c"})
    sagemaker.call("DeleteModel", {"ModelName": "m"})
    assert describe(sagemaker) == before
    record = sagemaker.endpoints.find("e")
    assert record is not None
    assert record["running"]["models"]["m"]["PrimaryContainer"]["Image"] == IMAGE


def test_the_last_deployment_config_is_described(sagemaker: Control) -> None:
    policy = {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}}
    sagemaker.call("CreateEndpointConfig", config("d"))
    first, second = ({"EndpointName": "e", "EndpointConfigName": name} for name in ("c", "d"))
    sagemaker.call("CreateEndpoint", first | {"DeploymentConfig": {"BlueGreenUpdatePolicy": policy}})
    sagemaker.endpoints.deployed("e")
    assert describe(sagemaker)["LastDeploymentConfig"] == {"BlueGreenUpdatePolicy": policy}
    sagemaker.call("UpdateEndpoint", second | {"RetainDeploymentConfig": True})
    sagemaker.endpoints.deployed("e")
    assert describe(sagemaker)["LastDeploymentConfig"] == {"BlueGreenUpdatePolicy": policy}
    sagemaker.call("UpdateEndpoint", first)
    assert "LastDeploymentConfig" not in describe(sagemaker)


def test_tags_are_merged_listed_deleted_and_go_with_the_resource(sagemaker: Control) -> None:
    def tags() -> dict[str, str]:
        listed = sagemaker.call("ListTags", {"ResourceArn": f"{ARN}model/n"})["Tags"]
        return {tag["Key"]: tag["Value"] for tag in listed}

    def create(**tags: str) -> None:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        container = {"PrimaryContainer": {"Image": IMAGE}}
        sagemaker.call("CreateModel", {"ModelName": "n", **container, "Tags": listed})

    create(a="1", b="2")
    sagemaker.call("AddTags", {"ResourceArn": f"{ARN}model/n", "Tags": [{"Key": "b", "Value": "3"}]})
    assert tags() == {"a": "1", "b": "3"}
    sagemaker.call("DeleteTags", {"ResourceArn": f"{ARN}model/n", "TagKeys": ["a", "z"]})
    assert tags() == {"b": "3"}
    sagemaker.call("DeleteModel", {"ModelName": "n"})
    create()
    assert tags() == {}


def test_more_than_fifty_tags_leave_nothing_behind(sagemaker: Control) -> None:
    tags = [{"Key": str(number), "Value": ""} for number in range(50)]
    request = {"ModelName": "n", "PrimaryContainer": {"Image": IMAGE}}
    sagemaker.call("CreateModel", {**request, "Tags": tags})
    more = {"ResourceArn": f"{ARN}model/n", "Tags": [{"Key": "one more", "Value": ""}]}
    assert "50 tags at most" in refusal(sagemaker, "AddTags", **more)
    assert len(sagemaker.call("ListTags", {"ResourceArn": f"{ARN}model/n"})["Tags"]) == 50


def test_lists_filter_sort_and_page(sagemaker: Control) -> None:
    assert sagemaker.call("ListEndpoints", {}) == {"Endpoints": []}
    for name in ("train-b", "train-a", "other"):
        sagemaker.call("CreateEndpointConfig", config(name))
    asked = {"NameContains": "TRAIN", "SortBy": "Name", "SortOrder": "Ascending", "MaxResults": 1}
    first = sagemaker.call("ListEndpointConfigs", asked)
    assert [item["EndpointConfigName"] for item in first["EndpointConfigs"]] == ["train-a"]
    assert set(first["EndpointConfigs"][0]) == {"EndpointConfigName", "EndpointConfigArn", "CreationTime"}
    second = sagemaker.call("ListEndpointConfigs", asked | {"NextToken": first["NextToken"]})
    assert [item["EndpointConfigName"] for item in second["EndpointConfigs"]] == ["train-b"]
    assert "NextToken" not in second
    newest = sagemaker.call("ListEndpointConfigs", {})["EndpointConfigs"]
    assert [item["EndpointConfigName"] for item in newest] == ["other", "train-a", "train-b", "c"]


def test_what_is_saved_gives_the_same_account_again(sagemaker: Control, saved: Saved) -> None:
    before = describe(serving(sagemaker))
    again = Control(json.loads(saved.text), lambda _: None)
    assert describe(again) == before
    assert again.endpoints.busy() == []
    again.call("CreateEndpointConfig", config("d"))
    again.call("UpdateEndpoint", {"EndpointName": "e", "EndpointConfigName": "d"})
    assert again.endpoints.busy() == ["e"]


def test_a_state_from_before_there_were_capacities_is_understood(sagemaker: Control, saved: Saved) -> None:
    serving(sagemaker)
    state = json.loads(saved.text)
    del state["ModelPackage"], state["ModelPackageGroup"]
    for member in ("capacity", "events"):
        del state["Endpoint"]["e"][member]
    again = Control(state, lambda _: None)
    assert describe(again)["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    weights(again, [{"VariantName": "v", "DesiredInstanceCount": 1}])
    assert again.capacity("e") == {"v": {"weight": 1.0, "count": 2, "serverless": None}}
    again.endpoints.scaled("e")
    assert again.capacity("e") == {"v": {"weight": 1.0, "count": 1, "serverless": None}}


def weights(sagemaker: Control, desired: list[dict[str, Any]]) -> None:
    request = {"EndpointName": "e", "DesiredWeightsAndCapacities": desired}
    sagemaker.call("UpdateEndpointWeightsAndCapacities", request)


def test_a_change_of_capacities_shows_what_is_and_what_is_wanted(sagemaker: Control) -> None:
    weights(serving(sagemaker), [{"VariantName": "v", "DesiredWeight": 0.5, "DesiredInstanceCount": 3}])
    sagemaker.endpoints.stage("e", "Updating", "Scaling out desired instance count to 3.")
    answer = describe(sagemaker)
    assert (answer["EndpointStatus"], "PendingDeploymentSummary" in answer) == ("Updating", False)
    (variant,) = answer["ProductionVariants"]
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (2, 3)
    assert (variant["CurrentWeight"], variant["DesiredWeight"]) == (1.0, 0.5)
    (status,) = variant["VariantStatus"]
    assert (status["Status"], status["StatusMessage"]) == ("Updating", "Scaling out desired instance count to 3.")
    sagemaker.endpoints.scaled("e")
    (variant,) = describe(sagemaker)["ProductionVariants"]
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (3, 3)
    assert "VariantStatus" not in variant


def test_capacities_that_cannot_be_had_stay_as_they_were(sagemaker: Control) -> None:
    weights(serving(sagemaker), [{"VariantName": "v", "DesiredInstanceCount": 3}])
    sagemaker.endpoints.failed("e", "because")
    assert describe(sagemaker)["EndpointStatus"] == "RollingBack"
    sagemaker.endpoints.rolled_back("e")
    answer = describe(sagemaker)
    (variant,) = answer["ProductionVariants"]
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (2, 2)
    assert (answer["EndpointStatus"], answer["FailureReason"]) == ("InService", "because")


def test_a_serverless_variant_changes_its_concurrency(sagemaker: Control) -> None:
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    sagemaker.call("CreateEndpointConfig", config("s", ProductionVariants=[variant(ServerlessConfig=serverless)]))
    sagemaker.call("CreateEndpoint", {"EndpointName": "e", "EndpointConfigName": "s"})
    sagemaker.endpoints.deployed("e")
    weights(sagemaker, [{"VariantName": "v", "ServerlessUpdateConfig": {"MaxConcurrency": 9}}])
    (description,) = describe(sagemaker)["ProductionVariants"]
    assert description["CurrentServerlessConfig"] == serverless
    assert description["DesiredServerlessConfig"] == serverless | {"MaxConcurrency": 9}
    sagemaker.endpoints.scaled("e")
    (description,) = describe(sagemaker)["ProductionVariants"]
    assert description["CurrentServerlessConfig"] == serverless | {"MaxConcurrency": 9}
    assert "DesiredServerlessConfig" not in description


@pytest.mark.parametrize(
    ("desired", "message"),
    [
        ({"VariantName": "w"}, 'The variant name(s) "w" is/are not present within endpoint configuration "c".'),
        ({"VariantName": "v", "ServerlessUpdateConfig": {"MaxConcurrency": 1}}, "cannot have a ServerlessUpdateConfig"),
    ],
)
def test_capacities_of_no_such_variant_are_refused(sagemaker: Control, desired: dict[str, Any], message: str) -> None:
    request = {"EndpointName": "e", "DesiredWeightsAndCapacities": [desired]}
    assert message in refusal(serving(sagemaker), "UpdateEndpointWeightsAndCapacities", **request)
    twice = {"EndpointName": "e", "DesiredWeightsAndCapacities": [{"VariantName": "v"}] * 2}
    assert "non-unique" in refusal(sagemaker, "UpdateEndpointWeightsAndCapacities", **twice)


def test_data_capture_and_shadow_variants_are_described(sagemaker: Control) -> None:
    sagemaker.call("CreateModel", {"ModelName": "n", "PrimaryContainer": {"Image": "shadow"}})
    capture = {
        "InitialSamplingPercentage": 20,
        "DestinationS3Uri": "s3://b/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}],
    }
    shadow = [{"VariantName": "s", "ModelName": "n", "InitialVariantWeight": 0.5, **ON_INSTANCES}]
    sagemaker.call("CreateEndpointConfig", config("d", DataCaptureConfig=capture, ShadowProductionVariants=shadow))
    sagemaker.call("CreateEndpoint", {"EndpointName": "e", "EndpointConfigName": "d"})
    pending = describe(sagemaker)["PendingDeploymentSummary"]
    assert pending["ShadowProductionVariants"][0]["InstanceType"] == "ml.m5.xlarge"
    sagemaker.endpoints.deployed("e")
    sagemaker.call("DeleteModel", {"ModelName": "n"})
    answer = describe(sagemaker)
    assert answer["DataCaptureConfig"] == {
        "EnableCapture": True,
        "CaptureStatus": "Started",
        "CurrentSamplingPercentage": 20,
        "DestinationS3Uri": "s3://b/capture",
    }
    (description,) = answer["ShadowProductionVariants"]
    assert (description["VariantName"], description["CurrentWeight"]) == ("s", 0.5)
    assert description["DeployedImages"][0]["SpecifiedImage"] == "shadow"


def test_a_deployment_under_way_says_what_it_is_doing(sagemaker: Control) -> None:
    serving(sagemaker).call("CreateEndpointConfig", config("d"))
    sagemaker.call("UpdateEndpoint", {"EndpointName": "e", "EndpointConfigName": "d"})
    sagemaker.endpoints.stage("e", "Baking", "Baking for 60 seconds")
    answer = describe(sagemaker)
    assert "VariantStatus" not in answer["ProductionVariants"][0]
    (status,) = answer["PendingDeploymentSummary"]["ProductionVariants"][0]["VariantStatus"]
    assert (status["Status"], status["StatusMessage"]) == ("Baking", "Baking for 60 seconds")


def test_events_tell_each_change_of_status_and_the_last_fifty_stay(sagemaker: Control) -> None:
    serving(sagemaker).call("CreateEndpointConfig", config("d"))
    sagemaker.call("UpdateEndpoint", {"EndpointName": "e", "EndpointConfigName": "d"})
    sagemaker.endpoints.failed("e", "because", at_once=True)
    record = sagemaker.endpoints.find("e")
    assert record is not None
    assert [(event["status"], event["config"], event.get("reason")) for event in record["events"]] == [
        ("Creating", "c", None),
        ("InService", "c", None),
        ("Updating", "d", None),
        ("RollingBack", "c", "because"),
        ("InService", "c", None),
    ]
    for _ in range(30):
        weights(sagemaker, [{"VariantName": "v"}])
        sagemaker.endpoints.scaled("e")
    record = sagemaker.endpoints.find("e")
    assert record is not None
    assert len(record["events"]) == 50


def test_a_silent_rollback_gives_no_reason(sagemaker: Control) -> None:
    serving(sagemaker).call("CreateEndpointConfig", config("d"))
    sagemaker.call("UpdateEndpoint", {"EndpointName": "e", "EndpointConfigName": "d"})
    sagemaker.endpoints.failed("e", None, at_once=True)
    answer = describe(sagemaker)
    assert (answer["EndpointStatus"], answer["EndpointConfigName"]) == ("InService", "c")
    assert "FailureReason" not in answer


def test_an_update_to_the_configuration_in_use_is_refused(sagemaker: Control) -> None:
    request = {"EndpointName": "e", "EndpointConfigName": "c"}
    assert "already has endpoint configuration" in refusal(serving(sagemaker), "UpdateEndpoint", **request)


def test_guardrails_need_the_same_variant_names(sagemaker: Control) -> None:
    other = {"VariantName": "w", "ModelName": "m", **ON_INSTANCES}
    serving(sagemaker).call("CreateEndpointConfig", config("d", ProductionVariants=[other]))
    request = {"EndpointName": "e", "EndpointConfigName": "d"}
    policy = {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}}
    guarded = request | {"DeploymentConfig": {"BlueGreenUpdatePolicy": policy}}
    assert "must have the variant names of the old one: v; it has w." in refusal(sagemaker, "UpdateEndpoint", **guarded)
    sagemaker.call("UpdateEndpoint", request)


def test_lists_go_on_where_they_ended_whatever_was_deleted_meanwhile(sagemaker: Control) -> None:
    for name in ("a1", "a2", "a3", "a4"):
        sagemaker.call("CreateEndpointConfig", config(name))
    asked = {"NameContains": "a", "SortBy": "Name", "SortOrder": "Ascending", "MaxResults": 2}
    first = sagemaker.call("ListEndpointConfigs", asked)
    assert not first["NextToken"].isdigit()
    for name in ("a1", "a2"):
        sagemaker.call("DeleteEndpointConfig", {"EndpointConfigName": name})
    second = sagemaker.call("ListEndpointConfigs", asked | {"NextToken": first["NextToken"]})
    assert [item["EndpointConfigName"] for item in second["EndpointConfigs"]] == ["a3", "a4"]
    assert "NextToken" not in second
    other = asked | {"NextToken": first["NextToken"], "SortBy": "CreationTime"}
    assert "NextToken" in refusal(sagemaker, "ListEndpointConfigs", **other)


@pytest.mark.parametrize("token", ["1", "x", "e30=", "WzEsIDJd", "é", "AAAA"])
def test_a_bad_next_token_is_refused(sagemaker: Control, token: str) -> None:
    assert "The NextToken is not one that" in refusal(sagemaker, "ListModels", NextToken=token)


def test_model_packages_have_versions_and_an_approval(sagemaker: Control) -> None:
    specification = {"Containers": [{"Image": IMAGE}], "SupportedContentTypes": [], "SupportedResponseMIMETypes": []}
    request = {"ModelPackageGroupName": "g", "InferenceSpecification": specification}
    assert refusal(sagemaker, "CreateModelPackage", **request) == (
        f"Model Package Group {ARN}model-package-group/g does not exist."
    )
    sagemaker.call("CreateModelPackageGroup", {"ModelPackageGroupName": "g"})
    arns = [sagemaker.call("CreateModelPackage", request)["ModelPackageArn"] for _ in range(2)]
    assert arns == [f"{ARN}model-package/g/1", f"{ARN}model-package/g/2"]
    sagemaker.call("CreateModelPackage", {"ModelPackageName": "p", "InferenceSpecification": specification})
    package = sagemaker.call("DescribeModelPackage", {"ModelPackageName": arns[1]})
    assert (package["ModelPackageVersion"], package["ModelApprovalStatus"]) == (2, "PendingManualApproval")
    assert package["ModelPackageStatus"] == "Completed"
    sagemaker.call("UpdateModelPackage", {"ModelPackageArn": arns[1], "ModelApprovalStatus": "Approved"})
    listed = sagemaker.call("ListModelPackages", {"ModelPackageGroupName": "g", "ModelApprovalStatus": "Approved"})[
        "ModelPackageSummaryList"
    ]
    assert [item["ModelPackageArn"] for item in listed] == [arns[1]]
    assert len(sagemaker.call("ListModelPackages", {})["ModelPackageSummaryList"]) == 1  # unversioned
    model = {"ModelName": "n", "PrimaryContainer": {"ModelPackageName": "p"}}
    sagemaker.call("CreateModel", model)
    with pytest.raises(AwsError, match="still has model packages") as caught:
        sagemaker.call("DeleteModelPackageGroup", {"ModelPackageGroupName": "g"})
    assert caught.value.code == "ConflictException"
    for arn in arns:
        sagemaker.call("DeleteModelPackage", {"ModelPackageName": arn})
    sagemaker.call("DeleteModelPackageGroup", {"ModelPackageGroupName": "g"})
