"""Mocks: the configuration of a stack, as Pulumi.yaml declares it."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pulumi
import pytest

from sagebridge import read_configuration
from tests.test_docs import PROJECT, ROOT

DEFAULTS = {key: schema["default"] for key, schema in PROJECT["config"].items()}

pytestmark = pytest.mark.usefixtures("monitor")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    return tmp_path


def read(secrets: tuple[str, ...] = (), **values: Any) -> dict[str, Any]:
    config = {f"sagebridge:{key}": value for key, value in values.items()}
    pulumi.runtime.set_all_config({**config, "aws:region": "eu-west-1"}, [f"sagebridge:{key}" for key in secrets])
    try:
        return read_configuration()
    finally:
        pulumi.runtime.set_all_config({}, [])


def refusal(secrets: Any = (), **values: Any) -> str:
    with pytest.raises(pulumi.RunError, match="The configuration of stack test cannot be used:") as refused:
        read(secrets, **values)
    return str(refused.value)


def test_what_is_not_set_has_its_default() -> None:
    assert read() == DEFAULTS


def test_values_have_the_types_that_are_declared() -> None:
    tags = {"team": "ml", "cost": "42"}
    values = read(instanceCount="2", serverless="True", tags=json.dumps(tags), modelData="s3://models/model.tar.gz")
    assert values["instanceCount"] == 2
    assert values["serverless"] is True
    assert values["tags"] == tags
    assert values["modelData"] == "s3://models/model.tar.gz"


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("endpointNmae", "endpointName"),
        ("instance_type", "instanceType"),
        ("tag", "tags"),
        ("Serverless", "serverless"),
    ],
)
def test_a_misspelt_key_is_refused_with_the_nearest(key: str, meant: str) -> None:
    said = refusal(**{key: "x"})
    line = (
        f"{key} is not a key that Pulumi.yaml declares. Did you mean {meant}? Remove it with `pulumi config rm {key}`."
    )
    assert said.splitlines()[1:] == [f"  - {line}"]


def test_a_key_that_is_like_no_other_is_refused_too() -> None:
    assert "zzz is not a key that Pulumi.yaml declares. Remove it with `pulumi config rm zzz`." in refusal(zzz="x")


def test_keys_of_the_environment_are_seen_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"sagebridge:endpointNmae": "x"}))
    assert "Did you mean endpointName?" in refusal()


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("instanceCount", "two", "instanceCount must be a whole number, not 'two'. Set it with `pulumi config set"),
        ("instanceCount", "2.5", "instanceCount must be a whole number, not '2.5'."),
        ("instanceCount", "true", "instanceCount must be a whole number, not 'true'."),
        ("serverless", "yes", "serverless must be true or false, not 'yes'."),
        (
            "tags",
            "ml",
            "tags must be an object, not 'ml'. Set what is in it with `pulumi config set --path 'tags.name' …`",
        ),
        ("tags", "[1]", "tags must be an object, not '[1]'."),
    ],
)
def test_a_value_of_another_type_is_refused(key: str, value: str, said: str) -> None:
    assert said in refusal(**{key: value})
    hidden = refusal((key,), **{key: value})
    assert value not in re.sub("must be .*?,", "", hidden.splitlines()[1].partition(". Set")[0])


def test_all_problems_are_said_at_once() -> None:
    assert len(refusal(instanceCount="two", tags="x", endpointNmae="y").splitlines()) == 4


def test_secrets_stay_secrets() -> None:
    async def check() -> None:
        values = read(("modelData", "tags"), modelData="s3://hunter2/model.tar.gz", tags='{"team": "hunter2"}')
        assert await values["modelData"].is_secret()
        assert await values["modelData"].future() == "s3://hunter2/model.tar.gz"
        assert await values["tags"]["team"].is_secret()

    asyncio.get_event_loop().run_until_complete(check())


def test_a_secret_that_decides_what_is_declared_is_refused() -> None:
    said = refusal(("serverless",), serverless="true")
    assert "serverless must not be a secret" in said
    assert "`pulumi config set --plaintext serverless …`" in said


def test_a_program_in_a_folder_of_the_project_finds_its_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "program").mkdir()
    monkeypatch.chdir(folder / "program")
    assert read() == DEFAULTS


def test_keys_of_others_and_plain_values_in_the_file_are_taken_as_pulumi_takes_them(folder: Path) -> None:
    lines = ["name: sagebridge", "runtime: python", "config:", "  aws:region: {value: eu-west-1}", "  word: hello"]
    (folder / "Pulumi.yaml").write_text("\n".join(lines))
    assert read() == {"word": "hello"}


def test_without_a_project_there_is_one_sentence(folder: Path) -> None:
    (folder / "Pulumi.yaml").unlink()
    with pytest.raises(pulumi.RunError, match=r"There is no Pulumi\.yaml in ") as refused:
        read()
    assert len(str(refused.value).splitlines()) == 1
