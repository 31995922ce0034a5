"""Lets handlers import `sagemaker_containers`, which AWS's scikit-learn image has.

The package itself cannot be installed beside Flask 3. AWS's examples, and the handlers that were made of them, import
it for its encoders and its response; these are here. An error names what else a handler uses of it.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING, Any, NoReturn

import flask
from sagemaker_inference import content_types
from sagemaker_inference.content_types import JSON

from sagebridge.containers import encoders

if TYPE_CHECKING:
    from types import ModuleType

_FRAMEWORK = "sagemaker_containers.beta.framework"


class Response(flask.Response):
    """An answer, which is JSON unless its type is given."""

    default_mimetype = JSON

    def __init__(self, response: Any = None, accept: object = None, status: int = 200, **options: Any) -> None:  # noqa: ANN401, ARG002 - as in the package, which ignores `accept`
        super().__init__(response, status, **options)


class _Absent:
    """A part of the package that is not here."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> NoReturn:
        """Says what is missing."""
        raise AttributeError(f"{_FRAMEWORK}.{self._name}.{name} is in AWS's image, and is not served here.")


def provide() -> None:
    """Makes the package importable, unless it is installed."""
    if "sagemaker_containers" in sys.modules or find_spec("sagemaker_containers"):
        return
    worker = _package(f"{_FRAMEWORK}.worker", Response=Response)
    parts = {"content_types": content_types, "encoders": encoders, "worker": worker}
    framework = _package(_FRAMEWORK, **parts, __getattr__=_absent)
    beta = _package("sagemaker_containers.beta", framework=framework)
    package = _package("sagemaker_containers", beta=beta)
    sys.modules.update({module.__name__: module for module in (package, beta, framework)})
    sys.modules.update({f"{_FRAMEWORK}.{name}": part for name, part in parts.items()})


def _package(name: str, **attributes: object) -> ModuleType:
    """Returns a package that has no files, with a specification, which `find_spec` looks for."""
    package = module_from_spec(ModuleSpec(name, None, is_package=True))
    vars(package).update(attributes)
    return package


def _absent(name: str) -> _Absent:
    if name.startswith("__"):
        raise AttributeError(name)
    return _Absent(name)
