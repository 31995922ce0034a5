"""The page for a project of somebody's own, run as it stands: only the wheel is installed, in an empty folder.

uv installs before pip does, as it links what its cache has: pip takes 18 s of CPU time to unpack the same files. pip
then resolves what the page asks for, and has nothing left to unpack. `tests/engine/test_plugin.py` shows that pip alone
can install the package.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression
from uv import find_uv_bin

from tests.conftest import ROOT, Aws
from tests.pages import script

pytestmark = [pytest.mark.engine, pytest.mark.terraform, pytest.mark.long, pytest.mark.xdist_group("wheel")]

PAGE = (ROOT / "docs" / "your-project.md").read_text()
LOCAL_PART = PAGE.partition("## With a real account")[0]
UV_FIRST = """
pip() { "$UV" pip "$@"; command pip "$@"; }
"""
ROW = [0.04, 0.05, 0.06, 0.02, -0.04, -0.03, -0.04, 0, 0.02, -0.02]


def test_the_page_has_ten_commands() -> None:
    part = PAGE.partition("in ten commands")[2].partition("\n## ")[0]
    (commands,) = re.findall(r"```sh\n(.*?)```", part, re.DOTALL)
    count = len([line for line in commands.splitlines() if not line.startswith("  ")])
    explained = re.findall(r"^(\d+)\. ", part, re.MULTILINE)
    assert explained == [str(number) for number in range(1, 11)]
    assert count == len(explained)


@pytest.mark.timeout(900)
def test_a_reader_of_the_page_gets_a_prediction(aws: Aws, tmp_path: Path) -> None:
    folder = tmp_path / "acme scoring"
    folder.mkdir()
    uv = [find_uv_bin(), "build", "--quiet", "--wheel", "--out-dir", str(tmp_path), str(ROOT / "components")]
    subprocess.run(uv, check=True, timeout=120, env={**os.environ, "UV_SYSTEM_CERTS": "true"})
    (wheel,) = tmp_path.glob("*.whl")
    engine = [path for path in aws.environment["PATH"].split(os.pathsep) if not Path(path).is_relative_to(ROOT)]
    kept = ("HOME", "LANG", "PULUMI_HOME", "TF_CLI_CONFIG_FILE", "PIP_INDEX_URL", "PIP_CERT", "SSL_CERT_FILE")
    environment = {
        **{name: aws.environment[name] for name in kept if name in aws.environment},
        "PATH": os.pathsep.join([str(Path(sys.base_prefix) / "bin"), *engine]),
        **{name: value for name, value in os.environ.items() if name.startswith("UV_")},
        "PULUMI_OPTION_SKIP_PREVIEW": "true",  # a preview takes as long as an update, and nobody reads it here
        "PULUMI_SKIP_CONFIRMATIONS": "true",
        "TEMPLATE": str(ROOT / "templates" / "sagebridge-python"),
        "UV": find_uv_bin(),
        "UV_SYSTEM_CERTS": "true",
        "WHEEL": str(wheel),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    try:
        done = subprocess.run(
            ["bash", "-c", UV_FIRST + script(LOCAL_PART)],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=800,
            check=False,
        )
    finally:
        sagebridge = folder / "scorer" / "venv" / "bin" / "sagebridge"
        if sagebridge.exists():
            subprocess.run([sagebridge, "local", "stop"], env=environment, check=False)
    assert done.returncode == 0, done.stdout
    assert "Traceback" not in done.stdout, done.stdout
    expected = LinearRegression().fit(*load_diabetes(return_X_y=True)).predict(np.array([ROW]))[0]
    (answer,) = re.findall(r'\{"Predictions": \[(\S+)\]\}', done.stdout)
    assert float(answer) == pytest.approx(expected)
    assert f'{{"Predictions": [{answer[:6]}' in PAGE
    assert "change-me" not in done.stdout.partition("+ terraform destroy")[0].partition("scorer/__main__.py")[2]
    assert re.search(r"\d+ updated|\d+ replaced", done.stdout), done.stdout
    assert "\nnothing would change\n" in done.stdout, done.stdout
    assert not (folder / "base" / "zz_local_aws_override.tf").exists()
    print(done.stdout)  # noqa: T201 - for a person who runs this alone
