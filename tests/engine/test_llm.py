"""The example of a language model on the real engine: a chat in every way, a new model by canary, and to Terraform."""

import json
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from botocore.credentials import Credentials
from openai import OpenAI, PermissionDeniedError

from sagebridge.bearer_token import make
from sagebridge.images.combination import CUDA_13_AMI
from tests import openai_server
from tests.bridge.commands import Bridge
from tests.conftest import Aws
from tests.stacks import Stack

QUESTION, ANSWER = "what is a bridge?", "a way over water"
MODEL, NEXT_MODEL = "Qwen/Qwen3-8B", "Qwen/Qwen3-4B"
CANARY = """
        "deployment_config": {
            "blue_green_update_policy": {
                "type": "CANARY",
                "canary_size": {"value": 50},
                "wait_interval_in_seconds": 60,
            }
        },
    },
)
"""
LOCAL = Credentials("local", "local")


@pytest.fixture
def speaking(aws: Aws, tmp_path: Path) -> Iterator[None]:
    """A small model speaks for vLLM's image, and a minute of AWS's takes a fifth of a second."""
    corpus = tmp_path / "corpus.txt"
    corpus.write_text(f"{QUESTION}\n{ANSWER}\nwho owns the role?\nthe platform team\n")
    aws.must("sagebridge", "local", "image", "*vllm*", "--", sys.executable, openai_server.__file__, str(corpus))
    aws.must("sagebridge", "local", "times", "--pace", "300")
    yield
    aws.must("sagebridge", "local", "times", "--pace", "1")
    aws.must("sagebridge", "local", "image", "--remove", "*vllm*")


def answers(base_url: str) -> list[str | None]:
    """Returns the name of the model and its answer, as OpenAI's client gets it whole and in pieces."""
    client = OpenAI(base_url=base_url, api_key=make(LOCAL, "us-east-1", timedelta(minutes=5)))
    whole = client.chat.completions.create(model="", messages=[{"role": "user", "content": QUESTION}])
    pieces = client.chat.completions.create(
        model="", messages=[{"role": "user", "content": QUESTION}], stream=True, max_tokens=64
    )
    streamed = "".join(piece.choices[0].delta.content or "" for piece in pieces)
    return [whole.model, whole.choices[0].message.content, streamed]


@pytest.mark.engine
@pytest.mark.terraform
@pytest.mark.usefixtures("nothing_stays", "speaking")
@pytest.mark.parametrize("name", ["llm"])
def test_a_language_model(aws: Aws, example: Stack, name: str, tmp_path: Path) -> None:
    program = tmp_path / "examples" / name / "__main__.py"
    example.up()
    outputs = example.outputs()
    endpoint, base_url = outputs["endpointName"], outputs["openaiBaseUrl"]
    assert base_url.startswith("http://127.0.0.1:")
    configuration = aws.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    (variant,) = aws.sagemaker.describe_endpoint_config(EndpointConfigName=configuration)["ProductionVariants"]
    assert variant["InferenceAmiVersion"] == CUDA_13_AMI
    assert answers(base_url) == [MODEL, ANSWER, ANSWER]
    body = json.dumps({"messages": [{"role": "user", "content": QUESTION}]}).encode()
    answer = aws.runtime.invoke_endpoint(EndpointName=endpoint, ContentType="application/json", Body=body)
    assert json.loads(answer["Body"].read())["choices"][0]["message"]["content"] == ANSWER
    assert aws.must("sagebridge", "invoke", "--endpoint", endpoint, "--chat", QUESTION).strip() == ANSWER
    wrong = OpenAI(base_url=base_url, api_key=make(Credentials("local", "guessed"), "us-east-1", timedelta(minutes=5)))
    with pytest.raises(PermissionDeniedError, match="not signed with the secret"):
        wrong.chat.completions.create(model="", messages=[{"role": "user", "content": QUESTION}])
    assert set(example.preview()) == {"same"}

    program.write_text(program.read_text().replace(MODEL, NEXT_MODEL).replace("\n    },\n)\n", CANARY))
    example.up()
    assert example.outputs() == outputs
    assert answers(base_url) == [NEXT_MODEL, ANSWER, ANSWER]

    bridge, module = Bridge(aws, Path(example.work_dir)), tmp_path / "module"
    bridge.must("export", "--stack", example.name, "--out", str(module))
    assert "nothing would change" in bridge.must("verify", "--stack", example.name, "--module", str(module))
