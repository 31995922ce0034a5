"""Pure and mocks: a value of the wrong kind is refused with the word that helps, wherever it stands."""

from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from sagebridge import SageMakerEndpoint
from sagebridge.endpoint import schema
from sagebridge.endpoint.rules import validate
from sagebridge.endpoint.schema import rule_of
from tests.endpoint.endpoints import COMPONENT, args
from tests.endpoint.test_completeness import Place, candidates, nested, places, structure_in
from tests.mocks import Monitor

Run = Callable[[Callable[[], object]], Monitor]
CONCAT = "Use pulumi.Output.concat or pulumi.Output.format instead of an f-string"
FORMATS: list[Callable[[Any], str]] = [
    lambda output: f"s3://{output}/model.tar.gz",
    str,
    "{}".format,
    lambda output: f"{output!r}",
    lambda output: f"{[output]}",
    lambda output: f"arn:aws:iam::123456789012:role/{output.name}",
]


def problems(given: Any, name: Any = "endpoint") -> list[str]:
    return [str(problem) for problem in validate(name, given)]


@pytest.fixture
def output(monitor: Monitor) -> pulumi.Output[str]:
    assert monitor
    return pulumi.Output.from_input("models")


def with_text(shape: str, text: str) -> list[Any]:
    """Returns values of a shape in which a text stands in each place that may have one."""
    rule = rule_of(shape.lstrip("!"))
    if rule["type"] == "list":
        return [text, *([value] for value in with_text(rule["member"]["shape"], text))]
    if rule["type"] == "map":
        return [text, {text: "value"}, *({"KEY": value} for value in with_text(rule["value"]["shape"], text))]
    return [text]


@pytest.mark.parametrize("place", [*places()], ids=lambda place: place.path)
def test_an_output_in_an_f_string_is_refused_in_every_field(place: Place, output: pulumi.Output[str]) -> None:
    structure, field = place.levels[-1]
    for value in with_text(schema.tables()[structure][field], f"s3://{output}/model.tar.gz"):
        (said,) = [line for line in problems(place.args(value)) if CONCAT in line]
        assert field in said
        assert "Calling" not in said


@pytest.mark.parametrize("format_", FORMATS)
def test_every_way_to_make_text_of_an_output_is_refused(
    format_: Callable[[Any], str], output: pulumi.Output[str]
) -> None:
    (said,) = problems(args(model_data_url=format_(output)))
    assert said.startswith("model_data_url is not the value of an output, but the text that Python makes of one.")
    assert CONCAT in said


def test_text_of_an_output_is_refused_as_a_name_of_anything(output: pulumi.Output[str]) -> None:
    assert CONCAT in "".join(problems(args(), f"{output}"))
    assert CONCAT in "".join(problems(args(**{f"{output}": 1})))
    assert CONCAT in "".join(problems(args(vpc_config={f"{output}": 1})))
    schedules = {f"{output}": {"schedule": "rate(1 day)", "min_capacity": 1}}
    assert CONCAT in "".join(problems(args(autoscaling={"min_capacity": 1, "max_capacity": 2, "schedules": schedules})))


@pytest.mark.parametrize("later", [False, True])
def test_text_of_an_output_in_an_output_is_refused_before_it_is_deployed(
    run: Run, monitor: Monitor, monkeypatch: pytest.MonkeyPatch, *, later: bool
) -> None:
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: later)

    def program() -> None:
        bucket = pulumi.Output.from_input("models")
        url = pulumi.Output.concat("s3://", f"{bucket}", "/model.tar.gz")
        SageMakerEndpoint("endpoint", args(environment={"URL": url}))

    with pytest.raises(pulumi.RunError, match=r"environment\['URL'\] is not the value of an output") as refused:
        run(program)
    assert CONCAT in str(refused.value)
    assert "aws:sagemaker/model:Model" not in [resource.type for resource in monitor.registered]


@pytest.mark.parametrize("given", [None, "args", 7, [], pulumi.ResourceOptions(), object()])
def test_arguments_that_are_no_dict_are_refused_in_one_sentence(given: Any) -> None:
    (said,) = problems(given)
    assert said.startswith("args must be a dict of fields")
    assert said.endswith('Write {"execution_role_arn": …, "image": …}.')


def test_arguments_that_are_an_output_are_refused(output: pulumi.Output[str]) -> None:
    assert problems(output) == ["args must be plain, not an output. What is in it may be outputs."]


@pytest.mark.parametrize("name", ["", None, 7, "my_scorer", "my scorer", "-scorer", "ärger", "a/b", "scorer::1"])
def test_a_name_that_the_provider_would_refuse_is_refused(name: Any) -> None:
    (said,) = problems(args(), name)
    assert said.startswith("name must be letters, digits and dashes, without a dash at the beginning")


@pytest.mark.parametrize("opts", [{}, {"protect": True}, "protect", [], pulumi.InvokeOptions()])
def test_options_of_another_kind_are_refused_in_one_sentence(run: Run, monitor: Monitor, opts: Any) -> None:
    with pytest.raises(pulumi.RunError, match=r"opts must be pulumi\.ResourceOptions, not ") as refused:
        run(lambda: SageMakerEndpoint("endpoint", args(), opts))
    assert len(str(refused.value).splitlines()) == 2
    assert COMPONENT not in [resource.type for resource in monitor.registered]


@pytest.mark.parametrize(("name", "given"), [("", args()), (None, args()), ("endpoint", None), ("endpoint", [])])
def test_a_call_with_nothing_is_refused_without_a_traceback(run: Run, name: Any, given: Any) -> None:
    with pytest.raises(pulumi.RunError, match="cannot be made"):
        run(lambda: SageMakerEndpoint(name, given))


ARGS_OBJECTS: list[tuple[dict[str, Any], str]] = [
    (
        {"vpc_config": aws.sagemaker.ModelVpcConfigArgs(subnets=["subnet-1"], security_group_ids=["sg-1"])},
        (
            "vpc_config must be a dict of fields, not a ModelVpcConfigArgs object. "
            'Write {"security_group_ids": …, "subnets": …}.'
        ),
    ),
    (
        {
            "production_variants": [
                aws.sagemaker.EndpointConfigurationProductionVariantArgs(model_name="m", variant_name="v")
            ]
        },
        (
            "production_variants[0] must be a dict of fields, not an EndpointConfigurationProductionVariantArgs "
            'object. Write {"variant_name": …, "image": …}.'
        ),
    ),
    (
        {
            "deployment_config": {
                "rolling_update_policy": {
                    "maximum_batch_size": aws.sagemaker.EndpointDeploymentConfigRollingUpdatePolicyMaximumBatchSizeArgs(
                        type="CAPACITY_PERCENT", value=10
                    )
                }
            }
        },
        (
            "deployment_config.rolling_update_policy.maximum_batch_size must be a dict of fields, not an "
            'EndpointDeploymentConfigRollingUpdatePolicyMaximumBatchSizeArgs object. Write {"value": …, "type": …}.'
        ),
    ),
]


@pytest.mark.parametrize(("given", "said"), ARGS_OBJECTS)
def test_objects_of_pulumi_aws_are_refused_with_the_dict_to_write(given: dict[str, Any], said: str) -> None:
    assert problems(args(**given)) == [said]


@pytest.mark.parametrize(
    ("structure", "field"),
    [(name, field) for name, table in schema.tables().items() for field, shape in table.items() if structure_in(shape)],
)
def test_structures_must_be_plain(structure: str, field: str, output: pulumi.Output[str]) -> None:
    """The program looks into them, to see which resources to declare."""
    found: list[Any] = []
    schema._check(field, output, schema.tables()[structure][field], found)  # noqa: SLF001 - one field of any structure
    (said,) = map(str, found)
    assert said.endswith("must be plain, not an output. What is in it may be outputs.")


@pytest.mark.parametrize("place", [*places()], ids=lambda place: place.path)
def test_a_field_that_is_a_list_or_a_dict_may_be_an_output_as_a_whole_or_says_so(place: Place, run: Run) -> None:
    structure, field = place.levels[-1]
    shape = schema.tables()[structure][field]
    if rule_of(shape.lstrip("!"))["type"] not in ("list", "map"):
        return
    given = place.args(candidates(field, shape)[0])
    if problems(given):
        return

    def program() -> None:
        late = place.args(pulumi.Output.from_input(candidates(field, shape)[0]))
        if said := problems(late):
            assert "must be plain, not an output" in said[0]
        else:
            SageMakerEndpoint("endpoint", late)

    run(program)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mode": "Single"}, "mode must be one of SingleModel, MultiModel, not 'Single'."),
        ({"instance_type": "m5.large"}, "not 'm5.large'. Did you mean ml.m5.large?"),
        ({"executionRoleArn": "x"}, "executionRoleArn is not a field. Did you mean execution_role_arn?"),
        ({"VpcConfig": {}}, "VpcConfig is not a field. Did you mean vpc_config?"),
        ({"vpc_config": {"subnts": ["s"], "security_group_ids": ["sg-1"]}}, "Did you mean subnets?"),
        ({"tags": {"cost": 42}}, "tags['cost'] must be a string, not 42. Write it in quotes; in a stack's "),
        ({"tags": {"cost": 42}}, "set it with `pulumi config set --type string`"),
        ({"tags": {"on": True}}, "set it with `pulumi config set --type string`"),
        ({"framework": "sklearn", "image": None, "framework_version": 1.9}, "`pulumi config set --type string`"),
        ({"tags": {"aws:team": "ml"}}, "tags['aws:team'] has a name that must not begin with aws:, which AWS keeps"),
        ({"tags": {"AWS:team": "ml"}}, "tags['AWS:team'] has a name that must not begin with aws:"),
        ({"tags": {1: "ml"}}, "tags[1] has a name that must be a string"),
        ({"image": ""}, "image must not be empty."),
        ({"image": object()}, "image must be a string, not an object object."),
        ({"image": {"uri": "own:1"}}, "image must be a string, not a dict."),
        ({"production_variants": {"variant_name": "a"}}, "production_variants must be a list, not a dict."),
    ],
)
def test_wrong_values_get_the_right_word(changes: dict[str, Any], said: str) -> None:
    assert said in "\n".join(problems(args(**changes)))


def test_each_structure_takes_only_its_own_fields() -> None:
    for structure, table in schema.tables().items():
        for field, shape in table.items():
            if inner := structure_in(shape):
                found: list[Any] = []
                misspelt = {next(iter(schema.tables()[inner])) + "x": 1}
                schema._check(field, nested(shape, misspelt), shape, found)  # noqa: SLF001 - one field of any structure
                assert any("Did you mean" in str(problem) for problem in found), (structure, field)
