"""What the tests of the local AWS share: a server of all of them, of a module, or of a single test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sagebridge.local import control
from tests.local.account import Account


@pytest.fixture(scope="session")
def shared_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    directory = tmp_path_factory.mktemp("aws")
    yield directory
    control.stop(directory)


@pytest.fixture(scope="session")
def account(shared_directory: Path) -> Account:
    """A server for tests that change only what they made themselves."""
    running, before = control.start(shared_directory)
    assert not before
    account = Account(running.url)
    account.base()
    return account


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A directory for a test that starts and ends its own server."""
    yield tmp_path
    control.reset(tmp_path)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory for a module whose tests change settings or faults."""
    directory = tmp_path_factory.mktemp("place")
    yield directory
    control.stop(directory)


@pytest.fixture(scope="module")
def owner(place: Path) -> Account:
    """A server for that module alone."""
    account = Account(control.start(place)[0].url)
    account.base()
    return account


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks for groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gives the tests of a module that share a server to one worker, as each worker would start one."""
    for item in items:
        if "place" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group(item.location[0]))
