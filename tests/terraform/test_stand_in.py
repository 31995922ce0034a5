"""What modules read of the account and the Region, and what stands beside an endpoint, on the provider that is used."""

import json
import shutil
from pathlib import Path

import pytest
from packaging.version import Version

from tests.conftest import ROOT, Aws

pytestmark = pytest.mark.terraform

MODULE = """\
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  default_tags {
    tags = { team = "ml" }
  }
}

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}
data "aws_region" "by_endpoint" {
  endpoint = "ec2.eu-west-1.amazonaws.com"
}
data "aws_partition" "current" {}
data "aws_default_tags" "current" {}
data "aws_arn" "role" {
  arn = "arn:aws:iam::${data.aws_caller_identity.current.account_id}:role/x"
}
data "aws_service_principal" "sagemaker" {
  service_name = "sagemaker"
}

resource "aws_sns_topic" "notices" {}
resource "aws_kms_key" "captured" {
  deletion_window_in_days = 7
}
resource "aws_cloudwatch_log_group" "endpoint" {}
resource "aws_ecr_repository" "images" {
  name = "module-images"
}
output "read" {
  value = {
    account     = data.aws_caller_identity.current.account_id
    region      = data.aws_region.current.region
    endpoint    = data.aws_region.current.endpoint
    by_endpoint = data.aws_region.by_endpoint.region
    partition   = data.aws_partition.current.partition
    tags        = data.aws_default_tags.current.tags
    resource    = data.aws_arn.role.resource
    principal   = data.aws_service_principal.sagemaker.name
  }
}
"""

FUNCTIONS = """\
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

output "computed" {
  value = {
    built   = provider::aws::arn_build("aws", "iam", "", "444455556666", "role/team/scorer")
    parsed  = provider::aws::arn_parse("arn:aws:iam::444455556666:role/team/scorer")
    trimmed = provider::aws::trim_iam_role_path("arn:aws:iam::444455556666:role/team/scorer")
    agent   = provider::aws::user_agent("scorer", "1.0", "a comment")
  }
}
"""


def test_what_a_module_reads_and_what_an_endpoint_stands_beside(aws: Aws, tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(MODULE)
    shutil.copyfile(ROOT / "terraform" / "local" / "local_override.tf", tmp_path / "local_override.tf")
    aws.must("terraform", "init", cwd=tmp_path)
    attached = aws.attached_in(tmp_path)
    attached.must("terraform", "apply", "-auto-approve", cwd=tmp_path)
    try:
        assert json.loads(aws.must("terraform", "output", "-json", "read", cwd=tmp_path)) == {
            "account": aws.client("sts").get_caller_identity()["Account"],
            "region": "us-east-1",
            "endpoint": "ec2.us-east-1.amazonaws.com",
            "by_endpoint": "eu-west-1",
            "partition": "aws",
            "tags": {"team": "ml"},
            "resource": "role/x",
            "principal": "sagemaker.amazonaws.com",
        }
        attached.must("terraform", "plan", "-detailed-exitcode", cwd=tmp_path)
    finally:
        attached.must("terraform", "destroy", "-auto-approve", cwd=tmp_path)


def test_the_functions_of_the_provider(aws: Aws, tmp_path: Path) -> None:
    version = json.loads(aws.must("terraform", "version", "-json"))["terraform_version"]
    if Version(version) < Version("1.8"):
        pytest.skip(f"Terraform {version} does not know functions of providers; 1.8 does")
    (tmp_path / "main.tf").write_text(FUNCTIONS)
    aws.must("terraform", "init", cwd=tmp_path)
    attached = aws.attached_in(tmp_path)
    attached.must("terraform", "apply", "-auto-approve", cwd=tmp_path)
    assert json.loads(aws.must("terraform", "output", "-json", "computed", cwd=tmp_path)) == {
        "built": "arn:aws:iam::444455556666:role/team/scorer",
        "parsed": {
            "account_id": "444455556666",
            "partition": "aws",
            "region": "",
            "resource": "role/team/scorer",
            "service": "iam",
        },
        "trimmed": "arn:aws:iam::444455556666:role/scorer",
        "agent": "scorer/1.0 (a comment)",
    }
