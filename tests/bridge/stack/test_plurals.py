"""Plurals are the bridge's, right or wrong."""

import pytest

from sagebridge.bridge.stack.plurals import plural


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *(("container", "containers"), ("policy", "policies"), ("routing_config", "routing_configs")),
        *(("address", "addresses"), ("status", "statuses"), ("data", "datas"), ("multimedia", "multimedia")),
        *(("index", "indices"), ("key", "keys"), ("alias", "aliases"), ("tags", "tags"), ("person", "people")),
    ],
)
def test_plurals_are_the_bridges(name: str, expected: str) -> None:
    assert plural(name) == expected
