"""What a server stands: many requests at once, many endpoints at once, many lives of endpoints."""

import contextlib
import http.client
import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagebridge.local import control
from tests.local.account import INSTANCE, Account, pack, until

pytestmark = [pytest.mark.server, pytest.mark.long]

CLIENTS = 16
REQUESTS = 10_000
ENDPOINTS = 200
WARM_UP = 80
"""Lives after which each endpoint's log has as many streams as it keeps."""
SIGNED = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/sagemaker/aws4_request, Signature=x"
# Answers with the request and with how many requests it has had.
COUNTER = """
from itertools import count

def model_fn(model_dir):
    return count(1)

def input_fn(body, content_type):
    return body

def predict_fn(data, model):
    return {"sent": data, "number": next(model)}

def output_fn(prediction, accept):
    return prediction
"""


def started(directory: Path) -> tuple[Account, int]:
    running, _ = control.start(directory)
    account = Account(running.url)
    account.base()
    return account, running.pid


def test_10000_invocations_from_16_clients_lose_and_cross_no_answers(directory: Path) -> None:
    account, _ = started(directory)
    model = account.model(account.upload(pack({"inference.py": COUNTER})))
    endpoints = [account.serve(model) for _ in range(2)]
    tickets = count()
    numbers: dict[str, list[int]] = {endpoint: [] for endpoint in endpoints}
    wrong: list[object] = []

    def call() -> None:
        connection = http.client.HTTPConnection(account.url.removeprefix("http://"), timeout=60)
        while (ticket := next(tickets)) < REQUESTS and not wrong:
            endpoint = endpoints[ticket % 2]
            sent = f"{ticket} {'x' * (ticket % 500)}"
            headers = {"Authorization": SIGNED, "Content-Type": "text/csv"}
            try:
                connection.request("POST", f"/endpoints/{endpoint}/invocations", sent.encode(), headers)
                answer = json.loads(connection.getresponse().read())
            except (OSError, ValueError, http.client.HTTPException) as error:
                wrong.append(error)
                return
            numbers[endpoint].append(answer.get("number"))
            if answer.get("sent") != sent:
                wrong.append((sent, answer))
        connection.close()

    clients = [threading.Thread(target=call) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert not wrong
    for endpoint in endpoints:  # each request reached its model once
        assert sorted(numbers[endpoint]) == list(range(1, REQUESTS // 2 + 1))


def test_200_endpoints_serve_at_once_and_their_processes_rest(directory: Path) -> None:
    account, server = started(directory)
    model = account.model(account.upload(pack({"inference.py": COUNTER})))
    account.sagemaker.create_endpoint_config(
        EndpointConfigName="all",
        ProductionVariants=[{"VariantName": "AllTraffic", "ModelName": model, **INSTANCE}],
    )
    names = [f"endpoint-{number}" for number in range(ENDPOINTS)]
    for name in names:
        account.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName="all")
    for name in names:
        assert account.settled(name)["EndpointStatus"] == "InService"
    with ThreadPoolExecutor(CLIENTS) as clients:

        def call(name: str) -> Any:
            return account.invoke(name, name.encode(), ContentType="text/csv")

        assert list(clients.map(call, names)) == [{"sent": name, "number": 1} for name in names]
        control.set_times(directory, idle=0.1)
        until(lambda: len(below(server)) <= 1, 60)  # the fork server
        control.set_times(directory, idle=300)
        assert list(clients.map(call, names)) == [{"sent": name, "number": 1} for name in names]  # new processes
        assert len(below(server)) == ENDPOINTS + 1


@pytest.mark.parametrize("cycles", [260, pytest.param(1000, marks=pytest.mark.stress)])
def test_many_lives_of_endpoints_leave_nothing_behind(directory: Path, cycles: int) -> None:
    account, server = started(directory)
    for config in ("old", "new"):
        model = account.model(account.upload(pack({"inference.py": COUNTER})))
        account.sagemaker.create_endpoint_config(
            EndpointConfigName=config,
            ProductionVariants=[{"VariantName": "AllTraffic", "ModelName": model, **INSTANCE}],
        )

    def live(name: str, times: int) -> None:
        for _ in range(times):
            account.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName="old")
            assert account.settled(name)["EndpointStatus"] == "InService", account.log(name)[-3000:]
            assert account.update(name, "new")["EndpointConfigName"] == "new"
            assert account.invoke(name, b"x", ContentType="text/csv")["number"] == 1
            account.sagemaker.delete_endpoint(EndpointName=name)
            until(lambda: is_deleted(account, name), 60)

    names = [f"endpoint-{number}" for number in range(4)]

    def lives(times: int) -> Counter[str]:
        with ThreadPoolExecutor(len(names)) as clients:
            list(clients.map(live, names, [times // len(names)] * len(names)))
        until(lambda: len(below(server)) <= 1, 60)
        return measured(server, directory)

    before = lives(WARM_UP)
    after = lives(cycles - WARM_UP)
    for resource, most in {"processes": 0, "files": 0, "open files": 4, "threads": 4, "memory": 24 * cycles}.items():
        assert after[resource] <= before[resource] + most, (resource, before, after)


def is_deleted(account: Account, name: str) -> bool:
    try:
        account.sagemaker.describe_endpoint(EndpointName=name)
    except ClientError:
        return True
    return False


def below(pid: int) -> list[int]:
    """Returns the processes that a process started, and those that these started."""
    pids: list[int] = []
    with contextlib.suppress(OSError):  # it ends at this moment
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                pids += [int(child), *below(int(child))]
    return pids


def measured(pid: int, directory: Path) -> Counter[str]:
    """Measures what a server has: memory in kB, and counts."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return Counter(
        {
            "memory": int(status["VmRSS"].split()[0]),
            "threads": int(status["Threads"]),
            "processes": len(below(pid)),
            "open files": len(list(Path(f"/proc/{pid}/fd").iterdir())),
            "files": sum(1 for _ in directory.rglob("*")),
        }
    )
