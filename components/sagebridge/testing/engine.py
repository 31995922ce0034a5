"""Runs a program with mocks in place of the engine and of AWS, and keeps what it declares."""

import asyncio
import json
import os
import runpy
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pulumi

from sagebridge import _sdk
from sagebridge.project import find_project
from sagebridge.testing.mocks import Mocks

STACK = "test"
"""The name of the stack that programs run in."""


@dataclass
class Program:
    """What a program has declared."""

    resources: list[pulumi.runtime.MockResourceArgs] = field(default_factory=list)
    """The resources, with their inputs by the names of Pulumi's wire, such as `modelDataUrl`."""
    outputs: dict[str, Any] = field(default_factory=dict)
    """What the program has exported, in clear."""

    def of_type(self, token: str) -> list[pulumi.runtime.MockResourceArgs]:
        """Returns the resources of a type, such as `aws:sagemaker/endpoint:Endpoint`."""
        return [resource for resource in self.resources if resource.typ == token]


class MockedEngine:
    """Runs programs with mocks, each as if it were the only one."""

    def __init__(self, mocks: pulumi.runtime.Mocks | None = None) -> None:
        self.mocks = Mocks() if mocks is None else mocks
        """What answers for AWS and for Terraform."""

    def run(
        self,
        program: str | Path | Callable[[], object],
        config: Mapping[str, Any] | None = None,
        *,
        preview: bool = False,
    ) -> Program:
        """Runs a program to its end, and returns what it has declared.

        A file is run as the engine runs it: in the program's folder, with the project's name, and with the defaults
        that `Pulumi.yaml` has for its configuration. The modules beside it are imported anew.

        Args:
            program: The program's file or folder, or a function that declares resources.
            config: The configuration, by keys as `pulumi config set` takes them.
            preview: Whether the program is told that it runs in a preview.

        Raises:
            UserError: The file is in no Pulumi project.
            Exception: Whatever the program raises.
        """
        if callable(program):
            return self._run(program, "project", config or {}, preview=preview)
        path = Path(program).resolve()
        file = path / "__main__.py" if path.is_dir() else path
        project = find_project(file.parent)
        defaults = {key: _default(declared) for key, declared in project.config.items()}
        with chdir(project.program_folder), _importing_from(file.parent):
            return self._run(
                lambda: runpy.run_path(str(file), run_name="__main__"),
                project.name,
                {**defaults, **(config or {})},
                preview=preview,
            )

    def _run(self, program: Callable[[], object], project: str, config: Mapping[str, Any], *, preview: bool) -> Program:
        """Runs a program in an event loop and a context of its own, where nothing is left of the programs before it."""
        keys = {key if ":" in key else f"{project}:{key}": value for key, value in config.items() if value is not None}

        async def run() -> Program:
            # The program's own exception is raised below. asyncio would log it again for each resource that needed it.
            asyncio.get_running_loop().set_exception_handler(lambda *_: None)
            declared = Program()
            mocks = _Noting(self.mocks, declared)
            # The SDK's mocks set only some of its settings. The others would be those of the process's last program.
            pulumi.runtime.configure(pulumi.runtime.Settings(project, STACK))
            pulumi.runtime.set_mocks(mocks, project=project, stack=STACK, preview=preview)
            pulumi.runtime.set_all_config({key: _text(value) for key, value in keys.items()})
            mocks.context = copy_context()
            await _sdk.run_program(program)
            stack: Any = pulumi.runtime.get_root_resource()
            exported: Any = await pulumi.Output.all(**stack.outputs).future()
            declared.outputs = exported
            return declared

        region = {"AWS_REGION": self.mocks.region} if isinstance(self.mocks, Mocks) else {}
        with mock.patch.dict(os.environ, region):  # no region of the tester's shell or profile
            return Context().run(asyncio.run, run())


class _Noting(pulumi.runtime.Mocks):
    """Notes what a program declares, while other mocks answer."""

    def __init__(self, answering: pulumi.runtime.Mocks, declared: Program) -> None:
        self._answering = answering
        self._declared = declared
        self.context = copy_context()
        """The program's context, in which its configuration is: the SDK asks mocks in other threads."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self._declared.resources.append(args)
        return self.context.copy().run(self._answering.new_resource, args)

    def call(self, args: pulumi.runtime.MockCallArgs) -> Any:  # noqa: ANN401 - any function's result
        return self.context.copy().run(self._answering.call, args)


@contextmanager
def _importing_from(folder: Path) -> Iterator[None]:
    """Lets a program import the modules beside it, and forgets them afterwards."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).is_relative_to(folder) and "site-packages" not in file:
                del sys.modules[name]


def _default(declared: Any) -> Any:  # noqa: ANN401 - YAML's types
    """Returns the value that `Pulumi.yaml` gives a key, which may stand alone or beside the key's type."""
    return declared.get("value", declared.get("default")) if isinstance(declared, dict) else declared


def _text(value: Any) -> str:  # noqa: ANN401 - JSON's types
    return value if isinstance(value, str) else json.dumps(value)
