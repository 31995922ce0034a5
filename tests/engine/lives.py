"""What the lives of all kinds of endpoints share."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from tests.conftest import COMMAND_SECONDS, Aws, Base
from tests.local.account import echo
from tests.stacks import Stack


@contextmanager
def under_way(work: Callable[[], object]) -> Iterator[Future[object]]:
    """Has work done while the body runs; then it must end."""
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(work)
        yield done
        done.result(COMMAND_SECONDS)


def put_echo(aws: Aws, base: Base, key: str, word: str) -> str:
    """Puts an archive into the bucket whose model answers with a word, its environment and the request."""
    aws.s3.put_object(Bucket=base.bucket_name, Key=key, Body=echo(word))
    return f"s3://{base.bucket_name}/{key}"


def invoke(aws: Aws, endpoint: str, **target: str) -> dict[str, Any]:
    """Returns the JSON that an endpoint answers."""
    members: Any = {"EndpointName": endpoint, "ContentType": "application/json", "Body": b"{}", **target}
    answer: dict[str, Any] = json.loads(aws.runtime.invoke_endpoint(**members)["Body"].read())
    return answer


def configuration(aws: Aws, endpoint: str) -> Any:
    """Describes the configuration that an endpoint runs."""
    name = aws.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    return aws.sagemaker.describe_endpoint_config(EndpointConfigName=name)


def roll_back_next(aws: Aws, endpoint: str) -> None:
    """Lets the next update of an endpoint end InService on the configuration that it had."""
    aws.must("sagebridge", "local", "fault", "rollback", "--endpoint", endpoint, "--times", "1")


def rolls_back_and_mends(aws: Aws, stack: Stack, serves: Callable[[], None]) -> None:
    """Brings a change about that AWS first rolls back without a word: that fails, serves on, and the next try mends it.

    Args:
        aws: the local AWS.
        stack: the stack, with the change made in its arguments.
        serves: asserts that what was there before is served.
    """
    before = aws.sagemaker.describe_endpoint(EndpointName=stack.endpoint)["EndpointConfigName"]
    roll_back_next(aws, stack.endpoint)
    said = stack.up_fails()
    assert f"endpoint {stack.endpoint} is InService on configuration {before}, not on" in said
    assert "AWS rolled the update back" in said
    serves()
    stack.up()
    assert aws.sagemaker.describe_endpoint(EndpointName=stack.endpoint)["EndpointConfigName"] != before
    assert set(stack.preview()) == {"same"}


def everything(aws: Aws) -> set[str]:
    """Lists the endpoints, configurations, models, alarms, dashboards and scalable targets that there are."""
    scaled = {"ServiceNamespace": "sagemaker"}
    lists: list[tuple[str, str, dict[str, str], str]] = [
        ("sagemaker", "list_endpoints", {}, "Endpoints[].EndpointArn"),
        ("sagemaker", "list_endpoint_configs", {}, "EndpointConfigs[].EndpointConfigArn"),
        ("sagemaker", "list_models", {}, "Models[].ModelArn"),
        ("cloudwatch", "describe_alarms", {}, "MetricAlarms[].AlarmArn"),
        ("cloudwatch", "list_dashboards", {}, "DashboardEntries[].DashboardArn"),
        ("application-autoscaling", "describe_scalable_targets", scaled, "ScalableTargets[].ScalableTargetARN"),
    ]
    return {
        found
        for service, operation, members, path in lists
        for found in aws.client(service).get_paginator(operation).paginate(**members).search(path)
        if found
    }
