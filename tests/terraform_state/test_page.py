"""The page on states against the code: the messages that it quotes, and the locations that it names."""

import re
from pathlib import Path

import pytest

from sagebridge.errors import UserError
from sagebridge.state_location import RemoteWorkspace, parse_state_location
from sagebridge.terraform_base import TerraformBase
from sagebridge.terraform_state.fetch import _MISSING, fetch_file
from sagebridge.terraform_state.hcp import token
from sagebridge.terraform_state.text import decoded, written_outputs
from tests.test_docs import ROOT

PAGE = (ROOT / "docs" / "terraform-state.md").read_text()
TEXTS = [
    "",
    "{",
    '{"encrypted_data": ""}',
    '{"version": 3}',
    '{"version": 3, "backend": {"type": "gcs"}}',
    '{"format_version": "1.0"}',
    '{"a": {"sensitive": false}}',
    "\ufeff",
]


def rows(title: str) -> list[list[str]]:
    (section,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"][
        2:
    ]


def messages(folder: Path) -> str:
    refused = []
    for content in (*(text.encode() for text in TEXTS), b"\xfe"):
        with pytest.raises(UserError) as error:
            written_outputs(decoded(content, "there"), "there")
        refused.append(error.value.message)
    for path in (folder, folder / "none"):
        with pytest.raises(UserError) as error:
            fetch_file(path)
        refused.append(error.value.message)
    with pytest.raises(UserError) as error:
        token(RemoteWorkspace("acme", "base", "nowhere"))
    return " ".join([error.value.message, *refused, *_MISSING.values()])


def test_every_message_is_one_that_is_given(tmp_path: Path) -> None:
    quoted = [message.strip() for cell, _ in rows("What is refused") for message in cell.split(";")]
    assert len(quoted) > 10
    refusals = messages(tmp_path)
    assert [message for message in quoted if message not in refusals] == []


def test_every_location_is_one() -> None:
    locations = [location.strip("`") for location, _ in rows("Where a state may be")]
    assert [str(parse_state_location(location.replace("…", "x"))) for location in locations] == [
        location.replace("…", "x") for location in locations
    ]


def test_every_field_of_the_base_is_named() -> None:
    fields = set(re.findall(r"^\| `(\w+)` \| the", PAGE, re.MULTILINE))
    assert fields == set(TerraformBase.__dataclass_fields__) - {"outputs"}
