"""Official downloads, checked against the checksums that the publisher puts beside them."""

import functools
import gzip
import hashlib
import platform
import re
import ssl
import threading
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import truststore
import urllib3
from requests.adapters import HTTPAdapter

from sagebridge._tarfile import tarfile
from tools.errors import Unavailable
from tools.progress import Step

ANSWER_SECONDS = 5.0
"""How long a publisher may take to answer before a part is got in another way."""
STALLED_SECONDS = 30.0
"""How long a download may go on without a byte; one that makes progress may take as long as it needs."""
BLOCK = 1 << 16

GITHUB = "https://github.com"
HASHICORP = "https://releases.hashicorp.com"
PULUMI = "https://get.pulumi.com"
PUBLISHERS = (GITHUB, HASHICORP, PULUMI)

ALGORITHMS = {40: "sha1", 64: "sha256"}
"""By the length of a checksum. Pulumi lists SHA-1 for pulumi-aws: its `publish.yml` calls `shasum` without `-a`."""


@dataclass(frozen=True)
class Archive:
    """An archive that a publisher offers."""

    name: str
    executable: str
    """The path of the program in it."""
    checksums: str
    """The name of the file beside it that lists its checksum."""
    addresses: tuple[str, ...]
    """The folders that have both; a later one is for when the earlier ones fail."""


def pulumi(version: str) -> Archive:
    """Returns the archive with the Pulumi CLI and its language hosts, in a folder ``pulumi``."""
    return Archive(
        name=f"pulumi-v{version}-linux-{architecture().replace('amd64', 'x64')}.tar.gz",
        executable="pulumi/pulumi",
        checksums=f"pulumi-{version}-checksums.txt",
        addresses=(f"{PULUMI}/releases/sdk",),
    )


def pulumi_plugin(name: str, version: str) -> Archive:
    """Returns the archive of a resource plugin of Pulumi's, from where `pulumi plugin install` gets it."""
    return Archive(
        name=f"pulumi-resource-{name}-v{version}-linux-{architecture()}.tar.gz",
        executable=f"pulumi-resource-{name}",
        checksums=f"pulumi-{name}_{version}_checksums.txt",
        addresses=(f"{GITHUB}/pulumi/pulumi-{name}/releases/download/v{version}", f"{PULUMI}/releases/plugins"),
    )


def terraform(version: str) -> Archive:
    """Returns the archive of Terraform."""
    return _hashicorp("terraform", version, "terraform")


def terraform_provider(name: str, version: str) -> Archive:
    """Returns the archive of a provider of HashiCorp's that speaks protocol 5."""
    product = f"terraform-provider-{name}"
    return _hashicorp(product, version, f"{product}_v{version}_x5")


def _hashicorp(product: str, version: str, executable: str) -> Archive:
    return Archive(
        name=f"{product}_{version}_linux_{architecture()}.zip",
        executable=executable,
        checksums=f"{product}_{version}_SHA256SUMS",
        addresses=(f"{HASHICORP}/{product}/{version}",),
    )


def architecture() -> str:
    """Returns this machine's architecture by Go's name, ``amd64`` or ``arm64``."""
    machine = platform.machine().lower()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


@functools.cache
def unreachable(seconds: float) -> Mapping[str, str]:
    """Returns the publishers that do not answer within a time limit, each with the reason.

    Any HTTP status is an answer. They are asked once in a run and all at once, in threads that are left behind at the
    limit: a name server that hangs takes longer than any limit of a connection.
    """
    reasons = dict.fromkeys(PUBLISHERS, f"no answer within {seconds:g} s")

    def ask(publisher: str) -> None:
        try:
            _session().head(publisher, timeout=seconds)
        except requests.Timeout:
            return
        except requests.RequestException as error:
            reasons[publisher] = type(error).__name__
        except (OSError, ValueError) as error:  # of a bundle of certificates, or of a proxy's address
            reasons[publisher] = str(error)
        else:
            del reasons[publisher]

    threads = [threading.Thread(target=ask, args=(publisher,), daemon=True) for publisher in PUBLISHERS]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return dict(reasons)


def fetch(archive: Archive, folder: Path, running: Step) -> None:
    """Downloads an archive, checks its checksum, and unpacks it into ``folder``.

    Raises:
        Unavailable: It comes whole from none of its addresses; says why for each.
    """
    packed = folder / archive.name
    reasons = []
    for address in archive.addresses:
        try:
            _download(address, archive, packed, running)
            running.detail = f"unpacking {archive.name}"
            _unpack(packed, folder, archive.executable)
        except Unavailable as reason:
            reasons.append(str(reason))
        else:
            packed.unlink()
            return
    raise Unavailable("; ".join(reasons))


def _download(address: str, archive: Archive, packed: Path, running: Step) -> None:
    for publisher, reason in unreachable(ANSWER_SECONDS).items():
        if address.startswith(publisher):
            raise Unavailable(f"{address} cannot be reached ({reason})")
    checksum = _published(address, archive)
    algorithm = ALGORITHMS[len(checksum)]
    digest = hashlib.new(algorithm)
    url = f"{address}/{archive.name}"
    with _opened(url) as answer, packed.open("wb") as file:
        length = answer.headers.get("Content-Length", "")
        total = f" of {int(length) >> 20}" if length.isdecimal() else ""
        for block in answer.raw.stream(BLOCK, decode_content=False):  # the checksum is that of the file as it is
            file.write(block)
            digest.update(block)
            running.detail = f"{file.tell() >> 20}{total} MiB of {archive.name}"
    if digest.hexdigest() != checksum:
        raise Unavailable(f"{url} does not have the published {algorithm.upper()} {checksum}")


def _published(address: str, archive: Archive) -> str:
    """Returns the checksum of an archive as its publisher lists it."""
    url = f"{address}/{archive.checksums}"
    with _opened(url) as answer:
        lines = re.findall(r"^([0-9a-fA-F]+) [ *](?:\./)?(\S+)\s*$", answer.text, re.MULTILINE)
    checksum = next((checksum.lower() for checksum, name in lines if name == archive.name), "")
    if len(checksum) not in ALGORITHMS:
        raise Unavailable(f"{url} does not list a SHA-256 or SHA-1 of {archive.name}")
    return checksum


@contextmanager
def _opened(url: str) -> Iterator[requests.Response]:
    """Opens a file of a publisher's.

    Raises:
        Unavailable: It does not come, also when it breaks off while the block reads it.
    """
    try:
        with _requested(url) as answer:
            answer.raise_for_status()
            for response in (*answer.history, answer):
                if not response.url.startswith("https://"):
                    raise Unavailable(f"{url} is redirected to {response.url}, which is not encrypted")
            if answer.headers.get("Content-Type", "").startswith("text/html"):
                raise Unavailable(f"{url} is answered with a web page, perhaps the login of a proxy")
            yield answer
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise Unavailable(f"{url} cannot be downloaded ({_reason(error)})") from error


def _requested(url: str) -> requests.Response:
    """Asks for a file; an error of the server's own is tried again twice."""
    try:
        return _session().get(
            url,
            stream=True,
            timeout=(ANSWER_SECONDS, STALLED_SECONDS),
            headers={"Accept-Encoding": "identity"},
        )
    except ValueError as error:  # urllib's for a redirect to no address; some of requests' own are of this kind, too
        raise requests.exceptions.InvalidURL(str(error)) from error


@functools.cache
def _session() -> requests.Session:
    """Returns the connections of this run, which a publisher's two files share."""
    retries = urllib3.Retry(
        total=2,
        allowed_methods={"GET"},
        connect=0,
        read=False,  # so that a time limit keeps its name
        redirect=False,  # requests follows them
        status_forcelist=(429, 500, 502, 503, 504),
        backoff_factor=0.5,
        respect_retry_after_header=False,  # it may be an hour
        raise_on_status=False,
    )
    session = requests.Session()
    session.mount("https://", _TrustingTheSystem(max_retries=retries))
    return session


class _TrustingTheSystem(HTTPAdapter):
    """Trusts what the system trusts, as pip and uv do: a company's proxy signs with a certificate of its own."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as in requests
        super().init_poolmanager(*args, **options, ssl_context=truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as in requests
        return super().proxy_manager_for(*args, **options, ssl_context=truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def _reason(error: Exception) -> str:
    """Returns why a download failed, in a few words."""
    cause = next(iter(error.args), None)  # requests wraps what urllib3 raises
    if isinstance(error, requests.HTTPError):
        return str(error.response.status_code)
    if isinstance(error, requests.ConnectTimeout):
        return f"no connection within {ANSWER_SECONDS:g} s"
    timeouts = (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError)
    if isinstance(error, timeouts) or isinstance(cause, timeouts):
        return f"no byte came for {STALLED_SECONDS:g} s"
    if isinstance(error, (requests.exceptions.ChunkedEncodingError, urllib3.exceptions.ProtocolError)):
        return "it broke off"
    return type(error).__name__


def _unpack(packed: Path, folder: Path, executable: str) -> None:
    """Unpacks an archive, and makes its program executable, as zipfile leaves modes out."""
    try:
        if packed.suffix == ".zip":
            with zipfile.ZipFile(packed) as zipped:
                zipped.extractall(folder)
        else:
            with tarfile.open(packed) as tar:
                tar.extractall(folder, filter="data")
    except (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise Unavailable(f"{packed.name} cannot be unpacked ({error})") from error
    program = folder / executable
    if not program.is_file():
        raise Unavailable(f"{packed.name} does not have {executable}")
    program.chmod(0o755)
