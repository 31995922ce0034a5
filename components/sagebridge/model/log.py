"""Reads from an endpoint's log in CloudWatch why its handler failed."""

import time
from collections.abc import Iterable

from botocore.exceptions import BotoCoreError, ClientError

from sagebridge._aws import IMPATIENT, logs_client
from sagebridge.endpoint_log import log_group

_TRACEBACK = "Traceback (most recent call last):"
_INGESTION_SECONDS = 8.0
"""How long to wait for a line that a container has just written; CloudWatch shows it some seconds later."""
_PAUSE = 1.0
_SKEW_SECONDS = 5.0
"""How far the clocks of this machine and of AWS may be apart."""


def logged_error(endpoint: str, since: float) -> str | None:
    """Returns the last line of the last traceback in an endpoint's log.

    Args:
        endpoint: The endpoint's name.
        since: When the request was sent, in seconds since the epoch.

    Returns:
        The line; None if there is no traceback, or the caller may not read the log.
    """
    logs = logs_client({}, IMPATIENT)
    pages = logs.get_paginator("filter_log_events")
    deadline = time.monotonic() + _INGESTION_SECONDS
    start = int((since - _SKEW_SECONDS) * 1000)
    while True:
        try:
            found_pages = pages.paginate(logGroupName=log_group(endpoint), startTime=start)
            line = last_raised(event["message"] for page in found_pages for event in page["events"])
        except (BotoCoreError, ClientError):  # the failure itself is what the user must see
            return None
        if line or time.monotonic() > deadline:
            return line
        time.sleep(_PAUSE)


def last_raised(messages: Iterable[str]) -> str | None:
    """Returns the line that ends the last traceback of a log: the exception and its message.

    A model server may put the time and the process before each line, of the same length throughout a traceback.
    """
    raised = None
    indent = -1
    for line in (line for message in messages for line in message.splitlines()):
        if _TRACEBACK in line:
            indent = line.index(_TRACEBACK)
        elif indent >= 0 and (text := line[indent:]) and not text[0].isspace():
            raised, indent = text.strip(), -1
    return raised
