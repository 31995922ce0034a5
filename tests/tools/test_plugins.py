"""The plugins that are built here answer for the official ones."""

import json
import re
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from tools import engine

pytestmark = pytest.mark.engine


def provider_info() -> dict[str, dict[str, dict[str, object]]]:
    found = engine.find_all()["pulumi-resource-aws"]
    assert found is not None
    if found.origin != "built":
        pytest.skip("the official plugin is in use")
    done = subprocess.run(
        [found.path / "pulumi-resource-aws", "-get-provider-info"], capture_output=True, text=True, check=True
    )
    info: dict[str, dict[str, dict[str, object]]] = json.loads(done.stdout)
    return info


def official_tokens() -> set[str]:
    source = Path(str(files("pulumi_aws") / "__init__.py")).read_text()
    return set(re.findall(r'"(aws:\w+/\w+:\w+)"', source))


def test_every_resource_has_the_official_token() -> None:
    official = official_tokens()
    tokens = {str(resource["tok"]) for resource in provider_info()["resources"].values()}
    assert len(tokens) > 50
    assert tokens - official == set()


def test_what_the_components_and_the_bridge_need_is_there() -> None:
    tokens = {str(resource["tok"]) for resource in provider_info()["resources"].values()}
    assert {
        "aws:sagemaker/model:Model",
        "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
        "aws:sagemaker/endpoint:Endpoint",
        "aws:appautoscaling/target:Target",
        "aws:appautoscaling/policy:Policy",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "aws:s3/bucketObjectv2:BucketObjectv2",
        "aws:iam/role:Role",
    } <= tokens
