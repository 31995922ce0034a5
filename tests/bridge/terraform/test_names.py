"""Names, paths, references, plurals: what the translation rests on."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagebridge.bridge.export import attributes, providers, references
from sagebridge.bridge.export.references import Referent
from sagebridge.bridge.stack.mapping import plural
from sagebridge.bridge.stack.state import Resource, Secret
from sagebridge.bridge.terraform import names
from sagebridge.bridge.terraform.hcl import Ref, Template
from tests.bridge import states

FIELDS = states.known().by_terraform["aws_sagemaker_model"].fields
ROLE = Referent(
    "aws_iam_role.r", {"id": "name-1a2b3c4", "name": "name-1a2b3c4", "arn": "arn:x:name-1a2b3c4", "path": "/"}
)


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ({1: ["a-b"], 2: ["c"]}, {1: "a_b", 2: "c"}),
        ({1: ["one", "x"], 2: ["two", "x"], 3: ["y"]}, {1: "one_x", 2: "two_x", 3: "y"}),
        ({1: ["a.b"], 2: ["a-b"], 3: ["a_b_2"]}, {1: "a_b", 2: "a_b_3", 3: "a_b_2"}),
        ({1: ["1é"], 2: [""]}, {1: "_1_", 2: "_"}),
    ],
)
def test_names_are_short_and_unique(paths: dict[int, list[str]], expected: dict[int, str]) -> None:
    assert names.unique(paths) == expected


@given(st.dictionaries(st.integers(), st.lists(st.sampled_from(["a", "a_2", "A", "é", "-", "a-2", "1"]), min_size=1)))
def test_all_names_are_identifiers_and_unique(paths: dict[int, list[str]]) -> None:
    found = names.unique(paths)
    assert found.keys() == paths.keys()
    assert len(set(found.values())) == len(found)
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) for name in found.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name-1a2b3c4", Template((Ref("aws_iam_role.r.name"),))),
        ("arn:x:name-1a2b3c4", Template((Ref("aws_iam_role.r.arn"),))),
        ("endpoint/name-1a2b3c4/x", Template(("endpoint/", Ref("aws_iam_role.r.name"), "/x"))),
        ("name-1a2b3c4/name-1a2b3c4", "name-1a2b3c4/name-1a2b3c4"),
        ("my-name-1a2b3c4", "my-name-1a2b3c4"),
        ("/", "/"),
    ],
)
def test_references_stand_for_what_identifies_a_resource(text: str, expected: str | Template) -> None:
    assert references.refer(text, "role", [ROLE])[0] == expected


def test_a_secret_is_no_reference() -> None:
    assert references.refer(Secret("name-1a2b3c4"), "role", [ROLE]) == (Secret("name-1a2b3c4"), set())


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("*", "all"),
        ('["tags"]', "tags"),
        ('tags["a\\"b"]', 'tags["a\\"b"]'),
        ("tags.team", 'tags["team"]'),
        ("vpcConfig.subnets", "vpc_config[0].subnets"),
        ("vpcConfig.subnets[0]", "vpc_config[0].subnets"),
        ("containers[1].environment.TOKEN", 'container[1].environment["TOKEN"]'),
        ("nothing", None),
        ("vpcConfig.nothing", None),
        ("", None),
    ],
)
def test_property_paths_become_terraforms(path: str, expected: str | None) -> None:
    assert attributes.path_to_terraform(path, FIELDS) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *(("container", "containers"), ("policy", "policies"), ("routing_config", "routing_configs")),
        *(("address", "addresses"), ("status", "statuses"), ("data", "datas"), ("multimedia", "multimedia")),
        *(("index", "indices"), ("key", "keys"), ("alias", "aliases"), ("tags", "tags"), ("person", "people")),
    ],
)
def test_plurals_are_the_bridges(name: str, expected: str) -> None:
    assert plural(name) == expected


def provider(name: str, **inputs: object) -> Resource:
    return Resource(f"urn:pulumi:s::p::pulumi:providers:aws::{name}", "pulumi:providers:aws", id=name, inputs=inputs)


def read(*given_: Resource) -> dict[str, providers.Provider]:
    return {urn.rpartition("::")[2]: one for urn, one in providers.read(given_, states.known().provider).items()}


def test_providers_with_the_same_settings_are_one() -> None:
    found = read(provider("default_7_51_1", region="a", version="7.51.1"), provider("default", region="a"))
    assert {one.alias for one in found.values()} == {None}
    assert read(provider("only", region="a"))["only"].alias is None


def test_of_several_providers_the_default_one_has_no_alias() -> None:
    found = read(provider("my-own", region="b"), provider("default_7_51_1", region="a"), provider("my.own", region="c"))
    assert {name: one.alias for name, one in found.items()} == {
        "default_7_51_1": None,
        "my-own": "my_own",
        "my.own": "my_own_2",
    }


def test_settings_are_carried_and_credentials_are_not() -> None:
    (found,) = read(
        provider(
            "default",
            region="a",
            accessKey="hidden",
            token=Secret("hidden"),
            skipCredentialsValidation="true",
            maxRetries="2",
            defaultTags='{"tags":{"team":"ml"}}',
            assumeRoles='[{"roleArn":"r","externalId":"e"}]',
            assumeRoleWithWebIdentity='{"roleArn":"r","webIdentityToken":"hidden"}',
            __internal={},
            nothing="x",
        )
    ).values()
    assert found.region == "a"
    assert found.default_tags == {"team": "ml"}
    assert found.settings["skip_credentials_validation"] is True
    assert found.settings["max_retries"] == 2
    assert [one.path for one in found.left] == [
        *("nothing", "access_key", "token", "assume_role_with_web_identity.web_identity_token"),
    ]
    assert "hidden" not in repr(found)
