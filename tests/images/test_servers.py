"""Pure: the model server that an image runs, and the size of a model by its name."""

import pytest

from sagebridge._aws import shapes
from sagebridge.images.servers import SERVERS, server_of
from sagebridge.images.sizes import seconds_for, volume_for, weights_in_gb
from sagebridge.images.uris import MODEL_SERVERS


@pytest.mark.parametrize(
    ("image", "framework"),
    [
        ("763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:0.30.0-gpu", "vllm"),
        ("763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm@sha256:0000", "vllm"),
        ("localhost:5000/copies/djl-inference:0.38.0-lmi29.0.0-cu130", "djl-lmi"),
        ("huggingface-pytorch-tgi-inference", "huggingface-llm"),
        ("tei-cpu:1", "huggingface-tei-cpu"),
        ("own/vllm-openai:1", None),
        ("vllm/own:1", None),
        ("", None),
    ],
)
def test_an_image_is_known_by_its_repository(image: str, framework: str | None) -> None:
    server = server_of(None, image)
    assert (server and server.framework) == framework


def test_every_model_server_is_told_a_model_by_variables_with_sources() -> None:
    assert {server.framework for server in SERVERS} == {*MODEL_SERVERS, "huggingface"}
    for server in SERVERS:
        told = [
            server.model,
            *server.tokens,
            *server.fixed,
            *server.mounted,
            *([server.revision] if server.revision else []),
        ]
        assert all(variable.name and variable.source for variable in told)
        assert all(variable.value for variable in (*server.fixed, *server.mounted))
        assert all(parallelism.names and parallelism.source for parallelism in server.parallelism)


@pytest.mark.parametrize(
    ("model", "gigabytes"),
    [
        ("Qwen/Qwen3-8B", 16),
        ("Qwen/Qwen2.5-0.5B-Instruct", 1),
        ("meta-llama/Llama-3.1-70B-Instruct", 140),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", 112),
        ("Qwen/Qwen3-30B-A3B", 60),
        ("HuggingFaceTB/SmolLM2-360M", 0.72),
        ("openai/gpt-oss-20b", 12),
        ("Qwen/Qwen3-32B-AWQ", 19.2),
        ("RedHatAI/Llama-3.1-8B-FP8", 8.8),
        ("unsloth/Llama-3.1-8B-bnb-4bit", 4.8),
        ("BAAI/bge-base-en-v1.5", None),
        ("deepseek-ai/DeepSeek-R1", None),
        ("70b-team/tiny", None),
    ],
)
def test_the_size_of_a_model_by_its_name(model: str, gigabytes: float | None) -> None:
    assert weights_in_gb(model) == (None if gigabytes is None else pytest.approx(gigabytes))


def test_time_and_volume_fit_the_size_up_to_awss_limits() -> None:
    sizes = (0, 1, 16, 140, 640, 10_000)
    seconds = [seconds_for(size) for size in sizes]
    assert seconds == sorted(seconds)
    assert seconds[0] == 600
    assert seconds[-1] == shapes()["ProductionVariantContainerStartupHealthCheckTimeoutInSeconds"]["max"]
    assert all(second % 60 == 0 for second in seconds)
    volumes = [volume_for(size) for size in sizes]
    assert volumes == sorted(volumes)
    assert volumes[-1] == shapes()["ProductionVariantVolumeSizeInGB"]["max"]
