"""What AWS's scikit-learn images have: their Python, and the versions of their packages.

`scikit_learn_images.json` has it for each image of which it is known. `published` is what the image's own list pins,
`resolved` what uv makes of the rest of the list as of the list's date, and `left_out` what the image has and no
environment here: the model server, the tools for training, and what only a compiler can install.
"""

from __future__ import annotations

import json
import re
import sys
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

REPOSITORY = "sagemaker-scikit-learn"
_TAG = re.compile(rf"(?:^|/){REPOSITORY}:(.+?)(?:-cpu-py3.*)?$")
_NAMES = re.compile(r"[-_.]+")


class Image(NamedTuple):
    """What an image has."""

    version: str
    """The version in the image's tag, such as `1.9-0`."""
    python: str
    """The minor version of its Python."""
    source: str
    """Where the list of its packages is."""
    published: dict[str, str]
    """The versions of the packages that the list pins."""
    resolved: dict[str, str]
    """The versions of the other packages."""
    left_out: dict[str, str]
    """The versions of the packages that are in the image, and in no environment here."""

    @property
    def name(self) -> str:
        """The words for the image."""
        return f"AWS's image {REPOSITORY}:{self.version}"

    @property
    def packages(self) -> dict[str, str]:
        """The versions of the packages of an environment."""
        return {**self.published, **self.resolved}

    def version_of(self, package: str) -> str | None:
        """Returns the version that the image has of a package, or None if it has none."""
        return {**self.packages, **self.left_out}.get(_NAMES.sub("-", package).lower())


def image_of(uri: str) -> Image | None:
    """Returns what the image of a URI has, or None if it is not known."""
    tag = _TAG.search(uri)
    return image(tag[1]) if tag else None


def image(version: str) -> Image | None:
    """Returns what the image of a version has, or None if it is not known."""
    facts = table()["images"].get(version)
    return facts and Image(version, **facts)


@lru_cache(maxsize=1)
def table() -> dict[str, Any]:
    """Returns the content of the file."""
    content: dict[str, Any] = json.loads(Path(__file__).with_name("scikit_learn_images.json").read_bytes())
    return content


def package_of(module: str) -> str:
    """Returns the package from which a module comes."""
    package: str = table()["modules"].get(module, _NAMES.sub("-", module).lower())
    return package


def explain(error: BaseException, version: str) -> None:
    """Adds to an error whether an image has the module that is missing here.

    Args:
        error: the error; only one of a missing module, or one that it has caused, is changed.
        version: the image's version; an image that is not known leaves the error as it is.
    """
    if error.__cause__:
        explain(error.__cause__, version)
    facts = image(version)
    if facts is None or not isinstance(error, ModuleNotFoundError) or not error.name or facts.name in error.msg:
        return
    module = error.name.partition(".")[0]
    package = package_of(module)
    package_version = facts.version_of(package)
    if package_version is None:
        hint = (
            f"{facts.name} does not have it either. Put the module beside the handler, "
            "or its package into the requirements.txt there."
        )
    else:
        missing = "" if module in sys.modules or find_spec(module) else ", which is not installed here"
        hint = f"{facts.name} has {package} {package_version}{missing}."
    error.msg = f"{error.msg}. {hint}"


def packages_beyond(version: str, modules: Iterable[str]) -> list[str]:
    """Returns of which packages some modules are that an image does not have; none if the image is not known."""
    from importlib.metadata import packages_distributions  # noqa: PLC0415 - Python has it since 3.10

    facts = image(version)
    if facts is None:
        return []
    distributions = packages_distributions()
    names = {module.partition(".")[0] for module in modules}
    packages = {package for name in names for package in distributions.get(name, ())}
    return sorted(package for package in packages if facts.version_of(package) is None)
