"""What is known of AWS's images, and what a handler is told of a module that is missing."""

import json
import re
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from sagebridge.containers.application import build
from sagebridge.containers.image import Image, image, image_of, table
from sagebridge.containers.launch import Contract, Launch
from sagebridge.images.uris import image_uri

LISTED = json.loads(Path(sys.modules["sagebridge.images"].__path__[0], "tables", "sklearn.json").read_bytes())
VERSIONS = LISTED["inference"]["versions"]
REGISTRY = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
IMAGE = "1.9-0"


DISTRIBUTIONS = cache(metadata.packages_distributions)
"""The packages of this environment: a look into all their files takes 50 ms."""


@pytest.fixture(autouse=True)
def _distributions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "packages_distributions", DISTRIBUTIONS)


def served(folder: Path, monkeypatch: pytest.MonkeyPatch, handler: str, version: str = IMAGE) -> FlaskClient:
    (folder / "spoken_handler.py").write_text(handler)
    monkeypatch.setenv("SAGEMAKER_PROGRAM", "spoken_handler.py")
    launch = Launch(Contract.SCIKIT_LEARN, False, str(folder), str(folder), "", "", version)  # noqa: FBT003
    return build(launch).test_client()


def test_each_image_of_awss_table_is_known_or_has_a_reason() -> None:
    assert {*table()["images"], *table()["unknown"]} == set(VERSIONS)


@pytest.mark.parametrize("version", table()["images"])
def test_what_is_known_of_an_image_is_whole(version: str) -> None:
    facts = image(version)
    assert facts is not None
    assert re.fullmatch(r"3\.\d+", facts.python)
    assert re.fullmatch(r"aws/sagemaker-scikit-learn-container@[0-9a-f]{7} of 20\d\d-\d\d-\d\d", facts.source)
    assert facts.published["scikit-learn"].startswith(re.match(r"\d+\.\d+", version)[0])  # type: ignore[index] # it matches
    assert {"flask", "numpy", "pandas", "sagemaker-inference", "werkzeug"} <= set(facts.packages)
    assert not set(facts.packages) & set(facts.left_out)
    assert facts.version_of("Sagemaker_Containers") == "2.8.6.post2"


@pytest.mark.parametrize("version", VERSIONS)
def test_an_image_is_known_by_its_uri(version: str) -> None:
    assert image_of(str(image_uri("sklearn", version, "us-east-1", "ml.m5.large"))) == image(version)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        f"{REGISTRY}/my-scikit-learn:1.9-0-cpu-py3",
        f"{REGISTRY}/sagemaker-scikit-learn:7.0-0-cpu-py3",
        f"{REGISTRY}/sagemaker-xgboost:3.2-0",
        f"{REGISTRY}/sagemaker-scikit-learn@sha256:0",
    ],
)
def test_of_other_images_nothing_is_known(uri: str) -> None:
    assert image_of(uri) is None


PLACES = {
    "import": "{0}\ndef model_fn(folder): ...",
    "model_fn": "def model_fn(folder):\n    {0}",
    "transform_fn": "def model_fn(folder): ...\ndef transform_fn(model, body, content_type, accept):\n    {0}",
}
NAME = "AWS's image sagemaker-scikit-learn:1.9-0"
NOT_HERE = ", which is not installed here."
NEITHER = "does not have it either. Put the module beside the handler, or its package into the requirements.txt there."
HINTS = {
    "import gevent": f"No module named 'gevent'. {NAME} has gevent 26.5.0{NOT_HERE}",
    "import mms.service": f"No module named 'mms'. {NAME} has multi-model-server 1.1.2{NOT_HERE}",
    "from flask.spoken import word": f"No module named 'flask.spoken'. {NAME} has flask 3.1.3.",
    "import sagemaker_containers.spoken": f"No module named 'sagemaker_containers.spoken'. "
    f"{NAME} has sagemaker-containers 2.8.6.post2.",
    "import spoken_nowhere": f"No module named 'spoken_nowhere'. {NAME} {NEITHER}",
}


@pytest.mark.parametrize("statement", HINTS)
@pytest.mark.parametrize("place", PLACES)
def test_a_handler_is_told_whether_the_image_has_what_it_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, statement: str
) -> None:
    with pytest.raises(Exception, match="No module named") as caught:  # noqa: PT012 - where it fails depends on the place
        client = served(tmp_path, monkeypatch, PLACES[place].format(statement))
        client.application.config["PROPAGATE_EXCEPTIONS"] = True
        client.post("/invocations", data=b"[1]")
    assert str(caught.value) == HINTS[statement]


def test_of_an_image_that_is_not_known_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModuleNotFoundError) as caught:
        served(tmp_path, monkeypatch, "import spoken_nowhere\ndef model_fn(folder): ...", "")
    assert str(caught.value) == "No module named 'spoken_nowhere'"


@pytest.mark.parametrize("statement", ["import hcl2", "import hcl2.api as api", "from hcl2 import loads"])
def test_a_package_that_only_this_environment_has_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], statement: str
) -> None:
    served(tmp_path, monkeypatch, f"import json, os\n{statement}\ndef model_fn(folder): ...")
    assert capsys.readouterr().err == (
        "The handler imports what is here and not in its image: python-hcl2. "
        "For AWS, put that into the requirements.txt beside the handler.\n"
    )


def test_nothing_is_said_of_packages_that_the_image_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    served(
        tmp_path,
        monkeypatch,
        "import json, pandas\nfrom sklearn.linear_model import LinearRegression\ndef model_fn(folder): ...",
    )
    assert capsys.readouterr().err == ""


def test_versions_are_found_by_any_spelling_of_a_package() -> None:
    facts = Image("1", "3.12", "", {"python-dateutil": "2"}, {}, {"zope-event": "6"})
    assert [facts.version_of(name) for name in ("Python.dateutil", "zope.event", "other")] == ["2", "6", None]


def test_the_page_has_a_row_for_each_image() -> None:
    page = Path(sys.modules["sagebridge"].__path__[0], "local", "README.md").read_text()
    for version, facts in table()["images"].items():
        columns = [facts["published"][name] for name in ("scikit-learn", "numpy", "pandas", "flask")]
        assert f"| `{version}` | {' | '.join([facts['python'], *columns, facts['source']])} |" in page
    for version, reason in table()["unknown"].items():
        assert f"| `{version}` | not known | | | | | {reason} |" in page
