"""Predictions: boto3 and the local AWS, against the handler in-process, moto's canned answer, and boto3 alone."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from bench.account import account
from bench.figures import Figure, Figures, Goal, Section, Table, percentile, spread
from bench.processes import CommandFailed
from model import inference
from sagebridge.model.contract import JSON, SAMPLE
from tools.paths import CHECKOUT

NAME = "predictions"
HANDLER, BOTO3, MOTO, LOCAL = "handler, in-process", "boto3 alone", "moto", "local AWS"
SHORT, LONG = {1: 960, 1000: 96}, {1: 1920, 1000: 480}
"""Calls, all clients' together, by the rows of a request."""
CLIENTS = (1, 4, 16)
LIMIT_SECONDS = 300.0
"""What all calls of some clients may take, and the start of a server."""
ADDED = 3.0
"""Milliseconds at p50 that the server may add to what boto3 and the handler cost."""
P50, P99, RATE = "p50 ms", "p99 ms", "a second"
TEXT = """\
The same requests, of 1 row and of 1,000, through boto3 by clients that are processes of their own. *boto3 alone* is
a server that reads a request and sends stored bytes: what is left is boto3. *moto* answers with a canned text,
the *local AWS* asks the real model; both are servers in processes of their own. The handler is called in a Python
process without any server. With more clients than cores the time is the time in the queue. All is of one run."""


def measure(say: Callable[[str], None], *, long: bool) -> Figures:
    """Takes the time of each call; a run is all calls of all clients."""
    taken: dict[tuple[str, str, int, str], float] = {}

    def note(rows: int, by: str, clients: int, took: Sequence[float], elapsed: float) -> None:
        values = {
            P50: 1000 * percentile(took, 0.50),
            P99: 1000 * percentile(took, 0.99),
            RATE: len(took) / elapsed,
        }
        for unit, value in values.items():
            taken[_request_of(rows), by, clients, unit] = value

    with account() as aws, server("moto.server", "-H", "127.0.0.1", "-p") as moto:
        aws.deploy("bench")
        model = inference.model_fn(str(aws.model))
        for rows, calls in (LONG if long else SHORT).items():
            body = request(rows)
            say(f"{rows} rows, {HANDLER}")
            took = _timed(body, model, calls)
            note(rows, HANDLER, 1, took, sum(took))
            with server("bench.canned", answer=_handled(body, model)) as canned:
                for clients in CLIENTS:
                    for by, url in ((BOTO3, canned), (MOTO, moto), (LOCAL, aws.url)):
                        say(f"{rows} rows, {by}, {clients} clients")
                        note(rows, by, clients, *_through(url, body, clients, calls))
    return Figures(Figure(*key, (value,)) for key, value in taken.items())


def _request_of(rows: int) -> str:
    return f"{rows:,} {'row' if rows == 1 else 'rows'}"


def request(rows: int) -> str:
    """Returns a request with so many times the sample row."""
    return json.dumps({"Input": json.loads(SAMPLE)["Input"] * rows})


def _handled(body: str, model: object) -> bytes:
    return inference.output_fn(inference.predict_fn(inference.input_fn(body, JSON), model), JSON).get_data()


def _timed(body: str, model: object, times: int) -> list[float]:
    took = []
    for _ in range(times):
        before = time.perf_counter()
        _handled(body, model)
        took.append(time.perf_counter() - before)
    return took


def _through(url: str, body: str, clients: int, calls: int) -> tuple[list[float], float]:
    """Invokes from processes of their own, as clients are; the clock starts when all are ready."""
    command = [sys.executable, "-m", "bench.client", url, str(calls // clients)]
    pipe = subprocess.PIPE
    # A profile that the shell names need not be there, and is not needed.
    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    processes = [
        subprocess.Popen(command, cwd=CHECKOUT, env=env, text=True, stdin=pipe, stdout=pipe) for _ in range(clients)
    ]
    limit = threading.Timer(LIMIT_SECONDS, _kill, processes)
    limit.start()
    try:
        for process in processes:
            _tell(process, body)
        for process in processes:
            _heard(process)
        started = time.perf_counter()
        for process in processes:
            _tell(process, "go")
        took = [seconds for process in processes for seconds in json.loads(_heard(process))]
        return took, time.perf_counter() - started
    finally:
        limit.cancel()
        _kill(*processes)


def _kill(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        process.kill()
        process.wait()


def _tell(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    with suppress(BrokenPipeError):  # it has failed, which shows when it is to answer
        process.stdin.write(f"{line}\n")
        process.stdin.flush()


def _heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    if line := process.stdout.readline():
        return line
    raise CommandFailed(f"A client of the predictions failed, or took longer than {LIMIT_SECONDS:.0f} s.")


@contextmanager
def server(module: str, *options: str, answer: bytes = b"") -> Iterator[str]:
    """Runs a server in a process of its own on a free port; it ends with the block.

    Args:
        module: what Python runs.
        options: of its command line; the port follows.
        answer: what it reads from standard input.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", module, *options, str(port)],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        process.stdin.write(answer)
        process.stdin.close()
        _wait_for(module, process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait_for(module: str, process: subprocess.Popen[bytes], port: int) -> None:
    """Waits until a server takes connections."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise CommandFailed(f"The server {module} ended, or did not answer within {LIMIT_SECONDS:.0f} s.")


def section(figures: Figures) -> Section:
    """Returns what the page shows of the figures."""
    tables, goals = [], []
    for what in map(_request_of, LONG):
        rows = []
        for by, clients in dict.fromkeys((figure.by, figure.size) for figure in figures if figure.what == what):
            cells = [figures.of(unit).get(what, by, clients) for unit in (RATE, P50, P99)]
            rows.append([by, str(clients), *map(spread, cells)])
        tables.append(Table([f"a request of {what}", "clients", RATE, P50, P99], rows))
        local, alone, handler = (figures.of(P50).get(what, by, 1) for by in (LOCAL, BOTO3, HANDLER))
        added = local.median - alone.median - handler.median if local and alone and handler else None
        goals.append(Goal(f"{what}, 1 client: p50 beyond boto3 and the handler", added, ADDED, "ms"))
    return Section("Prediction", TEXT, tables, goals)
