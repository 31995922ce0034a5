"""A model server on the real engine, in previews: the defaults are said, the token is not, a bad GPU is refused."""

from typing import TYPE_CHECKING

import pytest

from tests.conftest import Base
from tests.stacks import Declared

if TYPE_CHECKING:
    from sagebridge.endpoint.args import SageMakerEndpointArgs

pytestmark = pytest.mark.engine


def test_a_preview_says_the_defaults_and_never_the_token(base: Base, declared: Declared) -> None:
    embeddings: SageMakerEndpointArgs = {
        "execution_role_arn": base.execution_role_arn,
        "framework": "huggingface-tei",
        "hugging_face_model": {"id": "Qwen/Qwen3-Embedding-8B", "token": "hf_hunter2"},
        "instance_type": "ml.g5.2xlarge",
    }
    declared.args = embeddings
    shown = declared.shown()
    assert "(the newest of huggingface-tei that is known here); container_startup_health_check_timeout_in_s" in shown
    assert "is 840. The image has CUDA 12.2, and ml.g5.2xlarge has 1 A10G with 22 GiB each." in shown
    assert "HF_MODEL_ID" in shown
    assert "hunter2" not in shown


@pytest.mark.parametrize(
    ("instance_type", "refusal"),
    [
        ("ml.g4dn.xlarge", "instance_type has the GPU T4, on which vllm:"),
        ("ml.m5.xlarge", "instance_type must have a gpu for vllm"),
    ],
)
def test_a_preview_refuses_what_cannot_start(base: Base, declared: Declared, instance_type: str, refusal: str) -> None:
    declared.args = {
        "execution_role_arn": base.execution_role_arn,
        "framework": "vllm",
        "hugging_face_model": {"id": "Qwen/Qwen3-8B", "token": "hf_hunter2"},
        "instance_type": instance_type,
    }
    said = declared.preview_fails()
    assert refusal in said
    assert "such as ml.g5.2xlarge" in said
    assert "hunter2" not in said
