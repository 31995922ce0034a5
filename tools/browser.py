"""A headless Chromium for the tests that look at a page: found on PATH, or got from the npm package that ships one."""

import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from rich.console import Console

from sagebridge._tarfile import tarfile
from tools import download, engine
from tools.engine import Installed, Part
from tools.errors import Unavailable
from tools.paths import cache
from tools.progress import Step

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome-headless-shell")
PACKAGE = "@sparticuz/chromium"
CHROMIUM = "153.0.0"
SHA256 = "20e5656fcdcf4118ede85edfb9d6bb9cc1bbb7ffb8b75622fffbcf36a835c3c0"
"""Of the package's archive, 70 MB; npm checks the registry's own sum besides."""
_UNPACK = """
const { createReadStream, createWriteStream } = require("fs");
const { createBrotliDecompress } = require("zlib");
const [from, to] = process.argv.slice(1);
require("stream").pipeline(createReadStream(from), createBrotliDecompress(), createWriteStream(to), (error) => {
  if (error) throw error;
});
"""


def part() -> Part:
    """Returns the browser as a part that is found or got as the engine's are."""
    return Part(
        name="chromium",
        version=CHROMIUM,
        folder=cache() / f"chromium-{CHROMIUM}",
        on_path=_on_path,
        download=_download,
        build=_not_built,
        built_from=(),
        install="Chromium, or Node.js with npm",
    )


def get(console: Console) -> Path:
    """Returns the browser's executable, getting it if there is none; its libraries are in a folder `lib` beside it.

    Raises:
        ToolsError: there is none to be had; says why.
    """
    with engine.one_at_a_time(console):
        return engine.executable(part().get(console, "chromium"), "chromium")


def _on_path() -> Installed | None:
    for name in NAMES:
        if path := shutil.which(name, path=engine.outer_path()):
            version_text = subprocess.run(
                [path, "--version"], capture_output=True, text=True, timeout=30, check=False
            ).stdout
            if match := re.search(r"\d+(\.\d+)+", version_text):
                return Installed(match[0], "PATH", Path(path))
    return None


def _download(folder: Path, running: Step) -> None:
    """Lets npm fetch the package, and unpacks the browser and the libraries that it brings."""
    if download.architecture() != "amd64":
        raise Unavailable(f"{PACKAGE} has no browser for {download.architecture()}")
    if not (shutil.which("npm") and shutil.which("node")):
        raise Unavailable("npm is not on PATH")
    with tempfile.TemporaryDirectory() as scratch:
        running.detail = f"npm pack {PACKAGE}, 70 MB"
        engine.run(["npm", "pack", f"{PACKAGE}@{CHROMIUM}", "--silent", "--pack-destination", scratch], {})
        (archive,) = Path(scratch).glob("*.tgz")
        with archive.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != SHA256:
                raise Unavailable(f"{PACKAGE} {CHROMIUM} does not have the SHA-256 {SHA256}")
        with tarfile.open(archive) as tar:
            tar.extractall(scratch, filter="data")
        packed = Path(scratch) / "package" / "bin"
        (folder / "bin").mkdir()
        engine.run(["node", "-e", _UNPACK, str(packed / "chromium.br"), str(folder / "bin" / "chromium")], {})
        engine.run(["node", "-e", _UNPACK, str(packed / "al2023.tar.br"), str(packed / "lib.tar")], {})
        with tarfile.open(packed / "lib.tar") as tar:
            tar.extractall(folder / "bin", filter="data")
    (folder / "bin" / "chromium").chmod(0o755)


def _not_built(_folder: Path, _running: Step) -> None:
    raise Unavailable("Chromium is not built here")
