"""Resources of a Terraform state, as the provider has them."""

from typing import Any

from sagebridge.bridge.adopt.discover import CONFIGURATION, ENDPOINT, MODEL, POLICY, TARGET
from sagebridge.bridge.terraform.state import Resource, State
from tests.fields import IMAGE

URL = "s3://bucket/models/a/model.tar.gz"
ROLE = "arn:aws:iam::123456789012:role/sagemaker"
ENVIRONMENT = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": URL}
CONTAINER = {"image": IMAGE, "mode": "SingleModel", "model_data_url": URL, "environment": ENVIRONMENT}


def model(name: str = "m", **changed: Any) -> Resource:
    attributes = {"id": name, "name": name, "execution_role_arn": ROLE, "primary_container": [CONTAINER], **changed}
    return Resource("", MODEL, name, attributes=attributes)


def variant(name: str = "AllTraffic", **changed: Any) -> dict[str, Any]:
    common = {"variant_name": name, "model_name": "m", "initial_variant_weight": 1, "serverless_config": []}
    return common | {"instance_type": "ml.m5.large", "initial_instance_count": 1} | changed


def configuration(*variants: dict[str, Any], **changed: Any) -> Resource:
    attributes = {"id": "c", "name": "c", "production_variants": list(variants) or [variant()], **changed}
    return Resource("", CONFIGURATION, "c", attributes=attributes)


def endpoint(**changed: Any) -> Resource:
    attributes = {"id": "e", "name": "e", "endpoint_config_name": "c", "deployment_config": [], **changed}
    return Resource("", ENDPOINT, "e", attributes=attributes)


def state(*resources: Resource) -> State:
    return State(1, "l", {}, resources)


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
        Resource("", TARGET, "t", attributes=target),
        Resource("", POLICY, "p", attributes=policy),
    ]
