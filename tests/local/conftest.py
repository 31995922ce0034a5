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
