"""Mocks: what the engine calls around an endpoint's updates; the engine ring shows it against a real rollback."""

import asyncio
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pulumi
import pytest
from botocore.exceptions import ClientError
from pulumi.runtime import settings

from sagebridge import SageMakerEndpoint, _aws, _sdk, threads
from sagebridge.guards import checks, progress
from sagebridge.guards.hooks import EndpointHooks
from tests.endpoint.endpoints import COMPONENT, ENDPOINT, args
from tests.guards.answers import ARN, Logs, endpoint
from tests.mocks import IMAGE, Monitor

Run = Callable[[Callable[[], object]], Monitor]
CREATED = {"name": "boston", "endpointConfigName": "new"}


class SageMaker:
    """Stands for AWS."""

    def __init__(self) -> None:
        self.endpoints: dict[str, Any] = {}
        self.configurations: dict[str, Any] = {}
        self.updates: list[Any] = []
        self.refusal: Exception | None = None
        """What an update raises."""
        self.rolls_back = False
        self.settings: Any = None
        self.logs = Logs()

    def describe_endpoint(self, *, EndpointName: str) -> Any:  # noqa: N803 - boto3's names
        if EndpointName in self.endpoints:
            return self.endpoints[EndpointName]
        raise ClientError({"Error": {"Message": "Could not find endpoint", "Code": "ValidationException"}}, "x")

    def list_endpoints(self, *, MaxResults: int) -> Any:  # noqa: N803
        assert MaxResults == 100
        return {"Endpoints": [{"EndpointName": name} for name in self.endpoints]}

    def describe_endpoint_config(self, *, EndpointConfigName: str) -> Any:  # noqa: N803
        return self.configurations[EndpointConfigName]

    def update_endpoint(self, **request: Any) -> None:
        if self.refusal:
            raise self.refusal
        self.updates.append(request)
        if not self.rolls_back:
            self.endpoints[request["EndpointName"]] = endpoint(EndpointConfigName=request["EndpointConfigName"])

    def list_tags(self, *, ResourceArn: str) -> Any:  # noqa: N803
        return {"Tags": self.configurations[ResourceArn.rpartition("/")[2]].get("Tags", [])}

    def delete_endpoint(self, *, EndpointName: str) -> None:  # noqa: N803
        del self.endpoints[EndpointName]


@pytest.fixture
def sagemaker(monkeypatch: pytest.MonkeyPatch) -> SageMaker:
    made = SageMaker()

    def client(settings: _aws.Settings) -> SageMaker:
        made.settings = settings
        return made

    monkeypatch.setattr(_aws, "sagemaker_client", client)
    monkeypatch.setattr(_aws, "logs_client", lambda settings, _: made.logs if settings == made.settings else None)
    return made


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    for level in ("info", "warn", "error"):
        monkeypatch.setattr(pulumi.log, level, lambda line, *_: lines.append(line))
    return lines


@pytest.fixture
def progress_told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stages that are told, with AWS asked at once."""
    lines: list[str] = []
    monkeypatch.setattr(progress, "POLL_SECONDS", 0)
    monkeypatch.setattr(_sdk, "show_progress", lambda _, text: lines.append(text))
    return lines


def urns(registered: Monitor) -> list[str]:
    """Returns the URNs of the endpoints, in the order in which their components were declared."""
    components = [urn for urn in registered.outputs if urn.endswith(f"{COMPONENT}::endpoint")]
    return [urn.replace("::endpoint", f"${ENDPOINT}::endpoint") for urn in components]


def hook(registered: Monitor, name: str, /, **changes: Any) -> Any:
    """Runs a hook as the engine would, for the first endpoint unless another ``urn`` is given."""
    urn = changes.get("urn") or urns(registered)[0]
    arguments = {"id": "boston", "name": "endpoint", "type": ENDPOINT, **changes, "urn": urn}
    kind = pulumi.ErrorHookArgs if name == "clean-up" else pulumi.ResourceHookArgs
    binding = _sdk.once(EndpointHooks).binding
    hooks: list[Any] = [
        *(binding.before_create or ()),
        *(binding.before_update or ()),
        *(binding.after_update or ()),
        *(binding.on_error or ()),
    ]
    (callback,) = [hook.callback for hook in hooks if hook.name == f"sagebridge-{name}"]
    return asyncio.get_event_loop().run_until_complete(callback(kind(**arguments)))


@pytest.fixture
def registered(run: Run) -> Monitor:
    pulumi.runtime.set_config("aws:region", "eu-central-1")
    pulumi.runtime.set_config("aws:profile", "mine")
    image = IMAGE.replace("us-east-1", "eu-central-1")
    return run(lambda: SageMakerEndpoint("endpoint", args(initial_instance_count=2, image=image)))


def test_what_follows_what(registered: Monitor) -> None:
    names = ["orphan", "ready", "verify", "verify", "clean-up"]
    assert registered.of_type(ENDPOINT).hooks == [f"sagebridge-{name}" for name in names]
    assert registered.of_type(COMPONENT).hooks == ["sagebridge-replacement"]


def test_the_endpoints_of_a_program_share_their_hooks(run: Run, sagemaker: SageMaker) -> None:
    """Each is followed by what it is made from, also where two have one name under different parents."""

    def program() -> None:
        SageMakerEndpoint("endpoint", args())
        team = pulumi.ComponentResource("a:b:Team", "team")
        variants: Any = [{"variant_name": "blue"}]
        SageMakerEndpoint("endpoint", args(production_variants=variants), pulumi.ResourceOptions(parent=team))

    registered = run(program)
    assert len({name for resource in registered.registered for name in resource.hooks}) == 5
    sagemaker.endpoints["boston"] = endpoint()
    made = {"new_inputs": CREATED, "new_outputs": {"name": "boston", "arn": ARN}}
    (of_team,) = [urn for urn in urns(registered) if "a:b:Team" in urn]
    (other,) = [urn for urn in urns(registered) if urn != of_team]
    hook(registered, "verify", **made, urn=other)
    with pytest.raises(pulumi.RunError, match="runs the variants AllTraffic, not blue"):
        hook(registered, "verify", **made, urn=of_team)


def test_a_rollback_fails_the_update_asked_where_the_provider_goes(registered: Monitor, sagemaker: SageMaker) -> None:
    sagemaker.endpoints["boston"] = endpoint()
    outputs = {"name": "boston", "arn": ARN}
    hook(registered, "verify", new_inputs=CREATED, new_outputs=outputs)
    assert sagemaker.settings == {"region": "eu-central-1", "profile": "mine"}

    sagemaker.endpoints["boston"] = endpoint(EndpointConfigName="old")
    with pytest.raises(pulumi.RunError, match="AWS rolled the update back"):
        hook(registered, "verify", new_inputs=CREATED, new_outputs=outputs)


def test_another_account_or_region_is_never_taken_for_the_providers(registered: Monitor, sagemaker: SageMaker) -> None:
    outputs = {"name": "boston", "arn": ARN.replace("us-east-1", "eu-west-1")}
    for endpoints in ({}, {"boston": endpoint()}):
        sagemaker.endpoints = endpoints
        with pytest.raises(pulumi.RunError, match=r"with the provider's settings there is (none|arn:aws)"):
            hook(registered, "verify", new_inputs=CREATED, new_outputs=outputs)
        with pytest.raises(pulumi.RunError, match=r"with the provider's settings there is (none|arn:aws)"):
            hook(registered, "ready", old_inputs={}, new_inputs=CREATED, old_outputs=outputs)


def test_an_orphan_is_met_before_anything_is_created(registered: Monitor, sagemaker: SageMaker) -> None:
    hook(registered, "orphan", new_inputs=CREATED)
    hook(registered, "orphan", new_inputs={**CREATED, "name": pulumi.UNKNOWN})
    sagemaker.endpoints["boston"] = endpoint(EndpointStatus="Failed")
    with pytest.raises(pulumi.RunError, match="An endpoint boston is there already") as met:
        hook(registered, "orphan", new_inputs=CREATED)
    for way in (
        "status Failed",
        "import_endpoint to 'boston'",
        "delete-endpoint --endpoint-name boston",
    ):
        assert way in str(met.value)


def test_a_create_waits_until_an_endpoint_of_its_name_is_deleted_and_says_so_once(
    registered: Monitor, sagemaker: SageMaker, logged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sagemaker.endpoints["boston"] = endpoint(EndpointStatus="Deleting")
    polls: list[float] = []

    async def sleep(seconds: float) -> None:
        polls.append(seconds)
        if len(polls) == 3:
            del sagemaker.endpoints["boston"]

    async def follow(_: object) -> None:
        """Asks AWS nothing."""

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(progress.Progress, "follow", follow)
    hook(registered, "orphan", new_inputs=CREATED)
    assert len(polls) == 3
    assert logged == [
        "Endpoint boston is being deleted. This update waits until it is gone, then it creates the new one."
    ]


def test_a_create_does_not_wait_for_ever(
    registered: Monitor, sagemaker: SageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    sagemaker.endpoints["boston"] = endpoint(EndpointStatus="Deleting")
    monkeypatch.setattr(checks, "DELETION_MINUTES", 0)
    with pytest.raises(pulumi.RunError, match="boston is still being deleted after 0 minutes") as refused:
        hook(registered, "orphan", new_inputs=CREATED)
    assert "aws sagemaker wait endpoint-deleted --endpoint-name boston" in str(refused.value)
    assert "choose another endpoint_name" in str(refused.value)


def test_an_endpoint_that_another_hand_makes_meanwhile_is_met(
    registered: Monitor, sagemaker: SageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    sagemaker.endpoints["boston"] = endpoint(EndpointStatus="Deleting")

    async def sleep(_: float) -> None:
        sagemaker.endpoints["boston"] = endpoint(EndpointStatus="Creating")

    monkeypatch.setattr(asyncio, "sleep", sleep)
    with pytest.raises(pulumi.RunError, match=r"An endpoint boston is there already \(status Creating\)"):
        hook(registered, "orphan", new_inputs=CREATED)


@pytest.mark.parametrize("replaceable", [False, True])
def test_a_preview_does_not_wait_for_an_endpoint_that_is_being_deleted(
    run: Run,
    sagemaker: SageMaker,
    logged: list[str],
    monkeypatch: pytest.MonkeyPatch,
    replaceable: bool,  # noqa: FBT001 - a case
) -> None:
    registered = run(lambda: SageMakerEndpoint("endpoint", args(allow_replacement=replaceable)))
    monkeypatch.setattr(settings.SETTINGS, "dry_run", True)
    sagemaker.endpoints["boston"] = endpoint(EndpointStatus="Deleting")
    hook(registered, "orphan", new_inputs=CREATED)
    assert logged == ["Endpoint boston is being deleted. `pulumi up` will wait until it is gone."]


def test_an_endpoint_that_is_being_deleted_takes_no_update_and_is_not_cleaned_up(
    registered: Monitor, sagemaker: SageMaker, logged: list[str]
) -> None:
    sagemaker.endpoints["boston"] = endpoint(EndpointStatus="Deleting", EndpointConfigName="old")
    outputs = {"name": "boston", "arn": ARN, "endpointConfigName": "old"}
    with pytest.raises(pulumi.RunError, match=r"none, or it is being deleted\..* run `pulumi up --refresh`"):
        hook(registered, "ready", old_inputs={}, new_inputs=CREATED, old_outputs=outputs)
    with pytest.raises(pulumi.RunError, match=r"none, or it is being deleted\..* run `pulumi up --refresh`"):
        hook(registered, "verify", new_inputs=CREATED, new_outputs=outputs)
    hook(registered, "clean-up", new_inputs=CREATED, failed_operation="create")
    assert logged == []
    assert "boston" in sagemaker.endpoints


def test_a_failed_create_is_cleaned_up_but_not_an_endpoint_of_others(
    registered: Monitor, sagemaker: SageMaker, logged: list[str]
) -> None:
    failed = {"new_inputs": CREATED, "failed_operation": "create"}
    assert hook(registered, "clean-up", **failed) is False  # there is none
    assert hook(registered, "clean-up", new_inputs=CREATED, failed_operation="update") is False

    sagemaker.endpoints["boston"] = endpoint(EndpointStatus="Failed", FailureReason="No ping.")
    hook(registered, "clean-up", **failed)
    assert sagemaker.endpoints == {}
    assert "No ping." in logged[-1]

    sagemaker.endpoints["boston"] = endpoint(EndpointConfigName="other")
    hook(registered, "clean-up", **failed)
    assert "boston" in sagemaker.endpoints
    assert logged[-1] == checks.orphan(endpoint(EndpointConfigName="other"))


def test_a_failed_create_tells_how_its_log_ends(registered: Monitor, sagemaker: SageMaker, logged: list[str]) -> None:
    created = datetime(2026, 1, 1, tzinfo=UTC)
    sagemaker.logs.streams = {"AllTraffic/i-1": (created, ["loads", "OSError: no such model"])}
    reason = "The primary container for production variant AllTraffic did not pass the ping health check."
    failed = endpoint(EndpointStatus="Failed", FailureReason=reason, CreationTime=created)
    sagemaker.endpoints["boston"] = failed
    hook(registered, "clean-up", new_inputs=CREATED, failed_operation="create")
    assert logged == [
        f"{checks.failed_create(failed)} The log of AllTraffic/i-1 ends with:\n    loads\n    OSError: no such model"
    ]


def test_a_rollback_tells_how_the_log_of_the_new_instances_ends(
    registered: Monitor, sagemaker: SageMaker, logged: list[str]
) -> None:
    changed = datetime(2026, 1, 1, tzinfo=UTC)
    old = endpoint(EndpointConfigName="old", LastModifiedTime=changed)
    sagemaker.endpoints["boston"] = old
    sagemaker.configurations["old"] = {"ProductionVariants": [], "EndpointConfigArn": "arn/old"}
    outputs = {"name": "boston", "arn": ARN, "endpointConfigName": "old"}
    sagemaker.logs.streams = {"AllTraffic/i-1": (changed - timedelta(minutes=9), ["old"])}
    update = {"old_inputs": {**CREATED, "endpointConfigName": "old"}, "new_inputs": CREATED, "old_outputs": outputs}
    hook(registered, "ready", **update)
    with pytest.raises(pulumi.RunError, match=r"was kept\.$"):  # no container has begun
        hook(registered, "verify", **update, new_outputs=outputs)
    sagemaker.logs.streams["AllTraffic/i-2"] = (changed + timedelta(minutes=9), ["new"])
    with pytest.raises(pulumi.RunError, match=r"was kept. The log of AllTraffic/i-2 ends with:\n    new$"):
        hook(registered, "verify", **update, new_outputs=outputs)
    sagemaker.endpoints["boston"] = {**old, "EndpointStatus": "RollingBack"}
    hook(registered, "clean-up", new_inputs=CREATED, failed_operation="update")
    assert logged[-1].endswith("The log of AllTraffic/i-2 ends with:\n    new")


def test_an_update_that_takes_capacity_away_says_so_with_the_numbers(
    registered: Monitor, sagemaker: SageMaker, logged: list[str]
) -> None:
    live = {"VariantName": "AllTraffic", "DesiredInstanceCount": 7, "DesiredWeight": 1}
    sagemaker.endpoints["boston"] = endpoint(EndpointConfigName="old", ProductionVariants=[live])
    first = {"VariantName": "AllTraffic", "InitialInstanceCount": 1, "InitialVariantWeight": 1}
    sagemaker.configurations["old"] = {"ProductionVariants": [first], "EndpointConfigArn": "arn/old"}
    old = {"name": "boston", "endpointConfigName": "old"}

    before = {"old_inputs": old, "old_outputs": {**old, "arn": ARN}}

    hook(registered, "ready", **before, new_inputs=old)  # only tags change
    assert logged == []
    hook(registered, "ready", **before, new_inputs={**old, "endpointConfigName": pulumi.UNKNOWN})
    assert logged == [
        "Endpoint boston: variant AllTraffic has initial_instance_count 7, which was not declared. "  # noqa: ISC004
        "This update sets it to 2; declare 7 to keep it"
    ]


OLD = {"name": "boston", "arn": ARN, "endpointConfigName": "old"}
UPDATE = {"old_inputs": {**CREATED, "endpointConfigName": "old"}, "new_inputs": CREATED}
TAKEN_FOR_DONE = {**UPDATE, "old_outputs": {**OLD, "endpointConfigName": "new"}}
"""The next update after one that AWS refused: the engine keeps the old inputs and the planned outputs."""
BEFORE: dict[str, Any] = {"old_inputs": OLD, "old_outputs": OLD}


def test_the_hooks_of_a_fleet_wait_for_aws_side_by_side(run: Run, sagemaker: SageMaker) -> None:
    """An AWS far away answers all of them in the time of one."""
    names = [f"endpoint-{number}" for number in range(threads.MOST_CALLS)]
    registered = run(lambda: [SageMakerEndpoint(name, args()) for name in names])
    together = threading.Barrier(len(names), timeout=10)

    def describe_endpoint(**_: str) -> Any:
        together.wait()
        return endpoint(EndpointConfigName="new")

    sagemaker.describe_endpoint = describe_endpoint  # type: ignore[method-assign] # of this test alone
    verify: Any = next(iter(_sdk.once(EndpointHooks).binding.after_update or ()))
    made: Any = {"type": ENDPOINT, "id": "boston", "new_inputs": CREATED}
    made |= {"new_outputs": {"name": "boston", "arn": ARN}}

    async def verify_all() -> None:
        components = [urn for urn in registered.outputs if COMPONENT in urn]
        hooks = [
            verify.callback(
                pulumi.ResourceHookArgs(
                    urn.replace("::endpoint-", f"${ENDPOINT}::endpoint-"), name=urn.rpartition("::")[2], **made
                )
            )
            for urn in components
        ]
        assert len(hooks) == len(names)
        await asyncio.gather(*hooks)

    asyncio.get_event_loop().run_until_complete(verify_all())


@pytest.mark.parametrize("at_once", [3, 5, None])
def test_a_fleet_that_waits_for_its_turn_is_told_so_once(
    run: Run,
    sagemaker: SageMaker,
    logged: list[str],
    monkeypatch: pytest.MonkeyPatch,
    at_once: int | None,
) -> None:
    """An endpoint counts once, also where it is tried again, and not at all where nothing is rolled out."""
    registered = run(lambda: [SageMakerEndpoint(f"endpoint-{number}", args()) for number in range(6)])
    fleet = [
        {"urn": urn.replace("::endpoint-", f"${ENDPOINT}::endpoint-"), "name": urn.rpartition("::")[2]}
        for urn in registered.outputs
        if COMPONENT in urn
    ]
    monkeypatch.setattr(_sdk, "operations_at_once", lambda: at_once)
    sagemaker.endpoints["unchanged"] = endpoint()
    hook(registered, "ready", **fleet.pop(), id="unchanged", **(UPDATE | {"new_inputs": OLD}), old_outputs=OLD)
    for count, member in enumerate(fleet, 1):
        hook(registered, "orphan", **member, new_inputs={"name": f"boston-{count}"})
        hook(registered, "orphan", **member, new_inputs={"name": f"boston-{count}"})
        assert len(logged) == (at_once is not None and count > at_once)
    if logged:
        assert f"than the {at_once} operations that Pulumi does at once" in logged[0]
        assert "set PULUMI_PARALLEL" in logged[0]


def test_a_preview_looks_for_the_endpoints_of_a_fleet_in_one_list(
    registered: Monitor, sagemaker: SageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    describe = sagemaker.describe_endpoint

    def describe_endpoint(*, EndpointName: str) -> Any:  # noqa: N803
        asked.append(EndpointName)
        return describe(EndpointName=EndpointName)

    monkeypatch.setattr(sagemaker, "describe_endpoint", describe_endpoint)
    monkeypatch.setattr(settings.SETTINGS, "dry_run", True)
    sagemaker.endpoints["taken"] = endpoint()
    for name in ("new", "newer"):
        hook(registered, "orphan", new_inputs={"name": name})
    with pytest.raises(pulumi.RunError, match="is there already"):
        hook(registered, "orphan", new_inputs={"name": "taken"})
    assert asked == ["taken"]


class TestForeign:
    """What somebody else has done to the endpoint before the update."""

    @pytest.fixture(autouse=True)
    def by_hand(self, sagemaker: SageMaker) -> None:
        live = {"VariantName": "AllTraffic", "DesiredInstanceCount": 4, "DesiredWeight": 1}
        sagemaker.endpoints["boston"] = endpoint(EndpointConfigName="by-hand", ProductionVariants=[live])
        variant = {"VariantName": "AllTraffic", "InstanceType": "ml.c5.large", "InitialInstanceCount": 4}
        sagemaker.configurations["by-hand"] = {"ProductionVariants": [variant], "EndpointConfigArn": "arn/by-hand"}

    @pytest.mark.parametrize(
        "earlier",
        [
            {"endpointConfigName": "old"},  # of a version that recorded no more
            {"endpointConfigName": "old", "lastConfigName": "old"},
            {"endpointConfigName": "by-hand", "lastConfigName": "old"},  # it was imported as it is
        ],
    )
    @pytest.mark.parametrize("refreshed", [False, True])
    def test_a_foreign_configuration_is_told_with_the_numbers(
        self,
        registered: Monitor,
        logged: list[str],
        monkeypatch: pytest.MonkeyPatch,
        earlier: dict[str, str],
        refreshed: bool,  # noqa: FBT001 - a case
    ) -> None:
        last_update_left(monkeypatch, earlier)
        now = {**OLD, "endpointConfigName": "by-hand" if refreshed else "old"}
        update = {"old_inputs": now, "old_outputs": {**now, "arn": ARN}}
        hook(registered, "ready", **update, new_inputs={**OLD, "endpointConfigName": pulumi.UNKNOWN})
        (warning,) = logged
        assert "runs the configuration by-hand, with AllTraffic on 4 × ml.c5.large, weight 1." in warning  # noqa: RUF001
        assert "This stack's last one is old:" in warning
        assert "This update makes it AllTraffic on 2 × ml.m5.xlarge, weight 1." in warning  # noqa: RUF001

    def test_the_stacks_own_configuration_is_not_foreign(
        self, registered: Monitor, logged: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        last_update_left(monkeypatch, {"lastConfigName": "by-hand"})
        hook(registered, "ready", **BEFORE, new_inputs={**OLD, "endpointConfigName": pulumi.UNKNOWN})
        assert logged == []

    def test_alarms_are_looked_at_and_a_caller_who_may_not_is_told(
        self, registered: Monitor, logged: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        last_update_left(monkeypatch, {"lastConfigName": "by-hand"})
        cloudwatch = CloudWatch()
        monkeypatch.setattr(_aws, "cloudwatch_client", lambda _: cloudwatch)
        alarms = [{"alarmName": "loud"}, {"alarmName": pulumi.UNKNOWN}]
        deployment = {"autoRollbackConfiguration": {"alarms": alarms}}
        changed = {**OLD, "endpointConfigName": pulumi.UNKNOWN, "deploymentConfig": deployment}
        hook(registered, "ready", **BEFORE, new_inputs=changed)
        cloudwatch.error = ClientError({"Error": {"Message": "not authorized", "Code": "AccessDenied"}}, "x")
        hook(registered, "ready", **BEFORE, new_inputs=changed)
        assert "the alarm loud is in ALARM before the update starts (it rings)" in logged[0]
        assert "needs cloudwatch:DescribeAlarms" in logged[1]
        assert "not authorized" in logged[1]
        unguarded = {**OLD, "endpointConfigName": pulumi.UNKNOWN, "deploymentConfig": {}}
        hook(registered, "ready", **BEFORE, new_inputs=unguarded)
        assert len(logged) == 2


class CloudWatch:
    """Stands for CloudWatch, where every alarm is in ALARM."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        """What each call raises."""

    def describe_alarms(self, *, AlarmNames: list[str], **_: object) -> Any:  # noqa: N803
        if self.error:
            raise self.error
        alarms = [{"AlarmName": name, "StateValue": "ALARM", "StateReason": "it rings."} for name in AlarmNames]
        return {"MetricAlarms": alarms}


def last_update_left(monkeypatch: pytest.MonkeyPatch, outputs: dict[str, str]) -> None:
    """Lets the engine answer with the component's outputs."""

    async def engine_outputs(_: pulumi.Resource) -> dict[str, str]:
        return outputs

    monkeypatch.setattr(_sdk, "runs_on_engine", lambda: True)
    monkeypatch.setattr(_sdk, "engine_outputs", engine_outputs)


@pytest.fixture
def running_old(sagemaker: SageMaker) -> SageMaker:
    """AWS with an endpoint that runs the old configuration."""
    sagemaker.endpoints["boston"] = endpoint(EndpointConfigName="old")
    for name in ("old", "new"):
        sagemaker.configurations[name] = {"ProductionVariants": [], "EndpointConfigArn": f"arn/{name}"}
    return sagemaker


class TestAnUpdateThatTheStateTakesForDone:
    """The provider has nothing to send, so the guard sends it."""

    def test_it_is_sent_with_its_deployment(self, registered: Monitor, running_old: SageMaker) -> None:
        policy = {"terminationWaitInSeconds": 60.0}
        inputs = {**CREATED, "deploymentConfig": {"blueGreenUpdatePolicy": policy}}
        hook(registered, "ready", **{**TAKEN_FOR_DONE, "new_inputs": inputs})
        deployment = {"BlueGreenUpdatePolicy": {"TerminationWaitInSeconds": 60}}
        request = {"EndpointName": "boston", "EndpointConfigName": "new"}
        assert running_old.updates == [{**request, "DeploymentConfig": deployment}]
        hook(registered, "verify", **TAKEN_FOR_DONE, new_outputs={**OLD, "endpointConfigName": "new"})

    def test_the_preview_says_so_and_sends_nothing(
        self, registered: Monitor, running_old: SageMaker, logged: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(settings.SETTINGS, "dry_run", True)
        hook(registered, "ready", **TAKEN_FOR_DONE)
        assert running_old.updates == []
        assert [line.partition(", which")[0] for line in logged] == ["Endpoint boston runs old, not new"]

    def test_a_refusal_fails_the_update_once_the_provider_has_read_what_runs(
        self, registered: Monitor, running_old: SageMaker
    ) -> None:
        running_old.refusal = ClientError({"Error": {"Message": "No quota.", "Code": "ResourceLimitExceeded"}}, "x")
        hook(registered, "ready", **TAKEN_FOR_DONE)
        with pytest.raises(pulumi.RunError, match=r"AWS did not take the update\. Reason: .*No quota\."):
            hook(registered, "verify", **TAKEN_FOR_DONE, new_outputs=OLD)

        running_old.refusal = None  # the state is right now, and the provider sends the next one
        hook(registered, "ready", **UPDATE, old_outputs=OLD)
        assert running_old.updates == []

    def test_a_rollback_of_it_is_one(self, registered: Monitor, running_old: SageMaker) -> None:
        running_old.rolls_back = True
        hook(registered, "ready", **TAKEN_FOR_DONE)
        with pytest.raises(pulumi.RunError, match="AWS rolled the update back"):
            hook(registered, "verify", **TAKEN_FOR_DONE, new_outputs=OLD)


class TestABusyEndpoint:
    """AWS takes no update of it."""

    @pytest.fixture(autouse=True)
    def idle_soon(self, running_old: SageMaker, monkeypatch: pytest.MonkeyPatch) -> None:
        really_sleep = asyncio.sleep

        async def sleep(_: float) -> None:
            await really_sleep(0)
            running_old.endpoints["boston"] = endpoint(EndpointConfigName=self.ends_on)

        monkeypatch.setattr(asyncio, "sleep", sleep)
        self.ends_on = "old"

    def busy(self, sagemaker: SageMaker, configuration: str) -> None:
        pending = {"EndpointConfigName": configuration, "ProductionVariants": []}
        live = endpoint(EndpointConfigName="old", EndpointStatus="Updating", PendingDeploymentSummary=pending)
        sagemaker.endpoints["boston"] = live

    @pytest.mark.parametrize("configuration", ["new", "of others"])
    def test_an_update_waits(
        self,
        registered: Monitor,
        running_old: SageMaker,
        logged: list[str],
        progress_told: list[str],
        configuration: str,
    ) -> None:
        self.busy(running_old, configuration)
        hook(registered, "ready", **UPDATE, old_outputs=OLD)
        assert progress_told == ["waiting for AWS: deploying", ""]
        other = [line for line in logged if "It is being moved to the configuration of others" in line]
        assert (logged, len(other)) == (other, 1 if configuration == "of others" else 0)

    def test_an_update_that_has_reached_its_configuration_meanwhile_is_left_to_a_refresh(
        self, registered: Monitor, running_old: SageMaker
    ) -> None:
        self.busy(running_old, "new")
        self.ends_on = "new"
        with pytest.raises(pulumi.RunError, match=r"runs new already: .* `pulumi up --refresh`"):
            hook(registered, "ready", **UPDATE, old_outputs=OLD)

    def test_a_preview_waits_for_what_the_stack_has_begun(
        self, registered: Monitor, running_old: SageMaker, progress_told: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After it, `pulumi up --refresh` reads what runs."""
        monkeypatch.setattr(settings.SETTINGS, "dry_run", True)
        self.busy(running_old, "new")
        self.ends_on = "new"
        hook(registered, "ready", **UPDATE, old_outputs=OLD)
        assert running_old.endpoints["boston"]["EndpointStatus"] == "InService"
        assert progress_told == ["waiting for AWS: deploying", ""]

    def test_a_preview_does_not_wait_for_others(
        self, registered: Monitor, running_old: SageMaker, logged: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(settings.SETTINGS, "dry_run", True)
        self.busy(running_old, "of others")
        hook(registered, "ready", **UPDATE, old_outputs=OLD)
        assert running_old.endpoints["boston"]["EndpointStatus"] == "Updating"
        (warning,) = logged
        assert warning.startswith(
            "Endpoint boston is Updating, and AWS takes no other update meanwhile. "
            "`pulumi up` waits until that is over. It is being moved to the configuration of others"
        )


def test_a_failed_update_says_how_it_left_the_endpoint(
    registered: Monitor, running_old: SageMaker, logged: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = {"new_inputs": CREATED, "old_outputs": OLD, "failed_operation": "update"}
    hook(registered, "clean-up", **failed)
    assert "as before: AWS did not take the update" in logged.pop()

    def throttle(**_: str) -> None:
        raise ClientError({"Error": {"Message": "Rate exceeded", "Code": "ThrottlingException"}}, "DescribeEndpoint")

    monkeypatch.setattr(running_old, "describe_endpoint", throttle)
    hook(registered, "clean-up", **failed)
    assert "Cannot read how the update has left endpoint boston: " in logged.pop()


@pytest.mark.parametrize(
    ("operation", "end"), [("create", "verify"), ("create", "clean-up"), ("update", "verify"), ("update", "clean-up")]
)
def test_the_progress_of_the_providers_work_is_told_until_its_end(
    registered: Monitor, running_old: SageMaker, progress_told: list[str], operation: str, end: str
) -> None:
    if operation == "create":
        running_old.endpoints.clear()
        hook(registered, "orphan", new_inputs=CREATED)
    else:
        hook(registered, "ready", **UPDATE, old_outputs=OLD)
    running_old.endpoints["boston"] = endpoint(EndpointStatus="Updating")
    loop = asyncio.get_event_loop()
    loop.run_until_complete(asyncio.sleep(0.1))
    assert progress_told == ["changing weights or capacity"]
    running_old.endpoints["boston"] = endpoint()
    if end == "verify":
        hook(registered, "verify", new_inputs=CREATED, new_outputs=OLD)
    else:
        hook(registered, "clean-up", new_inputs=CREATED, old_outputs=OLD, failed_operation=operation)
    running_old.endpoints["boston"] = endpoint(EndpointStatus="SystemUpdating")
    loop.run_until_complete(asyncio.sleep(0.1))
    assert progress_told == ["changing weights or capacity", ""]


class TestSecrets:
    """The engine hands to a hook, as an output, each property that holds a secret; AWS tells it in the clear."""

    NAME, COUNT = "hunter2", 987

    @pytest.fixture
    def registered(self, run: Run, sagemaker: SageMaker) -> Monitor:
        assert sagemaker

        def program() -> None:
            secret: Any = {
                "endpoint_name": pulumi.Output.secret(self.NAME),
                "initial_instance_count": pulumi.Output.secret(self.COUNT),
            }
            SageMakerEndpoint("endpoint", args(**secret))

        return run(program)

    def live(self, **changes: Any) -> Any:
        return endpoint(EndpointName=self.NAME, FailureReason=f"s3 of {self.NAME} failed.", **changes)

    def hook(self, registered: Monitor, name: str, **properties: Any) -> Any:
        """Runs a hook with the name as an output."""

        async def hidden() -> dict[str, Any]:
            secret = pulumi.Output.secret(self.NAME)
            return {
                of: {**values, "name": secret} if isinstance(values, dict) and "name" in values else values
                for of, values in properties.items()
            }

        made = asyncio.get_event_loop().run_until_complete(hidden())
        return hook(registered, name, id=self.NAME, **made)

    def test_an_endpoint_of_a_secret_name_is_looked_for(self, registered: Monitor, sagemaker: SageMaker) -> None:
        sagemaker.endpoints[self.NAME] = self.live()
        with pytest.raises(pulumi.RunError, match=r"An endpoint \[secret\] is there already") as refused:
            self.hook(registered, "orphan", new_inputs={**CREATED, "name": self.NAME})
        assert self.NAME not in str(refused.value)

    def test_a_rollback_is_told_without_secrets(self, registered: Monitor, sagemaker: SageMaker) -> None:
        sagemaker.endpoints[self.NAME] = self.live(EndpointConfigName="old")
        named = {**CREATED, "name": self.NAME}
        with pytest.raises(pulumi.RunError, match=r"Reason: s3 of \[secret\] failed") as refused:
            self.hook(registered, "verify", new_inputs=named, new_outputs={"name": self.NAME, "arn": ARN})
        assert self.NAME not in str(refused.value)

    def test_a_log_is_told_without_secrets(self, registered: Monitor, sagemaker: SageMaker) -> None:
        sagemaker.endpoints[self.NAME] = self.live(EndpointConfigName="old")
        sagemaker.logs.streams = {"AllTraffic/i-1": (datetime.now(UTC), [f"no access to {self.NAME}"])}
        named = {**CREATED, "name": self.NAME}
        with pytest.raises(pulumi.RunError, match=r"ends with:\n    no access to \[secret\]$") as refused:
            self.hook(registered, "verify", new_inputs=named, new_outputs={"name": self.NAME, "arn": ARN})
        assert self.NAME not in str(refused.value)

    def test_what_an_update_takes_away_is_told_without_secrets(
        self, registered: Monitor, sagemaker: SageMaker, logged: list[str]
    ) -> None:
        variant = {"VariantName": "AllTraffic", "InitialInstanceCount": 1, "InitialVariantWeight": 1}
        sagemaker.endpoints[self.NAME] = self.live(
            ProductionVariants=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 3, "DesiredWeight": 1}]
        )
        sagemaker.configurations["new"] = {
            "ProductionVariants": [variant],
            "EndpointConfigArn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/new",
        }
        named = {"name": self.NAME, "endpointConfigName": "new"}
        changed = {**named, "endpointConfigName": "next"}
        self.hook(registered, "ready", old_inputs=named, new_inputs=changed, old_outputs={"arn": ARN, **named})
        (said,) = logged
        assert said.startswith("Endpoint [secret]: variant AllTraffic has initial_instance_count 3")
        assert "This update sets it to [secret];" in said

    def test_a_failed_create_is_told_without_secrets(
        self, registered: Monitor, sagemaker: SageMaker, logged: list[str]
    ) -> None:
        sagemaker.endpoints[self.NAME] = self.live(EndpointStatus="Failed")
        named = {**CREATED, "name": self.NAME}
        self.hook(registered, "clean-up", new_inputs=named, failed_operation="create", errors=[])
        (said,) = logged
        assert said.startswith("Endpoint [secret] failed: s3 of [secret] failed.")
        assert self.NAME not in said
