"""Says in words what botocore's models ask of a value, and which name was probably meant."""

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sagebridge.redaction import Concealed

FEW = 8
"""Names that are few enough to be listed."""

_CHARACTERS = {
    **dict.fromkeys(("a-z", "A-Z", r"\p{L}"), "letters"),
    **dict.fromkeys(("0-9", r"\d", r"\p{N}"), "digits"),
    r"\p{Z}": "spaces",
    "_": "underscores",
    ".": "dots",
    ":": "colons",
    "/": "slashes",
    "=": "equals signs",
    "+": "plus signs",
    "@": "at signs",
    ",": "commas",
    "-": "dashes",
}
_TOKEN = re.compile(r"a-z|A-Z|0-9|\\d|\\p\{[LNZ]\}|\\?.")
_CLASS = r"\[([^\]]+)\]"
_OF_CLASS = re.compile(rf"\(?{_CLASS}[*+]\)?")
_DASHED = re.compile(rf"{_CLASS}\(-\*\[\1\]\)(?:\*|\{{0,\d+\}})")
_BEGUN = re.compile(rf"{_CLASS}{_CLASS}\*")
_URL = re.compile(r"\(([a-z0-9|]+)\)://.*")
_ARN_PARTS = (
    (re.compile(r"aws\[a-z\\-\]\*"), "aws"),
    (re.compile(r"\\d\{12\}|\[0-9\]\{12\}"), "ACCOUNT"),
    (re.compile(r"\[a-z0-9\\-\]\*"), "REGION"),
    (re.compile(rf"/\?{_CLASS}\+"), "/NAME"),
    (re.compile(rf"{_CLASS}\+"), "NAME"),
)
_UNCOMMON = {
    r"[\S\s]*": "",
    r"[\S]+": "text without spaces",
    r"(?!\s*$).+": "text that is not only spaces",
    r"[a-zA-Z0-9](-*[a-zA-Z0-9])*\/[a-zA-Z0-9](-*[a-zA-Z0-9.])*": "a content type such as text/csv",
    (
        r"(arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:[a-z\-]*\/)?([a-zA-Z0-9]([a-zA-Z0-9-]){0,62})(?<!-)"
        r"(\/[0-9]{1,9})?"
    ): "the name or the ARN of a model package, with or without a version",
    r"(?!((^[ ]+.*)|(.*([\u0000-\u001f]|[\u007f-\u009f]|[:/|])+.*)|(.*[ ]+$))).+": (
        "text without colons, slashes, bars and control characters, and without spaces at its ends"
    ),
}
"""What patterns of no common kind ask for."""


def string_words(limits: Mapping[str, Any]) -> str:
    """Returns what a string must be, such as "letters, digits and dashes, at most 63 characters long"."""
    pattern, least, most = limits.get("pattern"), limits.get("min", 0), limits.get("max")
    length = ""
    if most is not None:
        length = f"{least} to {most} characters long" if least > 1 else f"at most {most} characters long"
    words = "" if pattern is None else pattern_words(pattern.removeprefix("^").removesuffix("$"))
    if least == 1 and not words:
        length = f"1 to {most} characters long" if most is not None else "at least 1 character long"
    return ", ".join(filter(None, [words, length]))


def pattern_words(pattern: str) -> str:
    """Returns what a pattern asks for; the pattern itself if it is of no kind that is known here."""
    if pattern in _UNCOMMON:
        return _UNCOMMON[pattern]
    if (match := _OF_CLASS.fullmatch(pattern)) and (characters := _characters(match[1])):
        return listed(characters)
    if (match := _DASHED.fullmatch(pattern)) and (characters := _characters(match[1])):
        return f"{listed([*characters, 'dashes'])}, without a dash at either end"
    if (match := _BEGUN.fullmatch(pattern)) and (characters := _characters(match[2])):
        later = [name for name in characters if name not in _characters(match[1])]
        return f"{listed(characters)}, without {listed(later)} at the beginning"
    if match := _URL.fullmatch(pattern):
        return f"a URL that begins with {listed([f'{scheme}://' for scheme in match[1].split('|')], 'or')}"
    return _arn_words(pattern) or f"what matches the pattern {pattern}"


def _characters(of_class: str) -> list[str]:
    """Returns the names of a class's characters, each once; empty if one has no name here."""
    tokens = [token if token in _CHARACTERS else token.removeprefix("\\") for token in _TOKEN.findall(of_class)]
    if not all(token in _CHARACTERS for token in tokens):
        return []
    names = {_CHARACTERS[token] for token in tokens}
    return [name for name in dict.fromkeys(_CHARACTERS.values()) if name in names]


def _arn_words(pattern: str) -> str:
    form = pattern
    for part, words in _ARN_PARTS:
        form = part.sub(words, form)
    return f"an ARN of the form {form}" if re.fullmatch(r"arn:[\w:/]+", form) else ""


def names_words(names: Collection[str]) -> str:
    """Returns that a value must be one of some names, which are listed if they are few."""
    listing = ", ".join(names) if len(names) <= FEW else f"the {len(names)} names that botocore lists"
    return f"must be one of {listing}"


def did_you_mean(name: object, names: Collection[str]) -> str:
    """Returns a question for the name that was probably meant; empty if none is near, or if the name is a secret."""
    if not isinstance(name, str) or isinstance(name, Concealed):
        return ""
    by_lower = {candidate.lower(): candidate for candidate in names}
    if name.lower() in by_lower:
        return f"Did you mean {by_lower[name.lower()]}?"
    close = difflib.get_close_matches(name.lower(), by_lower, n=10)
    longer = [candidate for candidate in close or by_lower if name and name.lower() in candidate]
    near = longer[:3] or close[:1]
    return f"Did you mean {listed([by_lower[candidate] for candidate in near], 'or')}?" if near else ""


def listed(names: Sequence[str], conjunction: str = "and") -> str:
    """Returns names as a sentence lists them."""
    *first, last = names
    return f"{', '.join(first)} {conjunction} {last}" if first else last
