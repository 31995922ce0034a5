"""Whatever the shell has set, the AWS SDK reaches the local AWS and nothing else."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from botocore.session import Session

from sagebridge._loader import LOADER
from sagebridge.local import environment
from tests.local.account import COMMAND, Account
from tests.shells import RealAws, variables

pytestmark = pytest.mark.server

CALLS = """
import boto3
boto3.client("s3").list_buckets()
boto3.client("sts").get_caller_identity()
boto3.client("sagemaker").list_endpoints()
print(boto3.client("s3control").meta.endpoint_url)
"""


@pytest.fixture
def clean_environment(tmp_path: Path) -> Iterator[None]:
    with patch.dict(os.environ, {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}, clear=True):
        yield


def buckets() -> list[str]:
    session = Session()
    session.register_component("data_loader", LOADER)  # which reads each model once
    sts, sagemaker, s3 = (cast("Any", session.create_client(name)) for name in ("sts", "sagemaker", "s3"))
    sts.get_caller_identity()
    sagemaker.list_endpoints()
    return [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]


@pytest.mark.usefixtures("clean_environment")
@pytest.mark.parametrize("what", variables("", Path()))
def test_no_variable_leads_to_the_real_aws(
    shared_directory: Path, account: Account, real_aws: RealAws, what: str
) -> None:
    assert account.url
    os.environ.update(real_aws.variables()[what] | real_aws.proxies)
    settings = environment.process_environment(environment.settings(shared_directory))
    with patch.dict(os.environ, settings, clear=True):
        assert buckets() == account.bucket_names()


@pytest.mark.usefixtures("clean_environment")
@pytest.mark.parametrize(
    "what", ["AWS_ENDPOINT_URL_S3", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "another profile's files"]
)
def test_the_stand_in_is_reached_by_what_is_left_as_it_is(
    shared_directory: Path, account: Account, reachable_aws: RealAws, what: str
) -> None:
    """Shows that the tests above would fail: the profile alone leads to the local AWS, and not for every request."""
    assert account.url
    settings = environment.settings(shared_directory)
    os.environ.update(settings | reachable_aws.variables()[what] | reachable_aws.proxies)
    with pytest.raises((BotoCoreError, ClientError, ResponseParserError)):
        buckets()
    assert reachable_aws.requests


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_a_shell_that_has_set_everything_reaches_the_local_aws(
    shared_directory: Path, account: Account, real_aws: RealAws, shell: str
) -> None:
    script = f'eval "$({COMMAND} local env)"; {shell} -c \'"$0" -c "$1"\' "{sys.executable}" "$1"'
    done = subprocess.run(
        [shell, "-c", script, "_", CALLS],
        env={**os.environ, **real_aws.everything(), "LOCAL_AWS_DIR": str(shared_directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith(account.url)
