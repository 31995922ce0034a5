"""Estimates how large a model is, and how long a container needs to get it. Pure.

The name of a model tells its parameters, as in ``Qwen3-8B``. Where it does not, the memory of the GPUs is the most that
the model can take. Both are estimates of ours, on the safe side: too long a time-out only delays a failure.
"""

import math
import re

from sagebridge._aws import shapes

_BILLIONS = re.compile(r"(?<![\d.])(?:(\d+)x)?(\d+(?:\.\d+)?)([bm])(?![a-z])", re.IGNORECASE)
_PER_PARAMETER = (
    (re.compile(r"gpt-oss|awq|gptq|int4|4[-_]?bits?|nvfp4|mxfp4|fp4|w4a16|q4_", re.IGNORECASE), 0.6),
    (re.compile(r"fp8|int8|8[-_]?bits?|w8a8|q8_", re.IGNORECASE), 1.1),
)
"""The bytes of a parameter by what a model's name tells of its quantization, with what is not quantized."""
_BYTES = 2.0
"""The bytes of a parameter in 16 bits, in which most models are published."""
_MEGA = 1000
_LEAST_SECONDS = 600
"""The time to start a server and to build its CUDA graphs."""
_SECONDS_PER_GB = 12
"""The time to download a GB and to load it, at about 80 MB/s."""
_MINUTE = 60
_VOLUME_FOR_SYSTEM = 30
"""GB for what is not the model."""
_COPIES = 2
"""How often a model may be on the volume: what is downloaded, and what is converted or cached."""


def weights_in_gb(model: str) -> float | None:
    """Returns the size of a model's weights by its name; None if the name does not tell.

    Args:
        model: The model's repository on the Hugging Face Hub.
    """
    name = model.rpartition("/")[2]
    counts = [
        float(count) * int(experts or 1) / (_MEGA if unit.lower() == "m" else 1)
        for experts, count, unit in _BILLIONS.findall(name)
    ]
    if not counts:
        return None
    return max(counts) * next((size for pattern, size in _PER_PARAMETER if pattern.search(name)), _BYTES)


def seconds_for(gigabytes: float) -> int:
    """Returns the seconds for getting a model of a size into memory, in whole minutes and up to what AWS takes."""
    most: int = shapes()["ProductionVariantContainerStartupHealthCheckTimeoutInSeconds"]["max"]
    seconds = _LEAST_SECONDS + _SECONDS_PER_GB * gigabytes
    return min(most, math.ceil(seconds / _MINUTE) * _MINUTE)


def volume_for(gigabytes: float) -> int:
    """Returns the GB of a volume for a model of a size, up to what AWS takes."""
    most: int = shapes()["ProductionVariantVolumeSizeInGB"]["max"]
    return min(most, math.ceil(_VOLUME_FOR_SYSTEM + _COPIES * gigabytes))
