"""What is read of botocore's models, and the copies of them in the user's cache folder."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.loaders import Loader
from botocore.regions import EndpointResolver

from sagebridge import _models
from sagebridge._loader import LOADER

SERVICES = ("cloudwatch", "sagemaker", "sagemaker-runtime")
START = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
import sagebridge.endpoint.component
from sagebridge.images.uris import image_uri
assert ".amazonaws.com.cn/" in image_uri("sklearn", "1.9-0", "cn-north-1", "ml.m5.xlarge")
print(*(path for path in opened if "/botocore/data/" in path), sep="\\n")
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a user who has no copies yet."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Loader, "CUSTOMER_DATA_PATH", str(tmp_path / ".aws" / "models"))  # botocore asks for it once
    return tmp_path


def copy_of(home: Path, service: str) -> Path:
    return home / ".cache" / "sagebridge" / "models" / f"{service}-{botocore.__version__}.json"


def model_of(service: str) -> dict[str, Any]:
    """Returns a model as another process would read it."""
    model = dict(_models.service_model.__wrapped__(service))
    return {**model, "shapes": dict(model["shapes"])}


def botocores_model_of(service: str) -> dict[str, Any]:
    model: dict[str, Any] = Loader().load_service_model(service, "service-2")
    return model


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("service", ["s3", *SERVICES])
def test_the_rules_of_a_services_url_are_those_of_botocore(service: str) -> None:
    assert _models.rule_set.__wrapped__(service) == Loader().load_service_model(service, "endpoint-rule-set-1")


def test_a_users_own_rules_come_first(home: Path) -> None:
    folder = home / ".aws" / "models" / "s3" / "2999-01-01"
    folder.mkdir(parents=True)
    (folder / "endpoint-rule-set-1.json").write_text('{"rules": "mine"}')
    assert _models.rule_set.__wrapped__("s3") == {"rules": "mine"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_model_is_that_of_botocore_with_a_copy_and_without(service: str, home: Path) -> None:
    expected = botocores_model_of(service)
    for _ in range(2):
        assert model_of(service) == expected
        assert copy_of(home, service).exists()


def test_the_copy_is_read_in_the_place_of_botocores_model(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = model_of("sts")
    monkeypatch.setattr(_models, "_loader", lambda: pytest.fail("botocore's loader was asked"))
    assert model_of("sts") == before
    assert copy_of(home, "sts").exists()


@pytest.mark.parametrize(
    "broken",
    ["", "[]", "{}", "null", '{"version": 1}', "\x00", '{"version": ["1.0", "2011-06-15", 1], "data": {}}'],
)
def test_a_copy_that_is_broken_or_of_another_version_is_made_anew(home: Path, broken: str) -> None:
    expected = model_of("sts")
    copy = copy_of(home, "sts")
    whole = copy.read_text()
    copy.write_text(broken)
    assert model_of("sts") == expected
    assert copy.read_text() == whole


def test_another_version_of_botocore_has_its_own_limits(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model_of("sts")
    copy = copy_of(home, "sts")
    kept = json.loads(copy.read_text())
    kept["data"]["shapes"] = {}
    copy.write_text(json.dumps(kept))
    assert model_of("sts")["shapes"] == {}
    monkeypatch.setattr(botocore, "__version__", "0.0.1")
    assert model_of("sts") == botocores_model_of("sts")


def test_projects_with_other_versions_of_botocore_keep_their_copies(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise two projects that are worked on in turns make the copies anew each time."""
    model_of("sts")
    copy = copy_of(home, "sts")
    copy.with_name("sts-0.9.0.json").write_text("{}")
    os.utime(copy.with_name("sts-0.9.0.json"), (0, 0))
    monkeypatch.setattr(botocore, "__version__", "0.0.1")
    model_of("sts")
    assert {file.name for file in copy.parent.iterdir()} == {copy.name, "sts-0.0.1.json"}


def test_environments_with_the_same_version_of_botocore_share_a_copy(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model_of("sts")
    copy = copy_of(home, "sts")
    written = copy.stat().st_mtime_ns
    shutil.copytree(_models.DATA / "sts", tmp_path / "data" / "sts", copy_function=shutil.copyfile)
    monkeypatch.setattr(_models, "DATA", tmp_path / "data")
    model_of("sts")
    assert copy.stat().st_mtime_ns == written


@pytest.mark.parametrize("obstacle", [".cache", ".cache/sagebridge", ".cache/sagebridge/models"])
def test_a_cache_folder_that_cannot_be_written_does_no_harm(home: Path, obstacle: str) -> None:
    (home / obstacle).parent.mkdir(parents=True, exist_ok=True)
    (home / obstacle).write_text("a file where a folder is wanted")
    assert model_of("sts") == botocores_model_of("sts")


def test_a_model_of_the_users_own_goes_before_botocores(home: Path) -> None:
    model_of("sts")
    own = home / ".aws" / "models" / "sts" / "2099-01-01" / "service-2.json"
    own.parent.mkdir(parents=True)
    own.write_text('{"metadata": {}, "operations": {}, "shapes": {"Mine": {"type": "string"}}}')
    assert model_of("sts")["shapes"] == {"Mine": {"type": "string"}}
    assert "Mine" not in copy_of(home, "sts").read_text()


def test_shapes_that_are_not_there_are_missed_as_in_a_dict() -> None:
    shapes = _models.service_model("sagemaker")["shapes"]
    assert "Nothing" not in shapes
    assert shapes.get("Nothing", {}) == {}
    assert len(shapes) == len(list(shapes))
    with pytest.raises(KeyError):
        shapes["Nothing"]


def test_clients_have_the_same_model_and_endpoints() -> None:
    assert LOADER.load_service_model("sagemaker", "service-2") is _models.service_model("sagemaker")
    data, path = LOADER.load_data_with_path("endpoints")
    assert data is _models.endpoints()
    assert path == Loader().load_data_with_path("endpoints")[1]


def test_endpoints_are_those_of_botocore_with_a_copy_and_without(home: Path) -> None:
    expected = Loader().load_data("endpoints")
    for _ in range(2):
        data = _models.endpoints.__wrapped__()
        listed = [{**entry, "services": dict(entry["services"])} for entry in data["partitions"]]
        assert {**data, "partitions": listed} == expected
        assert copy_of(home, "endpoints").exists()


@pytest.mark.process
def test_a_program_reads_neither_models_nor_endpoints_of_botocore_once_there_are_copies(home: Path) -> None:
    """Otherwise each start parses 2 MB of SageMaker's model, and 1 MB more where a framework names the image."""

    def read() -> list[str]:
        environment = {**os.environ, "HOME": str(home)}
        command = [sys.executable, "-c", START]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return [Path(path).name for path in done.stdout.split()]

    assert any(name.startswith("service-2.json") for name in read())
    assert read() == ["partitions.json"]


RESOLVER = EndpointResolver(Loader().load_data("endpoints"))
REGIONS = [
    region
    for partition in RESOLVER.get_available_partitions()
    for region in RESOLVER.get_available_endpoints("sts", partition, allow_non_regional=False)
]


@pytest.mark.parametrize("region", [*REGIONS, "us-new-7", "cn-new-7", "us-gov-new-7"])
def test_a_region_is_in_the_partition_that_botocore_has_for_it(region: str) -> None:
    partition = RESOLVER.get_partition_for_region(region)
    assert _models.partition(region) == partition
    assert _models.dns_suffix(region) == RESOLVER.get_partition_dns_suffix(partition)


def test_a_region_that_no_partition_has_is_taken_for_a_new_one_of_aws() -> None:
    assert _models.partition("mars-1") == "aws"
