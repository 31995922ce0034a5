"""What a variant's autoscaling may be: limits, and the rules of the endpoint's kind, each with its source.

Sources, all of the SageMaker Developer Guide but where said: burstable types are not scaled
(endpoint-auto-scaling-add-console); serverless needs provisioned concurrency (serverless-endpoints-autoscale) of at
most ``max_concurrency`` (API: ProductionVariantServerlessConfig); what each kind publishes
(``monitoring/metrics.py``); schedules (Application Auto Scaling API: PutScheduledAction).
"""

import re
from collections.abc import Mapping

from sagebridge.limits import Limits, outside
from sagebridge.monitoring.metrics import Kind
from sagebridge.scaling.autoscaling import TARGETS, AutoscalingArgs, ScheduleArgs, Variant
from sagebridge.validation import Problem, problem

LEAST: Mapping[Kind, int] = {"real-time": 1, "serverless": 1, "async": 0}
"""Of ``min_capacity``. Sources: Developer Guide, endpoint-auto-scaling-add-policy, serverless-endpoints-autoscale,
async-inference-autoscale. Other instances go to zero with inference components only
(endpoint-auto-scaling-zero-instances)."""

_BURSTABLE = re.compile(r"ml\.t\d")
_SCHEDULE = re.compile(
    r"at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)|rate\([1-9]\d* (minute|hour|day)s?\)|cron\(\S+( \S+){5}\)"
)


def problems(path: str, variant: Variant, args: AutoscalingArgs) -> list[Problem]:
    """Returns every problem of the arguments; values that are not known yet are passed over.

    Args:
        path: where the arguments stand, for the message.
        variant: the variant.
        args: see :class:`AutoscalingArgs`.
    """
    found = _bounds(path, variant, args)
    if isinstance(variant.instance_type, str) and _BURSTABLE.match(variant.instance_type):
        found.append(Problem(path, variant.instance_type, "a type that is not burstable: AWS does not scale those"))
    if variant.kind == "serverless" and variant.provisioned_concurrency is None:
        found.append(Problem(path, None, "left out of a serverless variant without provisioned_concurrency"))
    found += _target_problems(path, variant.kind, args)
    for cooldown in ("scale_in_cooldown", "scale_out_cooldown"):
        found += outside(f"{path}.{cooldown}", args.get(cooldown), Limits(whole=True))
    disable = args.get("disable_scale_in")
    if isinstance(disable, int | float | str) and not isinstance(disable, bool):
        found.append(Problem(f"{path}.disable_scale_in", disable, "true or false"))
    for name, schedule in _schedules(args).items():
        found += _schedule_problems(f"{path}.schedules[{name!r}]", name, variant, schedule)
    return found


def _bounds(path: str, variant: Variant, args: AutoscalingArgs | ScheduleArgs) -> list[Problem]:
    low, high = args.get("min_capacity"), args.get("max_capacity")
    most = variant.max_concurrency if isinstance(variant.max_concurrency, int) else None
    found = [
        *outside(f"{path}.min_capacity", low, Limits(LEAST[variant.kind], most, whole=True)),
        *outside(f"{path}.max_capacity", high, Limits(1, most, whole=True)),
    ]
    if not found and isinstance(low, int) and isinstance(high, int) and low > high:
        found.append(Problem(f"{path}.max_capacity", high, f"{low} or more, as min_capacity is"))
    return found


def _target_problems(path: str, kind: Kind, args: AutoscalingArgs) -> list[Problem]:
    given: Mapping[str, object] = args
    names = [name for name in TARGETS if given.get(name) is not None]
    own = [name for name, target in TARGETS.items() if target.kind == kind]
    if not names and not args.get("schedules"):
        return [Problem(path, None, f"given {' or '.join(own)}, or schedules")]
    found = []
    for name in names:
        if name in own:
            found += outside(f"{path}.{name}", given[name], Limits(most=TARGETS[name].most, above=True))
        else:
            allowed = f"left out: {kind} endpoints have {' and '.join(own)}"
            found.append(Problem(f"{path}.{name}", given[name], allowed))
    if len(set(names) & set(own)) > 1:
        found.append(Problem(path, ", ".join(names), "one target"))
    return found


def _schedules(args: AutoscalingArgs) -> dict[str, ScheduleArgs]:
    """Returns the schedules that are there to be looked at."""
    schedules = args.get("schedules")
    known = schedules if isinstance(schedules, Mapping) else {}
    return {name: schedule for name, schedule in known.items() if isinstance(schedule, Mapping)}


def _schedule_problems(path: str, name: str, variant: Variant, args: ScheduleArgs) -> list[Problem]:
    found = _bounds(path, variant, args)
    if wrong := problem(path, name, "ScheduledActionName", "application-autoscaling"):
        found.append(wrong)
    schedule, forms = args.get("schedule"), "at(yyyy-mm-ddThh:mm:ss), rate(value unit) or cron(six fields)"
    if isinstance(schedule, str) and not _SCHEDULE.fullmatch(schedule):
        found.append(Problem(f"{path}.schedule", schedule, forms))
    if args.get("min_capacity") is None and args.get("max_capacity") is None:
        found.append(Problem(path, None, "given min_capacity, max_capacity or both"))
    return found
