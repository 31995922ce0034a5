"""Pure and mocks: what is checked around an endpoint's updates; the engine ring shows it against a real rollback."""

import asyncio
from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from botocore.exceptions import ClientError

from sagebridge import SageMakerEndpoint
from sagebridge import _aws as provider
from sagebridge.endpoint.spec import parse
from sagebridge.guards.hooks import difference, drifted, orphan, starts_with, unready, unscaled
from tests.endpoint.endpoints import COMPONENT, ENDPOINT, args
from tests.mocks import Monitor

Run = Callable[[Callable[[], object]], Monitor]
CREATED = {"name": "boston", "endpointConfigName": "new"}
ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/boston"


class SageMaker:
    """Stands for AWS."""

    def __init__(self) -> None:
        self.endpoints: dict[str, Any] = {}
        self.configurations: dict[str, Any] = {}
        self.settings: Any = None

    def describe_endpoint(self, *, EndpointName: str) -> Any:  # noqa: N803 - boto3's names
        if EndpointName in self.endpoints:
            return self.endpoints[EndpointName]
        raise ClientError({"Error": {"Message": "Could not find endpoint", "Code": "ValidationException"}}, "x")

    def describe_endpoint_config(self, *, EndpointConfigName: str) -> Any:  # noqa: N803
        return self.configurations[EndpointConfigName]

    def list_tags(self, *, ResourceArn: str) -> Any:  # noqa: N803
        return {"Tags": self.configurations[ResourceArn.rpartition("/")[2]].get("Tags", [])}

    def delete_endpoint(self, *, EndpointName: str) -> None:  # noqa: N803
        del self.endpoints[EndpointName]


@pytest.fixture
def sagemaker(monkeypatch: pytest.MonkeyPatch) -> SageMaker:
    made = SageMaker()

    def client(settings: provider.Settings) -> SageMaker:
        made.settings = settings
        return made

    monkeypatch.setattr(provider, "client", client)
    return made


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda line, *_: lines.append(line))
    monkeypatch.setattr(pulumi.log, "error", lambda line, *_: lines.append(line))
    return lines


def described(**changes: Any) -> Any:
    return {
        "EndpointName": "boston",
        "EndpointArn": ARN,
        "EndpointConfigName": "new",
        "EndpointStatus": "InService",
        "ProductionVariants": [{"VariantName": "AllTraffic", "DesiredInstanceCount": 1, "DesiredWeight": 1}],
        **changes,
    }


def urns(seen: Monitor) -> list[str]:
    """Returns the URNs of the endpoints, in the order in which their components were declared."""
    components = [urn for urn in seen.outputs if urn.endswith(f"{COMPONENT}::endpoint")]
    return [urn.replace("::endpoint", f"${ENDPOINT}::endpoint") for urn in components]


def hook(seen: Monitor, name: str, **given: Any) -> Any:
    """Runs a hook of the endpoint as the engine would, of the first one if nothing else is said."""
    given = {"urn": urns(seen)[0], "id": "boston", "name": "endpoint", "type": ENDPOINT, **given}
    kind = pulumi.ErrorHookArgs if name == "clean-up" else pulumi.ResourceHookArgs
    return asyncio.get_event_loop().run_until_complete(seen.callbacks.hooks[f"sagebridge-{name}"](kind(**given)))


@pytest.fixture
def seen(run: Run) -> Monitor:
    pulumi.runtime.set_config("aws:region", "eu-central-1")
    pulumi.runtime.set_config("aws:profile", "mine")
    return run(lambda: SageMakerEndpoint("endpoint", args(initial_instance_count=2)))


def starts(declared: Any, *, retained: bool = False) -> Any:
    (variant,) = parse(args(**declared)).production_variants
    return starts_with(variant, retained=retained)


def test_an_endpoint_that_runs_what_was_asked_for_is_right() -> None:
    assert difference(described(), "new", ["AllTraffic"]) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"EndpointConfigName": "old"},
        {"EndpointStatus": "RollingBack"},
        {"EndpointStatus": "UpdateRollbackFailed"},
        {"EndpointConfigName": "old", "EndpointStatus": "RollingBack"},
    ],
)
def test_anything_else_is_said_with_awss_reason_and_the_log_group(changes: dict[str, str]) -> None:
    told = difference(described(**changes, FailureReason="No capacity."), "new", ["AllTraffic"])
    assert told is not None
    assert f"is {described(**changes)['EndpointStatus']} on configuration" in told
    assert "not on new" in told
    assert "Reason: No capacity." in told
    assert "/aws/sagemaker/Endpoints/boston" in told


def test_every_variant_must_run() -> None:
    told = difference(described(), "new", ["AllTraffic", "next"])
    assert told is not None
    assert "runs the variants AllTraffic, not AllTraffic, next" in told


def test_what_follows_what(seen: Monitor) -> None:
    names = ["orphan", "ready", "verify", "verify", "clean-up"]
    assert seen.of_type(ENDPOINT).hooks == [f"sagebridge-{name}" for name in names]
    assert set(seen.callbacks.hooks) == {f"sagebridge-{name}" for name in [*names, "replacement"]}


def test_the_endpoints_of_a_program_share_their_hooks(run: Run, sagemaker: SageMaker) -> None:
    """Each is followed by what it is made from, also where two have one name under different parents."""

    def program() -> None:
        SageMakerEndpoint("endpoint", args())
        team = pulumi.ComponentResource("a:b:Team", "team")
        variants: Any = [{"variant_name": "blue"}]
        SageMakerEndpoint("endpoint", args(production_variants=variants), pulumi.ResourceOptions(parent=team))

    seen = run(program)
    assert len(seen.callbacks.hooks) == 5
    sagemaker.endpoints["boston"] = described()
    made = {"new_inputs": CREATED, "new_outputs": {"name": "boston", "arn": ARN}}
    (of_team,) = [urn for urn in urns(seen) if "a:b:Team" in urn]
    (other,) = [urn for urn in urns(seen) if urn != of_team]
    hook(seen, "verify", **made, urn=other)
    with pytest.raises(pulumi.RunError, match="runs the variants AllTraffic, not blue"):
        hook(seen, "verify", **made, urn=of_team)


def test_a_rollback_fails_the_update_asked_where_the_provider_goes(seen: Monitor, sagemaker: SageMaker) -> None:
    sagemaker.endpoints["boston"] = described()
    outputs = {"name": "boston", "arn": ARN}
    hook(seen, "verify", new_inputs=CREATED, new_outputs=outputs)
    assert sagemaker.settings == {"region": "eu-central-1", "profile": "mine"}

    sagemaker.endpoints["boston"] = described(EndpointConfigName="old")
    with pytest.raises(pulumi.RunError, match="AWS rolled the update back"):
        hook(seen, "verify", new_inputs=CREATED, new_outputs=outputs)
    taken_for_done = {**outputs, "endpointConfigName": "new"}
    with pytest.raises(pulumi.RunError, match="run `pulumi up` once more"):
        hook(seen, "verify", new_inputs=CREATED, new_outputs=outputs, old_outputs=taken_for_done)


def test_another_account_or_region_is_never_taken_for_the_providers(seen: Monitor, sagemaker: SageMaker) -> None:
    outputs = {"name": "boston", "arn": ARN.replace("us-east-1", "eu-west-1")}
    for found in ({}, {"boston": described()}):
        sagemaker.endpoints = found
        with pytest.raises(pulumi.RunError, match=r"with the provider's settings there is (none|arn:aws)"):
            hook(seen, "verify", new_inputs=CREATED, new_outputs=outputs)
        with pytest.raises(pulumi.RunError, match=r"with the provider's settings there is (none|arn:aws)"):
            hook(seen, "ready", old_inputs={}, new_inputs=CREATED, old_outputs=outputs)


@pytest.mark.parametrize(
    ("changes", "wanted", "expected"),
    [
        ({"EndpointConfigName": "old"}, "new", None),
        ({"EndpointConfigName": "old"}, None, None),
        ({"EndpointConfigName": "old", "EndpointStatus": "Failed"}, "new", None),
        ({"EndpointConfigName": "old", "EndpointStatus": "Updating"}, "new", "is Updating, and AWS takes no update"),
        ({"EndpointConfigName": "old", "EndpointStatus": "RollingBack"}, "new", "aws sagemaker wait"),
        ({}, "new", "runs new already: an update that was interrupted has reached it"),
    ],
)
def test_an_update_that_aws_would_refuse_is_refused_before(
    changes: dict[str, str], wanted: str | None, expected: str | None
) -> None:
    told = unready(described(**changes), "boston", {"arn": ARN, "endpointConfigName": "old"}, wanted)
    assert expected in told if told and expected else told is expected


def test_an_orphan_is_met_before_anything_is_created(seen: Monitor, sagemaker: SageMaker) -> None:
    hook(seen, "orphan", new_inputs=CREATED)
    hook(seen, "orphan", new_inputs={**CREATED, "name": pulumi.UNKNOWN})
    sagemaker.endpoints["boston"] = described(EndpointStatus="Failed")
    with pytest.raises(pulumi.RunError, match="An endpoint boston is there already") as met:
        hook(seen, "orphan", new_inputs=CREATED)
    for way in (
        "status Failed",
        "import_endpoint to 'boston'",
        "delete-endpoint --endpoint-name boston",
    ):
        assert way in str(met.value)


def test_a_failed_create_is_cleaned_up_but_not_an_endpoint_of_others(
    seen: Monitor, sagemaker: SageMaker, said: list[str]
) -> None:
    failed = {"new_inputs": CREATED, "failed_operation": "create"}
    assert hook(seen, "clean-up", **failed) is False  # there is none
    assert hook(seen, "clean-up", new_inputs=CREATED, failed_operation="update") is False

    sagemaker.endpoints["boston"] = described(EndpointStatus="Failed", FailureReason="No ping.")
    hook(seen, "clean-up", **failed)
    assert sagemaker.endpoints == {}
    assert "No ping." in said[-1]

    sagemaker.endpoints["boston"] = described(EndpointConfigName="other")
    hook(seen, "clean-up", **failed)
    assert "boston" in sagemaker.endpoints
    assert said[-1] == orphan(described(EndpointConfigName="other"))


def test_an_update_that_takes_capacity_away_says_so_with_the_numbers(
    seen: Monitor, sagemaker: SageMaker, said: list[str]
) -> None:
    live = {"VariantName": "AllTraffic", "DesiredInstanceCount": 7, "DesiredWeight": 1}
    sagemaker.endpoints["boston"] = described(EndpointConfigName="old", ProductionVariants=[live])
    first = {"VariantName": "AllTraffic", "InitialInstanceCount": 1, "InitialVariantWeight": 1}
    sagemaker.configurations["old"] = {"ProductionVariants": [first], "EndpointConfigArn": "arn/old"}
    old = {"name": "boston", "endpointConfigName": "old"}

    before = {"old_inputs": old, "old_outputs": {**old, "arn": ARN}}

    hook(seen, "ready", **before, new_inputs=old)  # only tags change
    assert said == []
    hook(seen, "ready", **before, new_inputs={**old, "endpointConfigName": pulumi.UNKNOWN})
    assert said == [
        "Endpoint boston: variant AllTraffic has initial_instance_count 7, which was not declared. "  # noqa: ISC004
        "This update sets it to 2; declare 7 to keep it"
    ]


@pytest.mark.parametrize(
    ("live", "first", "declared", "lines"),
    [
        ({"DesiredInstanceCount": 2}, {"InitialInstanceCount": 2}, {"initial_instance_count": 3}, 0),
        ({"DesiredInstanceCount": 3}, {"InitialInstanceCount": 2}, {"initial_instance_count": 3}, 0),
        ({"DesiredInstanceCount": 3}, {"InitialInstanceCount": 2}, {}, 1),
        (
            {"DesiredInstanceCount": 3, "DesiredWeight": 0.5},
            {"InitialInstanceCount": 2, "InitialVariantWeight": 1.0},
            {},
            2,
        ),
        (
            {"DesiredServerlessConfig": {"ProvisionedConcurrency": 4}},
            {"ServerlessConfig": {"ProvisionedConcurrency": 1}},
            {"serverless_config": {"provisioned_concurrency": 2}},
            1,
        ),
        (
            {"CurrentServerlessConfig": {"ProvisionedConcurrency": 4}},
            {"ServerlessConfig": {"ProvisionedConcurrency": 1}},
            {"serverless_config": {"provisioned_concurrency": 2}},
            1,
        ),
        ({"DesiredInstanceCount": 3}, {"InitialInstanceCount": 2}, {"serverless_config": {}}, 0),
    ],
)
def test_only_what_was_set_from_outside_and_will_be_lost_is_told(
    live: dict[str, Any], first: dict[str, Any], declared: dict[str, Any], lines: int
) -> None:
    found = drifted(
        described(ProductionVariants=[{"VariantName": "v", **live}]),
        {"ProductionVariants": [{"VariantName": "v", **first}]},  # type: ignore[typeddict-item]
        {"v": starts(declared)},
    )
    assert len(found) == lines


def test_what_autoscaling_had_set_before_is_told_although_the_configuration_was_made_with_it() -> None:
    endpoint: Any = described(ProductionVariants=[{"VariantName": "v", "DesiredInstanceCount": 3}])
    running: Any = {"ProductionVariants": [{"VariantName": "v", "InitialInstanceCount": 3}]}
    assert drifted(endpoint, running, {"v": starts({})}) == []
    assert len(drifted(endpoint, running, {"v": starts({})}, retained=True)) == 1
    assert drifted(endpoint, running, {"v": starts({}, retained=True)}, retained=True) == []


def test_an_update_that_failed_says_which_variants_do_not_scale_any_more() -> None:
    class Scaling:
        def describe_scalable_targets(self, *, ServiceNamespace: str, ResourceIds: list[str]) -> Any:  # noqa: N803
            assert ServiceNamespace == "sagemaker"
            return {"ScalableTargets": [{"ResourceId": one} for one in ResourceIds if one.endswith("/stays")]}

    assert unscaled(Scaling(), "boston", ["stays"]) == ""
    assert "Autoscaling of gone was taken off" in unscaled(Scaling(), "boston", ["stays", "gone"])
