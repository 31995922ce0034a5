"""What the tests of `adopt` share."""

from pathlib import Path

import pytest

from sagebridge.bridge.adopt.discover import TYPES
from sagebridge.bridge.stack.mapping import ProviderMapping, parse_mapping
from sagebridge.pulumi_cli import run_pulumi
from tests.conftest import Aws


@pytest.fixture(scope="module")
def provider_mapping(aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> ProviderMapping:
    """Returns the plugin's own mapping."""
    file = Path(tmp_path_factory.mktemp("mapping"), "mapping.json")
    run_pulumi("package", "get-mapping", "terraform", "aws@7.51.1", "--out", str(file), env=aws.environment)
    return parse_mapping(file.read_text(), TYPES)
