"""A module of anybody's on the local AWS, in a shell whose variables and in a module whose blocks lead elsewhere."""

import json
from dataclasses import replace
from functools import reduce
from pathlib import Path

import pytest

from sagebridge.local import terraform_override
from tests.conftest import Aws
from tests.shells import RealAws

pytestmark = pytest.mark.terraform

MODULE = """\
terraform {
  required_providers {
    amazon = { source = "hashicorp/aws" }
  }
  backend "s3" {
    bucket = "states-of-the-real-account"
    key    = "base"
    region = "eu-west-1"
  }
}

provider "amazon" {
  region              = "eu-west-1"
  access_key          = "AKIAREAL"
  secret_key          = "real"
  allowed_account_ids = ["111111111111"]
  http_proxy          = "URL"
  assume_role {
    role_arn = "arn:aws:iam::111111111111:role/deploy"
  }
  endpoints {
    s3 = "URL"
  }
}

provider "amazon" {
  alias                    = "west"
  region                   = "us-west-2"
  profile                  = "prod"
  shared_config_files      = ["CONFIG"]
  shared_credentials_files = ["CREDS"]
  assume_role_with_web_identity {
    role_arn           = "arn:aws:iam::111111111111:role/deploy"
    web_identity_token = "token"
  }
}

resource "aws_s3_bucket" "models" {
  provider      = amazon
  bucket_prefix = "models-"
}

resource "aws_iam_role" "execution" {
  provider           = amazon.west
  name_prefix        = "execution-"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [] })
}

output "models_bucket" {
  value = aws_s3_bucket.models.id
}
"""


@pytest.fixture
def module(tmp_path: Path, real_aws: RealAws) -> Path:
    """A module with a backend and providers of its own."""
    folder = tmp_path / "own base"
    folder.mkdir()
    files = real_aws.variables()["another profile's files"]
    places = {"URL": real_aws.url, "CONFIG": files["AWS_CONFIG_FILE"], "CREDS": files["AWS_SHARED_CREDENTIALS_FILE"]}
    text = reduce(lambda text, name: text.replace(f'"{name}"', f'"{places[name]}"'), places, MODULE)
    (folder / "main.tf").write_text(text)
    return folder


def test_it_makes_all_in_the_local_aws_and_nothing_elsewhere(aws: Aws, module: Path, real_aws: RealAws) -> None:
    before = {file.name: file.read_bytes() for file in module.iterdir()}
    kept = {name: aws.environment[name] for name in ("PATH", "LOCAL_AWS_DIR", "TF_CLI_CONFIG_FILE")}
    hostile = replace(aws, environment={**aws.environment, **real_aws.everything(), **kept})

    def run(command: str) -> str:
        return hostile.must("bash", "-euc", f'eval "$(sagebridge local env)"; {command}', cwd=module)

    run("sagebridge local configure terraform && terraform init -reconfigure -input=false -no-color")
    run("terraform apply -auto-approve -input=false -no-color")
    bucket = json.loads(run("terraform output -json models_bucket"))
    assert bucket in [listed["Name"] for listed in aws.s3.list_buckets()["Buckets"]]
    assert "No changes." in run("terraform plan -input=false -no-color")
    run("terraform destroy -auto-approve -input=false -no-color")
    run("sagebridge local configure terraform --remove")

    names = {terraform_override.STATE, f"{terraform_override.STATE}.backup", ".terraform", ".terraform.lock.hcl"}
    assert {file.name for file in module.iterdir()} == before.keys() | names
    assert {name: (module / name).read_bytes() for name in before} == before
