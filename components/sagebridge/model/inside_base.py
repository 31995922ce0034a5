"""Runs inside the program that reads a stack's Terraform base for `sagebridge publish`."""

import json
from pathlib import Path

import pulumi

from sagebridge.model.base import ANSWER
from sagebridge.terraform_base import TerraformBase


def note() -> None:
    """Reads the base that the configuration names, as a program does, and notes where it keeps models."""
    location = pulumi.Config().require("terraformState")
    try:
        base = TerraformBase.read(location, region=pulumi.Config("aws").get("region"))
    except pulumi.RunError as error:
        answer = {"problem": str(error)}
    else:
        answer = {"bucket": base.bucket_name, "prefix": base.model_prefix}
    Path(ANSWER).write_text(json.dumps(answer))
