"""Pure: downloads are checked as their publisher says. The publisher here is a server on the loopback address."""

import functools
import hashlib
import http.server
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import download
from tools.errors import Unavailable
from tools.progress import Step


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site").mkdir()
    return tmp_path / "site"


@pytest.fixture
def url(site: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, args=(0.05,)).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def pulumi_release(site: Path, *, checksum: str | None = None) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name in ("pulumi", "pulumi-language-python", "pulumi-language-python-exec"):
            member = tarfile.TarInfo(f"pulumi/{name}")
            member.mode, member.size = 0o755, 4
            tar.addfile(member, io.BytesIO(b"tool"))
    name = f"pulumi-v1.2.3-linux-{download.architecture().replace('amd64', 'x64')}.tar.gz"
    (site / name).write_bytes(packed.getvalue())
    digest = checksum or hashlib.sha256(packed.getvalue()).hexdigest()
    (site / "pulumi-1.2.3-checksums.txt").write_text(f"{'0' * 64}  another.tar.gz\n{digest}  {name}\n")


def terraform_release(site: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as zipped:
        zipped.writestr("terraform", "tool")
        zipped.writestr("LICENSE.txt", "licence")
    (site / "1.2.3").mkdir()
    name = f"terraform_1.2.3_linux_{download.architecture()}.zip"
    (site / "1.2.3" / name).write_bytes(packed.getvalue())
    digest = hashlib.sha256(packed.getvalue()).hexdigest()
    (site / "1.2.3" / "terraform_1.2.3_SHA256SUMS").write_text(f"{digest}  {name}\n")


def test_pulumi_comes_with_its_language_hosts(site: Path, url: str, tmp_path: Path) -> None:
    pulumi_release(site)
    download.pulumi("1.2.3", tmp_path / "part", Step("x"), url)
    installed = sorted(path.name for path in (tmp_path / "part" / "bin").iterdir())
    assert installed == ["pulumi", "pulumi-language-python", "pulumi-language-python-exec"]
    assert all(path.stat().st_mode & 0o111 for path in (tmp_path / "part" / "bin").iterdir())


def test_terraform_alone_is_taken_out_of_its_archive(site: Path, url: str, tmp_path: Path) -> None:
    terraform_release(site)
    download.terraform("1.2.3", tmp_path / "part", Step("x"), url)
    (installed,) = (tmp_path / "part" / "bin").iterdir()
    assert installed.name == "terraform"
    assert installed.stat().st_mode & 0o111


def test_a_file_with_another_checksum_is_not_installed(site: Path, url: str, tmp_path: Path) -> None:
    pulumi_release(site, checksum="f" * 64)
    with pytest.raises(Unavailable, match="does not have the published SHA-256"):
        download.pulumi("1.2.3", tmp_path / "part", Step("x"), url)
    assert not (tmp_path / "part").exists()


def test_a_file_that_the_publisher_does_not_list_is_not_fetched(site: Path, url: str, tmp_path: Path) -> None:
    (site / "pulumi-1.2.3-checksums.txt").write_text("")
    with pytest.raises(Unavailable, match=r"does not list pulumi-v1\.2\.3"):
        download.pulumi("1.2.3", tmp_path / "part", Step("x"), url)


def test_a_version_that_is_not_there_is_named(url: str, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"checksums\.txt cannot be downloaded \(404\)"):
        download.pulumi("1.2.3", tmp_path / "part", Step("x"), url)


def test_a_host_that_is_not_there_is_given_up_at_once(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be downloaded"):
        download.pulumi("1.2.3", tmp_path / "part", Step("x"), "http://127.0.0.1:1")
    assert not download.reachable("http://127.0.0.1:1")


def test_a_host_that_answers_is_reachable(url: str) -> None:
    assert download.reachable(url)
