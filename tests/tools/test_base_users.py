"""The endpoints that stand on the base, for which `make down` stops."""

from collections.abc import Iterator
from typing import Any

import pytest

from sagebridge.local import control
from tests.local.account import IMAGE, Account
from tools.base_users import endpoints_of, refusal, users

BASE = {"bucket_name": "models", "execution_role_arn": "arn:aws:iam::123456789012:role/sagemaker"}
OTHER_ROLE = "arn:aws:iam::123456789012:role/sagemaker-of-others"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    directory = tmp_path_factory.mktemp("aws")
    account = Account(control.start(directory)[0].url)
    account.base()
    yield account
    control.stop(directory)


def declared(account: Account, *, role: str, url: str | None, **members: Any) -> str:
    """Makes an endpoint, which need not serve; returns its name."""
    name = account.name("endpoint")
    container = {"Image": IMAGE, **({"ModelDataUrl": url} if url else {})}
    account.sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
    variant = {"VariantName": "v", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    account.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], **members)
    account.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    return name


@pytest.mark.server
@pytest.mark.parametrize(
    ("case", "stands"),
    [
        ({"role": BASE["execution_role_arn"], "url": None}, True),
        ({"role": OTHER_ROLE, "url": "s3://models/any/model.tar.gz"}, True),
        (
            {
                "role": OTHER_ROLE,
                "url": None,
                "AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://models/answers"}},
            },
            True,
        ),
        ({"role": OTHER_ROLE, "url": "s3://models-of-others/model.tar.gz"}, False),
    ],
)
def test_an_endpoint_that_uses_the_bucket_or_the_role_stands_on_the_base(
    account: Account, case: dict[str, Any], *, stands: bool
) -> None:
    name = declared(account, **case)
    assert (name in users(account.sagemaker, BASE)) == stands


@pytest.mark.server
@pytest.mark.parametrize("kind", ["endpoint_config", "model"])
def test_an_endpoint_of_which_nobody_can_tell_counts(account: Account, kind: str) -> None:
    name = declared(account, role=OTHER_ROLE, url=None)
    assert name not in users(account.sagemaker, BASE)
    member = "ModelName" if kind == "model" else "EndpointConfigName"
    getattr(account.sagemaker, f"delete_{kind}")(**{member: name})
    assert name in users(account.sagemaker, BASE)


def test_the_endpoints_of_a_stack_are_read_from_its_export() -> None:
    endpoint = {"type": "aws:sagemaker/endpoint:Endpoint", "outputs": {"name": "scorer"}}
    model = {"type": "aws:sagemaker/model:Model", "outputs": {"name": "model"}}
    assert endpoints_of({"deployment": {"resources": [endpoint, model]}}) == {"scorer"}
    assert endpoints_of({"deployment": {}}) == set()
    assert endpoints_of({}) == set()


def test_the_refusal_names_each_endpoint_with_its_stack_and_the_way_on() -> None:
    said = refusal({"scorer": "organization/team/dev", "by-terraform": None})
    assert "  scorer, of the stack organization/team/dev\n  by-terraform\n" in said
    assert "make down FORCE=1" in said
