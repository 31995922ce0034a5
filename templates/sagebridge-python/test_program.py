"""Tests of the program, with the fixtures that sagebridge brings: `python -m pytest` runs them."""

import subprocess
import tarfile
from pathlib import Path

from sagebridge.testing import LocalAws, MockedEngine

MODEL_DATA = "s3://models/models/scorer/model.tar.gz"


def test_the_endpoint_serves_the_published_model(sagebridge_mocks: MockedEngine) -> None:
    """With mocks, which need neither the engine nor AWS."""
    program = sagebridge_mocks.run("__main__.py", {"terraformState": "terraform.tfstate", "modelData": MODEL_DATA})

    (model,) = program.of_type("aws:sagemaker/model:Model")
    assert model.inputs["primaryContainer"]["modelDataUrl"] == MODEL_DATA
    assert program.outputs["endpointName"].startswith("endpoint-")


def test_an_archive_is_published(local_aws: LocalAws, tmp_path: Path) -> None:
    """On a local AWS, which clients and commands use as they use the real one."""
    (tmp_path / "versions.json").write_text('{"scikit-learn": "1.9.1", "python": "3.11.7"}')
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "versions.json", "versions.json")
    local_aws.client("s3").create_bucket(Bucket="models")

    command = ["sagebridge", "publish", "--archive", str(tmp_path / "model.tar.gz"), "--bucket", "models"]
    subprocess.run(command, env=local_aws.environment, check=True)

    assert local_aws.client("s3").list_objects_v2(Bucket="models")["KeyCount"] == 1
