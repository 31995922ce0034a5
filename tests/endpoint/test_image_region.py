"""Mocks: an image of another region than the endpoint's is refused in the preview, as SageMaker refuses it later."""

from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from sagebridge import SageMakerEndpoint
from sagebridge.images.uris import region_problem
from tests.endpoint.endpoints import MODEL, args
from tests.mocks import ARCHIVE, IMAGE, Monitor

Run = Callable[[Callable[[], object]], Monitor]
THERE = IMAGE.replace("us-east-1", "eu-west-1")
SAID = f"image must be in the endpoint's region, us-east-1, not '{THERE}'."
CONTAINERS: list[Any] = [
    {"image": IMAGE, "model_data_url": ARCHIVE, "container_hostname": "first"},
    {"image": THERE, "model_data_url": ARCHIVE, "container_hostname": "second"},
]
VARIANTS: list[Any] = [{"variant_name": "a"}, {"variant_name": "b", "image": THERE, "model_data_url": ARCHIVE}]


def refusal(run: Run, declared: Any, opts: pulumi.ResourceOptions | None = None) -> str:
    with pytest.raises(pulumi.RunError) as caught:
        run(lambda: SageMakerEndpoint("endpoint", declared() if callable(declared) else declared, opts))
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"image": THERE}, SAID),
        ({"image": None, "model_data_url": None, "containers": CONTAINERS}, f"containers[1].{SAID}"),
        ({"production_variants": VARIANTS}, f"production_variants[1].{SAID}"),
    ],
)
def test_an_image_of_another_region_is_refused(run: Run, changes: dict[str, Any], said: str) -> None:
    pulumi.runtime.set_config("aws:region", "us-east-1")
    message = refusal(run, args(**changes))
    assert said in message
    assert "Name an image in us-east-1, or set framework and framework_version" in message


def test_an_output_is_refused_as_soon_as_it_is_known(run: Run) -> None:
    pulumi.runtime.set_config("aws:region", "us-east-1")
    assert SAID in refusal(run, lambda: args(image=pulumi.Output.from_input(THERE)))


def test_a_secret_is_refused_without_being_shown(run: Run) -> None:
    pulumi.runtime.set_config("aws:region", "us-east-1")
    message = refusal(run, lambda: args(image=pulumi.Output.secret(THERE)))
    assert "image must be in the endpoint's region, us-east-1, not [secret]." in message
    assert "683313688378" not in message


def test_the_region_is_that_of_the_endpoints_own_provider(run: Run) -> None:
    pulumi.runtime.set_config("aws:region", "us-east-1")

    def program(image: str) -> None:
        there = aws.Provider("there", region="eu-west-1")
        SageMakerEndpoint("endpoint", args(image=image), pulumi.ResourceOptions(provider=there))

    run(lambda: program(THERE))
    with pytest.raises(pulumi.RunError, match="image must be in the endpoint's region, eu-west-1"):
        run(lambda: program(IMAGE))


@pytest.mark.usefixtures("unset_region")
def test_without_a_known_region_nothing_is_refused(run: Run) -> None:
    seen = run(lambda: SageMakerEndpoint("endpoint", args(image=THERE)))
    assert seen.of_type(MODEL).inputs["primaryContainer"]["image"] == THERE


@pytest.fixture
def unset_region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")


@pytest.mark.parametrize(
    ("uri", "region"),
    [
        (IMAGE, "us-east-1"),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com/mine:1", "us-gov-west-1"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/mine@sha256:0", "cn-north-1"),
        ("registry.example.com/team/mine:1", "us-east-1"),  # a private registry in a VPC
        ("mine", "us-east-1"),
        (IMAGE, None),
        (IMAGE, ""),
    ],
)
def test_an_image_of_the_region_or_of_no_region_passes(uri: str, region: str | None) -> None:
    assert region_problem(uri, region) is None


@pytest.mark.parametrize(
    "uri",
    [
        IMAGE,
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine",
        "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/mine:1",
        "123456789012.dkr-ecr.us-east-1.on.aws/mine:1",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/eu-west-1/mine:1",
    ],
)
def test_an_image_of_another_one_does_not(uri: str) -> None:
    assert region_problem(uri, "eu-west-1")
