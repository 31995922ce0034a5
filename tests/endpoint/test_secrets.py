"""Pure and mocks: what comes from a secret is checked, refused and deployed as a secret, and never shown."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pulumi
import pytest
from hypothesis import HealthCheck, given, settings

from sagebridge import SageMakerEndpoint
from sagebridge.endpoint import schema
from sagebridge.endpoint.rules import validate
from sagebridge.redaction import SECRET, concealed
from sagebridge.testing.mocks import EngineError
from tests.endpoint.endpoints import CONFIGURATION, MODEL, args
from tests.endpoint.test_completeness import Place, candidates, places
from tests.endpoint.test_endpoint_any import any_, structure
from tests.endpoint.test_rules import MODELS, REST, SIMPLE, VARIANTS
from tests.mocks import Monitor, World
from tests.properties import examples

Run = Callable[[Callable[[], object]], Monitor]
PLAIN_ONLY = {"framework", "framework_version", "variant_name", "import_endpoint"}
WRONG: list[Any] = ["hunter2 hunter2", "hunter2", 987_654, 98.765, -987_654, True, ["hunter2"], {"hunter2": "hunter2"}]
"""Secrets that are wrong somewhere; one of them is nowhere right."""


def refusal(run: Run, given: Any) -> str:
    with pytest.raises(pulumi.RunError) as refused:
        run(lambda: SageMakerEndpoint("endpoint", given()))
    return str(refused.value)


def leaves(value: Any) -> Iterator[Any]:
    """Finds everything in arguments that is neither a dict nor a list."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


def with_leaves(value: Any, change: Callable[[Any], Any]) -> Any:
    """Returns arguments with everything changed that may be an output."""
    if isinstance(value, Mapping):
        return {
            key: inner if key in PLAIN_ONLY or isinstance(inner, bool) else with_leaves(inner, change)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [with_leaves(inner, change) for inner in value]
    return change(value)


@pytest.mark.parametrize("place", [*places()], ids=lambda place: place.path)
def test_a_wrong_secret_is_refused_in_every_field_and_never_shown(place: Place) -> None:
    for secret in WRONG:
        shown = [str(problem) for problem in validate("endpoint", place.args(concealed(secret)))]
        plain = [problem.property for problem in validate("endpoint", place.args(secret))]
        assert len(shown) == len(plain), f"{secret!r} has other problems as a secret: {shown}"
        for text in ("hunter2", "987", "98.765", "True"):
            assert text not in "\n".join(shown), f"{secret!r} is shown"


@pytest.mark.parametrize(("changes", "property_", "_allowed"), [*SIMPLE, *MODELS, *VARIANTS, *REST])
def test_no_rule_shows_a_secret(changes: dict[str, Any], property_: str, _allowed: str) -> None:
    """Every value that may come from a secret does; what is said of the others stays what it is."""
    wrong = with_leaves(args(**changes), concealed)
    problems = validate("endpoint", wrong)
    assert property_ in [problem.property for problem in problems]
    secrets = [leaf for leaf in leaves(wrong) if isinstance(leaf, str) and repr(leaf) == SECRET and len(leaf) > 5]
    for problem in problems:
        said = f"{problem.rule} {problem.fix} {problem.value!r}"
        assert not [secret for secret in map(str.__str__, secrets) if secret in said.split() or f"'{secret}'" in said]


@given(wrong=structure("SageMakerEndpointArgs", any_))
@settings(examples(200), suppress_health_check=[HealthCheck.too_slow])
def test_secrets_have_the_problems_that_plain_values_have(wrong: Any) -> None:
    plain, secret = validate("endpoint", wrong), validate("endpoint", with_leaves(wrong, concealed))
    assert [problem.property for problem in secret] == [problem.property for problem in plain]


@pytest.fixture(params=[False, True], ids=["update", "preview"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: request.param)


@pytest.mark.usefixtures("either")
@pytest.mark.parametrize(
    ("field", "secret", "said"),
    [
        ("execution_role_arn", "hunter2", "execution_role_arn must be an ARN of the form"),
        ("instance_type", "m5.hunter2", "instance_type must be one of the"),
        ("initial_instance_count", -987, "initial_instance_count must be 1 or more, not [secret]."),
        ("tags", {"hunter2*": "hunter2"}, "tags[[secret]] has a name that must be letters, digits"),
        ("environment", {"hunter2-": "x"}, "environment[[secret]] has a name that must be letters, digits"),
        ("model_data_url", "s3://hunter2", "model_data_url must be an S3 URL that ends in .tar.gz, not [secret]."),
    ],
)
def test_a_secret_output_is_refused_without_being_shown(run: Run, field: str, secret: Any, said: str) -> None:
    message = refusal(run, lambda: args(**{field: pulumi.Output.secret(secret)}))
    assert said in message
    assert "hunter2" not in message
    assert "987" not in message


def test_secrets_are_followed_through_what_is_made_of_them(run: Run) -> None:
    message = refusal(
        run,
        lambda: args(
            execution_role_arn=pulumi.Output.concat("role-", pulumi.Output.secret("hunter2")),
            vpc_config={
                "subnets": [pulumi.Output.secret("hunter2!")],
                "security_group_ids": [pulumi.Output.from_input("sg 1")],
            },
        ),
    )
    assert (
        "vpc_config.subnets[0] must be letters, digits and dashes, at most 32 characters long, not [secret]" in message
    )
    assert "vpc_config.security_group_ids[0] must be letters, digits and dashes" in message
    assert "'sg 1'" in message  # which is no secret
    assert "hunter2" not in message


def test_a_sensitive_output_of_the_base_is_not_shown(run: Run) -> None:
    base = {"outputs": lambda: pulumi.Output.secret({"role": "hunter2"})}
    message = refusal(run, lambda: args(execution_role_arn=base["outputs"]()["role"]))
    assert "not [secret]" in message
    assert "hunter2" not in message


@pytest.mark.parametrize("answer", ["reading S3 Object: couldn't find resource", "403 for https://hunter2.s3/m.tar.gz"])
def test_the_url_of_an_archive_that_cannot_be_read_is_not_shown(
    run: Run, world: World, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    def fail(_: Any) -> Any:
        raise EngineError(answer)

    monkeypatch.setattr(world, "call", fail)
    message = refusal(run, lambda: args(model_data_url=pulumi.Output.secret("s3://hunter2/m.tar.gz")))
    assert "cannot read [secret]: " in message
    assert "hunter2" not in message


def test_an_image_that_does_not_fit_is_not_shown(run: Run, world: World) -> None:
    world.metadata = {"scikit-learn": "0.23.2"}
    image = "hunter2/sagemaker-scikit-learn:1.9-0-cpu-py3"
    message = refusal(run, lambda: args(image=pulumi.Output.secret(image)))
    assert "the image [secret] carries scikit-learn [secret]" in message
    assert "hunter2" not in message


def test_an_instance_type_without_an_image_is_not_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    message = refusal(
        run,
        lambda: args(
            image=None,
            framework="sklearn",
            framework_version="1.9-0",
            instance_type=pulumi.Output.secret("ml.inf1.xlarge"),
        ),
    )
    assert "instance_type must have" in message
    assert "inf1" not in message


def is_secret(value: Any) -> bool:
    return isinstance(value, dict) and "4dabf18193072939515e22adb298388d" in value


@pytest.mark.parametrize(
    "place",
    [place for place in places() if place.levels[-1][1] not in PLAIN_ONLY and "schedules" not in place.path],
    ids=lambda place: place.path,
)
def test_a_secret_stays_one_in_what_is_registered(place: Place, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    field = place.levels[-1][1]
    shape = schema.tables()[place.levels[-1][0]][field]
    values = [value for value in candidates(field, shape) if not validate("endpoint", place.args(value))]
    if shape.startswith("!") or not values:
        return
    found: list[Any] = []

    def secrets_in(inputs: Any) -> bool:
        if is_secret(inputs):
            return True
        if isinstance(inputs, Mapping):
            return any(map(secrets_in, inputs.values()))
        return isinstance(inputs, list) and any(map(secrets_in, inputs))

    seen = run(lambda: SageMakerEndpoint("endpoint", place.args(pulumi.Output.secret(values[0]))))
    found = [resource for resource in seen.registered if secrets_in(resource.inputs)]
    assert found, f"the secret {place.path} is in the clear"


def test_the_capacity_of_what_scales_stays_a_secret(run: Run) -> None:
    scaling = {"min_capacity": 1, "max_capacity": 4, "invocations_per_instance": 100}
    late: dict[str, Any] = {"endpoint_name": "boston", "autoscaling": scaling}
    seen = run(lambda: SageMakerEndpoint("endpoint", args(**late, initial_instance_count=pulumi.Output.secret(2))))
    assert is_secret(seen.of_type(CONFIGURATION).inputs["productionVariants"])


def test_what_is_no_secret_does_not_become_one(run: Run) -> None:
    def program() -> None:
        token, instance_type = pulumi.Output.secret("hunter2"), pulumi.Output.from_input("ml.m5.large")
        SageMakerEndpoint("endpoint", args(environment={"TOKEN": token}, instance_type=instance_type))

    seen = run(program)
    assert is_secret(seen.of_type(MODEL).inputs["primaryContainer"])
    assert seen.of_type(CONFIGURATION).inputs["productionVariants"][0]["instanceType"] == "ml.m5.large"
