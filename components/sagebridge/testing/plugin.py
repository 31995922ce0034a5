"""The fixtures that pytest has where sagebridge is installed.

Each imports what it needs when a test asks for it, so that the start of pytest takes no longer.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sagebridge.testing.engine import MockedEngine
    from sagebridge.testing.local_aws import LocalAws


@pytest.fixture
def sagebridge_mocks() -> "MockedEngine":
    """Runs programs with mocks that answer as AWS would: `sagebridge_mocks.run("__main__.py", {"key": "value"})`."""
    from sagebridge.testing.engine import MockedEngine  # noqa: PLC0415 - imports pulumi

    return MockedEngine()


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator["LocalAws"]:
    """A local AWS in a temporary folder, for all tests of a session: its `url`, its `environment` and its clients."""
    from sagebridge.errors import UserError  # noqa: PLC0415 - the same
    from sagebridge.testing.local_aws import local_aws as running  # noqa: PLC0415 - the same

    try:
        with running(tmp_path_factory.mktemp("local-aws")) as aws:
            yield aws
    except UserError as error:
        pytest.fail(error.message, pytrace=False)
