"""Pure: which images can load a model."""

import pytest

from sagebridge.containers.fit import misfit

ACCOUNT = "683313688378.dkr.ecr.us-east-1.amazonaws.com/"


@pytest.mark.parametrize(
    ("tag", "carried"),
    [
        ("1.9-0-cpu-py3", "1.9"),
        ("1.4-2-py312", "1.4"),
        ("1.4-2-py312-cpu", "1.4"),
        ("1.2-1", "1.2"),
        ("1.2-1-cpu-py3", "1.2"),
        ("1.0-1-cpu-py3", "1.0"),
        ("0.23-1-cpu-py3", "0.23"),
        ("0.20.0-cpu-py3", "0.20"),
        ("1.10-0-cpu-py3", "1.10"),
        ("1.9-0-cpu-py3@sha256:" + "0" * 64, "1.9"),
    ],
)
def test_an_image_fits_the_models_of_its_minor_version_alone(tag: str, carried: str) -> None:
    image = f"{ACCOUNT}sagemaker-scikit-learn:{tag}"

    assert misfit(image, {"scikit-learn": f"{carried}.7"}) is None
    assert misfit(image, {"scikit-learn": f"{carried}rc1"}) is not None

    problem = misfit(image, {"scikit-learn": "1.1.3"})

    assert problem is not None
    assert all(part in problem for part in (image, f"carries scikit-learn {carried},", "scikit-learn 1.1.3"))
    assert "sagemaker-scikit-learn:1.1-" in problem
    assert f"again with scikit-learn {carried}" in problem
    assert "\n" not in problem


@pytest.mark.parametrize(
    "image",
    [
        "",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/my-model:1.2-1",
        f"{ACCOUNT}sagemaker-scikit-learn:latest",
        f"{ACCOUNT}sagemaker-scikit-learn@sha256:{'0' * 64}",
        f"{ACCOUNT}my-own:1.0-1",
        f"{ACCOUNT}not-sagemaker-scikit-learn:0.23-1-cpu-py3",
    ],
)
def test_of_another_image_nothing_is_said(image: str) -> None:
    assert misfit(image, {"scikit-learn": "1.9.1"}) is None


def test_an_archive_that_does_not_tell_its_versions_is_not_refused() -> None:
    assert misfit(f"{ACCOUNT}sagemaker-scikit-learn:1.9-0-cpu-py3", {}) is None
