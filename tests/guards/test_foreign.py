"""Pure: the words about an endpoint that somebody else has moved; the engine ring shows it in previews and updates."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sagebridge.guards.foreign import Fleet, alarming, live_fleets, moved, under_way
from tests.guards.answers import endpoint

DECLARED = {"AllTraffic": Fleet("ml.m5.xlarge", {"initial_instance_count": 1, "initial_variant_weight": 1})}


def live(variants: list[dict[str, Any]]) -> Any:
    return endpoint(EndpointConfigName="by-hand", ProductionVariants=variants)


@pytest.mark.parametrize(
    ("configured", "described", "words"),
    [
        (
            {"InstanceType": "ml.c5.large", "InitialInstanceCount": 2},
            {"DesiredInstanceCount": 4, "DesiredWeight": 0.5},
            "v on 4 × ml.c5.large, weight 0.5",  # noqa: RUF001 - as people write it
        ),
        (
            {"ServerlessConfig": {"MaxConcurrency": 5, "MemorySizeInMB": 2048}},
            {"CurrentServerlessConfig": {"MaxConcurrency": 5}, "DesiredWeight": 1},
            "v on serverless, weight 1",
        ),
        (
            {"ServerlessConfig": {"MaxConcurrency": 5, "ProvisionedConcurrency": 1}},
            {"CurrentServerlessConfig": {"ProvisionedConcurrency": 3}, "DesiredWeight": 1},
            "v on serverless with provisioned concurrency 3, weight 1",
        ),
        (
            {"InstancePools": [{"InstanceType": "ml.c5.large"}], "InitialInstanceCount": 2},
            {"DesiredInstanceCount": 2, "DesiredWeight": 1},
            "v on 2 × instances, weight 1",  # noqa: RUF001
        ),
        ({"InstanceType": "ml.c5.large", "InitialInstanceCount": 2}, {}, "v on 2 × ml.c5.large, weight 1"),  # noqa: RUF001
        (None, {"DesiredInstanceCount": 4, "DesiredWeight": 1}, "v on 4 × instances, weight 1"),  # noqa: RUF001
    ],
)
def test_both_sides_numbers_are_told(configured: Any, described: Any, words: str) -> None:
    configuration: Any = configured and {"ProductionVariants": [{"VariantName": "v", **configured}]}
    moved_endpoint = live([{"VariantName": "v", **described}])
    message = moved(moved_endpoint, "boston-config-1", live_fleets(moved_endpoint, configuration), DECLARED)
    assert f"runs the configuration by-hand, with {words}. This stack's last one is boston-config-1:" in message
    assert "This update makes it AllTraffic on 1 × ml.m5.xlarge, weight 1." in message  # noqa: RUF001


def test_every_variant_of_either_side_is_told() -> None:
    moved_endpoint = live(
        [{"VariantName": name, "DesiredInstanceCount": 2, "DesiredWeight": 1} for name in ("green", "blue")]
    )
    message = moved(
        moved_endpoint, "c", live_fleets(moved_endpoint, None), {**DECLARED, "new": Fleet("serverless", {})}
    )
    assert "with blue on 2 × instances, weight 1; green on 2 × instances, weight 1." in message  # noqa: RUF001
    assert "AllTraffic on 1 × ml.m5.xlarge, weight 1; new on serverless." in message  # noqa: RUF001


def test_a_deployment_of_somebody_else_is_told_and_none_that_is_the_updates_or_that_only_scales() -> None:
    variant = {"VariantName": "v", "InstanceType": "ml.c5.large", "DesiredInstanceCount": 4, "DesiredWeight": 2}
    started = datetime(2026, 11, 26, 14, 2, tzinfo=UTC)
    pending = {"EndpointConfigName": "by-hand", "ProductionVariants": [variant], "StartTime": started}
    updating = endpoint(EndpointStatus="Updating", PendingDeploymentSummary=pending)
    message = under_way(updating, "config-2", DECLARED)
    assert "to the configuration by-hand, with v on 4 × ml.c5.large, weight 2, since 2026-11-26 14:02 UTC." in message  # noqa: RUF001
    assert "This update would make it AllTraffic on 1 × ml.m5.xlarge, weight 1." in message  # noqa: RUF001
    assert under_way(updating, "by-hand", DECLARED) == ""
    assert under_way(endpoint(EndpointStatus="Updating"), "config-2", DECLARED) == ""


def test_each_alarm_is_told_with_its_reason() -> None:
    lines = alarming(endpoint(), {"loud": "7 datapoints were over 0.01.", "louder": "no reason given"})
    assert [line.partition(" before ")[0] for line in lines] == [
        "Endpoint boston: the alarm loud is in ALARM",
        "Endpoint boston: the alarm louder is in ALARM",
    ]
    assert "(7 datapoints were over 0.01), and AWS rolls an update back" in lines[0]
