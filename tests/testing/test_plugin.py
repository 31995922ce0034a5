"""The fixtures, as pytest has them in a project of somebody's own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sagebridge.testing import LocalAws
from tests.conftest import ROOT

MOCKS = """
import pulumi
import pulumi_aws as aws

def test_names(sagebridge_mocks):
    exported = sagebridge_mocks.run(lambda: pulumi.export("id", aws.s3.Bucket("models").id)).outputs
    assert exported == {"id": "models-1234567"}
"""


PROGRAM, TESTS = re.findall(r"```python\n(.*?)```", (ROOT / "components" / "README.md").read_text(), re.DOTALL)


def pytest_in(folder: Path, test: str, *arguments: str) -> str:
    (folder / "test_program.py").write_text(test)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.process
def test_the_mocks_are_there_without_any_set_up(tmp_path: Path) -> None:
    assert "1 passed" in pytest_in(tmp_path, MOCKS)


@pytest.mark.process
def test_the_start_of_pytest_imports_nothing_that_takes_long(tmp_path: Path) -> None:
    test = """
    import sys
    def test_imports():
        assert "sagebridge.testing.plugin" in sys.modules
        assert {"pulumi", "pulumi_aws", "moto", "botocore", "boto3", "flask", "sklearn"} & set(sys.modules) == set()
    """
    pytest_in(tmp_path, "\n".join(line.removeprefix("    ") for line in test.splitlines()))


@pytest.mark.server
def test_the_tests_in_the_packages_readme_pass_with_its_program(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: scorer\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    assert "2 passed" in pytest_in(tmp_path, TESTS)


@pytest.mark.server
def test_clients_and_commands_use_the_local_aws(local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.delenv("no_proxy")
    local_aws.client("s3").create_bucket(Bucket="models")
    code = "import boto3; print(boto3.client('s3').list_buckets()['Buckets'][0]['Name'])"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=local_aws.environment, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == ("models\n", "")


@pytest.mark.server
def test_the_local_aws_ends_with_the_session(tmp_path: Path) -> None:
    test = f"""
import pathlib
def test_it(local_aws):
    pathlib.Path({str(tmp_path / "folder")!r}).write_text(str(local_aws.directory))
    assert local_aws.url.startswith("http://127.0.0.1:")
"""
    pytest_in(tmp_path, test, "--basetemp", str(tmp_path / "base"))
    folder = Path((tmp_path / "folder").read_text())
    assert folder.is_relative_to(tmp_path / "base")
    assert not (folder / "server.json").exists()
