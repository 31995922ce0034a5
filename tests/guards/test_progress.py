"""Pure: the stages of an update are told once each, and AWS is asked until it is no longer at work."""

import asyncio
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagebridge.guards import progress
from sagebridge.guards.progress import Progress
from tests.guards.answers import endpoint


def updating(status: str) -> Any:
    variant = {"VariantName": "AllTraffic", "VariantStatus": [{"Status": status}]}
    pending = {"EndpointConfigName": "next", "ProductionVariants": [variant]}
    return endpoint(EndpointStatus="Updating", PendingDeploymentSummary=pending)


class SageMaker:
    """Stands for AWS, which gives one answer after the other, and the last one from then on."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    def describe_endpoint(self, *, EndpointName: str) -> Any:  # noqa: N803 - boto3's name
        assert EndpointName == "boston"
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


THROTTLED = ClientError({"Error": {"Message": "Rate exceeded", "Code": "ThrottlingException"}}, "DescribeEndpoint")
GONE = ClientError({"Error": {"Message": "Could not find endpoint", "Code": "ValidationException"}}, "DescribeEndpoint")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "POLL_SECONDS", 0)


def of(sagemaker: Any, told: list[str], alarms: dict[str, str] | None = None) -> Progress:
    async def tell(stage: str) -> None:
        told.append(stage)

    async def alarm_states() -> dict[str, str]:
        return alarms or {}

    return Progress(sagemaker, "boston", alarm_states, tell)


async def followed(sagemaker: SageMaker) -> list[str]:
    """Returns what is told until AWS has given all its answers."""
    told: list[str] = []
    follower = asyncio.create_task(of(sagemaker, told).follow())
    while len(sagemaker.answers) > 1:  # noqa: ASYNC110 - the answers are no event
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)  # until the last one has come from its thread
    follower.cancel()
    await asyncio.wait([follower])
    return told


def test_each_stage_is_told_once_and_what_aws_does_not_answer_is_asked_again() -> None:
    answers = [endpoint(), updating("Creating"), updating("Creating"), THROTTLED, updating("ActivatingTraffic")]
    told = asyncio.run(followed(SageMaker(*answers, endpoint(), updating("Creating"), endpoint())))
    assert told == [
        "launching the new instances",
        "moving traffic to the new instances",
        "launching the new instances",
        "",  # nothing stays of it in the row
    ]


def test_a_wait_ends_with_the_endpoint_that_is_idle() -> None:
    told: list[str] = []
    sagemaker = SageMaker(
        updating("Creating"), updating("Creating"), endpoint(EndpointStatus="RollingBack"), endpoint()
    )
    idle = asyncio.run(of(sagemaker, told, {"errors": "ALARM"}).wait_until_idle())
    assert idle == endpoint()
    assert told == [
        "waiting for AWS: launching the new instances, alarm errors ALARM",
        "waiting for AWS: rolling back",
        "",
    ]


def test_a_wait_ends_when_the_endpoint_is_gone() -> None:
    assert asyncio.run(of(SageMaker(updating("Creating"), GONE), []).wait_until_idle()) is None
    deleting = endpoint(EndpointStatus="Deleting")
    assert asyncio.run(of(SageMaker(updating("Creating"), deleting), []).wait_until_idle()) is None
