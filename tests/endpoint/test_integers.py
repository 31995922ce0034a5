"""Mocks: whole numbers that come as floats, as all numbers do through the engine, are taken as integers."""

from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pytest

from sagebridge import SageMakerEndpoint
from tests.endpoint.endpoints import CONFIGURATION, args
from tests.endpoint.test_golden import CASES, GOLDEN, registered
from tests.mocks import Monitor

Run = Callable[[Callable[[], object]], Monitor]
MOST = 2**53


def as_floats(value: Any) -> Any:
    """Returns a value with each number as a float."""
    if isinstance(value, Mapping):
        return {key: as_floats(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_floats(inner) for inner in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@pytest.mark.parametrize("case", CASES)
def test_every_whole_number_may_be_a_float(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert registered(as_floats(CASES[case])) == GOLDEN[case]


def test_an_output_may_be_a_float(run: Run) -> None:
    count = pulumi.Output.from_input(2.0)
    seen = run(lambda: SageMakerEndpoint("endpoint", args(initial_instance_count=count)))
    assert seen.of_type(CONFIGURATION).inputs["productionVariants"][0]["initialInstanceCount"] == 2


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (2.5, "initial_instance_count must be a whole number, not 2.5"),
        (-2.5, "initial_instance_count must be a whole number"),
        (float("nan"), "initial_instance_count must be a whole number"),
        (float("inf"), "initial_instance_count must be a whole number"),
        (MOST + 1, "initial_instance_count must be at most 2^53, beyond which Pulumi rounds whole numbers"),
        (float(MOST), "initial_instance_count must be at most 2^53"),  # it may have been MOST + 1
        (1e300, "initial_instance_count must be at most 2^53"),
        (True, "initial_instance_count must be a whole number"),
    ],
)
@pytest.mark.parametrize("wrap", [lambda number: number, pulumi.Output.from_input], ids=["plain", "output"])
def test_another_number_is_refused(run: Run, number: float, message: str, wrap: Callable[[float], object]) -> None:
    with pytest.raises(Exception, match="initial_instance_count") as refused:
        run(lambda: SageMakerEndpoint("endpoint", args(initial_instance_count=wrap(number))))
    assert message in str(refused.value)
