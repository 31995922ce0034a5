"""Names of Terraform's: unique ones of letters, digits and underscores."""

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def identifier(text: str) -> str:
    """Return a text as an identifier: what may not stand in one becomes an underscore."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", text)
    return name if re.match(r"[A-Za-z_]", name) else f"_{name}"


def unique(paths: Mapping[Key, Sequence[str]]) -> dict[Key, str]:
    """Give each its own name: the last part of its path, more parts where that is not enough, then a number.

    Args:
        paths: for each its own name, last, after those of what it stands in.
    """
    names: dict[Key, str] = {}
    counted = _shortest(paths)
    taken = set(counted.values())
    used: set[str] = set()
    for key, name in counted.items():
        found, number = name, 1
        while found in used:
            number += 1
            found = f"{name}_{number}" if f"{name}_{number}" not in taken else found
        used.add(found)
        names[key] = found
    return names


def _shortest(paths: Mapping[Key, Sequence[str]]) -> dict[Key, str]:
    lengths = dict.fromkeys(paths, 1)
    while True:
        names = {key: identifier("_".join(path[-lengths[key] :])) for key, path in paths.items()}
        longer = [key for key in _repeated(names) if lengths[key] < len(paths[key])]
        if not longer:
            return names
        for key in longer:
            lengths[key] += 1


def _repeated(names: Mapping[Key, str]) -> Iterable[Key]:
    counts = Counter(names.values())
    return [key for key, name in names.items() if counts[name] > 1]
