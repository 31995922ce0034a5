"""`sagebridge check` runs a handler with the image's own Python and packages, as the local container does."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sagebridge.cli import main
from tests.local.account import pack
from tests.local.serving.test_image_python import python_of

pytestmark = pytest.mark.server
WHO = """
import platform, sklearn
def model_fn(folder): return f"Python {platform.python_version()} and scikit-learn {sklearn.__version__}"
def transform_fn(model, body, content_type, accept): return model, accept
"""


def check(folder: Path, handler: str, version: str) -> Result:
    python_of(version)
    (folder / "model.tar.gz").write_bytes(pack({"inference.py": handler, "model.txt": b"1"}))
    image = f"683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:{version}-cpu-py3"
    return CliRunner().invoke(main, ["check", "--archive", str(folder / "model.tar.gz"), "--image", image])


@pytest.mark.parametrize(
    ("version", "python", "scikit_learn"), [("1.9-0", "3.12", "1.9.0"), ("0.23-1", "3.7", "0.23.2")]
)
def test_the_handler_runs_in_the_image(tmp_path: Path, version: str, python: str, scikit_learn: str) -> None:
    result = check(tmp_path, WHO, version)
    assert result.exit_code == 0, result.output
    assert f"with Python {python}." in result.stdout
    assert f" and scikit-learn {scikit_learn}\n" in result.stdout
    assert f"The container runs with Python {python} and the packages of AWS's image" in result.stderr


def test_what_the_images_flask_does_not_do_is_a_problem(tmp_path: Path) -> None:
    handler = "def model_fn(folder): ...\ndef transform_fn(model, body, content_type, accept): return [1, 2]"
    assert check(tmp_path, handler, "1.9-0").exit_code == 0
    result = check(tmp_path, handler, "1.2-1")
    assert result.exit_code == 1
    assert "TypeError: The view function did not return a valid response." in result.output


def test_what_the_image_has_and_the_environment_has_not_is_not_judged(tmp_path: Path) -> None:
    result = check(tmp_path, "import gevent\ndef model_fn(folder): ...", "1.9-0")
    assert result.exit_code == 0
    assert "was not judged: it needs gevent, which is in the image and not installed here" in result.output


def test_what_the_image_does_not_have_is_a_problem_though_it_is_here(tmp_path: Path) -> None:
    result = check(tmp_path, "import hcl2\ndef model_fn(folder): ...", "1.9-0")
    assert result.exit_code == 1
    assert (
        "No module named 'hcl2'. AWS's image sagemaker-scikit-learn:1.9-0 does not have it either. "
        "Put the module beside the handler, or its package into the requirements.txt there."
    ) in result.output
