"""Parses an endpoint's checked arguments into frozen dataclasses.

Defaults are applied here, and the kind of the endpoint is decided here; nothing after this asks for either again.
Fields that are passed on to AWS as they are stay in ``arguments``, the typed dictionary in which they came. Any value
may be an output (``pulumi.Input``).
"""

from collections.abc import Callable, Mapping, Sequence
from ctypes import c_float
from dataclasses import dataclass
from typing import Literal, TypeVar, cast, get_args

import pulumi

from sagebridge.endpoint import names
from sagebridge.endpoint.args import (
    AlarmsArgs,
    AutoscalingArgs,
    BlueGreenUpdatePolicyArgs,
    CapacitySizeArgs,
    ContainerArgs,
    DataCaptureConfigArgs,
    DeploymentConfigArgs,
    HuggingFaceModelArgs,
    ModelArgs,
    ModelDataSourceArgs,
    RollingUpdatePolicyArgs,
    SageMakerEndpointArgs,
    ScheduleArgs,
    VariantArgs,
)
from sagebridge.endpoint.defaults import Served, VariantDefaults, variant_defaults
from sagebridge.endpoint.parts import containers, is_serverless, model_path, models, shadow_variants, variants
from sagebridge.endpoint.schema import is_output
from sagebridge.images.servers import Server, server_of
from sagebridge.images.uris import MODEL_SERVERS, Image, image_of, newest_version

Kind = Literal["real-time", "serverless", "async"]
"""How an endpoint gets its capacity and its requests."""
TargetField = Literal[
    "invocations_per_instance",
    "concurrent_requests_per_model",
    "provisioned_concurrency_utilization",
    "backlog_per_instance",
]
"""A field of :class:`AutoscalingArgs` that says what is held steady."""
TARGET_FIELDS: tuple[TargetField, ...] = get_args(TargetField)

Tags = Mapping[str, pulumi.Input[str]]
Args = TypeVar("Args")
Parsed = TypeVar("Parsed")

INSTANCE_TYPE = "ml.m5.xlarge"
INSTANCE_COUNT = 1
MEMORY_SIZE = 4096
MAX_CONCURRENCY = 2
WEIGHT = 1
CONTAINER_MODE = "SingleModel"
S3_DATA_TYPE = "S3Prefix"
COMPRESSION_TYPE = "None"
CAPTURE_OPTIONS = ("Input", "Output")
TRAFFIC_ROUTING = "ALL_AT_ONCE"
CAPACITY_SIZE_TYPE = "CAPACITY_PERCENT"
WAIT = 0
COOLDOWN = 300
"""What Application Auto Scaling itself takes for SageMaker variants."""
TIMEZONE = "UTC"
MODEL_LATENCY: Mapping[Kind, float] = {"real-time": 1000, "serverless": 1000, "async": 60_000}
"""Milliseconds. Asynchronous requests are those that may take longer than the 60 s of a real-time answer."""
ERROR_RATE_4XX = 0.05
ERROR_RATE_5XX = 0.01
SATURATION: Mapping[Kind, float] = {"real-time": 90, "serverless": 0.8, "async": 900}
"""Percent, part of 1, and seconds. After 900 s AWS gives an asynchronous invocation up if nothing else is said
(Developer Guide, async-inference-invoke-endpoint)."""
ROLLBACK_ALARMS = ("latency", "5xx")
"""The component's alarms that roll an update back: they tell of a bad model, not of bad requests."""


@dataclass(frozen=True)
class ModelDataSource:
    """Model data that is not one compressed archive, unless it is an object that is."""

    s3_uri: pulumi.Input[str]
    s3_data_type: pulumi.Input[str]
    compression_type: pulumi.Input[str]
    accept_eula: pulumi.Input[bool] | None

    @property
    def is_archive(self) -> bool:
        """Whether it is one compressed archive after all."""
        return self.s3_data_type == "S3Object" and self.compression_type == "Gzip"

    @property
    def is_listed(self) -> bool:
        """Whether it is known to be files as they are, which can be listed."""
        return isinstance(self.s3_data_type, str) and self.compression_type == "None"


@dataclass(frozen=True)
class Container:
    """A container: what it runs, and the model that it loads."""

    arguments: ContainerArgs
    path: str
    """Where it stands in the endpoint's arguments; empty for the endpoint's own fields."""
    image: pulumi.Input[str] | None
    model_data_url: pulumi.Input[str] | None
    model_data_source: ModelDataSource | None
    mode: pulumi.Input[str]
    default_environment: bool
    framework_version: str | None
    """The version of its framework; None if it has no framework."""
    hugging_face_model: HuggingFaceModelArgs | None
    """The model on the Hugging Face Hub that it downloads."""
    server: Server | None
    """The model server that it runs, as far as that is known."""
    handler_variables: pulumi.Input[Mapping[str, str]] | None = None
    """The variables that lead it to the handler in its model; None as long as nobody has looked there."""

    @property
    def loads_one_model(self) -> bool:
        """Whether it loads one model; several are a prefix, to which archives may be added at any time."""
        return self.mode == "SingleModel"

    @property
    def is_model_server(self) -> bool:
        """Whether it is declared to be a model server, so that the component may choose how that starts."""
        return self.hugging_face_model is not None or self.arguments.get("framework") in MODEL_SERVERS

    def image_on(self, instance_type: str | None) -> str | None:
        """Returns the repository and tag that its framework has for an instance type; None if there are none."""
        framework, version = self.arguments.get("framework"), self.framework_version
        image = image_of(framework, version, instance_type) if framework and version else None
        return image.name if isinstance(image, Image) else None

    @property
    def has_model_data(self) -> bool:
        """Whether SageMaker puts a model into it."""
        return self.model_data_url is not None or self.model_data_source is not None


@dataclass(frozen=True)
class Model:
    """A model: one container, or several."""

    variant: str | None
    """Name of the variant whose own model it is, or None if variants share it."""
    containers: tuple[Container, ...]
    several: bool
    """Whether it is declared by a list of containers, which may have one entry."""
    execution_mode: pulumi.Input[str] | None


@dataclass(frozen=True)
class Instances:
    """Capacity that is instances."""

    instance_type: pulumi.Input[str]
    initial: pulumi.Input[int]
    """The instances to start with."""


@dataclass(frozen=True)
class Serverless:
    """Capacity without instances."""

    memory_size_in_mb: pulumi.Input[int]
    max_concurrency: pulumi.Input[int]
    provisioned_concurrency: pulumi.Input[int] | None

    @property
    def initial(self) -> pulumi.Input[int]:
        """The provisioned concurrency to start with."""
        return 0 if self.provisioned_concurrency is None else self.provisioned_concurrency


Capacity = Instances | Serverless


@dataclass(frozen=True)
class Target:
    """What a variant's scaling holds steady."""

    field: TargetField
    value: pulumi.Input[float]


@dataclass(frozen=True)
class Schedule:
    """A change of the bounds at a time."""

    schedule: pulumi.Input[str]
    timezone: pulumi.Input[str]
    min_capacity: pulumi.Input[int] | None
    max_capacity: pulumi.Input[int] | None


@dataclass(frozen=True)
class Autoscaling:
    """How a variant scales."""

    min_capacity: pulumi.Input[int]
    max_capacity: pulumi.Input[int]
    target: Target | None
    scale_in_cooldown: pulumi.Input[int]
    scale_out_cooldown: pulumi.Input[int]
    disable_scale_in: pulumi.Input[bool]
    schedules: Mapping[str, Schedule]


@dataclass(frozen=True)
class Variant:
    """A production or a shadow variant."""

    arguments: VariantArgs
    name: str
    model: Model
    capacity: Capacity
    weight: pulumi.Input[float]
    """In 32 bits, as AWS and the provider keep it; otherwise a refresh would find 0.8 changed."""
    autoscaling: Autoscaling | None
    defaults: VariantDefaults | pulumi.Output[VariantDefaults]
    """What it gets where it declares nothing."""

    @property
    def instance_type(self) -> pulumi.Input[str] | None:
        """The instance type; None if it is serverless."""
        return self.capacity.instance_type if isinstance(self.capacity, Instances) else None

    @property
    def runs_on(self) -> pulumi.Input[str]:
        """The instance type, or ``serverless``."""
        return "serverless" if self.instance_type is None else self.instance_type


@dataclass(frozen=True)
class CapacitySize:
    """A part of a fleet."""

    value: pulumi.Input[int]
    type: pulumi.Input[str]


@dataclass(frozen=True)
class BlueGreen:
    """An update that starts a new fleet beside the old one."""

    arguments: BlueGreenUpdatePolicyArgs
    type: pulumi.Input[str]
    canary_size: CapacitySize | None
    linear_step_size: CapacitySize | None
    wait_interval_in_seconds: pulumi.Input[int]


@dataclass(frozen=True)
class Rolling:
    """An update that renews the fleet in batches."""

    arguments: RollingUpdatePolicyArgs
    maximum_batch_size: CapacitySize
    rollback_maximum_batch_size: CapacitySize | None
    wait_interval_in_seconds: pulumi.Input[int]


@dataclass(frozen=True)
class Rollout:
    """How an update reaches the endpoint."""

    policy: BlueGreen | Rolling
    alarm_names: Sequence[pulumi.Input[str]]
    """The alarms that roll an update back."""


@dataclass(frozen=True)
class DataCapture:
    """What is stored of requests and answers."""

    arguments: DataCaptureConfigArgs
    enabled: pulumi.Input[bool]
    options: Sequence[pulumi.Input[str]]


@dataclass(frozen=True)
class Alarms:
    """The thresholds of an endpoint's alarms, and what the alarms start."""

    actions: Sequence[pulumi.Input[str]]
    model_latency: pulumi.Input[float]
    error_rate_4xx: pulumi.Input[float]
    error_rate_5xx: pulumi.Input[float]
    saturation: pulumi.Input[float]
    time_to_first_token: pulumi.Input[float] | None


@dataclass(frozen=True)
class Endpoint:
    """All that an endpoint is made from."""

    arguments: SageMakerEndpointArgs
    kind: Kind
    production_variants: tuple[Variant, ...]
    shadow_variants: tuple[Variant, ...]
    models: tuple[Model, ...]
    rollout: Rollout | None
    data_capture: DataCapture | None
    alarms: Alarms | None
    dashboard: bool
    replaceable: bool
    """Whether a change may delete the endpoint and make another."""

    @property
    def variants(self) -> tuple[Variant, ...]:
        """Production and shadow variants."""
        return self.production_variants + self.shadow_variants

    @property
    def scaled(self) -> list[tuple[Variant, Autoscaling]]:
        """The variants that scale, each with how."""
        return [(variant, variant.autoscaling) for variant in self.production_variants if variant.autoscaling]

    @property
    def name(self) -> pulumi.Input[str] | None:
        """The endpoint's name in AWS, as far as it is known before the endpoint is; None if it is auto-named."""
        name = self.arguments.get("endpoint_name")
        return self.arguments.get("import_endpoint") if name is None else name

    @property
    def plain_name(self) -> str | None:
        """The endpoint's name if it is declared and plain, so that alarms can be named after it before it is made."""
        name = self.arguments.get("endpoint_name")
        return name if isinstance(name, str) else None

    @property
    def tags(self) -> Tags | None:
        """Tags of every resource."""
        return self.arguments.get("tags")

    @property
    def answer_paths(self) -> list[pulumi.Input[str]] | None:
        """Where an asynchronous endpoint stores answers and failures; None for any other endpoint."""
        config = self.arguments.get("async_inference_config")
        if config is None:
            return None
        return [path for path in (config["s3_output_path"], config.get("s3_failure_path")) if path is not None]


def parse(args: SageMakerEndpointArgs) -> Endpoint:
    """Returns what checked arguments declare.

    Args:
        args: Arguments without a problem (``rules.validate``) and without fields that are None.
    """
    kind, deployment = kind_of(args), args.get("deployment_config")
    declared = {path: _model(path, model) for path, model in models(args)}
    production = tuple(_variant(path, variant, declared) for path, variant in variants(args))
    rollout = None
    if deployment is not None:
        rollout = Rollout(_policy(deployment), _rollback_alarms(args, deployment, production))
    return Endpoint(
        arguments=args,
        kind=kind,
        production_variants=production,
        shadow_variants=tuple(_variant(path, variant, declared) for path, variant in shadow_variants(args)),
        models=tuple(declared.values()),
        rollout=rollout,
        data_capture=_optional(_data_capture, args.get("data_capture_config")),
        alarms=_optional(lambda alarms: alarms_of(kind, alarms), args.get("alarms")),
        dashboard=args.get("dashboard", False),
        replaceable=args.get("allow_replacement", False),
    )


def kind_of(args: SageMakerEndpointArgs) -> Kind:
    """Returns the kind of an endpoint, which is the same for all of its variants."""
    if any(is_serverless(variant) for _, variant in variants(args)[:1]):
        return "serverless"
    return "async" if "async_inference_config" in args else "real-time"


def capacity_of(variant: VariantArgs) -> Capacity:
    """Returns the capacity that a variant declares."""
    config = variant.get("serverless_config")
    if config is not None:
        return Serverless(
            memory_size_in_mb=config.get("memory_size_in_mb", MEMORY_SIZE),
            max_concurrency=config.get("max_concurrency", MAX_CONCURRENCY),
            provisioned_concurrency=config.get("provisioned_concurrency"),
        )
    return Instances(
        instance_type=variant.get("instance_type", INSTANCE_TYPE),
        initial=variant.get("initial_instance_count", INSTANCE_COUNT),
    )


def autoscaling_of(args: AutoscalingArgs) -> Autoscaling:
    """Returns the scaling that a variant declares."""
    targets = [Target(field, value) for field in TARGET_FIELDS if (value := args.get(field)) is not None]
    return Autoscaling(
        min_capacity=args["min_capacity"],
        max_capacity=args["max_capacity"],
        target=targets[0] if targets else None,
        scale_in_cooldown=args.get("scale_in_cooldown", COOLDOWN),
        scale_out_cooldown=args.get("scale_out_cooldown", COOLDOWN),
        disable_scale_in=args.get("disable_scale_in", False),
        schedules={name: _schedule(schedule) for name, schedule in args.get("schedules", {}).items()},
    )


def alarms_of(kind: Kind, args: AlarmsArgs) -> Alarms:
    """Returns the alarms that an endpoint declares."""
    return Alarms(
        actions=args.get("alarm_actions", []),
        model_latency=args.get("model_latency", MODEL_LATENCY[kind]),
        error_rate_4xx=args.get("error_rate_4xx", ERROR_RATE_4XX),
        error_rate_5xx=args.get("error_rate_5xx", ERROR_RATE_5XX),
        saturation=args.get("saturation", SATURATION[kind]),
        time_to_first_token=args.get("time_to_first_token"),
    )


def _model(path: str, args: ModelArgs) -> Model:
    variant: Mapping[str, object] = args
    return Model(
        variant=str(variant["variant_name"]) if path else None,
        containers=tuple(container_of(where, container) for where, container in containers(path, args)),
        several="containers" in args,
        execution_mode=args.get("inference_execution_mode"),
    )


def container_of(path: str, args: ContainerArgs) -> Container:
    """Returns the container that arguments at a path declare."""
    framework, image = args.get("framework"), args.get("image")
    newest = newest_version(framework) if framework in MODEL_SERVERS else None
    return Container(
        arguments=args,
        path=path,
        image=image,
        model_data_url=args.get("model_data_url"),
        model_data_source=_optional(_model_data_source, args.get("model_data_source")),
        mode=args.get("mode", CONTAINER_MODE),
        default_environment=args.get("default_environment", True),
        framework_version=args.get("framework_version", newest),
        hugging_face_model=args.get("hugging_face_model"),
        server=server_of(framework, image if isinstance(image, str) else None),
    )


def _model_data_source(args: ModelDataSourceArgs) -> ModelDataSource:
    return ModelDataSource(
        s3_uri=args["s3_uri"],
        s3_data_type=args.get("s3_data_type", S3_DATA_TYPE),
        compression_type=args.get("compression_type", COMPRESSION_TYPE),
        accept_eula=args.get("accept_eula"),
    )


def _variant(path: str, args: VariantArgs, declared: Mapping[str, Model]) -> Variant:
    model, capacity = declared[model_path(path, args)], capacity_of(args)
    return Variant(
        arguments=args,
        name=args["variant_name"],
        model=model,
        capacity=capacity,
        weight=_in_32_bits(args.get("initial_variant_weight", WEIGHT)),
        autoscaling=_optional(autoscaling_of, args.get("autoscaling")),
        defaults=_variant_defaults(model, capacity),
    )


def _variant_defaults(model: Model, capacity: Capacity) -> VariantDefaults | pulumi.Output[VariantDefaults]:
    """Returns what a variant gets where it declares nothing, as soon as what decides it is known."""
    instance_type = capacity.instance_type if isinstance(capacity, Instances) else None
    hub_models = [container.hugging_face_model for container in model.containers]
    values: list[pulumi.Input[str] | None] = [
        instance_type,
        *(container.image for container in model.containers),
        *(None if hub_model is None else hub_model["id"] for hub_model in hub_models),
    ]

    def decide(known: Sequence[str | None]) -> VariantDefaults:
        count = len(model.containers)
        served = [
            Served(
                image=container.image_on(known[0]) or image,
                is_model_server=container.is_model_server,
                model_id=model_id,
                has_model_data=container.has_model_data,
            )
            for container, image, model_id in zip(
                model.containers, known[1 : count + 1], known[count + 1 :], strict=True
            )
        ]
        return variant_defaults(known[0], served)

    if any(is_output(value) for value in values):
        return pulumi.Output.all(*values).apply(decide)
    return decide(cast("list[str | None]", values))


def _in_32_bits(number: pulumi.Input[float]) -> pulumi.Input[float]:
    if isinstance(number, int | float):
        return c_float(number).value
    return pulumi.Output.all(number).apply(lambda values: c_float(values[0]).value)


def _schedule(args: ScheduleArgs) -> Schedule:
    return Schedule(
        schedule=args["schedule"],
        timezone=args.get("timezone", TIMEZONE),
        min_capacity=args.get("min_capacity"),
        max_capacity=args.get("max_capacity"),
    )


def _data_capture(args: DataCaptureConfigArgs) -> DataCapture:
    return DataCapture(
        arguments=args,
        enabled=args.get("enable_capture", True),
        options=args.get("capture_options", CAPTURE_OPTIONS),
    )


def _policy(args: DeploymentConfigArgs) -> BlueGreen | Rolling:
    rolling = args.get("rolling_update_policy")
    return _blue_green(args.get("blue_green_update_policy", {})) if rolling is None else _rolling(rolling)


def _blue_green(args: BlueGreenUpdatePolicyArgs) -> BlueGreen:
    return BlueGreen(
        arguments=args,
        type=args.get("type", TRAFFIC_ROUTING),
        canary_size=_optional(_size, args.get("canary_size")),
        linear_step_size=_optional(_size, args.get("linear_step_size")),
        wait_interval_in_seconds=args.get("wait_interval_in_seconds", WAIT),
    )


def _rolling(args: RollingUpdatePolicyArgs) -> Rolling:
    return Rolling(
        arguments=args,
        maximum_batch_size=_size(args["maximum_batch_size"]),
        rollback_maximum_batch_size=_optional(_size, args.get("rollback_maximum_batch_size")),
        wait_interval_in_seconds=args.get("wait_interval_in_seconds", WAIT),
    )


def _size(args: CapacitySizeArgs) -> CapacitySize:
    return CapacitySize(value=args["value"], type=args.get("type", CAPACITY_SIZE_TYPE))


def _rollback_alarms(
    args: SageMakerEndpointArgs, deployment: DeploymentConfigArgs, production: Sequence[Variant]
) -> Sequence[pulumi.Input[str]]:
    """Returns the names of the alarms that are declared to roll back, or else of the component's own."""
    if "auto_rollback_alarms" in deployment or "alarms" not in args:
        return deployment.get("auto_rollback_alarms", [])
    name = args["endpoint_name"]
    return [names.alarm_in_aws(name, variant.name, what) for variant in production for what in ROLLBACK_ALARMS]


def _optional(parse: Callable[[Args], Parsed], args: Args | None) -> Parsed | None:
    return None if args is None else parse(args)
