"""Renews the tables of AWS's images, ``sagebridge/images/tables``, from the newest sagemaker-core on PyPI."""

import re
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from sagebridge import processes
from sagebridge.images.uris import FRAMEWORKS
from tools.errors import ToolsError
from tools.paths import CHECKOUT

TABLES = CHECKOUT / "components" / "sagebridge" / "images" / "tables"
PACKAGE = "sagemaker-core"
FOLDER = "sagemaker/core/image_uri_config"
_SECONDS = 120


def renew() -> str:
    """Downloads the newest wheel and copies its tables; returns the wheel's version.

    Raises:
        ToolsError: PyPI cannot be reached, or the wheel lacks a table.
    """
    with tempfile.TemporaryDirectory() as scratch:
        return copy_tables(_download(Path(scratch)), TABLES, datetime.now(UTC).date())


def copy_tables(wheel: Path, tables: Path, today: date) -> str:
    """Copies the tables out of a wheel whole, and writes its version and the date into their README.

    Args:
        wheel: the wheel of sagemaker-core.
        tables: the folder of the tables.
        today: the date for the README.

    Returns:
        The wheel's version.

    Raises:
        ToolsError: the wheel lacks a table, or is no wheel.
    """
    try:
        with ZipFile(wheel) as archive:
            contents = {name: archive.read(f"{FOLDER}/{name}.json") for name in FRAMEWORKS}
    except (BadZipFile, KeyError) as error:
        raise ToolsError(
            f"{wheel.name} does not have the tables in {FOLDER}: {error}. The tables here stay as they are; see where "
            f"the new {PACKAGE} keeps them, and set FOLDER in tools/images.py"
        ) from error
    for name, content in contents.items():
        (tables / f"{name}.json").write_bytes(content)
    version = wheel.name.split("-")[1]
    readme = tables / "README.md"
    text = re.sub(r"\) \S+, folder", f") {version}, folder", readme.read_text())
    readme.write_text(re.sub(r"on \d{4}-\d{2}-\d{2}\.", f"on {today}.", text))
    return version


def _download(folder: Path) -> Path:
    """Downloads the newest wheel of sagemaker-core without what it depends on; returns the file."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", PACKAGE]
    done = processes.complete(command, seconds=_SECONDS, cwd=folder, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise ToolsError(f"pip cannot download {PACKAGE}: {reason}. See whether PyPI can be reached, and try again")
    (wheel,) = folder.glob("*.whl")
    return wheel
