"""Tells how the model servers in AWS's images are told which model to load: the variables of each, with their sources.

"DLC" is aws/deep-learning-containers at e0ecede (2026-08-21), "LMI" deepjavalibrary/djl-serving at d21927c
(2026-06-24), "TEI" huggingface/text-embeddings-inference at 0d124dc (2026-07-24), "toolkit"
aws/sagemaker-huggingface-inference-toolkit at 69bc5ef (2025-04-23), and "SDK" sagemaker-serve 1.27.0.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sagebridge.containers.launch import MODEL_DIR

_SDK_HUB = "SDK: model_builder_servers.py, `_build_for_hf_server`"
_LMI_CONFIGURATION = "LMI: lmi/deployment_guide/configurations.md"
_TEI_ENTRYPOINT = "DLC: docker/tei/1.9.3/gpu/entrypoint.sh"


class Variable(NamedTuple):
    """A variable of a container."""

    name: str
    """Its name."""
    source: str
    """Where it is written that the image reads it."""
    value: str = ""
    """The value that it always gets; empty if the model decides it."""


class Parallelism(NamedTuple):
    """A way in which a server spreads a model over GPUs."""

    names: tuple[str, ...]
    """The variables that set it, of which one is enough."""
    source: str
    """Where it is written that the image reads them."""


@dataclass(frozen=True)
class Server:
    """A model server, and the variables that it reads."""

    framework: str
    """The framework whose images run it."""
    repositories: tuple[str, ...]
    """The repositories of its images."""
    model: Variable
    """Names the model on the Hugging Face Hub."""
    revision: Variable | None
    """Names the model's revision; None if the server cannot be told one."""
    tokens: tuple[Variable, ...]
    """Hold the token for the Hugging Face Hub."""
    fixed: tuple[Variable, ...] = ()
    """Are needed by every container on SageMaker."""
    mounted: tuple[Variable, ...] = ()
    """Lead to a model that SageMaker has put into the container."""
    parallelism: tuple[Parallelism, ...] = ()
    """The ways to spread a model, whose product is the number of GPUs that are used."""
    concurrency: Variable | None = None
    """Sets how many requests it works on at once; None if it is no server of language models."""
    uses_one_gpu: bool = False
    """Whether it uses one GPU unless it is told otherwise."""
    needs_its_processor: bool = True
    """Whether its image for GPUs starts on them only."""


_HUGGING_FACE_HOME = Variable("HF_HOME", _SDK_HUB, "/tmp")  # noqa: S108 - a folder in the container
_HF_MODEL_ID = Variable("HF_MODEL_ID", _SDK_HUB)
_HF_TOKEN = Variable("HF_TOKEN", _SDK_HUB)
_HF_MODEL_REVISION = Variable("HF_MODEL_REVISION", _TEI_ENTRYPOINT)
_VLLM = {
    "model": Variable("SM_VLLM_MODEL", "DLC: docs/vllm/deployment/sagemaker.md"),
    "revision": Variable("SM_VLLM_REVISION", "DLC: docs/vllm/configuration.md, and vLLM's option `--revision`"),
    "tokens": (Variable("HF_TOKEN", "DLC: docs/vllm/configuration.md"),),
    "fixed": (
        Variable("SM_VLLM_HOST", "Hugging Face: SageMaker, vLLM, 2026-08 (else the health check fails)", "0.0.0.0"),  # noqa: S104
        _HUGGING_FACE_HOME,
    ),
    "mounted": (Variable("SM_VLLM_MODEL", "DLC: docs/vllm/deployment/sagemaker.md", MODEL_DIR),),
    "parallelism": (
        Parallelism(("SM_VLLM_TENSOR_PARALLEL_SIZE",), "DLC: docs/vllm/configuration.md"),
        Parallelism(("SM_VLLM_PIPELINE_PARALLEL_SIZE",), "vLLM's option `--pipeline-parallel-size`"),
        Parallelism(("SM_VLLM_DATA_PARALLEL_SIZE",), "vLLM's option `--data-parallel-size`"),
    ),
    "concurrency": Variable(
        "SM_VLLM_MAX_NUM_SEQS", "DLC: docs/vllm/configuration.md, and vLLM's option `--max-num-seqs`"
    ),
    "uses_one_gpu": True,
}
_TEI = {
    "model": Variable("HF_MODEL_ID", _TEI_ENTRYPOINT),
    "revision": _HF_MODEL_REVISION,
    "tokens": (
        Variable("HF_TOKEN", "DLC: docs/tei/deployment/sagemaker.md"),
        Variable("HF_API_TOKEN", "TEI: router/src/main.rs before 1.7, which newer versions read too"),
    ),
    "fixed": (_HUGGING_FACE_HOME,),
    "mounted": (Variable("HF_MODEL_ID", "DLC: docs/tei/deployment/sagemaker.md", MODEL_DIR),),
}

SERVERS: tuple[Server, ...] = (
    Server("vllm", ("vllm",), **_VLLM),  # type: ignore[arg-type]
    Server("huggingface-vllm", ("huggingface-vllm",), **_VLLM),  # type: ignore[arg-type]
    Server(
        framework="sglang",
        repositories=("sglang",),
        model=Variable("SM_SGLANG_MODEL_PATH", "DLC: docs/sglang/deployment/sagemaker.md"),
        revision=Variable("SM_SGLANG_REVISION", "DLC: scripts/docker/sglang/sagemaker_entrypoint.sh"),
        tokens=(Variable("HF_TOKEN", "DLC: docs/get_started/using_dlcs.md"),),
        fixed=(_HUGGING_FACE_HOME,),
        mounted=(Variable("SM_SGLANG_MODEL_PATH", "DLC: scripts/docker/sglang/sagemaker_entrypoint.sh", MODEL_DIR),),
        parallelism=(
            Parallelism(
                ("SM_SGLANG_TENSOR_PARALLEL_SIZE", "SM_SGLANG_TP_SIZE", "SM_SGLANG_TP"),
                "DLC: scripts/docker/sglang/sagemaker_entrypoint.sh, and SGLang's option `--tensor-parallel-size`",
            ),
            Parallelism(
                ("SM_SGLANG_PIPELINE_PARALLEL_SIZE", "SM_SGLANG_PP_SIZE"),
                "SGLang's option `--pipeline-parallel-size`",
            ),
        ),
        concurrency=Variable("SM_SGLANG_MAX_RUNNING_REQUESTS", "SGLang's option `--max-running-requests`"),
        uses_one_gpu=True,
    ),
    Server(
        framework="djl-lmi",
        repositories=("djl-inference",),
        model=Variable("OPTION_MODEL_ID", _LMI_CONFIGURATION),
        revision=Variable("OPTION_REVISION", _LMI_CONFIGURATION),
        tokens=(Variable("HF_TOKEN", "LMI: lmi/user_guides/starting-guide.md"),),
        parallelism=(
            Parallelism(("TENSOR_PARALLEL_DEGREE", "OPTION_TENSOR_PARALLEL_DEGREE"), _LMI_CONFIGURATION),
            Parallelism(("PIPELINE_PARALLEL_DEGREE", "OPTION_PIPELINE_PARALLEL_DEGREE"), _LMI_CONFIGURATION),
        ),
        concurrency=Variable("OPTION_MAX_ROLLING_BATCH_SIZE", _LMI_CONFIGURATION),
    ),
    Server("huggingface-tei", ("tei",), **_TEI),  # type: ignore[arg-type]
    Server("huggingface-tei-cpu", ("tei-cpu",), **_TEI),  # type: ignore[arg-type]
    Server(
        framework="huggingface-llamacpp",
        repositories=("huggingface-llamacpp",),
        model=_HF_MODEL_ID,
        revision=None,
        tokens=(_HF_TOKEN,),
        fixed=(_HUGGING_FACE_HOME,),
        concurrency=Variable("LLAMA_ARG_N_PARALLEL", "ggml-org/llama.cpp: tools/server/README.md, `--parallel`"),
    ),
    Server(
        framework="huggingface-llm",
        repositories=("huggingface-pytorch-tgi-inference",),
        model=Variable("HF_MODEL_ID", "SDK: model_builder_servers.py, `_build_for_tgi`"),
        revision=Variable("HF_MODEL_REVISION", "huggingface/text-generation-inference: sagemaker-entrypoint.sh"),
        tokens=(Variable("HF_TOKEN", "SDK: model_builder_servers.py, `_build_for_tgi`"),),
        fixed=(_HUGGING_FACE_HOME,),
        mounted=(Variable("HF_MODEL_ID", "SDK: model_builder_servers.py, `_build_for_tgi`", MODEL_DIR),),
        parallelism=(
            Parallelism(("SM_NUM_GPUS", "NUM_SHARD"), "huggingface/text-generation-inference: sagemaker-entrypoint.sh"),
        ),
        concurrency=Variable(
            "MAX_CONCURRENT_REQUESTS",
            "huggingface/text-generation-inference: docs/source/reference/launcher.md, `--max-concurrent-requests`",
        ),
    ),
    Server(
        framework="huggingface",
        repositories=("huggingface-pytorch-inference", "huggingface-tensorflow-inference"),
        model=Variable("HF_MODEL_ID", "toolkit: README.md"),
        revision=Variable("HF_MODEL_REVISION", "toolkit: README.md"),
        tokens=(Variable("HF_API_TOKEN", "toolkit: README.md"), Variable("HF_TOKEN", "huggingface_hub")),
        needs_its_processor=False,
    ),
)
"""Every model server that is known here."""
_BY_FRAMEWORK: Mapping[str, Server] = {server.framework: server for server in SERVERS}
_BY_REPOSITORY: Mapping[str, Server] = {name: server for server in SERVERS for name in server.repositories}
_REPOSITORY = re.compile(r"(?:.*/)?([^/:@]+)(?:[:@].*)?", re.DOTALL)


def server_of(framework: str | None, image: str | None) -> Server | None:
    """Returns the model server that a container runs.

    Args:
        framework: The framework that finds its image; None if there is none.
        image: The URI of its image, or its repository and tag; None if it is not known.
    """
    if framework is not None:
        return _BY_FRAMEWORK.get(framework)
    match = _REPOSITORY.fullmatch(image) if image is not None else None
    return _BY_REPOSITORY.get(match[1]) if match else None


def frameworks() -> tuple[str, ...]:
    """Returns the frameworks whose images can be told a model on the Hugging Face Hub."""
    return tuple(_BY_FRAMEWORK)
