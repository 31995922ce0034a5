"""The README against the code: commands, configuration, outputs and examples; and every link."""

import ast
import re
from collections import Counter
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from tests.stacks import EXAMPLES, PROGRAMS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
LOCAL_FOLDER = "components/sagebridge/local"
LOCAL = (ROOT / LOCAL_FOLDER / "README.md").read_text()
BRIDGE = "".join(page.read_text() for page in (ROOT / "docs").glob("bridge*.md"))
LINK = re.compile(r"\]\((?!http)([^)#]+)[^)]*\)")
CODE = re.compile("`[^`]*`")
PAGES = {
    folder: "".join(page.read_text() for page in (ROOT / folder).glob("*.md"))
    for folder in (".", "components", LOCAL_FOLDER, "docs", "docs/measured")
}
PROJECT: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_every_make_word_is_in_the_readme_and_the_other_way_round() -> None:
    makefile = (ROOT / "Makefile").read_text()
    words = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)) - {"help"}
    assert words == set(re.findall(r"^\| `make ([a-z-]+)`", README, re.MULTILINE))


def test_every_configuration_key_is_in_the_readme_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", README, re.MULTILINE))
    for key, schema in PROJECT["config"].items():
        shown = "" if (cell := rows[key]) == "none" else cell.strip("`")
        default = schema["default"]
        expected = {"True": "true", "False": "false"}.get(str(default), str(default))
        assert shown == expected or (key == "containerImage" and "sagemaker-scikit-learn:1.9-0" in default), key
        assert schema["description"]


def test_every_output_is_in_the_readme() -> None:
    exported = re.findall(r'pulumi\.export\("(\w+)"', (ROOT / "__main__.py").read_text())
    (listed,) = re.findall(r"^Outputs: (.*)\.$", README, re.MULTILINE)
    assert re.findall(r"`(\w+)`", listed) == exported


def test_the_program_stays_short() -> None:
    assert len((ROOT / "__main__.py").read_text().splitlines()) < 40


def test_the_python_example_compiles_and_uses_arguments_that_exist() -> None:
    from sagebridge.endpoint.component import SageMakerEndpointArgs  # noqa: PLC0415 - importing pulumi_aws takes a second

    (example,) = blocks("python")
    keys = {
        key.value
        for node in ast.walk(ast.parse(example))
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    }
    assert keys <= set(SageMakerEndpointArgs.__annotations__)
    assert keys >= SageMakerEndpointArgs.__required_keys__


def test_every_command_in_the_readme_exists() -> None:
    from sagebridge.cli import main  # noqa: PLC0415

    text = (README + LOCAL + BRIDGE).replace("\\\n", " ")
    named = re.findall(r"(?<![\w/-])(?<!from )sagebridge ((?:local )?\w+)([^`#&|\n]*)", text)
    commands = {name: command for name, command in main.commands.items() if name != "local"}
    group = main.commands["local"]
    assert isinstance(group, click.Group)
    commands |= {f"local {name}": command for name, command in group.commands.items()}
    assert {name for name, _ in named} >= commands.keys() - {"local start", "local stop", "local reset"}
    for name, rest in named:
        inner = getattr(commands[name], "commands", {}).values()
        parameters = [parameter for command in (commands[name], *inner) for parameter in command.params]
        options = {option for parameter in parameters for option in parameter.opts}
        assert set(re.findall(r"--[\w-]+", rest)) <= options, (name, rest)


def test_every_time_and_fault_is_in_the_local_readme() -> None:
    from sagebridge.local import FAULTS  # noqa: PLC0415
    from sagebridge.local.times import NAMES  # noqa: PLC0415

    named = set(re.findall(r"`([a-z0-9-]+)`", LOCAL))
    assert {name.replace("_", "-") for name in NAMES} | set(FAULTS) <= named


def test_every_operation_of_the_local_sagemaker_is_in_its_readme() -> None:
    from sagebridge.local.sagemaker.endpoints import Endpoints  # noqa: PLC0415
    from sagebridge.local.sagemaker.resources import Resources  # noqa: PLC0415
    from sagebridge.local.sagemaker.service import SageMaker  # noqa: PLC0415

    resources = Resources({}, lambda _: None)
    operations = SageMaker(resources, Endpoints(resources), lambda _: None, lambda _: None).operations
    kinds = {re.sub("^(Add|Create|Describe|List|Delete|Update)", "", name).removesuffix("s") for name in operations}
    assert all(kind in LOCAL for kind in kinds), kinds


@pytest.mark.parametrize(
    "path",
    sorted({Path(folder, path) for folder, text in PAGES.items() for path in LINK.findall(CODE.sub("", text))}),
    ids=str,
)
def test_every_link_leads_somewhere(path: Path) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize(
    ("page", "folder"), [("README.md", "."), ("CONTRIBUTING.md", "components/sagebridge")], ids=["checkout", "package"]
)
def test_every_room_is_on_its_page(page: str, folder: str) -> None:
    rooms = {path.parent.name for path in (ROOT / folder).glob("*/__init__.py")}
    assert rooms
    assert rooms <= set(re.findall(r"^\| `(\w+)/` \|", (ROOT / page).read_text(), re.MULTILINE))


def test_contributing_names_only_words_of_make_that_exist() -> None:
    named = set(re.findall(r"make (?:-s )?([a-z-]+)", " ".join(re.findall(r"`[^`]*`", CONTRIBUTING))))
    assert named
    assert named <= set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_what_it_survives_is_tested() -> None:
    section = README.partition("## What it survives\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("|")][2:]
    assert rows
    tests = Counter(
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^ *def (\w+)\(", file.read_text(), re.MULTILINE)
    )
    for fault, seen, named in rows:
        names = re.findall(r"`(\w+)`", named)
        assert names, fault
        assert seen.strip(), fault
        assert [name for name in names if tests[name] != 1] == [], fault


def test_every_example_is_short_and_in_the_readme() -> None:
    readme = (ROOT / "examples" / "README.md").read_text()
    default = PROJECT["config"]["containerImage"]["default"]
    assert len(EXAMPLES) > 1
    for folder in EXAMPLES:
        assert f"]({folder.name}/__main__.py) |" in readme
        assert len(PROGRAMS[folder.name].splitlines()) <= 42
        project = yaml.safe_load((folder / "Pulumi.yaml").read_text())
        assert project["name"] == folder.name
        declared = project["config"].get("sagebridge:containerImage")
        assert declared == (default if "containerImage" in PROGRAMS[folder.name] else None)
