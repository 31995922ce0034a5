"""Mocks: the output of instance-hours, and the line of the preview that says what a day costs."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest

from sagebridge import SageMakerEndpoint
from sagebridge.prices.price_list import PriceList, write_price_list
from tests.endpoint.endpoints import COMPONENT, args
from tests.endpoint.examples import BUCKET
from tests.mocks import Monitor

Run = Callable[[Callable[[], object]], Monitor]
Say = Callable[..., tuple[dict[str, float], list[str]]]
LIST = PriceList("us-east-1", "2026-11-20", "USD", {"ml.g5.2xlarge": 2.0, "ml.m5.large": 0.125}, {"ml.m5.large": 0.25})
SCALING = {"min_capacity": 1, "max_capacity": 4, "invocations_per_instance": 70}
ASYNCHRONOUS = {"async_inference_config": {"s3_output_path": BUCKET}}


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture
def say(run: Run, monkeypatch: pytest.MonkeyPatch) -> Say:
    """Declares an endpoint; returns its output, and what the preview says."""
    lines: list[str] = []
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)
    monkeypatch.setattr(pulumi.log, "info", lambda text, *_: lines.append(text))

    def say(**changes: Any) -> tuple[dict[str, float], list[str]]:
        seen = run(lambda: SageMakerEndpoint("endpoint", args(**changes)))
        (outputs,) = [outputs for urn, outputs in seen.outputs.items() if urn.endswith(f"{COMPONENT}::endpoint")]
        return outputs["instanceHoursPerDay"], [line for line in lines if "instance-hours" in line]

    return say


@pytest.mark.parametrize(
    ("changes", "minimum", "maximum", "line"),
    [
        ({}, 24, 24, "A day costs 24 instance-hours of ml.m5.xlarge."),
        (
            {"instance_type": "ml.g5.2xlarge", "autoscaling": SCALING},
            *(24, 96, "A day costs at least 24 and at most 96 instance-hours of ml.g5.2xlarge."),
        ),
        (
            {**ASYNCHRONOUS, "autoscaling": {"min_capacity": 0, "max_capacity": 2, "backlog_per_instance": 5}},
            *(0, 48, "A day costs at least 0 and at most 48 instance-hours of ml.m5.xlarge."),
        ),
        (
            {"serverless_config": {"provisioned_concurrency": 1}},
            *(0, 0, "A day costs 0 instance-hours, as a serverless endpoint has no instances of its own."),
        ),
        (
            {
                "production_variants": [{"variant_name": "a", "initial_instance_count": 2, "autoscaling": SCALING}],
                "shadow_production_variants": [{"variant_name": "b", "instance_type": "ml.g5.2xlarge"}],
            },
            *(48, 120, "A day costs at least 48 and at most 120 instance-hours of ml.m5.xlarge, ml.g5.2xlarge."),
        ),
        (
            {"initial_instance_count": 50, "instance_type": "ml.m5.large"},
            *(1200, 1200, "A day costs 1,200 instance-hours of ml.m5.large."),
        ),
    ],
)
def test_a_day_has_an_output_and_a_line(
    say: Say, changes: dict[str, Any], minimum: float, maximum: float, line: str
) -> None:
    assert say(**changes) == ({"minimum": minimum, "maximum": maximum}, [line])


def test_with_a_price_list_the_line_says_money_with_the_lists_date(say: Say) -> None:
    write_price_list(LIST)
    _, (line,) = say(instance_type="ml.g5.2xlarge", autoscaling=SCALING)
    assert line == (
        "A day costs at least 24 and at most 96 instance-hours of ml.g5.2xlarge: at least 48.00 and at most 192.00 USD,"
        " by AWS's price list of 2026-11-20 for us-east-1."
    )


def test_an_asynchronous_endpoint_has_prices_of_its_own(say: Say) -> None:
    write_price_list(LIST)
    assert ": 6.00 USD, by" in say(**ASYNCHRONOUS, instance_type="ml.m5.large")[1][0]


def test_a_type_that_the_list_lacks_is_said_and_has_no_price(say: Say) -> None:
    write_price_list(LIST)
    _, (line,) = say(instance_type="ml.m5.4xlarge")
    assert line.endswith("; AWS's price list of 2026-11-20 for us-east-1 has no price of ml.m5.4xlarge.")


def test_another_regions_list_is_not_taken(say: Say) -> None:
    write_price_list(replace(LIST, region="eu-west-1"))
    assert say()[1] == ["A day costs 24 instance-hours of ml.m5.xlarge."]


def test_what_is_known_later_counts_then(say: Say) -> None:
    late = {
        "initial_instance_count": pulumi.Output.from_input(2.0),
        "instance_type": pulumi.Output.from_input("ml.m5.large"),
    }
    assert say(**late) == ({"minimum": 48, "maximum": 48}, ["A day costs 48 instance-hours of ml.m5.large."])


def test_a_secret_is_not_told(say: Say) -> None:
    assert say(initial_instance_count=pulumi.Output.secret(2))[1] == []


def test_the_update_that_follows_does_not_say_it_again(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: False)
    assert say() == ({"minimum": 24, "maximum": 24}, [])
