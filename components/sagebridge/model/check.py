"""Checks an archive before it is published: what it contains, whether an image can load it, and whether it predicts."""

import tempfile
from pathlib import Path
from typing import NamedTuple

from sagebridge.containers.fit import misfit
from sagebridge.errors import UserError
from sagebridge.model.archive import VERSIONS, parse_versions, unpack
from sagebridge.model.contract import HANDLER, MODEL, SAMPLE, ask


class Findings(NamedTuple):
    """What a check found."""

    problems: list[str]
    """Everything that is wrong, a line each; empty when the archive is good."""
    versions: dict[str, str]
    """The versions with which the model was trained, by package; empty when the archive does not record them."""
    answer: str | None
    """The handler's answer to the article's sample row, as JSON; None when there is none."""


def check(archive: Path, image: str | None) -> Findings:
    """Checks an archive and, given an image's URI, whether that image can load the model. Runs the archive's own code.

    Raises:
        UserError: The archive is missing, damaged, or not safe to unpack.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        unpack(archive, folder)
        problems = [
            f"there is no {file} at the root" for file in (MODEL, HANDLER, VERSIONS) if not (folder / file).is_file()
        ]
        versions: dict[str, str] = {}
        if (folder / VERSIONS).is_file():
            try:
                versions = parse_versions(archive, (folder / VERSIONS).read_bytes())
            except UserError as error:
                problems.append(error.message)
        if versions and image and (mismatch := misfit(image, versions)):
            problems.append(mismatch)
        answer = None
        if (folder / HANDLER).is_file():
            answer, problem = ask(folder, SAMPLE, image)
            problems += [problem] if problem else []
        return Findings(problems, versions, answer)
