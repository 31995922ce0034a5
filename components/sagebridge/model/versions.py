"""Finds the versions of the packages behind a model, without running what is pickled in it."""

import contextlib
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sagebridge.containers.fit import SCIKIT_LEARN
from sagebridge.containers.pickles import is_pickle, scikit_learn_version
from sagebridge.errors import UserError


def versions_of(files: Iterable[Path]) -> dict[str, str]:
    """Returns the versions of Python, scikit-learn, NumPy and joblib behind a model; none if it is not scikit-learn's.

    The version of scikit-learn is the one that the first estimator's pickle records; the others are those of this
    environment.

    Args:
        files: The model's files.

    Raises:
        UserError: A file is named `.joblib`, and joblib did not write it.
    """
    scikit_learn = scikit_learn_of(files)
    if scikit_learn is None:
        return {}
    versions = {"python": platform.python_version(), SCIKIT_LEARN: scikit_learn}
    for package in ("numpy", "joblib"):
        with contextlib.suppress(PackageNotFoundError):
            versions[package] = version(package)
    return versions


def scikit_learn_of(files: Iterable[Path]) -> str | None:
    """Returns the version of scikit-learn that the first pickle of an estimator records, or None without one.

    Raises:
        UserError: A file is named `.joblib`, and joblib did not write it.
    """
    return next(filter(None, map(_pickled_by, files)), None)


def _pickled_by(path: Path) -> str | None:
    """Returns the version of scikit-learn that a pickle records, or None for any other file."""
    with path.open("rb") as file:
        if not is_pickle(file):
            if path.suffix == ".joblib":
                raise UserError(
                    f"{path} does not load here: joblib did not write this file; write it with joblib.dump()"
                )
            return None
        return scikit_learn_version(file)
