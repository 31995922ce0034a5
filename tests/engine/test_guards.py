"""What must not happen unseen: an outage, a second owner, a deletion, a look into the wrong account."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws
import pytest
from pulumi import automation

from sagebridge import SageMakerEndpoint, SageMakerEndpointArgs
from sagebridge.endpoint.stash import PURPOSES, explanation
from sagebridge.local import control
from tests.conftest import PREDICTION, Aws, Base
from tests.engine.lives import everything
from tests.fields import IMAGE
from tests.local.account import put_manual_alarm, until
from tests.stacks import Declared, Stack

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
    aws.sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig={"Delay": 1})
    assert set(declared.preview()) == {"same"}


def test_a_fleet_is_updated_however_few_operations_the_engine_does_at_once(aws: Aws, declared: Declared) -> None:
    """Hooks ask the engine while its only operation, and all threads in which Pulumi's SDK waits, are taken."""
    fleet = [f"{declared.endpoint}-{number}" for number in range(7)]

    def program() -> None:
        for name in fleet:
            named: SageMakerEndpointArgs = {**declared.args, "endpoint_name": name}
            SageMakerEndpoint(name, named)

    declared.program = program
    declared.up()
    configurations = {runs(aws, name) for name in fleet}
    declared.args["environment"] = {"GREETING": "hello"}
    declared.up(parallel=1)
    assert configurations.isdisjoint(runs(aws, name) for name in fleet)


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
    warning = f"Endpoint {orphan} runs the configuration {orphan}, with other on 1 × ml.m5.large, weight 1."  # noqa: RUF001
    assert warning in declared.shown()
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
    until(lambda: not [arn for arn in everything(aws) if declared.endpoint in arn])


@pytest.mark.usefixtures("separate_providers")
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
    declared.up()
    folder = Path(aws.environment["LOCAL_AWS_DIR"])
    control.fault(folder, "rollback", endpoint=declared.endpoint, times=1)
    declared.args["instance_type"] = "ml.m5.large"
    assert "AWS rolled the update back" in declared.up_fails()
    declared.up()
    assert serves(aws, declared.endpoint)
    assert set(declared.preview()) == {"same"}


def move_by_hand(aws: Aws, endpoint: str, model: str, **variant: object) -> str:
    """Has an endpoint run a configuration that another hand has made; returns the configuration's name."""
    name = f"{endpoint}-by-hand"
    moved: Any = {"VariantName": "AllTraffic", "ModelName": model, **variant}
    aws.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[moved])
    aws.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=name)
    return name


LARGE: dict[str, Any] = {"InstanceType": "ml.c5.large", "InitialInstanceCount": 4, "InitialVariantWeight": 2}


def test_what_somebody_else_has_made_of_an_endpoint_is_told_with_both_sides_numbers(
    aws: Aws, declared: Declared
) -> None:
    name = declared.endpoint
    declared.up()
    first = declared.outputs()
    by_hand = move_by_hand(aws, name, first["modelName"], **LARGE)
    until(lambda: status(aws, name) == "InService")
    warning = (
        f"Endpoint {name} runs the configuration {by_hand}, with AllTraffic on 4 × ml.c5.large, weight 2. "  # noqa: RUF001 - as people write it
        f"This stack's last one is {first['endpointConfigName']}: the endpoint was imported, or somebody else or an "
        "update that was interrupted has moved it. This update makes it AllTraffic on {}, weight 1. Declare what is to "
        "stay."
    )

    unchanged = warning.format("1 × ml.m5.xlarge")  # noqa: RUF001
    assert unchanged in declared.shown(refresh=True)
    declared.args["environment"] = {"NEW": "yes"}  # the numbers stay as they are declared, which Pulumi does not show
    assert unchanged in declared.shown()
    assert unchanged in declared.shown(refresh=True)
    declared.args |= {"instance_type": "ml.m5.large", "initial_instance_count": 2}
    changed = warning.format("2 × ml.m5.large")  # noqa: RUF001
    assert changed in declared.shown()
    assert changed in declared.up().stdout

    assert runs(aws, name) == declared.outputs()["endpointConfigName"]
    declared.args["environment"] = {"NEW": "once more"}
    assert "somebody else" not in declared.shown() + declared.up().stdout
    assert set(declared.preview()) == {"same"}
    aws.sagemaker.delete_endpoint_config(EndpointConfigName=by_hand)


def test_a_deployment_that_somebody_else_has_under_way_is_told_with_both_sides_numbers(
    aws: Aws, declared: Declared
) -> None:
    name = declared.endpoint
    declared.up()
    with aws.holding("updating"):
        by_hand = move_by_hand(aws, name, declared.outputs()["modelName"], **LARGE)
        declared.args["initial_instance_count"] = 2
        shown = declared.shown()
        assert f"Endpoint {name} is Updating, and AWS takes no other update meanwhile. `pulumi up` waits" in shown
        assert f"It is being moved to the configuration {by_hand}, with AllTraffic on 4 × ml.c5.large" in shown  # noqa: RUF001
        assert "This update would make it AllTraffic on 2 × ml.m5.xlarge, weight 1." in shown  # noqa: RUF001
    until(lambda: status(aws, name) == "InService")
    assert "somebody else or an update that was interrupted has moved it" in declared.up().stdout
    aws.sagemaker.delete_endpoint_config(EndpointConfigName=by_hand)


def test_alarms_that_are_in_alarm_before_the_rollout_starts_are_told(aws: Aws, declared: Declared) -> None:
    name, cloudwatch = declared.endpoint, aws.client("cloudwatch")
    alarms = {f"{name}-loud": "ALARM", f"{name}-quiet": "OK"}
    for alarm, state in alarms.items():
        put_manual_alarm(cloudwatch, alarm)
        cloudwatch.set_alarm_state(AlarmName=alarm, StateValue=state, StateReason="7 datapoints were over 0.01.")
    declared.args["deployment_config"] = {"auto_rollback_alarms": list(alarms)}
    declared.up()
    assert "in ALARM" not in declared.shown()  # there is nothing to roll out
    declared.args["instance_type"] = "ml.m5.large"
    shown = declared.shown()
    assert f"the alarm {name}-loud is in ALARM before the update starts (7 datapoints were over 0.01)" in shown
    assert f"the alarm {name}-quiet" not in shown
    cloudwatch.set_alarm_state(AlarmName=f"{name}-loud", StateValue="OK", StateReason="well")
    assert "in ALARM" not in declared.shown()
    declared.destroy()
    cloudwatch.delete_alarms(AlarmNames=list(alarms))


def test_what_is_kept_in_the_state_alone_is_explained_where_a_person_meets_it(declared: Declared) -> None:
    scaling: Any = {"min_capacity": 1, "max_capacity": 4, "invocations_per_instance": 70}

    def program() -> None:
        for name in ("endpoint", "other"):
            named: SageMakerEndpointArgs = {**declared.args, "endpoint_name": f"{declared.endpoint}-{name}"}
            SageMakerEndpoint(name, {**named, "autoscaling": scaling})

    declared.program = program
    first = declared.shown()
    for purpose in PURPOSES:
        assert first.count(explanation(purpose)) == 1  # not once for each endpoint
    declared.up()
    assert "kept in the stack's state only" not in declared.shown()
    declared.args["environment"] = {"NEW": "yes"}
    changed = declared.shown()
    assert explanation("generation") in changed
    assert explanation("registration") not in changed
    declared.program = lambda: None


def test_an_endpoint_that_was_deleted_by_hand_is_made_again_by_one_update(aws: Aws, stack: Stack) -> None:
    name = stack.endpoint
    stack.up()
    assert set(stack.preview()) == {"same"}
    aws.sagemaker.delete_endpoint(EndpointName=name)
    aws.sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig={"Delay": 1})
    previewed = stack.preview()
    assert (previewed["create"], set(previewed)) == (1, {"create", "same"})
    stack.up()
    assert serves(aws, name)
    assert set(stack.preview()) == {"same"}


def test_an_auto_named_endpoint_keeps_the_capacity_that_it_has(aws: Aws, declared: Declared) -> None:
    del declared.args["endpoint_name"]
    declared.args["autoscaling"] = {"min_capacity": 1, "max_capacity": 4, "invocations_per_instance": 70}
    declared.up()
    name = declared.outputs()["endpointName"]

    def instances() -> int:
        (variant,) = aws.sagemaker.describe_endpoint(EndpointName=name)["ProductionVariants"]
        return variant["CurrentInstanceCount"]

    def set_instances(count: int) -> None:
        wanted: Any = [{"VariantName": "AllTraffic", "DesiredInstanceCount": count}]
        aws.sagemaker.update_endpoint_weights_and_capacities(EndpointName=name, DesiredWeightsAndCapacities=wanted)
        until(lambda: instances() == count)

    set_instances(3)
    assert set(declared.preview()) == {"same"}
    declared.args["environment"] = {"NEW": "yes"}
    assert "was not declared" not in declared.shown()
    declared.up()
    assert instances() == 3
    declared.args["instance_type"] = "ml.m5.large"  # an input of the component itself, with its scaling taken off
    declared.up()
    assert (instances(), declared.outputs()["endpointName"]) == (3, name)
    assert set(declared.preview()) == {"same"}

    set_instances(6)  # more than autoscaling may
    declared.args["environment"] = {"NEW": "once more"}
    warning = "variant AllTraffic has initial_instance_count 6, which was not declared. This update sets it to 4"
    assert warning in declared.shown()
    assert warning in declared.up().stdout
    assert instances() == 4
