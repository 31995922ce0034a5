"""Asks AWS about endpoints, for the guards."""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from sagebridge import _aws, threads

if TYPE_CHECKING:
    from concurrent.futures import Future

    from mypy_boto3_application_autoscaling import ApplicationAutoScalingClient
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointConfigOutputTypeDef, DescribeEndpointOutputTypeDef

GENERATION_TAG = "sagebridge:generation"
"""Tag of configurations that were made with what autoscaling had set; see ``guards/retained.py``."""

_DELETION_POLL_SECONDS = 5
_LISTED = 100
"""Endpoints that AWS lists in a call at most (botocore, ListEndpointsInput)."""


async def describe_endpoint(client: "SageMakerClient", name: str) -> "DescribeEndpointOutputTypeDef | None":
    """Returns DescribeEndpoint's answer; None if there is no such endpoint.

    It is None also for an endpoint that is being deleted, which takes no update and whose capacity is lost. The
    provider reads it in the same way.
    """
    endpoint = await find_endpoint(client, name)
    return None if endpoint is None or is_deleting(endpoint) else endpoint


async def find_endpoint(client: "SageMakerClient", name: str) -> "DescribeEndpointOutputTypeDef | None":
    """Returns DescribeEndpoint's answer, also for an endpoint that is being deleted; None if there is none."""
    with _none_if_absent():
        return await threads.call(client.describe_endpoint, EndpointName=name)
    return None


class Listed:
    """The endpoints that AWS lists, which a preview asks for once instead of for each new endpoint."""

    def __init__(self) -> None:
        self._listings: dict[object, Future[set[str] | None]] = {}
        self._asking = Lock()

    def begin(self, client: "SageMakerClient") -> "Future[set[str] | None]":
        """Asks with a client, the first time; any thread may call it."""
        with self._asking:
            if client not in self._listings:
                self._listings[client] = threads.begin(_listed, client)
            return self._listings[client]

    async def may_have(self, client: "SageMakerClient", name: str) -> bool:
        """Tells whether there may be an endpoint of a name; it is certain only that there is none."""
        names = await asyncio.wrap_future(self.begin(client))
        return names is None or name in names


def _listed(client: "SageMakerClient") -> set[str] | None:
    """Returns the names of all endpoints; None if one call does not list them, or the caller may not list."""
    with suppress(BotoCoreError, ClientError):
        answer = client.list_endpoints(MaxResults=_LISTED)
        return None if answer.get("NextToken") else {endpoint["EndpointName"] for endpoint in answer["Endpoints"]}
    return None


def is_deleting(endpoint: "DescribeEndpointOutputTypeDef") -> bool:
    """Tells whether AWS is still deleting an endpoint."""
    return endpoint["EndpointStatus"] == "Deleting"


async def describe_configuration(client: "SageMakerClient", name: str) -> "DescribeEndpointConfigOutputTypeDef | None":
    """Returns DescribeEndpointConfig's answer; None if it is gone, as it may be while its endpoint serves."""
    with _none_if_absent():
        return await threads.call(client.describe_endpoint_config, EndpointConfigName=name)
    return None


async def generations(client: "SageMakerClient", configuration: "DescribeEndpointConfigOutputTypeDef") -> set[str]:
    """Returns the generation that a configuration was made for; empty if its capacity was not kept from another."""
    answer = await threads.call(client.list_tags, ResourceArn=configuration["EndpointConfigArn"])
    return {tag["Value"] for tag in answer["Tags"] if tag["Key"] == GENERATION_TAG}


async def wait_until_deleted(
    client: "SageMakerClient", name: str, seconds: float
) -> "DescribeEndpointOutputTypeDef | None":
    """Waits until an endpoint that is being deleted is gone. The provider waits only until its deletion has begun.

    botocore's own waiter blocks a thread, which nothing could end when the update is cancelled.

    Returns:
        An endpoint of the same name that was made meanwhile, or None.

    Raises:
        TimeoutError: it is not gone after ``seconds``.
    """
    async with asyncio.timeout(seconds):
        while (endpoint := await find_endpoint(client, name)) and is_deleting(endpoint):  # noqa: ASYNC110 - AWS does not tell
            await asyncio.sleep(_DELETION_POLL_SECONDS)
    return endpoint


async def unscaled_variants(
    client: "ApplicationAutoScalingClient", endpoint_name: str, variant_names: Collection[str]
) -> set[str]:
    """Returns those of the variants that do not scale; empty if AWS cannot be asked.

    It is called when an update has failed, and an error must not hide why that was.
    """
    ids = {f"endpoint/{endpoint_name}/variant/{name}": name for name in variant_names}
    with suppress(BotoCoreError, ClientError):
        answer = await threads.call(
            client.describe_scalable_targets, ServiceNamespace="sagemaker", ResourceIds=list(ids)
        )
        return {ids[missing] for missing in ids.keys() - {target["ResourceId"] for target in answer["ScalableTargets"]}}
    return set()


async def alarms(settings: _aws.Settings, names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Returns the state of each alarm, of metrics or composite, and AWS's reason for it, by the alarm's name."""
    if not names:
        return {}
    answer = await threads.call(
        _aws.cloudwatch_client(settings).describe_alarms,
        AlarmNames=list(names),
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
    )
    described = [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
    return {
        alarm["AlarmName"]: (alarm["StateValue"], alarm.get("StateReason", "no reason given")) for alarm in described
    }


@contextmanager
def _none_if_absent() -> Iterator[None]:
    """Passes over the error with which AWS says that there is no such endpoint or configuration."""
    try:
        yield
    except ClientError as error:
        if "Could not find" not in error.response["Error"]["Message"]:
            raise
