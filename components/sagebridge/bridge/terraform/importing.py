"""How Terraform imports each type, or why it cannot, and which arguments an import does not bring.

The import ID is the ID in the state, but for the types below, whose documentation asks for more. Sources: "Import" in
each type's page of the AWS provider's documentation, as pulumi_aws 7.51.1 repeats it, and the importers and their
acceptance tests (`ImportStateVerifyIgnore`) in terraform-provider-aws 6.34.0, internal/service.
"""

import string
from collections.abc import Mapping
from typing import Any

_SCALED = "{service_namespace}/{resource_id}/{scalable_dimension}"
_IMPORT_IDS = {
    "aws_api_gateway_resource": "{rest_api_id}/{id}",
    "aws_api_gateway_stage": "{rest_api_id}/{stage_name}",
    "aws_apigatewayv2_integration": "{api_id}/{id}",
    "aws_apigatewayv2_route": "{api_id}/{id}",
    "aws_apigatewayv2_stage": "{api_id}/{name}",
    "aws_appautoscaling_policy": f"{_SCALED}/{{name}}",
    "aws_appautoscaling_target": _SCALED,
    "aws_autoscaling_policy": "{autoscaling_group_name}/{name}",
    "aws_autoscaling_schedule": "{autoscaling_group_name}/{scheduled_action_name}",
    "aws_cloudwatch_event_target": "{event_bus_name}/{rule}/{target_id}",
    "aws_cloudwatch_log_stream": "{log_group_name}:{name}",
    "aws_cloudwatch_log_subscription_filter": "{log_group_name}|{name}",
    "aws_cognito_user_pool_client": "{user_pool_id}/{id}",
    "aws_ecs_cluster": "{name}",
    "aws_ecs_task_definition": "{arn}",
    "aws_iam_group_policy_attachment": "{group}/{policy_arn}",
    "aws_iam_role_policy_attachment": "{role}/{policy_arn}",
    "aws_iam_user_policy_attachment": "{user}/{policy_arn}",
    "aws_lambda_alias": "{function_name}/{name}",
    "aws_s3_bucket_object": "{bucket}/{key}",
    "aws_s3_object": "{bucket}/{key}",
}
"""What an import ID is made of, by Terraform's type: attributes, and what stands between them."""

NOT_IMPORTABLE = {
    "aws_appautoscaling_scheduled_action": (
        "add the block below to the module once the rest is Terraform's: making it writes over the action of the same"
        " name, which stays as it is"
    ),
    "aws_iam_group_membership": "declare an aws_iam_user_group_membership for each user, which can be imported",
    "aws_iam_policy_attachment": "declare an aws_iam_role_policy_attachment for each role, which can be imported",
    "aws_iam_security_token_service_preferences": (
        "add the block below to the module once the rest is Terraform's: making it sets what is set already"
    ),
    "aws_s3_object_copy": "declare an aws_s3_object, which can be imported",
}
"""What to do instead, by types without an importer in terraform-provider-aws 6.34.0; `verify` finds others."""

_NEVER_IMPORTED = frozenset({"force_delete", "force_destroy", "force_detach_policies", "skip_destroy"})
_OBJECT = frozenset({"acl", "content", "content_base64", "source_hash"})
_NOT_IMPORTED = {
    "aws_s3_bucket_object": _OBJECT,
    "aws_s3_object": _OBJECT,
    "aws_sagemaker_domain": frozenset({"retention_policy"}),
}

DEFAULTED = {"aws_s3_bucket_object": ("acl", "force_destroy")}
"""Arguments that no import brings and Terraform has a default for: only `ignore_changes` leaves them as they are."""


def arguments_not_imported(terraform_type: str) -> frozenset[str]:
    """Returns the arguments that no import brings, as AWS does not keep or tell them: to declare them is an update."""
    return _NEVER_IMPORTED | _NOT_IMPORTED.get(terraform_type, frozenset())


def import_id(terraform_type: str, attributes: Mapping[str, Any], region: str | None = None) -> str | None:
    """Returns a resource's import ID, or `None` if an attribute that it needs is missing.

    Args:
        terraform_type: Terraform's type.
        attributes: The attributes by Terraform's names, `id` among them.
        region: The resource's own region, if it is another than its provider's.
    """
    template = _IMPORT_IDS.get(terraform_type, "{id}")
    needed = {name: attributes.get(name) for _, name, _, _ in string.Formatter().parse(template) if name}
    if not all(isinstance(value, str) and value for value in needed.values()):
        return None
    identity = template.format(**needed)
    return f"{identity}@{region}" if region else identity
