"""Follows what AWS does to an endpoint, and tells each stage once.

The provider waits in silence, for up to an hour, and so does a guard that waits for AWS.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from sagebridge.guards import lookup, rollout

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import DescribeEndpointOutputTypeDef

POLL_SECONDS = 5.0


class Progress:
    """The progress of one endpoint.

    Args:
        client: A client of SageMaker.
        name: The endpoint's name.
        alarm_states: Returns the state of each alarm that rolls the deployment back.
        tell: Shows a stage, or an empty text when there is nothing more to tell.
    """

    def __init__(
        self,
        client: "SageMakerClient",
        name: str,
        alarm_states: Callable[[], Awaitable[dict[str, str]]],
        tell: Callable[[str], Awaitable[None]],
    ) -> None:
        self._client = client
        self._name = name
        self._alarm_states = alarm_states
        self._tell = tell
        self._last = ""

    async def follow(self) -> None:
        """Tells the stages until it is cancelled. What AWS does not answer is asked again: the provider waits."""
        try:
            while True:
                await asyncio.sleep(POLL_SECONDS)
                with suppress(BotoCoreError, ClientError):
                    await self._look()
        finally:
            await self._show("")

    async def wait_until_idle(self) -> "DescribeEndpointOutputTypeDef | None":
        """Tells the stages until AWS is no longer at work on the endpoint, which AWS itself limits.

        Returns:
            The endpoint; None if it is gone, or is being deleted.
        """
        try:
            while (endpoint := await self._look("waiting for AWS: ")) and rollout.is_busy(endpoint):  # noqa: ASYNC110 - AWS does not tell
                await asyncio.sleep(POLL_SECONDS)
        finally:
            await self._show("")
        return endpoint

    async def _look(self, prefix: str = "") -> "DescribeEndpointOutputTypeDef | None":
        endpoint = await lookup.describe_endpoint(self._client, self._name)
        if endpoint and rollout.is_busy(endpoint):
            states = await self._alarm_states() if endpoint["EndpointStatus"] != "RollingBack" else {}
            await self._show(prefix + rollout.stage(endpoint, states, datetime.now(UTC)))
        return endpoint

    async def _show(self, stage: str) -> None:
        """Tells a stage, unless it was the last one; an empty text takes back the last one at the end."""
        if stage != self._last:
            self._last = stage
            await self._tell(stage)
