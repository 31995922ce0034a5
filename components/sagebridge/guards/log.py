"""Reads how the log of a failed container ends, for the message of the failed rollout."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError

from sagebridge import _aws
from sagebridge.endpoint_log import log_group
from sagebridge.redaction import SHORTEST, redacted

LINES = 10
"""The last lines that a message has."""
_CHARACTERS = 1000
"""The characters of a line that a message has."""
_READ_LINES = 1000
"""The last lines that are read: most of them may be health checks, which go on after a container has failed."""
_STREAMS = 500
"""The streams that are looked at: those that were written last."""
_HEALTH_CHECK = "GET /ping"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""Characters that a terminal would take for commands."""
_DENIED = "AccessDeniedException"


def end_of_log(
    settings: _aws.Settings, name: str, since: datetime | None, reason: str, secrets: Collection[str]
) -> str:
    """Returns a sentence with the last lines of the container whose failure ended a rollout.

    Where the caller may not read the log, the sentence says which permission that needs.

    Args:
        settings: The provider's settings.
        name: The endpoint's name.
        since: The time after which only the rollout's own containers began to write; None if it is not known.
        reason: AWS's FailureReason, which may name the variant and the container.
        secrets: Texts that are not shown.

    Returns:
        The sentence; empty if no container of the rollout has written anything, or CloudWatch Logs does not answer.
    """
    client, group = _aws.logs_client(settings, _aws.IMPATIENT), log_group(name)
    try:
        pages = client.get_paginator("describe_log_streams").paginate(
            logGroupName=group, orderBy="LastEventTime", descending=True, PaginationConfig={"MaxItems": _STREAMS}
        )
        begun = {stream["logStreamName"]: stream["creationTime"] for page in pages for stream in page["logStreams"]}
        stream = _failed_stream(begun, since, reason)
        if stream is None:
            return ""
        events = client.get_log_events(logGroupName=group, logStreamName=stream, limit=_READ_LINES)["events"]
    except ClientError as error:
        if error.response["Error"]["Code"] != _DENIED:
            return ""  # the failure itself is what the user must see
        return (
            "The last lines of the log are not shown, because the caller may not read it: that needs "
            f"logs:DescribeLogStreams and logs:GetLogEvents on the log group {group}."
        )
    except BotoCoreError:
        return ""
    lines = last_lines([event["message"] for event in events], secrets)
    return "\n    ".join([f"The log of {stream} ends with:", *lines]) if lines else ""


def last_lines(messages: Sequence[str], secrets: Collection[str]) -> list[str]:
    """Returns the last lines of a log without health checks, colours, and what comes from secrets.

    A secret of several lines may be in the log in part only, so each of its lines is taken for a secret.
    """
    parts = {line for secret in secrets for line in secret.splitlines() if len(line) >= SHORTEST}
    text = redacted(_COLOURS.sub("", "\n".join(messages)), {*secrets, *parts})
    lines = [_UNPRINTABLE.sub(" ", line).rstrip() for line in text.splitlines() if _HEALTH_CHECK not in line]
    return [line[:_CHARACTERS] for line in lines if line][-LINES:]


def _failed_stream(begun: Mapping[str, int], since: datetime | None, reason: str) -> str | None:
    """Returns the name of the stream of the container that failed.

    It is the newest one of the rollout, or of the variant and the container that AWS's reason names.

    Args:
        begun: When each stream began, in milliseconds since the epoch.
        since: The time after which the streams of the rollout began.
        reason: AWS's FailureReason.
    """
    words = set(re.findall(r"[\w-]+", reason))
    after = int(since.timestamp() * 1000) if since else 0
    names = [name for name in begun if begun[name] >= after]
    return max(names, key=lambda name: (len(words.intersection(name.split("/"))), begun[name]), default=None)
