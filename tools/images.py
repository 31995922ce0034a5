"""Renews the tables of AWS's images, ``sagebridge/images/tables``, from the newest sagemaker-core on PyPI.

The table of the instance types' accelerators, ``sagebridge/images/instances.json``, is made of what moto carries of
EC2's DescribeInstanceTypes, and of sagemaker-core's own for the families that EC2 does not list any more.
"""

import gzip
import json
import re
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from sagebridge import processes
from sagebridge._aws import shapes
from sagebridge.images.uris import FRAMEWORKS
from tools.errors import ToolsError
from tools.paths import CHECKOUT

TABLES = CHECKOUT / "components" / "sagebridge" / "images" / "tables"
PACKAGE = "sagemaker-core"
FOLDER = "sagemaker/core/image_uri_config"
INSTANCES = TABLES.parent / "instances.json"
OLD_GPUS = {"p2": "K80", "p3": "V100"}
"""The GPUs of the families that EC2 does not list any more (EC2: Amazon EC2 P2 and P3 instances)."""
_SECONDS = 120


def renew() -> str:
    """Downloads the newest wheel and copies its tables; returns the wheel's version.

    Raises:
        ToolsError: PyPI cannot be reached, or the wheel lacks a table.
    """
    with tempfile.TemporaryDirectory() as scratch:
        wheel = _download(Path(scratch))
        renewed = copy_tables(wheel, TABLES, datetime.now(UTC).date())
        INSTANCES.write_text(instances_json(wheel))
        return renewed


def copy_tables(wheel: Path, tables: Path, today: date) -> str:
    """Copies the tables out of a wheel whole, and writes its version and the date into their README.

    Args:
        wheel: the wheel of sagemaker-core.
        tables: the folder of the tables.
        today: the date for the README.

    Returns:
        The wheel's version.

    Raises:
        ToolsError: the wheel lacks a table, or is no wheel.
    """
    try:
        with ZipFile(wheel) as archive:
            contents = {name: archive.read(f"{FOLDER}/{name}.json") for name in FRAMEWORKS}
    except (BadZipFile, KeyError) as error:
        raise ToolsError(
            f"{wheel.name} does not have the tables in {FOLDER}: {error}. The tables here stay as they are; see where "
            f"the new {PACKAGE} keeps them, and set FOLDER in tools/images.py"
        ) from error
    for name, content in contents.items():
        (tables / f"{name}.json").write_bytes(content)
    wheel_version = wheel.name.split("-")[1]
    readme = tables / "README.md"
    text = re.sub(r"\) \S+, folder", f") {wheel_version}, folder", readme.read_text())
    text = re.sub(r"moto \(on PyPI\) \S+,", f"moto (on PyPI) {version('moto')},", text)
    readme.write_text(re.sub(r"on \d{4}-\d{2}-\d{2}\.", f"on {today}.", text))
    return wheel_version


def instances_json(wheel: Path) -> str:
    """Returns the table of the accelerators of SageMaker's instance types, as JSON with a line for each type.

    Args:
        wheel: The wheel of sagemaker-core.
    """
    with ZipFile(wheel) as archive:
        by_region = json.loads(archive.read(f"{FOLDER}/instance_gpu_info.json"))
    old = {type_: gpus for table in by_region.values() for type_, gpus in table.items()}
    ec2 = json.loads(gzip.decompress((files("moto") / "ec2" / "resources" / "instance_types.json.gz").read_bytes()))
    rows = {}
    for type_ in shapes()["ProductionVariantInstanceType"]["enum"]:
        family = type_.split(".")[1]
        if accelerators := _of_ec2(ec2.get(type_.removeprefix("ml."), {})):
            rows[type_] = accelerators
        elif family in OLD_GPUS:
            count, memory = old[type_]["Count"], old[type_]["TotalGpuMemoryInMiB"]
            rows[type_] = _row("NVIDIA", OLD_GPUS[family], count, memory // count, 0)
    lines = [f"  {json.dumps(type_)}: {json.dumps(row)}" for type_, row in sorted(rows.items())]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _of_ec2(described: Mapping[str, Any]) -> dict[str, Any] | None:
    """Returns the accelerators of an instance type as EC2 describes it; None if it has none."""
    devices = described.get("GpuInfo", {}).get("Gpus") or described.get("NeuronInfo", {}).get("NeuronDevices")
    if not devices:
        return None
    (device,) = devices
    storage = described.get("InstanceStorageInfo", {}).get("TotalSizeInGB", 0)
    manufacturer = device.get("Manufacturer", "AWS")
    return _row(manufacturer, device["Name"], device["Count"], device["MemoryInfo"]["SizeInMiB"], storage)


def _row(manufacturer: str, name: str, count: int, memory: int, storage: int) -> dict[str, Any]:
    return {
        "manufacturer": manufacturer,
        "name": name,
        "count": count,
        "memory_in_mib": memory,
        "local_storage_in_gb": storage,
    }


def _download(folder: Path) -> Path:
    """Downloads the newest wheel of sagemaker-core without what it depends on; returns the file."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", PACKAGE]
    done = processes.complete(command, seconds=_SECONDS, cwd=folder, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise ToolsError(f"pip cannot download {PACKAGE}: {reason}. See whether PyPI can be reached, and try again")
    (wheel,) = folder.glob("*.whl")
    return wheel
