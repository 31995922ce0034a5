"""A life of an endpoint whose arguments are secrets: what a person sees, and what the stack keeps, never shows them."""

import uuid
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pulumi
import pytest

from tests.conftest import Aws
from tests.engine.lives import roll_back_next
from tests.stacks import Declared, Stack

pytestmark = pytest.mark.engine


def test_secrets_are_never_shown_through_an_endpoints_life(aws: Aws, declared: Declared) -> None:
    name = f"hunter-{uuid.uuid4().hex[:8]}"
    secrets: dict[str, Any] = {
        "endpoint_name": name,
        "execution_role_arn": declared.args["execution_role_arn"],
        "model_data_url": declared.args["model_data_url"],
        "instance_type": "ml.m5.large",
    }

    def program() -> None:
        hidden: Any = {field: pulumi.Output.secret(value) for field, value in secrets.items()}
        hidden["environment"] = pulumi.Output.secret({"LEVEL": "hunter-level"})
        declared.args |= hidden
        declared.declare()

    def seen(said: str) -> list[str]:
        return [text for text in (*secrets.values(), "hunter-level") if text in said]

    declared.program = program
    made = declared.up()
    assert seen(made.stdout) == []
    assert aws.sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService"

    secrets["instance_type"] = "ml.m5.xlarge"
    assert seen(declared.up().stdout) == []
    backend = Path(urlsplit(aws.environment["PULUMI_BACKEND_URL"]).path)
    # Pulumi keeps every ID in the clear, and AWS's ID of an endpoint is its name. And the provider's outputs repeat the
    # URL of the archive, in the field where AWS has data that is not compressed.
    kept = (backend / f".pulumi/stacks/declared/{declared.name}.json").read_text()
    assert seen(kept) == [name, secrets["model_data_url"]]
    assert kept.count(secrets["model_data_url"]) == kept.count(f'"s3Uri":"{secrets["model_data_url"]}"')

    secrets["endpoint_name"] = "hunter-other"
    said = declared.preview_fails()
    assert "endpoint_name cannot change from [secret] to [secret], because that replaces the endpoint" in said
    assert seen(said) == []

    secrets |= {"endpoint_name": name, "instance_type": "ml.m5.2xlarge"}
    roll_back_next(aws, name)
    said = declared.up_fails()
    assert "endpoint [secret] is InService on configuration" in said
    assert seen(said) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("endpointNmae", "x", "endpointNmae is not a key that Pulumi.yaml declares. Did you mean endpointName?"),
        (
            "tags.cost",
            "42",
            "tags['cost'] must be a string, not 42. Write it in quotes; in a stack's configuration, set it",
        ),
    ],
)
def test_wrong_configuration_is_refused_in_one_sentence(
    aws: Aws, stack: Stack, path: str, value: str, said: str
) -> None:
    command = ["pulumi", "config", "set", "--path", path, value, "--stack", stack.name]
    done = aws.run(*command, cwd=Path(stack.work_dir))
    assert done.returncode == 0, done.stderr
    assert said in stack.preview_fails()
