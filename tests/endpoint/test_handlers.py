"""Mocks: the component looks where a model has its handler, and sets the variables that lead the container there."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import pulumi
import pulumi_aws as aws
import pytest
from sklearn.linear_model import LinearRegression

from sagebridge import SageMakerEndpoint, _sdk
from sagebridge.images.contents import BEGINNING
from sagebridge.testing.mocks import EngineError
from tests.endpoint.endpoints import MODEL, args
from tests.images.archives import HANDLER, packed
from tests.images.test_handler import HUGGING_FACE, IN_CODE, OTHER, PROGRAM, PYTORCH, SUBMIT, XGBOOST
from tests.mocks import ARCHIVE, IMAGE, Monitor, World

Run = Callable[[Callable[[], object]], Monitor]
ROOT = {PROGRAM: "inference.py", SUBMIT: ARCHIVE}
FLAT = packed({"inference.py": HANDLER, "model.bin": b"m"})
CODE = packed({"code/inference.py": HANDLER, "model.bin": b"m"})
MODEL_ONLY = packed({"model.bin": b"m"})
SECOND = "s3://models/second/model.tar.gz"
PREFIX = "s3://models/plain/"


@pytest.fixture
def container(run: Run, world: World) -> Callable[..., dict[str, Any]]:
    """Declares an endpoint with an archive, and returns the container of its model."""

    def container(archive: bytes | None, **changes: Any) -> dict[str, Any]:
        if archive is not None:
            world.contents[ARCHIVE] = archive
        seen = run(lambda: SageMakerEndpoint("endpoint", args(**changes)))
        declared: dict[str, Any] = seen.all_of_type(MODEL)[-1].inputs["primaryContainer"]
        return declared

    return container


def environment(container: dict[str, Any]) -> dict[str, str]:
    variables: dict[str, str] = container.get("environment") or {}
    return variables


@pytest.mark.parametrize(
    ("image", "archive", "variables"),
    [
        (IMAGE, FLAT, ROOT),
        (IMAGE, CODE, IN_CODE),
        (IMAGE, None, ROOT),  # nobody can look into it
        (XGBOOST, CODE, IN_CODE),
        (XGBOOST, MODEL_ONLY, {}),
        (PYTORCH, FLAT, ROOT),
        (PYTORCH, CODE, {}),
        (HUGGING_FACE, CODE, {}),
        (HUGGING_FACE, MODEL_ONLY, {}),
        ("own:1", FLAT, {}),
        ("own:1", MODEL_ONLY, {}),
        ("own:1", None, {}),
    ],
)
def test_the_variables_fit_the_archive(
    container: Any, log_lines: list[str], image: str, archive: bytes | None, variables: dict[str, str]
) -> None:
    assert environment(container(archive, image=image)) == variables
    assert log_lines == []


@pytest.mark.parametrize("image", [IMAGE, PYTORCH])
def test_an_archive_without_handler_is_refused_before_the_model_is_made(
    container: Any, monitor: Monitor, image: str
) -> None:
    with pytest.raises(pulumi.RunError, match=rf"model_data_url: {ARCHIVE} has no .*inference\.py"):
        container(MODEL_ONLY, image=image)
    assert MODEL not in [resource.type for resource in monitor.registered]


def test_code_elsewhere_is_left_alone(container: Any, log_lines: list[str]) -> None:
    elsewhere = {PROGRAM: "serve.py", SUBMIT: OTHER}
    assert environment(container(MODEL_ONLY, environment=elsewhere)) == elsewhere
    assert environment(container(MODEL_ONLY, environment={SUBMIT: OTHER})) == {PROGRAM: "inference.py", SUBMIT: OTHER}
    assert log_lines == []


def test_a_users_variables_are_not_overridden(container: Any) -> None:
    archive = packed({"serve.py": HANDLER, "code/inference.py": HANDLER})
    assert environment(container(archive, environment={PROGRAM: "serve.py", "A": "b"})) == {
        PROGRAM: "serve.py",
        SUBMIT: ARCHIVE,
        "A": "b",
    }
    with pytest.raises(pulumi.RunError, match=r"has no serve\.py in code, where SAGEMAKER_PROGRAM \(serve\.py\)"):
        container(archive, environment={PROGRAM: "serve.py", SUBMIT: "/opt/ml/model/code"})


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_users_variables_may_be_outputs(container: Any, *, is_whole: bool) -> None:
    program = pulumi.Output.from_input("serve.py")
    declared = program.apply(lambda name: {PROGRAM: name}) if is_whole else {PROGRAM: program}
    archive = packed({"code/serve.py": HANDLER})
    assert environment(container(archive, environment=declared)) == {**IN_CODE, PROGRAM: "serve.py"}


def test_no_secret_is_shown(container: Any) -> None:
    hidden = {PROGRAM: pulumi.Output.secret("hidden.py"), SUBMIT: pulumi.Output.secret("/opt/ml/model/secret")}
    with pytest.raises(pulumi.RunError) as refused:
        container(FLAT, environment=hidden)
    assert "SAGEMAKER_PROGRAM ([secret])" in str(refused.value)
    assert "hidden" not in str(refused.value)
    assert "/secret" not in str(refused.value)


def test_a_secret_url_is_a_secret_in_the_variables(container: Any, world: World) -> None:
    world.archives.add(SECOND)
    world.contents[SECOND] = FLAT
    assert container(None, model_data_url=pulumi.Output.secret(SECOND))["value"]["environment"] == {
        **ROOT,
        SUBMIT: SECOND,
    }


def test_a_secret_url_is_not_shown(container: Any, world: World) -> None:
    world.archives.add(SECOND)
    world.contents[SECOND] = MODEL_ONLY
    with pytest.raises(pulumi.RunError, match=r"model_data_url: \[secret\] has no inference\.py"):
        container(None, model_data_url=pulumi.Output.secret(SECOND))


def test_of_two_handlers_the_preview_says_which_is_served(container: Any, log_lines: list[str]) -> None:
    archive = packed({"inference.py": HANDLER, "code/inference.py": HANDLER})
    assert environment(container(archive)) == IN_CODE
    (line,) = log_lines
    assert line.startswith(f"info: model_data_url: {ARCHIVE} has inference.py and code/inference.py. code/inference.py")


def test_an_archive_that_cannot_be_unpacked_is_no_obstacle(container: Any, log_lines: list[str]) -> None:
    assert environment(container(FLAT[:20])) == ROOT
    (line,) = log_lines
    assert line.startswith(f"warn: model_data_url: the files of {ARCHIVE} cannot be read: EOFError")


@pytest.mark.parametrize("comes_first", [True, False])
def test_of_a_large_archive_only_the_beginning_is_fetched(
    container: Any, log_lines: list[str], world: World, *, comes_first: bool
) -> None:
    files: dict[str, str | bytes] = {"code/inference.py": HANDLER, "model.bin": os.urandom(BEGINNING)}
    order = files if comes_first else dict(reversed(files.items()))
    assert environment(container(packed(order, level=0))) == (IN_CODE if comes_first else ROOT)
    assert ["has no inference.py among its first files" in line for line in log_lines] == [True] * (not comes_first)
    assert [call.args["range"] for call in world.calls] == [f"bytes=0-{BEGINNING - 1}"]


def test_an_image_without_rules_has_nothing_fetched(container: Any, world: World) -> None:
    container(FLAT, image="own:1")
    assert [sorted(call.args) for call in world.calls] == [["bucket", "key"]]


@pytest.mark.parametrize("isolated", [True, "output"])
def test_a_container_without_a_network_takes_the_code_from_the_model(container: Any, isolated: object) -> None:
    if isolated == "output":
        isolated = pulumi.Output.from_input(1).apply(bool)
    variables = environment(container(FLAT, enable_network_isolation=isolated))
    assert variables == {**ROOT, SUBMIT: "/opt/ml/model"}


@pytest.fixture
def pipeline(run: Run, world: World) -> Callable[[bytes], list[dict[str, Any]]]:
    """Declares containers of which the second and the third load another archive, and returns them."""

    def pipeline(second: bytes) -> list[dict[str, Any]]:
        world.archives.add(SECOND)
        world.contents |= {ARCHIVE: FLAT, SECOND: second}
        containers = [
            {"image": IMAGE, "model_data_url": ARCHIVE},
            {"image": IMAGE, "model_data_url": SECOND},
            {"image": "own:1", "model_data_url": SECOND},
            {"image": IMAGE},
        ]
        several = args(image=None, model_data_url=None, containers=containers)
        seen = run(lambda: SageMakerEndpoint("endpoint", several))
        declared: list[dict[str, Any]] = seen.of_type(MODEL).inputs["containers"]
        return declared

    return pipeline


def test_each_container_of_a_pipeline_has_its_variables(pipeline: Any) -> None:
    assert [environment(container) for container in pipeline(CODE)] == [ROOT, IN_CODE, {}, {}]


def test_each_container_of_a_pipeline_is_judged(pipeline: Any) -> None:
    with pytest.raises(pulumi.RunError, match=rf"containers\[1\]\.model_data_url: {SECOND} has no inference\.py"):
        pipeline(MODEL_ONLY)


@pytest.mark.parametrize(
    ("files", "variables"),
    [
        (["inference.py", "model.bin"], {PROGRAM: "inference.py", SUBMIT: "/opt/ml/model"}),
        (["code/inference.py", "code/"], IN_CODE),
        ([], {}),
    ],
)
def test_uncompressed_model_data_is_listed(
    container: Any, world: World, files: list[str], variables: dict[str, str]
) -> None:
    world.contents = {f"{PREFIX}{file}": b"x" for file in files}
    source = {"s3_uri": PREFIX}
    assert environment(container(None, model_data_url=None, model_data_source=source)) == variables


@pytest.mark.parametrize("source", [{"s3_uri": PREFIX}, {"s3_uri": f"{PREFIX}model.bin", "s3_data_type": "S3Object"}])
def test_uncompressed_model_data_without_handler_is_refused(
    container: Any, world: World, source: dict[str, str]
) -> None:
    world.contents = {f"{PREFIX}model.bin": b"x"}
    with pytest.raises(pulumi.RunError, match=rf"model_data_source\.s3_uri: {PREFIX}.* It has model\.bin\."):
        container(None, model_data_url=None, model_data_source=source)


def test_a_prefix_that_cannot_be_listed_is_no_obstacle(
    container: Any, world: World, log_lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_: object) -> None:
        raise EngineError("AccessDenied: not authorized to perform: s3:ListBucket")

    monkeypatch.setattr(world, "call", denied)
    assert environment(container(None, model_data_url=None, model_data_source={"s3_uri": PREFIX})) == {}
    (line,) = log_lines
    assert "cannot be listed, so it is not known whether it has a handler" in line
    assert "s3:ListBucket" in line


@pytest.mark.parametrize(
    ("archive", "variables"), [(FLAT, {PROGRAM: "inference.py", SUBMIT: "/opt/ml/model"}), (CODE, IN_CODE)]
)
def test_an_archive_as_a_data_source_is_served_out_of_the_models_folder(
    container: Any, archive: bytes, variables: dict[str, str]
) -> None:
    source = {"s3_uri": ARCHIVE, "s3_data_type": "S3Object", "compression_type": "Gzip"}
    assert environment(container(archive, model_data_url=None, model_data_source=source)) == variables


def test_many_models_and_a_package_are_not_looked_into(container: Any, world: World) -> None:
    container(None, mode="MultiModel", model_data_url="s3://models/many/")
    package = "arn:aws:sagemaker:us-east-1:123456789012:model-package/boston/1"
    container(None, image=None, model_data_url=None, model_package_name=package)
    assert world.calls == []


def test_an_image_that_is_too_old_for_the_handler_is_said(container: Any, log_lines: list[str], world: World) -> None:
    world.metadata = {}
    old = IMAGE.replace("1.9-0", "1.0-1")
    container(packed({"inference.py": "def model_fn(d): ...\ndef transform_fn(m, b, t, a): ...\n"}), image=old)
    (line,) = log_lines
    assert f"warn: model_data_url: {ARCHIVE} has a handler with transform_fn, which the image {old} never calls" in line


def test_a_pickle_of_another_version_is_said(
    container: Any, log_lines: list[str], world: World, tmp_path: Path
) -> None:
    world.metadata = {}
    joblib.dump(LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]), tmp_path / "model.joblib")
    model = (tmp_path / "model.joblib").read_bytes()
    container(packed({"inference.py": HANDLER, "model.joblib": model}), image=IMAGE.replace("1.9-0", "0.23-1"))
    (line,) = log_lines
    assert f"warn: model_data_url: {ARCHIVE} may not load: the image" in line
    assert "carries scikit-learn 0.23, but the model was trained with scikit-learn 1." in line


def test_what_versions_json_records_is_refused_without_the_objects_metadata(container: Any, world: World) -> None:
    world.metadata = {}
    archive = packed({"versions.json": json.dumps({"scikit-learn": "0.23.2"}), "inference.py": HANDLER})
    with pytest.raises(
        pulumi.RunError, match=r"does not fit the image: the image .* trained with scikit-learn 0\.23\.2"
    ):
        container(archive)


@pytest.mark.parametrize("image", [IMAGE, PYTORCH])
def test_without_defaults_nothing_is_set_and_nothing_refused(container: Any, image: str) -> None:
    assert environment(container(MODEL_ONLY, image=image, default_environment=False)) == {}


def test_what_the_program_uploads_may_mend_it_so_the_preview_only_warns(
    run: Run, world: World, log_lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The preview sees the archive that the update is going to replace."""
    world.archives.add(SECOND)
    world.contents[SECOND] = MODEL_ONLY
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)

    def program() -> None:
        archive = aws.s3.BucketObjectv2("archive", bucket="models", key="second/model.tar.gz")
        SageMakerEndpoint("endpoint", args(model_data_url=pulumi.Output.concat("s3://models/", archive.key)))

    assert run(program).of_type(MODEL)
    (line,) = [line for line in log_lines if line.startswith("warn")]
    assert "has no inference.py at its root or in code/" in line
    assert line.endswith("It is refused unless this update replaces it.")


def test_other_languages_read_their_own_names(container: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sdk, "runs_in_plugin", lambda: True)
    with pytest.raises(pulumi.InputPropertiesError, match=r"modelDataUrl: .* set defaultEnvironment to false"):
        container(MODEL_ONLY)
