"""Which calls of S3 tell a program about its archive: one of its own, or those of the AWS provider."""

from pathlib import Path

import pytest

from sagebridge.local import control
from tests.stacks import Declared

pytestmark = pytest.mark.engine


def test_an_archive_is_read_with_one_call(folder: Path, declared: Declared) -> None:
    """The provider's data source makes three, one after the other, once the engine has started it."""
    for operation in ("HeadObject", "GetObjectTagging"):
        control.fault(folder, "error", operation=operation)
    assert declared.preview()["create"] > 0


def test_the_provider_reads_an_archive_where_the_call_fails(folder: Path, declared: Declared) -> None:
    control.fault(folder, "error", operation="GetObject", times=1)
    assert declared.preview()["create"] > 0
    assert not control.faults(folder)


def test_the_provider_reads_an_archive_where_its_settings_say_more(folder: Path, declared: Declared) -> None:
    declared.config(**{"aws:customCaBundle": str(Path(__file__))})  # what is no bundle would break a call over TLS
    control.fault(folder, "error", operation="GetObjectTagging")
    assert f"model_data_url: cannot read {declared.args['model_data_url']}" in declared.preview_fails()
