"""From an endpoint's Terraform attributes to the call of `SageMakerEndpoint` that means the same. Pure.

The call is held against what the component itself would make of it, so that nothing is left out unseen.
"""

import re
from collections.abc import Iterator, Mapping
from ctypes import c_float
from dataclasses import dataclass, field
from typing import Any

from sagebridge.bridge.adopt.discover import ACTION, ALARM, POLICY, TARGET, Endpoint
from sagebridge.bridge.secret import Secret, reveal, spread_to_leaves
from sagebridge.bridge.stack.mapping import Field, Fields, ProviderMapping
from sagebridge.bridge.terraform.importing import NOT_IMPORTABLE, import_id
from sagebridge.bridge.terraform.state import Resource
from sagebridge.endpoint import names, parts, rules, spec
from sagebridge.endpoint import resources as build
from sagebridge.endpoint.schema import UNKNOWN
from sagebridge.errors import UserError
from sagebridge.guards import lookup, retained
from sagebridge.monitoring import alarms as component_alarms
from sagebridge.scaling import autoscaling
from sagebridge.scaling import rules as scaling_rules

Values = dict[str, Any]

NOT_ARGUMENTS = {"id", "region", "tags_all", "name_prefix", "role_arn"}
"""Settable attributes that say what others say already; a scalable target's role is always AWS's own."""
DEFAULTS = {"initial_variant_weight": 1}
"""What the provider sets where nothing is said."""
VARIANT_FIELDS = (
    "variant_name",
    "initial_variant_weight",
    "instance_type",
    "initial_instance_count",
    "volume_size_in_gb",
    "model_data_download_timeout_in_seconds",
    "container_startup_health_check_timeout_in_seconds",
    "inference_ami_version",
    "enable_ssm_access",
)
CONTAINER_FIELDS = ("container_hostname", "image", "model_data_url", "model_package_name", "environment")


@dataclass(frozen=True)
class Declared:
    """A resource that the program declares beside the component, as its child.

    Attributes:
        token: Pulumi's type.
        name: Pulumi's name.
        arguments: by Python's names.
        origin: Terraform's resource.
    """

    token: str
    name: str
    arguments: Values
    origin: Resource


@dataclass(frozen=True)
class Call:
    """A call of the component.

    Attributes:
        name: the component's.
        arguments: with `Secret` where Terraform's state has a sensitive value.
        beside: what the component has no argument for.
        imports: AWS's import ids by Pulumi's type and name.
        made: type and name of what has no import, and is put anew with the values that it has.
        generation: which one the configuration is of, if its variants scale; see ``components/guards/retained.py``.
    """

    name: str
    arguments: Values
    beside: tuple[Declared, ...] = ()
    imports: Mapping[tuple[str, str], str] = field(default_factory=dict)
    made: tuple[tuple[str, str], ...] = ()
    generation: str = ""


def call(found: Endpoint, mapping: ProviderMapping) -> Call:
    """Return the call that declares an endpoint as Terraform made it.

    Raises:
        UserError: The component cannot declare it so; names each attribute.
    """
    return _Builder(found, mapping).call()


def arguments(fields: Fields, attributes: Mapping[str, Any]) -> Values:
    """Return a resource's arguments by Python's names, from Terraform's attributes; empty ones are left out.

    Zeros are what the provider keeps for "not set"; of arguments that must be set they are values.
    """
    found = {}
    for each in fields.all:
        if each.settable and each.terraform not in NOT_ARGUMENTS:
            value = _argument(each, spread_to_leaves(attributes.get(each.terraform)))
            if reveal(value) == DEFAULTS.get(each.terraform):
                continue
            if not _empty(value) or (not each.optional and value is not None):
                found[_snake(each.pulumi)] = value
    return found


class _Builder:
    def __init__(self, found: Endpoint, mapping: ProviderMapping) -> None:
        self.found, self.mapping = found, mapping
        self.name = found.name
        self.problems: list[str] = []
        self.endpoint = self._arguments(found.endpoint)
        self.configuration = self._arguments(found.configuration)
        self.generation = reveal(self.configuration.get("tags", {})).get(lookup.GENERATION_TAG)
        self.models = {reveal(model.attributes["name"]): model for model in found.models}
        self.production = self.configuration.get("production_variants", [])
        self.shadow = self.configuration.get("shadow_production_variants", [])

    def call(self) -> Call:
        given = self._models_and_variants() | self._configuration() | self._deployment()
        beside = self._scaling(given) + self._alarms(given)
        self._compare(given)
        if self.problems:
            raise UserError("\n- ".join([f"{self.found.endpoint.address} cannot be adopted as it is:", *self.problems]))
        if wrong := rules.validate(self.name, _passed_over(given)):
            said = "\n- ".join(str(problem) for problem in wrong)
            raise UserError(f"{self.found.endpoint.address} cannot be a SageMakerEndpoint:\n- {said}")
        declared = tuple(self._declared(resource) for resource in beside)
        imports, made = self._imports(given, declared)
        generation = self.generation or retained.ADOPTED + str(reveal(self.found.configuration.attributes["name"]))
        return Call(self.name, given, declared, imports, made, generation)

    def _arguments(self, resource: Resource) -> Values:
        found = self.mapping.by_terraform.get(resource.type)
        if found is None:
            raise UserError(
                f"the aws provider's mapping has no {resource.type}: install the plugin that the stack uses"
            )
        return arguments(found.fields, resource.attributes)

    def _models_and_variants(self) -> Values:
        """The model that most variants run is the endpoint's; another one is its variant's."""
        every = [*self.production, *self.shadow]
        runs = [reveal(variant["model_name"]) for variant in every]
        shared = max(runs, key=runs.count)
        if len(every) > 1 and runs.count(shared) == 1:
            shared = None  # each its own
        for name in {name for name in runs if name != shared and runs.count(name) > 1}:
            self.problems.append(f"{self.models[name].address}: two models with several variants each; only one can be")
        first = self._arguments(self.models[runs[0]])
        given: Values = {
            "endpoint_name": self.endpoint["name"],
            "execution_role_arn": first.get("execution_role_arn"),
            **(_model(self._arguments(self.models[shared])) if shared is not None else {}),
            **_picked(first, ("vpc_config", "enable_network_isolation", "tags")),
        }
        variants = [self._variant(variant, shared) for variant in every]
        count = len(self.production)
        short = {"variant_name", *parts.SHORT_FORM}
        (only, *others) = variants
        if not others and only["variant_name"] == "AllTraffic" and set(only) <= short:
            return given | {name: value for name, value in only.items() if name != "variant_name"}
        given["production_variants"] = variants[:count]
        return given | ({"shadow_production_variants": variants[count:]} if self.shadow else {})

    def _variant(self, variant: Values, shared: str | None) -> Values:
        name = reveal(variant["model_name"])
        given = _picked(variant, VARIANT_FIELDS)
        if isinstance(weight := given.get("initial_variant_weight"), float):
            given["initial_variant_weight"] = _shortest(weight)
        if routing := variant.get("routing_configs"):
            given["routing_strategy"] = routing[0].get("routing_strategy")
        if "serverless_config" in variant:
            given["serverless_config"] = variant["serverless_config"]
        own = _model(self._arguments(self.models[name])) if name != shared else {}
        return given | own

    def _configuration(self) -> Values:
        found: Values = _picked(self.configuration, ("kms_key_arn",))
        if capture := self.configuration.get("data_capture_config"):
            fields = ("destination_s3_uri", "initial_sampling_percentage", "kms_key_id")
            headers = capture.get("capture_content_type_header", {})
            found["data_capture_config"] = {
                **({} if capture.get("enable_capture") else {"enable_capture": False}),
                **_picked(capture, fields),
                "capture_options": [option.get("capture_mode") for option in capture.get("capture_options", [])],
                **_picked(headers, ("csv_content_types", "json_content_types")),
            }
        if asynchronous := self.configuration.get("async_inference_config"):
            output = asynchronous.get("output_config", {})
            notified = output.get("notification_config", {})
            responses = notified.get("include_inference_response_ins")
            found["async_inference_config"] = {
                **_picked(output, ("s3_output_path", "s3_failure_path", "kms_key_id")),
                **_picked(notified, ("success_topic", "error_topic")),
                **({"include_inference_response_in": responses} if responses else {}),
                **_picked(asynchronous.get("client_config", {}), ("max_concurrent_invocations_per_instance",)),
            }
        return found

    def _deployment(self) -> Values:
        deployment = self.endpoint.get("deployment_config")
        if not deployment:
            return {}
        found: Values = {}
        if rolling := deployment.get("rolling_update_policy"):
            found["rolling_update_policy"] = rolling
        if policy := deployment.get("blue_green_update_policy"):
            waits = ("termination_wait_in_seconds", "maximum_execution_timeout_in_seconds")
            found["blue_green_update_policy"] = {
                **policy.get("traffic_routing_configuration", {}),
                **_picked(policy, waits),
            }
        if rollback := deployment.get("auto_rollback_configuration"):
            found["auto_rollback_alarms"] = [alarm.get("alarm_name") for alarm in rollback.get("alarms", [])]
        return {"deployment_config": found}

    def _compare(self, given: Values) -> None:
        """Holds what the component would make against what is there."""
        args = reveal(given)
        declared = spec.parse(args)
        variants = {reveal(each["variant_name"]): each for each in [*self.production, *self.shadow]}
        model_names = {}
        for variant in declared.variants:
            name = reveal(variants[variant.name]["model_name"])
            model_names[variant.model.variant] = name
            self._differ(self.models[name], build.model(declared, variant.model))
        kept = {lookup.GENERATION_TAG: self.generation} if declared.scaled and self.generation else {}
        tags = {**args.get("tags", {}), **kept}
        self._differ(self.found.configuration, {**build.configuration(declared, model_names, {}), "tags": tags})
        endpoint = {
            "name": args["endpoint_name"],
            "endpoint_config_name": reveal(self.found.configuration.attributes["name"]),
            "deployment_config": build.deployment(declared.rollout) if declared.rollout else None,
            "tags": args.get("tags"),
        }
        self._differ(self.found.endpoint, endpoint)

    def _differ(self, resource: Resource, built: object) -> None:
        for path in dict.fromkeys(self._differences(resource, built)):
            problem = f"{resource.address}: {path}: SageMakerEndpoint cannot declare what Terraform has here"
            if problem not in self.problems:
                self.problems.append(problem)

    def _differences(self, resource: Resource, built: object) -> Iterator[str]:
        fields = self.mapping.by_terraform[resource.type].fields
        return _differences(fields, reveal(self._arguments(resource)), _plain_arguments(built), "")

    def _scaling(self, given: Values) -> list[Resource]:
        """Puts the scaling of each variant into its arguments if the component's is the same; returns the other."""
        beside = []
        for path, variant in parts.variants(reveal(given)):
            name = variant["variant_name"]
            at = f"endpoint/{self.name}/variant/{name}"
            own = [each for each in self.found.scaling if reveal(each.attributes["resource_id"]) == at]
            if not own:
                continue
            candidate = self._autoscaling(reveal(given), variant, own)
            if candidate is None:
                beside += own
            elif path:
                index = [each["variant_name"] for each in given["production_variants"]].index(name)
                given["production_variants"][index]["autoscaling"] = candidate
            else:
                given["autoscaling"] = candidate
        return beside

    def _autoscaling(self, args: Any, variant: Any, own: list[Resource]) -> Values | None:  # noqa: ANN401 - arguments
        """Return the arguments whose scaling is what is there; None if there are none such."""
        targets = [self._arguments(each) for each in own if each.type == TARGET]
        policies = {each["name"]: each for each in (self._arguments(one) for one in own if one.type == POLICY)}
        actions = {each["name"]: each for each in (self._arguments(one) for one in own if one.type == ACTION)}
        if len(targets) != 1:
            return None
        candidate: Any = _picked(targets[0], ("min_capacity", "max_capacity"))
        tracking = policies.get(autoscaling.TARGET_TRACKING, {}).get("target_tracking_scaling_policy_configuration", {})
        metric = tracking.get("predefined_metric_specification", {}).get("predefined_metric_type")
        metric = metric or tracking.get("customized_metric_specification", {}).get("metric_name")
        kind, capacity = spec.kind_of(args), spec.capacity_of(variant)
        for name, tracked in autoscaling.TRACKED.items():
            if (tracked.kind, tracked.metric) == (kind, metric):
                candidate[name] = tracking["target_value"]
                candidate |= _picked(tracking, ("scale_in_cooldown", "scale_out_cooldown", "disable_scale_in"))
        if actions:
            candidate["schedules"] = {
                name: {
                    "schedule": action.get("schedule"),
                    "timezone": action.get("timezone", "UTC"),
                    **{
                        bound: int(value)
                        for bound, value in action.get("scalable_target_action", {}).items()
                        if bound in ("min_capacity", "max_capacity")
                    },
                }
                for name, action in actions.items()
            }
        if scaling_rules.problems("autoscaling", kind, capacity, candidate):
            return None
        at = str(targets[0]["resource_id"])
        declared, scaling = spec.parse(args), spec.autoscaling_of(candidate)
        (scaled,) = (each for each in declared.production_variants if each.name == variant["variant_name"])
        made = autoscaling.policies(kind, scaling, self.name, at)
        schedules = autoscaling.scheduled_actions(kind, scaling, at)
        built: list[tuple[str, str, object]] = [
            (TARGET, at, autoscaling.scalable_target(declared, scaled, scaling, self.name)),
            *((POLICY, name, policy) for name, policy in made.items()),
            *((ACTION, name, action) for name, action in schedules.items()),
        ]
        if autoscaling.FROM_ZERO in made:
            arn = next(
                (reveal(each.attributes.get("arn")) for each in own if _is(each, POLICY, autoscaling.FROM_ZERO)), ""
            )
            alarm = autoscaling.from_zero_alarm(declared, scaled, self.name, arn)
            built.append((ALARM, str(_plain_arguments(alarm)["name"]), alarm))
            own = [*own, *(each for each in self.found.alarms if _is(each, ALARM, built[-1][1]))]
        return candidate if self._same(own, built) else None

    def _alarms(self, given: Values) -> list[Resource]:
        """Puts the alarms into the arguments if the component's are the same; returns the others."""
        args = reveal(given)
        kind = spec.kind_of(args)
        variants = [own["variant_name"] for _, own in parts.variants(args)]
        from_zero = {
            names.alarm_in_aws(self.name, own["variant_name"], autoscaling.FROM_ZERO)
            for _, own in parts.variants(args)
            if "backlog_per_instance" in own.get("autoscaling", {})
        }
        own = {reveal(each.attributes["alarm_name"]): each for each in self.found.alarms}
        left = {name: each for name, each in own.items() if name not in from_zero}
        watched = {
            names.alarm_in_aws(self.name, variant, what): (variant, what)
            for variant in variants
            for what in component_alarms.watches(kind, spec.alarms_of(kind, {}))
        }
        mine = {str(name): left[str(name)] for name in watched if name in left}
        if len(mine) == len(watched):
            threshold = {what: reveal(mine[str(name)].attributes["threshold"]) for name, (_, what) in watched.items()}
            actions = self._arguments(next(iter(mine.values()))).get("alarm_actions")
            candidate: Any = {
                **({"alarm_actions": actions} if actions else {}),
                "model_latency": threshold["latency"] / 1000,
                "error_rate_4xx": threshold["4xx"],
                "error_rate_5xx": threshold["5xx"],
                "saturation": threshold["saturation"],
            }
            built: list[tuple[str, str, object]] = [
                (ALARM, str(names.alarm_in_aws(self.name, variant, what)), alarm)
                for variant in variants
                for what, alarm in component_alarms.alarms(
                    kind, spec.alarms_of(kind, candidate), self.name, variant, args.get("tags")
                ).items()
            ]
            if not component_alarms.problems("alarms", kind, candidate) and self._same(list(mine.values()), built):
                given["alarms"] = candidate
                return [each for name, each in left.items() if name not in mine]
        return list(left.values())

    def _same(self, own: list[Resource], built: list[tuple[str, str, object]]) -> bool:
        """Tell whether resources are exactly those that would be built."""
        found = {(kind, name): made for kind, name, made in built}
        return {_key(each) for each in own} == set(found) and not any(
            next(self._differences(each, found[_key(each)]), None) for each in own
        )

    def _declared(self, resource: Resource) -> Declared:
        attributes = reveal(resource.attributes)
        variant = str(attributes.get("resource_id", "")).rpartition("/")[2]
        name = {
            TARGET: f"{self.name}-{variant}-target",
            POLICY: f"{self.name}-{variant}-{attributes.get('name')}",
            ACTION: f"{self.name}-{variant}-{attributes.get('name')}",
            ALARM: str(attributes.get("alarm_name")),
        }[resource.type]
        given = self._arguments(resource)
        if resource.type == ALARM and not attributes.get("threshold_metric_id"):
            given["threshold"] = attributes.get("threshold")  # 0 is one
        return Declared(self.mapping.by_terraform[resource.type].token, name, given, resource)

    def _imports(
        self, given: Values, declared: tuple[Declared, ...]
    ) -> tuple[dict[tuple[str, str], str], tuple[tuple[str, str], ...]]:
        """Return what the component's children, and those beside, are in AWS."""
        args, name = reveal(given), self.name
        children: list[tuple[str, Resource]] = [
            (name, self.found.endpoint),
            (f"{name}-config", self.found.configuration),
        ]
        runs = {reveal(each["variant_name"]): reveal(each["model_name"]) for each in [*self.production, *self.shadow]}
        for path, own in parts.all_variants(args):
            suffix = f"-{own['variant_name']}-model" if parts.model_path(path, own) else "-model"
            children.append((name + suffix, self.models[runs[own["variant_name"]]]))
        beside = {each.origin.address for each in declared}
        around = (*self.found.scaling, *self.found.alarms)
        children += [(_child_name(name, each), each) for each in around if each.address not in beside]
        tokens = {kind: found.token for kind, found in self.mapping.by_terraform.items()}
        known = {(tokens[each.type], child): each for child, each in children}
        known |= {(each.token, each.name): each.origin for each in declared}
        return (
            {key: _import_id(each) for key, each in known.items() if each.type not in NOT_IMPORTABLE},
            tuple(key for key, each in known.items() if each.type in NOT_IMPORTABLE),
        )


def _import_id(resource: Resource) -> str:
    """Returns the ID that the provider imports a resource by."""
    identity = import_id(resource.type, reveal(resource.attributes))
    if identity is None:
        raise UserError(f"{resource.address} has no import ID in the Terraform state: run `terraform apply` first")
    return identity


def _child_name(name: str, resource: Resource) -> str:
    """Return the name that the component gives to what scales or watches a variant."""
    found = reveal(resource.attributes)
    if resource.type == ALARM:
        own = str(found["alarm_name"]).removeprefix(name)
        scaling = f"-{autoscaling.FROM_ZERO}"
        return name + (f"{own.removesuffix(scaling)}-scaling{scaling}" if own.endswith(scaling) else own)
    scaled = f"{name}-{str(found['resource_id']).rpartition('/')[2]}-scaling"
    return scaled if resource.type == TARGET else f"{scaled}-{found['name']}"


def _key(resource: Resource) -> tuple[str, str]:
    found = reveal(resource.attributes)
    name = {TARGET: "resource_id", ALARM: "alarm_name"}.get(resource.type, "name")
    return resource.type, str(found[name])


def _is(resource: Resource, kind: str, name: str) -> bool:
    return _key(resource) == (kind, name)


def _model(found: Values) -> Values:
    """Return a model's arguments."""
    several = found.get("containers")
    if not several:
        return _container(found.get("primary_container", {}))
    given: Values = {"containers": [_container(each) for each in several]}
    mode = found.get("inference_execution_config", {}).get("mode")
    return given | ({"inference_execution_mode": mode} if mode else {})


def _container(found: Values) -> Values:
    given = _picked(found, CONTAINER_FIELDS)
    if reveal(found.get("mode", "SingleModel")) != "SingleModel":
        given["mode"] = found["mode"]
    given |= _picked(found.get("multi_model_config", {}), ("model_cache_setting",))
    sources = found.get("model_data_source", {}).get("s3_data_sources", [])
    if sources and "model_data_url" not in found:  # AWS tells of a URL as a source, too
        source = sources[0]
        given["model_data_source"] = {
            **_picked(source, ("s3_uri", "s3_data_type", "compression_type")),
            **_picked(source.get("model_access_config", {}), ("accept_eula",)),
        }
    defaults, environment = _default_environment(reveal(given)), given.pop("environment", {})
    if defaults.keys() - environment.keys():
        defaults, given["default_environment"] = {}, False
    own = {name: value for name, value in environment.items() if reveal(value) != defaults.get(name)}
    return given | ({"environment": own} if own else {})


def _default_environment(args: Any) -> Any:  # noqa: ANN401 - arguments
    (model,) = spec.parse(args | {"execution_role_arn": ""}).models
    return build.default_environment(model.containers[0])


def _shortest(weight: float) -> float:
    """Return the number of fewest digits that is the same in 32 bits: 0.8, not 0.800000011920929."""
    candidates = (float(f"{weight:.{digits}g}") for digits in range(1, 10))
    return next((each for each in candidates if c_float(each).value == c_float(weight).value), weight)


def _picked(found: Mapping[str, Any], names: tuple[str, ...]) -> Values:
    return {name: found[name] for name in names if name in found}


def _argument(each: Field, value: Any) -> Any:  # noqa: ANN401 - JSON's types
    """Return one argument: blocks by Python's names, one of one without its list."""
    if value is None:
        return None
    if each.fields is not None:
        blocks = [arguments(each.fields, block) for block in (value if isinstance(value, list) else [value])]
        if each.single or not isinstance(value, list):
            return blocks[0] if blocks else None
        return blocks
    if each.repeated and each.single:
        return value[0] if value else None
    return value


def _empty(value: Any) -> bool:  # noqa: ANN401 - any value
    return not reveal(value)


def _plain_arguments(value: Any) -> Any:  # noqa: ANN401 - pulumi-aws's arguments, or JSON's types
    """Return pulumi-aws's arguments as dictionaries by Python's names, without empty ones."""
    if hasattr(value, "__dict__") and not isinstance(value, dict):
        value = vars(value)
    if isinstance(value, dict):
        found = {key: _plain_arguments(item) for key, item in value.items()}
        return {key: item for key, item in found.items() if item not in (None, "", [], {})}
    return [_plain_arguments(item) for item in value] if isinstance(value, list | tuple) else value


def _differences(fields: Fields, there: Values, built: Values, at: str) -> Iterator[str]:
    """Yield the paths where arguments differ; what only the provider tells is passed over where nothing is declared."""
    for each in fields.all:
        name = _snake(each.pulumi)
        if not each.settable or each.terraform in NOT_ARGUMENTS:
            continue
        one, other = there.get(name), built.get(name)
        if not other and (not one or each.computed):
            continue
        path = f"{at}{each.terraform}"
        if each.fields is not None and one and other:
            yield from _blocks_differ(each, one, other, path)
        elif isinstance(one, dict) or isinstance(other, dict):
            ones, others = one or {}, other or {}
            keys = sorted(ones.keys() | others.keys())
            yield from (f"{path}.{key}" for key in keys if not _equal(ones.get(key), others.get(key)))
        elif not _equal(one, other):
            yield path


def _blocks_differ(each: Field, there: Any, built: Any, at: str) -> Iterator[str]:  # noqa: ANN401 - blocks
    fields = each.fields or Fields(())
    ones, others = ([value] if isinstance(value, dict) else value for value in (there, built))
    if each.kind == "set":
        ones, others = (sorted(items, key=repr) for items in (ones, others))
    if len(ones) != len(others):
        yield at
    for number, (one, other) in enumerate(zip(ones, others, strict=False)):
        yield from _differences(fields, one, other, f"{at}[{number}]." if len(ones) > 1 else f"{at}.")


def _passed_over(value: Any) -> Any:  # noqa: ANN401 - JSON's types
    """Return arguments with secrets as the rules pass them over: no message shows them."""
    if isinstance(value, Secret):
        return UNKNOWN
    if isinstance(value, dict):
        return {key: _passed_over(item) for key, item in value.items()}
    return [_passed_over(item) for item in value] if isinstance(value, list) else value


def _equal(one: Any, other: Any) -> bool:  # noqa: ANN401 - JSON's types
    """Tell whether two values mean the same to the provider: numbers as text, nothing and zero, lists in any order."""
    if not one and not other:
        return True
    if isinstance(one, list) and isinstance(other, list):
        return sorted(map(str, one)) == sorted(map(str, other))
    try:
        return one == other or float(one) == float(other)
    except (TypeError, ValueError):
        return bool(one == other)


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
