"""The layouts of archives that people have, in one program: each is deployed, answers, and is exported."""

import json
import os
from pathlib import Path

import pytest

from sagebridge.images.contents import BEGINNING
from tests.bridge.projects import Project
from tests.conftest import Aws, Base
from tests.engine.lives import invoke
from tests.images.archives import packed
from tests.images.test_handler import HUGGING_FACE, IN_CODE, PROGRAM, PYTORCH, SUBMIT
from tests.local.account import ECHO, IMAGE

pytestmark = [pytest.mark.engine, pytest.mark.terraform, pytest.mark.usefixtures("nothing_stays")]

DECLARES = """
import json
from pathlib import Path

from sagebridge import SageMakerEndpoint

for name, args in json.loads(Path("endpoints.json").read_text()).items():
    SageMakerEndpoint(name, {**args, "endpoint_name": name})
"""
MODEL_ONLY: dict[str, str | bytes] = {"model.bin": b"m"}


def test_each_layout_is_served_and_exported(aws: Aws, base: Base, tmp_path: Path) -> None:
    def put(key: str, body: bytes) -> str:
        aws.s3.put_object(Bucket=base.bucket_name, Key=f"layouts/{key}", Body=body)
        return f"s3://{base.bucket_name}/layouts/{key}"

    handlers = {word: ECHO.format(word=word) for word in ("flat", "folder", "elsewhere", "torch", "hugging", "plain")}
    elsewhere = {PROGRAM: "serve.py", SUBMIT: put("sourcedir.tar.gz", packed({"serve.py": handlers["elsewhere"]}))}
    script = put("plain/code/inference.py", handlers["plain"].encode())
    large: dict[str, str | bytes] = {"code/inference.py": handlers["folder"], "model.bin": os.urandom(BEGINNING)}
    archives: dict[str, dict[str, str | bytes]] = {
        "flat": {"inference.py": handlers["flat"], **MODEL_ONLY},
        "folder": large,
        "elsewhere": MODEL_ONLY,
        "torch": {"code/inference.py": handlers["torch"], "model.pth": b"m"},
        "hugging": {"code/inference.py": handlers["hugging"], "config.json": "{}"},
    }
    urls = {word: put(f"{word}/model.tar.gz", packed(files, level=1)) for word, files in archives.items()}
    images = {"torch": PYTORCH, "hugging": HUGGING_FACE}
    endpoints = {
        word: {
            "execution_role_arn": base.execution_role_arn,
            "image": images.get(word, IMAGE),
            **({"environment": elsewhere} if word == "elsewhere" else {}),
            **({"model_data_url": urls[word]} if word in urls else {}),
            **({"model_data_source": {"s3_uri": script.removesuffix("code/inference.py")}} if word == "plain" else {}),
        }
        for word in handlers
    }
    variables = {
        "flat": {PROGRAM: "inference.py", SUBMIT: urls["flat"]},
        "folder": IN_CODE,
        "elsewhere": elsewhere,
        "torch": {},
        "hugging": {},
        "plain": IN_CODE,
    }
    project = Project(aws, tmp_path)
    declared = project.project / "endpoints.json"
    declared.write_text(json.dumps(endpoints))
    project.program.write_text(DECLARES)
    try:
        project.up()
        for word, expected in variables.items():
            assert invoke(aws, word)["word"] == word
            (model,) = aws.sagemaker.list_models(NameContains=f"{word}-model")["Models"]
            container = aws.sagemaker.describe_model(ModelName=model["ModelName"])["PrimaryContainer"]
            assert container.get("Environment", {}) == expected
        assert "    25 unchanged\n\n" in project.pulumi("preview", "--color", "never")

        assert ": 18 resources, " in project.bridge("export", "--out", str(project.out))
        assert project.bridge("verify", "--module", str(project.out)) == "nothing would change\n"

        model_only = put("refused/model.tar.gz", packed(MODEL_ONLY))
        declared.write_text(json.dumps({**endpoints, "flat": {**endpoints["flat"], "model_data_url": model_only}}))
        done = project.aws.run("pulumi", "preview", "--stack", "dev", "--non-interactive", cwd=project.project)
        assert done.returncode
        assert "has no inference.py at its root or in code/" in done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
    finally:
        project.pulumi("destroy", "--yes", "--color", "never")
