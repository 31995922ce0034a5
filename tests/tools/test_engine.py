"""Pure: where a part is found, the ways to get it, and what is said when there is none."""

import errno
import importlib.util
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from packaging.version import Version
from rich.console import Console

from tools import build, engine
from tools.engine import Installed, Part
from tools.errors import ToolsError, Unavailable
from tools.progress import Step

GO_MODULES = sorted(build.MODULES.glob("*/go.mod"))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    return tmp_path / "cache" / "sagebridge"


@pytest.fixture
def tool(tmp_path: Path) -> Callable[[str, str], Path]:
    """Puts a command on PATH that prints a version."""

    def put(name: str, version: str) -> Path:
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/sh\necho {version}\n")
        path.chmod(0o755)
        return path

    return put


def refuse(*_arguments: object) -> None:
    raise Unavailable("https://example.invalid cannot be reached")


def part(folder: Path, **changes: object) -> Part:
    def make(into: Path, _running: Step) -> None:
        (into / "thing").write_text("made")

    fields: dict[str, object] = {
        "name": "thing",
        "version": "1.2.3",
        "folder": folder,
        "on_path": lambda: None,
        "download": refuse,
        "build": make,
        "built_from": ("language-yaml",),
        "install": "Thing 1 or newer (https://example.invalid/install)",
        **changes,
    }
    return Part(**fields)  # type: ignore[arg-type]


@pytest.fixture
def console() -> Console:
    return Console(record=True, width=120, file=open(os.devnull, "w"))  # noqa: PTH123 - lives as long as the test


def test_what_is_on_path_is_used_and_nothing_is_made(own_cache: Path, console: Console) -> None:
    installed = Installed("9.9.9", "PATH", Path("/usr/bin/thing"))
    assert part(own_cache / "thing", on_path=lambda: installed).get(console, "[1/1] thing") == installed
    assert not (own_cache / "thing").exists()
    assert "[1/1] thing: 9.9.9 (PATH)" in console.export_text()


def test_a_part_is_built_when_it_cannot_be_downloaded_and_only_once(own_cache: Path, console: Console) -> None:
    wanted = part(own_cache / "thing")
    assert wanted.get(console, "[1/1] thing").origin == "built"
    assert (own_cache / "thing" / "thing").read_text() == "made"
    never = part(own_cache / "thing", build=lambda *_: pytest.fail("built again"))
    assert never.get(console, "[1/1] thing").origin == "built"


def test_a_download_is_preferred_to_a_build(own_cache: Path, console: Console) -> None:
    wanted = part(own_cache / "thing", download=lambda into, _running: (into / "thing").touch())
    assert wanted.get(console, "thing").origin == "downloaded"


def test_a_broken_off_build_leaves_nothing_that_is_taken_for_a_part(own_cache: Path, console: Console) -> None:
    def break_off(into: Path, _running: Step) -> None:
        (into / "half").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        part(own_cache / "thing", build=break_off).get(console, "thing")
    assert part(own_cache / "thing").find() is None
    assert part(own_cache / "thing").get(console, "thing").origin == "built"
    assert not (own_cache / "thing" / "half").exists()


@pytest.mark.parametrize(
    "full",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        shutil.Error([(f"from/{number}", f"to/{number}", "No space left on device") for number in range(20_000)]),
    ],
    ids=["a file", "20,000 files"],
)
def test_a_full_cache_folder_is_refused_in_one_line(own_cache: Path, console: Console, full: OSError) -> None:
    def fill(into: Path, _running: Step) -> None:
        (into / "half").write_text("half")
        raise full

    with pytest.raises(ToolsError) as failed:
        part(own_cache / "thing", build=fill).get(console, "thing")
    assert failed.value.message == (
        f"{own_cache} cannot be written: No space left on device. The engine needs up to 3 GiB there. "
        "Free space or make it writable, or set XDG_CACHE_HOME to another folder."
    )
    assert list(own_cache.iterdir()) == []


@pytest.mark.parametrize(
    "line",
    [
        "go: creating work dir: mkdir /tmp/go-build1: no space left on device",
        "compile: writing output: write $WORK/b001/_pkg_.a: no space left on device",
        "open /root/.cache/go-build/00/00-a: read-only file system",
        "go: could not create module cache: mkdir /root/go/pkg: permission denied",
        "write /root/go/pkg/mod/cache/x: disk quota exceeded",
    ],
)
def test_a_full_folder_of_gos_is_refused_in_one_line(
    tmp_path: Path, tool: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    tool("go", f"\ncat >&2 <<'.'\n{'# package' + chr(10)}{'message' + chr(10)}{line}\nmore\n.\nexit 1")
    with pytest.raises(ToolsError) as failed:
        build.opentofu(tmp_path / "part", Step("x"))
    assert failed.value.message == (
        f"Go cannot build tofu: {line}. Building needs up to 6 GiB in Go's own caches. Free space there or make it"
        " writable, or set XDG_CACHE_HOME, GOMODCACHE or TMPDIR to another folder."
    )


def test_a_built_part_is_stale_when_its_sources_change(own_cache: Path, console: Console) -> None:
    part(own_cache / "thing").get(console, "thing")
    note = json.loads((own_cache / "thing" / "origin.json").read_text())
    (own_cache / "thing" / "origin.json").write_text(json.dumps({**note, "recipe": "another"}))
    assert part(own_cache / "thing").find() is None


def test_with_nothing_to_be_had_the_message_names_the_part_each_way_and_what_to_install(
    own_cache: Path, console: Console
) -> None:
    def no_go(_into: Path, _running: Step) -> None:
        raise Unavailable("Go is not installed (https://go.dev/dl, 1.25.11 or newer)")

    with pytest.raises(ToolsError) as failed:
        part(own_cache / "thing", build=no_go).get(console, "thing")
    said = failed.value.message
    assert said.startswith("thing is missing:")
    assert "not on PATH" in said
    assert "https://example.invalid cannot be reached" in said
    assert "Go is not installed" in said
    assert "Install Thing 1 or newer (https://example.invalid/install)" in said


def test_without_go_a_build_says_so() -> None:
    with pytest.raises(Unavailable, match="Go is not installed"):
        build.opentofu(Path("/nowhere"), Step("x"))


@pytest.mark.parametrize(("version", "found"), [("v3.238.0", True), ("v3.300.1", True), ("v3.237.9", False)])
def test_pulumi_on_path_must_be_new_enough(tool: Callable[[str, str], Path], version: str, found: bool) -> None:  # noqa: FBT001 - a table
    tool("pulumi", version)
    tool("pulumi-language-python", "")
    pulumi = engine.parts()[0]
    assert (pulumi.find() is not None) == found


def test_pulumi_without_its_python_host_is_not_enough(tool: Callable[[str, str], Path]) -> None:
    tool("pulumi", "v3.300.0")
    assert engine.parts()[0].find() is None


def test_the_yaml_host_is_found_beside_pulumi(tool: Callable[[str, str], Path]) -> None:
    tool("pulumi", "v3.300.0")
    tool("pulumi-language-python", "")
    assert engine.yaml_host().find() is None
    path = tool("pulumi-language-yaml", "")
    assert engine.yaml_host().find() == Installed("3.300.0", "PATH", path)


def test_opentofu_does_for_terraform(tool: Callable[[str, str], Path]) -> None:
    path = tool("tofu", "OpenTofu v1.10.0")
    assert engine.find_all()["terraform"] == Installed("1.10.0", "PATH", path)


def test_a_command_that_does_not_run_is_passed_over(tool: Callable[[str, str], Path]) -> None:
    tool("terraform", "nothing; exit 1")
    assert engine.find_all()["terraform"] is None


@pytest.mark.parametrize("name", ["pulumi", "terraform"])
def test_a_command_looks_for_no_newer_version_of_itself_on_the_internet(
    name: str, tool: Callable[[str, str], Path]
) -> None:
    """Otherwise each word of `make` waits for seconds where the internet does not answer."""
    tool("pulumi-language-python", "")
    path = tool(name, "3.300.0; /usr/bin/env > $0.env")
    engine.find_all()
    told = dict(line.partition("=")[::2] for line in path.with_name(f"{name}.env").read_text().splitlines())
    assert told["CHECKPOINT_DISABLE"] == "1"
    assert told["PULUMI_SKIP_UPDATE_CHECK"] == "true"


def test_this_projects_own_folders_do_not_count_as_path(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{own_cache}/pulumi-3.246.0/bin:/usr/bin")
    assert engine.outer_path() == "/usr/bin"


def test_the_recipe_changes_with_the_modules() -> None:
    assert build.recipe("engine") == build.recipe("engine")
    assert build.recipe("engine") != build.recipe("engine", "provider-aws")


def test_the_recipe_stays_when_python_leaves_bytecode_beside_its_modules(tmp_path: Path) -> None:
    file = tmp_path / "build.py"
    shutil.copyfile(build.__file__, file)
    shutil.copytree(build.MODULES, tmp_path / "go", ignore=shutil.ignore_patterns("__pycache__"))
    recipe = loaded(file).recipe("engine")
    for module in ("engine", "engine/cmd/pulumi-language-python"):
        bytecode = tmp_path / "go" / module / "__pycache__"
        bytecode.mkdir()
        (bytecode / "packages.cpython-311.pyc").write_bytes(b"bytecode")
    assert loaded(file).recipe("engine") == recipe
    (tmp_path / "go/engine/cmd/pulumi-language-python/packages.py").write_text("changed")
    assert loaded(file).recipe("engine") != recipe


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        ('"appautoscaling", ', ""),
        ("-mod=readonly -trimpath", "-mod=readonly"),
        ("-s -w {flags}", "{flags}"),
        ('"*_test.go", "provider_mux.go"', '"*_test.go"'),
        ("pulumi-yaml/pkg/version.Version=v", "pulumi-yaml/pkg/version.Version="),
    ],
    ids=["a service", "a flag of the compiler", "a flag of the linker", "what is copied", "how a version is linked in"],
)
def test_the_recipe_changes_with_the_code_and_the_flags_of_the_build(tmp_path: Path, code: str, changed: str) -> None:
    text = Path(build.__file__).read_text()
    assert text.count(code) == 1
    file = tmp_path / "build.py"
    shutil.copytree(build.MODULES, tmp_path / "go")
    file.write_text(text)
    assert loaded(file).recipe("opentofu") == build.recipe("opentofu")
    file.write_text(text.replace(code, changed))
    assert loaded(file).recipe("opentofu") != build.recipe("opentofu")


def loaded(file: Path) -> ModuleType:
    """Returns the module that a file has."""
    specification = importlib.util.spec_from_file_location(file.stem, file)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


NAMES = {
    name: f"""service "{name}" {{
  names {{
    provider_name_upper = "{name.upper()}"
  }}

  sub_service "{name}_data" {{
    brand = "AWS"
  }}
}}
"""
    for name in ("acm", "sagemaker", "acmpca", "sts")
}
"""The AWS provider's names of its services in miniature."""


@pytest.fixture
def provider(tmp_path: Path) -> Path:
    """A source of the AWS provider in miniature."""
    packages = tmp_path / "internal/provider/sdkv2/service_packages_gen.go"
    clients = tmp_path / "internal/conns/awsclient_gen.go"
    meta = tmp_path / "internal/service/meta"
    for folder in (packages.parent, clients.parent, meta):
        folder.mkdir(parents=True)
    module = "github.com/hashicorp/terraform-provider-aws/internal/service"
    packages.write_text(
        f'import (\n\t"context"\n\t"{module}/acm"\n\t"{module}/sagemaker"\n)\n'
        "v := []X{\n\t\tacm.ServicePackage(ctx),\n\t\tsagemaker.ServicePackage(ctx),\n\t}\n"
    )
    sdk = "github.com/aws/aws-sdk-go-v2/service"
    method = "func (c *AWSClient) {0}Client(ctx context.Context) *{1}.Client {{\n\treturn {1}.New()\n}}\n"
    clients.write_text(
        f'import (\n\t"{sdk}/acm"\n\t"{sdk}/sagemaker"\n)\n'
        + method.format("ACM", "acm")
        + method.format("SM", "sagemaker")
    )
    names = tmp_path / "names/data/names_data.hcl"
    names.parent.mkdir(parents=True)
    names.write_text("# (c)\n\n" + "\n".join(NAMES.values()))
    (meta / "regions_data_source.go").write_text(f'import "{sdk}/ec2"\n')
    (meta / "region_data_source.go").write_text(
        f'import (\n\t"fmt"\n\t"net/url"\n\n\t"github.com/aws/aws-sdk-go-v2/aws"\n\t"{sdk}/ec2"\n)\n\n'
        "func find() {\n\tec2Endpoint(ctx)\n}\n\n"
        "func ec2Endpoint(ctx context.Context) (*url.URL, error) {\n\tif err {\n\t\treturn nil\n\t}\n}\n"
    )
    entry = '\t\t{{\n\t\t\tFactory:  new{0}DataSource,\n\t\t\tName: "{0}",\n\t\t}},\n'
    (meta / "service_package_gen.go").write_text(
        f"x := []Y{{\n{entry.format('Region')}{entry.format('Regions')}{entry.format('Service')}}}\n"
    )
    return tmp_path


def test_trimming_keeps_the_services_that_are_used(provider: Path) -> None:
    build.trim(provider)
    packages = provider / "internal/provider/sdkv2/service_packages_gen.go"
    for file in (packages, provider / "internal/conns/awsclient_gen.go"):
        assert "acm" not in file.read_text()
        assert "sagemaker" in file.read_text()
    assert '"context"' in packages.read_text()


def test_trimming_keeps_of_meta_what_needs_no_ec2(provider: Path) -> None:
    build.trim(provider)
    meta = provider / "internal/service/meta"
    registry = '\t\t{\n\t\t\tFactory:  new{0}DataSource,\n\t\t\tName: "{0}",\n\t\t},\n'
    expected = "".join(registry.replace("{0}", name) for name in ("Region", "Service"))
    assert (meta / "service_package_gen.go").read_text() == f"x := []Y{{\n{expected}}}\n"
    region = (meta / "region_data_source.go").read_text()
    assert region == 'import (\n\t"fmt"\n\n)\n\nfunc find() {\n\tec2Endpoint(ctx)\n}\n\n'
    assert sorted(file.name for file in meta.iterdir()) == ["region_data_source.go", "service_package_gen.go"]


def test_the_next_pulumi_is_kept_beside_the_engine_and_used_when_it_is_on_path(
    own_cache: Path, tool: Callable[[str, str], Path], console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(_version: str, folder: Path, _running: Step) -> None:
        (folder / "bin").mkdir()
        for name in ("pulumi", "pulumi-language-python"):
            tool(name, f"v{engine.PULUMI_NEXT}").rename(folder / "bin" / name)

    monkeypatch.setattr(build, "next_pulumi", make)
    monkeypatch.setattr(engine, "_download_pulumi", refuse)
    built = engine.get_next_pulumi(console)
    assert (built.version, built.origin) == (engine.PULUMI_NEXT, "built")
    assert not built.path.is_relative_to(own_cache)
    assert engine.find_all()["pulumi"] is None
    monkeypatch.setenv("PATH", f"{built.path / 'bin'}:{os.environ['PATH']}")
    assert engine.find_all()["pulumi"] == Installed(engine.PULUMI_NEXT, "PATH", built.path / "bin" / "pulumi")


def test_the_next_pulumi_is_of_the_version_that_its_module_names() -> None:
    module = (build.MODULES / "next" / "go.mod").read_text()
    assert f"\nrequire github.com/pulumi/pulumi/pkg/v3 v{engine.PULUMI_NEXT}\n" in module


def test_the_go_that_is_asked_for_is_the_newest_that_a_module_asks_for() -> None:
    asked = {file.parent.name: re.findall(r"^go (\S+)$", file.read_text(), re.MULTILINE) for file in GO_MODULES}
    assert asked.pop("next") == asked.pop("opentofu-1.12") == [build.MINIMUM_GO_NEXT]
    assert max(Version(version) for versions in asked.values() for version in versions) == Version(build.MINIMUM_GO)


def test_the_other_terraforms_are_kept_beside_the_engine_and_not_taken_for_its_terraform(
    own_cache: Path, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(name: str, folder: Path, _running: Step) -> None:
        (folder / "bin").mkdir()
        (folder / "bin" / "terraform").write_text(name)

    monkeypatch.setattr(build, "other_terraform", make)
    monkeypatch.setattr(engine, "_download_terraform", refuse)
    engine.get_other_terraforms(console)
    for part in engine.other_terraforms():
        installed = part.find()
        assert installed
        assert (installed.version, installed.origin) == (engine.OTHER_TERRAFORMS[part.name], "built")
        assert not installed.path.is_relative_to(own_cache)
        assert engine.executable(installed, "terraform").read_text() == part.name
    assert engine.find_all()["terraform"] is None


def test_another_terraform_is_taken_from_path_if_it_is_of_that_very_version(tool: Callable[[str, str], Path]) -> None:
    path = tool("terraform", "Terraform v1.11.4")
    installed = {part.name: part.find() for part in engine.other_terraforms()}
    assert installed == dict.fromkeys(engine.OTHER_TERRAFORMS) | {"terraform-1.11": Installed("1.11.4", "PATH", path)}


@pytest.mark.parametrize(("name", "version"), engine.OTHER_TERRAFORMS.items())
def test_the_other_terraforms_are_of_the_versions_that_their_modules_name(name: str, version: str) -> None:
    module = (build.MODULES / name / "go.mod").read_text()
    product = "opentofu/opentofu" if name.startswith("opentofu") else "hashicorp/terraform"
    assert f"\nrequire github.com/{product} v{version}\n" in module
    assert version.startswith(f"{name.partition('-')[2]}.")


@pytest.mark.parametrize("parameter", ["", "enc encryption.StateEncryption"], ids=["terraform", "opentofu"])
def test_trimming_a_terraform_leaves_out_backends_and_what_cannot_be_had_or_read(
    tmp_path: Path, parameter: str
) -> None:
    registry = tmp_path / "internal/backend/init/init.go"
    registry.parent.mkdir(parents=True)
    source, argument = "github.com/x/terraform/internal", parameter.partition(" ")[0]
    backends = {"azurerm": "Azure", "http": "HTTP", "local": "Local", "s3": "S3"}
    imports = {name: f'\tbackend{name} "{source}/backend/{name.lower()}"\n' for name in backends.values()}
    makers = {
        name: f'\t\t"{key}": func({parameter}) backend.Backend {{ return backend{name}.New({argument}) }},\n'
        for key, name in backends.items()
    }
    registry.write_text("".join([*imports.values(), *makers.values()]))
    inner = "github.com/hashicorp/terraform/internal/legacy"
    kept = "require (\n\tgithub.com/hashicorp/hcl/v2 v2.24.0\n)\n"
    module = tmp_path / "go.mod"
    module.write_text(
        f"godebug tlskyber=0\n{kept}require (\n\t{inner} v0.0.0-0\n)\n\nreplace {inner} => ./internal/legacy\n"
    )
    build.trim_terraform(tmp_path)
    wanted = ("HTTP", "Local")
    assert registry.read_text() == "".join(lines[name] for lines in (imports, makers) for name in wanted)
    assert module.read_text() == f"{kept}require (\n)\n\n"


def test_trimming_keeps_the_names_of_the_services_that_are_used(provider: Path) -> None:
    build.trim(provider)
    kept = (provider / "names/data/names_data.hcl").read_text()
    assert [line for line in kept.splitlines() if line] == [
        "# (c)",
        *(line for name in ("sagemaker", "sts") for line in NAMES[name].splitlines() if line),
    ]


@pytest.fixture
def judge(tmp_path: Path) -> Path:
    """A library that judges passwords in miniature."""
    frequency, matching = tmp_path / "frequency/frequency.go", tmp_path / "matching/matching.go"
    for file in (frequency, matching):
        file.parent.mkdir()
    frequency.write_text('func init() {\n\tLists["English"] = read()\n}\n')
    matching.write_text("func init() {\n\tloadFrequencyList()\n}\n\nfunc loadFrequencyList() {\n\tmatchers = nil\n}\n")
    return tmp_path


def test_a_judge_of_passwords_reads_its_words_when_it_is_asked(judge: Path) -> None:
    build.change_library("github.com/ccojocar/zxcvbn-go", judge)
    loading = '// Load reads the lists.\nfunc Load() {\n\tLists["English"] = read()\n}\n'
    assert (judge / "frequency/frequency.go").read_text() == loading
    matching = "\nfunc loadFrequencyList() {\n\tfrequency.Load()\n\tmatchers = nil\n}\n"
    assert (judge / "matching/matching.go").read_text() == matching


@pytest.mark.parametrize("name", ["frequency/frequency.go", "matching/matching.go"])
def test_another_judge_than_the_recipe_was_made_for_is_refused(judge: Path, name: str) -> None:
    (judge / name).write_text("package other\n")
    with pytest.raises(Unavailable, match="its version has changed"):
        build.change_library("github.com/ccojocar/zxcvbn-go", judge)


def test_the_framework_of_providers_shows_an_attribute_without_a_copy_of_all(tmp_path: Path) -> None:
    file = tmp_path / "types/basetypes/object_value.go"
    file.parent.mkdir(parents=True)
    file.write_text("for k := range o.Attributes() {\n\to.Attributes()[k].String()\n}\n")
    build.change_library("github.com/hashicorp/terraform-plugin-framework", tmp_path)
    assert file.read_text() == "for k := range o.Attributes() {\n\to.attributes[k].String()\n}\n"
    with pytest.raises(Unavailable, match="its version has changed"):
        build.change_library("github.com/hashicorp/terraform-plugin-framework", tmp_path)


def test_other_names_of_services_than_the_recipe_was_made_for_are_refused(provider: Path) -> None:
    (provider / "names/data/names_data.hcl").write_text("services = []\n")
    with pytest.raises(Unavailable, match="its version has changed"):
        build.trim(provider)


def test_another_source_than_the_recipe_was_made_for_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "internal/provider/sdkv2/service_packages_gen.go"
    file.parent.mkdir(parents=True)
    file.write_text("package sdkv2\n")
    with pytest.raises(Unavailable, match="its version has changed"):
        build.trim(tmp_path)
