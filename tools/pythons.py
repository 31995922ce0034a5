"""Finds the lowest and the newest Python on this machine that this checkout allows, for `make ranges`.

Run as a command, it prints the paths of the two.
"""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version
from uv import find_uv_bin

from sagebridge.containers.interpreter import pyenv_folders, pyenv_root
from tools.paths import CHECKOUT


def lowest_and_newest(listing: str, allowed: SpecifierSet) -> tuple[str, str]:
    """Returns the paths of the lowest and of the newest Python that are allowed.

    Args:
        listing: What `uv python list --output-format json` prints.
        allowed: The versions that are allowed; of these, previews are left out.
    """
    versions = {
        python["path"]: Version(python["version"])
        for python in json.loads(listing)
        if (python["implementation"], python["variant"]) == ("cpython", "default")
    }
    paths = sorted(
        (path for path in versions if allowed.contains(versions[path], prereleases=False)), key=versions.__getitem__
    )
    return paths[0], paths[-1]


def _installed() -> str:
    """Returns what uv says of the Pythons on PATH, of its own, and of all of pyenv's.

    On PATH, pyenv has scripts, of which only those for the chosen versions start a Python.
    """
    shims = pyenv_root() / "shims"
    folders = [folder for folder in os.environ["PATH"].split(os.pathsep) if Path(folder) != shims]
    return subprocess.run(
        [find_uv_bin(), "python", "list", "--only-installed", "--output-format", "json"],
        env={**os.environ, "PATH": os.pathsep.join([*folders, *pyenv_folders()])},
        capture_output=True,  # uv warns of Pythons that are too old for it
        text=True,
        check=True,
    ).stdout


if __name__ == "__main__":
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    sys.stdout.writelines(
        f"{path}\n" for path in lowest_and_newest(_installed(), SpecifierSet(project["requires-python"]))
    )
