"""Reads botocore's models of AWS's services, and AWS's partitions, without botocore's own loader.

SageMaker's model is 2 MB of JSON, of which a program needs a few dozen shapes. So a copy in the user's cache folder has
each shape as a text, which is read when the shape is looked at. The copy is made anew for another version of botocore,
and nothing depends on it: where it cannot be read or written, the model comes from botocore.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import botocore

from sagebridge.errors import UserError
from sagebridge.files import write_file
from sagebridge.user_cache import user_cache

_DATA = Path(botocore.__file__).parent / "data"
_USERS_OWN = Path("~/.aws/models")
"""Where botocore looks for a user's own models, before its own (``Loader.CUSTOMER_DATA_PATH``)."""
_FILE = "service-2.json*"


class _Shapes(Mapping[str, Any]):
    """The shapes of a model, each of which is read from its text when it is first looked at."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._shapes: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - any JSON
        if name not in self._shapes:
            self._shapes[name] = json.loads(self._texts[name])
        return self._shapes[name]

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
    version = _version(service)
    copy = user_cache() / "models" / f"{service}.json"
    model = _read(copy, version) if version else None
    if model is None:
        model = _model_of_botocore(service)
        if version:
            with suppress(OSError, UserError):
                copy.parent.mkdir(parents=True, exist_ok=True)
                write_file(copy, json.dumps({"version": version, "model": model}, separators=(",", ":")))
    return {**model, "shapes": _Shapes(model["shapes"])}


def _version(service: str) -> list[str | int] | None:
    """Returns what tells botocore's model from that of another version; None if the user has a model of their own."""
    if (_USERS_OWN / service).expanduser().exists():
        return None
    file = max((_DATA / service).glob(f"*/{_FILE}"), default=None)  # each folder has the name of a date
    if file is None:
        return None
    status = file.stat()
    return [botocore.__version__, file.parent.name, status.st_size, status.st_mtime_ns]


def _read(copy: Path, version: list[str | int]) -> dict[str, Any] | None:
    """Returns the model of a copy, with the texts of its shapes; None if the copy is not of this version, or broken."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(copy.read_text(encoding="utf-8"))
        if kept["version"] == version:
            model: dict[str, Any] = kept["model"]
            return model
    return None


def _model_of_botocore(service: str) -> dict[str, Any]:
    """Returns the model as botocore reads it, with the texts of its shapes."""
    from botocore.loaders import Loader  # noqa: PLC0415 - 0.03 s, which a program need not spend once there is a copy

    model = Loader().load_service_model(service, "service-2")
    return {**model, "shapes": {name: json.dumps(shape) for name, shape in model["shapes"].items()}}


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
    partitions: list[Mapping[str, Any]] = json.loads((_DATA / "partitions.json").read_text(encoding="utf-8"))[
        "partitions"
    ]
    return partitions
