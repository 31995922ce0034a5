"""The command `sagebridge local image`: what it sets, shows and refuses, whether the server runs or not."""

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sagebridge.cli import main
from sagebridge.local import control, images
from sagebridge.local.images import Substitute

REGISTRY = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
CHANGED = "The next deployments use this; an endpoint that serves keeps what it has.\n"
LS = str(shutil.which("ls"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a local AWS that never ran; the current folder is another one."""
    monkeypatch.setenv("LOCAL_AWS_DIR", str(tmp_path / "aws"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "aws"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["local", "image", *arguments])


@pytest.mark.parametrize(
    ("pattern", "image"),
    [
        ("*", "own:1"),
        ("own:1", "own:1"),
        ("own", "own:1"),
        ("own", f"own@sha256:{'0' * 64}"),
        ("own", f"{REGISTRY}/own:1"),
        ("own:*", f"{REGISTRY}/own:1.2"),
        ("team/own", f"{REGISTRY}/team/own:1"),
        ("*/own:1", f"{REGISTRY}/own:1"),
        (f"{REGISTRY}/own", f"{REGISTRY}/own:1"),
        ("*.us-east-1.*", f"{REGISTRY}/own:1"),
        ("own", "localhost:5000/own"),
        ("localhost:5000/own", "localhost:5000/own:1"),
        ("own:[12]", "own:2"),
    ],
)
def test_a_pattern_fits(pattern: str, image: str) -> None:
    assert images.fits(pattern, image)


@pytest.mark.parametrize(
    ("pattern", "image"),
    [
        ("own", f"{REGISTRY}/team/own:1"),
        ("own", "my-own:1"),
        ("own:1", "own:12"),
        ("OWN", "own:1"),
        ("own:2", f"{REGISTRY}/own:1"),
        ("team", "team/own:1"),
    ],
)
def test_a_pattern_does_not_fit(pattern: str, image: str) -> None:
    assert not images.fits(pattern, image)


def test_what_runs_instead_of_an_image_is_set_shown_and_removed(folder: Path) -> None:
    assert run().output == "Nothing runs instead of an image.\n"
    assert run("--json").output == "[]\n"
    assert run("*/own:*", "--", "ls", "-l", "a b").output == f"*/own:*  {LS} -l 'a b'\n{CHANGED}"
    assert run("other", "--", "ls").output == f"other    {LS}\n*/own:*  {LS} -l 'a b'\n{CHANGED}"
    assert json.loads(run("--json").output) == [
        {"pattern": "other", "command": [LS], "docker": False, "environment": {"PATH": os.environ["PATH"]}},
        {
            "pattern": "*/own:*",
            "command": [LS, "-l", "a b"],
            "docker": False,
            "environment": {"PATH": os.environ["PATH"]},
        },
    ]
    assert (folder / "images.json").stat().st_mode & 0o777 == 0o600
    assert run("--remove", "other").output == f"*/own:*  {LS} -l 'a b'\n{CHANGED}"
    assert json.loads(run("*/own:*", "--remove", "--json").output) == []
    again = run("--remove", "*/own:*")
    assert again.exit_code == 1
    assert again.stderr == "Error: Nothing is set for the pattern '*/own:*'. Patterns that are set: none.\n"


def test_the_pattern_that_was_set_last_decides(folder: Path) -> None:
    run("*", "--", "ls", "all")
    run("own", "--", "ls", "own")
    assert [substitute.pattern for substitute in images.listed(folder)] == ["own", "*"]
    assert str(images.find(folder, "own:1")).endswith(" own")
    run("*", "--", "ls", "again")
    assert str(images.find(folder, "own:1")).endswith(" again")
    assert len(images.listed(folder)) == 2


def test_files_of_the_current_folder_are_named_by_their_whole_paths(folder: Path) -> None:
    Path("server.js").touch()
    Path("serve").write_text("#!/bin/sh\n")
    Path("serve").chmod(0o755)
    Path("conf").mkdir()
    run("own", "--", "./serve", "server.js", "conf", "--port", "none.js")
    substitute = images.find(folder, "own:1")
    assert substitute is not None
    assert substitute.command == [str(Path.cwd() / "serve"), str(Path.cwd() / "server.js"), "conf", "--port", "none.js"]


def test_docker_is_set_with_what_leads_to_its_engine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder.parent / "docker").write_text("")
    (folder.parent / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder.parent))
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the shell")
    assert run("own", "--docker").output == f"own  docker run\n{CHANGED}"
    (shown,) = json.loads(run("--json").output)
    assert (shown["command"], shown["docker"]) == ([], True)
    assert shown["environment"]["DOCKER_HOST"] == "tcp://127.0.0.1:1"
    assert "AWS_SECRET_ACCESS_KEY" not in shown["environment"]


def test_without_docker_the_other_way_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder.parent))
    result = run("own", "--docker")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: There is no docker on the PATH. Install Docker, or ")
    assert "sagebridge local image PATTERN -- COMMAND" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("own",),
        ("own", "--docker", "--", "ls"),
        ("own", "--docker", "--remove"),
        ("own", "--remove", "--", "ls"),
        ("--docker",),
        ("--remove",),
    ],
)
def test_a_call_that_is_not_clear_is_refused(folder: Path, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Give a PATTERN and one of: -- COMMAND, --docker, --remove. Give none to show all." in result.stderr
    assert images.listed(folder) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("own", "--", "no-such-program"), "There is no program 'no-such-program'. Name one that is on the PATH"),
        (
            ("own", "--", "./plain.py"),
            "./plain.py is not executable. Name what runs it, such as: -- python3 ./plain.py",
        ),
        ((" ", "--", "ls"), "The pattern is empty."),
    ],
)
def test_what_cannot_run_is_refused(folder: Path, arguments: tuple[str, ...], message: str) -> None:
    Path("plain.py").touch()
    result = run(*arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert images.listed(folder) == []


@pytest.mark.parametrize("content", ["no JSON", '[{"pattern": "own"}]', "[1]", '{"a": 1}'])
def test_a_file_that_was_changed_by_hand_is_refused(folder: Path, content: str) -> None:
    folder.mkdir()
    (folder / "images.json").write_text(content)
    result = run()
    assert result.exit_code == 1
    assert f"{folder}/images.json cannot be read" in result.stderr


def test_of_several_commands_at_once_none_is_lost(tmp_path: Path) -> None:
    def put(number: int) -> None:
        images.put(tmp_path, Substitute(f"image-{number}", ["ls"], docker=False, environment={}))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(put, range(40)))
    assert len(images.listed(tmp_path)) == 40


def test_a_reset_forgets_what_was_set(folder: Path) -> None:
    run("own", "--", "ls")
    control.reset(folder)
    assert images.listed(folder) == []
