"""Mocks: every field of every argument reaches what is registered; one that is declared and then forgotten fails here.

Each field is set alone, with what it needs, wherever it may stand. Its values must make a difference to what Pulumi
registers: a resource, an input, an option, an import ID or a hook.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from unittest import mock

import pytest

from sagebridge.endpoint import component, schema
from sagebridge.endpoint.rules import validate
from sagebridge.endpoint.schema import required, rule_of
from tests.endpoint.endpoints import args
from tests.endpoint.examples import BUCKET, OTHER_ARCHIVE, examples
from tests.endpoint.test_endpoint_any import build
from tests.mocks import ARCHIVE, IMAGE, Registered

Args = dict[str, Any]

NOT_OF_SHADOW_VARIANTS = (
    "serverless_config",
    "autoscaling",
    "containers",
    "inference_execution_mode",
    "mode",
    "model_cache_setting",
)
"""AWS has none of these for shadow variants, so the rules refuse them there."""

EMBEDDINGS = "683313688378.dkr.ecr.us-east-1.amazonaws.com/tei-cpu:2.0.1-tei1.8.2-cpu-py310-ubuntu22.04"
"""An image that is told a model on the Hugging Face Hub, and that runs on any instance."""

LEAST: Mapping[str, Args] = {
    "AutoscalingArgs": {"min_capacity": 1, "max_capacity": 4, "invocations_per_instance": 70},
    "ContainerDefinition": {"image": IMAGE},
    "S3ModelDataSource": {"s3_uri": BUCKET},
    "ScheduleArgs": {"schedule": "rate(1 day)", "min_capacity": 1},
}
"""The least of a structure for which examples of its required fields alone do not do."""

VALUES: Mapping[str, list[Any]] = {
    "alarm_actions": [[f"arn:aws:sns:us-east-1:123456789012:topic-{n}"] for n in (1, 2)],
    "framework": ["sklearn", "xgboost"],
    "framework_version": ["1.2-1", "1.9-0"],
    "id": ["BAAI/bge-base-en-v1.5", "BAAI/bge-large-en-v1.5"],
    "max_capacity": [4, 5],
    "min_capacity": [1, 2],
    "model_data_url": [ARCHIVE, OTHER_ARCHIVE],
    "s3_uri": [BUCKET, f"{BUCKET}other/"],
    "scale_in_cooldown": [60, 90],
    "scale_out_cooldown": [60, 90],
    "schedule": ["rate(1 day)", "cron(0 20 ? * MON-FRI *)"],
    "timezone": ["Europe/Berlin", "Europe/Lisbon"],
    "value": [20, 30],
}
"""The values of a field whose shape does not tell them."""

NEEDS: Mapping[str, Args] = {
    "backlog_per_instance": {"invocations_per_instance": None},
    "BlueGreenUpdatePolicy.type": {"canary_size": {"value": 20}},
    "canary_size": {"type": "CANARY"},
    "compression_type": {"s3_data_type": "S3Object"},
    "concurrent_requests_per_model": {"invocations_per_instance": None},
    "containers": {"image": None, "model_data_url": None},
    "default_environment": {"image": IMAGE, "model_data_url": ARCHIVE},
    "environment": {"image": IMAGE},
    "framework": {"image": None, "model_data_url": None, "framework_version": "1.2-1"},
    "framework_version": {"image": None, "model_data_url": None, "framework": "sklearn"},
    "hugging_face_model": {"image": EMBEDDINGS, "model_data_url": None},
    "inference_execution_mode": {
        "image": None,
        "model_data_url": None,
        "containers": [{"image": IMAGE, "container_hostname": "first"}],
    },
    "linear_step_size": {"type": "LINEAR"},
    "mode": {"image": IMAGE, "model_data_url": BUCKET},
    "model_cache_setting": {"image": IMAGE, "mode": "MultiModel", "model_data_url": BUCKET},
    "model_data_source": {"image": IMAGE, "model_data_url": None},
    "model_data_url": {"image": IMAGE},
    "model_package_name": {"image": None, "model_data_url": None},
    "provisioned_concurrency": {"max_concurrency": 9},
    "provisioned_concurrency_utilization": {"invocations_per_instance": None},
}
"""What stands beside a field so that AWS takes it; None takes away what would be there."""

SERVERLESS = {"serverless_config": {"max_concurrency": 9, "provisioned_concurrency": 1}}
AROUND: Mapping[str, tuple[int, Args]] = {
    "backlog_per_instance": (0, {"async_inference_config": {"s3_output_path": BUCKET}}),
    "CapacitySize.type": (0, {"initial_instance_count": 100}),
    "provisioned_concurrency_utilization": (-1, SERVERLESS),
}
"""What a field needs further out: at which level, the endpoint's being the first, and what."""


class Place(NamedTuple):
    """A field where it stands."""

    levels: tuple[tuple[str, str], ...]
    """The structures from the endpoint's arguments inwards, each with the field that leads on or, last, is shown."""

    @property
    def path(self) -> str:
        return ".".join(field for _, field in self.levels)

    def args(self, *value: Any) -> Any:
        """Returns the endpoint's arguments with the field set to a value, or without the field if there is none."""
        inner: Args = {}
        for depth, (structure, field) in reversed([*enumerate(self.levels)]):
            last = depth == len(self.levels) - 1
            fields = {**least(structure), **needs(structure, field), **self._from_further_in(depth)}
            if not last:
                fields[field] = nested(schema.tables()[structure][field], inner)
            elif value:
                (fields[field],) = value
            else:
                fields.pop(field, None)
            inner = {name: given for name, given in fields.items() if given is not None}
        return inner

    def _from_further_in(self, depth: int) -> Args:
        structure, field = self.levels[-1]
        needed = AROUND.get(f"{structure}.{field}") or AROUND.get(field)
        return needed[1] if needed and needed[0] % (len(self.levels) - 1) == depth else {}


def least(structure: str) -> Args:
    """Returns the least of a structure that AWS takes."""
    if structure == "SageMakerEndpointArgs":
        return dict(args())
    table = schema.tables()[structure]
    return LEAST.get(structure) or {field: candidates(field, table[field])[0] for field in required(structure)}


def needs(structure: str, field: str) -> Args:
    return NEEDS.get(f"{structure}.{field}") or NEEDS.get(field, {})


def candidates(field: str, shape: str) -> list[Any]:
    inner = structure_in(shape)
    return [nested(shape, least(inner))] if inner else VALUES.get(field) or examples(shape)


def structure_in(shape: str) -> str | None:
    """Returns the structure that a value of a shape is, or is a list or a mapping of."""
    shape = shape.lstrip("!")
    rule = rule_of(shape)
    if rule["type"] == "fields":
        return shape
    member = rule.get("member") or (rule.get("value") if rule["type"] == "map" else None)
    return structure_in(member["shape"]) if member else None


def nested(shape: str, inner: Args) -> Any:
    """Returns a value of a shape that holds a structure."""
    return {"fields": inner, "list": [inner], "map": {"name": inner}}[rule_of(shape.lstrip("!"))["type"]]


def places() -> Iterator[Place]:
    """Lists every field that holds no structure, in every place where its structure is used."""
    outer: list[tuple[tuple[str, str], ...]] = [()]
    structures, seen = ["SageMakerEndpointArgs"], set()
    for levels, structure in zip(outer, structures, strict=False):  # which grow
        for field, shape in schema.tables()[structure].items():
            inner, here = structure_in(shape), (structure, field)
            if levels and levels[-1][1] == "shadow_production_variants" and field in NOT_OF_SHADOW_VARIANTS:
                continue
            if inner is None:
                yield Place((*levels, here))
            elif here not in seen:
                seen.add(here)
                outer.append((*levels, here))
                structures.append(inner)


def registered(given: Any) -> list[Registered]:
    """Returns what the component registers; the stack is registered by the first program of a process only."""
    resources = [resource for resource in build(given).registered if resource.type != "pulumi:pulumi:Stack"]
    return sorted(resources, key=lambda resource: (resource.type, resource.name))


@pytest.mark.parametrize("place", [*places()], ids=lambda place: place.path)
def test_a_field_reaches_what_is_registered(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")  # whose images are looked up
    structure, field = place.levels[-1]
    values = candidates(field, schema.tables()[structure][field])
    problems = [validate("endpoint", place.args(value)) for value in values]
    made = [registered(place.args(value)) for value, wrong in zip(values, problems, strict=True) if not wrong]
    assert made, f"say in NEEDS or VALUES what {place.path} takes: {[str(wrong) for wrong in problems[0]]}"
    if len(made) == 1:  # no other value is allowed here, so the field is compared with none
        with mock.patch.object(component, "validate", return_value=[]):
            made.append(registered(place.args()))
    same = [one for number, one in enumerate(made) if one in made[:number]]
    assert not same, f"{place.path} is dropped: its values make no difference to what is registered"


def test_every_structure_of_arguments_is_gone_over() -> None:
    assert {place.levels[-1][0] for place in places()} == set(schema.tables())


@pytest.mark.parametrize("field", NOT_OF_SHADOW_VARIANTS)
def test_what_shadow_variants_do_not_have_is_refused_there(field: str) -> None:
    place = Place((("SageMakerEndpointArgs", "shadow_production_variants"), ("ProductionVariant", field)))
    value = candidates(field, schema.tables()["ProductionVariant"][field])[-1]
    assert validate("endpoint", place.args(value))


def test_a_field_that_is_declared_and_then_forgotten_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    variant = {**schema.tables()["ProductionVariant"], "forgotten": "Boolean"}
    table = {**schema.tables(), "ProductionVariant": variant}
    monkeypatch.setattr(schema, "tables", lambda: table)
    place = Place((("SageMakerEndpointArgs", "production_variants"), ("ProductionVariant", "forgotten")))
    with pytest.raises(AssertionError, match=r"production_variants\.forgotten is dropped"):
        test_a_field_reaches_what_is_registered(place, monkeypatch)
