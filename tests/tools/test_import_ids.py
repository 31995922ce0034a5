"""The table of import IDs is what the AWS provider's sources say: its importers, its tests, and its documentation.

The sources are those that the engine is built from; where they are not in Go's module cache, these tests are skipped.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tools import bridge_types, build, import_ids
from tools.engine import AWS_PROVIDER_BUILT
from tools.errors import Unavailable

TABLE: dict[str, Any] = json.loads(import_ids.TABLE.read_text())
BY_DOCUMENTATION = {
    # The page has "rule-name/target-id", which is of the default bus.
    "aws_cloudwatch_event_target": "default/rule-name/target-id",
    # The page's example is made up; the text says "using the resource ARN and the template name".
    "aws_cloudwatch_contributor_managed_insight_rule": "arn,template",
}
NOT_CARRIED = {
    "aws_cloudformation_type",  # documented, but the code has no importer
    "aws_iam_outbound_web_identity_federation",  # imported by the account's ID, which is not in the state
    "aws_notifications_organizations_access",  # the same
    "aws_wafv2_web_acl_rule_group_association",  # imported by what is in one of two blocks
}


@pytest.fixture(scope="module")
def provider() -> Path:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("GOPROXY", "off")
        try:
            return build.provider_source()
        except Unavailable:
            pytest.skip("the AWS provider's source is not in Go's module cache")


def test_the_table_is_of_the_provider_that_is_built() -> None:
    assert TABLE["provider"] == AWS_PROVIDER_BUILT


def test_the_page_is_fresh() -> None:
    assert bridge_types.PAGE.read_text() == bridge_types.page(), "make docs"


@pytest.mark.engine
def test_the_table_is_what_the_sources_say(provider: Path) -> None:
    assert import_ids.read(provider) == TABLE["types"]


@pytest.mark.engine
def test_the_ids_have_the_form_of_the_documentation(provider: Path) -> None:
    pages = {f"aws_{page.name.partition('.')[0]}": page for page in (provider / "website/docs/r").glob("*.markdown")}
    compared = 0
    for terraform_type, row in TABLE["types"].items():
        documentation = documented(pages.get(terraform_type))
        examples = [BY_DOCUMENTATION.get(terraform_type, example) for example in documentation]
        if row["id"] is None:
            assert not examples or terraform_type in NOT_CARRIED, terraform_type
        elif examples:
            compared += 1
            assert any(re.fullmatch(pattern(row["id"]), example) for example in examples), (terraform_type, examples)
    assert compared > 1400


def documented(page: Path | None) -> list[str]:
    """Returns the import IDs of the examples on a type's page, if it has one."""
    _, _, section = page.read_text().partition("\n## Import\n") if page else ("", "", "")
    blocks = re.findall(r'^\s*id\s*=\s*"(.*)"$', section, re.MULTILINE)
    commands = re.findall(r"terraform import \S+ (\S+)$", section, re.MULTILINE)
    return [*blocks, *(command.strip("'\"") for command in commands)]


def pattern(template: str) -> str:
    """Returns the pattern of the IDs that a template makes."""
    escaped = re.escape(re.sub(r"\{[^}]+\}", "\0", template.replace("[", "\1").replace("]", "\2")))
    return escaped.replace("\0", ".+").replace("\1", "(?:").replace("\2", ")?")
