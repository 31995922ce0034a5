"""Pure: what botocore's models ask of a value, in words."""

from collections.abc import Iterator

import pytest

from sagebridge._aws import shapes
from sagebridge.endpoint.schema import rule_of, tables
from sagebridge.redaction import concealed
from sagebridge.wording import did_you_mean, names_words, pattern_words, string_words

TYPES = shapes()["ProductionVariantInstanceType"]["enum"]


def strings(shape: str) -> Iterator[str]:
    """Finds the shapes of the strings that a shape consists of."""
    rule = rule_of(shape.lstrip("!"))
    inner = {"list": ["member"], "map": ["key", "value"]}.get(rule["type"], [])
    if rule["type"] == "structure":
        yield from strings(next(iter(rule["members"].values()))["shape"])
    for part in inner:
        yield from strings(rule[part]["shape"])  # type: ignore[literal-required]
    if rule["type"] == "string":
        yield shape.lstrip("!")


@pytest.mark.parametrize(
    "shape", sorted({name for table in tables().values() for field in table.values() for name in strings(field)})
)
def test_every_pattern_of_a_field_has_words(shape: str) -> None:
    words = string_words(rule_of(shape))
    assert "pattern" not in words
    assert not set(words) & set("[]()*\\?{}")


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ("EndpointName", "letters, digits and dashes, without a dash at either end, at most 63 characters long"),
        ("EnvironmentKey", "letters, digits and underscores, without digits at the beginning, at most 1024 "),
        ("SubnetId", "letters, digits and dashes, at most 32 characters long"),
        ("RoleArn", "an ARN of the form arn:aws:iam::ACCOUNT:role/NAME, 20 to 2048 characters long"),
        ("SnsTopicArn", "an ARN of the form arn:aws:sns:REGION:ACCOUNT:NAME, at most 2048 characters long"),
        ("Url", "a URL that begins with https:// or s3://, at most 1024 characters long"),
        ("EnvironmentValue", "at most 1024 characters long"),
    ],
)
def test_patterns_of_common_kinds(shape: str, words: str) -> None:
    assert string_words(shapes()[shape]).startswith(words)


def test_a_pattern_of_another_kind_is_shown_as_it_is() -> None:
    assert pattern_words("a{3}|b+") == "what matches the pattern a{3}|b+"
    assert pattern_words("[a-f%]+") == "what matches the pattern [a-f%]+"


def test_few_names_are_listed() -> None:
    assert names_words(["Serial", "Direct"]) == "must be one of Serial, Direct"
    assert names_words(TYPES) == f"must be one of the {len(TYPES)} names that botocore lists"


@pytest.mark.parametrize(
    ("name", "names", "meant"),
    [
        ("m5.large", TYPES, "ml.m5.large"),
        ("ML.M5.LARGE", TYPES, "ml.m5.large"),
        ("ml.m5.huge", TYPES, "ml.m5.large"),
        ("c5.2xl", TYPES, "ml.c5.2xlarge"),
        ("ml.g4.xlarge", TYPES, "ml.g4dn.xlarge"),
        ("name", ["image", "endpoint_name"], "endpoint_name"),
        ("g5", ["ml.g5.xlarge", "ml.g5.2xlarge"], "ml.g5.xlarge or ml.g5.2xlarge"),
    ],
)
def test_the_name_that_was_probably_meant(name: str, names: list[str], meant: str) -> None:
    assert did_you_mean(name, names) == f"Did you mean {meant}?"


@pytest.mark.parametrize("name", ["zzzz", "", 7, None, concealed("m5.large")])
def test_what_is_like_nothing_or_is_a_secret_gets_no_suggestion(name: object) -> None:
    assert did_you_mean(name, TYPES) == ""
