"""CloudWatch Logs in moto: moto has the groups and the streams, and this package's files have the events of endpoints.

moto itself holds all events in memory, and finds a page by counting events from the first one, which is wrong once old
ones are gone. Its FilterLogEvents knows no prefix of streams and does not sort by time, and any identifier of a group
leads to the last group.
"""

import heapq
import json
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, ClassVar
from zlib import crc32

from moto.core.utils import unix_time_millis
from moto.logs.exceptions import InvalidParameterException, ResourceNotFoundException
from moto.logs.models import LogEvent, LogGroup, LogsBackend, LogStream, logs_backends
from moto.logs.responses import LogsResponse
from moto.logs.utils import EventMessageFilter

from sagebridge.endpoint_log import GROUPS, log_group
from sagebridge.local import ACCOUNT, REGION
from sagebridge.local.cloudwatch.logs import Logs, Stream
from sagebridge.local.store import Moto

STREAMS = 32
"""The streams that an endpoint's log keeps: those that were written last."""
PAGE_EVENTS = 10_000
"""The most events of a page. Source, also for the bytes: botocore, FilterLogEvents and GetLogEvents."""
PAGE_BYTES = 1024**2
_EVENT_OVERHEAD = 26
"""Bytes that are counted for an event besides its message (botocore, PutLogEvents)."""

_NO_SUCH_PAGE = "The specified nextToken is invalid."
"""AWS's own words."""

Answer = dict[str, Any]
"""An event as CloudWatch Logs answers it."""


class EndpointStream(LogStream):
    """A stream of an endpoint's log, whose events are in files."""

    logs: ClassVar[dict[str, Logs]] = {}
    """The logs of the endpoints of each region."""

    @property
    def files(self) -> Stream:
        """The stream's files."""
        return self.logs[self.region].stream(self.log_group.name.removeprefix(GROUPS), self.log_stream_name)

    @property
    def events(self) -> list[LogEvent]:
        """All events, for what moto answers by itself, such as queries of Logs Insights."""
        return [
            LogEvent(event.time, {"timestamp": event.time, "message": event.message}) for event in self.files.events()
        ]

    @events.setter
    def events(self, _: object) -> None:
        """Leaves the events to the files; moto begins each stream with an empty list."""

    @property
    def stored_bytes(self) -> int:
        """The size of the events."""
        return self.files.size()

    @stored_bytes.setter
    def stored_bytes(self, _: object) -> None:
        """Leaves the size to the files."""

    def to_describe_dict(self) -> dict[str, Any]:
        """Returns the stream as DescribeLogStreams has it."""
        described = {
            "logStreamName": self.log_stream_name,
            "arn": self.arn,
            "creationTime": int(unix_time_millis(self.creation_time)),
            "storedBytes": 0,  # as on AWS since 2019 (botocore, LogStream)
        }
        if span := self.files.span():
            first, last = span
            described |= {"firstEventTimestamp": first, "lastEventTimestamp": last, "lastIngestionTime": last}
        return described

    def put_log_events(self, log_events: list[dict[str, Any]]) -> str:  # noqa: ARG002 - moto's signature
        """Refuses events of others."""
        raise InvalidParameterException(
            msg=f"The local AWS writes {self.log_stream_name} itself, from what the endpoint's container prints."
        )

    def get_log_events(  # type: ignore[override] # moto takes times for strings
        self,
        start_time: int | None,
        end_time: int | None,
        limit: int | None,
        next_token: str | None,
        start_from_head: bool,  # noqa: FBT001 - moto's signature
    ) -> tuple[list[Answer], str, str]:
        """Returns a page of events, the token of the page before it, and the token of the page after it."""
        direction, _, number = (next_token or ("f/0" if start_from_head else "b/")).partition("/")
        if direction not in ("f", "b") or (next_token and not number.isdigit()):
            raise InvalidParameterException(msg=_NO_SUCH_PAGE)
        position = int(number or 0)
        events = self.files.events(start_time, end_time)
        if direction == "f":
            page = list(islice((event for event in events if event.position >= position), _limit(limit)))
            page = page[: _fitting([event.message for event in page], _limit(limit))]
        else:
            page = [event for event in events if not number or event.position < position]
            page = page[len(page) - _fitting([event.message for event in reversed(page)], _limit(limit)) :]
        begin, end = (page[0].position, page[-1].position + 1) if page else (position, position)
        answers = [{"timestamp": event.time, "ingestionTime": event.time, "message": event.message} for event in page]
        return answers, f"b/{begin:056d}", f"f/{end:056d}"

    def matching(self, start: int | None, end: int | None, filter_pattern: str) -> Iterator[Answer]:
        """Yields the events of a span of time, its end included, that a pattern matches."""
        pattern = EventMessageFilter(filter_pattern)
        source = crc32(self.log_stream_name.encode())
        for event in self.files.events(start, None if end is None else end + 1):
            if pattern.matches(event.message):
                yield {
                    "logStreamName": self.log_stream_name,
                    "timestamp": event.time,
                    "ingestionTime": event.time,
                    "message": event.message,
                    "eventId": f"{event.time:020d}{event.position:026d}{source:010d}",
                }


def register(moto: Moto, endpoint: str, name: str, region: str = REGION) -> None:
    """Makes a stream of an endpoint's log, and its group, unless they exist; removes the streams beyond `STREAMS`."""
    with moto.changing("logs"):
        backend = logs_backends[ACCOUNT][region]
        backend.ensure_log_group(log_group(endpoint))
        streams: dict[str, LogStream] = backend.groups[log_group(endpoint)].streams
        if not isinstance(streams.get(name), EndpointStream):
            streams[name] = EndpointStream(backend.groups[log_group(endpoint)], name)
        written = [stream for stream in streams.values() if isinstance(stream, EndpointStream)]
        written.sort(key=lambda stream: stream.files.written())
        for stream in written[:-STREAMS]:
            del streams[stream.log_stream_name]
            stream.files.remove()


def install(logs: Logs, region: str = REGION) -> None:
    """Makes moto answer for the logs of the endpoints of a region from these files."""
    EndpointStream.logs[region] = logs
    LogsBackend.delete_log_group = _delete_log_group  # type: ignore[method-assign, assignment]
    LogGroup.delete_log_stream = _delete_log_stream  # type: ignore[method-assign, assignment]
    LogsBackend._find_log_group = _find_log_group  # type: ignore[method-assign, assignment] # noqa: SLF001 - mended
    LogsResponse.filter_log_events = _filter_log_events  # type: ignore[method-assign, assignment]


_MOTOS_DELETE_LOG_GROUP = LogsBackend.delete_log_group
_MOTOS_DELETE_LOG_STREAM = LogGroup.delete_log_stream


def _delete_log_group(backend: LogsBackend, log_group_name: str) -> None:
    group = backend.groups.get(log_group_name)
    _MOTOS_DELETE_LOG_GROUP(backend, log_group_name)
    _remove_events(group.streams.values() if group else ())


def _delete_log_stream(group: LogGroup, log_stream_name: str) -> None:
    streams = [stream for name, stream in group.streams.items() if name == log_stream_name]
    _MOTOS_DELETE_LOG_STREAM(group, log_stream_name)
    _remove_events(streams)


def _remove_events(streams: Iterable[LogStream]) -> None:
    for stream in streams:
        if isinstance(stream, EndpointStream):
            stream.files.remove()


def _find_log_group(
    backend: LogsBackend, log_group_id: str | None = None, log_group_name: str | None = None
) -> LogGroup:
    """Returns the group of a name, or of an identifier, which is a name or an ARN."""
    for group in backend.groups.values():
        if log_group_name == group.name or log_group_id in (group.name, group.arn):
            return group
    raise ResourceNotFoundException


def _filter_log_events(response: LogsResponse) -> str:
    """Answers FilterLogEvents: the events of all streams that are asked for, in the order of their times."""
    ask: Callable[..., Any] = response._get_param  # noqa: SLF001 - as moto's own methods do
    group = response.logs_backend._find_log_group(ask("logGroupIdentifier"), ask("logGroupName"))  # noqa: SLF001
    names, prefix, token = ask("logStreamNames"), ask("logStreamNamePrefix", ""), ask("nextToken")
    if names and prefix:
        raise InvalidParameterException(msg="logStreamNames and logStreamNamePrefix cannot be set both.")
    streams = [
        stream for name, stream in group.streams.items() if name in (names or [name]) and name.startswith(prefix)
    ]
    limit, start = _limit(ask("limit")), ask("startTime")
    last_key = _key_of(token) if token else None
    if last_key:
        start = last_key[0]
    span = (start, ask("endTime"), ask("filterPattern"))
    matching = [
        stream.matching(*span) if isinstance(stream, EndpointStream) else stream.filter_log_events(*span)
        for stream in streams
    ]
    merged: Iterator[Answer] = heapq.merge(*matching, key=_key)
    rest = (event for event in merged if last_key is None or _key(event) > last_key)
    events = list(islice(rest, limit + 1))
    page = events[: _fitting([event["message"] for event in events], limit)]
    answer: dict[str, Any] = {
        "events": page,
        "searchedLogStreams": [
            {"logStreamName": stream.log_stream_name, "searchedCompletely": True} for stream in streams
        ],
    }
    if len(page) < len(events):
        answer["nextToken"] = "{}/{}".format(*_key(page[-1]))
    return json.dumps(answer)


def _key(event: Answer) -> tuple[int, int]:
    """Returns by what events are sorted."""
    return event["timestamp"], int(event["eventId"])


def _key_of(token: str) -> tuple[int, int]:
    """Returns the key of the last event of the page before the one that a token asks for."""
    timestamp, _, event_id = token.partition("/")
    if not (timestamp.isdigit() and event_id.isdigit()):
        raise InvalidParameterException(msg=_NO_SUCH_PAGE)
    return int(timestamp), int(event_id)


def _limit(limit: int | None) -> int:
    if limit is not None and not 1 <= limit <= PAGE_EVENTS:
        raise InvalidParameterException(msg=f"The limit must be 1 to {PAGE_EVENTS}; got {limit}.")
    return limit or PAGE_EVENTS


def _fitting(messages: Iterable[str], limit: int) -> int:
    """Returns how many messages, of those that come first, fit on a page; the first one always does."""
    count = size = 0
    for message in messages:
        size += len(message.encode()) + _EVENT_OVERHEAD
        if count == limit or (count and size > PAGE_BYTES):
            break
        count += 1
    return count
