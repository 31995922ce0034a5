"""Installs what a handler's requirements.txt adds to the environment, into a folder of its own.

AWS's containers run pip, which changes the image's environment. Here the environment is shared by all containers, so
what is missing in it, or has another version, goes into a folder that comes before it on the handler's path.
"""

import re
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from sagebridge import processes
from sagebridge.containers.errors import NotServedError
from sagebridge.containers.uv_command import uv_command, uv_environment

SECONDS = 600
"""Seconds that uv may take."""
_TO_INSTALL = re.compile(r"^ \+ (.+)$", re.MULTILINE)
"""A line of what `uv pip install --dry-run` prints, such as ` + tabulate==0.10.0` or ` + name @ file:///…`."""
_OFFLINE = ["--offline", "--no-index"]
"""Installs what is beside the requirements.txt, and nothing from a registry or from uv's cache of one."""
_NO_REGISTRY = "Failed to fetch"
"""What uv says when it cannot reach a registry, and so does not know whether AWS could install the packages."""


def install(requirements: Path, folder: Path, log: Callable[[str], object], *, is_isolated: bool, python: str) -> None:
    """Installs the packages that the environment does not have as a requirements.txt wants them.

    Without a registry nothing is installed, and the log says so: the handler then runs with the environment as it is.

    Args:
        requirements: the requirements.txt.
        folder: the new folder; it is not made when the environment has all that is required.
        log: writes a line to the container's log.
        is_isolated: whether the container has no network, so that it cannot install anything.
        python: the interpreter of the environment.

    Raises:
        NotServedError: the packages cannot be installed on AWS either.
    """
    problem = _attempt(requirements, folder, log, [*_OFFLINE, "--python", python])
    if problem and not is_isolated:
        problem = _attempt(requirements, folder, log, ["--python", python])
        if problem and _NO_REGISTRY in problem:
            log(
                "requirements.txt is not installed, because no registry answers. The handler runs with the packages of "
                f"this environment, and on AWS with those that it requires:\n{requirements.read_text()}{problem}"
            )
            return
    if problem:
        why = ", and a container with EnableNetworkIsolation has no network" if is_isolated else ""
        raise NotServedError(f"requirements.txt cannot be installed{why}:\n{problem}")


def _attempt(requirements: Path, folder: Path, log: Callable[[str], object], options: list[str]) -> str | None:
    """Installs what is missing; returns what uv says if it cannot."""
    wanted = ["--dry-run", "--break-system-packages", "--requirements", str(requirements)]
    done = _uv([*options, *wanted], requirements.parent)
    packages: list[str] = _TO_INSTALL.findall(done.stderr)
    if not done.returncode and packages:
        log(f"requirements.txt: installing {', '.join(packages)}")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".part-", ignore_cleanup_errors=True) as part:
            target = Path(part, "packages")
            done = _uv([*options, "--no-deps", "--target", str(target), *packages], requirements.parent)
            if not done.returncode:
                target.replace(folder)
    return done.stderr.strip() if done.returncode else None


def _uv(arguments: list[str], working_dir: Path) -> subprocess.CompletedProcess[str]:
    try:
        return processes.complete(
            uv_command("pip", "install", *arguments),
            cwd=working_dir,  # to which the paths in a requirements.txt are relative
            env=uv_environment(),
            seconds=SECONDS,
            text=True,
        )
    except subprocess.TimeoutExpired as error:
        raise NotServedError(f"requirements.txt was not installed within {SECONDS} s.") from error
