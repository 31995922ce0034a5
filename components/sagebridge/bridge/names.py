"""Makes identifiers that are short and unique: names of Terraform's resources and variables, and of Python's."""

import re
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def identifier(text: str) -> str:
    """Returns a text as an identifier: letters lose their accents, and what may not be in one becomes an underscore."""
    letters = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    name = re.sub(r"[^A-Za-z0-9_]", "_", letters)
    return name if re.match(r"[A-Za-z_]", name) else f"_{name}"


def qualified(path: Sequence[str]) -> str:
    """Returns a name that says what something is in, and that depends on nothing beside it.

    The name of a part that the next one begins with stands there already: `site` and `site-logs` are `site-logs`.

    Args:
        path: The names of what it is in, the outermost first, and its own name.
    """
    inner = [*path[1:], ""]
    repeated = [
        re.match(rf"{re.escape(part)}(?![A-Za-z0-9])", following) for part, following in zip(path, inner, strict=True)
    ]
    return "_".join(part for part, match in zip(path, repeated, strict=True) if match is None)


def unique(paths: Mapping[Key, Sequence[str]], kept: Mapping[Key, str] | None = None) -> dict[Key, str]:
    """Returns a unique name for each path: its last part, more parts where that is not enough, then a number.

    Args:
        paths: The parts by key: the name comes last, after the names of what it is in.
        kept: Names that are taken already. A path whose key is among them keeps its name.
    """
    kept = kept or {}
    names = {key: kept[key] for key in paths if key in kept}
    shortest = _shortest({key: path for key, path in paths.items() if key not in kept})
    used = set(kept.values())
    reserved = {*used, *shortest.values()}
    numbers = dict.fromkeys(reserved, 1)
    for key, name in shortest.items():
        candidate = name
        while candidate in used:
            numbers[name] += 1
            numbered = f"{name}_{numbers[name]}"
            candidate = candidate if numbered in reserved else numbered
        used.add(candidate)
        names[key] = candidate
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
