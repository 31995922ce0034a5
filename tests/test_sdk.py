"""What a program is: started quickly, and with one of what it needs only once."""

import asyncio
import gc
import socket
import subprocess
import sys
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import grpc
import pytest
from pulumi.runtime import Settings
from pulumi.runtime._callbacks import _CallbackServicer
from pulumi.runtime.proto.resource_pb2 import SupportsFeatureRequest, SupportsFeatureResponse
from pulumi.runtime.proto.resource_pb2_grpc import ResourceMonitorServicer, add_ResourceMonitorServicer_to_server

from sagebridge import SageMakerEndpoint
from sagebridge import _sdk as program
from tests.endpoint.endpoints import MODEL, args
from tests.mocks import Monitor, World

Run = Callable[[Callable[[], object]], Monitor]

NEEDLESS = ("boto3", "botocore.session", "moto", "pandas", "sklearn")
PARTS = ("appautoscaling", "cloudwatch", "iam", "s3")


@pytest.mark.parametrize("module", [*NEEDLESS, *(f"pulumi_aws.{part}.outputs" for part in PARTS)])
def test_what_a_plain_endpoint_does_not_use_is_not_imported(module: str) -> None:
    code = f"import sys, sagebridge.endpoint.component, sagebridge.terraform_base; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_a_program_made_goes_with_its_connection_to_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    class Connection: ...

    connection = Connection()
    found = weakref.ref(connection)
    monkeypatch.setattr(program, "get_monitor", found)
    program.once(list, (connection,))  # which refers to it, as tasks do by their context
    del connection
    gc.collect()
    assert found() is None


class Server:
    """Stands for what serves the hooks of a program."""

    def __init__(self) -> None:
        self._server = self
        self.stops = 0

    async def stop(self, **_: float) -> None:
        self.stops += 1


def test_a_program_that_ends_stops_no_server_of_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one does that has failed and ends only when the next has begun, or one in another thread."""

    class Connection: ...

    connections = Connection(), Connection()
    servers = Server(), Server()
    for connection, server in zip(connections, servers, strict=True):
        monkeypatch.setattr(program, "get_monitor", lambda found=connection: found)
        _CallbackServicer._servicers.append(server)  # type: ignore[arg-type]  # noqa: SLF001 - as the SDK does
    monkeypatch.setattr(program, "get_monitor", lambda: connections[0])
    asyncio.run(_CallbackServicer.shutdown())  # type: ignore[no-untyped-call]
    assert [server.stops for server in servers] == [1, 0]


def test_a_new_engine_is_reached_at_the_port_of_one_that_has_ended() -> None:
    """gRPC would not try the port again for a while: it shares what connects it with the connection before."""
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

    class Engine(ResourceMonitorServicer):
        def SupportsFeature(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 - gRPC's names
            return SupportsFeatureResponse(hasSupport=True)

    engine = grpc.server(ThreadPoolExecutor(1))
    add_ResourceMonitorServicer_to_server(Engine(), engine)
    engine.add_insecure_port(address)
    engine.start()
    try:
        assert copy_context().run(connect).SupportsFeature(asked).hasSupport
    finally:
        engine.stop(0)


def test_an_archive_is_looked_up_once_however_many_endpoints_load_it(run: Run, world: World) -> None:
    def declare() -> None:
        for name in ("one", "two"):
            SageMakerEndpoint(name, args())

    assert len(run(declare).all_of_type(MODEL)) == 2
    assert len(world.calls) == 1
