"""Pure: in the rooms of the component no function takes or returns ``Any``, so that mypy sees through all of it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import sagebridge

ROOMS = ("endpoint", "guards", "scaling", "monitoring")
FILES = [path for room in ROOMS for path in sorted((Path(sagebridge.__file__).parent / room).rglob("*.py"))]


def annotations(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.expr]:
    """Lists the annotations of a signature; those in quotes, too."""
    arguments = function.args
    several = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    for annotation in [argument.annotation for argument in several if argument] + [function.returns]:
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            yield ast.parse(annotation.value, mode="eval").body
        elif annotation:
            yield annotation


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_signature_has_any(path: Path) -> None:
    functions = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    loose = [
        f"{path.name}:{function.lineno} {function.name}"
        for function in functions
        for annotation in annotations(function)
        if any(isinstance(node, ast.Name) and node.id == "Any" for node in ast.walk(annotation))
    ]
    assert loose == []
