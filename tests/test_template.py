"""The template for a project of somebody's own: `pulumi new` makes it, its tests pass, and it comes up."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import sagebridge
from tests.conftest import PREDICTION, ROOT, Aws, Base, copy_from_git, trained
from tests.stacks import EXAMPLES, local_settings

NAME = "sagebridge-python"
TEMPLATE = ROOT / "templates" / NAME


def test_it_has_four_files() -> None:
    files = sorted(path.name for path in TEMPLATE.iterdir() if path.is_file())
    assert files == ["Pulumi.yaml", "__main__.py", "requirements.txt", "test_program.py"]


def test_it_asks_for_what_its_program_needs() -> None:
    settings = yaml.safe_load((TEMPLATE / "Pulumi.yaml").read_text())
    asked = settings["template"]["config"]
    assert asked.keys() - {"aws:region"} == {
        key for key, declared in settings["config"].items() if "default" not in declared
    }
    assert all(question["description"] for question in asked.values())


PROJECTS = [ROOT / "Pulumi.yaml", TEMPLATE / "Pulumi.yaml", *(folder / "Pulumi.yaml" for folder in EXAMPLES)]


@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.parent.name)
def test_every_project_looks_at_what_is_there_before_it_plans(project: Path) -> None:
    """Otherwise an endpoint that was deleted by hand counts as unchanged."""
    assert yaml.safe_load(project.read_text())["options"] == {"refresh": "always"}


def test_it_requires_this_version_of_the_package() -> None:
    (line,) = [text for text in (TEMPLATE / "requirements.txt").read_text().splitlines() if "sagebridge" in text]
    requirement = Requirement(line)
    package = tomllib.loads((ROOT / "components" / "pyproject.toml").read_text())["project"]
    assert requirement.name == package["name"]
    assert requirement.extras <= package["optional-dependencies"].keys()
    assert sagebridge.__version__ in requirement.specifier


def checked(project: Path, *arguments: str, env: dict[str, str]) -> None:
    """Runs the tests of a project."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.process
def test_its_program_is_tested_with_mocks(tmp_path: Path) -> None:
    copy_from_git(f"templates/{NAME}", tmp_path)
    settings = (tmp_path / "Pulumi.yaml").read_text()
    (tmp_path / "Pulumi.yaml").write_text(
        settings.replace("${PROJECT}", "scorer").replace("${DESCRIPTION}", "a scorer")
    )
    checked(tmp_path, "-k", "serves", env={**os.environ})


@pytest.mark.engine
@pytest.mark.terraform
def test_a_new_project_goes_from_its_tests_to_a_prediction(aws: Aws, base: Base, tmp_path: Path) -> None:
    aws = aws.with_stacks_in(tmp_path / "stacks")
    project, elsewhere = tmp_path / "a scorer", tmp_path / "elsewhere"
    elsewhere.mkdir()
    new = ("pulumi", "new", str(TEMPLATE), "--dir", str(project), "--name", "scorer", "--generate-only", "--yes")
    aws.must(*new, "--non-interactive", cwd=elsewhere)
    (project / "venv").symlink_to(sys.prefix)  # the virtualenv that its Pulumi.yaml names
    checked(project, env=aws.environment)

    def pulumi(*arguments: str) -> str:
        return aws.must("pulumi", "--non-interactive", "-C", str(project), *arguments, cwd=elsewhere)

    def command(*arguments: str) -> str:
        done = aws.run("sagebridge", "-C", str(project), *arguments, "--stack", "dev", cwd=elsewhere)
        assert done.returncode == 0, done.stderr
        assert done.stderr.startswith("project scorer, stack dev\n")
        return done.stdout

    (project / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": local_settings()}))
    pulumi("stack", "init", "dev")
    pulumi("config", "set", "terraformState", os.path.relpath(base.state, project), "--stack", "dev")
    archive = trained(tmp_path)
    try:
        uri = command("publish", "--archive", os.path.relpath(archive, project)).strip()
        assert uri.startswith(f"s3://{base.bucket_name}/models/scorer/")
        assert pulumi("config", "get", "modelData", "--stack", "dev").strip() == uri
        aws.s3.put_object(Bucket=base.bucket_name, Key="states/base", Body=base.state.read_bytes())
        pulumi("config", "set", "terraformState", f"s3://{base.bucket_name}/states/base", "--stack", "dev")
        assert command("publish", "--archive", os.path.relpath(archive, project)).strip() == uri
        pulumi("up", "--stack", "dev", "--yes", "--skip-preview")
        assert json.loads(command("invoke"))["Predictions"] == [pytest.approx(PREDICTION)]
    finally:
        pulumi("destroy", "--stack", "dev", "--yes", "--skip-preview")
    assert not any(path.name.startswith("Pulumi.") for path in elsewhere.iterdir())
