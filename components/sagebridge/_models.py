"""Reads botocore's models of AWS's services, its endpoints, and AWS's partitions.

SageMaker's model is 2 MB of JSON, of which a program needs a few dozen shapes, and the endpoints are 1 MB, of which a
client needs those of its service. So a copy in the user's cache folder has each of them as a text, which is read when
it is looked at. Each version of botocore has its copies, as a user's projects may have several versions. Nothing
depends on the copies: where one cannot be read or written, the data comes from botocore.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore

from sagebridge.errors import UserError
from sagebridge.files import write_file
from sagebridge.user_cache import user_cache

if TYPE_CHECKING:
    from botocore.loaders import Loader

DATA = Path(botocore.__file__).parent / "data"
"""The folder of botocore's own files (``Loader.BUILTIN_DATA_PATH``)."""
MODEL, RULE_SET = "service-2", "endpoint-rule-set-1"
"""botocore's names of the kinds of files that are read here."""
_KEPT = timedelta(days=30)
"""How long the copies of other versions are kept, which are made anew if they are wanted again."""
_USERS_OWN = Path("~/.aws/models")
"""Where botocore looks for a user's own models, before its own (``Loader.CUSTOMERDATA_PATH``)."""


class _Entries(Mapping[str, Any]):
    """The entries of an object, each of which is read from its text when it is first looked at."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._entries: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - any JSON
        if name not in self._entries:
            self._entries[name] = json.loads(self._texts[name])
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._texts

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


@cache
def service_model(service: str) -> Mapping[str, Any]:
    """Returns botocore's newest model of a service (``service-2.json``), as botocore's loader does.

    Args:
        service: Botocore's name of the service, such as ``sagemaker``.
    """

    def read() -> dict[str, Any]:
        model = _loader().load_service_model(service, MODEL)
        return {**model, "shapes": _texts(model["shapes"])}

    model = _copied(service, _newest(service, MODEL), read)
    return {**model, "shapes": _Entries(model["shapes"])}


@cache
def rule_set(service: str) -> Mapping[str, Any]:
    """Returns the rules by which botocore finds a service's URL, as its loader does, which lists all services first.

    Args:
        service: Botocore's name of the service.
    """
    file = _newest(service, RULE_SET)
    if file is None or _has_users_own(service):
        rules: Mapping[str, Any] = _loader().load_service_model(service, RULE_SET)
    else:
        rules = _loader().load_data(f"{service}/{file.parent.name}/{RULE_SET}")
    return rules


@cache
def endpoints() -> dict[str, Any]:
    """Returns the endpoints of all services (``endpoints.json``), as botocore's loader does."""

    def read() -> dict[str, Any]:
        data = _loader().load_data("endpoints")
        listed = [{**entry, "services": _texts(entry["services"])} for entry in data["partitions"]]
        return {**data, "partitions": listed}

    data = _copied("endpoints", DATA / "endpoints.json", read)
    listed = [{**entry, "services": _Entries(entry["services"])} for entry in data["partitions"]]
    return {**data, "partitions": listed}


def _copied(name: str, file: Path | None, read: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Returns what is copied of botocore's data, or else reads it, and copies it.

    Args:
        name: What the data is called: botocore's name of a service, or ``endpoints``.
        file: The file that it comes from.
        read: Reads it with botocore's loader, and makes texts of its entries.
    """
    version = _version(name, file)
    if version is None:
        return read()
    copy = user_cache() / "models" / f"{name}-{botocore.__version__}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        copied = json.loads(copy.read_text(encoding="utf-8"))
        if copied["version"] == version:
            data: dict[str, Any] = copied["data"]
            return data
    data = read()
    with suppress(OSError, UserError):
        copy.parent.mkdir(parents=True, exist_ok=True)
        write_file(copy, json.dumps({"version": version, "data": data}, separators=(",", ":")))
        _remove_old_copies(name, copy.parent)
    return data


def _remove_old_copies(name: str, folder: Path) -> None:
    since = time.time() - _KEPT.total_seconds()
    for copy in folder.glob(f"{name}-[0-9]*.json"):
        if copy.stat().st_mtime < since:
            copy.unlink()


def _version(name: str, file: Path | None) -> list[str | int] | None:
    """Returns what tells a file of botocore's from another one; None if the user has a file of their own.

    The time of the file is no part of it: each environment of Python has its own, with the same text.
    """
    if file is None or not file.is_file() or _has_users_own(name):
        return None
    return [botocore.__version__, file.parent.name, file.stat().st_size]


def _newest(service: str, kind: str) -> Path | None:
    """Returns botocore's newest file of a kind for a service, whose folders have the names of dates."""
    return max((DATA / service).glob(f"*/{kind}.json*"), default=None)


def _has_users_own(name: str) -> bool:
    return any(_USERS_OWN.expanduser().glob(f"{name}*"))


def _texts(entries: Mapping[str, Any]) -> dict[str, str]:
    return {name: json.dumps(entry) for name, entry in entries.items()}


def _loader() -> "Loader":
    from botocore.loaders import Loader  # noqa: PLC0415 - 0.03 s, which a program need not spend once there are copies

    return Loader()


def partition(region: str) -> str:
    """Returns the name of the partition that a region is in, such as ``aws-cn``."""
    name: str = _partition(region)["id"]
    return name


def dns_suffix(region: str) -> str:
    """Returns what the names of AWS's hosts in a region end in, such as ``amazonaws.com``."""
    suffix: str = _partition(region)["outputs"]["dnsSuffix"]
    return suffix


def _partition(region: str) -> Mapping[str, Any]:
    """Returns AWS's partition of a region; of a region that no partition has, the first one, as botocore does."""
    partitions = _partitions()
    listed = (entry for entry in partitions if region in entry["regions"])
    matching = (entry for entry in partitions if re.match(entry["regionRegex"], region))
    return next(listed, None) or next(matching, partitions[0])


@cache
def _partitions() -> list[Mapping[str, Any]]:
    partitions: list[Mapping[str, Any]] = json.loads((DATA / "partitions.json").read_text(encoding="utf-8"))[
        "partitions"
    ]
    return partitions
