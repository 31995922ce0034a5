"""What the tests of the containers share: each begins without the handlers and the packages of the others."""

import sys
from collections.abc import Iterator

import pytest

OF_A_CONTAINER = ("legacy_handler", "sagemaker_containers", "spoken_", "toolkit_handler")
"""How the names of the modules begin that only a container has."""


@pytest.fixture(autouse=True)
def _modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leaves no module of a container behind, such as those that stand in for sagemaker-containers."""
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.setattr(sys, "path_hooks", sys.path_hooks[:])
    yield
    for name in [name for name in sys.modules if name.startswith(OF_A_CONTAINER)]:
        del sys.modules[name]
