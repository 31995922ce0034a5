"""Checks an archive before it is published: what it contains, whether an image can load it, and whether it predicts."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from sagebridge.containers.fit import SCIKIT_LEARN, misfit
from sagebridge.containers.launch import Contract, contract_of, is_known
from sagebridge.errors import UserError
from sagebridge.model.archive import VERSIONS, parse_versions, unpack
from sagebridge.model.contract import CODE, HANDLER, MODEL, Request, ask
from sagebridge.model.versions import scikit_learn_of


class Findings(NamedTuple):
    """What a check found."""

    problems: list[str]
    """Everything that is wrong, a line each; empty when nothing is."""
    versions: dict[str, str]
    """The versions with which the model was trained, by package; empty when the archive does not record them."""
    answer: str | None
    """The handler's answer to the sample; None when there is none."""
    request: str | None = None
    """The text of the sample that was answered."""
    unjudged: str | None = None
    """Why this machine cannot tell whether the archive predicts; None when it can."""


def check(
    archive: Path, image: str | None, sample: Request | None = None, log: Callable[[str], object] = lambda _: None
) -> Findings:
    """Checks an archive and, given an image's URI, whether that image can load the model. Runs the archive's own code.

    Args:
        archive: The file model.tar.gz.
        image: The image's URI; without one, the handler is asked as AWS's scikit-learn image asks it.
        sample: The request that the handler is to answer; without one, requests are made for its model.
        log: Writes a line about how the handler's environment is made ready.

    Raises:
        UserError: The archive is missing, damaged, or not safe to unpack.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "model")
        unpack(archive, folder)
        problems: list[str] = []
        versions: dict[str, str] = {}
        try:
            versions = _versions_in(folder, archive)
        except UserError as error:
            problems.append(error.message)
        if versions and image and (mismatch := misfit(image, versions)):
            problems.append(mismatch)
        if image and not is_known(image):
            why = f"the container of {image} is not known here; the handler was not run"
            return Findings(problems, versions, None, None, why)
        if not _has_handler(folder):
            if contract_of(image or "") == Contract.SCIKIT_LEARN:
                return Findings([*problems, f"there is no {HANDLER} at the root or in {CODE}/"], versions, None)
            why = f"there is no {HANDLER}, and what {image} does without one is not done here"
            return Findings(problems, versions, None, None, why)
        answer = ask(folder, sample, image, log)
        if answer.problem:
            problems.append(answer.problem)
            if not _has_model(folder):
                problems.append(f"there is no {MODEL} at the root, nor another model")
        return Findings(problems, versions, answer.body, answer.request, answer.unjudged)


def _versions_in(folder: Path, archive: Path) -> dict[str, str]:
    """Returns the versions that an unpacked archive records, or the one that its model's own pickle does."""
    if (folder / VERSIONS).is_file():
        return parse_versions(archive, (folder / VERSIONS).read_bytes())
    version = scikit_learn_of(path for path in sorted(folder.rglob("*")) if path.is_file())
    return {SCIKIT_LEARN: version} if version else {}


def _has_handler(folder: Path) -> bool:
    return any((folder / place / HANDLER).is_file() for place in ("", CODE))


def _has_model(folder: Path) -> bool:
    return any(path.name not in (VERSIONS, HANDLER, CODE) for path in folder.iterdir())
