"""What Describe and List operations answer."""

from typing import Any

from botocore.model import ListShape, OperationModel, StructureShape

from sagebridge.local.sagemaker.models import containers
from sagebridge.local.sagemaker.variants import current_capacities
from sagebridge.local.shapes import Record

SERVING = ("InService", "Updating", "RollingBack")
"""The statuses in which an endpoint takes invocations."""
_CONFIGURED = ("AsyncInferenceConfig", "ExplainerConfig", "MetricsConfig", "CrossRegionTrafficConfig")
"""Members that DescribeEndpoint answers as they are configured."""


KEPT_EMPTY = {
    "NotificationConfig": "of AsyncInferenceOutputConfig: TestAccSageMakerEndpointConfiguration_Async_notif of the AWS "
    "provider; hashicorp/terraform-provider-aws#44310",
}
"""The structures that AWS keeps although they are empty, with the source for each."""


def without_empty(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Drops members that are null or empty, at every depth: AWS leaves them out of its answers, but for some."""
    if isinstance(value, dict):
        members = {key: without_empty(item) for key, item in value.items()}
        return {
            key: item
            for key, item in members.items()
            if item is not None and item != [] and (item != {} or key in KEPT_EMPTY)
        }
    if isinstance(value, list):
        return [without_empty(item) for item in value]
    return value


def shaped(operation: OperationModel, answer: Record) -> Record:
    """Keeps of an answer what AWS answers: the operation's own members, none of them empty."""
    shape = operation.output_shape
    if shape is None:
        return {}
    members = {name: value for name, value in answer.items() if name in shape.members}
    if not operation.name.startswith("List"):
        return dict(without_empty(members))
    for name, member in shape.members.items():  # an empty list is an answer here
        if isinstance(member, ListShape) and isinstance(member.member, StructureShape):
            names = member.member.members
            members[name] = [{key: item[key] for key in names if key in item} for item in members[name]]
    return members


def described_endpoint(endpoint: Record) -> Record:
    """Answers a DescribeEndpoint from an endpoint's record."""
    asked: Record = endpoint["asked"]
    shown: Record = endpoint.get("running", asked)
    config = shown["config"]
    # A change of weights and capacities deploys no new configuration, so it has no PendingDeploymentSummary.
    is_pending = endpoint["EndpointStatus"] in ("Creating", "Updating") and "desired" not in endpoint
    stage = [endpoint["stage"]] if "stage" in endpoint else []
    answer = {
        **endpoint,
        "EndpointConfigName": config["EndpointConfigName"],
        **{name: config.get(name) for name in _CONFIGURED},
    }
    if "running" in endpoint:
        capacities = current_capacities(endpoint)
        desired = endpoint.get("desired", capacities)
        answer |= _summaries(shown, capacities, desired, [] if is_pending else stage)
        answer["DataCaptureConfig"] = _capture(config.get("DataCaptureConfig"), endpoint["EndpointStatus"])
    if is_pending:
        answer["PendingDeploymentSummary"] = {
            "EndpointConfigName": asked["config"]["EndpointConfigName"],
            **_summaries(asked, asked["capacity"], asked["capacity"], stage, is_pending=True),
            "StartTime": asked["StartTime"],
        }
    return answer


def _capture(config: Record | None, status: str) -> Record | None:
    if config is None:
        return None
    is_enabled = config.get("EnableCapture", True)  # botocore, EnableCapture: "defaults to enabled"
    return {
        "EnableCapture": is_enabled,
        "CaptureStatus": "Started" if is_enabled and status in SERVING else "Stopped",
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
        "KmsKeyId": config.get("KmsKeyId"),
    }


def _summaries(
    deployment: Record, capacities: Record, desired: Record, stage: list[Record], *, is_pending: bool = False
) -> Record:
    """Describes the variants of a deployment as they run, or will run."""
    return {
        member: [
            _summary(variant, deployment, capacities[variant["VariantName"]], desired[variant["VariantName"]])
            | {"VariantStatus": stage}
            | ({"InstanceType": variant.get("InstanceType")} if is_pending else {})
            for variant in deployment["config"].get(member, [])
        ]
        for member in ("ProductionVariants", "ShadowProductionVariants")
    }


def _summary(variant: Record, deployment: Record, capacity: Record, desired: Record) -> Record:
    """Describes a variant as it runs, without ResolvedImage, the digest of a pulled image: none is pulled."""
    images = [container["Image"] for container in containers(deployment["models"][variant["ModelName"]])]
    return {
        **{member: variant.get(member) for member in ("ManagedInstanceScaling", "RoutingConfig")},
        "VariantName": variant["VariantName"],
        "DeployedImages": [{"SpecifiedImage": image, "ResolutionTime": deployment["StartTime"]} for image in images],
        "CurrentWeight": capacity["weight"],
        "DesiredWeight": desired["weight"],
        "CurrentInstanceCount": capacity["count"],
        "DesiredInstanceCount": desired["count"],
        "CurrentServerlessConfig": capacity["serverless"],
        "DesiredServerlessConfig": desired["serverless"] if desired["serverless"] != capacity["serverless"] else None,
    }
