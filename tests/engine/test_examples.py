"""The examples, each as a person would run it: made, asked, exported, changed, rolled back and taken down."""

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from model.train import DATA
from sagebridge.model.contract import SAMPLE
from tests.bridge.commands import Bridge
from tests.conftest import PREDICTION, Aws, Base, publish, trained
from tests.engine.lives import roll_back_next
from tests.stacks import MODEL_DATA, PREDICTING, PROGRAMS, Stack, create_stack, local_settings

JSON = "application/json"
NOT_CARRIED = {"pipeline": {"aws_s3_object.preprocess, content_base64"}}
"""What cannot be imported, as AWS does not tell it."""
SECONDS = 30


def through_s3(aws: Aws, endpoint: str) -> float:
    """Returns the prediction of an asynchronous endpoint."""
    asked = aws.client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName=endpoint, ContentType=JSON, Body=SAMPLE.encode()
    )
    bucket, key = asked["OutputLocation"].removeprefix("s3://").split("/", 1)
    assert key.startswith("answers/")  # where the role may write
    waiting = {"Delay": 1, "MaxAttempts": SECONDS}
    aws.s3.get_waiter("object_exists").wait(Bucket=bucket, Key=key, WaiterConfig=waiting)  # type: ignore[arg-type]
    answer: list[float] = json.loads(aws.s3.get_object(Bucket=bucket, Key=key)["Body"].read())["Predictions"]
    return answer[0]


def with_a_shadow(aws: Aws, endpoint: str) -> float:
    """Returns the prediction of the production variant, once the shadow has had its copy of the request."""
    before = invocations(aws, endpoint, "Candidate")
    answer = aws.runtime.invoke_endpoint(EndpointName=endpoint, ContentType=JSON, Body=SAMPLE.encode())
    assert answer["InvokedProductionVariant"] == "Production"
    until = time.monotonic() + SECONDS
    while invocations(aws, endpoint, "Candidate") != before + 1:
        assert time.monotonic() < until
        time.sleep(0.2)
    predictions: list[float] = json.loads(answer["Body"].read())["Predictions"]
    return predictions[0]


def invocations(aws: Aws, endpoint: str, variant: str) -> float:
    """Returns how many requests a variant has had."""
    now = datetime.now(UTC)
    found: dict[str, Any] = aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="Invocations",
        Dimensions=[{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}],
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )
    return float(sum(point["Sum"] for point in found["Datapoints"]))


def by_names(aws: Aws, endpoint: str) -> float:
    """Returns the prediction of a pipeline that takes a house by names."""
    columns, (row,) = DATA.read_text().splitlines()[0].split(",")[:-1], json.loads(SAMPLE)["Input"]
    body = json.dumps(dict(zip(columns, row, strict=True))).encode()
    answer = aws.runtime.invoke_endpoint(EndpointName=endpoint, ContentType=JSON, Body=body)
    predictions: list[float] = json.loads(answer["Body"].read())["Predictions"]
    return predictions[0]


ASK: Mapping[str, Callable[[Aws, str], float]] = {
    "asynchronous": through_s3,
    "pipeline": by_names,
    "shadow": with_a_shadow,
}
"""How an example's endpoint is asked for the article's row, where it is not plainly."""


@pytest.fixture(scope="session")
def retrained(aws: Aws, base: Base, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Another model, published."""
    return publish(aws, base, trained(tmp_path_factory.mktemp("retrained"), rows=200), "boston-housing")


@pytest.fixture
def pace(aws: Aws, name: str) -> Iterator[None]:
    """Makes the waits of a canary short."""

    def set_pace(pace: int) -> None:
        aws.must("sagebridge", "local", "times", "--pace", str(pace))

    set_pace(300 if "CANARY" in PROGRAMS[name] else 1)
    yield
    set_pace(1)


def export(aws: Aws, example: Stack, module: Path) -> None:
    """Exports an example: Terraform would import all of it and change nothing."""
    bridge = Bridge(aws, Path(example.work_dir))
    exported = json.loads(bridge.must("export", "--stack", example.name, "--out", str(module), "--json"))
    kinds = [address.partition(".")[0] for address in exported["imports"]]
    assert kinds.count("aws_sagemaker_endpoint") == len(example.outputs())
    not_carried = {item["name"] for item in exported["notCarried"] if "nothing in AWS" not in item["reason"]}
    assert not_carried == NOT_CARRIED.get(example.endpoint, set())
    assert "nothing would change" in bridge.must("verify", "--stack", example.name, "--module", str(module))


@pytest.mark.engine
@pytest.mark.terraform
@pytest.mark.usefixtures("nothing_stays", "pace")
@pytest.mark.parametrize("name", PREDICTING)
def test_an_example(aws: Aws, example: Stack, model_data: str, retrained: str, tmp_path: Path) -> None:
    def answers() -> list[float]:
        return [ASK.get(example.endpoint, Aws.predict)(aws, endpoint) for endpoint in example.outputs().values()]

    example.up()
    endpoint, *_ = example.outputs().values()
    first = answers()
    assert first == pytest.approx([PREDICTION] * len(first), abs=1e-9)
    assert set(example.preview()) == {"same"}
    export(aws, example, tmp_path / "module")

    example.config(**{MODEL_DATA: retrained})
    example.up()
    changed = answers()
    assert all(abs(answer - PREDICTION) > 0.01 for answer in changed)

    roll_back_next(aws, endpoint)
    example.config(**{MODEL_DATA: model_data})
    said = example.up_fails()
    assert f"endpoint {endpoint} is InService on configuration" in said
    assert "AWS rolled the update back" in said
    assert answers()[0] == changed[0]

    example.up()
    assert answers() == first


@pytest.mark.engine
@pytest.mark.usefixtures("inherited_interrupt")
@pytest.mark.parametrize("name", ["serverless"])
def test_a_program_that_the_engine_interrupts_shows_no_traceback(
    aws: Aws, base: Base, model_data: str, example_folder: Path, name: str
) -> None:
    # A slow machine meets a program still at work when an update fails.
    program = f"{PROGRAMS[name]}import signal\n\nsignal.raise_signal(signal.SIGINT)\n"
    (example_folder / "__main__.py").write_text(program)
    config = local_settings() | {MODEL_DATA: model_data, "sagebridge:terraformState": str(base.state)}
    stack = Stack(create_stack(aws, f"t{uuid.uuid4().hex[:8]}", example_folder, config), name)
    ended = "program exited with non-zero exit code|program could not be run to its end: signal: interrupt"
    assert re.search(ended, stack.preview_fails())
