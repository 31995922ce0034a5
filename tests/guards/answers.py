"""Answers of AWS about an endpoint, for the tests of the guards."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from datetime import datetime

ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/boston"


def endpoint(**changes: Any) -> Any:
    """Returns DescribeEndpoint's answer for an endpoint in service, with some members changed."""
    return {
        "EndpointName": "boston",
        "EndpointArn": ARN,
        "EndpointConfigName": "new",
        "EndpointStatus": "InService",
        "ProductionVariants": [{"VariantName": "AllTraffic", "DesiredInstanceCount": 1, "DesiredWeight": 1}],
        **changes,
    }


class Logs:
    """Stands for CloudWatch Logs."""

    def __init__(self) -> None:
        self.streams: dict[str, tuple[datetime, list[str]]] = {}
        """When each stream began, and its messages."""
        self.error: Exception | None = None
        """What each call raises."""

    def get_paginator(self, operation: str) -> Any:
        assert operation == "describe_log_streams"
        return self

    def paginate(self, *, logGroupName: str, **_: object) -> Iterator[Any]:  # noqa: N803 - boto3's names
        assert logGroupName.startswith("/aws/sagemaker/Endpoints/")
        if self.error:
            raise self.error
        if not self.streams:
            raise ClientError({"Error": {"Message": "no group", "Code": "ResourceNotFoundException"}}, "x")
        for name, (created, _messages) in self.streams.items():
            yield {"logStreams": [{"logStreamName": name, "creationTime": int(created.timestamp() * 1000)}]}

    def get_log_events(self, *, logStreamName: str, limit: int, **_: object) -> Any:  # noqa: N803
        return {"events": [{"message": message} for message in self.streams[logStreamName][1][-limit:]]}
