"""What the tests on the engine share."""

from collections.abc import Iterator

import pytest

from tests.conftest import Aws
from tests.engine.lives import everything
from tests.local.account import until


@pytest.fixture
def nothing_stays(aws: Aws) -> Iterator[None]:
    """Checks that what a test made in AWS is gone, once its stacks are destroyed; to be named in `usefixtures`."""
    before = everything(aws)
    yield
    # AWS goes on deleting an endpoint after the provider has taken it for deleted; what another test left may go, too.
    until(lambda: everything(aws) <= before, 30)
