"""Predictions: boto3 and the local AWS, against the same handler called in-process."""

from __future__ import annotations

import multiprocessing
import time
from typing import TYPE_CHECKING, Any

from bench.account import account, client
from bench.machine import Rate, rate
from model import inference
from model.contract import JSON, SAMPLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CALLS = 2000  # of each kind, all clients together
CLIENTS = (1, 4, 16)


def measure() -> Iterator[tuple[str, Rate]]:
    """Measure; each result after what was done, the handler in-process first."""
    with account() as aws:
        model = inference.model_fn(str(aws.model))

        def call() -> None:
            inference.output_fn(inference.predict_fn(inference.input_fn(SAMPLE, JSON), model), JSON)

        started = time.perf_counter()
        yield "handler, in-process", rate(_timed(call, CALLS), time.perf_counter() - started)
        aws.deploy("bench")
        for clients in CLIENTS:
            yield f"boto3, {clients} client{'s' * (clients > 1)}", _through(aws.url, clients)


def _timed(call: Callable[[], object], times: int) -> list[float]:
    took = []
    for _ in range(times):
        before = time.perf_counter()
        call()
        took.append(time.perf_counter() - before)
    return took


def _through(url: str, clients: int) -> Rate:
    """Invoke from processes of their own, as clients are; the clock starts when all are ready."""
    context = multiprocessing.get_context("spawn")
    ready, answers = context.Barrier(clients + 1), context.Queue()
    processes = [context.Process(target=_client, args=(url, CALLS // clients, ready, answers)) for _ in range(clients)]
    for process in processes:
        process.start()
    ready.wait()
    started = time.perf_counter()
    took = [seconds for _ in processes for seconds in answers.get()]
    elapsed = time.perf_counter() - started
    for process in processes:
        process.join()
    return rate(took, elapsed)


def _client(url: str, times: int, ready: Any, answers: Any) -> None:  # noqa: ANN401 - made by a context of multiprocessing
    runtime = client(url, "sagemaker-runtime")
    body = SAMPLE.encode()

    def call() -> None:
        runtime.invoke_endpoint(EndpointName="bench", ContentType=JSON, Body=body)["Body"].read()

    ready.wait()
    answers.put(_timed(call, times))
