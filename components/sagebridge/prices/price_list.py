"""Reads and writes the price list of a region: what an hour of each instance type of SageMaker's hosting costs.

The list is what AWS answered when its user last asked, in the user's cache folder, and never a figure of Sagebridge's.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from sagebridge.errors import UserError
from sagebridge.files import write_file
from sagebridge.user_cache import user_cache


@dataclass(frozen=True)
class PriceList:
    """AWS's prices of hosting in a region, on demand."""

    region: str
    published: str
    """The date on which AWS published the list, such as ``2026-11-20``."""
    currency: str
    """Such as ``USD``."""
    real_time: Mapping[str, float]
    """The price of an hour by instance type, for real-time endpoints."""
    asynchronous: Mapping[str, float]
    """The price of an hour by instance type, for asynchronous endpoints."""


def price_list_path(region: str) -> Path:
    """Returns the file of a region's price list: in `sagebridge/prices` in the user's cache folder (XDG)."""
    return user_cache() / "prices" / f"{Path(region).name}.json"


def read_price_list(region: str) -> PriceList | None:
    """Returns the price list of a region; None if the user has not fetched it, or if its file cannot be read."""
    try:
        return PriceList(**json.loads(price_list_path(region).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write_price_list(price_list: PriceList) -> Path:
    """Writes a price list to its file, and returns the file.

    Raises:
        UserError: The file cannot be written.
    """
    path = price_list_path(price_list.region)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{path.parent} cannot be made: {error.strerror}") from error
    write_file(path, json.dumps(asdict(price_list), indent=2, sort_keys=True) + "\n")
    return path
