"""What a start of the engine's own parts costs, which each command pays, and what was changed to make it cheap."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Aws
from tools import engine, environment

pytestmark = pytest.mark.engine

OBJECTS = 60_000
"""How many objects a package of Go may make at each start. The lists of words were 85,000, and took 16 ms."""
INITIALISATION = re.compile(r"^init (\S+) @.* (\d+) allocs$", re.MULTILINE)


def executables() -> dict[str, Path]:
    """Returns the parts that were built here, by name."""
    built = {name: part.path for name, part in engine.find_all().items() if part and part.origin == "built"}
    places = [(name, file) for name, folder in built.items() for file in (folder / name, folder / "bin" / name)]
    if (folder := built.get("terraform-provider-aws")) is not None:
        pattern = "mirror/registry.terraform.io/**/terraform-provider-aws_*"
        places += [("terraform-provider-aws", file) for file in folder.glob(pattern)]
    return {name: file for name, file in places if file.is_file()}


@pytest.mark.parametrize(
    "name", ["pulumi", "pulumi-resource-aws", "pulumi-resource-terraform", "terraform-provider-aws"]
)
def test_no_package_makes_large_tables_at_each_start(name: str) -> None:
    if name not in executables():
        pytest.skip(f"{name} is the publisher's")
    variables = {**environment.process_environment(), "GODEBUG": "inittrace=1"}
    done = subprocess.run(
        [executables()[name], "--version"],
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,  # Terraform's provider refuses to be started by hand
    )
    objects = {package: int(count) for package, count in INITIALISATION.findall(done.stderr)}
    assert objects
    assert {package: count for package, count in objects.items() if count > OBJECTS} == {}


def test_pulumi_judges_by_its_words_whether_a_setting_is_a_secret(aws: Aws, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: secrets\nruntime: python\n")
    in_folder = aws.with_stacks_in(tmp_path / "state")
    in_folder.must("pulumi", "stack", "init", "dev", cwd=tmp_path)
    for value in ("correcthorse", "password123", "zxcvbn123456"):
        in_folder.must("pulumi", "config", "set", "dbPassword", value, "--stack", "dev", cwd=tmp_path)
    refused = in_folder.run("pulumi", "config", "set", "dbPassword", "aK9xP2mQ8vL5wN3z", "--stack", "dev", cwd=tmp_path)
    assert "config value for 'secrets:dbPassword' looks like a secret" in refused.stderr
    assert refused.returncode != 0
