"""Where models are kept: read as the program of a stack reads it, of any project and from any folder in it."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sagebridge import processes
from sagebridge.errors import UserError
from sagebridge.model.base import read_base
from sagebridge.scratch_stack import ScratchStack
from sagebridge.testing import MockedEngine
from sagebridge.testing.mocks import EngineError
from tests.mocks import World

OUTPUTS = {"bucket_name": "models", "execution_role_arn": "arn:aws:iam::123456789012:role/r", "model_prefix": "team"}


@pytest.fixture
def engine(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Runs the programs of scratch stacks with mocks, which have the state's outputs."""

    def run_with(_stack: ScratchStack, program: Callable[[], None], command: str) -> None:
        assert command == "preview"
        MockedEngine(world).run(program, preview=True)

    monkeypatch.setattr(ScratchStack, "run_with", run_with)
    world.terraform_outputs = {**OUTPUTS, "token": "hunter2"}
    return world


@pytest.mark.parametrize(("main", "folder"), [("", "."), ("main: infra\n", "infra"), ("main: infra/app.py\n", "infra")])
@pytest.mark.parametrize(
    ("location", "path"),
    [("../base/terraform.tfstate", "{folder}/../base/terraform.tfstate"), ("/base.tfstate", "/base.tfstate")],
)
def test_a_relative_path_is_that_of_the_folder_where_the_program_runs(  # noqa: PLR0913 - all that it depends on
    engine: World,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    main: str,
    folder: str,
    location: str,
    path: str,
) -> None:
    (project / "Pulumi.yaml").write_text(f"name: shop\n{main}")
    (project / "infra" / "deep").mkdir(parents=True)
    monkeypatch.chdir(project / "infra" / "deep")

    assert read_base("dev", {"terraformState": location}) == ("models", "team")

    (call,) = engine.calls
    assert call.args["path"] == str(Path(path.format(folder=project / folder)).resolve())


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("location", "arguments"),
    [
        ("s3://states/base?region=eu-north-1", {"bucket": "states", "key": "base", "region": "eu-north-1"}),
        ("s3://states/base", {"bucket": "states", "key": "base", "region": "eu-west-1"}),
        ("remote://acme/base", {"organization": "acme", "workspaces": {"name": "base"}}),
    ],
)
def test_a_state_elsewhere_is_read_as_the_program_reads_it(
    aws: pytest.MonkeyPatch, nobody: str, engine: World, location: str, arguments: dict[str, object]
) -> None:
    aws.setenv("AWS_ENDPOINT_URL", nobody)
    aws.setenv("AWS_MAX_ATTEMPTS", "1")

    assert read_base("dev", {"terraformState": location, "aws:region": "eu-west-1"}) == ("models", "team")

    (call,) = engine.calls
    assert arguments.items() <= call.args.items()


@pytest.mark.usefixtures("project")
def test_a_stack_that_does_not_name_a_state_is_told_how(engine: World) -> None:
    with pytest.raises(UserError) as refused:
        read_base("dev", {"terraformState": ""})

    assert "the stack dev of the project shop has no terraformState" in refused.value.message
    assert "`pulumi config set terraformState LOCATION --stack dev`" in refused.value.message
    assert "\n" not in refused.value.message
    assert engine.calls == []


@pytest.mark.usefixtures("project")
def test_a_location_of_another_form_is_refused() -> None:
    with pytest.raises(UserError, match="'gs://states/base' is not the location of a Terraform state"):
        read_base("dev", {"terraformState": "gs://states/base"})


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        (EngineError("there is no state"), "there is no state"),
        ({"models_bucket": "models"}, "has no output 'bucket_name' (it has: models_bucket)"),
    ],
)
def test_what_the_reader_refuses_is_one_line_that_names_the_other_way(
    engine: World, outputs: dict[str, str] | Exception, said: str
) -> None:
    engine.terraform_outputs = outputs

    with pytest.raises(UserError) as refused:
        read_base("dev", {"terraformState": "/base.tfstate"})

    assert said in refused.value.message
    assert refused.value.message.endswith("; or name a bucket with --bucket")
    assert "\n" not in refused.value.message


@pytest.mark.usefixtures("project")
def test_an_engine_that_fails_gives_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def complete(command: Sequence[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 255, "", "error: it is out of date.\nUpdate it.\n")

    monkeypatch.setattr(processes, "complete", complete)

    with pytest.raises(UserError) as refused:
        read_base("dev", {"terraformState": "/base.tfstate"})

    assert "/base.tfstate cannot be read: `pulumi preview` failed with exit code 255: error:" in refused.value.message
    assert refused.value.message.endswith("error: it is out of date. Update it.; or name a bucket with --bucket")


@pytest.mark.usefixtures("project")
def test_the_outputs_of_the_base_may_have_other_names(engine: World) -> None:
    engine.terraform_outputs = {"models_bucket": "acme", "role": OUTPUTS["execution_role_arn"], "folder": "scores"}
    names = '{"bucket_name": "models_bucket", "execution_role_arn": "role", "model_prefix": "folder"}'

    assert read_base("dev", {"terraformState": "/base.tfstate", "terraformOutputs": names}) == ("acme", "scores")


@pytest.mark.usefixtures("project", "engine")
@pytest.mark.parametrize("names", ["models_bucket", "[]", "3"])
def test_names_of_outputs_that_are_no_object_are_refused(names: str) -> None:
    with pytest.raises(UserError, match=r"--path terraformOutputs\.bucket_name NAME --stack dev"):
        read_base("dev", {"terraformState": "/base.tfstate", "terraformOutputs": names})
