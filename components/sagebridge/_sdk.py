"""What the running program has only once, for all its components."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import pulumi
from pulumi.runtime.settings import SETTINGS, _get_callbacks, get_monitor
from pulumi.runtime.sync_await import _sync_await

T = TypeVar("T")

_MADE = "_sagebridge_made"
"""An attribute of the program's connection to the engine: a process may run several programs (Automation API, tests).

A table by the connection would never let one go: tasks keep their context, and that the connection. And a connection
that lingers after its engine has ended makes the next to the same port fail (gRPC shares what connects them).
"""


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
