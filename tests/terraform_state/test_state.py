"""Any state is read into a program: with mocks as a user's unit test has them, and as on an engine."""

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pytest

from sagebridge import TerraformState, _sdk
from sagebridge.state_location import S3Object
from sagebridge.terraform_state import state
from sagebridge.terraform_state.fetch import FetchedObject
from sagebridge.testing.mocks import EngineError
from tests.mocks import Monitor, World

Run = Callable[[Callable[[], object]], Monitor]
REACHED = {"region": "eu-north-1", "endpoint": "http://127.0.0.1:1", "force_path_style": True, "access_key": "A"}


@pytest.fixture
def on_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine is there as far as the reader knows; the mocks answer for it."""
    monkeypatch.setattr(_sdk, "runs_on_engine", lambda: True)


def read(run: Run, location: str, **arguments: Any) -> Mapping[str, Any]:
    states: list[TerraformState] = []
    run(lambda: states.append(TerraformState.read(location, **arguments)))
    return states[0].outputs


def is_secret(value: object) -> bool:
    return isinstance(value, pulumi.Output) and asyncio.get_event_loop().run_until_complete(value.is_secret())


def text(outputs: Mapping[str, Any]) -> str:
    described = {
        name: {"value": value, "type": "dynamic", "sensitive": name == "token"} for name, value in outputs.items()
    }
    return json.dumps({"version": 4, "outputs": described})


def test_a_state_need_not_have_any_output(run: Run, world: World) -> None:
    world.terraform_outputs = {}
    assert dict(read(run, "/base.tfstate")) == {}


def test_whole_numbers_are_integers(run: Run, world: World) -> None:
    world.terraform_outputs = {"count": 2, "half": 2.5, "nested": [{"zero": 0}]}
    outputs = read(run, "/base.tfstate")
    assert json.dumps(dict(outputs), sort_keys=True) == '{"count": 2, "half": 2.5, "nested": [{"zero": 0}]}'


@pytest.mark.parametrize("number", [2**53 + 1, -(2**53) - 1, 2**64])
def test_a_number_that_was_rounded_is_refused(run: Run, world: World, number: int) -> None:
    world.terraform_outputs = {"big": number}
    outputs = read(run, "/base.tfstate")
    with pytest.raises(pulumi.RunError, match=r"The output 'big' of the Terraform state .* beyond 2\^53"):
        outputs["big"]


@pytest.mark.usefixtures("on_engine")
def test_the_text_tells_what_the_engine_loses(run: Run, world: World, tmp_path: Path) -> None:
    values: dict[str, Any] = {"most": 2**53, "all": {"null": None, "list": [None, 1]}, "null": None, "token": "hunter2"}
    (tmp_path / "base.tfstate").write_text(text(values))
    world.terraform_outputs = values
    outputs = read(run, str(tmp_path / "base.tfstate"))
    assert is_secret(outputs["token"])
    assert {name: value for name, value in outputs.items() if name != "token"} == {
        name: value for name, value in values.items() if name != "token"
    }


@pytest.mark.usefixtures("on_engine")
@pytest.mark.parametrize("content", ["", "{", "{}", '{"version": 3}', '{"encrypted_data": "x"}', None])
def test_a_wrong_text_is_refused_before_the_plugin_sees_it(
    run: Run, world: World, tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "base.tfstate").write_text(content)
    with pytest.raises(pulumi.RunError, match=f"^Cannot read the Terraform state {tmp_path}/base.tfstate: ") as refused:
        read(run, str(tmp_path / "base.tfstate"))
    assert "\n" not in str(refused.value)
    assert world.calls == []


@pytest.mark.usefixtures("on_engine")
def test_an_object_is_read_as_it_was_reached(run: Run, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    locations = []

    def fetch_object(location: S3Object) -> FetchedObject:
        locations.append(location)
        return FetchedObject(text({"token": "hunter2", "zone": "b"}).encode(), REACHED)

    monkeypatch.setattr(state, "fetch_object", fetch_object)
    world.terraform_outputs = {"token": "hunter2", "zone": "b"}
    outputs = read(run, "s3://states/base?profile=ops", region="eu-west-1")
    assert locations == [S3Object("states", "base", region="eu-west-1", profile="ops")]
    assert outputs["zone"] == "b"
    assert is_secret(outputs["token"])
    (call,) = world.calls
    assert {name: value for name, value in call.args.items() if value is not None} == {
        "bucket": "states",
        "key": "base",
        "region": "eu-north-1",
        "endpoint": "http://127.0.0.1:1",
        "forcePathStyle": True,
        "accessKey": "A",
    }


def test_a_unit_test_reaches_no_network(run: Run, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(state, "fetch_object")
    world.terraform_outputs = {"zone": "b"}
    assert read(run, "s3://states/base")["zone"] == "b"


def test_outputs_are_secrets_by_name(run: Run, world: World) -> None:
    world.terraform_outputs = {"token": "hunter2", "plain": "p"}
    outputs = read(run, "remote://acme/base", secret_outputs=["token"])
    assert is_secret(outputs["token"])
    assert outputs["plain"] == "p"


def test_a_secret_that_is_not_there_is_refused(run: Run, world: World) -> None:
    world.terraform_outputs = {"token": "hunter2"}
    with pytest.raises(
        pulumi.RunError, match="secret_outputs names 'tokn', which the Terraform state remote://acme/base"
    ):
        read(run, "remote://acme/base", secret_outputs=["tokn"])


@pytest.mark.usefixtures("on_engine")
def test_a_workspace_is_read_with_the_token_of_its_host(
    run: Run, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.terraform_outputs = {}
    monkeypatch.setenv("TF_TOKEN_tfe_acme_com", "hunter2")
    read(run, "remote://acme/base?hostname=tfe.acme.com")
    assert world.calls[0].args["token"] == "hunter2"  # noqa: S105 - a test's


def test_what_the_plugin_says_is_one_line(run: Run, world: World) -> None:
    words = "it is denied:\n\tstatus code: 403, request id: "
    world.terraform_outputs = EngineError(f"invocation of x returned an error: {words}")
    with pytest.raises(
        pulumi.RunError, match=r"remote://acme/base: it is denied: status code: 403, request id: \(apply"
    ):
        read(run, "remote://acme/base")


@pytest.mark.parametrize("location", [None, Path("base.tfstate"), 3])
def test_a_location_that_is_no_text_is_one_line(run: Run, location: Any) -> None:
    with pytest.raises(pulumi.RunError, match="is not the location of a Terraform state: it must be a path"):
        read(run, location)


@pytest.mark.parametrize("form", [lambda output: output, "{0}".format, "s3://states/{0}".format])
def test_a_location_that_is_an_output_is_one_line(run: Run, form: Any) -> None:
    with pytest.raises(pulumi.RunError, match="must be plain text, not an output: the state is read while the program"):
        run(lambda: TerraformState.read(form(pulumi.Output.from_input("base.tfstate"))))
