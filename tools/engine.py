"""The engine's parts: where each is found, and the ways to get it when it is not there."""

import fcntl
import functools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from packaging.version import Version
from rich.console import Console

from sagebridge import processes
from sagebridge.local.environment import process_environment
from tools import build, download
from tools.errors import ToolsError, Unavailable
from tools.paths import CHECKOUT, cache, pulumi_home, writing_cache
from tools.progress import Step, duration, step
from tools.variables import RULES

PULUMI = "3.246.0"
PULUMI_MINIMUM = "3.238.0"
"""The first engine in which a failing after-hook fails the update (pulumi/pulumi CHANGELOG)."""
PULUMI_NEXT = "3.274.1"
"""The newest engine that can be built, for ``make next``."""
PULUMI_YAML = "1.25.0"
PULUMI_AWS = "7.51.1"
PULUMI_TERRAFORM = "6.1.0"
TERRAFORM = "1.13.3"
TERRAFORM_MINIMUM = "1.7.0"
"""The first Terraform whose ``terraform test`` has mock providers."""
AWS_PROVIDER = "6.72.0"
"""The version that is downloaded. It came out after pulumi-aws, so it has every argument that an export may have."""
AWS_PROVIDER_BUILT = "6.34.0"
"""The newest version whose source is served as a Go module that can be imported (``tools/go/provider-aws``)."""
OPENTOFU = "1.10.10"
OTHER_TERRAFORMS = {
    "terraform-1.5": "1.5.7",
    "terraform-1.11": "1.11.4",
    "terraform-1.13": "1.13.3",
    "opentofu-1.12": "1.12.6",
}
"""The versions with which ``make terraforms`` tries the bridge, by their modules in ``tools/go``."""

COMMAND_SECONDS = 600
"""How long a command that installs something may take."""
RENEWAL_SECONDS = 2.0
"""How long the publishers may take to answer when there is a built part already."""


@dataclass(frozen=True)
class Installed:
    """A part that is there."""

    version: str
    origin: str
    """``PATH``, ``downloaded`` or ``built``."""
    path: Path


@dataclass(frozen=True)
class Part:
    """A part of the engine."""

    name: str
    version: str
    """The version that is downloaded or built."""
    folder: Path
    """Where a downloaded or built part is kept; complete when it has a file ``origin.json``."""
    on_path: Callable[[], Installed | None]
    download: Callable[[Path, Step], None]
    build: Callable[[Path, Step], None]
    built_from: tuple[str, ...]
    """Modules in ``tools/go``; a change there makes a built part stale."""
    install: str
    """What a person can install instead."""
    built_version: str = ""
    """The version that a build gives, where it differs."""
    downside: str = ""
    """What a built part lacks in comparison with the download, as a sentence about it."""

    def find(self) -> Installed | None:
        """Returns the part if it is on PATH or in the cache."""
        return self.on_path() or self._cached()

    def get(self, console: Console, title: str, *, renew: bool = False) -> Installed:
        """Returns the part, downloading or building it if it is not there.

        Args:
            console: Where to say what is being done.
            title: How to call the part there.
            renew: Whether to try to download what is there but was built.

        Raises:
            ToolsError: The part is to be had in no way; names each way and what to install.
        """
        installed = self.find()
        if installed and renew and installed.origin == "built":
            return self._renewed(console, title, installed)
        if installed:
            console.print(f"{title}: {installed.version} ({installed.origin})")
            return installed
        reasons = ["it is not on PATH, or too old there"]
        for origin in ("downloaded", "built"):
            try:
                return self._made(console, title, origin)
            except Unavailable as reason:
                reasons.append(str(reason))
                console.print(f"  {str(reason).splitlines()[0]}")
        listed = "\n".join(f"  - {reason}" for reason in reasons)
        raise ToolsError(f"{self.name} is missing:\n{listed}\nInstall {self.install}, then run the command again.")

    def _renewed(self, console: Console, title: str, installed: Installed) -> Installed:
        """Returns the part as it is downloaded in place of a built one, which stays if that cannot be done."""
        reason = "no publisher can be reached"
        if len(download.unreachable(RENEWAL_SECONDS)) < len(download.PUBLISHERS):
            try:
                return self._made(console, title, "downloaded")
            except Unavailable as unavailable:
                reason = str(unavailable)
        console.print(f"{title}: {installed.version} (built; {reason})")
        return installed

    def _made(self, console: Console, title: str, origin: str) -> Installed:
        """Downloads or builds the part, and says how long it took."""
        doing, way = {"downloaded": ("downloading", self.download), "built": ("building", self.build)}[origin]
        with step(console, f"{title}: {doing}") as running, writing_cache():
            installed = self._fill(way, origin, running)
        console.print(f"{title}: {installed.version} ({origin} in {duration(running.seconds)})")
        return installed

    def _fill(self, way: Callable[[Path, Step], None], origin: str, running: Step) -> Installed:
        """Gets the part into a folder beside, and puts that in place only when it is whole."""
        partial, old = (cache() / f"{self.name}-{self.version}.{state}" for state in ("new", "old"))
        for leftover in (partial, old):
            shutil.rmtree(leftover, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            way(partial, running)
            version = self.built_version if origin == "built" and self.built_version else self.version
            note = {"origin": origin, "version": version, "recipe": build.recipe(*self.built_from)}
            (partial / "origin.json").write_text(json.dumps(note))
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            if self.folder.exists():
                self.folder.rename(old)
            partial.rename(self.folder)
        finally:  # what could not be finished must not fill the disk
            for leftover in (partial, old):
                shutil.rmtree(leftover, ignore_errors=True)
        return Installed(version, origin, self.folder)

    def _cached(self) -> Installed | None:
        try:
            note = json.loads((self.folder / "origin.json").read_text())
        except (OSError, ValueError):
            return None
        if note["origin"] == "built" and note["recipe"] != build.recipe(*self.built_from):
            return None
        return Installed(note["version"], note["origin"], self.folder)


def parts() -> list[Part]:
    """Returns the engine's parts, in the order in which they are got."""
    plugins = pulumi_home() / "plugins"
    return [
        Part(
            name="pulumi",
            version=PULUMI,
            folder=cache() / f"pulumi-{PULUMI}",
            on_path=_pulumi_on_path,
            download=lambda folder, running: _download_pulumi(PULUMI, folder, running),
            build=lambda folder, running: build.pulumi(PULUMI, folder, running),
            built_from=("engine", "libraries"),
            install=f"Pulumi {PULUMI_MINIMUM} or newer (https://www.pulumi.com/docs/install)"
            f" or Go {build.MINIMUM_GO} or newer (https://go.dev/dl)",
            downside="Its host of programs in Python does not generate code.",
        ),
        _pulumi_plugin("aws", PULUMI_AWS, plugins, "It has only the services that are used here."),
        _pulumi_plugin("terraform", PULUMI_TERRAFORM, plugins, "It is a replacement that reads states, and no more."),
        Part(
            name="terraform",
            version=TERRAFORM,
            folder=cache() / f"terraform-{TERRAFORM}",
            on_path=_terraform_on_path,
            download=lambda folder, running: _download_terraform(TERRAFORM, folder, running),
            build=build.opentofu,
            built_from=("opentofu",),
            built_version=f"OpenTofu {OPENTOFU}",
            install=f"Terraform {TERRAFORM_MINIMUM} or newer (https://developer.hashicorp.com/terraform/install),"
            f" OpenTofu, or Go {build.MINIMUM_GO} or newer (https://go.dev/dl)",
            downside="It is OpenTofu, which stands in for Terraform.",
        ),
        Part(
            name="terraform-provider-aws",
            version=AWS_PROVIDER,
            folder=_provider_folder(),
            on_path=lambda: None,  # Terraform finds providers in mirrors, not on PATH
            download=_download_provider,
            build=_build_provider,
            built_from=("engine", "libraries", "provider-aws"),
            built_version=AWS_PROVIDER_BUILT,
            install=f"Go {build.MINIMUM_GO} or newer (https://go.dev/dl)",
            downside=f"It is older than {AWS_PROVIDER} and has only the services that are used here:"
            " `sagebridge verify` says so where an export has a newer argument, and cannot check it.",
        ),
    ]


def yaml_host() -> Part:
    """Returns Pulumi's host of programs in YAML, which only tests need."""
    return Part(
        name="pulumi-language-yaml",
        version=PULUMI_YAML,
        folder=cache() / f"pulumi-language-yaml-{PULUMI_YAML}",
        on_path=_yaml_host_of_pulumi,
        download=lambda _folder, _running: _no_download("the YAML host is downloaded with Pulumi only"),
        build=lambda folder, running: build.yaml_host(PULUMI_YAML, folder, running),
        built_from=("language-yaml",),
        install=f"Pulumi {PULUMI_MINIMUM} or newer (https://www.pulumi.com/docs/install)",
    )


def get_next_pulumi(console: Console) -> Installed:
    """Returns the newest Pulumi that can be built, getting it if it is not there.

    It is kept apart from the engine's parts: on PATH, it is used in the place of theirs.
    """
    part = Part(
        name="pulumi",
        version=PULUMI_NEXT,
        folder=cache().with_name("sagebridge-next") / f"pulumi-{PULUMI_NEXT}",
        on_path=lambda: None,
        download=lambda folder, running: _download_pulumi(PULUMI_NEXT, folder, running),
        build=lambda folder, running: build.next_pulumi(PULUMI_NEXT, folder, running),
        built_from=("next", "engine"),
        install=f"Go {build.MINIMUM_GO_NEXT} or newer (https://go.dev/dl)",
    )
    with one_at_a_time(console):
        return part.get(console, f"the next {part.name}")


def other_terraforms() -> list[Part]:
    """Returns the versions of Terraform and OpenTofu with which the bridge is tried beside the engine's.

    They are kept apart from the engine's parts, as the next Pulumi is.
    """
    return [_other_terraform(name, version) for name, version in OTHER_TERRAFORMS.items()]


def _other_terraform(name: str, version: str) -> Part:
    return Part(
        name=name,
        version=version,
        folder=cache().with_name("sagebridge-terraforms") / f"{name.partition('-')[0]}-{version}",
        on_path=lambda: _exactly(version, _on_path("terraform", "version", version)),
        download=lambda folder, running: (
            _download_terraform(version, folder, running)
            if name.startswith("terraform")
            else _no_download("OpenTofu is not downloaded but built")
        ),
        build=lambda folder, running: build.other_terraform(name, folder, running),
        built_from=(name,),
        install=f"Go {build.MINIMUM_GO} or newer (https://go.dev/dl)",
    )


def get_other_terraforms(console: Console) -> None:
    """Gets those versions that are not there yet."""
    with one_at_a_time(console):
        for part in other_terraforms():
            part.get(console, part.name)


def get_all(console: Console, *, renew: bool = False) -> dict[str, Installed]:
    """Gets every part; a second checkout waits for the first instead of building the same.

    Args:
        console: Where to say what is being done.
        renew: Whether to try to download what is there but was built.
    """
    with one_at_a_time(console):
        wanted = parts()
        return {
            part.name: part.get(console, f"[{number}/{len(wanted)}] {part.name}", renew=renew)
            for number, part in enumerate(wanted, start=1)
        }


def find_all() -> dict[str, Installed | None]:
    """Returns what is there now, without getting anything."""
    return {part.name: part.find() for part in parts()}


def outer_path() -> str:
    """Returns PATH without this project's own folders, which `make env` puts first."""
    folders = os.environ.get("PATH", "").split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if not _is_ours(Path(folder)))


def _is_ours(folder: Path) -> bool:
    """Says whether a folder is in the cache or in this checkout."""
    return any(folder.is_relative_to(ours) for ours in (cache(), CHECKOUT))


@contextmanager
def one_at_a_time(console: Console) -> Iterator[None]:
    """Waits for another set-up on this machine, and keeps others waiting meanwhile."""
    with writing_cache():
        cache().mkdir(parents=True, exist_ok=True)
        lock_file = (cache() / "lock").open("w")
    with lock_file as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with step(console, "waiting for another set-up on this machine"):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _pulumi_plugin(name: str, version: str, plugins: Path, downside: str) -> Part:
    return Part(
        name=f"pulumi-resource-{name}",
        version=version,
        folder=plugins / f"resource-{name}-v{version}",
        on_path=lambda: _on_path(f"pulumi-resource-{name}", "--version", version),
        download=lambda folder, running: download.fetch(download.pulumi_plugin(name, version), folder, running),
        build=lambda folder, running: build.pulumi_plugin(name, version, folder, running),
        built_from=("engine", "bridge", "libraries", "provider-aws") if name == "aws" else ("engine",),
        install=f"Go {build.MINIMUM_GO} or newer (https://go.dev/dl)",
        downside=downside,
    )


def _download_pulumi(version: str, folder: Path, running: Step) -> None:
    """Gets the CLI and its language hosts into ``folder/bin``."""
    download.fetch(download.pulumi(version), folder, running)
    (folder / "pulumi").rename(folder / "bin")


def _download_terraform(version: str, folder: Path, running: Step) -> None:
    """Gets Terraform into ``folder/bin``."""
    download.fetch(download.terraform(version), folder, running)
    (folder / "bin").mkdir()
    (folder / "terraform").rename(folder / "bin" / "terraform")


def _download_provider(folder: Path, running: Step) -> None:
    mirrored = _mirrored(folder, AWS_PROVIDER)
    download.fetch(download.terraform_provider("aws", AWS_PROVIDER), mirrored, running)
    _complete_mirror(folder, mirrored)


def _build_provider(folder: Path, running: Step) -> None:
    mirrored = _mirrored(folder, AWS_PROVIDER_BUILT)
    build.terraform_provider(mirrored / f"terraform-provider-aws_v{AWS_PROVIDER_BUILT}_x5", running)
    _complete_mirror(folder, mirrored)


def _provider_folder() -> Path:
    return cache() / f"terraform-provider-aws-{AWS_PROVIDER}"


def _mirrored(folder: Path, version: str) -> Path:
    """Returns the folder of a mirror for an unpacked provider, to which `terraform init` only makes a link."""
    platform = f"linux_{download.architecture()}"
    mirrored = folder / "mirror" / "registry.terraform.io" / "hashicorp" / "aws" / version / platform
    mirrored.mkdir(parents=True)
    return mirrored


def _complete_mirror(folder: Path, mirrored: Path) -> None:
    """Offers the mirror's provider to OpenTofu as well, and writes the settings that name the mirror."""
    mirror = folder / "mirror"
    relative = mirrored.relative_to(mirror / "registry.terraform.io")
    shutil.copytree(mirrored, mirror / "registry.opentofu.org" / relative, copy_function=os.link)
    final = _provider_folder() / "mirror"
    (folder / "terraformrc").write_text(
        "provider_installation {\n"
        f'  filesystem_mirror {{\n    path    = "{final}"\n    include = ["hashicorp/aws"]\n  }}\n'
        '  direct {\n    exclude = ["hashicorp/aws"]\n  }\n}\n'
    )


def executable(installed: Installed | None, name: str) -> Path:
    """Returns the executable ``name`` of a part."""
    if installed is None:
        raise Unavailable(f"{name} is not there yet")
    return installed.path if installed.path.is_file() else installed.path / "bin" / name


def _pulumi_on_path() -> Installed | None:
    installed = _on_path("pulumi", "version", PULUMI_MINIMUM)
    has_host = installed and (
        (installed.path.resolve().parent / "pulumi-language-python").exists()
        or shutil.which("pulumi-language-python", path=outer_path())
    )
    return installed if has_host else None


def _yaml_host_of_pulumi() -> Installed | None:
    """Returns the YAML host that Pulumi's publisher ships beside the CLI."""
    installed = find_all()["pulumi"]
    if installed is None:
        return None
    host = executable(installed, "pulumi").resolve().with_name("pulumi-language-yaml")
    return Installed(installed.version, installed.origin, host) if host.exists() else None


def _no_download(reason: str) -> None:
    raise Unavailable(reason)


def _terraform_on_path() -> Installed | None:
    return _on_path("terraform", "version", TERRAFORM_MINIMUM) or _on_path("tofu", "version", TERRAFORM_MINIMUM)


def _on_path(name: str, ask: str, minimum: str) -> Installed | None:
    path = shutil.which(name, path=outer_path())
    if path is None:
        return None
    version = _version_of(path, ask)
    return Installed(version, "PATH", Path(path)) if version and Version(version) >= Version(minimum) else None


_NO_NEWER_VERSION = {"CHECKPOINT_DISABLE": "1", "PULUMI_SKIP_UPDATE_CHECK": "true"}
"""Lets Terraform and Pulumi tell their versions without a look for newer ones on the internet, which may take 4 s."""


@functools.cache
def _version_of(path: str, ask: str) -> str | None:
    """Returns the version that a command tells of itself; None if it tells none. It is asked once in a run."""
    try:
        answer = subprocess.run(
            [path, ask],
            env=process_environment(_NO_NEWER_VERSION, RULES),
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\d+\.\d+\.\d+", answer)
    return match[0] if match else None


def _exactly(version: str, installed: Installed | None) -> Installed | None:
    """Returns what is on PATH if it is of a version, and no newer one."""
    return installed if installed and installed.version == version else None


def run(command: list[str], settings: dict[str, str]) -> None:
    """Runs a command that installs something, with settings added to the environment.

    Raises:
        Unavailable: it failed, or took longer than 600 s.
    """
    try:
        done = processes.complete(command, seconds=COMMAND_SECONDS, env=process_environment(settings, RULES), text=True)
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{' '.join(command[:4])} took longer than {COMMAND_SECONDS} s") from error
    if done.returncode:
        raise Unavailable(f"{' '.join(command[:4])} failed: {(done.stderr or done.stdout).strip()[-400:]}")
