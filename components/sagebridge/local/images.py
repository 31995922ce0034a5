"""What runs instead of an image, as `sagebridge local image` sets it.

The folder of the local AWS keeps it in `images.json`, which a command may change whether the server runs or not. A
deployment looks its images up when it begins, and keeps what it finds.
"""

import contextlib
import fcntl
import json
import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from sagebridge.errors import UserError
from sagebridge.files import PRIVATE, write_file

FILE = "images.json"
"""The name of the file in the folder of the local AWS."""
KEPT = "-image.json"
"""How the names of the files end in which deployments keep what runs in them."""
_FOR_PROGRAMS = ("PATH",)
_FOR_DOCKER = (
    *("PATH", "HOME", "XDG_RUNTIME_DIR", "SSH_AUTH_SOCK"),
    *("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_API_VERSION"),
    *("DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"),
)
"""What tells the `docker` command where its engine and its settings are."""


@dataclass(frozen=True)
class Substitute:
    """What runs instead of the images that a pattern fits."""

    pattern: str
    """A glob over the image's URI."""
    command: Sequence[str]
    """The program and its arguments; empty if Docker runs the image itself."""
    docker: bool
    """Whether Docker runs the image itself."""
    environment: Mapping[str, str]
    """What it gets of the environment of the shell in which it was set."""

    def __str__(self) -> str:
        """Returns the command as a shell would take it."""
        return "docker run" if self.docker else shlex.join(self.command)


def program(pattern: str, words: Sequence[str]) -> Substitute:
    """Returns a program of this process's shell as the substitute of an image.

    The program runs in `/`, and perhaps long after. So the words that name the program, or a file of the current
    folder, become absolute paths.

    Raises:
        UserError: the pattern is empty, or there is no such program.
    """
    executable = shutil.which(words[0])
    if executable is None:
        if Path(words[0]).is_file():
            raise UserError(
                f"{words[0]} is not executable. Name what runs it, such as: -- python3 {words[0]}, "
                f"or run: chmod +x {words[0]}"
            )
        raise UserError(
            f"There is no program {words[0]!r}. Name one that is on the PATH, or a file that can be executed, such as "
            "./serve."
        )
    arguments = [str(Path(word).absolute()) if Path(word).is_file() else word for word in words[1:]]
    return _substitute(pattern, [str(Path(executable).absolute()), *arguments], _FOR_PROGRAMS, docker=False)


def docker(pattern: str) -> Substitute:
    """Returns Docker, as this process's shell reaches it, as what runs an image.

    Raises:
        UserError: the pattern is empty, or there is no `docker` on the PATH.
    """
    if shutil.which("docker") is None:
        raise UserError(
            "There is no docker on the PATH. Install Docker, or say what runs instead of the image: "
            "sagebridge local image PATTERN -- COMMAND"
        )
    return _substitute(pattern, [], _FOR_DOCKER, docker=True)


def _substitute(pattern: str, command: Sequence[str], names: Sequence[str], *, docker: bool) -> Substitute:
    if not pattern.strip():
        raise UserError("The pattern is empty. Give a glob over the image's URI, such as '*/my-image:*'.")
    environment = {name: os.environ[name] for name in names if name in os.environ}
    return Substitute(pattern, command, docker, environment)


def listed(directory: Path) -> list[Substitute]:
    """Returns all substitutes, in the order in which they are tried: the one that was set last comes first.

    Args:
        directory: the folder of the local AWS.

    Raises:
        UserError: the file that keeps them cannot be read.
    """
    path = directory / FILE
    try:
        return [Substitute(**members) for members in json.loads(path.read_bytes())]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path} cannot be read: {error}. Remove it, and set the images again.") from error


def find(directory: Path, image: str) -> Substitute | None:
    """Returns what runs instead of an image; None for an image that no pattern fits."""
    return next((substitute for substitute in listed(directory) if fits(substitute.pattern, image)), None)


def keep(file: Path, image: str, look_up: Callable[[str], Substitute | None]) -> Substitute | None:
    """Returns what runs instead of an image in a deployment, which keeps it whatever is set later.

    Args:
        file: the deployment's file for it, which this writes unless it is there.
        image: the image's URI.
        look_up: returns what is set now.
    """
    if not file.exists():
        substitute = look_up(image)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_file(file, json.dumps(substitute and to_json(substitute)), PRIVATE)
    return kept(file)


def kept(file: Path) -> Substitute | None:
    """Returns what `keep` has written."""
    members = json.loads(file.read_bytes())
    return Substitute(**members) if members else None


def put(directory: Path, substitute: Substitute) -> None:
    """Adds a substitute before all others; it replaces one that has the same pattern."""
    with _changing(directory) as substitutes:
        others = [other for other in substitutes if other.pattern != substitute.pattern]
        substitutes[:] = [substitute, *others]


def remove(directory: Path, pattern: str) -> None:
    """Removes the substitute that has a pattern.

    Raises:
        UserError: there is none.
    """
    with _changing(directory) as substitutes:
        others = [other for other in substitutes if other.pattern != pattern]
        if len(others) == len(substitutes):
            patterns = ", ".join(repr(other.pattern) for other in substitutes) or "none"
            raise UserError(f"Nothing is set for the pattern {pattern!r}. Patterns that are set: {patterns}.")
        substitutes[:] = others


def fits(pattern: str, image: str) -> bool:
    """Returns whether a pattern fits an image's URI, with or without its registry, and with or without its tag."""
    registry, _, rest = image.partition("/")
    names = [image, rest] if rest and re.search(r"[.:]|^localhost$", registry) else [image]
    names += [re.sub(r"(:[^/@]+)?(@.+)?$", "", name) for name in names]
    return any(fnmatchcase(name, pattern) for name in names)


def to_json(substitute: Substitute) -> dict[str, Any]:
    """Returns a substitute as a JSON object."""
    return asdict(substitute)


@contextlib.contextmanager
def _changing(directory: Path) -> Iterator[list[Substitute]]:
    """Yields the substitutes to be changed, and saves them; of several commands at once, each waits for the other."""
    folder = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        substitutes = listed(directory)
        yield substitutes
        content = json.dumps([to_json(substitute) for substitute in substitutes], indent=2)
        write_file(directory / FILE, content, PRIVATE)
    finally:
        os.close(folder)
