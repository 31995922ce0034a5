"""The roles that a fleet takes."""

from typing import Any

import pytest

from sagebridge.local.serving.fleet import trusts_sagemaker
from tests.local.account import TRUST


def test_a_role_that_sagemaker_may_assume() -> None:
    assert trusts_sagemaker(TRUST)
    (statement,) = TRUST["Statement"]
    lists = {"Action": ["sts:AssumeRole"], "Principal": {"Service": ["ec2.amazonaws.com", "sagemaker.amazonaws.com"]}}
    assert trusts_sagemaker({"Statement": statement | lists})  # type: ignore[operator]


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Deny"},
        {"Action": "sts:TagSession"},
        {"Principal": {"Service": "ec2.amazonaws.com"}},
        {"Principal": "*"},
    ],
)
def test_a_role_that_sagemaker_may_not_assume(change: dict[str, Any]) -> None:
    (statement,) = TRUST["Statement"]
    assert not trusts_sagemaker({"Statement": [statement | change]})  # type: ignore[operator]
