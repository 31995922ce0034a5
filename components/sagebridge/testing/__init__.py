"""Helps to test a program: mocks that answer as AWS would, and a local AWS, both as fixtures of pytest.

Names are imported on first use: pytest imports this package at its start, for the fixtures in `plugin`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sagebridge.testing.engine import MockedEngine as MockedEngine
    from sagebridge.testing.local_aws import LocalAws as LocalAws
    from sagebridge.testing.mocks import Mocks as Mocks

__all__ = ["LocalAws", "MockedEngine", "Mocks"]

_MODULES = {
    "LocalAws": "sagebridge.testing.local_aws",
    "MockedEngine": "sagebridge.testing.engine",
    "Mocks": "sagebridge.testing.mocks",
}


def __getattr__(name: str) -> object:
    """Imports a public name from the module that defines it (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
