"""The steps from Pulumi to Terraform: what Pulumi forgets, in which order, and what keeps it from doing so."""

import re
from dataclasses import replace

import pytest

from sagebridge.bridge.export.handover import forgotten_resources, readme, steps
from sagebridge.bridge.export.translate import Export, Import, NotCarried
from sagebridge.bridge.stack.state import Stack, StackResource
from sagebridge.bridge.terraform.blocks import Block

ROOT = "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev"
PROVIDER = StackResource("urn:pulumi:dev::shop::pulumi:providers:aws::default", "pulumi:providers:aws", parent=ROOT)
COMPONENT = StackResource(
    "urn:pulumi:dev::shop::shop:index:Endpoint::e", "shop:index:Endpoint", custom=False, parent=ROOT
)
OTHER = replace(COMPONENT, urn=COMPONENT.urn + "-other")


def resource(
    name: str, type_: str = "aws:x/y:Y", parent: StackResource = COMPONENT, *dependencies: StackResource
) -> StackResource:
    provider = PROVIDER.urn if type_.startswith("aws:") else None
    urns = tuple(dependency.urn for dependency in dependencies)
    return StackResource(
        f"urn:pulumi:dev::shop::{type_}::{name}", type_, parent=parent.urn, provider=provider, dependencies=urns
    )


MODEL = resource("model")
STASH = resource("stash", "pulumi:index:Stash")
ENDPOINT = resource("endpoint", "aws:x/y:Y", COMPONENT, MODEL, STASH)
ACTION = resource("action", "aws:x/y:Y", COMPONENT, ENDPOINT)
ALL = (StackResource(ROOT, "pulumi:pulumi:Stack", custom=False), PROVIDER, COMPONENT, MODEL, STASH, ENDPOINT, ACTION)


def exported(*imported: StackResource, not_carried: tuple[NotCarried, ...] = ()) -> Export:
    return Export((), {item.name: Import("id", item.urn) for item in imported}, {}, not_carried)


def forgotten(resources: tuple[StackResource, ...], export: Export) -> tuple[list[str], list[str]]:
    gone, stay = forgotten_resources(Stack("dev", "shop", "", "", resources, {}), export)
    return [urn.rpartition("::")[2] for urn in gone], [urn.rpartition("::")[2] for urn in stay]


def test_all_goes_that_is_imported_and_what_is_empty_then() -> None:
    ahead = NotCarried(ACTION.urn, "cannot be imported", Block(("resource", "aws_y", "action"), {}))
    gone, stay = forgotten(ALL, exported(MODEL, ENDPOINT, not_carried=(ahead,)))
    assert gone == ["action", "endpoint", "stash", "model", "e", "default"]
    assert stay == []


def test_what_is_pulumis_own_goes_before_what_it_depends_on() -> None:
    protection = replace(resource("protection", "pulumi:index:Stash", ALL[0], ACTION), provider=None)
    gone, stay = forgotten((*ALL, protection), exported(MODEL, ENDPOINT, ACTION))
    assert gone == ["protection", "action", "endpoint", "stash", "model", "e", "default"]
    assert stay == []


def test_the_provider_goes_that_answers_the_programs_questions_to_the_engine() -> None:
    """Otherwise a stack whose resources are all Terraform's keeps it for ever."""
    provider = replace(PROVIDER, urn=PROVIDER.urn.replace("aws", "pulumi"), type="pulumi:providers:pulumi")
    gone, _ = forgotten((*ALL, provider), exported(MODEL, ENDPOINT, ACTION))
    assert gone.count("default") == 2
    stash = replace(resource("note", "pulumi:index:Stash", OTHER), provider=provider.urn)
    gone, _ = forgotten((*ALL, OTHER, provider, stash), exported(MODEL, ENDPOINT, ACTION))
    assert gone.count("default") == 1


def test_what_something_else_still_needs_stays() -> None:
    alone = resource("alone", "aws:x/y:Y", OTHER)
    random = resource("random", "random:index/id:Id", OTHER, MODEL)
    gone, stay = forgotten((*ALL[:-1], OTHER, alone, random), exported(MODEL, ENDPOINT))
    assert gone == ["endpoint", "stash", "model", "e"]
    assert stay == ["random"]


def test_components_stay_that_another_one_still_needs_through_others() -> None:
    first, second, third = (replace(COMPONENT, urn=f"{COMPONENT.urn}-{number}") for number in range(3))
    second, third = replace(second, dependencies=(first.urn,)), replace(third, dependencies=(second.urn,))
    inner = [resource(f"in-{number}", parent=item) for number, item in enumerate((first, second, third))]
    random = resource("random", "random:index/id:Id", ALL[0], third)
    gone, stay = forgotten((ALL[0], PROVIDER, first, second, third, *inner, random), exported(*inner))
    assert gone == ["in-2", "in-1", "in-0", "default"]
    assert stay == []


def test_the_readme_says_how_the_module_becomes_a_child_module() -> None:
    text = " ".join(readme(Stack("dev", "shop", "", "", ALL, {}), exported(MODEL), "module").split())
    assert "With Terraform 1.16 or newer it can be a child module" in text
    assert "as `module.NAME.ADDRESS`" in text


def test_the_steps_name_what_to_do_first_where_something_stays() -> None:
    random = resource("random", "random:index/id:Id", OTHER, MODEL)
    stack = Stack("dev", "shop", "", "", (*ALL, OTHER, random), {})
    text = steps(stack, exported(MODEL, ENDPOINT, ACTION), "some folder")
    assert random.urn in text
    assert re.findall(r"^(\d)\. ", text, re.MULTILINE) == [*"1234567"]
    assert "-chdir='some folder'" in text
    assert "destroy" not in "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))


@pytest.mark.parametrize(
    ("time", "written"),
    [
        ("2026-11-22T19:32:51Z", "Pulumi's state of 2026-11-22T19:32:51Z."),
        ("0001-01-01T00:00:00Z", "Pulumi's state."),
        ("", "Pulumi's state."),
        ("yesterday", "Pulumi's state."),
    ],
)
def test_the_readme_says_of_when_the_state_is_if_it_says_so(time: str, written: str) -> None:
    assert written in readme(Stack("dev", "shop", time, "", ALL, {}), exported(MODEL), "module")
