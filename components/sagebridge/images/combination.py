"""Tells what is known of an image on an instance with a machine image. Pure."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from sagebridge.images.instances import Accelerators, accelerators_of, may_have_gpus
from sagebridge.images.servers import Server, server_of
from sagebridge.images.uris import family_of
from sagebridge.redaction import derived

CUDA_13_AMI = "al2023-ami-sagemaker-inference-gpu-4-1"
"""The machine image with the driver for CUDA 13."""
CUDA_12_AMI = "al2-ami-sagemaker-inference-gpu-3-1"
"""The machine image that AWS's own tests take for CUDA 12 (DLC: test/test_utils/constants.py)."""
HOST_CUDA: Mapping[str, tuple[int, int]] = {
    "al2-ami-sagemaker-inference-gpu-2": (12, 2),
    "al2-ami-sagemaker-inference-gpu-2-1": (12, 2),
    CUDA_12_AMI: (12, 4),
    CUDA_13_AMI: (13, 0),
}
"""The CUDA of each machine image for GPUs (API: ProductionVariant.InferenceAmiVersion)."""
CUDA_13_FAMILIES = ("g4dn", "g5", "g6", "g6e", "p4d", "p4de", "p5", "p5e", "p5en")
"""The families on which an image with CUDA 13 needs its machine image (SDK: model_builder_servers.py, #6281)."""
CUDA_13 = (13, 0)

_CUDA_PART = re.compile(r"(?<![a-z0-9])cu(\d{2})(\d)(?![0-9])")
_CUDA_13_NAME = re.compile(r"(?:.*/)?(?:vllm|sglang|llama-cpp):(?:server|omni)-(?:amzn2023-)?sagemaker-cuda.*")
"""Images whose tag does not tell their CUDA, which is 13.0.

DLC: docs/vllm/deployment/sagemaker.md, docs/sglang/deployment/sagemaker.md, #6601.
"""
_PROCESSOR_PART = re.compile(r"(?<![a-z0-9])(cpu|gpu)(?![a-z0-9])")


class Combination(NamedTuple):
    """An image on an instance."""

    image: str
    """Its URI, or its repository and tag."""
    instance_type: str | None
    """The instance type; None for a serverless variant."""
    ami: str | None = None
    """The machine image that is declared; None if there is none."""
    environment: Mapping[str, str] = {}
    """The variables of the container, as far as they are known."""

    @property
    def server(self) -> Server | None:
        """The model server that the image runs; None if it is not known."""
        return server_of(None, self.image)

    @property
    def is_bound_to_processor(self) -> bool:
        """Whether the image is known to start only on the processors that its tag names."""
        return self.server is not None and self.server.needs_its_processor

    @property
    def cuda(self) -> tuple[int, int] | None:
        """The version of CUDA that the image has; None if its tag does not tell."""
        if _CUDA_13_NAME.fullmatch(self.image):
            return CUDA_13
        match = _CUDA_PART.search(self._tag)
        return (int(match[1]), int(match[2])) if match else None

    @property
    def cuda_text(self) -> str:
        """The version of CUDA as it is written."""
        return derived(".".join(map(str, self.cuda or ())), self.image)

    @property
    def processor(self) -> str | None:
        """``cpu`` or ``gpu``, whichever the image is made for; None if its tag does not tell."""
        match = _PROCESSOR_PART.search(self._tag)
        return "gpu" if self.cuda else match and match[1]

    @property
    def family(self) -> str:
        """The family of the instance type."""
        return family_of(self.instance_type)

    @property
    def accelerators(self) -> Accelerators | None:
        """The accelerators of the instance type, if they are known."""
        return accelerators_of(self.instance_type)

    @property
    def gpus(self) -> Accelerators | None:
        """The GPUs of the instance type, if they are known."""
        return self.accelerators if self.accelerators and self.accelerators.are_gpus else None

    @property
    def gpu_name(self) -> str:
        """The name of the GPUs, as a message may show it."""
        return derived(self.gpus.name if self.gpus else "", self.instance_type)

    @property
    def gpu_count(self) -> int:
        """The number of the GPUs, as a message may show it."""
        return derived(self.gpus.count if self.gpus else 0, self.instance_type)

    @property
    def default_ami(self) -> str | None:
        """The machine image that the image needs on the instance type; None if AWS's default does."""
        needs = self.cuda is not None and self.cuda >= CUDA_13 and self.family in CUDA_13_FAMILIES
        return CUDA_13_AMI if needs else None

    @property
    def description(self) -> str:
        """What is known of it, in a few words."""
        made_for = {"cpu": "for CPUs", "gpu": "for GPUs"}.get(self.processor or "", "for any processor")
        image = f"The image has CUDA {self.cuda_text}" if self.cuda else f"The image is {made_for}"
        if self.instance_type is None:
            return f"{image}, and serverless endpoints have CPUs"
        if self.accelerators:
            has = derived(str(self.accelerators), self.instance_type)
        else:
            has = "GPUs that are not known here" if may_have_gpus(self.instance_type) else "no GPUs"
        machine_image = self.ami or self.default_ami
        on = f", with {machine_image}" if machine_image else ""
        return f"{image}, and {self.instance_type} has {has}{on}"

    @property
    def _tag(self) -> str:
        return self.image.rpartition("/")[2].partition(":")[2]
