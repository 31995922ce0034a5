"""The steps from Pulumi to Terraform: what Pulumi forgets, in which order, and what keeps it from doing so."""

import re
from dataclasses import replace

from sagebridge.bridge.export import handover as handoff
from sagebridge.bridge.export.translate import Export, Import, NotCarried
from sagebridge.bridge.stack.state import Resource, Stack
from sagebridge.bridge.terraform.hcl import Block

ROOT = "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev"
PROVIDER = Resource("urn:pulumi:dev::shop::pulumi:providers:aws::default", "pulumi:providers:aws", parent=ROOT)
COMPONENT = Resource("urn:pulumi:dev::shop::shop:index:Endpoint::e", "shop:index:Endpoint", custom=False, parent=ROOT)
OTHER = replace(COMPONENT, urn=COMPONENT.urn + "-other")


def one(name: str, kind: str = "aws:x/y:Y", parent: Resource = COMPONENT, *behind: Resource) -> Resource:
    own = PROVIDER.urn if kind.startswith("aws:") else None
    urns = tuple(other.urn for other in behind)
    return Resource(f"urn:pulumi:dev::shop::{kind}::{name}", kind, parent=parent.urn, provider=own, dependencies=urns)


MODEL = one("model")
STASH = one("stash", "pulumi:index:Stash")
ENDPOINT = one("endpoint", "aws:x/y:Y", COMPONENT, MODEL, STASH)
ACTION = one("action", "aws:x/y:Y", COMPONENT, ENDPOINT)
ALL = (Resource(ROOT, "pulumi:pulumi:Stack", custom=False), PROVIDER, COMPONENT, MODEL, STASH, ENDPOINT, ACTION)


def export(*imported: Resource, not_carried: tuple[NotCarried, ...] = ()) -> Export:
    return Export((), {resource.name: Import("id", resource.urn) for resource in imported}, {}, not_carried)


def forgotten(resources: tuple[Resource, ...], found: Export) -> tuple[list[str], list[str]]:
    names = handoff.forgotten(Stack("dev", "shop", "", "", resources, {}), found)
    return [urn.rpartition("::")[2] for urn in names[0]], [urn.rpartition("::")[2] for urn in names[1]]


def test_all_goes_that_is_imported_and_what_is_empty_then() -> None:
    ahead = NotCarried(ACTION.urn, "cannot be imported", Block(("resource", "aws_y", "action"), {}))
    gone, stay = forgotten(ALL, export(MODEL, ENDPOINT, not_carried=(ahead,)))
    assert gone == ["action", "endpoint", "stash", "model", "e", "default"]
    assert stay == []


def test_what_is_pulumis_own_goes_before_what_it_depends_on() -> None:
    protection = replace(one("protection", "pulumi:index:Stash", ALL[0], ACTION), provider=None)
    gone, stay = forgotten((*ALL, protection), export(MODEL, ENDPOINT, ACTION))
    assert gone == ["protection", "action", "endpoint", "stash", "model", "e", "default"]
    assert stay == []


def test_what_something_else_still_needs_stays() -> None:
    alone = one("alone", "aws:x/y:Y", OTHER)
    random = one("random", "random:index/id:Id", OTHER, MODEL)
    gone, stay = forgotten((*ALL[:-1], OTHER, alone, random), export(MODEL, ENDPOINT))
    assert gone == ["endpoint", "stash", "model", "e"]
    assert stay == ["random"]


def test_the_steps_name_what_to_do_first_where_something_stays() -> None:
    random = one("random", "random:index/id:Id", OTHER, MODEL)
    stack = Stack("dev", "shop", "", "", (*ALL, OTHER, random), {})
    text = handoff.steps(stack, export(MODEL, ENDPOINT, ACTION), "some folder")
    assert random.urn in text
    assert re.findall(r"^(\d)\. ", text, re.MULTILINE) == [*"1234567"]
    assert "-chdir='some folder'" in text
    assert "destroy" not in "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
