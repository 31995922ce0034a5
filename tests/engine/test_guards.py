"""What must not happen unseen: an outage, a second owner, a deletion, a look into the wrong account."""

from collections.abc import Iterator
from pathlib import Path

import pulumi
import pulumi_aws
import pytest
from pulumi import automation

from sagebridge import SageMakerEndpoint
from sagebridge.local import control
from tests.conftest import PREDICTION, Aws, Base
from tests.engine.lives import everything
from tests.fields import IMAGE
from tests.stacks import Declared

pytestmark = pytest.mark.engine


def created(aws: Aws, endpoint: str) -> object:
    """Returns when an endpoint was made: another time, another endpoint."""
    return aws.sagemaker.describe_endpoint(EndpointName=endpoint)["CreationTime"]


def status(aws: Aws, endpoint: str) -> str:
    return aws.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"]


def runs(aws: Aws, endpoint: str) -> str:
    return aws.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]


def serves(aws: Aws, endpoint: str) -> bool:
    return aws.predict(endpoint) == pytest.approx(PREDICTION, abs=1e-9)


def test_an_endpoint_is_replaced_only_with_leave(aws: Aws, declared: Declared) -> None:
    name = declared.endpoint
    declared.up()
    first = created(aws, name)

    declared.config(**{"aws:region": "eu-west-1"})
    refused = declared.preview_fails()
    assert "region cannot change from 'us-east-1' to 'eu-west-1'. The endpoint would stay there" in refused
    declared.config(**{"aws:region": "us-east-1"})

    def renamed() -> None:
        SageMakerEndpoint("other", declared.args)

    def alias() -> None:
        SageMakerEndpoint("other", declared.args, pulumi.ResourceOptions(aliases=[pulumi.Alias(name="endpoint")]))

    declared.program = renamed
    assert "under another resource name, give that name in the options' aliases" in declared.preview_fails()
    declared.program = alias
    declared.up()
    assert created(aws, name) == first

    with pytest.raises(automation.CommandError, match="If you want it replaced"):
        declared.replace("Endpoint")
    assert created(aws, name) == first
    declared.args["allow_replacement"] = True
    declared.replace("Endpoint")
    assert created(aws, name) != first
    declared.args["endpoint_name"] = f"{name}-2"
    declared.up()
    assert serves(aws, f"{name}-2")
    assert name not in {found["EndpointName"] for found in aws.sagemaker.list_endpoints()["Endpoints"]}
    assert set(declared.preview()) == {"same"}


@pytest.fixture
def orphan(aws: Aws, base: Base, model_data: str, declared: Declared) -> Iterator[str]:
    """An endpoint of the declared one's name, with a model and a configuration of its own, made by another hand."""
    name = declared.endpoint
    environment = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": model_data}
    aws.sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn=base.execution_role_arn,
        PrimaryContainer={"Image": IMAGE, "ModelDataUrl": model_data, "Environment": environment},
    )
    aws.sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[
            {"VariantName": "other", "ModelName": name, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        ],
        Tags=[{"Key": "by", "Value": "hand"}],
    )
    aws.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name, Tags=[{"Key": "by", "Value": "hand"}])
    aws.sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1})
    yield name
    aws.sagemaker.delete_endpoint_config(EndpointConfigName=name)
    aws.sagemaker.delete_model(ModelName=name)


def test_an_endpoint_that_is_there_is_imported_without_an_outage(aws: Aws, declared: Declared, orphan: str) -> None:
    said = declared.preview_fails()
    assert f"An endpoint {orphan} is there already (status InService)" in said
    assert f"import it (set import_endpoint to '{orphan}' for one update)" in said
    assert "is there already" in declared.up_fails()
    first = created(aws, orphan)

    declared.args |= {"import_endpoint": orphan, "deployment_config": {"auto_rollback_alarms": ["errors"]}}
    declared.up()
    assert (created(aws, orphan), runs(aws, orphan)) == (first, orphan)
    del declared.args["import_endpoint"]
    assert "auto_rollback_alarms cannot get its first alarm" in declared.preview_fails()
    declared.args["deployment_config"] = {}
    assert "has the variants other, and this update would have AllTraffic" in declared.preview_fails()
    del declared.args["deployment_config"]
    assert ("update", "Endpoint") in declared.steps()
    assert created(aws, orphan) == first
    assert runs(aws, orphan) == declared.outputs()["endpointConfigName"] != orphan
    assert serves(aws, orphan)
    assert set(declared.preview()) == {"same"}
    aws.sagemaker.describe_endpoint_config(EndpointConfigName=orphan)  # what is not ours stays
    aws.sagemaker.describe_model(ModelName=orphan)


def test_an_endpoint_that_is_there_may_be_deleted_as_the_message_says(
    aws: Aws, declared: Declared, orphan: str
) -> None:
    said = declared.up_fails()
    assert f"delete it (aws sagemaker delete-endpoint --endpoint-name {orphan})" in said
    aws.sagemaker.delete_endpoint(EndpointName=orphan)
    aws.sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=orphan, WaiterConfig={"Delay": 1})
    declared.up()
    assert serves(aws, orphan)
    assert set(declared.preview()) == {"same"}


def test_a_protected_endpoint_is_updated_and_neither_it_nor_what_belongs_to_it_is_deleted(
    aws: Aws, declared: Declared
) -> None:
    scaling = {"min_capacity": 1, "max_capacity": 2, "invocations_per_instance": 100}
    declared.args |= {
        "autoscaling": scaling,  # type: ignore[typeddict-item] # a plain dict
        "alarms": {},
        "dashboard": True,
    }
    protected = pulumi.ResourceOptions(protect=True)
    declared.program = lambda: declared.declare(protected)
    declared.up()
    declared.args["instance_type"] = "ml.m5.large"
    declared.up()
    there = everything(aws)

    def nothing() -> None:
        """A program from which the component was taken away."""

    with pytest.raises(automation.CommandError, match="because it is protected"):
        declared.destroy()
    declared.program = nothing
    assert "because it is protected" in declared.preview_fails()
    assert "because it is protected" in declared.up_fails()
    assert everything(aws) == there

    declared.program = declared.declare
    assert set(declared.preview()) == {"same"}
    declared.up()  # takes the protection away
    declared.program = nothing
    declared.up()
    assert not [arn for arn in everything(aws) if declared.endpoint in arn]


def test_hooks_ask_where_an_explicit_provider_goes(
    aws: Aws, declared: Declared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider says its own endpoints, keys and role; the environment leads nowhere."""
    url = aws.sagemaker.meta.endpoint_url
    for name in ("AWS_PROFILE", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name)

    def program() -> None:
        provider = pulumi_aws.Provider(
            "own",
            region="us-east-1",
            access_key="a",
            secret_key="b",  # noqa: S106 - nobody checks it
            endpoints=[{"sagemaker": url, "s3": url, "sts": url}],
            assume_roles=[{"role_arn": "arn:aws:iam::123456789012:role/deployer", "session_name": "deploy"}],
            s3_use_path_style=True,
            skip_credentials_validation=True,
            skip_requesting_account_id=True,
        )
        declared.declare(pulumi.ResourceOptions(provider=provider))

    declared.program = program
    declared.preview()
    declared.up()
    folder = Path(aws.environment["LOCAL_AWS_DIR"])
    control.fault(folder, "rollback", endpoint=declared.endpoint, times=1)
    declared.args["instance_type"] = "ml.m5.large"
    assert "AWS rolled the update back" in declared.up_fails()
    declared.up()
    assert serves(aws, declared.endpoint)
    assert set(declared.preview()) == {"same"}
