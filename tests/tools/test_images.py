"""Pure: the tables of AWS's images are copied whole, and their README says from where. The wheel here is made up."""

import json
import re
from datetime import date
from importlib.metadata import version
from pathlib import Path
from zipfile import ZipFile

import pytest

from sagebridge.images.uris import FRAMEWORKS
from tools.errors import ToolsError
from tools.images import FOLDER, INSTANCES, TABLES, copy_tables, instances_json


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "README.md").write_text((TABLES / "README.md").read_text())
    return folder


def wheel(folder: Path, names: tuple[str, ...]) -> Path:
    path = folder / "sagemaker_core-9.8.7-py3-none-any.whl"
    with ZipFile(path, "w") as archive:
        for name in (*names, "another"):
            archive.writestr(f"{FOLDER}/{name}.json", f'{{"name": "{name}"}}\r\n')
    return path


def test_the_tables_are_those_of_the_frameworks_and_their_readme_names_source_licence_and_date() -> None:
    readme = (TABLES / "README.md").read_text()
    assert {path.stem for path in TABLES.glob("*.json")} == set(FRAMEWORKS)
    assert re.search(
        r"sagemaker-core \(on PyPI\) \d+\.\d+\.\d+, folder `sagemaker/core/image_uri_config`, on \d{4}-", readme
    )
    assert "Apache License 2.0" in readme
    assert f"moto (on PyPI) {version('moto')}, file `moto/ec2/resources/instance_types.json.gz`" in readme


def test_the_tables_are_copied_whole_and_the_readme_says_so(tmp_path: Path, tables: Path) -> None:
    assert copy_tables(wheel(tmp_path, FRAMEWORKS), tables, date(2031, 2, 3)) == "9.8.7"
    assert {path.name for path in tables.iterdir()} == {"README.md", *(f"{name}.json" for name in FRAMEWORKS)}
    assert (tables / "sklearn.json").read_bytes() == b'{"name": "sklearn"}\r\n'
    readme = (tables / "README.md").read_text()
    assert "sagemaker-core (on PyPI) 9.8.7, folder" in readme
    assert "on 2031-02-03." in readme
    assert len(readme.splitlines()) == len((TABLES / "README.md").read_text().splitlines())


def test_a_wheel_without_a_table_changes_nothing_and_says_where_to_look(tmp_path: Path, tables: Path) -> None:
    before = (tables / "README.md").read_text()
    with pytest.raises(ToolsError, match=r"does not have the tables in sagemaker/core/image_uri_config.*xgboost"):
        copy_tables(wheel(tmp_path, FRAMEWORKS[:-1]), tables, date(2031, 2, 3))
    assert [path.name for path in tables.iterdir()] == ["README.md"]
    assert (tables / "README.md").read_text() == before


def test_the_table_of_instances_is_what_moto_and_the_wheel_say(tmp_path: Path) -> None:
    path = tmp_path / "sagemaker_core-9.8.7-py3-none-any.whl"
    old = {
        f"ml.p2.{size}": {"Count": 8, "TotalGpuMemoryInMiB": 8 * 12288} for size in ("xlarge", "8xlarge", "16xlarge")
    }
    old |= {
        f"ml.p3.{size}": {"Count": 4, "TotalGpuMemoryInMiB": 4 * 16384} for size in ("2xlarge", "8xlarge", "16xlarge")
    }
    with ZipFile(path, "w") as archive:
        archive.writestr(f"{FOLDER}/instance_gpu_info.json", json.dumps({"mars-1": old}))
    made, committed = json.loads(instances_json(path)), json.loads(INSTANCES.read_text())
    assert made["ml.p2.8xlarge"] == committed["ml.p2.8xlarge"]
    new = {type_: row for type_, row in committed.items() if not type_.startswith(("ml.p2.", "ml.p3."))}
    assert {type_: made[type_] for type_ in new} == new
    assert made.keys() == committed.keys()
