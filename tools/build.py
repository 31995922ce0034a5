"""Builds the engine's parts with the Go toolchain, from modules pinned in ``tools/go``.

The AWS provider is far too large to build whole, so its source is copied out of Go's module cache and its registries
are cut down to the services that an endpoint stands beside. Pulumi's bridge is copied too, without the file that
imports its code generator, as that needs modules that no proxy serves. Three libraries are copied and changed, because
they did much work that commands do not need. Go's own build cache lets a broken-off build go on.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from packaging.version import Version

from sagebridge import processes
from tools.errors import ToolsError, Unavailable
from tools.paths import cache
from tools.progress import Step

MODULES = Path(__file__).parent / "go"
MINIMUM_GO = "1.25.11"
"""What pulumi/pkg v3.246.0 asks for; an older Go may fetch a newer toolchain by itself (GOTOOLCHAIN=auto)."""
MINIMUM_GO_NEXT = "1.26.6"
"""What the Pulumi of ``make next`` asks for."""

SERVICES = (
    *("appautoscaling", "cloudwatch", "ecr", "iam", "kms", "logs", "meta", "s3", "s3control", "sagemaker", "sns"),
    *("sqs", "sts"),
)
"""Packages under the provider's ``internal/service`` that are kept."""
CLIENTS = (
    *("applicationautoscaling", "cloudwatch", "cloudwatchlogs", "ecr", "iam", "kms", "s3", "s3control", "sagemaker"),
    *("sns", "sqs", "sts"),
    *("apigatewayv2", "resourcegroupstaggingapi"),  # other code of the provider imports these two
)
"""AWS SDK clients that are kept."""
GO_NEEDS = "6 GiB"
"""What a build takes in Go's caches: compiled packages, modules, and the archives that they came in."""
_UNWRITABLE = re.compile(
    r"^.*\b(open|mkdir|write|rename) .*"
    r"(no space left on device|disk quota exceeded|read-only file system|permission denied)",
    re.MULTILINE,
)
BACKENDS = ("Local", "Remote", "HTTP", "Inmem", "Cloud")
"""What the other versions of Terraform keep of their backends, by the names of their imports. The others need clients
of clouds that take long to build, and Terraform 1.9 and newer have them in modules that no proxy serves."""

META_NEEDS_EC2 = {
    "service_package_gen.go": (r"^\t\t\{\n\t\t\tFactory:  newRegionsDataSource,\n(?:\t\t\t.*\n)*\t\t\},\n",),
    "region_data_source.go": (
        r'^\t"(?:net/url|github\.com/aws/aws-sdk-go-v2/(?:aws|service/ec2))"\n',
        r"^func ec2Endpoint\(.*\n(?:.*\n)*?\}\n",
    ),
}
"""What is cut out of the files of the package ``meta`` as it needs EC2, which is far too large: the data source
``aws_regions``, and the function whose place ``tools/go/provider-aws/overlay`` takes."""

WORDS_WHEN_ASKED = {
    "frequency/frequency.go": ((r"^func init\(\) \{$", "// Load reads the lists.\nfunc Load() {"),),
    "matching/matching.go": (
        (r"^func init\(\) \{\n\tloadFrequencyList\(\)\n\}\n", ""),  # Omnimatch does so where nobody did before
        (r"^func loadFrequencyList\(\) \{$", "func loadFrequencyList() {\n\tfrequency.Load()"),
    ),
}
"""What is changed in a library that judges passwords, so that it reads its words when Pulumi first asks it.

That is when a setting is judged. Two such libraries took 24 ms each of the start of every command.
"""
LIBRARIES: dict[str, dict[str, tuple[tuple[str, str], ...]]] = {
    "github.com/ccojocar/zxcvbn-go": WORDS_WHEN_ASKED,
    "github.com/nbutton23/zxcvbn-go": WORDS_WHEN_ASKED,
    "github.com/hashicorp/terraform-plugin-framework": {
        "types/basetypes/object_value.go": ((r"\bo\.Attributes\(\)\[k\]", "o.attributes[k]"),)
    },
}
"""What is changed in libraries, by module and file: patterns with what takes their place.

The framework of Terraform's providers copied all attributes of an object to show one of them. A provider's block
``endpoints`` has more than 300, and its paths are shown for each, so its check took 1 s.
"""


def recipe(*modules: str) -> str:
    """Returns a short digest of all that a build from ``modules`` depends on, to tell a stale result.

    That is this file, which decides what is cut out and how Go is called, and the files of the modules. Bytecode is not
    among them: Python leaves it beside a module of the language host when that is run or tested.
    """
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for module in modules:
        for file in sorted((MODULES / module).rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(file.relative_to(MODULES).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def pulumi(version: str, folder: Path, running: Step) -> None:
    """Builds the CLI and its Python language host into ``folder/bin``."""
    _pulumi(_engine(running), version, folder, running)


def next_pulumi(version: str, folder: Path, running: Step) -> None:
    """Builds the same of the version of ``tools/go/next``."""
    _pulumi(MODULES / "next", version, folder, running)


def _pulumi(module: Path, version: str, folder: Path, running: Step) -> None:
    flags = f"-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{version}"
    binaries = folder / "bin"
    _compile(module, "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", binaries / "pulumi", running, flags)
    host = "pulumi-language-python"
    _compile(_engine(running), f"./cmd/{host}", binaries / host, running, flags)
    sdk = _module(module, "github.com/pulumi/pulumi/sdk/v3")
    script = binaries / "pulumi-language-python-exec"
    shutil.copyfile(sdk / "python" / "cmd" / script.name, script)
    script.chmod(0o755)


def yaml_host(version: str, folder: Path, running: Step) -> None:
    """Builds Pulumi's YAML host into ``folder/bin``."""
    flags = f"-X github.com/pulumi/pulumi-yaml/pkg/version.Version=v{version}"
    host = "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml"
    _compile(MODULES / "language-yaml", host, folder / "bin" / "pulumi-language-yaml", running, flags)


def pulumi_plugin(name: str, version: str, folder: Path, running: Step) -> None:
    """Builds ``pulumi-resource-<name>`` into ``folder``."""
    command = f"pulumi-resource-{name}"
    flags = f"-X main.version={version} -X main.services={','.join(SERVICES)}"
    _compile(_engine(running), f"./cmd/{command}", folder / command, running, flags)


def terraform_provider(executable: Path, running: Step) -> None:
    """Builds the trimmed AWS provider for Terraform as ``executable``."""
    _compile(_engine(running), "github.com/hashicorp/terraform-provider-aws", executable, running)


def opentofu(folder: Path, running: Step) -> None:
    """Builds OpenTofu into ``folder/bin``, under the name ``terraform`` too."""
    flags = "-X github.com/opentofu/opentofu/version.dev=no"
    _compile(MODULES / "opentofu", "github.com/opentofu/opentofu/cmd/tofu", folder / "bin" / "tofu", running, flags)
    (folder / "bin" / "terraform").symlink_to("tofu")


def other_terraform(name: str, folder: Path, running: Step) -> None:
    """Builds the Terraform or OpenTofu of ``tools/go/<name>`` into ``folder/bin/terraform``, without most backends."""
    path, command = {
        "terraform": ("github.com/hashicorp/terraform", "github.com/hashicorp/terraform"),
        "opentofu": ("github.com/opentofu/opentofu", "github.com/opentofu/opentofu/cmd/tofu"),
    }[name.partition("-")[0]]
    running.detail = f"copying the source of {name}"
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        source = Path(scratch, "source")
        _copy(_module(MODULES / name, path), source, "docs", "website", "testdata", "*_test.go")
        trim_terraform(source)
        _compile(source, command, folder / "bin" / "terraform", running, f"-X {path}/version.dev=no")


def trim_terraform(source: Path) -> None:
    """Cuts a Terraform's source down to ``BACKENDS``, and its go.mod to what every proxy serves and every Go reads."""
    registry = source / "internal/backend/init/init.go"
    text = _keep(registry.read_text(), r'^\tbackend(\w+) "\S+"\n', BACKENDS)
    constructor = r'^\t\t"\w+": +func\(.*?\) backend\.Backend \{ return backend(\w+)\.New\(.*\) \},\n'
    registry.write_text(_keep(text, constructor, BACKENDS))
    requirements = source / "go.mod"
    inner = r"^(?:replace |\t)github\.com/hashicorp/terraform/internal/\S+ .*\n"
    setting = r"^godebug \w+=.*\n"  # of Terraform 1.11 and its Go; newer ones do not know it
    requirements.write_text(re.sub(f"{inner}|{setting}", "", requirements.read_text(), flags=re.MULTILINE))


def trim(source: Path) -> None:
    """Cuts the provider's source down to ``SERVICES`` and ``CLIENTS``, and ``meta`` to what needs no EC2."""
    packages = source / "internal/provider/sdkv2/service_packages_gen.go"
    text = packages.read_text()
    text = _keep(text, r'^\t"github\.com/hashicorp/terraform-provider-aws/internal/service/(\w+)"\n', SERVICES)
    packages.write_text(_keep(text, r"^\t\t(\w+)\.ServicePackage\(ctx\),\n", SERVICES))
    clients = source / "internal/conns/awsclient_gen.go"
    text = _keep(clients.read_text(), r'^\t"github\.com/aws/aws-sdk-go-v2/service/(\w+)"\n', CLIENTS)
    method = r"^func \(c \*AWSClient\) \w+\(ctx context\.Context\) \*(\w+)\.Client \{\n(?:.*\n)*?\}\n"
    clients.write_text(_keep(text, method, CLIENTS))
    meta = source / "internal/service/meta"
    (meta / "regions_data_source.go").unlink()
    for name, patterns in META_NEEDS_EC2.items():
        text = (meta / name).read_text()
        for pattern in patterns:
            text = _keep(text, pattern, ())
        (meta / name).write_text(text)
    names = source / "names/data/names_data.hcl"  # all of it takes 44 ms to read, at each start
    names.write_text(_keep(names.read_text(), r'^service "(\w+)" \{\n(?:.*\n)*?\}\n', SERVICES))


def change_library(path: str, source: Path) -> None:
    """Makes the changes of ``LIBRARIES`` in the source of the module ``path``."""
    for name, changes in LIBRARIES[path].items():
        text = (source / name).read_text()
        for pattern, replacement in changes:
            text = _substitute(text, pattern, replacement)
        (source / name).write_text(text)


def _keep(text: str, pattern: str, names: tuple[str, ...]) -> str:
    return _substitute(text, pattern, lambda match: match[0] if names and match[1] in names else "")


def _substitute(text: str, pattern: str, replacement: str | Callable[[re.Match[str]], str]) -> str:
    changed, count = re.subn(pattern, replacement, text, flags=re.MULTILINE)
    if not count:
        raise Unavailable(f"the source that is built has nothing like {pattern!r}; its version has changed")
    return changed


def _engine(running: Step) -> Path:
    """Returns the build folder: ``tools/go/engine``, with the modules that are changed in folders of it."""
    folder = cache() / f"source-{recipe('engine', 'bridge', 'libraries', 'provider-aws')}"
    if folder.is_dir():
        return folder
    for stale in cache().glob("source-*"):
        shutil.rmtree(stale)
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(MODULES / "engine", partial)
    running.detail = "fetching the AWS provider's source"
    upstream = provider_source()
    running.detail = "copying the AWS provider's source"
    _copy(upstream, partial / "aws", "docs", "website", "examples", "infrastructure", "testdata", "*_test.go")
    trim(partial / "aws")
    shutil.copytree(MODULES / "provider-aws" / "overlay", partial / "aws", dirs_exist_ok=True)
    running.detail = "fetching the source of Pulumi's bridge"
    bridge = _module(MODULES / "bridge", "github.com/pulumi/pulumi-terraform-bridge/v3")
    _copy(bridge, partial / "bridge", "docs", "dynamic", "tests", "testdata", "*_test.go", "provider_mux.go")
    running.detail = "fetching the source of libraries"
    for path in LIBRARIES:
        library = partial / "libraries" / path
        _copy(_module(MODULES / "libraries", path), library, "website", "testdata", "*_test.go")
        if not (library / "go.mod").exists():  # one of them is older than Go's modules
            (library / "go.mod").write_text(f"module {path}\n")
        change_library(path, library)
    partial.rename(folder)
    return folder


def provider_source() -> Path:
    """Downloads the whole source of the AWS provider, with its tests and its documentation, and returns where it lies.

    Raises:
        Unavailable: Go is missing, or cannot download it.
    """
    return _module(MODULES / "provider-aws", "github.com/hashicorp/terraform-provider-aws")


def _copy(source: Path, target: Path, *unused: str) -> None:
    """Copies a module out of Go's cache, which is read-only, without what is not needed for a build."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*unused), copy_function=shutil.copyfile)
    for folder in (target, *target.rglob("*")):
        if folder.is_dir():
            folder.chmod(0o755)


def _module(folder: Path, path: str) -> Path:
    """Downloads a module of ``folder/go.mod``, checked against its ``go.sum``, and returns where it lies."""
    command = [_go(), "mod", "download", "-json", path]
    result = processes.complete(command, seconds=None, cwd=folder, env=_environment(), text=True)
    answer = json.loads(result.stdout) if result.stdout else {"Error": result.stderr}
    if "Dir" not in answer:
        raise _failure(f"download {path}", answer.get("Error", ""))
    return Path(answer["Dir"])


def _compile(module: Path, package: str, executable: Path, running: Step, flags: str = "") -> None:
    name = package.rsplit("/", 1)[-1]
    executable.parent.mkdir(parents=True, exist_ok=True)
    command = [_go(), "build", "-v", "-ldflags", f"-s -w {flags}", "-o", str(executable), package]
    compiled, messages = 0, []
    with processes.session(
        command, cwd=module, env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None  # noqa: S101 - it is a pipe
        for line in process.stderr:  # -v names each package as it is compiled; all else is a message
            if re.fullmatch(r"[\w.~/-]+\n", line):
                compiled += 1
                running.detail = f"{name}: {compiled} packages compiled"
            else:
                messages.append(line)
        process.wait()
    if process.returncode:
        raise _failure(f"build {name}", "".join(messages))


def _failure(attempt: str, output: str) -> Exception:
    """Returns what to raise when Go fails: a disk that is full or cannot be written is for the user to mend."""
    if line := _UNWRITABLE.search(output):
        return ToolsError(
            f"Go cannot {attempt}: {line[0].strip()}. Building needs up to {GO_NEEDS} in Go's own caches."
            " Free space there or make it writable, or set XDG_CACHE_HOME, GOMODCACHE or TMPDIR to another folder."
        )
    first, *others = output.strip().splitlines()[-15:] or [""]
    return Unavailable("\n".join([f"Go cannot {attempt}: {first}", *others]))


def _environment() -> dict[str, str]:
    settings = {
        "CGO_ENABLED": "0",  # no C compiler needed
        **dict.fromkeys(("GO111MODULE", "GOARCH", "GOEXPERIMENT", "GOOS"), ""),  # this machine, whatever the shell has
        "GOFLAGS": "-buildvcs=false -mod=readonly -trimpath",
        "GOWORK": "off",
    }
    return {**os.environ, **settings}


def _go() -> str:
    go = shutil.which("go")
    if go is None:
        raise Unavailable(f"Go is not installed (https://go.dev/dl, {MINIMUM_GO} or newer)")
    if os.environ.get("GOTOOLCHAIN") == "local":
        version = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout
        if Version(version.strip().removeprefix("go")) < Version(MINIMUM_GO):
            raise Unavailable(f"{go} is {version.strip()}; {MINIMUM_GO} or newer is needed (https://go.dev/dl)")
    return go
