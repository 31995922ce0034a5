"""What is exported goes to other versions of Terraform and to OpenTofu, those that `make terraforms` gets."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.bridge.export.test_programs import PROGRAMS, TOKEN, make_in_python, variables, write_keys
from tests.bridge.projects import Project
from tests.command_line import run_in_process
from tests.conftest import Aws
from tools import engine

pytestmark = [pytest.mark.engine, pytest.mark.terraform, pytest.mark.xdist_group("terraforms")]

STACK = ("people", "regions")
"""The programs that make the stack: with secrets, with arguments that are ignored, with several providers."""
REFUSED = "Import blocks are only allowed in the root module"
FORMS = ("json", "hcl")


@pytest.fixture(scope="module")
def stack(aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A stack, exported in each form into the folder of its name beside it."""
    project = Project(aws, tmp_path_factory.mktemp("stack"))
    write_keys(project.project)
    project.pulumi("config", "set", "--secret", "token", TOKEN)
    make_in_python(project, [PROGRAMS / f"{name}.py" for name in STACK])
    for form in FORMS:
        project.bridge("export", "--out", str(project.project.parent / form), "--format", form)
    return project


@pytest.fixture(params=engine.OTHER_TERRAFORMS)
def terraform(request: pytest.FixtureRequest, stack: Project, tmp_path: Path) -> Aws:
    """The local AWS with another version of Terraform, and values for the module's variables."""
    part = next(part for part in engine.other_terraforms() if part.name == request.param)
    installed = part.find()
    if installed is None:
        pytest.skip(f"{part.name} is not there: `make terraforms` gets it")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "terraform").symlink_to(engine.executable(installed, "terraform"))
    environment = {**stack.aws.environment, "PATH": f"{tmp_path / 'bin'}{os.pathsep}{stack.aws.environment['PATH']}"}
    secrets = {f"TF_VAR_{name}": value for name, value in variables(stack, exported(stack, "hcl")).items()}
    aws = Aws({**environment, **secrets})
    assert json.loads(aws.must("terraform", "version", "-json"))["terraform_version"] == part.version
    return aws


def exported(stack: Project, form: str) -> Path:
    """Returns the folder into which the stack was exported in a form."""
    return stack.project.parent / form


def verified(stack: Project, terraform: Aws, module: Path) -> subprocess.CompletedProcess[str]:
    """Runs `sagebridge verify` of a module with another version of Terraform."""
    arguments = ("verify", "--stack", "dev", "--module", str(module))
    return run_in_process(*arguments, cwd=stack.project, environment=terraform.environment)


@pytest.mark.parametrize("form", FORMS)
def test_a_stack_goes_to_another_terraform(stack: Project, terraform: Aws, tmp_path: Path, form: str) -> None:
    module = exported(stack, form)
    done = verified(stack, terraform, module)
    assert done.returncode == 0, done.stderr
    terraform.must("terraform", "fmt", "-check", "-diff", cwd=module)
    root = shutil.copytree(module, tmp_path / "root")
    terraform.must("terraform", "init", "-input=false", cwd=root)
    terraform.must("terraform", "apply", "-input=false", "-auto-approve", cwd=root)
    plan = terraform.run("terraform", "plan", "-input=false", "-detailed-exitcode", "-no-color", cwd=root)
    assert plan.returncode == 0, plan.stdout


def test_a_change_is_found_with_another_terraform(stack: Project, terraform: Aws) -> None:
    module = exported(stack, "json")
    iam = terraform.client("iam")
    user = next(user["UserName"] for user in iam.list_users()["Users"] if user["UserName"].startswith("ana-"))
    iam.tag_user(UserName=user, Tags=[{"Key": "team", "Value": "models"}])
    try:
        done = verified(stack, terraform, module)
    finally:
        iam.tag_user(UserName=user, Tags=[{"Key": "team", "Value": "data"}])
    assert done.returncode == 1
    assert 'aws_iam_user.ana: tags.team: "models" → "data"' in done.stderr


def test_as_a_child_module_its_imports_stand_in_the_root_module(stack: Project, terraform: Aws, tmp_path: Path) -> None:
    """As the module's README says, for every version before Terraform 1.16."""
    root = tmp_path / "root"
    root.mkdir()
    child = shutil.copytree(exported(stack, "hcl"), root / "serving")
    arguments = "".join(f"  {name} = var.{name}\n" for name in variables(stack, child))
    (root / "main.tf").write_text(f'module "serving" {{\n  source = "./serving"\n{arguments}}}\n')
    shutil.copy(child / "variables.tf", root)
    init = terraform.run("terraform", "init", "-input=false", "-no-color", cwd=root)
    assert REFUSED in " ".join(init.stderr.replace("│", " ").split())
    imports = (child / "imports.tf").read_text()
    (child / "imports.tf").unlink()
    (root / "imports.tf").write_text(imports.replace("  to = ", "  to = module.serving."))
    terraform.must("terraform", "init", "-input=false", cwd=root)
    terraform.must("terraform", "plan", "-input=false", "-out=plan", cwd=root)
    plan = json.loads(terraform.must("terraform", "show", "-json", "plan", cwd=root))
    changes = [change["change"] for change in plan["resource_changes"]]
    assert len(changes) == imports.count("import {")
    assert all(change.get("importing") for change in changes)
    assert all(change["actions"] == ["no-op"] or change["before"] == change["after"] for change in changes)
