"""What is right only together: the rules that span fields of an endpoint's arguments, each with its source.

A rule is a function from the checked arguments (``endpoint_shapes.py``) to what is wrong. "Guide" is the SageMaker
Developer Guide; "API" the SageMaker API reference, whose text botocore's service model carries; "provider" is
terraform-provider-aws 6.34, which pulumi-aws is made from.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components import alarms, autoscaling, autoscaling_rules
from components.endpoint_args import (
    DEFAULT_CONCURRENCY,
    DEFAULT_INSTANCE_TYPE,
    DEFAULT_VARIANT,
    ModelArgs,
)
from components.endpoint_shapes import LATE, check
from components.metrics import Kind
from components.validation import Problem, shapes

AUTONAME_SUFFIX = 8
"""Characters that Pulumi's auto-naming adds: a dash and seven hexadecimal digits."""
PROVIDER_SECONDS = 3600
"""How long the provider waits for an endpoint; not to be changed by ``custom_timeouts`` (endpoint.go)."""

Args = Mapping[str, Any]
Found = Iterator[Problem]

SHORT_FORM = ("instance_type", "initial_instance_count", "serverless_config", "autoscaling")
MODEL_FIELDS = tuple(ModelArgs.__annotations__)
_INSTANCE_FIELDS = (
    "instance_type",
    "initial_instance_count",
    "volume_size_in_gb",
    "model_data_download_timeout_in_seconds",
    "inference_ami_version",
    "routing_strategy",
)
_ENVIRONMENT_BYTES = 32 * 1024
ROLLBACK = ("latency", "5xx")
"""Which of the endpoint's own alarms roll an update back: what a bad model does, not what its callers do."""


def validate(name: str, args: Args) -> list[Problem]:
    """Returns every problem of an endpoint's arguments; values that are outputs are passed over.

    Args:
        name: name of the component.
        args: see :class:`SageMakerEndpointArgs`.
    """
    clean, problems = check(args)
    return problems + [found for rule in _RULES for found in rule(name, clean)]


def variants(args: Args) -> list[tuple[str, Args]]:
    """Returns each production variant with its path; of the short form, one whose path is empty."""
    if "production_variants" not in args:
        return [
            ("", {"variant_name": DEFAULT_VARIANT, **{field: args[field] for field in SHORT_FORM if field in args}})
        ]
    return _listed(args, "production_variants")


def shadow_variants(args: Args) -> list[tuple[str, Args]]:
    """Returns each shadow variant with its path."""
    return _listed(args, "shadow_production_variants")


def all_variants(args: Args) -> list[tuple[str, Args]]:
    """Returns production and shadow variants, each with its path."""
    return variants(args) + shadow_variants(args)


def own_model(variant: Args) -> bool:
    """Tells whether a variant has a model of its own."""
    return any(field in variant for field in MODEL_FIELDS)


def models(args: Args) -> list[tuple[str, Args]]:
    """Returns every model with its path: the endpoint's own, if a variant uses it, and those of variants."""
    every = all_variants(args)
    shared = [("", args)] if own_model(args) or not all(own_model(variant) for _, variant in every) else []
    return shared + [(path, variant) for path, variant in every if path and own_model(variant)]


def model_path(path: str, variant: Args) -> str:
    """Returns the path of the model that a variant runs: its own, else the endpoint's."""
    return path if path and own_model(variant) else ""


def containers(path: str, model: Args) -> list[tuple[str, Args]]:
    """Returns the containers of a model, each with its path."""
    return _listed(model, "containers", path) if "containers" in model else [(path, model)]


def kind(args: Args, variant: Args) -> Kind:
    """Returns how a variant gets its capacity and its requests."""
    if "serverless_config" in variant:
        return "serverless"
    return "async" if "async_inference_config" in args else "real-time"


def endpoint_kind(args: Args) -> Kind:
    """Returns the kind of an endpoint, the same for all of its variants."""
    return kind(args, next((variant for _, variant in variants(args)), {}))


def at(path: str, field: str) -> str:
    """Returns the path of a field."""
    return f"{path}.{field}" if path else field


def _listed(args: Args, field: str, path: str = "") -> list[tuple[str, Args]]:
    listed = args.get(field, [])
    entries = listed if isinstance(listed, Sequence) else []
    return [(at(path, f"{field}[{place}]"), entry) for place, entry in enumerate(entries) if isinstance(entry, Mapping)]


def _known(*values: object) -> bool:
    return all(value is not LATE and value is not None for value in values)


def _out(path: str, args: Args, fields: Sequence[str], why: str) -> Found:
    yield from (Problem(at(path, field), _shown(args[field]), f"left out {why}") for field in fields if field in args)


def _shown(value: object) -> object:
    """Returns a value that a message may show: not what may hold secrets, nor what is known only later."""
    return None if value is LATE or isinstance(value, Mapping | list | tuple) else value


def _names(name: str, args: Args) -> Found:
    """Model and configuration are auto-named (API: at most 63 characters)."""
    suffixes = [
        "-config",
        *(_model_suffix(variant) for _, variant in models(args) if _known(variant.get("variant_name"))),
    ]
    longest = shapes()["EndpointConfigName"]["max"] - max(map(len, [*suffixes, "-model"])) - AUTONAME_SUFFIX
    if len(name) > longest:
        yield Problem("name", name, f"at most {longest} characters long, as auto-naming adds to it")


def _model_suffix(variant: Args) -> str:
    return f"-{variant['variant_name']}-model"


def _one_source(_: str, args: Args) -> Found:
    """A model is one container or several (API: CreateModel), each an image or a package (ContainerDefinition)."""
    for path, model in models(args):
        if "containers" in model:
            others = [field for field in MODEL_FIELDS if field not in ("containers", "inference_execution_mode")]
            yield from _out(path, model, others, "beside containers: it stands in each of them")
            if not model["containers"]:
                yield Problem(at(path, "containers"), "no container", "one container or more")
        else:
            yield from _out(path, model, ["inference_execution_mode"], "of a single container")
        for where, container in containers(path, model):
            yield from _container(where, container)


def _container(path: str, container: Args) -> Found:
    image = (
        "image",
        "framework",
        "framework_version",
        "model_data_url",
        "model_data_source",
        "mode",
        "model_cache_setting",
    )
    if "model_package_name" in container:
        yield from _out(path, container, image, "beside model_package_name, which says it")
        package = container["model_package_name"]
        if _known(package) and not package.startswith("arn:"):
            yield Problem(at(path, "model_package_name"), package, "an ARN")  # provider: model.go, verify.ValidARN
        return
    if "framework" in container or "framework_version" in container:
        yield from _out(path, container, ["image"], "beside framework, which says it")
        for field in ("framework", "framework_version"):
            if field not in container:
                yield Problem(at(path, field), None, "given, as the other of framework and framework_version is")
    elif "image" not in container:
        yield Problem(at(path, "image"), None, "given, or framework and framework_version, or model_package_name")
    yield from _model_data(path, container)


def _model_data(path: str, container: Args) -> Found:
    """API: ContainerDefinition.ModelDataUrl, ModelDataSource, S3ModelDataSource; Guide: create-multi-model-endpoint."""
    url: Any = container.get("model_data_url")
    mode, source = container.get("mode", "SingleModel"), container.get("model_data_source")
    if source is not None:
        yield from _out(path, container, ["model_data_url"], "beside model_data_source")
    if mode == "MultiModel":
        yield from _out(path, container, ["model_data_source"], "of a multi-model container")
        if url is None and source is None:
            yield Problem(at(path, "model_data_url"), None, "given: the prefix of the models")
        elif _known(url) and not (url.startswith("s3://") and url.endswith("/")):
            yield Problem(at(path, "model_data_url"), url, "an S3 URL that ends in /, the prefix of the models")
    elif mode == "SingleModel":
        yield from _out(path, container, ["model_cache_setting"], "without mode MultiModel")
        if _known(url) and not (url.startswith("s3://") and url.endswith(".tar.gz")):
            yield Problem(at(path, "model_data_url"), url, "an S3 URL that ends in .tar.gz")
    if isinstance(source, Mapping):
        where, uri = at(path, "model_data_source"), source["s3_uri"]
        type_, compression = source.get("s3_data_type", "S3Prefix"), source.get("compression_type", "None")
        if type_ == "S3Prefix" and compression == "Gzip":
            yield Problem(f"{where}.compression_type", compression, "None: a prefix is not an archive")
        if type_ == "S3Prefix" and _known(uri) and not uri.endswith("/"):
            yield Problem(f"{where}.s3_uri", uri, "a prefix that ends in /")


def _container_names(_: str, args: Args) -> Found:
    """Named all or none, each its own; API: ContainerDefinition.ContainerHostname, Guide: multi-container-endpoints."""
    for path, model in models(args):
        every = containers(path, model)
        missing = [where for where, container in every if "container_hostname" not in container]
        direct = "containers" in model and model.get("inference_execution_mode") == "Direct"
        if direct or len(missing) < len(every):
            allowed = "given with inference_execution_mode Direct" if direct else "given for all or for none"
            yield from (Problem(at(where, "container_hostname"), None, allowed) for where in missing)
        yield from _unique([(at(where, "container_hostname"), one.get("container_hostname")) for where, one in every])


def _unique(values: Sequence[tuple[str, object]]) -> Found:
    seen: list[object] = []
    for path, value in values:
        if _known(value) and value in seen:
            yield Problem(path, value, "unique")
        seen.append(value)


def _environment_size(_: str, args: Args) -> Found:
    """API: ContainerDefinition.Environment, 32 KB for all containers of a model."""
    for path, model in models(args):
        given = [container.get("environment") for _, container in containers(path, model)]
        pairs = [pair for environment in given if isinstance(environment, Mapping) for pair in environment.items()]
        size = sum(len(part.encode()) for pair in pairs for part in pair if isinstance(part, str))
        if size > _ENVIRONMENT_BYTES:
            yield Problem(at(path, "environment"), f"{size} bytes", f"at most {_ENVIRONMENT_BYTES} bytes for a model")


def _short_form(_: str, args: Args) -> Found:
    """One way to say each thing."""
    if "production_variants" in args:
        yield from _out("", args, SHORT_FORM, "beside production_variants: it stands in each of them")


def _variant_names(_: str, args: Args) -> Found:
    """A variant is known by its name (API: ProductionVariant.VariantName)."""
    yield from _unique(
        [(at(path, "variant_name"), variant.get("variant_name")) for path, variant in all_variants(args)]
    )


def _capacity(_: str, args: Args) -> Found:
    """Instances or serverless (API: ProductionVariant), and what is serverless' own (…ServerlessConfig)."""
    for path, variant in all_variants(args):
        if "serverless_config" not in variant:
            continue
        yield from _out(path, variant, _INSTANCE_FIELDS, "of a serverless variant")
        if not isinstance(variant["serverless_config"], Mapping):
            continue
        where, serverless = at(path, "serverless_config"), variant["serverless_config"]
        memory: Any = serverless.get("memory_size_in_mb")
        provisioned: Any = serverless.get("provisioned_concurrency")
        if _known(memory) and memory % 1024:  # API: ProductionVariantServerlessConfig.MemorySizeInMB
            yield Problem(f"{where}.memory_size_in_mb", memory, "a multiple of 1024")
        most = serverless.get("max_concurrency", DEFAULT_CONCURRENCY)
        if _known(provisioned, most) and provisioned > most:  # …ProvisionedConcurrency
            yield Problem(f"{where}.provisioned_concurrency", provisioned, f"at most max_concurrency, {most}")


def _serverless(_: str, args: Args) -> Found:
    """What serverless excludes.

    Guide: serverless-endpoints, "Feature exclusions" (VPC, network isolation, data capture, several variants,
    pipelines, multi-model); deploy-model-options (asynchronous is another option); deployment-guardrails ("only apply
    to Asynchronous inference and Real-time inference"); API: ContainerDefinition.ModelDataSource.
    """
    every = all_variants(args)
    serverless = [path for path, variant in every if "serverless_config" in variant]
    if not serverless:
        return
    if len(every) > 1:
        yield from (Problem(at(path, "serverless_config"), None, "of the only variant") for path in serverless)
    if args.get("enable_network_isolation") not in (None, False):
        yield from _out("", args, ["enable_network_isolation"], "of a serverless endpoint")
    excluded = ["vpc_config", "data_capture_config", "async_inference_config", "deployment_config"]
    yield from _out("", args, excluded, "of a serverless endpoint")
    yield from _single(args, "of a serverless endpoint")
    for path, model in models(args):
        for where, container in containers(path, model):
            yield from _out(where, container, ["model_data_source"], "of a serverless endpoint")


def _asynchronous(_: str, args: Args) -> Found:
    """What a request would have to name: API: InvokeEndpointAsync has no TargetModel and no TargetContainerHostname."""
    for path, model in models(args) if "async_inference_config" in args else []:
        if model.get("inference_execution_mode") == "Direct":
            allowed = "Serial of an asynchronous endpoint, whose requests cannot name a container"
            yield Problem(at(path, "inference_execution_mode"), "Direct", allowed)
        for where, container in containers(path, model):
            if container.get("mode") == "MultiModel":
                allowed = "SingleModel of an asynchronous endpoint, whose requests cannot name a model"
                yield Problem(at(where, "mode"), "MultiModel", allowed)


def _shadow(_: str, args: Args) -> Found:
    """One and one (API: CreateEndpointConfig.ShadowProductionVariants), and Guide: shadow-tests-exclusions."""
    shadows, production = shadow_variants(args), variants(args)
    if not shadows:
        return
    for field, count in (("shadow_production_variants", len(shadows)), ("production_variants", len(production))):
        if count != 1:
            yield Problem(field, f"{count} variants", "one, as shadow variants come one to one")
    yield from _out("", args, ["async_inference_config"], "beside shadow variants")
    for path, variant in shadows:
        yield from _out(path, variant, ["autoscaling"], "of a shadow variant")
    for path, variant in all_variants(args):
        yield from _out(path, variant, ["serverless_config"], "beside shadow variants")
        if _inferentia1(variant):
            allowed = "not of the family inf1 beside shadow variants"
            yield Problem(at(path, "instance_type"), variant["instance_type"], allowed)
    yield from _single(args, "beside shadow variants")


def _single(args: Args, why: str) -> Found:
    """Only models of one container with one model."""
    for path, model in models(args):
        yield from _out(path, model, ["containers"], why)
        for where, container in containers(path, model):
            if container.get("mode") == "MultiModel":
                yield Problem(at(where, "mode"), "MultiModel", f"SingleModel {why}")


def _inferentia1(variant: Args) -> bool:
    return _known(variant.get("instance_type")) and variant["instance_type"].startswith("ml.inf1.")


def _keys(_: str, args: Args) -> Found:
    """The provider wants ARNs where AWS takes names too (endpoint_configuration.go, verify.ValidARN)."""
    for field, holder, key in (
        ("", args, "kms_key_arn"),
        ("async_inference_config", args.get("async_inference_config"), "kms_key_id"),
        ("data_capture_config", args.get("data_capture_config"), "kms_key_id"),
    ):
        value = holder.get(key) if isinstance(holder, Mapping) else None
        if _known(value) and not str(value).startswith("arn:"):
            yield Problem(at(field, key), value, "an ARN")


def _capture(_: str, args: Args) -> Found:
    """The provider takes two capture options at most (endpoint_configuration.go)."""
    capture = args.get("data_capture_config")
    options = capture.get("capture_options") if isinstance(capture, Mapping) else None
    if isinstance(options, list) and len(options) > 2:  # noqa: PLR2004 - said above
        yield Problem("data_capture_config.capture_options", f"{len(options)} entries", "1 or 2 entries")


def _rollout(_: str, args: Args) -> Found:
    """API: DeploymentConfig, BlueGreenUpdatePolicy, RollingUpdatePolicy; Guide: deployment-guardrails-exclusions."""
    config = args.get("deployment_config")
    if not isinstance(config, Mapping):
        return
    blue_green, rolling = config.get("blue_green_update_policy"), config.get("rolling_update_policy")
    if blue_green is not None and rolling is not None:
        yield from _out("deployment_config", config, ["blue_green_update_policy"], "beside rolling_update_policy")
    if isinstance(blue_green, Mapping):
        yield from _blue_green("deployment_config.blue_green_update_policy", blue_green, args)
    if isinstance(rolling, Mapping):
        path = "deployment_config.rolling_update_policy"
        if len(all_variants(args)) > 1:
            yield Problem(path, None, "left out of an endpoint with several variants")
        yield from _size(f"{path}.maximum_batch_size", rolling.get("maximum_batch_size"), 5, args)
        yield from _waits(path, rolling, _steps(rolling.get("maximum_batch_size"), args))
    shifts = rolling is not None or (
        isinstance(blue_green, Mapping) and blue_green.get("type", "ALL_AT_ONCE") != "ALL_AT_ONCE"
    )
    for path, variant in all_variants(args) if shifts else []:
        if _inferentia1(variant):
            type_ = variant["instance_type"]
            yield Problem(
                at(path, "instance_type"), type_, "not of the family inf1: AWS would shift all at once, unwatched"
            )


def _blue_green(path: str, policy: Args, args: Args) -> Found:
    """API: TrafficRoutingConfig."""
    type_, sizes = policy.get("type", "ALL_AT_ONCE"), {"CANARY": "canary_size", "LINEAR": "linear_step_size"}
    if not _known(type_):
        return
    for mode, field in sizes.items():
        if mode != type_:
            yield from _out(path, policy, [field], f"of type {type_}")
        elif field not in policy:
            yield Problem(at(path, field), None, f"given with type {type_}")
        else:
            yield from _size(at(path, field), policy[field], 1 if mode == "CANARY" else 10, args)
    steps = {"ALL_AT_ONCE": 1, "CANARY": 2}.get(type_) or _steps(policy.get("linear_step_size"), args)
    yield from _waits(path, policy, steps)


def _size(path: str, size: object, least: int, args: Args) -> Found:
    """A batch is ``least`` to 50 % of the fleet (API: the policies' own members)."""
    if not isinstance(size, Mapping) or not _known(size.get("value"), size.get("type", "CAPACITY_PERCENT")):
        return
    value, fleet = size["value"], _fleet(args)
    if size.get("type", "CAPACITY_PERCENT") == "CAPACITY_PERCENT":
        if not least <= value <= 50:  # noqa: PLR2004 - said above
            yield Problem(f"{path}.value", value, f"from {least} to 50 percent")
    elif fleet and not least <= 100 * value / fleet <= 50:  # noqa: PLR2004 - said above
        yield Problem(f"{path}.value", value, f"{least} to 50 percent of the {fleet} instances")


def _fleet(args: Args) -> int | None:
    """Returns the number of instances, if there is one variant and nothing else sets it."""
    every = variants(args)
    if len(every) != 1 or "autoscaling" in every[0][1] or "serverless_config" in every[0][1]:
        return None
    count = every[0][1].get("initial_instance_count", 1)
    return count if isinstance(count, int) else None


def _steps(size: object, args: Args) -> int:
    """Returns how many steps a rollout has, 1 if that is not known."""
    if not isinstance(size, Mapping) or not _known(size.get("value"), size.get("type", "CAPACITY_PERCENT")):
        return 1
    value: int = size["value"]
    whole = 100 if size.get("type", "CAPACITY_PERCENT") == "CAPACITY_PERCENT" else _fleet(args) or value
    return max(1, -(-whole // value))


def _waits(path: str, policy: Args, steps: int) -> Found:
    """The waits fit into the limits.

    API: BlueGreenUpdatePolicy.MaximumExecutionTimeoutInSeconds ("larger than the total waiting time"); the provider
    takes 14400 s at most and itself waits 60 minutes (endpoint.go, waitEndpointInService; issue 39090).
    """
    wait, after = policy.get("wait_interval_in_seconds", 0), policy.get("termination_wait_in_seconds", 0)
    limit: Any = policy.get("maximum_execution_timeout_in_seconds")
    if _known(limit) and limit > 14400:  # noqa: PLR2004 - said above
        yield Problem(f"{path}.maximum_execution_timeout_in_seconds", limit, "at most 14400, the provider's limit")
    if not _known(wait, after):
        return
    total = wait * max(1, steps - 1) + after
    if _known(limit) and limit <= total:
        allowed = f"more than the {total} seconds that the waits take together"
        yield Problem(f"{path}.maximum_execution_timeout_in_seconds", limit, allowed)
    if total >= PROVIDER_SECONDS:
        allowed = (
            f"such that the waits take less than {PROVIDER_SECONDS} seconds together, as long as the provider waits"
        )
        yield Problem(f"{path}.wait_interval_in_seconds", f"{wait} ({total} together)", allowed)


def _own_alarms(_: str, args: Args) -> Found:
    """Alarms that roll back must be there before the endpoint, hence know its name; at most 10 (API: AlarmList)."""
    config = args.get("deployment_config")
    if not isinstance(config, Mapping) or "auto_rollback_alarms" in config or "alarms" not in args:
        return
    if "endpoint_name" not in args:
        yield Problem("endpoint_name", None, "given and plain, for alarms that roll an update back")
    count, most = len(ROLLBACK) * len(variants(args)), shapes()["AlarmList"]["max"]
    if count > most:
        allowed = f"given: {count} own alarms would roll back, and AWS takes {most}"
        yield Problem("deployment_config.auto_rollback_alarms", None, allowed)


def _scaling(_: str, args: Args) -> Found:
    """See ``autoscaling_rules.py``; for the tag see ``retained.py``."""
    most, tags = shapes()["TagList"]["max"] - 1, args.get("tags")
    if isinstance(tags, Mapping) and len(tags) > most and any("autoscaling" in own for _, own in variants(args)):
        yield Problem("tags", f"{len(tags)} entries", f"at most {most} with autoscaling, which adds its own")
    for path, variant in variants(args):
        scaling, serverless = variant.get("autoscaling"), variant.get("serverless_config", {})
        if not isinstance(scaling, Mapping):
            continue
        capacity = serverless if isinstance(serverless, Mapping) else {}
        about = scaled(args, {**variant, "serverless_config": capacity} if "serverless_config" in variant else variant)
        yield from autoscaling_rules.problems(at(path, "autoscaling"), about, scaling)  # type: ignore[arg-type]


def scaled(args: Args, variant: Args) -> autoscaling.Variant:
    """Returns what autoscaling needs to know of a variant."""
    serverless = variant.get("serverless_config", {})
    return autoscaling.Variant(
        kind(args, variant),
        variant["variant_name"],
        None if "serverless_config" in variant else variant.get("instance_type", DEFAULT_INSTANCE_TYPE),
        serverless.get("max_concurrency", DEFAULT_CONCURRENCY) if "serverless_config" in variant else None,
        serverless.get("provisioned_concurrency"),
        args.get("tags"),
    )


def _alarms(_: str, args: Args) -> Found:
    """See ``alarms.py``."""
    if isinstance(args.get("alarms"), Mapping):
        yield from alarms.problems("alarms", endpoint_kind(args), args["alarms"])


_RULES = (
    _names,
    _one_source,
    _container_names,
    _environment_size,
    _short_form,
    _variant_names,
    _capacity,
    _serverless,
    _asynchronous,
    _shadow,
    _keys,
    _capture,
    _rollout,
    _own_alarms,
    _scaling,
    _alarms,
)
