"""Finds the Python that a container runs with: that of an environment with the image's own Python and packages.

uv makes such an environment when it is first needed, in the user's cache folder, where all checkouts find it. It is
there whole or not at all, and one process makes it while the others wait. Where it cannot be made, the container runs
with this process's own environment, and its log says how that differs from the image.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sagebridge import processes
from sagebridge.containers.image import Image
from sagebridge.containers.uv_command import uv_command, uv_environment
from sagebridge.user_cache import user_cache

SECONDS = 600
"""Seconds for each step: to find or download a Python, to download and install the packages, and to try them."""
RETRY_SECONDS = 600
"""Seconds after a failure in which nobody tries again: without a network, each trial takes its time."""
_PART = ".part-"
_TRIAL = "import flask, numpy, pandas, sagemaker_inference.transformer, sklearn.ensemble"
"""What an environment must be able to do; it also leaves the bytecode, for which the first container would wait."""


class _NotMadeError(Exception):
    """The environment cannot be made; the message says why."""


def interpreter_for(image: Image, log: Callable[[str], object]) -> str:
    """Returns the interpreter of an environment with the packages of an image.

    Args:
        image: what the image has.
        log: writes a line to the container's log.

    Returns:
        The path; empty if this process's own environment is to serve, because it has the packages, or for want of one.
    """
    if not any(differences_from(image)):
        return ""
    try:
        python = _environment(image, log)
    except (_NotMadeError, OSError) as error:
        differences = "; ".join(differences_from(image))
        log(
            f"There is no environment with the packages of {image.name}: {error}\n"
            f"The container runs with the environment of sagebridge, which differs: {differences}."
        )
        return ""
    log(f"The container runs with Python {image.python} and the packages of {image.name}, as listed in {image.source}.")
    return str(python)


def differences_from(image: Image) -> Iterator[str]:
    """Yields how this process's environment differs from what an image's list pins, a phrase for each package.

    The Python comes first: where it is another, nobody has to read what is installed to see that they differ.
    """
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    if python != image.python:
        yield f"Python {python}, not {image.python}"
    for package, wanted in image.published.items():
        try:
            installed = version(package)
        except PackageNotFoundError:
            yield f"no {package}, which is {wanted} there"
        else:
            if installed != wanted:
                yield f"{package} {installed}, not {wanted}"


def environments() -> Path:
    """Returns the folder of all environments: `sagebridge/images` in the user's cache folder (XDG)."""
    return user_cache() / "images"


def _environment(image: Image, log: Callable[[str], object]) -> Path:
    """Returns the interpreter of an image's environment, and makes the environment if it is not there."""
    requirements = "".join(f"{name}=={version}\n" for name, version in image.packages.items())
    key = hashlib.sha256(json.dumps([image.python, requirements, sysconfig.get_platform()]).encode()).hexdigest()[:12]
    folder = environments() / f"{image.version}-{key}"
    python = folder / "bin" / "python"
    if python.exists():  # and with it the Python of which it is an environment
        return python
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_name(f"{folder.name}.lock")):
        failure = folder.with_name(f"{folder.name}.failed")
        if not python.exists():
            _check_failure(failure)
            try:
                _make(image, requirements, folder, log)
            except _NotMadeError as error:
                failure.write_text(str(error), encoding="utf-8")
                raise
            failure.unlink(missing_ok=True)
    return python


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Waits until no other process has the lock; the kernel releases it when a process ends, however it ends."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _check_failure(failure: Path) -> None:
    """Refuses to try again what failed a short time ago."""
    try:
        seconds = time.time() - failure.stat().st_mtime
        reason = failure.read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    if 0 <= seconds < RETRY_SECONDS:
        minutes = -(-(RETRY_SECONDS - seconds) // 60)
        raise _NotMadeError(f"{reason}\nIt is tried again in {minutes:.0f} min, or when you remove {failure}.")


def _make(image: Image, requirements: str, folder: Path, log: Callable[[str], object]) -> None:
    """Makes an environment beside its place, then moves it there."""
    started = time.monotonic()
    log(f"Making an environment with the {len(image.packages)} packages of {image.name}, once for this user …")
    for stale in folder.parent.glob(f"{_PART}{folder.name}-*"):
        shutil.rmtree(stale, ignore_errors=True)
    part = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f"{_PART}{folder.name}-"))
    try:
        target = part / "environment"
        _run(uv_command("venv", "--no-project", "--python", image.python, str(target)), part)
        (part / "requirements.txt").write_text(requirements)
        install = ("pip", "install", "--no-deps", "--python", str(target), "--requirements", "requirements.txt")
        _run(uv_command(*install), part)
        _run([str(target / "bin" / "python"), "-c", _TRIAL], part)
        shutil.rmtree(folder, ignore_errors=True)  # one whose Python is gone
        target.replace(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    log(f"The environment was made in {time.monotonic() - started:.0f} s: {folder}")


def _run(command: list[str], working_dir: Path) -> None:
    path = os.pathsep.join([*pyenv_folders(), os.environ.get("PATH", os.defpath)])
    try:
        done = processes.complete(command, seconds=SECONDS, cwd=working_dir, env=uv_environment(PATH=path), text=True)
    except subprocess.TimeoutExpired as error:
        raise _NotMadeError(f"it was not made within {SECONDS} s.") from error
    if done.returncode:
        raise _NotMadeError(f"it cannot be made.\n{done.stderr.strip()}")


def pyenv_folders() -> list[str]:
    """Returns where pyenv keeps its Pythons: its own commands on the PATH run only those that are switched on."""
    return sorted(map(str, pyenv_root().glob("versions/*/bin")))


def pyenv_root() -> Path:
    """Returns pyenv's folder, whether or not it is there."""
    return Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
