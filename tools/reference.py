"""Makes ``docs/endpoint.md``, the reference of ``SageMakerEndpoint``, and its schema from the component's own code.

Types and docstrings are read with griffe, which knows those of fields too; limits are the ones that
``endpoint/schema.py`` checks against, botocore's own; refusals are the guards' own words.
"""

import re
from collections.abc import Mapping
from typing import Any

import griffe

from sagebridge.endpoint.names import Names
from sagebridge.endpoint.rules import validate
from sagebridge.endpoint.schema import tables
from sagebridge.endpoint.spec import parse
from sagebridge.endpoint.stash import PURPOSES
from sagebridge.guards import checks, foreign
from sagebridge.guards.replacement import recorded, refused
from sagebridge.plugin.provider import Plugin
from sagebridge.plugin.schema import no_garbage_collected
from sagebridge.validation import message
from tools.limits import limits
from tools.paths import CHECKOUT

Documented = Any
"""One of griffe's objects; their types are unions of all that may stand in a place."""
PAGE = CHECKOUT / "docs" / "endpoint.md"
SCHEMA = CHECKOUT / "components" / "schema.json"
"""What Pulumi's other languages know of the component."""
HEAD = """<!-- Made by `make docs` from the code: change the docstrings there, not this page. -->
"""
ARGUMENTS = """## Arguments

A field is optional unless it is said to be required. One whose type is an `Input` may be an output of another resource;
any other must be plain. The last column is what AWS's own model of its API allows, as botocore carries it. That is
checked before any call, and so is what does not go [together](which-endpoint.md#what-is-refused-and-why). A name
that is too new for the AWS provider is refused in the preview, in the provider's words."""
GUARDS = """## Guards

A refusal stops the command; nothing that serves is touched. What only the arguments decide is said in the preview,
every problem at once, and [which-endpoint.md](which-endpoint.md#what-is-refused-and-why) has the reasons. A warning is
shown by the preview and by the update, and stops neither.

Pulumi looks at what is there only when it is told to. Set this in `Pulumi.yaml`, as the template does, and an endpoint
that somebody has deleted by hand is made again by the next `pulumi up`, and one that somebody has moved is seen in the
next preview:

```yaml
options:
  refresh: always
```

Without it, run `pulumi preview --refresh`: while the program does not change, a plain preview calls such an endpoint
unchanged. [What it costs](where-the-time-goes.md#refresh) is measured.

To see whether the alarms that roll an update back are in ALARM already, whoever runs `pulumi preview` or `pulumi up`
needs `cloudwatch:DescribeAlarms`. Without it, a warning says so.

Where a create or an update fails on AWS, the message ends with the last lines of the failed container's log, without
what comes from secrets. For that, whoever runs `pulumi up` needs `logs:DescribeLogStreams` and `logs:GetLogEvents` on
`arn:aws:logs:REGION:ACCOUNT:log-group:/aws/sagemaker/Endpoints/*`. Without them, the message says so and names the log
group. `sagebridge invoke` needs `logs:FilterLogEvents` there to find the error of a handler whose answer does not tell
it; `grant_invoke` gives a caller none of these.

While AWS is at work on an endpoint, its row in `pulumi up` says what AWS is doing, once for each change, such as
`canary 10 % (1 of 10 instances), baking 3 of 5 min, alarms OK`. The states of the alarms need
`cloudwatch:DescribeAlarms` and are left out without it. An update that finds AWS at work waits until that is over.

After a failure, these steps are enough, and each message names the next one:

- AWS refused an update (throttled, over a quota), rolled it back, or went on when the provider no longer waited: fix
  the cause, and run `pulumi up` again. It waits for AWS, and sends what AWS has not taken.
- `pulumi` was killed during an update, at whatever step: `pulumi cancel` unlocks the stack, and `pulumi up --refresh`
  waits for AWS and does the rest.
- `pulumi` was killed while it wrote to a `file://` backend, and each command ends in `EOF`, such as "failed to load
  checkpoint: EOF": delete the files `*.attrs` in the backend's folder `.pulumi`. They hold nothing that Pulumi needs;
  the state is whole. A backend whose URL ends in `?metadata=skip`, such as that of `sagebridge local env`, has none.

Until the next `pulumi up`, the stack's state keeps the configuration of a refused update among the endpoint's outputs,
beside the error. Pulumi's engine saves every update so that failed in the provider. The guards ask AWS instead, and a
`pulumi up` puts the state right even if AWS refuses it again."""

STASHES = """## Rows that are nothing in AWS

A preview of a component that scales, watches or grants has rows of the type `pulumi:index:Stash`. They are kept in the
stack's state only, and cost nothing. The preview that would make or replace one says why it is there. When a row goes,
nothing of AWS goes with it."""


def page() -> str:
    """Returns the page."""
    code = _package()
    component = code["endpoint.component.SageMakerEndpoint"]
    kinds = {name: kind for name, kind in code["endpoint.args"].classes.items() if name.endswith("Args")}
    outputs = [_row(name, output) for name, output in component.attributes.items() if not name.startswith("_")]
    parts = [
        HEAD + f"# `{component.name}`",
        _text(component),
        *_callable(component.functions["__init__"], component.name),
        "## Outputs",
        _table(["output", "type", "is"], outputs),
        "## Methods",
        *(part for name in component.functions if not name.startswith("_") for part in _method(component, name)),
        ARGUMENTS,
        *(part for kind in _reached("SageMakerEndpointArgs", kinds) for part in _arguments(kind, kinds)),
        GUARDS,
        *(f"{when}:\n\n```text\n{text}\n```" for when, text in _refusals().items()),
        STASHES,
        _rows(),
    ]
    return "\n\n".join(parts) + "\n"


def schema() -> str:
    """Returns the schema that the plugin serves."""
    return str(Plugin().schema)


def _package() -> Documented:
    """Returns the package as griffe reads it."""
    with no_garbage_collected():
        package: Documented = griffe.load("sagebridge", search_paths=[CHECKOUT / "components"], allow_inspection=False)
    return package


def _refusals() -> dict[str, str]:
    """Returns what the guards say, by when."""
    args: Any = {"execution_role_arn": "arn:aws:iam::123456789012:role/sagemaker", "image": "own:1"}
    wrong = args | {"serverless_config": {"memory_size_in_mb": 1500}, "instance_type": "ml.m5.large"}
    serverless = parse(args | {"serverless_config": {}})
    changed = refused(recorded(parse(args)), recorded(serverless), {}, allowed=False)
    ran: Any = {"EndpointName": "scorer", "EndpointConfigName": "scorer-config-1a2b3c4", "EndpointStatus": "InService"}
    failed: Any = {**ran, "EndpointStatus": "Failed"}
    rolling_back: Any = {**ran, "EndpointStatus": "RollingBack"}
    variant = {"VariantName": "AllTraffic", "InstanceType": "ml.c5.large", "DesiredInstanceCount": 4}
    by_hand: Any = {**ran, "EndpointConfigName": "by-hand", "ProductionVariants": [variant]}
    moved_to: Any = {"ProductionVariants": [variant]}
    moving: Any = {
        **ran,
        "EndpointStatus": "Updating",
        "PendingDeploymentSummary": {"EndpointConfigName": "by-hand", "ProductionVariants": [variant]},
    }
    (production,) = parse(args).production_variants
    numbers: Any = checks.starts_with(production)
    declared = {production.name: foreign.Fleet(str(production.runs_on), numbers)}
    return {
        "Arguments": message("SageMakerEndpoint 'scorer' cannot be made", validate("scorer", wrong)),
        "A change": message("SageMakerEndpoint 'scorer' cannot be changed like this", changed),
        "An endpoint that the stack does not know, before a create": checks.orphan(failed),
        "An endpoint of that name that is still being deleted when the wait is over": checks.deletion_timeout("scorer"),
        "A rollback, after an update": checks.rollout_problem(ran, "scorer-config-5d6e7f8", ["AllTraffic"]) or "",
        "A rollback that is not over yet": checks.failed_update(
            rolling_back, "scorer-config-5d6e7f8", is_rollback=True
        ),
        "An update that AWS refuses": checks.failed_update(ran, "scorer-config-5d6e7f8", is_rollback=False),
        "An endpoint that somebody has moved by hand, a warning": foreign.moved(
            by_hand, "scorer-config-1a2b3c4", foreign.live_fleets(by_hand, moved_to), declared
        ),
        "A deployment that somebody else has under way, a warning": (
            f"{checks.will_wait(moving)} {foreign.under_way(moving, None, declared)}"
        ),
        "An alarm that rings before the rollout, a warning": foreign.alarming(
            ran, {"scorer-AllTraffic-5xx": "Threshold Crossed: 3 datapoints were greater than the threshold (0.01)."}
        )[0],
    }


def _rows() -> str:
    """Returns the table of the rows of a preview that are nothing in AWS."""
    names = Names("scorer")
    rows = [[f"`{getattr(names, purpose)}`", text] for purpose, text in PURPOSES.items()]
    return _table(["row of `scorer`", "why it is there"], rows)


def _reached(name: str, kinds: Mapping[str, Documented]) -> list[Documented]:
    """Returns what arguments are made of, outermost first."""
    reached = [name]
    for kind in reached:  # which grows
        annotations = [*kinds[kind].bases, *(member.annotation for member in kinds[kind].members.values())]
        inner = dict.fromkeys(re.findall(r"\w+Args", " ".join(map(str, annotations))))
        reached += [name for name in inner if name not in reached]
    return [kinds[kind] for kind in reached]


def _method(component: Documented, name: str) -> list[str]:
    return [f"### `{name}`", *_callable(component.functions[name], name)]


def _callable(function: Documented, name: str) -> list[str]:
    parameters = [of for of in function.parameters if of.name != "self"]
    shown = [f"{of.name}: {of.annotation}" + (f" = {of.default}" if of.default else "") for of in parameters]
    by_name = [number for number, of in enumerate(parameters) if of.kind is griffe.ParameterKind.keyword_only]
    if by_name:
        shown.insert(by_name[0], "*")
    sections: dict[str, Any] = {section.kind.value: section.value for section in function.docstring.parse("google")}
    rows = [[f"`{of.name}`", _markdown(of.description)] for of in sections.get("parameters", [])]
    rows += [[f"raises `{of.annotation}`", _markdown(of.description)] for of in sections.get("raises", [])]
    result = "" if str(function.returns) == "None" else f" -> {function.returns}"
    return [
        _markdown(sections["text"]),
        f"```python\n{name}({', '.join(shown)}){result}\n```",
        _table(["", "is"], rows),
    ]


def _arguments(kind: Documented, kinds: Mapping[str, Documented]) -> list[str]:
    bases = [str(base) for base in kind.bases if str(base) in kinds]
    table = next(table for table in tables().values() if kind.attributes.keys() <= table.keys())  # its own, or larger
    rows = [[*_row(name, field), limits(table[name])] for name, field in kind.members.items()]
    more = [f"And all fields of {_link(base)}." for base in bases]
    return [f"### `{kind.name}`", _text(kind), _table(["field", "type", "is", "AWS's limits"], rows), *more]


def _row(name: str, attribute: Documented) -> list[str]:
    type_ = str(attribute.annotation).replace("pulumi.", "").replace('"', "").replace("'", "")
    optional = re.fullmatch(r"NotRequired\[(.*)\]", type_)
    type_ = optional[1] if optional else type_
    structure = re.search(r"\w+Args", type_)
    needed = "" if optional or type_.startswith("Output") else ", required"
    if structure is None:
        return [f"`{name}`", f"`{type_}`{needed}", _text(attribute)]
    container = {"Sequence": "list of ", "Mapping": "mapping to "}.get(type_.partition("[")[0], "")
    return [f"`{name}`", f"{container}{_link(structure[0])}{needed}", _text(attribute)]


def _table(head: list[str], rows: list[list[str]]) -> str:
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _link(kind: str) -> str:
    return f"[`{kind}`](#{kind.lower()})"


def _text(documented: Documented) -> str:
    return _markdown(documented.docstring.value) if documented.docstring else ""


def _markdown(text: str) -> str:
    """Returns a docstring's text as Markdown."""
    text = re.sub(r":class:`(\w+)`", lambda kind: _link(kind[1]), text)
    return re.sub(r"``(.+?)``", r"`\1`", re.sub(r":\w+:`([\w.]+)`", r"`\1`", text))


if __name__ == "__main__":
    PAGE.write_text(page())
    SCHEMA.write_text(schema())
