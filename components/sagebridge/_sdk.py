"""What the running program has only once, for all its components, and what keeps it from other programs."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import pulumi
from pulumi.runtime._callbacks import _CallbackServicer
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.settings import SETTINGS, _get_callbacks, get_monitor
from pulumi.runtime.sync_await import _sync_await

T = TypeVar("T")

_MADE = "_sagebridge_made"
"""An attribute of the program's connection to the engine: a process may run several programs (Automation API, tests).

A table by the connection would never let one go: tasks keep their context, and that the connection.
"""
_SERVERS = "_sagebridge_servers"
"""Another attribute of it."""


def once(make: Callable[..., T], *args: Any) -> T:  # noqa: ANN401 - what it takes
    """Returns what ``make`` makes of hashable arguments, made when the program first asks for it."""
    made = vars(get_monitor()).setdefault(_MADE, {})
    if (make, args) not in made:
        made[make, args] = make(*args)
    found: T = made[make, args]
    return found


def engine_state(resource: pulumi.Resource) -> pulumi.Output[Mapping[str, Any]]:
    """Returns the inputs and outputs of a resource as the engine has them; unknown in the preview that would make it.

    The SDK makes references between resources with this call. It has no other way to a provider's inputs.
    """
    answer = pulumi.runtime.invoke_output("pulumi:pulumi:getResource", {"urn": resource.urn})
    return answer.apply(lambda found: found["state"])


def serve_hooks() -> None:
    """Waits until the SDK serves the program's hooks, from one server.

    Else each hook starts a server of its own when it is registered: the SDK notes the server in a context variable of
    the task that registers, which the other tasks do not see. And a program that fails meanwhile stops what has not
    started yet: Python ends with a segmentation fault in gRPC and no message (pulumi 3.246, grpcio 1.85).
    """
    SETTINGS.callbacks = _sync_await(_get_callbacks())


class _Servers(list[_CallbackServicer]):
    """The servers of hooks as the SDK lists them, of which each program sees only those that it started.

    The SDK lists the servers of all programs of a process, and a program that ends stops every server in the list. So
    it would stop the hooks of a program that runs beside it, or fail over those of one that has ended. And the list
    would keep the connections to all engines.
    """

    def append(self, server: _CallbackServicer) -> None:
        vars(get_monitor()).setdefault(_SERVERS, []).append(server)

    def __iter__(self) -> Iterator[_CallbackServicer]:
        return iter(getattr(get_monitor(), _SERVERS, ()))


def _keep_programs_apart() -> None:
    """Lets the programs of a process share neither servers of hooks nor connections.

    gRPC shares a connection between all that asks for one address. If the engine there has ended, it is not tried again
    for up to two minutes, and a new engine may get the same port: its program would fail with "Connection refused".
    """
    for server in _CallbackServicer._servicers:  # noqa: SLF001 - the SDK has no other way
        vars(server._monitor).setdefault(_SERVERS, []).append(server)  # noqa: SLF001
    _CallbackServicer._servicers = _Servers()  # noqa: SLF001
    _GRPC_CHANNEL_OPTIONS.append(("grpc.use_local_subchannel_pool", 1))


_keep_programs_apart()
