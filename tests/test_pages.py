"""The pages on the endpoint against its code: what they say is accepted, or refused in these words, is so."""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from sagebridge.endpoint import rules
from sagebridge.endpoint.args import ContainerArgs, ImageArgs, VariantArgs
from sagebridge.endpoint.parts import SHORT_FORM
from sagebridge.endpoint.rules import validate
from sagebridge.endpoint.schema import check
from sagebridge.endpoint.spec import parse
from sagebridge.guards import replacement
from sagebridge.validation import Problem
from tests.test_docs import ROOT
from tools import reference

Args = Any
"""Arguments as a page writes them, which may be wrong."""
PAGE = (ROOT / "docs" / "which-endpoint.md").read_text()
SIMPLE: Args = {
    "execution_role_arn": "arn:aws:iam::123456789012:role/sagemaker",
    "image": "own:1",
    "model_data_url": "s3://models/model.tar.gz",
}
OUTPUTS: Args = {"endpointName": "scorer"}
INSTEAD = {
    "framework": ["image"],
    "model_package_name": ["image", "model_data_url"],
    "model_data_source": ["model_data_url"],
    "hugging_face_model": ["model_data_url"],
}


def section(title: str) -> str:
    (found,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def rows(title: str) -> list[list[str]]:
    """Returns the cells of a section's tables, without their heads' rules."""
    lines = [line for line in section(title).splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    return [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def python(text: str) -> Any:
    """Returns the value of an expression of the page's."""
    return eval(text.strip("`"), {"__builtins__": {"range": range}})  # noqa: S307 - the page is ours


def declared() -> dict[str, Args]:
    """Returns what each kind and each feature adds to the simplest arguments."""
    (code,) = re.findall(r"```python\n(.*?)```", section("What goes with what"), re.DOTALL)
    return python(code)  # type: ignore[no-any-return]


def together(kind: Args, feature: Args) -> Args:
    """Returns the arguments of a kind with a feature: each field where it has to stand."""
    args = {**SIMPLE, **feature, **kind}
    gone = {other for field, others in INSTEAD.items() if field in {**kind, **feature} for other in others}
    args = {field: value for field, value in args.items() if field not in gone}
    only_variants = VariantArgs.__annotations__.keys() - {*ContainerArgs.__annotations__, *SHORT_FORM, "containers"}
    if "containers" in args:
        moved = {field: args.pop(field) for field in ImageArgs.__annotations__ if field in args}
        own = {field: value for field, value in moved.items() if field in {**kind, **feature}}
        args["containers"] = [{f: v for f, v in {**one, **own}.items() if f not in gone} for one in args["containers"]]
    if "production_variants" in args or only_variants & feature.keys():
        every = args.pop("production_variants", [{"variant_name": "AllTraffic"}])
        own = {field: args.pop(field) for field in [*SHORT_FORM, *only_variants] if field in args}
        args["production_variants"] = [{**one, **own} for one in every]
    return args


def cells() -> list[tuple[str, str, str]]:
    (_, *kinds), *features = rows("What goes with what")
    return [(kind, name, cell) for name, *found in features for kind, cell in zip(kinds, found, strict=True)]


@pytest.mark.parametrize(("kind", "feature", "said"), cells())
def test_what_goes_with_what(kind: str, feature: str, said: str) -> None:
    adds = declared()
    problems = validate("scorer", together(adds[kind], adds[feature]))
    assert ("no" if problems else "yes") == said, [str(problem) for problem in problems]


def test_every_kind_and_feature_is_in_the_table() -> None:
    assert {name for kind, feature, _ in cells() for name in (kind, feature)} == declared().keys()


def refusals() -> list[list[str]]:
    return [row for row in rows("What is refused, and why") if row[0].startswith("`")]


def refused(*given: str) -> list[Problem]:
    if len(given) > 1:
        old, new = map(recorded, given)
        return replacement.refused(old, new, OUTPUTS, allowed=False)
    args = SIMPLE | python(given[0])
    return validate(args.pop("name", "scorer"), args)


def recorded(cell: str) -> Args:
    args = python(cell)
    region = args.pop("region", None)
    return replacement.recorded(parse(SIMPLE | args), region)


@pytest.mark.parametrize("row", refusals(), ids=lambda row: str(row[-2]))
def test_what_is_refused_is_refused_in_these_words(row: list[str]) -> None:
    *given, said, _ = row
    assert said.strip("`") == str(refused(*given)[0])


def test_every_rule_is_on_the_page() -> None:
    given = [SIMPLE | python(row[0]) for row in refusals() if len(row) == 3]
    clean = [(args.pop("name", "scorer"), check(args)[0]) for args in given]
    silent = [rule for rule in rules.RULES if not any(list(rule(*one)) for one in clean)]
    assert silent == []


def guards() -> list[Callable[..., list[Problem]]]:
    """Returns the functions of replacement.py that refuse a change."""
    own = [value for name, value in vars(replacement).items() if name.startswith("_") and inspect.isfunction(value)]
    return [function for function in own if inspect.signature(function).return_annotation == list[Problem]]


def test_every_refused_change_is_on_the_page() -> None:
    given = [(*map(recorded, row[:2]), OUTPUTS) for row in refusals() if len(row) == 4]
    silent = [guard for guard in guards() if not any(guard(*one[: len(arguments(guard))]) for one in given)]
    assert guards()
    assert silent == []


def arguments(function: Callable[..., object]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(function).parameters


def test_every_place_on_a_page_that_is_linked_to_exists() -> None:
    pages = {path.name: path.read_text() for path in (ROOT / "docs").glob("*.md")}
    for name, text in pages.items():
        for page, place in re.findall(r"\]\(([\w-]*(?:\.md)?)#([^)]+)\)", text):
            heads = re.findall(r"^#+ (.*)$", pages[page or name], re.MULTILINE)
            assert place in [re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads], (name, place)


def test_the_reference_is_fresh() -> None:
    assert reference.PAGE.read_text() == reference.page(), "make docs"
