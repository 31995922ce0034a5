"""Makes the application that serves a model, in the process that imports the model's handler."""

from __future__ import annotations

import importlib
import os
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from sagemaker_inference.transformer import Transformer

from sagebridge.containers import legacy, scikit_learn, toolkit
from sagebridge.containers.errors import NotServedError
from sagebridge.containers.hugging_face import HuggingFaceTransformer
from sagebridge.containers.image import explain, packages_beyond
from sagebridge.containers.imports import import_from
from sagebridge.containers.launch import CODE_DIR, MODEL_DIR, PROGRAM, SUBMIT_DIRECTORY, Contract, Launch
from sagebridge.containers.multi_model import MultiModelDefaults
from sagebridge.containers.pytorch import PyTorchDefaults

if TYPE_CHECKING:
    from flask import Flask


def build(launch: Launch) -> Flask:
    """Imports the handler, loads the model, and returns the application that serves it.

    What the handler's `model_fn` returned is in the application's extensions, as "model".

    Of a multi-model container without a model it serves /ping alone, after it has imported what the container imports.

    Raises:
        NotServedError: there is no handler.
    """
    try:
        return _build(launch)
    except Exception as error:
        explain(error, launch.image)
        raise


def _build(launch: Launch) -> Flask:
    import_from(launch.import_dirs)
    if launch.contract == Contract.SCIKIT_LEARN:
        legacy.provide()
    if not launch.uses_toolkit:
        return scikit_learn.build_app(_import_handler(launch), launch.model_dir, launch.image)
    if not launch.model_dir:
        if launch.contract == Contract.SCIKIT_LEARN:
            _import_handler(launch)
        return toolkit.build_front()
    return toolkit.build_app(_transformer(launch), launch.model_dir)


def _transformer(launch: Launch) -> Transformer:
    if launch.contract == Contract.HUGGING_FACE:
        return HuggingFaceTransformer()
    return Transformer(PyTorchDefaults() if launch.contract == Contract.PYTORCH else MultiModelDefaults())


def _import_handler(launch: Launch) -> ModuleType:
    """Imports the module that `SAGEMAKER_PROGRAM` names, with or without `.py`."""
    name = re.sub(r"\.py$", "", os.environ[PROGRAM])
    try:
        handler = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # the handler is there, and imports what is not
        code_dir = Path(launch.code_dir)
        names = ", ".join(sorted(path.name for path in code_dir.iterdir())) or "nothing"
        source = os.environ.get(SUBMIT_DIRECTORY)
        where = (
            f"what {SUBMIT_DIRECTORY} names, {source}" if source else f"{CODE_DIR}, as {SUBMIT_DIRECTORY} is not set"
        )
        raise NotServedError(
            f"ModuleNotFoundError: No module named {error.name!r}\n"
            f"{PROGRAM} is {os.environ[PROGRAM]}, and the container imports it from the top of its code only. "
            f"Its code is {where}. At the top there is: {names}. "
            f"Put the file there, or set {SUBMIT_DIRECTORY} to its folder, such as {MODEL_DIR}/code, "
            f"or to {MODEL_DIR} for a file at the root of the model's archive."
        ) from error
    if launch.image and not launch.python:
        _warn_of_packages(launch, handler)
    return handler


def _warn_of_packages(launch: Launch, handler: ModuleType) -> None:
    """Names the packages that the handler imports here, and that its image does not have."""
    values = [value for name, value in vars(handler).items() if not name.startswith("__")]
    names = (value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", "") for value in values)
    modules = [sys.modules[name] for name in names if name in sys.modules]
    required = launch.packages or os.devnull
    packages = packages_beyond(
        launch.image,
        (module.__name__ for module in modules if not (getattr(module, "__file__", None) or "").startswith(required)),
    )
    if packages:
        sys.stderr.write(
            f"The handler imports what is here and not in its image: {', '.join(packages)}. "
            "For AWS, put that into the requirements.txt beside the handler.\n"
        )
