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
    """A server for the tests that leave others' things alone."""
    running, before = control.start(shared_directory)
    assert not before
    found = Account(running.url)
    found.base()
    return found


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A directory for a test that starts and ends its own server."""
    yield tmp_path
    control.reset(tmp_path)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory for a module that has settings or faults of its own."""
    directory = tmp_path_factory.mktemp("place")
    yield directory
    control.stop(directory)


@pytest.fixture(scope="module")
def owner(place: Path) -> Account:
    """The module's own server."""
    found = Account(control.start(place)[0].url)
    found.base()
    return found
