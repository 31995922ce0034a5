"""Mocks: what the component declares."""

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from sagebridge import SageMakerEndpoint
from sagebridge.endpoint.grants import invoke_policy
from tests.endpoint.endpoints import COMPONENT, CONFIGURATION, ENDPOINT, MODEL, args
from tests.mocks import ARCHIVE, IMAGE, ROLE, Monitor, World

Run = Callable[[Callable[[], object]], Monitor]


def test_a_real_time_endpoint(run: Run) -> None:
    seen = run(lambda: SageMakerEndpoint("endpoint", args(endpoint_name="boston")))
    assert seen.of_type(MODEL).inputs == {
        "executionRoleArn": ROLE,
        "primaryContainer": {
            "image": IMAGE,
            "mode": "SingleModel",
            "modelDataUrl": ARCHIVE,
            "environment": {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": ARCHIVE},
        },
    }
    assert seen.of_type(CONFIGURATION).inputs == {
        "productionVariants": [
            {
                "variantName": "AllTraffic",
                "modelName": "endpoint-model-1234567",
                "instanceType": "ml.m5.xlarge",
                "initialInstanceCount": 1,
            }
        ]
    }
    assert seen.of_type(ENDPOINT).inputs == {"name": "boston", "endpointConfigName": "endpoint-config-1234567"}


def test_a_serverless_endpoint_has_the_articles_defaults(run: Run) -> None:
    seen = run(lambda: SageMakerEndpoint("endpoint", args(serverless_config={})))
    (variant,) = seen.of_type(CONFIGURATION).inputs["productionVariants"]
    assert variant == {
        "variantName": "AllTraffic",
        "modelName": "endpoint-model-1234567",
        "serverlessConfig": {"memorySizeInMb": 4096, "maxConcurrency": 2},
    }


def test_children_have_the_component_as_parent_and_names_that_derive_from_its_own(run: Run) -> None:
    seen = run(lambda: SageMakerEndpoint("scorer", args()))
    children = {kind: seen.of_type(kind) for kind in (MODEL, CONFIGURATION, ENDPOINT)}
    assert [child.name for child in children.values()] == ["scorer-model", "scorer-config", "scorer"]
    assert all(child.parent.endswith(f"{COMPONENT}::scorer") for child in children.values())


def test_what_is_replaced_is_auto_named(run: Run) -> None:
    """An explicit name would make the provider delete the old one first (design.md, trap 1)."""
    seen = run(lambda: SageMakerEndpoint("endpoint", args(endpoint_name="boston")))
    assert "name" not in seen.of_type(MODEL).inputs
    assert "name" not in seen.of_type(CONFIGURATION).inputs
    assert not any(resource.delete_before_replace for resource in seen.registered)


def test_tags_are_on_every_child(run: Run) -> None:
    seen = run(lambda: SageMakerEndpoint("endpoint", args(tags={"team": "ml"})))
    for kind in (MODEL, CONFIGURATION, ENDPOINT):
        assert seen.of_type(kind).inputs["tags"] == {"team": "ml"}


def test_the_components_own_options_stay_its_own(run: Run) -> None:
    options = pulumi.ResourceOptions(protect=True, delete_before_replace=True)
    seen = run(lambda: SageMakerEndpoint("endpoint", args(), options))
    assert seen.of_type(COMPONENT).protect
    assert not any(seen.of_type(kind).delete_before_replace for kind in (MODEL, CONFIGURATION, ENDPOINT))


def test_outputs(run: Run) -> None:
    seen = run(lambda: SageMakerEndpoint("endpoint", args(endpoint_name="boston")))
    (outputs,) = [outputs for urn, outputs in seen.outputs.items() if urn.endswith(f"{COMPONENT}::endpoint")]
    assert outputs == {
        "endpointName": "boston",
        "endpointArn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/boston",
        "endpointConfigName": "endpoint-config-1234567",
        "lastConfigName": "endpoint-config-1234567",
        "modelName": "endpoint-model-1234567",
        "modelDataUrl": ARCHIVE,
        "invokePolicy": json.dumps(invoke_policy("arn:aws:sagemaker:us-east-1:123456789012:endpoint/boston")),
        "openaiBaseUrl": "https://runtime.sagemaker.us-east-1.amazonaws.com/endpoints/boston/openai/v1",
        "instanceHoursPerDay": {"minimum": 24, "maximum": 24},
    }


def test_arguments_may_be_outputs(run: Run) -> None:
    given: dict[str, Any] = {
        "execution_role_arn": pulumi.Output.from_input(ROLE),
        "model_data_url": pulumi.Output.from_input(ARCHIVE),
        "instance_type": pulumi.Output.from_input("ml.m5.large"),
    }
    seen = run(lambda: SageMakerEndpoint("endpoint", args(**given)))
    assert seen.of_type(MODEL).inputs["executionRoleArn"] == ROLE
    assert seen.of_type(CONFIGURATION).inputs["productionVariants"][0]["instanceType"] == "ml.m5.large"


def test_wrong_arguments_are_refused_before_anything_is_registered(run: Run, monitor: Monitor) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        run(lambda: SageMakerEndpoint("endpoint", args(instance_type="ml.m5.huge", endpoint_name="a_b")))
    assert "instance_type must be one of the" in str(refused.value)
    assert "endpoint_name must be letters, digits and dashes" in str(refused.value)
    assert {resource.type for resource in monitor.registered} <= {"pulumi:pulumi:Stack"}


def test_a_missing_archive_is_refused_before_the_model_is_made(run: Run, monitor: Monitor) -> None:
    with pytest.raises(pulumi.RunError, match=r"cannot read s3://models/none\.tar\.gz: it is not there"):
        run(lambda: SageMakerEndpoint("endpoint", args(model_data_url="s3://models/none.tar.gz")))
    assert MODEL not in [resource.type for resource in monitor.registered]


def with_upload() -> None:
    """Declares an endpoint whose archive the program itself uploads."""
    archive = aws.s3.BucketObjectv2("archive", bucket="models", key="new.tar.gz")
    SageMakerEndpoint("endpoint", args(model_data_url=pulumi.Output.concat("s3://models/", archive.key)))


def with_secret() -> None:
    """Declares an endpoint whose archive is someone else's."""
    SageMakerEndpoint("endpoint", args(model_data_url=pulumi.Output.secret("s3://models/new.tar.gz")))


def test_what_the_program_uploads_may_be_missing_in_the_preview(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)
    assert run(with_upload).of_type(MODEL).inputs["primaryContainer"]["modelDataUrl"] == "s3://models/new.tar.gz"


@pytest.mark.parametrize(("program", "preview"), [(with_upload, False), (with_secret, True), (with_secret, False)])
def test_an_archive_that_is_an_output_is_missed(
    run: Run, monkeypatch: pytest.MonkeyPatch, program: Callable[[], None], *, preview: bool
) -> None:
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: preview)
    with pytest.raises(pulumi.RunError, match="it is not there"):
        run(program)


def test_an_image_that_does_not_fit_the_archive_is_refused_before_the_model_is_made(
    run: Run, monitor: Monitor, world: World
) -> None:
    world.metadata = {"scikit-learn": "0.23.2"}
    with pytest.raises(pulumi.RunError, match=r"carries scikit-learn 1\.9.* trained with scikit-learn 0\.23\.2"):
        run(lambda: SageMakerEndpoint("endpoint", args()))
    assert MODEL not in [resource.type for resource in monitor.registered]


PLAIN: dict[str, Any] = {
    "alarms": {},
    "autoscaling": {"min_capacity": 1, "max_capacity": 2, "invocations_per_instance": 9},
    "containers": [{"image": IMAGE}],
    "production_variants": [{"variant_name": "one"}],
    "serverless_config": {"max_concurrency": 3},
}


@pytest.mark.parametrize("field", PLAIN)
def test_what_the_component_must_look_into_cannot_be_an_output(run: Run, field: str) -> None:
    """It was a traceback."""

    def program() -> None:
        given: Any = {"execution_role_arn": ROLE, "image": IMAGE, field: pulumi.Output.from_input(PLAIN[field])}
        SageMakerEndpoint("endpoint", given)

    with pytest.raises(pulumi.RunError, match=f"{field} must be plain, not an output. What is in it may be outputs."):
        run(program)
