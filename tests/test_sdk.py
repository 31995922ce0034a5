"""Every assumption about Pulumi's SDK that it does not document, and what breaks if it does not hold any more.

All of them were tried with pulumi 3.246.0, the lowest of the range, and 3.272.0, the newest in November 2026.
"""

import ast
import asyncio
import gc
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import Context, copy_context
from functools import partial
from importlib.metadata import version
from pathlib import Path
from queue import Queue
from typing import Any, ClassVar

import grpc
import pulumi
import pulumi_aws as aws
import pytest
from pulumi.runtime import Settings, configure
from pulumi.runtime._callbacks import _CallbackServicer
from pulumi.runtime.proto import engine_pb2, language_pb2, language_pb2_grpc
from pulumi.runtime.proto.provider_pb2 import InvokeResponse
from pulumi.runtime.proto.resource_pb2 import (
    RegisterResourceRequest,
    ResourceInvokeRequest,
    SupportsFeatureRequest,
    SupportsFeatureResponse,
)
from pulumi.runtime.proto.resource_pb2_grpc import ResourceMonitorServicer, add_ResourceMonitorServicer_to_server
from pulumi.runtime.proto.source_pb2 import SourcePosition, StackFrame, StackTrace
from pulumi.runtime.settings import SETTINGS, _get_callbacks
from pulumi.runtime.stack import run_pulumi_func

import sagebridge
from sagebridge import SageMakerEndpoint, _provider, _sdk
from sagebridge._aws import shapes
from sagebridge.plugin.schema import no_garbage_collected
from sagebridge.testing import MockedEngine
from tests.conftest import ROOT
from tests.endpoint.endpoints import ENDPOINT, MODEL, args
from tests.mocks import Monitor, World

Run = Callable[[Callable[[], object]], Monitor]

PACKAGE = Path(sagebridge.__file__).parent
SDK_NAMES = {"_name", "_protect", "_callbacks", "_servicers", "MockMonitor", "SETTINGS", "get_monitor", "__new__"}
"""Names of the SDK that the package uses, or used once. A resource's name is ``pulumi_resource_name``."""
NEEDLESS = (
    *("boto3", "botocore.compat", "botocore.config", "botocore.loaders", "botocore.regions", "botocore.session"),
    *("click", "flask", "jsonschema", "moto", "pandas", "requests", "rich", "sklearn", "urllib3"),
)
MOST_MODULES, MOST_MODULES_OF_OTHERS = 100, 40
"""What a program with an endpoint may import beside raw resources: of Sagebridge itself, and of others."""
PARTS = ("appautoscaling", "cloudwatch", "iam", "s3")


@pytest.mark.process
@pytest.mark.parametrize("module", [*NEEDLESS, *(f"pulumi_aws.{part}.outputs" for part in PARTS)])
def test_what_a_plain_endpoint_does_not_use_is_not_imported(module: str, imported_by_the_component: set[str]) -> None:
    assert module not in imported_by_the_component


@pytest.mark.process
def test_a_program_imports_little_beside_what_raw_resources_need(imported_by_the_component: set[str]) -> None:
    """Otherwise it starts later. A module counts, and not a second, so that a busy machine does not matter."""
    beside = imported_by_the_component - imported("import pulumi, pulumi_aws; pulumi_aws.sagemaker.Model")
    others = {module for module in beside if not module.startswith("sagebridge")}
    assert len(others) <= MOST_MODULES_OF_OTHERS, sorted(others)
    assert len(beside) - len(others) <= MOST_MODULES, sorted(beside)


@pytest.fixture(scope="module")
def imported_by_the_component() -> set[str]:
    return imported("from sagebridge import SageMakerEndpoint, TerraformBase, read_configuration")


def imported(code: str) -> set[str]:
    """Returns the modules that a program has imported, once there is a copy of SageMaker's model."""
    shapes()
    code = f"{code}; import sys; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def private_uses(path: Path) -> Iterator[str]:
    """Yields where a module imports what Pulumi's SDK does not document, or reads a private name of its objects."""
    text = path.read_text()
    may_have = "pulumi" in text and any(name in text for name in ("pulumi.runtime", *SDK_NAMES))
    for node in ast.walk(ast.parse(text)) if may_have else ():
        where = f"{path.relative_to(PACKAGE)}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("pulumi.runtime."):
            yield f"{where} imports {node.module}"
        if isinstance(node, ast.Attribute) and node.attr in SDK_NAMES:
            yield f"{where} reads {ast.unparse(node)}"


def test_no_other_module_of_the_package_knows_what_the_sdk_hides() -> None:
    modules = [path for path in PACKAGE.rglob("*.py") if path != Path(_sdk.__file__)]
    with no_garbage_collected():
        assert [use for path in modules for use in private_uses(path)] == []


# --- once: the connection to the engine takes attributes, and goes when the program has ended ---


def test_what_a_program_made_goes_with_its_connection_to_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a process that runs many programs keeps what each of them made."""

    class Connection: ...

    connection = Connection()
    reference = weakref.ref(connection)
    monkeypatch.setattr(_sdk, "get_monitor", reference)
    _sdk.once(list, (connection,))  # it refers to the connection, as tasks do by their context
    del connection
    gc.collect()
    assert reference() is None


def test_an_archive_is_looked_up_once_however_many_endpoints_load_it(run: Run, world: World) -> None:
    """Otherwise the connection to the engine is another object each time that the program asks for it."""

    def declare() -> None:
        for name in ("one", "two"):
            SageMakerEndpoint(name, args())

    assert len(run(declare).all_of_type(MODEL)) == 2
    assert len(world.calls) == 1


# --- run_program: run_pulumi_func waits for what the program has begun, and raises what fails there ---


def test_a_program_with_mocks_is_run_to_its_end() -> None:
    """Otherwise a user's unit test sees only some of the resources, or passes where the program fails."""
    program = MockedEngine().run(lambda: pulumi.export("name", SageMakerEndpoint("a", args()).model_name))
    assert {MODEL, ENDPOINT} <= {resource.typ for resource in program.resources}
    assert program.outputs["name"]
    with pytest.raises(ZeroDivisionError):
        MockedEngine().run(lambda: pulumi.Output.from_input(1).apply(lambda _: 1 / 0))


# --- runs_on_engine: the connection to an engine is gRPC's stub, and that of a unit test is not ---


def test_an_engine_is_told_from_a_unit_test(run: Run) -> None:
    """Otherwise a unit test would ask AWS, or a program on the engine would not, and would lose what has scaled."""
    seen = []
    run(lambda: seen.append(_sdk.runs_on_engine()))
    assert seen == [False]

    def connected() -> bool:
        Settings("project", "stack", monitor="127.0.0.1:1")
        return _sdk.runs_on_engine()

    assert copy_context().run(connected)


# --- engine_state: the engine answers pulumi:pulumi:getResource with the state ---


def test_the_engine_tells_a_providers_inputs(run: Run) -> None:
    """Otherwise the hooks of an endpoint with an explicit provider do not know where to ask AWS."""
    seen: list[Any] = []
    run(lambda: _sdk.engine_state(aws.Provider("other", region="eu-west-1")).apply(seen.append))
    assert seen[0]["region"] == "eu-west-1"


def test_the_engine_is_asked_for_outputs_without_waiting_for_the_children_of_a_component(run: Run) -> None:
    """Otherwise an auto-named endpoint that scales waits for itself: its configuration is a child, and asks."""
    seen: list[Any] = []

    def program() -> None:
        component = pulumi.ComponentResource("a:b:C", "component")
        outputs: pulumi.Output[Any] = pulumi.Output.from_input(_sdk.engine_outputs(component))
        outputs.apply(seen.append)
        pulumi.Stash("child", input=outputs, opts=pulumi.ResourceOptions(parent=component))

    run(program)
    assert seen == [{}]


def test_the_engine_is_asked_for_outputs_while_resources_have_all_threads_of_the_event_loop(run: Run) -> None:
    """Otherwise the update of a fleet waits for itself: resources wait for hooks, and hooks for a thread."""
    seen: list[Any] = []
    resources = threading.Event()

    async def ask(component: pulumi.Resource) -> bool:
        await component.urn.future()
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        resource = loop.run_in_executor(None, resources.wait, 30)
        seen.append(await asyncio.wait_for(_sdk.engine_outputs(component), 10))
        resources.set()
        return await resource

    def program() -> None:
        asked: pulumi.Output[bool] = pulumi.Output.from_input(ask(pulumi.ComponentResource("a:b:C", "component")))
        asked.apply(seen.append)

    run(program)
    assert seen == [{}, True]


# --- is_protected: Resource._protect is the option, also where it comes from the parent ---


def test_protection_comes_from_the_parent(run: Run) -> None:
    """Otherwise what stops the deletion of a protected endpoint is not protected itself."""
    seen = []

    def declare() -> None:
        parent = pulumi.ComponentResource("a:b:C", "parent", None, pulumi.ResourceOptions(protect=True))
        child = pulumi.ComponentResource("a:b:C", "child", None, pulumi.ResourceOptions(parent=parent))
        plain = pulumi.ComponentResource("a:b:C", "plain")
        seen.extend([_sdk.is_protected(child), bool(_sdk.is_protected(plain))])

    run(declare)
    assert seen == [True, False]


# --- serve_hooks: SETTINGS.callbacks is what registers hooks, and is None only where there is no engine ---


def test_hooks_are_taken_in_a_unit_test(run: Run) -> None:
    """Otherwise a unit test with Pulumi's mocks fails with "No callback server registered"."""
    called: list[Any] = []

    def declare() -> None:
        _sdk.serve_hooks()
        before = pulumi.ResourceHook("before", called.append)
        error = pulumi.ErrorHook("error", lambda _: False)
        hooks = pulumi.ResourceHookBinding(before_create=[before], on_error=[error])
        pulumi.ComponentResource("a:b:C", "name", None, pulumi.ResourceOptions(hooks=hooks))

    assert run(declare).registered[-1].hooks == ["before", "error"]
    assert called == []


def test_the_hooks_of_a_program_have_one_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise each hook has a server of its own, and a program that fails soon ends with a segmentation fault."""
    started: list[object] = []

    async def count(server: object) -> None:
        started.append(server)

    monkeypatch.setattr(_CallbackServicer, "serve", count)

    async def register() -> list[object]:
        async def server() -> object:
            return await _get_callbacks()  # as the SDK does in the task that registers a hook

        Settings("project", "stack", monitor="127.0.0.1:1")
        _sdk.serve_hooks()
        return [SETTINGS.callbacks, *await asyncio.gather(*(asyncio.create_task(server()) for _ in range(3)))]

    servers = copy_context().run(asyncio.new_event_loop().run_until_complete, register())
    assert len(started) == 1
    assert servers == started * 4


# --- settings: their default is what any program of the process has set last, and mocks do not set all of them ---


class ServerOfAnEndedEngine:
    """Refuses hooks as gRPC does where no engine listens any more."""

    def register_resource_hook(self, hook: object) -> None:
        raise ConnectionRefusedError(hook)

    register_error_hook = register_resource_hook


@pytest.fixture
def ended_engine() -> Iterator[None]:
    """Leaves what an inline program of the Automation API leaves that has failed: it ran in a thread of its own."""

    async def program() -> None:
        Settings("project", "stack", monitor="127.0.0.1:1")
        SETTINGS.callbacks = ServerOfAnEndedEngine()
        SETTINGS.outputs.add(asyncio.create_task(asyncio.sleep(60)))

    loop = asyncio.new_event_loop()
    Context().run(loop.run_until_complete, program())
    yield
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


@pytest.mark.usefixtures("ended_engine")
def test_a_program_with_mocks_knows_nothing_of_an_engine_that_has_ended() -> None:
    """Otherwise a unit test fails with "Connection refused" if the process has run a program on an engine before it."""
    assert MockedEngine().run(lambda: pulumi.export("name", SageMakerEndpoint("a", args()).model_name)).resources


@pytest.mark.usefixtures("ended_engine")
def test_hooks_are_not_given_to_the_server_of_an_engine_that_has_ended(world: World) -> None:
    """The same with Pulumi's own mocks, which a team may use instead."""

    async def program() -> object:
        SETTINGS.outputs = set()
        pulumi.runtime.set_mocks(world)
        _sdk.serve_hooks()
        return SETTINGS.callbacks

    assert not isinstance(Context().run(asyncio.run, program()), ServerOfAnEndedEngine)


# --- programs kept apart: the SDK lists servers in _CallbackServicer._servicers, and makes channels with
# --- _GRPC_CHANNEL_OPTIONS ---


class Server:
    """Stands for what serves the hooks of a program."""

    def __init__(self) -> None:
        self._server = self
        self.stops = 0

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        """Newer SDKs stop only the servers of the loop that ends."""
        return asyncio.get_running_loop()

    async def stop(self, **_: float) -> None:
        self.stops += 1


def test_a_program_that_ends_stops_no_server_of_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise it stops the hooks of a program beside it, or fails over the server of one that has failed."""

    class Connection: ...

    connections = Connection(), Connection()
    servers = Server(), Server()
    for connection, server in zip(connections, servers, strict=True):
        monkeypatch.setattr(_sdk, "get_monitor", lambda current=connection: current)
        _CallbackServicer._servicers.append(server)  # type: ignore[arg-type]  # noqa: SLF001 - as the SDK does
    monkeypatch.setattr(_sdk, "get_monitor", lambda: connections[0])
    asyncio.run(_CallbackServicer.shutdown())  # type: ignore[no-untyped-call]
    assert [server.stops for server in servers] == [1, 0]


def test_a_program_that_was_left_in_its_end_stops_no_server_of_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python may collect it at any time, and the engine of the next one would meet "Connection refused"."""

    class Connection: ...

    async def for_ever() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("pulumi.runtime.stack.wait_for_rpcs", for_ever)
    servers = Server(), Server()

    def begin(server: Server) -> None:
        connection = Connection()
        monkeypatch.setattr(_sdk, "get_monitor", lambda: connection)
        _sdk._note_program()  # noqa: SLF001 - what `serve_hooks` begins with
        _CallbackServicer._servicers.append(server)  # type: ignore[arg-type]  # noqa: SLF001 - as the SDK does

    async def run() -> None:
        left, running = (run_pulumi_func(partial(begin, server)) for server in servers)
        asyncio.ensure_future(left)  # noqa: RUF006 - it is to be left
        await asyncio.sleep(0.1)
        task = asyncio.ensure_future(running)
        await asyncio.sleep(0.1)
        left.close()
        assert [server.stops for server in servers] == [0, 0]
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert [server.stops for server in servers] == [0, 1]

    Context().run(asyncio.run, run())


def test_a_program_without_a_connection_has_no_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a test that runs Pulumi's functions without mocks fails at its end."""
    monkeypatch.setattr(_sdk, "get_monitor", lambda: None)
    asyncio.run(_CallbackServicer.shutdown())  # type: ignore[no-untyped-call]


class Engine(ResourceMonitorServicer):
    """Answers as an engine, and notes the functions of providers that a program calls."""

    def __init__(self) -> None:
        self.invocations: Queue[ResourceInvokeRequest] = Queue()

    def SupportsFeature(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 - gRPC's names
        return SupportsFeatureResponse(hasSupport=True)

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 - gRPC's names
        self.invocations.put(request)
        return InvokeResponse()


@contextmanager
def serving_monitor(address: str) -> Iterator[tuple[Engine, int]]:
    """Serves what a program connects to, and yields it with its port."""
    engine, server = Engine(), grpc.server(ThreadPoolExecutor(1))
    add_ResourceMonitorServicer_to_server(engine, server)
    port = server.add_insecure_port(address)
    server.start()
    try:
        yield engine, port
    finally:
        server.stop(0)


def test_a_new_engine_is_reached_at_the_port_of_one_that_has_ended() -> None:
    """Otherwise gRPC does not try the port again for a while: it shares what connects it with the connection before."""
    asked = SupportsFeatureRequest(id="resourceHooks")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        address = "127.0.0.1:{1}".format(*listening.getsockname())

    def connect() -> Any:
        return Settings("project", "stack", monitor=address).monitor

    ended = copy_context().run(connect)
    for _ in range(2):
        with pytest.raises(grpc.RpcError, match="Connection refused"):
            ended.SupportsFeature(asked)

    with serving_monitor(address):
        assert copy_context().run(connect).SupportsFeature(asked).hasSupport


def test_a_default_provider_is_asked_for_before_the_program_has_been_declared() -> None:
    """The engine starts it for the first call, and tells default providers apart by their versions."""
    with serving_monitor("127.0.0.1:0") as (engine, port):

        def declare() -> None:
            configure(Settings("project", "stack", monitor=f"127.0.0.1:{port}"))
            _provider.start_default()
            request = engine.invocations.get(timeout=10)
            assert (request.tok, request.version) == ("aws:index/getPartition:getPartition", version("pulumi-aws"))

        copy_context().run(declare)


# --- end_quietly: the language host leaves Python's handler of SIGINT, and the SDK logs with engine.Log ---

INTERRUPTED = """
import os, signal
from pulumi.runtime import Settings, configure
from sagebridge._sdk import end_quietly
signal.signal(signal.SIGINT, signal.default_int_handler)  # as the engine starts a program
configure(Settings("project", "stack", monitor="127.0.0.1:1"))
{before}
end_quietly()
os.kill(os.getpid(), signal.SIGINT)
"""
LOGGING = """
import pulumi
from pulumi.runtime import Settings, configure
from sagebridge._sdk import end_quietly
configure(Settings("project", "stack", monitor="127.0.0.1:1", engine="127.0.0.1:1"))
for _ in range(2):
    end_quietly()
pulumi.log.error("too late")
print("went on")
"""

FROZEN = """
import gc, threading
from pulumi.runtime import Settings, configure
from sagebridge._sdk import spare_collector
def program():
    configure(Settings("project", "stack", monitor="127.0.0.1:1"))
    spare_collector()
{run}
print("frozen" if gc.get_freeze_count() else "as it was")
"""


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.process
@pytest.mark.usefixtures("inherited_interrupt")
def test_a_program_of_the_engine_that_is_interrupted_ends_without_a_traceback() -> None:
    """Otherwise every failed update shows Python's traceback below AWS's reason."""
    done = run_python(INTERRUPTED.format(before=""))
    assert done.returncode == -signal.SIGINT
    assert not done.stderr


@pytest.mark.process
@pytest.mark.usefixtures("inherited_interrupt")
def test_a_handler_of_the_program_stays() -> None:
    done = run_python(INTERRUPTED.format(before="signal.signal(signal.SIGINT, lambda *_: print('mine'))"))
    assert (done.returncode, done.stdout) == (0, "mine\n")


@pytest.mark.process
@pytest.mark.parametrize(
    ("run", "collector"),
    [
        ("program()", "frozen"),
        ("thread = threading.Thread(target=program); thread.start(); thread.join()", "as it was"),
        ("spare_collector()", "as it was"),
    ],
    ids=["a program of the engine", "an inline program", "no engine"],
)
def test_only_a_program_with_a_process_of_its_own_spares_the_collector(run: str, collector: str) -> None:
    """The objects of a process that goes on may become garbage, and must be collected then."""
    done = run_python(FROZEN.format(run=run))
    assert (done.returncode, done.stdout) == (0, f"{collector}\n"), done.stderr


@pytest.mark.process
def test_what_is_logged_to_an_engine_that_has_ended_goes_nowhere() -> None:
    """Otherwise the SDK fails while it ends a program, and leaves the program's tasks and server behind."""
    done = run_python(LOGGING)
    assert (done.returncode, done.stdout) == (0, "went on\n"), done.stderr


def log_aside_to(engine: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a stand-in take the messages of a program."""
    monkeypatch.setattr(_sdk, "get_engine", lambda: engine)
    monkeypatch.setattr("pulumi.log.get_engine", lambda: engine)
    _sdk._log_aside()  # noqa: SLF001 - once a program


def test_a_program_does_not_wait_for_its_debug_messages_which_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a program with 100 endpoints spends a fifth of its time on messages that nobody asked for."""
    reached, taken, sent = threading.Event(), threading.Event(), threading.Event()
    messages: list[tuple[str, str]] = []

    class Engine:
        def Log(self, request: Any) -> None:  # noqa: N802 - gRPC's name
            if request.severity == engine_pb2.DEBUG:
                reached.set()
                assert taken.wait(10)
            messages.append((request.message, request.urn))
            if request.message.endswith("last"):
                sent.set()

    engine = Engine()
    log_aside_to(engine, monkeypatch)
    pulumi.log.debug("first")
    assert reached.wait(10)
    pulumi.log.debug("2")
    pulumi.log.debug("3")
    engine.Log(engine_pb2.LogRequest(severity=engine_pb2.DEBUG, message="of a resource", urn="urn"))
    pulumi.log.debug("last")
    pulumi.log.warn("a warning is there at once")
    assert messages == [("a warning is there at once", "")]
    taken.set()
    assert sent.wait(10)
    assert messages[1:] == [("first", ""), ("2\n3", ""), ("of a resource", "urn"), ("last", "")]


def test_debug_messages_go_on_after_the_engine_has_refused_some(monkeypatch: pytest.MonkeyPatch) -> None:
    refused, sent = threading.Event(), threading.Event()

    class Engine:
        def Log(self, _: object) -> None:  # noqa: N802 - gRPC's name
            if not refused.is_set():
                refused.set()
                raise grpc.RpcError
            sent.set()

    engine = Engine()
    log_aside_to(engine, monkeypatch)
    pulumi.log.debug("refused")
    assert refused.wait(10)
    pulumi.log.debug("taken")
    assert sent.wait(10)


@pytest.mark.parametrize(
    ("uris", "of_program"),
    [
        (["component.py", "__main__.py", "runpy", "", "stack.py"], ["component.py", "__main__.py"]),
        ([f"{PACKAGE.as_uri()}/endpoint/component.py", "__main__.py", "runpy", "stack.py"], ["__main__.py"]),
        (["test.py", "pytest.py"], ["test.py", "pytest.py"]),
        ([], []),
    ],
)
def test_the_state_keeps_the_programs_part_of_a_stack_trace(
    monkeypatch: pytest.MonkeyPatch, uris: list[str], of_program: list[str]
) -> None:
    """Otherwise a fifth of the state, which is written whole at each step, tells of this package and of Python."""
    seen: list[Any] = []

    class Connection:
        def RegisterResource(self, request: Any) -> str:  # noqa: N802 - gRPC's name
            seen.append(request)
            return "registered"

    connection = Connection()
    monkeypatch.setattr(_sdk, "get_monitor", lambda: connection)
    _sdk._keep_short_traces()  # noqa: SLF001 - once a program
    frames = [StackFrame(pc=SourcePosition(uri=uri)) if uri != "runpy" else StackFrame() for uri in uris]
    position = SourcePosition(uri=uris[0]) if uris else None
    request = RegisterResourceRequest(stackTrace=StackTrace(frames=frames), sourcePosition=position)
    assert connection.RegisterResource(request) == "registered"
    assert [frame.pc.uri for frame in seen[0].stackTrace.frames] == of_program
    assert seen[0].sourcePosition.uri == (of_program[0] if of_program else "")


def test_progress_is_shown_in_the_row_of_a_resource_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    class Engine:
        requests: ClassVar[list[Any]] = []

        def Log(self, request: Any) -> None:  # noqa: N802 - gRPC's name
            self.requests.append(request)

    monkeypatch.setattr(_sdk, "get_engine", Engine)
    _sdk.show_progress("urn:endpoint", "canary 10 %")
    (request,) = Engine.requests
    assert (request.urn, request.message, request.ephemeral) == ("urn:endpoint", "canary 10 %", True)


def test_the_process_of_a_test_with_mocks_is_left_alone(run: Run) -> None:
    before = signal.getsignal(signal.SIGINT)
    run(_sdk.end_quietly)
    assert signal.getsignal(signal.SIGINT) is before


def test_the_process_of_an_inline_program_is_left_alone() -> None:
    before = signal.getsignal(signal.SIGINT)

    def program() -> None:
        Settings("project", "stack", monitor="127.0.0.1:1")
        _sdk.end_quietly()

    thread = threading.Thread(target=copy_context().run, args=(program,))
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_program_is_served_from_this_process_while_the_body_runs() -> None:
    """That it runs, the adoptions on the engine show."""
    with _sdk.serving(lambda: None) as option:
        address = option.removeprefix("--client=")
        with grpc.insecure_channel(address) as channel:
            host = language_pb2_grpc.LanguageRuntimeStub(channel)
            assert not host.GetRequiredPackages(language_pb2.GetRequiredPackagesRequest()).packages
            assert host.About(language_pb2.AboutRequest()).executable == sys.executable
    name, _, port = address.partition(":")
    with socket.socket() as connection:
        assert connection.connect_ex((name, int(port))) != 0


def test_the_text_that_str_makes_of_an_output_is_known_by_its_beginning(monitor: Monitor) -> None:
    """Otherwise an output in an f-string would be deployed as this text."""
    assert monitor
    assert str(pulumi.Output.from_input("value")).startswith(_sdk.OUTPUT_TEXT)


@pytest.mark.usefixtures("monitor")
def test_the_keys_of_a_configuration_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a misspelt key would be without effect, and without a word."""
    monkeypatch.setenv("PULUMI_CONFIG", '{"project:of-the-environment": "1", "other:key": "2"}')
    pulumi.runtime.set_config("project:set", "3")
    assert _sdk.configuration_keys("project") == ["of-the-environment", "set"]
