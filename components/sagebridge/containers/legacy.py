"""Lets handlers import `sagemaker_containers`, which AWS's scikit-learn image has.

The package itself cannot be installed beside Flask 3. AWS's examples, and the handlers that were made of them, import
it for its encoders and its response; these are here. An error names what else a handler uses of it.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import ModuleType
from typing import Any, NoReturn

import flask
from sagemaker_inference import content_types
from sagemaker_inference.content_types import JSON

from sagebridge.containers import encoders

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
    worker = ModuleType(f"{_FRAMEWORK}.worker")
    vars(worker)["Response"] = Response
    framework = ModuleType(_FRAMEWORK)
    vars(framework).update(
        content_types=content_types,
        encoders=encoders,
        worker=worker,
        __getattr__=_absent,
        __path__=[],
    )
    beta = ModuleType("sagemaker_containers.beta")
    vars(beta).update(framework=framework, __path__=[])
    package = ModuleType("sagemaker_containers")
    vars(package).update(beta=beta, __path__=[])
    sys.modules.update({module.__name__: module for module in (package, beta, framework, worker)})
    sys.modules.update({f"{_FRAMEWORK}.content_types": content_types, f"{_FRAMEWORK}.encoders": encoders})


def _absent(name: str) -> _Absent:
    if name.startswith("__"):
        raise AttributeError(name)
    return _Absent(name)
