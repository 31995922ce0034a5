"""What the tests on the engine share."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sagebridge.local import control
from tests.conftest import Aws
from tests.engine.lives import everything
from tests.local.account import until


@pytest.fixture
def nothing_stays(aws: Aws) -> Iterator[None]:
    """Checks that what a test made in AWS is gone, once its stacks are destroyed; to be named in `usefixtures`."""
    before = everything(aws)
    yield
    with suppress(AssertionError):  # the provider does not wait until a deleted endpoint is gone
        until(lambda: everything(aws) <= before)
    assert everything(aws) - before == set()  # what another test left may go meanwhile


@pytest.fixture
def folder(aws: Aws) -> Iterator[Path]:
    """The folder of the local AWS, whose faults are cleared after the test."""
    yield aws.folder
    control.clear_faults(aws.folder)
