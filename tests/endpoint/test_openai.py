"""Mocks: where clients of OpenAI's API find an endpoint, and who may call it with a bearer token."""

import json
from collections.abc import Callable
from pathlib import Path

import pulumi
import pytest

from sagebridge import SageMakerEndpoint
from sagebridge.endpoint.grants import invoke_policy
from sagebridge.endpoint.openai import base_url
from tests.endpoint.endpoints import COMPONENT, args
from tests.mocks import Monitor

Run = Callable[[Callable[[], object]], Monitor]

ARN = "arn:aws:sagemaker:{}:123456789012:endpoint/chat"
QUEUE = {"s3_output_path": "s3://answers/out"}


@pytest.fixture(autouse=True)
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """AWS's configuration file, which is empty."""
    path = tmp_path / "config"
    path.touch()
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    return path


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "runtime.sagemaker.eu-west-1.amazonaws.com"),
        ("us-gov-west-1", "runtime.sagemaker.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "runtime.sagemaker.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_the_url_is_in_the_region_of_the_endpoint(region: str, host: str) -> None:
    url = base_url("chat", ARN.format(region), {"region": "us-east-1", "profile": "nowhere"})
    assert url == f"https://{host}/endpoints/chat/openai/v1"


def test_the_url_of_an_endpoint_of_the_local_aws_is_there(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text("[profile local]\nendpoint_url = http://127.0.0.1:5555\n")
    local = "http://127.0.0.1:5555/endpoints/chat/openai/v1"
    assert base_url("chat", ARN.format("us-east-1"), {"profile": "local"}) == local
    assert base_url("chat", None, {"region": "us-east-1"}).startswith("https://")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5555")
    assert base_url("chat", ARN.format("us-east-1"), {}) == local


@pytest.mark.parametrize("other", [{"serverless_config": {}}, {"async_inference_config": QUEUE}])
def test_other_kinds_have_no_url_and_no_bearer_tokens(run: Run, other: dict[str, dict[str, str]]) -> None:
    def program() -> None:
        endpoint = SageMakerEndpoint("endpoint", args(**other))
        assert endpoint.openai_base_url is None
        endpoint.grant_invoke("caller", "role", bearer=True)

    with pytest.raises(pulumi.RunError, match="so bearer must be False: AWS documents its OpenAI route for real-"):
        run(program)


def test_a_role_is_granted_bearer_tokens_only_where_that_is_declared(run: Run) -> None:
    def program() -> None:
        endpoint = SageMakerEndpoint("endpoint", args())
        endpoint.grant_invoke("browser", "role", bearer=True)
        endpoint.grant_invoke("batch", "role")

    seen = run(program)
    (outputs,) = [outputs for urn, outputs in seen.outputs.items() if urn.endswith(f"{COMPONENT}::endpoint")]
    policies = {
        made.name: json.loads(made.inputs["policy"]) for made in seen.all_of_type("aws:iam/rolePolicy:RolePolicy")
    }
    arn = outputs["endpointArn"]
    assert policies == {"browser": invoke_policy(arn, bearer=True), "batch": invoke_policy(arn)}
