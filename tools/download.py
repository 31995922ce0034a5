"""Official downloads, checked against the checksums that the publisher puts beside them."""

import hashlib
import platform
import shutil
import tempfile
import zipfile
from pathlib import Path

import requests

from sagebridge._tarfile import tarfile
from tools.errors import Unavailable
from tools.progress import Step

CONNECT_SECONDS = 3.0
"""How long a host may take to answer before the part is got in another way."""
READ_SECONDS = 60.0

PULUMI_RELEASES = "https://get.pulumi.com/releases/sdk"
TERRAFORM_RELEASES = "https://releases.hashicorp.com/terraform"


def architecture() -> str:
    """Returns this machine's architecture by Go's name, ``amd64`` or ``arm64``."""
    machine = platform.machine().lower()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def pulumi(version: str, folder: Path, running: Step, releases: str = PULUMI_RELEASES) -> None:
    """Unpacks the Pulumi CLI with its language hosts into ``folder/bin``."""
    name = f"pulumi-v{version}-linux-{architecture().replace('amd64', 'x64')}.tar.gz"
    with tempfile.TemporaryDirectory() as scratch:
        archive = _verified(releases, name, f"pulumi-{version}-checksums.txt", Path(scratch), running)
        with tarfile.open(archive) as tar:
            tar.extractall(scratch, filter="data")
        shutil.copytree(Path(scratch) / "pulumi", folder / "bin", dirs_exist_ok=True)


def terraform(version: str, folder: Path, running: Step, releases: str = TERRAFORM_RELEASES) -> None:
    """Unpacks Terraform into ``folder/bin``."""
    name = f"terraform_{version}_linux_{architecture()}.zip"
    with tempfile.TemporaryDirectory() as scratch:
        base = f"{releases}/{version}"
        archive = _verified(base, name, f"terraform_{version}_SHA256SUMS", Path(scratch), running)
        with zipfile.ZipFile(archive) as zipped:
            zipped.extract("terraform", folder / "bin")
    (folder / "bin" / "terraform").chmod(0o755)


def reachable(url: str) -> bool:
    """Says whether a host answers at all within the time limit; any HTTP status will do."""
    try:
        requests.head(url, timeout=(CONNECT_SECONDS, CONNECT_SECONDS))
    except requests.RequestException:
        return False
    return True


def _verified(base: str, name: str, checksums: str, into: Path, running: Step) -> Path:
    sums = {}
    for line in _get(f"{base}/{checksums}").text.splitlines():
        published, _, file_name = line.partition("  ")
        sums[file_name.strip()] = published
    if name not in sums:
        raise Unavailable(f"{base}/{checksums} does not list {name}")
    target = into / name
    digest = hashlib.sha256()
    with _get(f"{base}/{name}", stream=True) as answer, target.open("wb") as file:
        for block in answer.iter_content(1 << 20):
            file.write(block)
            digest.update(block)
            running.detail = f"{file.tell() >> 20} MiB of {name}"
    if digest.hexdigest() != sums[name]:
        raise Unavailable(f"{base}/{name} does not have the published SHA-256 {sums[name]}")
    return target


def _get(url: str, *, stream: bool = False) -> requests.Response:
    try:
        answer = requests.get(url, stream=stream, timeout=(CONNECT_SECONDS, READ_SECONDS))
        answer.raise_for_status()
    except requests.RequestException as error:
        reason = error.response.status_code if error.response is not None else type(error).__name__
        raise Unavailable(f"{url} cannot be downloaded ({reason})") from error
    return answer
