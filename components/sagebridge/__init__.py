"""Serves models on Amazon SageMaker with Pulumi, on a base that Terraform manages.

Names are imported on first use, so that the command line does not load Pulumi's AWS package, which takes half a second.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sagebridge.configuration import read_configuration as read_configuration
    from sagebridge.endpoint.args import SageMakerEndpointArgs as SageMakerEndpointArgs
    from sagebridge.endpoint.component import SageMakerEndpoint as SageMakerEndpoint
    from sagebridge.terraform_base import TerraformBase as TerraformBase
    from sagebridge.terraform_state.state import TerraformState as TerraformState

__version__ = "0.2.0"
__all__ = ["SageMakerEndpoint", "SageMakerEndpointArgs", "TerraformBase", "TerraformState", "read_configuration"]

_MODULES = {
    "SageMakerEndpoint": "sagebridge.endpoint.component",
    "SageMakerEndpointArgs": "sagebridge.endpoint.args",
    "TerraformBase": "sagebridge.terraform_base",
    "TerraformState": "sagebridge.terraform_state.state",
    "read_configuration": "sagebridge.configuration",
}


def __getattr__(name: str) -> object:
    """Imports a public name from the module that defines it (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
