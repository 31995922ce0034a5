"""Holds every assumption about Pulumi's Python SDK that the SDK does not document.

The tests in ``tests/test_sdk.py`` say for each what breaks if the SDK changes, and with which versions it was tried.
"""

import gc
import inspect
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import groupby, takewhile
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar
from uuid import uuid4

import grpc
import pulumi
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime._callbacks import _CallbackServicer
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.config import CONFIG, get_config_env
from pulumi.runtime.proto import engine_pb2, language_pb2_grpc
from pulumi.runtime.proto.resource_pb2 import ResourceInvokeRequest
from pulumi.runtime.proto.resource_pb2_grpc import ResourceMonitorStub
from pulumi.runtime.rpc import contains_unknowns, deserialize_properties, unwrap_rpc_secret
from pulumi.runtime.settings import SETTINGS, _get_callbacks, get_engine, get_monitor, get_root_resource
from pulumi.runtime.stack import run_pulumi_func
from pulumi.runtime.sync_await import _sync_await

from sagebridge import threads

T = TypeVar("T")

OUTPUT_TEXT = "Calling __str__ on an Output"
"""How the text begins that ``str()`` makes of an output: the SDK only warns (pulumi 3.246, ``Output.__str__``)."""
MOST_EXACT = 2**53
"""Up to here every whole number comes through the engine as it is: its numbers are floats."""

_GET_RESOURCE = "pulumi:pulumi:getResource"

_SINGLETONS, _SERVERS, _PROGRAM = "_sagebridge_singletons", "_sagebridge_servers", "_sagebridge_program"
"""Attributes of the program's connection to the engine: a process may run several programs (Automation API, tests).

A table by the connection would never let one go: tasks keep their context, and that the connection.
"""


def once(make: Callable[..., T], *args: Any) -> T:  # noqa: ANN401 - the arguments of any function
    """Returns ``make(*args)``, which is called once in a program. The arguments must be hashable."""
    singletons = vars(get_monitor()).setdefault(_SINGLETONS, {})
    if (make, args) not in singletons:
        singletons[make, args] = make(*args)
    singleton: T = singletons[make, args]
    return singleton


def runs_on_engine() -> bool:
    """Tells whether an engine runs the program. A unit test with ``pulumi.runtime.set_mocks`` has none.

    The connection to an engine is a stub of gRPC. What stands for it in a test may be of any class.
    """
    return isinstance(get_monitor(), ResourceMonitorStub)


def configuration_keys(namespace: str) -> list[str]:
    """Returns the keys of a namespace that the stack's configuration sets. The SDK reads only keys that it is told."""
    prefix = f"{namespace}:"
    return sorted(key.removeprefix(prefix) for key in {*CONFIG.get(), *get_config_env()} if key.startswith(prefix))


def operations_at_once() -> int | None:
    """Returns how many operations the engine does at once; None if it does not tell, as in a unit test or a plugin."""
    parallel: int | None = SETTINGS.parallel
    return parallel


def runs_in_plugin() -> bool:
    """Tells whether a plugin makes the resources, for a program in another process, which may be of any language.

    A program has its stack as the root of its resources. In a plugin the stack is the program's.
    """
    return runs_on_engine() and get_root_resource() is None


def hook_name(name: str) -> str:
    """Returns a name for a hook that nothing else of the update has, as the engine takes each name once.

    A program has the name to itself. A plugin is a program of its own for each component, beside the one that declares
    them, and each registers its hooks.
    """
    return f"{name}-{uuid4().hex[:8]}" if runs_in_plugin() else name


def failure(reason: str) -> Exception:
    """Returns the error that ends a program, or a plugin's work on a component, with its reason and nothing else.

    Where a plugin fails with a ``pulumi.RunError``, gRPC adds the name of that class to the reason. And the SDK cannot
    tell of properties that are None (pulumi 3.246).
    """
    return pulumi.InputPropertiesError(reason, []) if runs_in_plugin() else pulumi.RunError(reason)


def engine_state(resource: pulumi.Resource) -> pulumi.Output[Mapping[str, Any]]:
    """Returns what the engine has of a resource's state; unknown in the preview that would make the resource.

    The SDK itself resolves references to resources with this call. It has no other way to the inputs of a provider.
    """
    resolved = pulumi.runtime.invoke_output(_GET_RESOURCE, {"urn": resource.urn})
    return resolved.apply(lambda description: description["state"])


async def engine_outputs(resource: pulumi.Resource) -> Mapping[str, Any]:
    """Returns the outputs that the engine has of a resource at this moment; empty if it has none yet.

    It asks with the URN as text: a URN that is an output lets the SDK wait for all children of a component, which may
    themselves wait for the answer. And it asks from a thread that no resource takes (``threads.py``): hooks wait for
    it.
    """
    arguments = Struct()
    arguments.update({"urn": str(await resource.urn.future())})
    request = ResourceInvokeRequest(tok=_GET_RESOURCE, args=arguments, acceptResources=True)
    monitor: Any = get_monitor()
    answer = await threads.call(monitor.Invoke, request)
    state: Any = deserialize_properties(getattr(answer, "return")).get("state")
    return {} if state is None or contains_unknowns(state) else unwrap_rpc_secret(state)


def begin_to_invoke(token: str, version: str) -> None:
    """Begins to call a function of a default provider, whose answer nobody waits for, while the program is declared.

    The SDK itself sends nothing before the program has been declared.

    Args:
        token: The function's token.
        version: The version of the provider's package, which tells its default providers apart.
    """
    monitor: Any = get_monitor()
    threads.begin(monitor.Invoke, ResourceInvokeRequest(tok=token, version=version, acceptResources=True))


async def first_answer(component: pulumi.Resource) -> bool:
    """Lets the engine answer a question, which must have happened before a hook asks one.

    For the first question of a program the engine makes a provider, and that is one of the operations of which it does
    only so many at once. Where hooks have all of them and wait for an answer, it would never come (pulumi 3.246,
    ``getDefaultProviderRef``).

    Args:
        component: What is asked about in a plugin, where the stack is another program's.
    """
    if runs_on_engine():
        await engine_outputs(get_root_resource() or component)
    return True


def show_progress(urn: str, text: str) -> None:
    """Shows in a resource's row what is being done to it, until the next text; an empty one ends that.

    ``pulumi.log`` wants the resource itself, which a hook does not have. The message is ephemeral: the engine shows it
    once, and does not repeat it among the diagnostics at the end.
    """
    engine: Any = get_engine()
    if engine is not None:
        engine.Log(engine_pb2.LogRequest(severity=engine_pb2.INFO, message=text, urn=urn, ephemeral=True))


def is_protected(resource: pulumi.Resource) -> bool | None:
    """Returns the option ``protect`` of a resource, which it may have from its parent."""
    return resource._protect  # noqa: SLF001 - the SDK shows it nowhere else


async def run_program(program: Callable[[], object]) -> None:
    """Runs a program with mocks to its end, the registrations that it has begun included.

    ``pulumi.runtime.test`` does no more, but cannot run where an event loop runs already.
    """

    def declare() -> None:
        program()

    try:
        await run_pulumi_func(declare)
    finally:
        SETTINGS.outputs.clear()  # a program that fails leaves some, for which the next one would wait


class _NoServer:
    """Takes the hooks of a program that no engine runs, which nobody will call."""

    def register_resource_hook(self, hook: pulumi.ResourceHook) -> None:
        """Does nothing."""

    def register_error_hook(self, hook: pulumi.ErrorHook) -> None:
        """Does nothing."""


def serve_hooks() -> None:
    """Waits until the SDK serves the program's hooks, from one server.

    Otherwise each hook starts a server of its own when it is registered: the SDK notes the server in a context variable
    of the task that registers, which the other tasks do not see. And a program that fails meanwhile stops servers that
    have not started yet: Python ends with a segmentation fault in gRPC and no message (pulumi 3.246, grpcio 1.85).

    Where no engine runs the program, older SDKs have no server, and would refuse every hook (pulumi 3.255; not 3.260).

    A server that is known already belongs to another program: the SDK's settings are context variables whose default is
    what any program of the process has set last, and its mocks set no server (pulumi 3.246, ``ContextProperty.fset``).
    """
    _note_program()
    SETTINGS.callbacks = None
    server = _sync_await(_get_callbacks())
    SETTINGS.callbacks = server or _NoServer()  # it has what registers a hook


class _Servers(list[_CallbackServicer]):
    """The SDK's list of servers of hooks, in which each program sees only those that it started.

    The SDK lists the servers of all programs of a process, and a program that ends stops every server in the list. So
    it would stop the hooks of a program that runs beside it, or fail over those of one that has ended. And the list
    would keep the connections to all engines.
    """

    def append(self, server: _CallbackServicer) -> None:
        _servers_of(get_monitor()).append(server)

    def remove(self, server: _CallbackServicer) -> None:
        _servers_of(get_monitor()).remove(server)

    def __iter__(self) -> Iterator[_CallbackServicer]:
        monitor = get_monitor()
        return iter(_servers_of(monitor) if monitor and _is_of_program(monitor) else ())


def _note_program() -> None:
    """Notes in which call of the SDK's ``run_pulumi_func`` the program runs; None if something else runs it."""
    vars(get_monitor())[_PROGRAM] = _program_frame()


def _is_of_program(monitor: object) -> bool:
    """Tells whether the program that ends is the one with this connection, as far as that is known.

    A program of the Automation API whose engine has failed may be left in the midst of its end. When Python collects
    it, at any time, it goes on to stop its servers, but with the connection of the program that runs then: the engine
    of that one would meet "Connection refused" (pulumi 3.246, ``Run`` in ``automation/_server.py``).
    """
    program = vars(monitor).get(_PROGRAM)
    return program is None or program is _program_frame()


def _program_frame() -> FrameType | None:
    """Returns the frame of the nearest call of ``run_pulumi_func`` that the caller is in."""
    frame = inspect.currentframe()
    while frame and frame.f_code is not run_pulumi_func.__code__:
        frame = frame.f_back
    return frame


def _servers_of(monitor: object) -> list[_CallbackServicer]:
    servers: list[_CallbackServicer] = vars(monitor).setdefault(_SERVERS, [])
    return servers


def _keep_programs_apart() -> None:
    """Lets the programs of a process share neither servers of hooks nor connections.

    gRPC shares a connection between all clients of one address. If the engine there has ended, the address is not tried
    again for up to two minutes, and a new engine may get the same port: its program would fail with "Connection
    refused".
    """
    for server in _CallbackServicer._servicers:  # noqa: SLF001 - the SDK has no other way
        _servers_of(server._monitor).append(server)  # noqa: SLF001
    _CallbackServicer._servicers = _Servers()  # noqa: SLF001
    _GRPC_CHANNEL_OPTIONS.append(("grpc.use_local_subchannel_pool", 1))


_keep_programs_apart()


def end_quietly() -> None:
    """Lets the program end without a traceback when an update has failed, though it may still be at work.

    Its messages to an engine that has ended go nowhere. An interrupt ends it, but only if it has a process of its own.
    A handler that the program has set itself stays.
    """
    if not runs_on_engine():
        return
    once(_log_aside)
    once(_keep_short_traces)
    if _has_process() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def spare_collector() -> None:
    """Lets Python's garbage collector pass over what is there, which is mostly what has been imported.

    It looks at 100,000 such objects each time that a quarter has been added, as the clients of AWS do: 0.07 s in which
    all threads stand still (CPython, ``gc_freeze_impl``). Nothing of them can be freed before the program ends. A
    program without a process of its own leaves the collector as it is.
    """
    if _has_process():
        gc.freeze()


def _has_process() -> bool:
    """Tells whether the engine runs the program as a process of its own, in its main thread.

    An inline program of the Automation API runs in a thread of someone else's process, and so does a unit test.
    """
    return runs_on_engine() and threading.current_thread() is threading.main_thread()


_debug_thread = ThreadPoolExecutor(1, "sagebridge-debug")
"""Sends debug messages. Python waits at its end until all are sent."""


class _DebugMessages:
    """Sends a program's debug messages beside it, in their order.

    Those that come while a request is on its way go with the next one, as a message of many lines.
    """

    def __init__(self, log: Callable[[Any], object]) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._pending: list[Any] = []
        self._is_sending = False

    def add(self, request: Any) -> None:  # noqa: ANN401 - gRPC's messages
        """Takes a message, which is sent soon."""
        with self._lock:
            self._pending.append(request)
            if self._is_sending:
                return
            self._is_sending = True
        _debug_thread.submit(self._send)

    def _send(self) -> None:
        while requests := self._next():
            for urn, of_resource in groupby(requests, lambda request: str(request.urn)):
                text = "\n".join(request.message for request in of_resource)
                with suppress(grpc.RpcError):  # nobody waits for a debug message
                    self._log(engine_pb2.LogRequest(severity=engine_pb2.DEBUG, message=text, urn=urn))

    def _next(self) -> list[Any]:
        with self._lock:
            requests, self._pending = self._pending, []
            self._is_sending = bool(requests)
        return requests


def _log_aside() -> None:
    """Lets the program go on while debug messages are sent, and messages to an engine that has ended go nowhere.

    The SDK sends five debug messages for each resource, wanted or not, and waits for the engine to take each: a fifth
    of the time of a program with 100 endpoints. And what it sends to an engine that has ended fails in the midst of
    what it does at the program's end: an inline program that fails would leave its tasks, its server of hooks and its
    connections behind, and a traceback (pulumi 3.246, `Log` in `log.py`).
    """
    engine: Any = get_engine()
    if engine is None:
        return
    log = engine.Log

    def log_if_possible(request: Any) -> Any:  # noqa: ANN401 - gRPC's messages
        try:
            return log(request)
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            return None

    debug_messages = _DebugMessages(log)

    def log_aside(request: Any) -> Any:  # noqa: ANN401 - gRPC's messages
        return debug_messages.add(request) if request.severity == engine_pb2.DEBUG else log_if_possible(request)

    engine.Log = log_aside


_PACKAGE = f"{Path(__file__).parent.as_uri()}/"


def _keep_short_traces() -> None:
    """Lets the state keep only the program's part of the stack trace of each resource, and of its position.

    The rest is this package, and the machinery that starts the program: 1.7 KB for an endpoint with its parts, beside
    the 8 KB that the engine and the provider keep. Pulumi's backends in files and buckets write the whole state at each
    step. The frames of Python's ``runpy``, which have no position, come before the program's (pulumi 3.246,
    ``_get_stack_trace``).
    """
    monitor: Any = get_monitor()
    register = monitor.RegisterResource

    def register_with_short_trace(request: Any) -> Any:  # noqa: ANN401 - gRPC's messages
        frames = request.stackTrace.frames
        started = takewhile(lambda frame: frame.HasField("pc"), frames)
        of_program = [frame for frame in started if not frame.pc.uri.startswith(_PACKAGE)]
        if of_program:
            request.sourcePosition.CopyFrom(of_program[0].pc)
        del frames[:]
        frames.extend(of_program)
        return register(request)

    monitor.RegisterResource = register_with_short_trace


@contextmanager
def serving(program: Callable[[], None]) -> Iterator[str]:
    """Yields the option with which a command of `pulumi` runs a program in this process, while the body runs.

    The Automation API serves its inline programs so (pulumi 3.246, ``Stack.preview``), but it starts `pulumi` three
    times more after an update, and its previews have no option `--json`.
    """
    from pulumi.automation._server import LanguageServer  # noqa: PLC0415 - a program of the component needs none

    server = grpc.server(ThreadPoolExecutor(), options=_GRPC_CHANNEL_OPTIONS)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageServer(program), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"--client=127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
