"""Property paths in Terraform's names."""

import pytest

from sagebridge.bridge.export.attributes import path_to_terraform
from tests.bridge import states

FIELDS = states.provider_mapping().by_terraform["aws_sagemaker_model"].fields


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("*", "all"),
        ('["tags"]', "tags"),
        ('tags["a\\"b"]', 'tags["a\\"b"]'),
        ("tags.team", 'tags["team"]'),
        ("vpcConfig.subnets", "vpc_config[0].subnets"),
        ("vpcConfig.subnets[0]", "vpc_config[0].subnets"),
        ("containers[1].environment.TOKEN", 'container[1].environment["TOKEN"]'),
        ("nothing", None),
        ("vpcConfig.nothing", None),
        ("", None),
    ],
)
def test_property_paths_become_terraforms(path: str, expected: str | None) -> None:
    assert path_to_terraform(path, FIELDS) == expected
