"""Mocks: what is registered is what earlier versions registered, so that a stack of theirs has nothing to change.

Types, names and inputs were written to ``golden.json`` by the code of version 0.1 before its arguments were parsed into
dataclasses. A change of the file is a change to every such stack: say so in CHANGELOG.md.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.endpoint.endpoints import args
from tests.endpoint.examples import BUCKET
from tests.endpoint.test_endpoint_any import build

GOLDEN = json.loads(Path(__file__).with_name("golden.json").read_text())
SCALING = {"min_capacity": 1, "max_capacity": 4}
NIGHT = {"schedules": {"night": {"schedule": "rate(1 day)", "max_capacity": 2}}}
CASES: dict[str, dict[str, Any]] = {
    "the simplest": {},
    "everything of a real-time endpoint": {
        "endpoint_name": "boston",
        "production_variants": [
            {"variant_name": "a", "autoscaling": {**SCALING, "invocations_per_instance": 70, **NIGHT}},
            {"variant_name": "b", "image": "own:1", "initial_variant_weight": 0.8, "instance_type": "ml.m5.large"},
        ],
        "alarms": {"model_latency": 250},
        "deployment_config": {
            "blue_green_update_policy": {"type": "CANARY", "canary_size": {"value": 10}},
        },
        "data_capture_config": {"destination_s3_uri": BUCKET, "initial_sampling_percentage": 10},
        "vpc_config": {"subnets": ["subnet-1"], "security_group_ids": ["sg-1"]},
        "dashboard": True,
        "tags": {"team": "ml"},
    },
    "serverless that scales": {
        "endpoint_name": "boston",
        "serverless_config": {"max_concurrency": 5, "provisioned_concurrency": 2},
        "autoscaling": {**SCALING, "provisioned_concurrency_utilization": 0.7},
        "alarms": {},
    },
    "asynchronous that starts from zero": {
        "async_inference_config": {"s3_output_path": BUCKET, "max_concurrent_invocations_per_instance": 4},
        "autoscaling": {**SCALING, "min_capacity": 0, "backlog_per_instance": 5},
        "alarms": {},
        "dashboard": True,
    },
    "a shadow test that rolls": {
        "shadow_production_variants": [{"variant_name": "next", "image": "own:2"}],
        "deployment_config": {"auto_rollback_alarms": ["too-slow"]},
    },
    "a pipeline": {
        "image": None,
        "model_data_url": None,
        "containers": [{"image": "own:1", "environment": {"A": "b"}}, {"image": "own:2"}],
        "inference_execution_mode": "Serial",
        "deployment_config": {"rolling_update_policy": {"maximum_batch_size": {"value": 50}}},
    },
    "many models of one": {"mode": "MultiModel", "model_data_url": BUCKET, "model_cache_setting": "Disabled"},
    "an import": {"import_endpoint": "boston", "allow_replacement": True},
}


def registered(changes: dict[str, Any]) -> list[Any]:
    resources = [resource for resource in build(args(**changes)).registered if resource.type != "pulumi:pulumi:Stack"]
    return sorted(
        [
            [resource.type, resource.name, resource.inputs, resource.delete_before_replace, resource.ignore_changes]
            for resource in resources
        ],
        key=lambda resource: resource[:2],
    )


@pytest.mark.parametrize("case", CASES)
def test_what_is_registered_is_what_it_was(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert registered(CASES[case]) == GOLDEN[case]
