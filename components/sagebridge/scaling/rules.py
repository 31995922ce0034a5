"""Checks a variant's autoscaling: its limits, and the rules of the endpoint's kind.

Sources, in the SageMaker Developer Guide unless stated otherwise: burstable types are not scaled
(endpoint-auto-scaling-add-console); serverless needs provisioned concurrency (serverless-endpoints-autoscale) of at
most ``max_concurrency`` (API: ProductionVariantServerlessConfig); what each kind publishes
(``monitoring/metrics.py``); schedules (Application Auto Scaling API: PutScheduledAction).
"""

import re
from collections.abc import Mapping

from sagebridge.endpoint.args import AutoscalingArgs, ScheduleArgs
from sagebridge.endpoint.spec import TARGET_FIELDS, Capacity, Instances, Kind
from sagebridge.limits import Limits, outside
from sagebridge.scaling.autoscaling import TRACKED
from sagebridge.validation import Problem, problem

LEAST: Mapping[Kind, int] = {"real-time": 1, "serverless": 1, "async": 0}
"""The least ``min_capacity``. Sources: Developer Guide, endpoint-auto-scaling-add-policy,
serverless-endpoints-autoscale, async-inference-autoscale. Other instances go to zero with inference components only
(endpoint-auto-scaling-zero-instances)."""

_BURSTABLE = re.compile(r"ml\.t\d")
_SCHEDULE = re.compile(
    r"at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)|rate\([1-9]\d* (minute|hour|day)s?\)|cron\(\S+( \S+){5}\)"
)


def problems(path: str, kind: Kind, capacity: Capacity, args: AutoscalingArgs) -> list[Problem]:
    """Returns every problem of the arguments; values that are not known yet are passed over.

    Args:
        path: Where the arguments stand, for the message.
        kind: The endpoint's kind.
        capacity: The variant's capacity.
        args: See :class:`AutoscalingArgs`.
    """
    wrong = _capacity_problems(path, capacity) + _bounds(path, kind, capacity, args) + _targets(path, kind, args)
    for field in ("scale_in_cooldown", "scale_out_cooldown"):
        wrong += outside(f"{path}.{field}", args.get(field), Limits(whole=True))
    disable: object = args.get("disable_scale_in")
    if isinstance(disable, int | float | str) and not isinstance(disable, bool):
        wrong.append(Problem(f"{path}.disable_scale_in", "must be true or false", disable))
    for name, schedule in _schedules(args).items():
        where = f"{path}.schedules[{name!r}]"
        wrong += _bounds(where, kind, capacity, schedule) + _schedule_problems(where, name, schedule)
    return wrong


def _capacity_problems(path: str, capacity: Capacity) -> list[Problem]:
    if not isinstance(capacity, Instances):
        needs = "needs serverless_config.provisioned_concurrency on a serverless variant"
        return [Problem(path, needs)] if capacity.provisioned_concurrency is None else []
    instance_type = capacity.instance_type
    if isinstance(instance_type, str) and _BURSTABLE.match(instance_type):
        return [Problem(path, f"cannot be set with {instance_type}: AWS does not scale burstable instances")]
    return []


def _bounds(path: str, kind: Kind, capacity: Capacity, args: AutoscalingArgs | ScheduleArgs) -> list[Problem]:
    low, high = args.get("min_capacity"), args.get("max_capacity")
    concurrency = None if isinstance(capacity, Instances) else capacity.max_concurrency
    most = concurrency if isinstance(concurrency, int) else None
    wrong = [
        *outside(f"{path}.min_capacity", low, Limits(LEAST[kind], most, whole=True)),
        *outside(f"{path}.max_capacity", high, Limits(1, most, whole=True)),
    ]
    if not wrong and isinstance(low, int) and isinstance(high, int) and low > high:
        wrong.append(Problem(f"{path}.max_capacity", f"must be at least min_capacity ({low})", high))
    return wrong


def _targets(path: str, kind: Kind, args: AutoscalingArgs) -> list[Problem]:
    fields = [field for field in TARGET_FIELDS if args.get(field) is not None]
    of_kind = [field for field in TARGET_FIELDS if TRACKED[field].kind == kind]
    if not fields and not args.get("schedules"):
        return [Problem(path, f"needs {' or '.join(of_kind)}, or schedules")]
    wrong = []
    for field in fields:
        if field in of_kind:
            wrong += outside(f"{path}.{field}", args.get(field), Limits(most=TRACKED[field].most, above=True))
        else:
            article = "an" if kind == "async" else "a"
            rule, fix = f"cannot be set on {article} {kind} endpoint", f"Use {' or '.join(of_kind)}."
            wrong.append(Problem(f"{path}.{field}", rule, fix=fix))
    if len(set(fields) & set(of_kind)) > 1:
        wrong.append(Problem(path, f"must have one target, not both {' and '.join(fields)}"))
    return wrong


def _schedules(args: AutoscalingArgs) -> dict[str, ScheduleArgs]:
    """Returns the schedules that are there to be looked at."""
    schedules = args.get("schedules")
    by_name = schedules if isinstance(schedules, Mapping) else {}
    return {name: schedule for name, schedule in by_name.items() if isinstance(schedule, Mapping)}


def _schedule_problems(path: str, name: str, args: ScheduleArgs) -> list[Problem]:
    wrong = []
    if misnamed := problem(path, name, "ScheduledActionName", "application-autoscaling"):
        wrong.append(Problem(path, f"has a name that {misnamed.rule}"))
    schedule = args.get("schedule")
    if isinstance(schedule, str) and not _SCHEDULE.fullmatch(schedule):
        forms = "must have the form at(yyyy-mm-ddThh:mm:ss), rate(value unit) or cron(six fields)"
        wrong.append(Problem(f"{path}.schedule", forms, schedule))
    if args.get("min_capacity") is None and args.get("max_capacity") is None:
        wrong.append(Problem(path, "needs min_capacity, max_capacity or both"))
    return wrong
