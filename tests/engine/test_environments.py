"""Which Python environment runs a program: that of the options in its Pulumi.yaml, as with Pulumi's own host.

The programs here need no AWS. Each environment sees the packages of this checkout, so nothing is installed.
"""

import json
import platform
import site
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from sagebridge.scratch_stack import write_empty_state
from tests.conftest import Aws
from tests.stacks import state_file

pytestmark = pytest.mark.engine

PROGRAM = """
import sys
import pulumi

pulumi.log.info(f"environment {sys.prefix}")
"""


class Project:
    """A project with a program that says which environment runs it."""

    def __init__(self, aws: Aws, folder: Path) -> None:
        self.folder = folder
        self._aws = aws.with_stacks_in(folder / "state", UV_OFFLINE="1")
        self.declare()
        write_empty_state(state_file(self._aws.environment, folder, "dev"))
        (folder / "Pulumi.dev.yaml").write_text(yaml.safe_dump(aws.encryption))

    def declare(self, options: str = "", *, main: str = ".", program: str = PROGRAM) -> None:
        """Writes the project, with options of the runtime."""
        text = f"name: environments\nmain: {main}\nruntime: {{name: python, options: {{{options}}}}}\n"
        (self.folder / "Pulumi.yaml").write_text(text)
        (self.folder / main).mkdir(exist_ok=True)
        (self.folder / main / "__main__.py").write_text(program)

    def environment(self, name: str) -> Path:
        """Makes an environment that sees the packages of this one."""
        folder = self.folder / name
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        (packages,) = folder.glob("lib/*/site-packages")
        (packages / "checkout.pth").write_text("\n".join(site.getsitepackages()))
        return folder

    def preview(self) -> str:
        done = self._aws.run("pulumi", "preview", "--stack", "dev", "--color", "never", cwd=self.folder)
        return done.stdout + done.stderr

    def seconds_in_background(self) -> float:
        """Returns the seconds of a preview that ignores interrupts, as a shell's commands in the background do."""
        began = time.monotonic()
        preview = 'trap "" INT; exec pulumi preview --stack dev'
        self._aws.must("sh", "-c", preview, cwd=self.folder)
        return time.monotonic() - began

    def about(self) -> str:
        return self._aws.must("pulumi", "about", "--color", "never", cwd=self.folder)

    def record(self) -> dict[str, str]:
        """Returns what the stack's history says of the language after an update."""
        self._aws.must("pulumi", "up", "--stack", "dev", "--yes", "--skip-preview", cwd=self.folder)
        (file,) = self.folder.glob("state/.pulumi/history/environments/dev/*.history.json")
        environment = json.loads(file.read_text())["environment"]
        return {name: value for name, value in environment.items() if name.startswith("runtime.")}


@pytest.fixture
def project(aws: Aws, tmp_path: Path) -> Project:
    (tmp_path / "acme scoring").mkdir()
    return Project(aws, tmp_path / "acme scoring")


def test_without_options_the_first_python_on_path_runs_the_program(project: Project) -> None:
    assert f"environment {sys.prefix}\n" in project.preview()


@pytest.mark.parametrize(
    ("options", "main"), [("virtualenv: venv", "infra"), ("toolchain: pip, virtualenv: venv", ".")]
)
def test_the_virtualenv_is_one_beside_the_project_s_file(project: Project, options: str, main: str) -> None:
    environment = project.environment("venv")
    project.declare(options, main=main)
    assert f"environment {environment}\n" in project.preview()
    assert str(environment / "bin" / "python") in project.about()


def test_the_virtualenv_may_be_anywhere(project: Project, tmp_path: Path) -> None:
    environment = project.environment(str(tmp_path / "elsewhere"))
    project.declare(f"virtualenv: {environment}")
    assert f"environment {environment}\n" in project.preview()


@pytest.mark.parametrize(
    ("options", "lock"), [("toolchain: uv", False), ("", True), ("toolchain: uv, virtualenv: own", False)]
)
def test_uv_runs_the_program_in_its_environment(project: Project, options: str, lock: bool) -> None:  # noqa: FBT001 - a table
    environment = project.environment("own" if "own" in options else ".venv")
    pyproject = '[project]\nname = "environments"\nversion = "0"\nrequires-python = ">=3.11"\n'
    (project.folder / "pyproject.toml").write_text(pyproject)
    if lock:
        (project.folder / "uv.lock").write_text('version = 1\nrequires-python = ">=3.11"\n')
    project.declare(options)
    assert f"environment {environment}\n" in project.preview()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("virtualenv: state", "doesn't appear to be a virtual environment"),
        ("virtualenv: 3", "the runtime's option virtualenv must be a text, not 3"),
        ("toolchain: conda", "the runtime's option toolchain must be pip, poetry or uv, not conda"),
        ("typechecker: pylint", "the runtime's option typechecker must be mypy, pyright or none, not pylint"),
    ],
)
def test_an_environment_that_is_not_there_is_refused(project: Project, options: str, said: str) -> None:
    project.declare(options)
    output = project.preview()
    assert said in output
    assert "environment /" not in output


def test_the_typechecker_reads_the_program_before_it_runs(project: Project) -> None:
    project.environment("venv")
    project.declare("virtualenv: venv, typechecker: mypy", program=f"{PROGRAM}\nnumber: int = 'one'\n")
    output = project.preview()
    assert 'Incompatible types in assignment (expression has type "str", variable has type "int")' in output
    assert "environment /" not in output


@pytest.mark.parametrize(
    ("code", "version"), [('__version__ = "99.1"', "99.1.0"), ("raise ImportError", "0.0.0")], ids=["pip", "no pip"]
)
def test_the_version_of_pip_is_told_without_a_start_of_pip(project: Project, code: str, version: str) -> None:
    (packages,) = project.environment("venv").glob("lib/*/site-packages")
    (packages / "pip").mkdir()
    (packages / "pip" / "__init__.py").write_text(f"{code}\n")
    (packages / "pip" / "__main__.py").write_text('from pathlib import Path\n\nPath("started").touch()\n')
    project.declare("virtualenv: venv")
    assert project.record() == {
        "runtime.executable": f"{project.folder}/venv/bin/python",
        "runtime.metadata.toolchain": "Auto",
        "runtime.metadata.toolchainVersion": version,
        "runtime.metadata.typechecker": "None",
        "runtime.name": "python",
        "runtime.version": platform.python_version(),
    }
    assert list(project.folder.glob("**/started")) == []


def test_a_command_in_the_background_of_a_shell_ends_as_soon_as_any_other(project: Project) -> None:
    """There the host ignores the interrupt by which the engine ends it, unless it asks for it; the engine waits 5 s."""
    assert min(project.seconds_in_background() for _ in range(2)) < 5


def test_a_toolchain_that_is_not_installed_is_named(project: Project) -> None:
    project.declare("toolchain: poetry")
    assert "Could not find `poetry` executable" in project.preview()
