"""What the tests of the bridge share."""

from pathlib import Path

import pytest

from tests.bridge.commands import Bridge
from tests.conftest import Aws


@pytest.fixture
def bridge(aws: Aws, tmp_path: Path) -> Bridge:
    return Bridge(aws, tmp_path)
