"""How the log of a failed container ends, from what CloudWatch Logs answers."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from sagebridge import _aws
from sagebridge.guards.log import LINES, end_of_log, last_lines
from tests.guards.answers import Logs

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
NO_PING = (
    "The {container} container for production variant {variant} did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)
DENIED = (
    "The last lines of the log are not shown, because the caller may not read it: that needs "
    "logs:DescribeLogStreams and logs:GetLogEvents on the log group /aws/sagemaker/Endpoints/boston."
)


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Logs:
    stand_in = Logs()
    monkeypatch.setattr(_aws, "logs_client", lambda *_: stand_in)
    return stand_in


def end(logs: Logs, begun: Mapping[str, int], since: datetime | None = BEGIN, reason: str = "") -> str:
    """Returns the end of the log of streams that begin some minutes after the rollout, and say their names."""
    logs.streams = {name: (BEGIN + timedelta(minutes=minutes), [f"I am {name}"]) for name, minutes in begun.items()}
    return end_of_log({}, "boston", since, reason, ())


@pytest.mark.parametrize(
    ("begun", "reason", "stream"),
    [
        ({"blue/i0": 1}, "", "blue/i0"),
        ({"blue/i0": -1, "blue/i1": 1, "blue/i2": 2}, "", "blue/i2"),
        ({"blue/i0": 1, "green/i1": 2}, NO_PING.format(container="primary", variant="blue"), "blue/i0"),
        ({"blue/i0": -1, "green/i1": 2}, NO_PING.format(container="primary", variant="blue"), "green/i1"),
        ({"blue/i0/first": 1, "blue/i0/second": 1}, NO_PING.format(container="first", variant="blue"), "blue/i0/first"),
        (
            {"blue/i0/first": 1, "blue/i0/second": 1},
            NO_PING.format(container="second", variant="blue"),
            "blue/i0/second",
        ),
    ],
)
def test_it_is_the_newest_container_or_the_one_that_aws_names(
    logs: Logs, begun: dict[str, int], reason: str, stream: str
) -> None:
    assert end(logs, begun, reason=reason) == f"The log of {stream} ends with:\n    I am {stream}"


def test_a_container_of_another_rollout_is_not_shown(logs: Logs) -> None:
    assert end(logs, {"blue/i0": -1}) == ""
    assert end(logs, {"blue/i0": -1}, since=None).endswith("I am blue/i0")
    assert end(logs, {}) == ""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            ClientError({"Error": {"Message": "no", "Code": "AccessDeniedException"}}, "DescribeLogStreams"),
            DENIED,
        ),
        (ClientError({"Error": {"Message": "slow down", "Code": "ThrottlingException"}}, "DescribeLogStreams"), ""),
        (EndpointConnectionError(endpoint_url="https://logs"), ""),
    ],
)
def test_a_log_that_cannot_be_read_hides_no_failure(logs: Logs, error: Exception, expected: str) -> None:
    logs.error = error
    assert end(logs, {"blue/i0": 1}) == expected


@pytest.mark.parametrize(
    ("messages", "lines"),
    [
        (["loads\r", "", "  ", "two\nlines"], ["loads", "two", "lines"]),
        ([str(number) for number in range(50)], [str(number) for number in range(50 - LINES, 50)]),
        (["OSError: no such model", *['10.0.0.1 - "GET /ping HTTP/1.1" 502'] * 900], ["OSError: no such model"]),
        (["x" * 5000], ["x" * 1000]),
        (["\x1b[1;31mERROR\x1b[0m no such model"], ["ERROR no such model"]),
        (["\x1b]0;title\x07loads\tslowly", "\x9b2J"], [" ]0;title loads slowly", " 2J"]),
        ([], []),
    ],
)
def test_the_last_lines_are_few_and_say_something(messages: list[str], lines: list[str]) -> None:
    assert last_lines(messages, ()) == lines


@pytest.mark.parametrize("before", range(LINES + 5))
def test_no_part_of_a_secret_is_shown(before: int) -> None:
    key = ["-----BEGIN KEY-----", *(f"line {number} of the key" for number in range(20)), "-----END KEY-----"]
    messages = ["starts", *key[before:], "ends, with hunter2 for a password", "x" * 990 + " hunter2"]
    lines = last_lines(messages, ["\n".join(key), "hunter2"])
    assert not [line for line in lines if "key" in line.lower() or "hunt" in line]
    assert lines[-2] == "ends, with [secret] for a password"
