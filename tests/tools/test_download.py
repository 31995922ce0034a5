"""Downloads are checked as their publisher says, and whatever goes wrong is a reason to try the next way."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tools import publishers as stand_in
from tests.tools.publishers import Publishers, Reply
from tools import download
from tools.download import Archive
from tools.errors import Unavailable
from tools.progress import Step

pytestmark = pytest.mark.process

FOLDER = "https://releases.hashicorp.com/terraform/1.13.3"
TERRAFORM = f"{FOLDER}/{stand_in.TERRAFORM}"
SUMS = f"{FOLDER}/terraform_1.13.3_SHA256SUMS"
PLUGINS = "https://get.pulumi.com/releases/plugins"
RELEASES = "https://github.com/pulumi/pulumi-aws/releases/download/v7.51.1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where an archive is unpacked."""
    (tmp_path / "part").mkdir()
    return tmp_path / "part"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A download that gives up soon."""
    monkeypatch.setattr(download, "STALLED_SECONDS", 0.3)


def fetch_terraform(folder: Path, running: Step | None = None) -> None:
    download.fetch(download.terraform("1.13.3"), folder, running or Step("terraform"))


@pytest.mark.parametrize(
    ("archive", "unpacked"),
    [
        (download.pulumi("3.246.0"), ["pulumi"]),
        (download.pulumi_plugin("aws", "7.51.1"), ["LICENSE", "pulumi-resource-aws"]),
        (download.pulumi_plugin("terraform", "6.1.0"), ["pulumi-resource-terraform"]),
        (download.terraform("1.13.3"), ["LICENSE.txt", "terraform"]),
        (download.terraform_provider("aws", "6.72.0"), ["LICENSE.txt", stand_in.PROVIDER_COMMAND]),
    ],
    ids=lambda value: value.name if isinstance(value, Archive) else "",
)
def test_an_archive_is_unpacked_where_it_stays(
    publishers: Publishers, folder: Path, archive: Archive, unpacked: list[str]
) -> None:
    download.fetch(archive, folder, Step("part"))
    assert sorted(path.name for path in folder.iterdir()) == unpacked
    assert [url for url in publishers.asked if url.endswith((".zip", ".gz"))] == [
        f"{archive.addresses[0]}/{archive.name}"
    ]


BROKEN: dict[str, tuple[Callable[[bytes], Reply], str]] = {
    "broken half-way": (stand_in.broken_half_way, r"cannot be downloaded \(it broke off\)"),
    "broken chunks": (stand_in.broken_chunks, r"cannot be downloaded \(it broke off\)"),
    "hung": (lambda _: stand_in.hung, r"cannot be downloaded \(no byte came for 0\.3 s\)"),
    "hung half-way": (stand_in.hung_half_way, r"cannot be downloaded \(no byte came for 0\.3 s\)"),
    "login page": (lambda _: stand_in.login_page(), "answered with a web page, perhaps the login of a proxy"),
    "redirected to a login page": (
        lambda _: stand_in.redirected(f"{stand_in.ELSEWHERE}/login"),
        "answered with a web page, perhaps the login of a proxy",
    ),
    "redirected to http": (
        lambda _: stand_in.redirected("http://releases.hashicorp.com/file"),
        r"is redirected to http://releases\.hashicorp\.com/file, which is not encrypted",
    ),
    "redirected by way of http": (
        lambda _: stand_in.redirected("http://releases.hashicorp.com/detour"),
        r"is redirected to http://releases\.hashicorp\.com/detour, which is not encrypted",
    ),
    "redirected for ever": (
        lambda _: stand_in.redirected(f"{stand_in.ELSEWHERE}/for-ever"),
        r"cannot be downloaded \(TooManyRedirects\)",
    ),
    "redirected to no address": (lambda _: stand_in.redirected("https://["), "cannot be downloaded"),
    "redirected to another scheme": (lambda _: stand_in.redirected("ftp://releases"), "cannot be downloaded"),
    "403": (lambda _: stand_in.sent(b"no", status=403), r"cannot be downloaded \(403\)"),
    "404": (lambda _: stand_in.sent(b"no", status=404), r"cannot be downloaded \(404\)"),
    "407": (lambda _: stand_in.login_page(status=407), r"cannot be downloaded \(407\)"),
    "500": (lambda _: stand_in.sent(b"no", status=500), r"cannot be downloaded \(500\)"),
    "no HTTP": (lambda _: stand_in.no_http, "cannot be downloaded"),
}
DIFFERENT: dict[str, Callable[[bytes], Reply]] = {
    "truncated": lambda content: stand_in.sent(content[:-100]),
    "changed": lambda content: stand_in.sent(content + b"\0"),
    "empty": lambda _: stand_in.sent(b""),
    "longer than announced": stand_in.longer_than_announced,
    "web page": lambda _: stand_in.sent(b"<html>Please log in.</html>"),
}


@pytest.mark.parametrize(("reply", "reason"), BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("url", [TERRAFORM, SUMS], ids=["archive", "checksums"])
@pytest.mark.usefixtures("impatient")
def test_what_breaks_is_a_reason_to_try_the_next_way(
    publishers: Publishers, folder: Path, url: str, reply: Callable[[bytes], Reply], reason: str
) -> None:
    publishers.files[f"{stand_in.ELSEWHERE}/login"] = stand_in.login_page()
    publishers.files[f"{stand_in.ELSEWHERE}/for-ever"] = stand_in.redirected(f"{stand_in.ELSEWHERE}/for-ever")
    for address in ("http://releases.hashicorp.com/file", f"{stand_in.ELSEWHERE}/file"):
        publishers.files[address] = stand_in.sent(publishers.contents[url])
    publishers.files["http://releases.hashicorp.com/detour"] = stand_in.redirected(f"{stand_in.ELSEWHERE}/file")
    publishers.files[url] = reply(publishers.contents[url])
    with pytest.raises(Unavailable, match=reason):
        fetch_terraform(folder)
    assert not (folder / "terraform").exists()


@pytest.mark.parametrize("reply", DIFFERENT.values(), ids=DIFFERENT)
def test_what_differs_from_its_checksum_is_not_unpacked(
    publishers: Publishers, folder: Path, reply: Callable[[bytes], Reply]
) -> None:
    publishers.files[TERRAFORM] = reply(publishers.contents[TERRAFORM])
    with pytest.raises(Unavailable, match=r"terraform_1\.13\.3_linux_\w+\.zip does not have the published SHA256"):
        fetch_terraform(folder)
    assert not (folder / "terraform").exists()


def test_an_archive_that_was_cut_before_it_was_listed_is_a_reason_too(publishers: Publishers, folder: Path) -> None:
    archives = ((download.pulumi("3.246.0"), "sha256"), (download.terraform("1.13.3"), "sha256"))
    for archive, algorithm in archives:
        (address,) = archive.addresses
        whole = publishers.contents[f"{address}/{archive.name}"]
        for cut in (whole[: len(whole) // 2], b""):
            publishers.put(address, archive.name, cut)
            publishers.list(address, archive.checksums, archive.name, algorithm=algorithm)
            with pytest.raises(Unavailable, match="cannot be unpacked"):
                download.fetch(archive, folder, Step("part"))


@pytest.mark.parametrize(
    "archive", [download.pulumi("3.246.0"), download.terraform("1.13.3"), download.terraform_provider("aws", "6.72.0")]
)
def test_an_archive_without_its_program_is_a_reason_too(publishers: Publishers, folder: Path, archive: Archive) -> None:
    (address,) = archive.addresses
    packed = stand_in.zipped("README") if archive.name.endswith(".zip") else stand_in.tarred("README")
    publishers.put(address, archive.name, packed)
    publishers.list(address, archive.checksums, archive.name)
    with pytest.raises(Unavailable, match=f"{re.escape(archive.name)} does not have {archive.executable}"):
        download.fetch(archive, folder, Step("part"))


def test_a_member_that_leads_out_of_the_folder_is_not_unpacked(publishers: Publishers, folder: Path) -> None:
    archive = download.pulumi("3.246.0")
    (address,) = archive.addresses
    publishers.put(address, archive.name, stand_in.tarred("../outside"))
    publishers.list(address, archive.checksums, archive.name)
    with pytest.raises(Unavailable, match="cannot be unpacked"):
        download.fetch(archive, folder, Step("part"))
    assert not (folder.parent / "outside").exists()


@pytest.mark.usefixtures("impatient")
def test_a_slow_download_may_take_as_long_as_it_makes_progress(publishers: Publishers, folder: Path) -> None:
    publishers.files[TERRAFORM] = stand_in.in_pieces(publishers.contents[TERRAFORM], 0.15, pieces=6)
    started = time.monotonic()
    fetch_terraform(folder)
    assert time.monotonic() - started > 2 * download.STALLED_SECONDS


def test_a_file_that_is_labelled_as_packed_is_taken_as_it_is(publishers: Publishers, folder: Path) -> None:
    url = f"{RELEASES}/{stand_in.AWS}"
    publishers.files[url] = stand_in.labelled_as_packed(publishers.contents[url])
    download.fetch(download.pulumi_plugin("aws", "7.51.1"), folder, Step("plugin"))
    assert publishers.asked[-1] == url


def test_a_redirect_is_followed(publishers: Publishers, folder: Path) -> None:
    """As GitHub's releases lead to another host."""
    for url in (TERRAFORM, SUMS):
        publishers.files[f"{stand_in.ELSEWHERE}/{url[-4:]}"] = stand_in.sent(publishers.contents[url])
        publishers.files[url] = stand_in.redirected(f"{stand_in.ELSEWHERE}/{url[-4:]}")
    fetch_terraform(folder)
    assert (folder / "terraform").exists()


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_an_error_of_the_server_that_passes_is_waited_for(publishers: Publishers, folder: Path, status: int) -> None:
    publishers.files[SUMS] = stand_in.in_turn(stand_in.sent(b"", status=status), publishers.files[SUMS])
    publishers.files[TERRAFORM] = stand_in.in_turn(stand_in.sent(b"", status=status), publishers.files[TERRAFORM])
    fetch_terraform(folder)
    assert (folder / "terraform").exists()


@pytest.mark.parametrize("fault", [stand_in.broken_half_way, lambda _: stand_in.sent(b"", status=404)])
def test_a_plugin_comes_from_its_second_address_when_the_first_fails(
    publishers: Publishers, folder: Path, fault: Callable[[bytes], Reply]
) -> None:
    publishers.files[f"{RELEASES}/{stand_in.AWS}"] = fault(publishers.contents[f"{RELEASES}/{stand_in.AWS}"])
    download.fetch(download.pulumi_plugin("aws", "7.51.1"), folder, Step("plugin"))
    assert (folder / "pulumi-resource-aws").stat().st_mode & 0o111
    assert publishers.asked[-1] == f"{PLUGINS}/{stand_in.AWS}"


@pytest.mark.parametrize("name", ["aws", "terraform"])
def test_a_plugin_that_differs_from_its_checksum_is_not_installed(
    publishers: Publishers, folder: Path, name: str
) -> None:
    archive = download.pulumi_plugin(name, {"aws": "7.51.1", "terraform": "6.1.0"}[name])
    for address in archive.addresses:
        publishers.files[f"{address}/{archive.name}"] = stand_in.sent(
            stand_in.tarred(f"pulumi-resource-{name}") + b"\0"
        )
    with pytest.raises(Unavailable, match="does not have the published SHA"):
        download.fetch(archive, folder, Step("plugin"))
    assert not (folder / f"pulumi-resource-{name}").exists()


@pytest.mark.parametrize(
    "listed",
    [
        "",
        "not a checksum\n",
        f"{stand_in.TERRAFORM}\n",
        f"{'0' * 64}  another.zip\n",
        f"{'0' * 32}  {stand_in.TERRAFORM}\n",
        f"{'0' * 64}  {stand_in.TERRAFORM}.sig\n",
    ],
    ids=["empty", "text", "name alone", "another", "MD5", "longer name"],
)
def test_what_cannot_be_checked_is_not_fetched(publishers: Publishers, folder: Path, listed: str) -> None:
    publishers.files[SUMS] = stand_in.sent(listed.encode())
    with pytest.raises(Unavailable, match="does not list a SHA-256 or SHA-1 of terraform_1"):
        fetch_terraform(folder)
    assert TERRAFORM not in publishers.asked


def test_the_progress_is_shown_in_mib(publishers: Publishers, folder: Path) -> None:
    publishers.put(FOLDER, stand_in.TERRAFORM, os.urandom(5 << 20))
    publishers.list(FOLDER, "terraform_1.13.3_SHA256SUMS", stand_in.TERRAFORM)
    details = set()

    class Watched(Step):
        def __setattr__(self, name: str, value: object) -> None:
            super().__setattr__(name, value)
            if name == "detail":
                details.add(value)

    with pytest.raises(Unavailable, match="cannot be unpacked"):
        fetch_terraform(folder, Watched("terraform"))
    assert {f"{count} of 5 MiB of {stand_in.TERRAFORM}" for count in range(6)} <= details
    assert f"unpacking {stand_in.TERRAFORM}" in details


@pytest.mark.usefixtures("publishers")
def test_a_publisher_that_answers_is_reachable() -> None:
    assert download.unreachable(5.0) == {}


def test_without_internet_a_part_is_given_up_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("https_proxy", raising=False)
    download.unreachable.cache_clear()
    with pytest.raises(
        Unavailable, match=r"^https://releases\.hashicorp\.com/terraform/1\.13\.3 cannot be reached \(ProxyError\)$"
    ):
        fetch_terraform(folder)
    download.unreachable.cache_clear()


@pytest.mark.usefixtures("publishers")
def test_a_certificate_that_the_system_trusts_is_accepted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As behind a company's proxy that inspects TLS; OpenSSL takes the system's certificates from SSL_CERT_FILE."""
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    fetch_terraform(folder)
    assert (folder / "terraform").exists()


@pytest.mark.usefixtures("publishers")
def test_a_publisher_with_an_unknown_certificate_is_not_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name)
    with pytest.raises(Unavailable, match=r"cannot be reached \(SSLError\)"):
        fetch_terraform(folder)


def test_a_proxy_that_refuses_is_named(publishers: Publishers, folder: Path) -> None:
    publishers.hosts = stand_in.refused
    with pytest.raises(Unavailable, match=r"cannot be reached \(ProxyError\)"):
        fetch_terraform(folder)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("REQUESTS_CA_BUNDLE", "/nowhere.pem", "/nowhere.pem"),
        ("HTTPS_PROXY", "http://[", ""),
        ("HTTPS_PROXY", "http://", ""),
        ("HTTPS_PROXY", "nonsense://proxy", ""),
        ("HTTPS_PROXY", "socks5://127.0.0.1:1", ""),
    ],
)
@pytest.mark.usefixtures("publishers")
def test_a_wrong_setting_of_the_shell_is_a_reason_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Unavailable, match=rf"cannot be reached \(.*{reason}"):
        fetch_terraform(folder)


def test_a_network_that_swallows_everything_costs_the_time_limit_once(publishers: Publishers) -> None:
    publishers.hosts = stand_in.hung
    started = time.monotonic()
    assert download.unreachable(0.5) == dict.fromkeys(download.PUBLISHERS, "no answer within 0.5 s")
    assert time.monotonic() - started < 2.0
    started = time.monotonic()
    assert download.unreachable(0.5) == dict.fromkeys(download.PUBLISHERS, "no answer within 0.5 s")
    assert time.monotonic() - started < 0.1
