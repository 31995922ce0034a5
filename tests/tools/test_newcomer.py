"""What `make engine` does on a newcomer's machine: with the publishers within reach, with each fault, without."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from tests.conftest import ROOT
from tests.tools import publishers as stand_in
from tests.tools.publishers import Publishers, Reply
from tools import build, download, engine, paths, progress
from tools.__main__ import main
from tools.errors import Unavailable

pytestmark = pytest.mark.process

ARCHIVES = {
    "pulumi": f"https://get.pulumi.com/releases/sdk/{stand_in.PULUMI}",
    "pulumi-resource-aws": f"https://get.pulumi.com/releases/plugins/{stand_in.AWS}",
    "pulumi-resource-terraform": (
        f"https://github.com/pulumi/pulumi-terraform/releases/download/v6.1.0/{stand_in.STATES}"
    ),
    "terraform": f"https://releases.hashicorp.com/terraform/1.13.3/{stand_in.TERRAFORM}",
    "terraform-provider-aws": (f"https://releases.hashicorp.com/terraform-provider-aws/6.72.0/{stand_in.PROVIDER}"),
}
"""Each part's archive, by its last address."""
GO, TERRAFORM = shutil.which("go"), shutil.which("terraform")
"""The commands of this machine, which the tests take off the PATH."""
FIRST_AWS = f"https://github.com/pulumi/pulumi-aws/releases/download/v7.51.1/{stand_in.AWS}"
FULL = (
    "Error: {cache} cannot be written: {reason}. The engine needs up to 3 GiB there. Free space or make it writable,"
    " or set XDG_CACHE_HOME to another folder.\n"
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, on a machine with no tool on PATH."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "cache" / "sagebridge"


@pytest.fixture
def go(monkeypatch: pytest.MonkeyPatch) -> None:
    """Builds that take no time."""

    def write(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("built")

    monkeypatch.setattr(build, "pulumi", lambda _version, folder, _running: write(folder / "bin" / "pulumi"))
    monkeypatch.setattr(
        build, "pulumi_plugin", lambda name, _version, folder, _running: write(folder / f"pulumi-resource-{name}")
    )
    monkeypatch.setattr(build, "opentofu", lambda folder, _running: write(folder / "bin" / "terraform"))
    monkeypatch.setattr(build, "terraform_provider", lambda path, _running: write(path))


@contextmanager
def offline() -> Iterator[None]:
    """Takes this process off the internet for a while."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
        yield


def build_all() -> None:
    """Does what `make engine` does on a machine without internet."""
    with offline():
        done = make_engine()
    assert done.exit_code == 0, done.output
    assert set(origins().values()) == {"built"}


def make_engine(*options: str) -> Result:
    """Does what `make engine` does, in this process; `--renew` is its option."""
    download.unreachable.cache_clear()
    return CliRunner().invoke(main, ["engine", *options])


def origins() -> dict[str, str]:
    return {name: part.origin if part else "missing" for name, part in engine.find_all().items()}


def python(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tools", *arguments]


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command as on a newcomer's machine: it has nothing of this process's environment but what is named."""
    passed = {name: os.environ[name] for name in ("PATH", "XDG_CACHE_HOME")}
    return subprocess.run(
        command, cwd=ROOT, env={**passed, **environment}, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.process
def test_everything_is_downloaded_once_where_the_publishers_answer(publishers: Publishers, cache: Path) -> None:
    make = shutil.which("make", path=os.defpath)
    if make is None:
        pytest.skip("make is not installed")
    command = (make, "-s", "-o", ".venv/packages.stamp", "engine")
    done = run(*command, **publishers.environment)
    assert done.returncode == 0, done.stderr
    assert [line.partition(" (downloaded in")[0] for line in done.stdout.splitlines() if "(downloaded in" in line] == [
        "[1/5] pulumi: 3.246.0",
        "[2/5] pulumi-resource-aws: 7.51.1",
        "[3/5] pulumi-resource-terraform: 6.1.0",
        "[4/5] terraform: 1.13.3",
        "[5/5] terraform-provider-aws: 6.72.0",
    ]
    assert sorted(path.name for path in cache.iterdir()) == [
        *("lock", "pulumi-3.246.0", "pulumi-home", "terraform-1.13.3", "terraform-provider-aws-6.72.0"),
    ]
    platform = f"6.72.0/linux_{stand_in.ARCHITECTURE}/{stand_in.PROVIDER_COMMAND}"
    for tool in (
        *("pulumi-3.246.0/bin/pulumi", "pulumi-3.246.0/bin/pulumi-language-yaml", "terraform-1.13.3/bin/terraform"),
        "pulumi-home/plugins/resource-aws-v7.51.1/pulumi-resource-aws",
        "pulumi-home/plugins/resource-terraform-v6.1.0/pulumi-resource-terraform",
        f"terraform-provider-aws-6.72.0/mirror/registry.terraform.io/hashicorp/aws/{platform}",
        f"terraform-provider-aws-6.72.0/mirror/registry.opentofu.org/hashicorp/aws/{platform}",
    ):
        assert Path(tool).name in run(str(cache / tool)).stdout
    assert not list(cache.rglob("*.zip")) + list(cache.rglob("*.tar.gz"))
    publishers.asked.clear()
    again = run(*command, **publishers.environment)
    assert again.returncode == 0
    assert "[1/5] pulumi: 3.246.0 (downloaded)\n" in again.stdout
    assert publishers.asked == []


@pytest.mark.usefixtures("publishers")
def test_the_doctor_names_origin_version_and_size_of_what_was_downloaded() -> None:
    assert make_engine().exit_code == 0
    report = CliRunner().invoke(main, ["doctor"])
    assert report.exit_code == 0
    rows = {cells[0]: cells[1:4] for line in report.stdout.splitlines() if len(cells := line.split()) > 3}
    assert rows["pulumi"] == ["3.246.0", "downloaded", "4"]
    assert rows["pulumi-resource-aws"] == ["7.51.1", "downloaded", "2"]
    assert rows["terraform-provider-aws"] == ["6.72.0", "downloaded", "2"]  # not twice for OpenTofu
    assert "is built here" not in report.stdout


@pytest.mark.usefixtures("go")
@pytest.mark.parametrize("name", ARCHIVES)
@pytest.mark.parametrize(
    "fault",
    [
        stand_in.broken_chunks,
        lambda content: stand_in.sent(content[:-9]),
        lambda _: stand_in.login_page(),
    ],
    ids=["broken half-way", "truncated", "login page"],
)
def test_a_part_whose_download_fails_is_built_and_the_others_are_downloaded(
    publishers: Publishers, cache: Path, name: str, fault: Callable[[bytes], Reply]
) -> None:
    for url in {ARCHIVES[name], *((FIRST_AWS,) if name == "pulumi-resource-aws" else ())}:
        publishers.files[url] = fault(publishers.contents[url])
    done = make_engine()
    assert done.exit_code == 0, done.output
    assert origins() == {**dict.fromkeys(ARCHIVES, "downloaded"), name: "built"}
    assert not list(cache.glob("*.new"))


@pytest.mark.process
@pytest.mark.parametrize(("name", "word"), [*((name, "engine") for name in ARCHIVES), ("terraform", "up")])
def test_without_go_each_way_is_named_with_its_reason(
    publishers: Publishers, cache: Path, name: str, word: str
) -> None:
    for url in {ARCHIVES[name], *((FIRST_AWS,) if name == "pulumi-resource-aws" else ())}:
        publishers.files[url] = stand_in.broken_half_way(publishers.contents[url])
    done = run(*python(word), **publishers.environment)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: {name} is missing:\n  - it is not on PATH, or too old there\n")
    assert f"{ARCHIVES[name]} cannot be downloaded (it broke off)" in done.stderr
    assert "Go is not installed" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(cache.glob("*.new"))


@pytest.mark.usefixtures("go")
def test_without_internet_every_part_is_built_and_the_doctor_says_what_would_be_better() -> None:
    with offline():
        done = make_engine()
    assert done.exit_code == 0, done.output
    assert set(origins().values()) == {"built"}
    assert "https://releases.hashicorp.com/terraform/1.13.3 cannot be reached (ProxyError)" in done.output
    report = CliRunner().invoke(main, ["doctor"])
    assert report.exit_code == 0
    for name in ARCHIVES:
        assert f"{name} is built here. " in report.output
    assert re.search(r"^terraform-provider-aws +6\.34\.0 +built +0 MiB ", report.output, re.MULTILINE)
    assert "It is older than 6.72.0" in report.output
    assert "`make engine` replaces what was built with the official downloads" in report.output


@pytest.mark.usefixtures("go")
def test_what_was_built_is_replaced_when_internet_comes(publishers: Publishers, cache: Path) -> None:
    build_all()
    assert make_engine().exit_code == 0
    assert set(origins().values()) == {"built"}, "other words than `make engine` do not ask the publishers"
    assert publishers.asked == []
    done = make_engine("--renew")
    assert done.exit_code == 0, done.output
    assert set(origins().values()) == {"downloaded"}
    assert "[5/5] terraform-provider-aws: 6.72.0 (downloaded in" in done.output
    assert not list(cache.glob("*.new")) + list(cache.glob("*.old"))
    assert not list(cache.rglob("*_v6.34.0_x5"))


@pytest.mark.usefixtures("go")
def test_what_was_built_stays_when_its_download_fails(publishers: Publishers, cache: Path) -> None:
    build_all()
    url = ARCHIVES["terraform"]
    publishers.files[url] = stand_in.broken_half_way(publishers.contents[url])
    done = make_engine("--renew")
    assert done.exit_code == 0, done.output
    assert origins() == {**dict.fromkeys(ARCHIVES, "downloaded"), "terraform": "built"}
    assert f"OpenTofu 1.10.10 (built; {url} cannot be downloaded (it broke off))" in done.output
    assert (cache / "terraform-1.13.3" / "bin" / "terraform").read_text() == "built"


@pytest.mark.usefixtures("go")
@pytest.mark.parametrize("network", ["refuses", "swallows everything"])
def test_to_ask_again_without_internet_takes_two_seconds_at_most(publishers: Publishers, network: str) -> None:
    build_all()
    publishers.hosts = stand_in.hung
    started = time.monotonic()
    with offline() if network == "refuses" else nullcontext():
        done = make_engine("--renew")
    assert time.monotonic() - started < engine.RENEWAL_SECONDS + 1.5
    assert done.exit_code == 0
    assert done.output.count("(built; no publisher can be reached)") == len(ARCHIVES)


@pytest.mark.usefixtures("go", "publishers")
def test_an_interrupted_replacement_leaves_what_was_built(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    build_all()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(download, "_unpack", interrupt)
    assert make_engine("--renew").exit_code != 0
    assert set(origins().values()) == {"built"}
    assert not list(cache.glob("*.new"))


def test_a_log_gets_a_line_with_the_mib_now_and_then(publishers: Publishers, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_slowly(publishers)
    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", 0.2)
    done = make_engine()
    assert f" of 4 MiB of {stand_in.AWS}\n" in done.output
    assert not {"\r", "\x1b"} & set(done.output)
    assert len(done.output.splitlines()) < 40


def test_a_terminal_shows_the_mib_as_they_come(publishers: Publishers, tmp_path: Path) -> None:
    publish_slowly(publishers)
    shown = StringIO()
    terminal = Console(file=shown, force_terminal=True, width=200)
    folder = tmp_path / "aws"
    folder.mkdir()
    with pytest.raises(Unavailable), progress.step(terminal, "aws") as running:
        download.fetch(download.pulumi_plugin("aws", "7.51.1"), folder, running)
    assert f" of 4 MiB of {stand_in.AWS}" in shown.getvalue()


def publish_slowly(publishers: Publishers) -> None:
    folder, _, name = FIRST_AWS.rpartition("/")
    publishers.put(folder, name, os.urandom(4 << 20))
    publishers.list(folder, "pulumi-aws_7.51.1_checksums.txt", name, algorithm="sha1", prefix="./")
    publishers.files[FIRST_AWS] = stand_in.in_pieces(publishers.contents[FIRST_AWS], 0.2)
    del publishers.files[ARCHIVES["pulumi-resource-aws"]]


def on_a_disk(folder: Path, options: str) -> tuple[str, ...]:
    """Returns the command that runs another one with a small disk at a folder."""
    folder.mkdir()
    mount = f'mount -t tmpfs -o {options} tmpfs "$0" && exec "$@"'
    command = ("/usr/bin/env", f"PATH={os.defpath}:/usr/sbin:/sbin", "unshare", "-m", "sh", "-c", mount, str(folder))
    if run(*command, "true").returncode != 0:
        pytest.skip("this machine lets nobody mount a small disk")
    return command


@pytest.mark.process
@pytest.mark.parametrize(
    ("options", "reason"), [("size=2m", "No space left on device"), ("ro", "Read-only file system")]
)
@pytest.mark.parametrize("word", ["engine", "up"])
def test_a_full_or_read_only_cache_is_refused_in_one_line(
    publishers: Publishers, tmp_path: Path, options: str, reason: str, word: str
) -> None:
    folder = tmp_path / "small"
    disk = on_a_disk(folder, options)
    done = run(*disk, *python(word), **publishers.environment, XDG_CACHE_HOME=str(folder))
    assert done.returncode == 1
    assert done.stderr == FULL.format(cache=folder / "sagebridge", reason=reason)


@pytest.mark.process
@pytest.mark.parametrize(
    ("options", "reason"), [("size=2m", "is full: 2 MiB are free"), ("ro", "cannot be written: Read-only file system")]
)
def test_the_python_packages_are_not_begun_with_such_a_cache(tmp_path: Path, options: str, reason: str) -> None:
    for name in ("Makefile", "requirements.txt", "components/pyproject.toml", "tools/room"):
        (tmp_path / "checkout" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / "checkout" / name)
    folder = tmp_path / "small"
    make = ("make", f"PYTHON={sys.executable}", "-C", str(tmp_path / "checkout"), "up")
    done = run(*on_a_disk(folder, options), *make, XDG_CACHE_HOME=str(folder))
    assert done.returncode != 0
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert line == (
        f"Error: {folder} {reason}. The Python packages and the engine need up to 4 GiB there. Free space or make it"
        " writable, or set XDG_CACHE_HOME to another folder."
    )
    assert not (tmp_path / "checkout" / ".venv").exists()


def test_room_leaves_nothing_behind(cache: Path) -> None:
    done = run("/bin/bash", "tools/room", PATH=os.defpath)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(cache.parent.iterdir()) == []


def test_the_readme_names_the_figures_of_the_code() -> None:
    readme = " ".join((ROOT / "README.md").read_text().split())
    for sentence in (
        f"If no byte arrives for {download.STALLED_SECONDS:.0f} seconds,",
        f"where no publisher can be reached, this costs {engine.RENEWAL_SECONDS:.0f} seconds at most.",
        f"The provider that is downloaded is {engine.AWS_PROVIDER} and",
        f"and the one that is built is {engine.AWS_PROVIDER_BUILT},",
        f"it needs Go {build.MINIMUM_GO_NEXT}.",
        f"All the tests are run on Pulumi {engine.PULUMI}. On {engine.PULUMI_NEXT},",
        f"They take up to {paths.NEEDED}, and a build takes up to {build.GO_NEEDS} more in Go's own caches.",
    ):
        assert sentence in readme


def test_gos_own_cache_is_in_the_folder_of_xdg_cache_home(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if GO is None:
        pytest.skip("Go is not installed")
    monkeypatch.delenv("GOCACHE", raising=False)
    environment = build._environment()  # noqa: SLF001 - what Go is called with
    done = subprocess.run([GO, "env", "GOCACHE"], env=environment, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()) == cache.parent / "go-build"


def initialise(cache: Path, module: Path, version: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs `terraform init` in a module that needs a version of the provider."""
    assert TERRAFORM is not None
    module.mkdir(exist_ok=True)
    required = {"aws": {"source": "hashicorp/aws", "version": version}}
    (module / "main.tf.json").write_text(json.dumps({"terraform": {"required_providers": required}}))
    settings = cache / f"terraform-provider-aws-{engine.AWS_PROVIDER}" / "terraformrc"
    return subprocess.run(
        [TERRAFORM, "init", "-input=false", "-no-color", *options],
        cwd=module,
        env={"PATH": os.defpath, "HOME": str(cache), "TF_CLI_CONFIG_FILE": str(settings)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.terraform
@pytest.mark.usefixtures("publishers")
def test_terraform_links_the_provider_instead_of_unpacking_it(cache: Path, tmp_path: Path) -> None:
    """A module may need a version that is newer than the provider that is built."""
    assert make_engine().exit_code == 0
    done = initialise(cache, tmp_path / "module", "~> 6.72")
    assert done.returncode == 0, done.stderr
    platform = f"registry.terraform.io/hashicorp/aws/6.72.0/linux_{stand_in.ARCHITECTURE}"
    installed = tmp_path / "module" / ".terraform" / "providers" / platform
    assert installed.is_symlink()
    assert installed.resolve() == cache / "terraform-provider-aws-6.72.0" / "mirror" / platform


@pytest.mark.terraform
@pytest.mark.usefixtures("publishers", "go")
def test_a_module_that_had_the_built_provider_gets_the_downloaded_one_by_an_upgrade(
    cache: Path, tmp_path: Path
) -> None:
    build_all()
    module = tmp_path / "module"
    done = initialise(cache, module, "~> 6.0")
    assert done.returncode == 0, done.stderr
    assert make_engine("--renew").exit_code == 0
    assert "previously-selected version 6.34.0 is no longer available" in initialise(cache, module, "~> 6.0").stderr
    done = initialise(cache, module, "~> 6.0", "-upgrade")
    assert done.returncode == 0, done.stderr
    assert '"6.72.0"' in (module / ".terraform.lock.hcl").read_text()
