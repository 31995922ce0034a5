"""References stand for what identifies another resource."""

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


def test_a_secret_is_no_reference() -> None:
    assert refer(Secret("name-1a2b3c4"), "role", [ROLE]) == (Secret("name-1a2b3c4"), set())
