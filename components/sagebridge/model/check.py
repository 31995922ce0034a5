"""Checks an archive before it is published: what is in it, if the image fits, and if it predicts."""

import tempfile
from pathlib import Path
from typing import NamedTuple

from sagebridge.images.fit import misfit
from sagebridge.model.archive import VERSIONS, parse_versions, unpack
from sagebridge.model.contract import HANDLER, MODEL, SAMPLE, ask
from sagebridge.model.errors import CommandError


class Findings(NamedTuple):
    """What a check found.

    Attributes:
        problems: All that is wrong, one line each; empty when the archive is good.
        versions: What trained the model, by package; empty when the archive does not say.
        answer: The handler's answer to the article's sample row, JSON; None when there is none.
    """

    problems: list[str]
    versions: dict[str, str]
    answer: str | None


def check(archive: Path, image: str | None) -> Findings:
    """Check an archive, and with an image's URI that it can serve the model. Runs the archive's own code.

    Raises:
        CommandError: The archive is missing, damaged, or not safe to unpack.
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
            except CommandError as error:
                problems.append(error.message)
        if versions and image and (wrong := misfit(image, versions)):
            problems.append(wrong)
        body = None
        if (folder / HANDLER).is_file():
            body, problem = ask(folder, SAMPLE)
            problems += [problem] if problem else []
        return Findings(problems, versions, body)
