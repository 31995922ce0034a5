"""What stays with Terraform and is a literal in the program gets a hint at what reads it."""

from typing import Any

from sagebridge.bridge.adopt.base import base_hint
from sagebridge.bridge.adopt.declare import Call
from sagebridge.bridge.secret import Secret
from sagebridge.bridge.terraform.state import Output, State
from tests.bridge.adopt.resources import ROLE, URL


def hint(arguments: dict[str, Any], **outputs: Any) -> str:
    state = State(1, "l", {name: Output(value, "string") for name, value in outputs.items()}, ())
    return base_hint([Call("e", arguments)], state, "base.tfstate")  # type: ignore[arg-type] # any arguments


def test_the_role_and_the_bucket_are_named_with_the_outputs_that_have_them() -> None:
    variants = [{"variant_name": "a", "model_data_url": URL}, {"variant_name": "b", "model_data_url": "s3://other/m"}]
    text = hint({"execution_role_arn": ROLE, "production_variants": variants}, role=ROLE, bucket_name="bucket")
    assert "`base = TerraformBase.read('base.tfstate')`" in text
    assert text.splitlines()[-3:] == [
        f"     - `{ROLE}`: `base.execution_role_arn`, with `outputs={{'execution_role_arn': 'role'}}`",
        "     - `bucket`: `base.bucket_name`",
        "     - `other`: `base.bucket_name`; this state has no output of it",
    ]


def test_a_secret_is_not_named_and_an_output_that_is_one_is_not_used() -> None:
    assert hint({"execution_role_arn": Secret(ROLE)}) == ""
    assert "no output of it" in hint({"execution_role_arn": ROLE}, role=Secret(ROLE))
    assert hint({"execution_role_arn": ROLE, "environment": {"A": "s3://bucket/x"}}).count("`base.") == 1
