"""The mocks ring: the mocks of `sagebridge.testing`, and a monitor that keeps the options of resources, too."""

import asyncio
import base64
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest import mock

import pulumi
import pytest
from pulumi.runtime import mocks, resource, settings
from pulumi.runtime.proto.source_pb2 import StackTrace

from sagebridge.testing import Mocks

ROLE = "arn:aws:iam::123456789012:role/sagemaker"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
ARCHIVE = "s3://models/models/boston-housing/abc/model.tar.gz"


class Registered(NamedTuple):
    """A resource as the program registered it."""

    type: str
    name: str
    parent: str
    inputs: dict[str, Any]
    delete_before_replace: bool
    protect: bool
    hooks: list[str]
    import_id: str
    ignore_changes: list[str]
    dependencies: list[str]


class World(Mocks):
    """Has one archive, and keeps the calls of functions. Objects whose content a test gives can be read and listed."""

    def __init__(self) -> None:
        super().__init__()
        self.archives: set[str] = {ARCHIVE}
        self.metadata = {"scikit-learn": "1.9.1", "python": "3.11.7"}
        self.contents: dict[str, bytes] = {}
        self.calls: list[mocks.MockCallArgs] = []

    def call(self, args: mocks.MockCallArgs) -> Any:
        self.calls.append(args)
        if args.token.endswith(":getObjects"):
            below = f"s3://{args.args['bucket']}/{args.args['prefix']}"
            bucket = f"s3://{args.args['bucket']}/"
            return {"keys": [url.removeprefix(bucket) for url in self.contents if url.startswith(below)]}
        answer = super().call(args)
        content = self.contents.get(f"s3://{args.args.get('bucket')}/{args.args.get('key')}")
        if content is None or args.args.get("downloadBody") != "true":
            return answer
        first, last = map(int, args.args["range"].removeprefix("bytes=").split("-"))
        return {**answer, "bodyBase64": base64.b64encode(content[first : last + 1]).decode()}


class Monitor(mocks.MockMonitor):
    """Keeps each registration's options too, which Pulumi's monitor drops."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.registered: list[Registered] = []
        self.outputs: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        inputs = dict(pulumi.runtime.rpc.deserialize_properties(request.object))
        kinds = ("before_create", "before_update", "after_create", "after_update", "on_error")
        hooks = [hook for kind in kinds for hook in getattr(request.hooks, kind)]
        self.registered.append(
            Registered(
                *(request.type, request.name, request.parent, inputs),
                *(request.deleteBeforeReplace, request.protect, hooks),
                *(request.importId, list(request.ignoreChanges), list(request.dependencies)),
            )
        )
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        self.outputs[request.urn] = pulumi.runtime.rpc.deserialize_properties(request.outputs)
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]

    def of_type(self, kind: str) -> Registered:
        """Returns the one resource of a type."""
        (resource,) = self.all_of_type(kind)
        return resource

    def all_of_type(self, kind: str) -> list[Registered]:
        """Returns the resources of a type."""
        return [resource for resource in self.registered if resource.type == kind]

    def run(self, program: Callable[[], None]) -> None:
        """Runs a program to its end, outstanding registrations included."""
        asyncio.get_event_loop().run_until_complete(pulumi.runtime.stack.run_pulumi_func(program))


class _Threads(ThreadPoolExecutor):
    """Threads that the event loops of all programs share: a program is over before it has started its own."""

    def shutdown(self, *_: Any, **__: Any) -> None:
        """Does nothing. An event loop that is closed ends its executor, which the next one needs."""


THREADS = _Threads()


@contextmanager
def monitored(world: World) -> Iterator[Monitor]:
    """Lets programs run in an event loop of their own, and gives what they register with."""
    loop = asyncio.new_event_loop()
    loop.set_default_executor(THREADS)
    asyncio.set_event_loop(loop)  # sharing one lets pending tasks leak between tests (pulumi's own conftest)
    # A program's error is raised once, and asyncio would log it again for each resource that needed it. It does so when
    # memory is collected, and the traceback that it formats then makes another test's `ast.parse` fail (gh-106905).
    loop.set_exception_handler(lambda *_: None)
    monitor = Monitor(world)
    pulumi.runtime.set_mocks(world, project="sagebridge", stack="test", preview=False, monitor=monitor)
    # The first mocks of a process register the stack, which all later programs need.
    loop.run_until_complete(asyncio.gather(*asyncio.all_tasks(loop)))
    try:
        # The SDK describes all frames of each declaration, of which most are pytest's, and no mock reads them.
        with mock.patch.object(resource, "_get_stack_trace", StackTrace):
            yield monitor
    finally:
        pulumi.runtime.config.CONFIG.get().clear()  # it may be the one that a thread begins with
        settings.SETTINGS.outputs.clear()  # a program that failed leaves some, for which the next one would wait
        pending = asyncio.all_tasks(loop)
        for task in pending:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        loop.close()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def monitor(world: World) -> Iterator[Monitor]:
    with monitored(world) as monitor:
        yield monitor


@pytest.fixture
def run(monitor: Monitor) -> Callable[[Callable[[], None]], Monitor]:
    """Runs a program to its end, outstanding registrations included, and returns what it registered."""

    def run(program: Callable[[], None]) -> Monitor:
        monitor.run(program)
        return monitor

    return run


@pytest.fixture
def log_lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the program logs."""
    lines: list[str] = []
    for level in ("warn", "info"):
        monkeypatch.setattr(pulumi.log, level, lambda text, *_, level=level: lines.append(f"{level}: {text}"))
    return lines
