"""Tells the accelerators of SageMaker's instance types.

``tables/README.md`` names the source of ``instances.json``, and ``make images`` renews it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sagebridge.images.uris import family_of

_TABLE = Path(__file__).parent / "instances.json"
_MIB_PER_GIB = 1024
_NO_VOLUME = ("g5", "g6", "g7e", "p5", "p6-b200", "trn1", "trn2")
"""The beginnings of families without a volume of their own (sagemaker-core 2.27.0, ``volume_size_supported``)."""
CAPABILITIES: Mapping[str, tuple[int, int]] = {
    "K80": (3, 7),
    "V100": (7, 0),
    "T4": (7, 5),
    "A100": (8, 0),
    "A10G": (8, 6),
    "L4": (8, 9),
    "L40S": (8, 9),
    "H100": (9, 0),
    "H200": (9, 0),
    "B200": (10, 0),
    "B300": (10, 3),
    "RTX PRO 4500": (12, 0),
    "RTX PRO Server 6000": (12, 0),
}
"""The compute capability of each GPU (NVIDIA: developer.nvidia.com/cuda-gpus, 2026-11)."""


@dataclass(frozen=True)
class Accelerators:
    """The accelerators of an instance."""

    manufacturer: str
    """``NVIDIA`` or ``AWS``."""
    name: str
    """As EC2 writes it, such as ``A10G`` or ``Inferentia2``."""
    count: int
    """The number of accelerators."""
    memory_in_mib: int
    """The memory of one."""
    local_storage_in_gb: int
    """The instance's own disks; 0 if it has none."""

    @property
    def are_gpus(self) -> bool:
        """Whether they are GPUs that run CUDA."""
        return self.manufacturer == "NVIDIA"

    @property
    def capability(self) -> tuple[int, int] | None:
        """NVIDIA's compute capability; None if they are no GPUs."""
        return CAPABILITIES.get(self.name)

    @property
    def memory_in_gib(self) -> int:
        """The memory of all together."""
        return round(self.count * self.memory_in_mib / _MIB_PER_GIB)

    def __str__(self) -> str:
        return f"{self.count} {self.name} with {round(self.memory_in_mib / _MIB_PER_GIB)} GiB each"


def accelerators_of(instance_type: str | None) -> Accelerators | None:
    """Returns the accelerators of an instance type; None if it has none, if the table lacks it, or for serverless."""
    return _table().get(str.__str__(instance_type)) if instance_type else None


def may_have_gpus(instance_type: str | None) -> bool:
    """Tells whether an instance type has GPUs, or may have, as the table lacks some types of new families."""
    accelerators = accelerators_of(instance_type)
    return accelerators.are_gpus if accelerators else family_of(instance_type)[:1] in ("g", "p")


def takes_volume(instance_type: str) -> bool:
    """Tells whether SageMaker takes a volume size for an instance type, which has no disks of its own then."""
    family, accelerators = family_of(instance_type), accelerators_of(instance_type)
    has_disks = accelerators is not None and accelerators.local_storage_in_gb > 0
    return not ("d" in family or family.startswith(_NO_VOLUME) or has_disks)


@cache
def _table() -> Mapping[str, Accelerators]:
    rows: Mapping[str, Mapping[str, object]] = json.loads(_TABLE.read_text())
    return {instance_type: Accelerators(**row) for instance_type, row in rows.items()}  # type: ignore[arg-type]
