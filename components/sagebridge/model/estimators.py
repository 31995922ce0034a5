"""Finds estimators that do not do what a handler asks of them, without running what is pickled or the handler."""

import ast
import importlib
import io
import pickletools
from pathlib import Path

from sagebridge.containers.pickles import beginning

_BEFORE_CLASS = {"PROTO", "FRAME", "MEMOIZE", "BINPUT", "LONG_BINPUT"}


def unserved(model: Path, handler: Path) -> str | None:
    """Says why a handler cannot serve a model: the model is an estimator without predict, and all else is unused.

    Only scikit-learn's own estimators are judged, by the class of the pickled object. Those that predict if the
    estimators in them do, such as a pipeline, are not.

    Args:
        model: The model's file.
        handler: The script that serves it, in valid Python.
    """
    names = {node.attr for node in ast.walk(ast.parse(handler.read_bytes())) if isinstance(node, ast.Attribute)}
    used = {name for name in names if not name.startswith("_")}
    if "predict" not in used or any(name.endswith("_") for name in used):
        return None  # what ends with _ is an attribute of a fitted estimator, such as `labels_`
    estimator = _estimator_in(model)  # last, as the import of scikit-learn takes a second
    if estimator is None or hasattr(estimator, "predict") or used.intersection(dir(estimator)):
        return None
    return (
        f"{model} has a {estimator.__name__}, which has no predict, and the handler {handler} can only predict; "
        f"name a handler that uses what a {estimator.__name__} has with --handler"
    )


def _estimator_in(path: Path) -> type | None:
    """Returns scikit-learn's class of which a pickled object is, or None for any other file."""
    with path.open("rb") as file:
        name = _class_in(beginning(file))
    if name is None or not name[0].startswith("sklearn."):
        return None
    try:
        estimator = getattr(importlib.import_module(name[0]), name[1])
    except (ImportError, AttributeError):  # scikit-learn is not installed, or is another version
        return None
    return estimator if isinstance(estimator, type) else None


def _class_in(start: bytes) -> tuple[str, str] | None:
    """Returns the module and the name of the class with which a pickle begins, or None for any other beginning."""
    strings: list[str] = []
    try:
        for opcode, argument, _ in pickletools.genops(io.BytesIO(start)):
            if opcode.name == "GLOBAL":
                strings = str(argument).split(" ")
            if opcode.name in ("GLOBAL", "STACK_GLOBAL"):
                module, name = strings
                return module, name
            if "UNICODE" in opcode.name:
                strings.append(str(argument))
            elif opcode.name not in _BEFORE_CLASS:
                return None
    except ValueError:  # it is no pickle
        return None
    return None
