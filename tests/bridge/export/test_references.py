"""References stand for what identifies another resource."""

import json

import pytest

from sagebridge.bridge.export.references import Referent, refer
from sagebridge.bridge.secret import Secret
from sagebridge.bridge.terraform.blocks import Ref, Template

ROLE = Referent(
    "aws_iam_role.r", {"id": "name-1a2b3c4", "name": "name-1a2b3c4", "arn": "arn:x:name-1a2b3c4", "path": "/"}
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name-1a2b3c4", Template((Ref("aws_iam_role.r.name"),))),
        ("arn:x:name-1a2b3c4", Template((Ref("aws_iam_role.r.arn"),))),
        ("endpoint/name-1a2b3c4/x", Template(("endpoint/", Ref("aws_iam_role.r.name"), "/x"))),
        ("name-1a2b3c4/name-1a2b3c4", "name-1a2b3c4/name-1a2b3c4"),
        ("my-name-1a2b3c4", "my-name-1a2b3c4"),
        ("/", "/"),
    ],
)
def test_references_stand_for_what_identifies_a_resource(text: str, expected: str | Template) -> None:
    assert refer(text, "role", [ROLE])[0] == expected


def test_a_word_that_is_there_twice_is_a_reference_where_a_longer_name_parts_the_two() -> None:
    refs = {"id": "name-1a2b3c4", "arn": "arn:x:name-1a2b3c4"}
    name, arn = Ref("aws_iam_role.r.id"), Ref("aws_iam_role.r.arn")
    text = "name-1a2b3c4 is arn:x:name-1a2b3c4 of name-1a2b3c4"
    expected = Template((name, " is ", arn, " of ", name))
    assert refer(text, "role", [Referent("aws_iam_role.r", refs)]) == (expected, {"aws_iam_role.r"})


@pytest.mark.parametrize("text", ["abcd:abcd:abcd", "abcd:abcd abcd:abcd"])
def test_what_may_be_a_name_in_two_ways_is_no_reference(text: str) -> None:
    assert refer(text, "role", [Referent("aws_iam_role.r", {"id": "abcd:abcd"})]) == (text, set())


def test_a_document_refers_to_thousands_of_resources() -> None:
    """The time grows with the document, and not with each name in it once more: that took hours."""
    names = [f"bucket-{number:05}" for number in range(3000)]
    referents = [
        Referent(f"aws_s3_bucket.b{number}", {"bucket": name, "arn": f"arn:aws:s3:::{name}"})
        for number, name in enumerate(names)
    ]
    text = json.dumps([f"arn:aws:s3:::{name}" for name in names])
    template, addresses = refer(text, "policy", referents)
    assert isinstance(template, Template)
    assert [part for part in template.parts if isinstance(part, Ref)] == [
        Ref(f"{referent.address}.arn") for referent in referents
    ]
    assert addresses == {referent.address for referent in referents}


def test_a_secret_is_no_reference() -> None:
    assert refer(Secret("name-1a2b3c4"), "role", [ROLE]) == (Secret("name-1a2b3c4"), set())
