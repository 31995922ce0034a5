"""Where models are kept: read as the program of a stack reads it, of any project and from any folder in it."""

import json
from collections.abc import Callable
from pathlib import Path

import pulumi
import pytest

from sagebridge.errors import UserError
from sagebridge.model import inside_base
from sagebridge.model.base import ANSWER, read_base
from sagebridge.testing.mocks import EngineError
from tests.mocks import Monitor, World

Command = Callable[[str, str], Path]
Run = Callable[[Callable[[], object]], Monitor]

PREVIEW = f"""
case "$1" in preview)
  cp Pulumi.read.yaml __main__.py {{folder}}
  cp {{folder}}/answer.json {ANSWER}
esac
"""
"""A stand-in for `pulumi` that keeps the scratch project, and answers for its program."""


def answering(command: Command, folder: Path, **answer: str) -> Path:
    (folder / "answer.json").write_text(json.dumps(answer))
    return command("pulumi", PREVIEW.format(folder=folder))


@pytest.mark.parametrize(
    ("location", "absolute"),
    [
        ("../base/terraform.tfstate", "{base}/terraform.tfstate"),
        ("/base/terraform.tfstate", "/base/terraform.tfstate"),
        ("s3://states/base?region=eu-north-1", "s3://states/base?region=eu-north-1"),
        ("remote://acme/base", "remote://acme/base"),
    ],
)
@pytest.mark.parametrize(("main", "folder"), [("", "."), ("main: infra\n", "infra"), ("main: infra/app.py\n", "infra")])
def test_a_program_reads_the_state_where_the_stacks_own_would(  # noqa: PLR0913 - all that it depends on
    command: Command,
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    location: str,
    absolute: str,
    main: str,
    folder: str,
) -> None:
    (project / "Pulumi.yaml").write_text(f"name: shop\n{main}")
    (project / "infra" / "deep").mkdir(parents=True)
    monkeypatch.chdir(project / "infra" / "deep")
    log = answering(command, tmp_path, bucket="models", prefix="team")

    base = read_base("dev", {"terraformState": location, "aws:region": "eu-west-1", "modelData": "s3://b/k"})

    assert base == ("models", "team")
    assert [line.split()[0] for line in log.read_text().splitlines()] == ["stack", "preview"]
    assert json.loads((tmp_path / "Pulumi.read.yaml").read_text())["config"] == {
        "shop:terraformState": absolute.format(base=(project / folder).parent / "base"),
        "aws:region": "eu-west-1",
    }
    assert "inside_base.note()" in (tmp_path / "__main__.py").read_text()


@pytest.mark.usefixtures("project")
def test_a_stack_that_does_not_name_a_state_is_told_how(command: Command) -> None:
    log = command("pulumi", "true")

    with pytest.raises(UserError) as refused:
        read_base("dev", {"terraformState": ""})

    assert "the stack dev of the project shop has no terraformState" in refused.value.message
    assert "`pulumi config set terraformState LOCATION --stack dev`" in refused.value.message
    assert "\n" not in refused.value.message
    assert not log.exists()


@pytest.mark.usefixtures("project")
def test_a_location_of_another_form_is_refused() -> None:
    with pytest.raises(UserError, match="'gs://states/base' is not the location of a Terraform state"):
        read_base("dev", {"terraformState": "gs://states/base"})


@pytest.mark.usefixtures("project")
def test_what_the_reader_refuses_is_one_line_that_names_the_other_way(command: Command, tmp_path: Path) -> None:
    answering(command, tmp_path, problem="The Terraform state x has no output 'bucket_name' (it has: models)")

    with pytest.raises(UserError) as refused:
        read_base("dev", {"terraformState": "x"})

    assert refused.value.message == (
        "The Terraform state x has no output 'bucket_name' (it has: models); or name a bucket with --bucket"
    )


@pytest.fixture
def answer(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], dict[str, str]]:
    """Runs the program of the scratch project, and returns its answer."""
    monkeypatch.chdir(tmp_path)
    pulumi.runtime.set_all_config({"sagebridge:terraformState": "/base.tfstate"})

    def answer() -> dict[str, str]:
        run(inside_base.note)
        answered: dict[str, str] = json.loads(Path(ANSWER).read_text())
        return answered

    return answer


def test_the_program_answers_with_the_bases_outputs(answer: Callable[[], dict[str, str]], world: World) -> None:
    world.terraform_outputs = {
        "bucket_name": "models",
        "execution_role_arn": "r",
        "model_prefix": "team",
        "token": "hunter2",
    }
    assert answer() == {"bucket": "models", "prefix": "team"}


def test_the_program_answers_with_what_is_wrong(answer: Callable[[], dict[str, str]], world: World) -> None:
    world.terraform_outputs = EngineError("there is no state")
    assert "there is no state" in answer()["problem"]
