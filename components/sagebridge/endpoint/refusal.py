"""Says what is wrong with an endpoint's arguments: in one message, or to the engine property by property."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache

import pulumi

from sagebridge import _sdk
from sagebridge.endpoint.outputs import has_outputs
from sagebridge.endpoint.schema import tables
from sagebridge.validation import Problem, message

_WORD = re.compile(r"\w+")
_PART = re.compile(r"""\[(?P<quote>['"])(?P<key>.*?)(?P=quote)\]|\w+""")
"""A part of an argument's path: the key of a mapping, as Python writes it, or a field."""


def refusal(name: str, args: Mapping[str, object], problems: Sequence[Problem]) -> Exception:
    """Returns the error that says every problem of a component.

    A program in Python fails with one message. A plugin tells the engine which properties are wrong, by their names in
    the other languages. With each, the engine shows the property's value, even a secret one (``errorToMessage``, pulumi
    3.246). So what is wrong with an output, which may be a secret, is said in the message alone.

    Args:
        name: Name of the component.
        args: The arguments as the program gave them, with outputs among them.
        problems: What is wrong.
    """
    title = f"SageMakerEndpoint {name!r} cannot be made"
    if not _sdk.runs_in_plugin():
        return pulumi.RunError(message(title, problems))
    outputs = {field for field, value in args.items() if has_outputs(value)}
    hidden = [problem for problem in problems if not outputs.isdisjoint(_WORD.findall(problem.property)[:1])]
    return pulumi.InputPropertiesError(
        message(title, map(_in_camel_case, hidden)),
        [
            {"property_path": property_path(problem.property), "reason": camel_case(problem.reason())}
            for problem in problems
            if problem not in hidden
        ],
    )


def argument_name(path: str) -> str:
    """Returns how the program's language writes the path of an argument."""
    return property_path(path) if _sdk.runs_in_plugin() else path


def property_path(path: str) -> str:
    """Returns the path of an argument as Pulumi writes it, such as ``productionVariants[0].environment["A"]``."""
    return _PART.sub(lambda part: f"[{json.dumps(part['key'])}]" if part["quote"] else camel_case(part[0]), path)


def camel_case(text: str) -> str:
    """Returns a text with the names that the arguments have in Pulumi's other languages."""
    return _WORD.sub(lambda word: _names().get(word[0], word[0]), text)


def _in_camel_case(problem: Problem) -> Problem:
    return problem._replace(
        property=property_path(problem.property), rule=camel_case(problem.rule), fix=camel_case(problem.fix)
    )


@cache
def _names() -> Mapping[str, str]:
    """Returns the name of each field in Pulumi's other languages."""
    fields = {field for table in tables().values() for field in table}
    return {field: re.sub("_(.)", lambda after: after[1].upper(), field) for field in fields}
