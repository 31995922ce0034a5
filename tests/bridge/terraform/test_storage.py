"""A state in its place: written whole, never over another's change, and not at all where it is locked."""

import json
import uuid
from pathlib import Path

import pytest

from sagebridge.bridge.terraform.state import read_state
from sagebridge.bridge.terraform.storage import state_storage
from sagebridge.errors import UserError
from tests.conftest import Aws, Base


def test_a_file_is_read_and_written_for_its_owner_only(tmp_path: Path) -> None:
    storage = state_storage(str(tmp_path / "state"))
    assert storage.read() is None
    storage.write("{}")
    assert storage.read() == "{}"
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o600
    assert storage.backend() == ("local", {"path": str(tmp_path / "state")})


@pytest.mark.parametrize(
    ("lock", "holder"),
    [
        ({"ID": "77", "Who": "ann@host", "Operation": "apply", "Created": "now"}, "who ann@host, operation apply"),
        ({"ID": "77"}, "the lock does not say by whom"),
        ([], "the lock does not say by whom"),
    ],
)
def test_a_file_that_is_locked_is_refused(tmp_path: Path, lock: object, holder: str) -> None:
    (tmp_path / ".state.lock.info").write_text(json.dumps(lock))
    with pytest.raises(UserError, match=f"state is locked: {holder}.*terraform force-unlock"):
        state_storage(str(tmp_path / "state")).read()


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"\xff")
    with pytest.raises(UserError, match="it is not text but binary"):
        state_storage(str(tmp_path / "state")).read()


def test_a_folder_and_a_file_that_is_not_there_are_refused_with_what_terraform_keeps_there(tmp_path: Path) -> None:
    for file in ("terraform.tfstate.d/dev/terraform.tfstate", ".terraform/terraform.tfstate"):
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).write_text("{}")
    files = (
        rf"In that folder, Terraform keeps {tmp_path}/terraform.tfstate.d/dev/terraform.tfstate, {tmp_path}/.terraform/"
    )
    with pytest.raises(UserError, match=f"it is a folder. {files}"):
        state_storage(str(tmp_path)).read()
    with pytest.raises(UserError, match=f"there is no Terraform state {tmp_path}/terraform.tfstate: .*{files}"):
        read_state(state_storage(str(tmp_path / "terraform.tfstate")))


def test_an_object_is_read_with_the_locations_region_and_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text("[profile ops]\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    place = {"bucket": "b", "key": "k"}
    assert state_storage("s3://b/k").backend() == ("s3", place | {"region": "us-east-1"})
    assert state_storage("s3://b/k?region=x").backend() == ("s3", place | {"region": "x"})
    assert state_storage("s3://b/k?profile=ops").backend() == (
        "s3",
        place | {"region": "eu-west-1", "profile": "ops"},
    )
    with pytest.raises(UserError, match=r"s3://b/k\?profile=none cannot be reached: .*profile.*none"):
        state_storage("s3://b/k?profile=none").read()


@pytest.mark.server
def test_an_object_that_another_writes_meanwhile_is_not_overwritten(
    aws: Aws, base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, aws.environment[name])
    place = f"s3://{base.bucket_name}/{uuid.uuid4().hex}"
    ours, theirs = state_storage(place), state_storage(place)
    assert ours.read() is theirs.read() is None
    theirs.write("{}")
    with pytest.raises(UserError, match="changed meanwhile"):
        ours.write("[]")
    assert ours.read() == theirs.read() == "{}"
    theirs.write("{ }")
    with pytest.raises(UserError, match="changed meanwhile"):
        ours.write("[]")
    assert ours.read() == "{ }"
