"""Import IDs are what the importers ask for."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sagebridge.bridge.secret import Secret
from sagebridge.bridge.terraform import importing
from sagebridge.bridge.terraform.importing import (
    CannotImportError,
    arguments_not_imported,
    import_id,
    is_importable,
)

TYPES: dict[str, dict[str, Any]] = json.loads(Path(importing.__file__).with_name("import_ids.json").read_text())[
    "types"
]
SCALED = {
    "id": "endpoint/e/variant/v",
    "service_namespace": "sagemaker",
    "resource_id": "endpoint/e/variant/v",
    "scalable_dimension": "sagemaker:variant:DesiredInstanceCount",
    "name": "p",
}
RULE = {"security_group_id": "sg-1", "type": "ingress", "protocol": "tcp", "from_port": 80, "to_port": 90}


@pytest.mark.parametrize(
    ("terraform_type", "attributes", "identity"),
    [
        ("aws_sagemaker_model", {"id": "m", "name": "n"}, "m"),
        (
            "aws_appautoscaling_policy",
            SCALED,
            "sagemaker/endpoint/e/variant/v/sagemaker:variant:DesiredInstanceCount/p",
        ),
        ("aws_s3_object", {"id": "k", "bucket": "b", "key": "{id}/é[x]"}, "b/{id}/é[x]"),
        ("aws_iam_user_group_membership", {"id": "terraform-1", "user": "u", "groups": ["a", "b"]}, "u/a/b"),
        ("aws_iam_user_ssh_key", {"id": "K", "username": "u", "ssh_public_key_id": "K", "encoding": "SSH"}, "u:K:SSH"),
        ("aws_iam_server_certificate", {"id": "ASCA", "name": "site"}, "site"),
        ("aws_lambda_permission", {"id": "s", "function_name": "f", "statement_id": "s"}, "f/s"),
        (
            "aws_lambda_permission",
            {"id": "s", "function_name": "f", "qualifier": "live", "statement_id": "s"},
            "f:live/s",
        ),
        (
            "aws_security_group_rule",
            RULE | {"cidr_blocks": ["10.0.0.0/8", "192.0.2.0/24"], "self": False},
            "sg-1_ingress_tcp_80_90_10.0.0.0/8_192.0.2.0/24",
        ),
        ("aws_security_group_rule", RULE | {"self": True}, "sg-1_ingress_tcp_80_90_self"),
        ("aws_security_group_rule", RULE | {"source_security_group_id": "sg-2"}, "sg-1_ingress_tcp_80_90_sg-2"),
        (
            "aws_route",
            {"route_table_id": "rtb-1", "destination_cidr_block": "", "destination_prefix_list_id": "pl-1"},
            "rtb-1_pl-1",
        ),
        (
            "aws_network_acl_rule",
            {"network_acl_id": "acl-1", "rule_number": 100, "protocol": "6", "egress": False},
            "acl-1:100:6:false",
        ),
        ("aws_ecs_service", {"id": "arn", "cluster": "arn:aws:ecs:us-east-1:1:cluster/c", "name": "s"}, "c/s"),
        ("aws_ecs_service", {"id": "arn", "cluster": "c", "name": "s"}, "c/s"),
        (
            "aws_lb_target_group_attachment",
            {"target_group_arn": "arn", "target_id": "i-1", "port": 80},
            "arn,i-1,80",
        ),
        ("aws_volume_attachment", {"device_name": "/dev/sdh", "volume_id": "v", "instance_id": "i"}, "/dev/sdh:v:i"),
        ("aws_cloudwatch_log_metric_filter", {"id": "f", "log_group_name": "/g", "name": "f"}, "/g:f"),
    ],
)
def test_an_import_id_is_made_of_the_attributes(terraform_type: str, attributes: dict[str, Any], identity: str) -> None:
    assert import_id(terraform_type, attributes) == identity


@pytest.mark.parametrize(
    ("terraform_type", "attributes", "message"),
    [
        ("aws_sagemaker_model", {"id": "", "name": "n"}, "its import ID is made of id, which is not in the state"),
        ("aws_sagemaker_model", {"name": "n"}, "made of id, .*run `pulumi refresh`"),
        ("aws_appautoscaling_policy", SCALED | {"name": None}, "made of name, "),
        ("aws_route", {"route_table_id": "rtb-1"}, "destination_cidr_block or destination_ipv6_cidr_block or "),
        (
            "aws_wafv2_api_key",
            {"api_key": Secret("hunter2"), "scope": "REGIONAL"},
            "made of api_key, which is a secret",
        ),
        ("aws_iot_certificate", {"id": "c"}, "Terraform cannot import it; leave it to Pulumi"),
        ("aws_no_such_type", {"id": "x"}, r"aws_no_such_type is not in sagebridge's table, .* provider \d+\.\d+\.\d+"),
    ],
)
def test_what_cannot_be_imported_says_why(terraform_type: str, attributes: dict[str, Any], message: str) -> None:
    with pytest.raises(CannotImportError, match=message) as refused:
        import_id(terraform_type, attributes)
    assert "hunter2" not in str(refused.value)


def test_a_resource_of_another_region_is_imported_from_there() -> None:
    assert import_id("aws_sagemaker_model", {"id": "m"}, "eu-west-1") == "m@eu-west-1"


def test_each_template_of_the_table_can_be_filled() -> None:
    for terraform_type in filter(is_importable, TYPES):
        names = {
            option
            for placeholder in re.findall(r"\{/?([^}=]+)", TYPES[terraform_type]["id"])
            for option in placeholder.split("|")
        }
        assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in names), terraform_type
        identity = import_id(terraform_type, {name: f"value of {name}" for name in names})
        assert not re.search(r"[{}\[\]?]", identity), terraform_type


def test_arguments_that_aws_does_not_tell_are_known() -> None:
    assert {"acl", "force_destroy"} <= arguments_not_imported("aws_s3_bucket")
    assert "content" in arguments_not_imported("aws_s3_object") - arguments_not_imported("aws_s3_bucket")
    assert "private_key" in arguments_not_imported("aws_iam_server_certificate")
