"""Pure and mocks: how the plugin reads a request, and what it answers when it refuses."""

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from sagebridge import SageMakerEndpoint, _sdk
from sagebridge.endpoint.refusal import property_path
from sagebridge.plugin.provider import Plugin
from tests.endpoint.endpoints import args
from tests.mocks import ROLE, Monitor

TYPE = "sagebridge:index:SageMakerEndpoint"
PLUGIN = Plugin()
Run = Callable[[Callable[[], None]], Monitor]
Refused = Callable[[Callable[[], dict[str, Any]]], tuple[str, dict[str, str]]]


def named(**inputs: Any) -> dict[str, Any]:
    """Returns the component's arguments for the inputs of a request."""
    return PLUGIN.map_inputs(inputs, PLUGIN._component_defs["SageMakerEndpoint"])  # noqa: SLF001 - the SDK's own call


@pytest.fixture
def in_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sdk, "runs_in_plugin", lambda: True)


@pytest.fixture
def refused(run: Run, in_plugin: None) -> Refused:
    """Returns the message and the reasons, by property, with which a request of some inputs is refused."""
    assert in_plugin is None

    def refused(inputs: Callable[[], dict[str, Any]]) -> tuple[str, dict[str, str]]:
        def request() -> None:
            PLUGIN.construct("scorer", TYPE, {"executionRoleArn": ROLE, "image": "own:1", **inputs()})

        with pytest.raises(pulumi.InputPropertiesError) as error:
            run(request)
        details = error.value.errors or []
        return error.value.message, {detail["property_path"]: detail["reason"] for detail in details}

    return refused


def test_names_are_those_of_python_at_any_depth() -> None:
    variant = {"variantName": "a", "autoscaling": {"schedules": {"nightShift": {"minCapacity": 1}}}}
    assert named(productionVariants=[variant], environment={"someKey": "a"}, tags={"costCenter": "b"}) == {
        "production_variants": [
            {"variant_name": "a", "autoscaling": {"schedules": {"nightShift": {"min_capacity": 1}}}}
        ],
        "environment": {"someKey": "a"},
        "tags": {"costCenter": "b"},
    }


def test_whole_numbers_are_integers_where_the_schema_has_one() -> None:
    """Each number is a float on its way through the engine."""
    scaling = named(initialInstanceCount=2.0, autoscaling={"minCapacity": 1.0, "invocationsPerInstance": 3.0})
    assert repr(scaling["initial_instance_count"]) == "2"
    assert repr(scaling["autoscaling"]) == "{'min_capacity': 1, 'invocations_per_instance': 3.0}"
    assert named(initialInstanceCount=2.5) == {"initial_instance_count": 2.5}


def test_what_is_no_field_stays_for_the_component_to_refuse() -> None:
    """Pulumi's own provider drops it."""
    assert named(instanceTyp="a", serverlessConfig={"memory": 1}) == {
        "instanceTyp": "a",
        "serverless_config": {"memory": 1},
    }


def test_an_output_in_the_place_of_fields_is_refused(refused: Refused) -> None:
    """Pulumi's own provider takes it for no fields at all."""
    message, _ = refused(lambda: {"serverlessConfig": pulumi.Output.from_input({"maxConcurrency": 3})})
    assert "- serverlessConfig must be plain, not an output." in message


def test_every_problem_is_told_with_its_property(refused: Refused) -> None:
    variants = [{"variantName": "a", "instanceTyp": "ml.m5.large", "serverlessConfig": {"memorySizeInMb": 1500}}]
    message, reasons = refused(
        lambda: {"productionVariants": variants, "environment": {"a b": "c"}, "instanceType": "x"}
    )
    assert message == "SageMakerEndpoint 'scorer' cannot be made:"
    assert reasons.keys() == {
        "productionVariants[0].instanceTyp",
        "productionVariants[0].serverlessConfig.memorySizeInMb",
        'environment["a b"]',
        "instanceType",
    }
    assert all("_" not in reason.partition("pattern")[0] for reason in reasons.values())


def test_an_output_is_not_told_as_a_property_because_the_engine_would_show_its_value(refused: Refused) -> None:
    def inputs() -> dict[str, Any]:
        environment = {"TOKEN": pulumi.Output.secret("hunter2"), "a b": "c"}
        return {"environment": environment, "endpointName": "not_a_name"}

    message, reasons = refused(inputs)
    assert 'environment["a b"] has a name that' in message
    assert reasons.keys() == {"endpointName"}


@pytest.mark.parametrize("key", ["cost_center", "instance_type", "it's", 'a"b', "a]b", "a.b"])
def test_the_key_of_a_mapping_stays_as_it_is_in_a_path(key: str) -> None:
    shown = property_path(f"model_data_source[{key!r}].s3_uri")
    assert shown == f"modelDataSource[{json.dumps(key)}].s3Uri"


@pytest.mark.usefixtures("in_plugin")
def test_what_turns_out_later_is_told_without_a_class_of_pythons() -> None:
    failure = _sdk.failure("reason")
    assert isinstance(failure, pulumi.InputPropertiesError)
    assert failure.errors == []  # the SDK cannot send None


def test_a_program_in_python_gets_one_message(run: Callable[[Callable[[], object]], Monitor]) -> None:
    with pytest.raises(pulumi.RunError, match="instance_type must be one of"):
        run(lambda: SageMakerEndpoint("scorer", args(instance_type="x")))


def test_a_unit_test_is_no_plugin(run: Callable[[Callable[[], None]], Monitor]) -> None:
    seen = []
    run(lambda: seen.append((_sdk.runs_in_plugin(), _sdk.hook_name("verify"))))
    assert seen == [(False, "verify")]


@pytest.mark.usefixtures("in_plugin")
def test_two_components_of_a_plugin_have_hooks_of_different_names() -> None:
    """The engine takes each name once in an update."""
    first, second = _sdk.hook_name("verify"), _sdk.hook_name("verify")
    assert first.startswith("verify-")
    assert first != second
