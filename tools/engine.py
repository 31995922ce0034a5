"""The engine's parts: where each is found, and the ways to get it when it is not there."""

import fcntl
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
AWS_PROVIDER = "6.34.0"
OPENTOFU = "1.10.10"

COMMAND_SECONDS = 600
"""How long a command that installs something may take."""


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

    def find(self) -> Installed | None:
        """Returns the part if it is on PATH or in the cache."""
        return self.on_path() or self._cached()

    def get(self, console: Console, title: str) -> Installed:
        """Returns the part, downloading or building it if it is not there.

        Raises:
            ToolsError: it is to be had in no way; names each way and what to install.
        """
        if installed := self.find():
            console.print(f"{title}: {installed.version} ({installed.origin})")
            return installed
        reasons = ["it is not on PATH, or too old there"]
        ways = (("downloading", "downloaded", self.download), ("building", "built", self.build))
        for doing, origin, way in ways:
            try:
                with step(console, f"{title}: {doing}") as running, writing_cache():
                    installed = self._fill(way, origin, running)
            except Unavailable as reason:
                reasons.append(str(reason))
                console.print(f"  {str(reason).splitlines()[0]}")
            else:
                console.print(f"{title}: {installed.version} ({origin} in {duration(running.seconds)})")
                return installed
        listed = "\n".join(f"  - {reason}" for reason in reasons)
        raise ToolsError(f"{self.name} is missing:\n{listed}\nInstall {self.install}, then run the command again.")

    def _fill(self, way: Callable[[Path, Step], None], origin: str, running: Step) -> Installed:
        """Gets the part into a folder beside, and puts that in place only when it is whole."""
        partial = cache() / f"{self.name}-{self.version}.new"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        way(partial, running)
        version = self.built_version if origin == "built" and self.built_version else self.version
        note = {"origin": origin, "version": version, "recipe": build.recipe(*self.built_from)}
        (partial / "origin.json").write_text(json.dumps(note))
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        partial.rename(self.folder)
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
            download=lambda folder, running: download.pulumi(PULUMI, folder, running),
            build=lambda folder, running: build.pulumi(PULUMI, folder, running),
            built_from=("engine", "language-python"),
            install=f"Pulumi {PULUMI_MINIMUM} or newer (https://www.pulumi.com/docs/install)"
            f" or Go {build.MINIMUM_GO} or newer (https://go.dev/dl)",
        ),
        _pulumi_plugin("aws", PULUMI_AWS, plugins),
        _pulumi_plugin("terraform", PULUMI_TERRAFORM, plugins),
        Part(
            name="terraform",
            version=TERRAFORM,
            folder=cache() / f"terraform-{TERRAFORM}",
            on_path=_terraform_on_path,
            download=lambda folder, running: download.terraform(TERRAFORM, folder, running),
            build=build.opentofu,
            built_from=("opentofu",),
            built_version=f"OpenTofu {OPENTOFU}",
            install=f"Terraform {TERRAFORM_MINIMUM} or newer (https://developer.hashicorp.com/terraform/install),"
            f" OpenTofu, or Go {build.MINIMUM_GO} or newer (https://go.dev/dl)",
        ),
        Part(
            name="terraform-provider-aws",
            version=AWS_PROVIDER,
            folder=cache() / f"terraform-provider-aws-{AWS_PROVIDER}",
            on_path=lambda: None,  # Terraform finds providers in mirrors, not on PATH
            download=_mirror_provider,
            build=_build_provider,
            built_from=("engine", "provider-aws"),
            install=f"Go {build.MINIMUM_GO} or newer (https://go.dev/dl)",
        ),
    ]


def yaml_host() -> Part:
    """Returns Pulumi's host of programs in YAML, which only tests need."""
    return Part(
        name="pulumi-language-yaml",
        version=PULUMI_YAML,
        folder=cache() / f"pulumi-language-yaml-{PULUMI_YAML}",
        on_path=_yaml_host_of_pulumi,
        download=_no_download,
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
        download=lambda folder, running: download.pulumi(PULUMI_NEXT, folder, running),
        build=lambda folder, running: build.next_pulumi(PULUMI_NEXT, folder, running),
        built_from=("next", "language-python"),
        install=f"Go {build.MINIMUM_GO} or newer (https://go.dev/dl)",
    )
    with one_at_a_time(console):
        return part.get(console, f"the next {part.name}")


def get_all(console: Console) -> dict[str, Installed]:
    """Gets every part; a second checkout waits for the first instead of building the same."""
    with one_at_a_time(console):
        wanted = parts()
        return {
            part.name: part.get(console, f"[{number}/{len(wanted)}] {part.name}")
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


def _pulumi_plugin(name: str, version: str, plugins: Path) -> Part:
    return Part(
        name=f"pulumi-resource-{name}",
        version=version,
        folder=plugins / f"resource-{name}-v{version}",
        on_path=lambda: _on_path(f"pulumi-resource-{name}", "--version", version),
        download=lambda folder, running: _install_plugin(name, version, folder, running),
        build=lambda folder, running: build.pulumi_plugin(name, version, folder, running),
        built_from=("engine", "bridge", "provider-aws") if name == "aws" else ("engine",),
        install=f"Go {build.MINIMUM_GO} or newer (https://go.dev/dl)",
    )


def _install_plugin(name: str, version: str, folder: Path, running: Step) -> None:
    """Lets the CLI install the plugin, as its publisher says, and takes it over into ``folder``."""
    if not download.reachable("https://get.pulumi.com"):
        raise Unavailable("https://get.pulumi.com cannot be reached")
    running.detail = "pulumi plugin install"
    home = folder.with_name(f"{folder.name}.home")
    pulumi = find_all()["pulumi"]
    command = [str(executable(pulumi, "pulumi")), "plugin", "install", "resource", name, version]
    try:
        run(command, {"PULUMI_HOME": str(home)})
        shutil.copytree(home / "plugins" / f"resource-{name}-v{version}", folder, dirs_exist_ok=True)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _mirror_provider(folder: Path, running: Step) -> None:
    """Lets Terraform fetch the provider from its registry, signature checked, into a mirror."""
    if not download.reachable("https://registry.terraform.io/.well-known/terraform.json"):
        raise Unavailable("https://registry.terraform.io cannot be reached")
    running.detail = "terraform providers mirror"
    (folder / "main.tf").write_text(
        'terraform {\n  required_providers {\n    aws = {\n      source  = "hashicorp/aws"\n'
        f'      version = "{AWS_PROVIDER}"\n    }}\n  }}\n}}\n'
    )
    terraform = executable(find_all()["terraform"], "terraform")
    run([str(terraform), f"-chdir={folder}", "providers", "mirror", str(folder / "mirror")], {})
    (folder / "main.tf").unlink()
    _write_terraformrc(folder)


def _build_provider(folder: Path, running: Step) -> None:
    platform = f"linux_{download.architecture()}"
    name = f"terraform-provider-aws_v{AWS_PROVIDER}_x5"
    terraform, tofu = (
        folder / "mirror" / host / "hashicorp" / "aws" / AWS_PROVIDER / platform
        for host in ("registry.terraform.io", "registry.opentofu.org")
    )
    terraform.mkdir(parents=True)
    build.terraform_provider(terraform / name, running)
    tofu.mkdir(parents=True)
    (tofu / name).hardlink_to(terraform / name)
    _write_terraformrc(folder)


def _write_terraformrc(folder: Path) -> None:
    final = cache() / f"terraform-provider-aws-{AWS_PROVIDER}"
    (folder / "terraformrc").write_text(
        "provider_installation {\n"
        f'  filesystem_mirror {{\n    path    = "{final / "mirror"}"\n    include = ["hashicorp/aws"]\n  }}\n'
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


def _no_download(_folder: Path, _running: Step) -> None:
    raise Unavailable("the YAML host is downloaded with Pulumi only")


def _terraform_on_path() -> Installed | None:
    return _on_path("terraform", "version", TERRAFORM_MINIMUM) or _on_path("tofu", "version", TERRAFORM_MINIMUM)


def _on_path(name: str, ask: str, minimum: str) -> Installed | None:
    path = shutil.which(name, path=outer_path())
    if path is None:
        return None
    try:
        version_text = subprocess.run(
            [path, ask], env=process_environment({}, RULES), capture_output=True, text=True, timeout=30, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\d+\.\d+\.\d+", version_text)
    if match is None or Version(match[0]) < Version(minimum):
        return None
    return Installed(match[0], "PATH", Path(path))


def run(command: list[str], settings: dict[str, str]) -> None:
    """Runs a command that installs something, with settings added to the environment.

    Raises:
        Unavailable: it failed, or took longer than 600 s.
    """
    try:
        subprocess.run(
            command,
            env=process_environment(settings, RULES),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"{' '.join(command[:4])} failed: {(error.stderr or error.stdout).strip()[-400:]}") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{' '.join(command[:4])} took longer than {COMMAND_SECONDS} s") from error
