"""Judges whether an image starts on an instance type with a machine image. Pure.

Each row of :data:`ROWS` has its source. What AWS or NVIDIA themselves say is refused. What only one other source says,
or what may be meant as it is declared, is a warning. Rows about CUDA look at the image's tag, whoever made it.

"DLC" is aws/deep-learning-containers at e0ecede (2026-08-21), "API" the SageMaker API reference, as botocore carries
it, "TEI" huggingface/text-embeddings-inference, and "SDK" sagemaker-serve 1.27.0 and aws/sagemaker-python-sdk.
"""

import re
from collections.abc import Callable, Mapping
from enum import Enum
from math import prod
from typing import NamedTuple

from sagebridge.images.combination import (
    CUDA_12_AMI,
    CUDA_13,
    CUDA_13_AMI,
    CUDA_13_FAMILIES,
    HOST_CUDA,
    Combination,
)
from sagebridge.images.instances import may_have_gpus
from sagebridge.images.uris import CPU_INSTANCE, GPU_INSTANCE, is_arm
from sagebridge.redaction import derived
from sagebridge.validation import Problem

_NEURON = "neuron"
_NEWER_THAN_AL2 = (12, 5)
"""The first CUDA that is newer than that of :data:`CUDA_12_AMI`."""
_LEAST_CAPABILITY: Mapping[int, tuple[int, int]] = {12: (5, 0), 13: (7, 5)}
"""The compute capability that each CUDA needs, by its first number."""
_BLACKWELL = (10, 0)
_CUDA_OF_BLACKWELL = (12, 8)
_TEI_CAPABILITIES = ((7, 5), *((8, minor) for minor in range(10)), (9, 0))
_NEW_TEI_CAPABILITIES = ((10, 0), (12, 0))
_OLD_TEI = re.compile(r"tei1\.[0-8]\.")
_NUMBER = re.compile(r"\d+")


class Verdict(Enum):
    """What follows from a row."""

    REFUSED = "refused"
    WARNED = "a warning"


class Row(NamedTuple):
    """Something that does not go together."""

    what: str
    """What does not, as the documentation says it."""
    source: str
    """Where that is written."""
    verdict: Verdict
    check: Callable[[Combination], Problem | None]
    """Returns the problem of a combination, or None if the row does not hold for it."""


class Finding(NamedTuple):
    """A row that holds for a combination."""

    row: Row
    problem: Problem


class Judgement(NamedTuple):
    """What is to be said of a combination."""

    reason: str
    """What is known of it, which is why it passes if nothing is refused."""
    findings: tuple[Finding, ...]

    @property
    def refusals(self) -> list[Problem]:
        """The problems that stop a preview."""
        return [finding.problem for finding in self.findings if finding.row.verdict is Verdict.REFUSED]

    @property
    def warnings(self) -> list[Problem]:
        """The problems that a preview tells."""
        return [finding.problem for finding in self.findings if finding.row.verdict is Verdict.WARNED]


def judge(combination: Combination) -> Judgement:
    """Returns what is to be said of an image on an instance."""
    checked = [(row, row.check(combination)) for row in ROWS]
    return Judgement(combination.description, tuple(Finding(row, problem) for row, problem in checked if problem))


def _gpu_image(combination: Combination) -> Problem | None:
    return _without_gpu(combination) if combination.is_bound_to_processor else None


def _foreign_gpu_image(combination: Combination) -> Problem | None:
    if combination.is_bound_to_processor:
        return None
    if combination.instance_type is None and combination.processor == "gpu":
        return Problem("serverless_config", f"gives {combination.image} no GPU, for which it is made by its tag")
    return _without_gpu(combination)


def _without_gpu(combination: Combination) -> Problem | None:
    instance_type = combination.instance_type
    if combination.processor != "gpu" or instance_type is None or may_have_gpus(instance_type):
        return None
    rule = f"must have an NVIDIA GPU for {combination.image}"
    return Problem("instance_type", rule, instance_type, f"Set it to one that has, such as {GPU_INSTANCE}.")


def _serverless(combination: Combination) -> Problem | None:
    serverless = combination.instance_type is None and combination.processor == "gpu"
    if not serverless or not combination.is_bound_to_processor:
        return None
    fix = f"Set instance_type instead, such as {GPU_INSTANCE}: serverless endpoints have no GPUs."
    return Problem("serverless_config", f"cannot be set with {combination.image}, which needs a GPU", fix=fix)


def _cpu_image(combination: Combination) -> Problem | None:
    return _idle_accelerators(combination) if combination.is_bound_to_processor else None


def _foreign_cpu_image(combination: Combination) -> Problem | None:
    return None if combination.is_bound_to_processor else _idle_accelerators(combination)


def _idle_accelerators(combination: Combination) -> Problem | None:
    accelerated = combination.accelerators is not None or may_have_gpus(combination.instance_type)
    if combination.processor != "cpu" or not accelerated:
        return None
    rule = f"has accelerators that {combination.image} does not use"
    fix = f"Set it to one without, such as {CPU_INSTANCE}, or take the image for GPUs."
    return Problem("instance_type", rule, fix=fix)


def _arm(combination: Combination) -> Problem | None:
    if not combination.is_bound_to_processor or not is_arm(combination.family):
        return None
    rule = f"must have an x86 processor for {combination.image}"
    return Problem("instance_type", rule, combination.instance_type, f"Set it to one that has, such as {CPU_INSTANCE}.")


def _old_ami(combination: Combination) -> Problem | None:
    host_cuda = HOST_CUDA.get(combination.ami or "", CUDA_13)
    return _other_than_cuda_13_ami(combination, "must") if host_cuda < HOST_CUDA[CUDA_12_AMI] else None


def _al2_ami(combination: Combination) -> Problem | None:
    return _other_than_cuda_13_ami(combination, "should") if combination.ami == CUDA_12_AMI else None


def _other_than_cuda_13_ami(combination: Combination, must: str) -> Problem | None:
    if combination.cuda is None or combination.cuda < CUDA_13:
        return None
    rule = f"{must} be {CUDA_13_AMI} for {combination.image}, which has CUDA {combination.cuda_text}"
    who = "the component sets it" if combination.default_ami else "AWS chooses one for the instance type"
    return Problem("inference_ami_version", rule, combination.ami, f"Leave it out, and {who}.")


def _new_ami(combination: Combination) -> Problem | None:
    if combination.cuda is None or combination.cuda >= CUDA_13 or combination.ami != CUDA_13_AMI:
        return None
    rule = f"cannot be {combination.ami} for {combination.image}, which has CUDA {combination.cuda_text}"
    instead = f"Set it to {CUDA_12_AMI}" if combination.family in CUDA_13_FAMILIES else "Leave it out"
    return Problem("inference_ami_version", rule, fix=f"{instead}: the endpoint would stay in Creating, without a log.")


def _no_ami(combination: Combination) -> Problem | None:
    cuda, server = combination.cuda, combination.server
    is_lmi = server is not None and server.framework == "djl-lmi"
    if cuda is None or not _NEWER_THAN_AL2 <= cuda < CUDA_13 or is_lmi:
        return None
    if combination.ami is not None or combination.family not in CUDA_13_FAMILIES:
        return None
    rule = f"should be {CUDA_12_AMI} for {combination.image}, which has CUDA {combination.cuda_text}"
    fix = "AWS says of other images with this CUDA that they do not start on the machine image that it chooses."
    return Problem("inference_ami_version", rule, fix=fix)


def _neuron_ami(combination: Combination) -> Problem | None:
    if _NEURON not in (combination.ami or "") or not may_have_gpus(combination.instance_type):
        return None
    rule = f"is for Inferentia and Trainium, and {combination.instance_type} has GPUs"
    return Problem("inference_ami_version", rule, fix="Leave it out, or set it to one for GPUs.")


def _gpu_ami(combination: Combination) -> Problem | None:
    if (
        combination.ami not in HOST_CUDA
        or combination.instance_type is None
        or may_have_gpus(combination.instance_type)
    ):
        return None
    rule = f"is for GPUs, and {combination.instance_type} has none"
    return Problem("inference_ami_version", rule, fix="Leave it out.")


def _old_gpu(combination: Combination) -> Problem | None:
    least = _LEAST_CAPABILITY.get(combination.cuda[0]) if combination.cuda else None
    capability = combination.gpus.capability if combination.gpus else None
    if least is None or capability is None or capability >= least:
        return None
    rule = f"has the GPU {combination.gpu_name}, which CUDA {combination.cuda_text} does not support any more"
    return Problem("instance_type", rule, fix=f"Set it to one with a newer GPU, such as {GPU_INSTANCE}.")


def _new_gpu(combination: Combination) -> Problem | None:
    capability = combination.gpus.capability if combination.gpus else None
    if combination.cuda is None or combination.cuda >= _CUDA_OF_BLACKWELL:
        return None
    if capability is None or capability < _BLACKWELL:
        return None
    rule = f"has the GPU {combination.gpu_name}, which CUDA {combination.cuda_text} does not know yet"
    return Problem("instance_type", rule, fix="Take an image with CUDA 12.8 or newer.")


def _t4(combination: Combination) -> Problem | None:
    server, gpus = combination.server, combination.gpus
    is_vllm = server is not None and server.framework in ("djl-lmi", "vllm", "huggingface-vllm")
    if not is_vllm or gpus is None or gpus.name != "T4":
        return None
    rule = f"has the GPU {combination.gpu_name}, on which {combination.image} does not start"
    return Problem("instance_type", rule, fix="Set it to one with a newer GPU, such as ml.g5.2xlarge or ml.g6.2xlarge.")


def _tei_gpu(combination: Combination) -> Problem | None:
    server = combination.server
    capability = combination.gpus.capability if combination.gpus else None
    if server is None or server.framework != "huggingface-tei" or capability is None:
        return None
    if capability in _TEI_CAPABILITIES or (
        capability in _NEW_TEI_CAPABILITIES and not _OLD_TEI.search(combination.image)
    ):
        return None
    rule = f"has the GPU {combination.gpu_name}, with which {combination.image} exits"
    return Problem("instance_type", rule, fix=f"Set it to one with another GPU, such as {GPU_INSTANCE}.")


def _too_parallel(combination: Combination) -> Problem | None:
    counts, gpus = _counts(combination), combination.gpus
    if gpus is None or not counts or prod(counts.values()) <= gpus.count:
        return None
    names = " times ".join(counts)
    value = derived(prod(counts.values()), *(combination.environment[name] for name in counts))
    rule = f"spreads the model over {value} GPUs ({names}), and {combination.instance_type} has {combination.gpu_count}"
    return Problem("environment", rule, fix="A model is spread over the GPUs of one instance.")


def _one_gpu(combination: Combination) -> Problem | None:
    server, gpus = combination.server, combination.gpus
    if server is None or not server.uses_one_gpu or gpus is None or gpus.count == 1:
        return None
    names = [name for parallelism in server.parallelism for name in parallelism.names]
    if not combination.environment.keys().isdisjoint(names):
        return None
    rule = f"leaves the model on one of the {combination.gpu_count} GPUs of {combination.instance_type}"
    return Problem(
        "environment", rule, fix=f"Set {names[0]} to '{combination.gpu_count}' to spread it over all of them."
    )


def _archived(combination: Combination) -> Problem | None:
    server = combination.server
    if server is None or server.framework != "huggingface-llm":
        return None
    rule = "is Text Generation Inference, which was archived in March 2026"
    return Problem(combination.image, rule, fix="Take huggingface-vllm or vllm for a new endpoint.")


def _counts(combination: Combination) -> dict[str, int]:
    """Returns the numbers by which variables spread a model over GPUs, where they are numbers."""
    counts = {}
    for parallelism in combination.server.parallelism if combination.server else ():
        declared = [name for name in parallelism.names if name in combination.environment]
        value = combination.environment[declared[0]] if declared else None
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            counts[declared[0]] = int(value)
    return counts


ROWS: tuple[Row, ...] = (
    Row(
        "a model server's image for GPUs on an instance without one",
        "sagemaker-core 2.27.0: image_uri_config, `processors`; DLC: docs/tei/deployment/sagemaker.md",
        Verdict.REFUSED,
        _gpu_image,
    ),
    Row(
        "a model server's image for GPUs, serverless",
        'SageMaker Developer Guide: serverless-endpoints, "Feature exclusions" (GPUs)',
        Verdict.REFUSED,
        _serverless,
    ),
    Row(
        "any other image for GPUs without one",
        "its tag alone; it may start, and be slow",
        Verdict.WARNED,
        _foreign_gpu_image,
    ),
    Row(
        "a model server's image for CPUs on an instance with accelerators",
        "sagemaker-core 2.27.0: image_uri_config, `processors`; DLC: docs/tei/deployment/sagemaker.md",
        Verdict.REFUSED,
        _cpu_image,
    ),
    Row(
        "any other image for CPUs on an instance with accelerators",
        "its tag alone; it starts, and leaves the accelerators idle",
        Verdict.WARNED,
        _foreign_cpu_image,
    ),
    Row(
        "a model server's image on an ARM processor",
        "sagemaker-core 2.27.0: image_uri_config has no `inference_graviton` for them",
        Verdict.REFUSED,
        _arm,
    ),
    Row(
        "CUDA 13 on a machine image with CUDA 12.2",
        "API: ProductionVariant.InferenceAmiVersion; DLC: docs/vllm/deployment/sagemaker.md, Notes",
        Verdict.REFUSED,
        _old_ami,
    ),
    Row(
        "CUDA 13 on the machine image with CUDA 12.4",
        "SDK: #6281 and DLC's tests take the one with 13.0, and docs/vllm/deployment/sagemaker.md takes this one",
        Verdict.WARNED,
        _al2_ami,
    ),
    Row(
        "CUDA 12 on the machine image with CUDA 13.0",
        "DLC: #6187, test/test_utils/constants.py",
        Verdict.REFUSED,
        _new_ami,
    ),
    Row(
        "CUDA 12.5 to 12.9 without a machine image, but for LMI",
        "DLC: docs/whisperx/deployment/sagemaker.md, docs/ray/deployment/sagemaker.md, each of its own images only",
        Verdict.WARNED,
        _no_ami,
    ),
    Row(
        "the machine image for Inferentia and Trainium on an instance with GPUs",
        "API: ProductionVariant.InferenceAmiVersion",
        Verdict.REFUSED,
        _neuron_ami,
    ),
    Row(
        "a machine image for GPUs on an instance without one",
        "API: ProductionVariant.InferenceAmiVersion, which does not say that AWS refuses it",
        Verdict.WARNED,
        _gpu_ami,
    ),
    Row(
        "a GPU that CUDA 12 or 13 does not support any more",
        "NVIDIA: release notes of CUDA 12.0 (Kepler) and 13.0 (Maxwell, Pascal, Volta)",
        Verdict.REFUSED,
        _old_gpu,
    ),
    Row(
        "a Blackwell GPU with a CUDA before 12.8",
        "NVIDIA: release notes of CUDA 12.8; an image that carries PTX may start all the same",
        Verdict.WARNED,
        _new_gpu,
    ),
    Row(
        "LMI or vLLM on a T4",
        "SDK: #6141 (CannotStartContainerError)",
        Verdict.REFUSED,
        _t4,
    ),
    Row(
        "TEI on a GPU that its entry point does not know",
        "DLC: docker/tei/1.9.3/gpu/entrypoint.sh; TEI: sagemaker-entrypoint-cuda-all.sh of 1.2.3 to 1.8.2",
        Verdict.REFUSED,
        _tei_gpu,
    ),
    Row(
        "a model that is spread over more GPUs than there are",
        "LMI: lmi/user_guides/starting-guide.md; DLC: docs/vllm/configuration.md",
        Verdict.REFUSED,
        _too_parallel,
    ),
    Row(
        "vLLM or SGLang on several GPUs, of which it is not told to use more than one",
        "DLC: docs/vllm/configuration.md (the default is 1); one GPU may be what is meant",
        Verdict.WARNED,
        _one_gpu,
    ),
    Row(
        "`huggingface-llm`",
        "huggingface/text-generation-inference: README.md (archived on 2026-03-21)",
        Verdict.WARNED,
        _archived,
    ),
)
"""What does not go together."""
