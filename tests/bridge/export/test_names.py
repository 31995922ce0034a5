"""A resource's address does not change with what else the stack has: another address would need a `moved` block."""

import copy
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from sagebridge.bridge.export.folder import check_folder, read_manifest, write_module
from sagebridge.bridge.export.translate import Export, Names, translate
from sagebridge.bridge.names import qualified
from sagebridge.bridge.secret import Secret
from tests.bridge.export.test_translate import DOCUMENTS, PROVIDER_MAPPING, stack

ROLE = "aws_iam_role"
COMPONENT = "my:index:Site"


def exported(paths: list[tuple[str, ...]], earlier: Names | None = None) -> Export:
    """Exports roles, each with a secret in it, below the components of its path."""
    state = stack(copy.deepcopy(DOCUMENTS[ROLE]))
    *others, role = state.resources
    resources = {}
    for path in paths:
        parent = None
        for depth, name in enumerate(path[:-1]):
            urn = f"urn:{'$'.join(path[:depth])}:component::{name}"
            resources[urn] = replace(role, urn=urn, type=COMPONENT, custom=False, parent=parent)
            parent = urn
        urn = f"urn:{'$'.join(path)}:role::{path[-1]}"
        inputs = {**role.inputs, "description": Secret(f"secret of {urn}")}
        resources[urn] = replace(role, urn=urn, parent=parent, inputs=inputs)
    return translate(replace(state, resources=(*others, *resources.values())), PROVIDER_MAPPING, earlier)


def addresses(export: Export) -> dict[str, str]:
    return {imported.urn: address for address, imported in export.imports.items()}


def variables(export: Export) -> dict[str, str]:
    return {export.origin(variable): name for name, variable in export.variables.items()}


def names(export: Export) -> Names:
    return Names(addresses(export), variables(export))


PARTS = st.sampled_from(["site", "logs", "site-logs", "site_logs", "a.b", "ü"])
PATHS = st.lists(st.lists(PARTS, min_size=1, max_size=3).map(tuple), max_size=6, unique=True)


@given(PATHS, PATHS)
def test_another_export_keeps_all_names_whatever_comes_and_goes(
    before: list[tuple[str, ...]], after: list[tuple[str, ...]]
) -> None:
    first = names(exported(before))
    second = names(exported(after, first))
    for old, new in ((first.addresses, second.addresses), (first.variables, second.variables)):
        assert {key: name for key, name in new.items() if key in old} == {key: old[key] for key in old if key in new}
        assert len(set(new.values())) == len(new) == len(set(after))


# Of names that only their punctuation tells apart, another export knows by its manifest alone which one was first.
SIMPLE = st.lists(st.from_regex(r"[a-z]{1,4}", fullmatch=True), min_size=1, max_size=3).map(tuple)


@given(st.lists(SIMPLE, max_size=5, unique_by=qualified), st.data())
def test_an_export_into_a_new_folder_gives_the_same_addresses_whatever_else_the_stack_has(
    paths: list[tuple[str, ...]], data: st.DataObject
) -> None:
    some = [path for path in paths if data.draw(st.booleans())]
    all_addresses = addresses(exported(paths))
    assert addresses(exported(some)).items() <= all_addresses.items()


def test_an_address_says_what_the_resource_is_in() -> None:
    export = exported([("site", "bucket"), ("shop", "bucket"), ("boston", "boston-model"), ("plain",)])
    assert set(export.imports) == {
        "aws_iam_role.site_bucket",
        "aws_iam_role.shop_bucket",
        "aws_iam_role.boston_model",
        "aws_iam_role.plain",
    }


def test_a_folder_keeps_the_names_of_the_export_before(tmp_path: Path) -> None:
    state = stack(DOCUMENTS[ROLE])
    first = exported([("site-logs",)])
    write_module(state, first, tmp_path / "module", "json", None)
    again = exported([("site", "logs"), ("site-logs",)], read_manifest(tmp_path / "module").names)
    assert addresses(again).items() > addresses(first).items()
    assert variables(again).items() > variables(first).items()
    assert check_folder(tmp_path / "module") is not None
