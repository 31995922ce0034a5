"""botocore's own models of AWS's services, each file read once: SageMaker's has 2 MB of JSON."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.loaders import Loader

LOADER = Loader()
"""Keeps what it has read. The clients share it, see ``provider.py``."""


@cache
def shapes(service: str = "sagemaker") -> Mapping[str, Any]:
    """Returns the shapes of botocore's model of a service (``service-2.json``)."""
    model: Mapping[str, Any] = LOADER.load_service_model(service, "service-2")
    found: Mapping[str, Any] = model["shapes"]
    return found
