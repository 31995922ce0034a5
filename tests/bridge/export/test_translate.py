"""From a stack's state to a module's blocks, without any command."""

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagebridge.bridge.export.attributes import to_terraform
from sagebridge.bridge.export.translate import Export, translate
from sagebridge.bridge.stack.mapping import Field, Fields, ResourceType
from sagebridge.bridge.stack.state import Stack, StackResource, parse_stack
from sagebridge.bridge.terraform.blocks import Nested, Ref
from sagebridge.bridge.terraform.hcl import to_hcl
from sagebridge.bridge.terraform.tf_json import to_json
from sagebridge.errors import UserError
from tests.bridge import raw_state, states
from tests.properties import examples

GOLDEN = Path(__file__).parent / "golden"
PROVIDER_MAPPING = states.provider_mapping()
DOCUMENTS = states.documents()
MODEL, CONFIGURATION = "aws_sagemaker_model", "aws_sagemaker_endpoint_configuration"
HARD = (
    "${aws_iam_role.x.arn}",
    "%{ if true }",
    'quo"te',
    "back\\slash",
    "line\nfeed\ttab\r",
    "é 漢 🙂",
    "\x01\x7f",
    "$$${",
    "//",
)


def stack(document: dict[str, Any]) -> Stack:
    return parse_stack(json.dumps(document))


def resource_of(document: dict[str, Any]) -> dict[str, Any]:
    """Returns the resource in a document of the states'."""
    resource: dict[str, Any] = document["deployment"]["resources"][-1]
    return resource


def changed(type_: str, **changes: Any) -> Stack:
    """Returns a stack of one resource, with members of its changed; `inputs` are added to its inputs."""
    document = copy.deepcopy(DOCUMENTS[type_])
    resource = resource_of(document)
    resource["inputs"] |= changes.pop("inputs", {})
    resource |= changes
    return stack(document)


def translated(state: Stack) -> Export:
    return translate(state, PROVIDER_MAPPING)


def body_of(export: Export) -> dict[str, Any]:
    """Returns the arguments of the only resource, as `.tf.json` has them."""
    document = json.loads(to_json(export.blocks))
    ((body,),) = [list(named.values()) for named in document["resource"].values()]
    return dict(body)


def plain(value: Any) -> Any:
    """Returns an argument's value as Terraform's state would have it, without what is empty there."""
    if isinstance(value, Nested):
        value = [dict(block) for block in value.blocks]
    if isinstance(value, dict):
        items = {name: plain(item) for name, item in value.items()}
        return {name: item for name, item in items.items() if item is not None and item != []}
    return [plain(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("type_", DOCUMENTS)
def test_each_type_becomes_what_the_golden_file_shows(type_: str) -> None:
    export = translated(stack(DOCUMENTS[type_]))
    text = to_hcl([*export.blocks, *(item.block for item in export.not_carried if item.block)])
    if states.UPDATE:
        GOLDEN.mkdir(exist_ok=True)
        (GOLDEN / f"{type_}.tf").write_text(text)
    assert (GOLDEN / f"{type_}.tf").read_text() == text


@pytest.mark.parametrize("type_", DOCUMENTS)
def test_names_and_nesting_are_those_that_terraform_itself_told(type_: str) -> None:
    outputs = dict(stack(DOCUMENTS[type_]).resources[-1].outputs)
    attributes = raw_state.recover(outputs)
    attributes.pop("id")
    assert plain(to_terraform(outputs, PROVIDER_MAPPING.by_terraform[type_].fields, [])) == plain(attributes)


def test_a_name_that_pulumi_made_up_is_left_to_terraform() -> None:
    auto = changed(MODEL, inputs={"__defaults": ["name"], "name": "live-1a2b3c4"})
    assert "name" not in body_of(translated(auto))
    assert body_of(translated(auto))["lifecycle"] == [{"create_before_destroy": True}]
    named = changed(MODEL, inputs={"__defaults": [], "name": "live"})
    assert body_of(translated(named))["name"] == "live"
    assert "lifecycle" not in body_of(translated(named))


def in_components(levels: int) -> Stack:
    """Returns a stack in which each component is in another one, with a bucket in the innermost."""
    document = copy.deepcopy(DOCUMENTS["aws_s3_bucket"])
    provider, bucket = document["deployment"]["resources"]
    urns = [f"urn:pulumi:dev::shop::shop:index:Shop::level-{number}" for number in range(levels)]
    components = [
        {"urn": urn, "type": "shop:index:Shop", "custom": False, "parent": parent}
        for urn, parent in zip(urns, ["", *urns], strict=False)
    ]
    document["deployment"]["resources"] = [provider, *components, {**bucket, "parent": urns[-1]}]
    return stack(document)


def test_components_may_be_in_thousands_of_others() -> None:
    (address,) = translated(in_components(3000)).imports
    assert address.startswith("aws_s3_bucket.")
    assert address.endswith("_bucket")


def test_a_state_whose_components_are_in_each_other_is_exported_all_the_same() -> None:
    document = copy.deepcopy(DOCUMENTS["aws_s3_bucket"])
    provider, bucket = document["deployment"]["resources"]
    urns = [f"urn:pulumi:dev::shop::shop:index:Shop::{name}" for name in ("first", "second")]
    members: dict[str, Any] = {"type": "shop:index:Shop", "custom": False}
    circle = [{"urn": urns[0], "parent": urns[1], **members}, {"urn": urns[1], "parent": urns[0], **members}]
    document["deployment"]["resources"] = [provider, *circle, {**bucket, "parent": urns[0]}]
    assert list(translated(stack(document)).imports) == ["aws_s3_bucket.second_first_bucket"]


def test_what_is_behind_resources_that_are_not_carried_comes_first() -> None:
    document = copy.deepcopy(DOCUMENTS["aws_s3_bucket"])
    provider, bucket = document["deployment"]["resources"]
    bucket |= {"parent": "", "protect": False}
    urns = [f"urn:pulumi:dev::shop::random:index/id:Id::id-{number}" for number in range(3000)]
    ids = [
        {"urn": urn, "type": "random:index/id:Id", "custom": True, "id": "x", "dependencies": [before]}
        for urn, before in zip(urns, [bucket["urn"], *urns], strict=False)
    ]
    last = json.loads(json.dumps(bucket).replace("bucket-35394e7", "last-35394e7"))
    last |= {"urn": bucket["urn"].replace("::bucket", "::last"), "dependencies": [urns[-1]]}
    document["deployment"]["resources"] = [provider, bucket, *ids, last]
    blocks = {block.labels[-1]: block.body for block in translated(stack(document)).blocks}
    assert blocks["last"]["depends_on"] == [Ref("aws_s3_bucket.bucket")]
    assert "depends_on" not in blocks["bucket"]


@pytest.mark.parametrize("attached", [True, False])
def test_an_argument_is_left_to_the_resource_that_manages_it(*, attached: bool) -> None:
    """What Pulumi imports has both: the role's own list would take away what another attachment adds later."""
    document = copy.deepcopy(DOCUMENTS["aws_iam_role"])
    attachment = copy.deepcopy(resource_of(DOCUMENTS["aws_iam_role_policy_attachment"]))
    role, arn = resource_of(document), attachment["inputs"]["policyArn"]
    role["inputs"]["managedPolicyArns"] = [arn]
    attachment["inputs"]["role"] = role["id"] if attached else "another"
    document["deployment"]["resources"].append(attachment)
    export = translated(stack(document))
    (block,) = [block for block in export.blocks if block.labels[:2] == ("resource", "aws_iam_role")]
    (address,) = [address for address in export.imports if address.startswith("aws_iam_role_policy_attachment.")]
    omitted = {item.name.rpartition(", ")[2]: item.reason for item in export.not_carried}
    assert block.body.get("managed_policy_arns") == (None if attached else [arn])
    assert omitted.get("managed_policy_arns") == (f"the module has it as {address}" if attached else None)


@pytest.mark.parametrize("attached", [True, False])
@pytest.mark.parametrize("argument", ["policy", "redrive_policy"])
def test_an_argument_is_left_to_the_resource_of_its_name(argument: str, *, attached: bool) -> None:
    """The schema of `aws_sqs_queue` does not say that an `aws_sqs_queue_policy` may have its policy."""
    whole = ResourceType("aws:x/queue:Queue", "aws_sqs_queue", Fields((text("url"), text(argument, computed=True))))
    part_fields = Fields((text("queue_url", optional=False), text(argument, optional=False)))
    part = ResourceType("aws:x/part:Part", f"aws_sqs_queue_{argument}", part_fields)
    pulumi_argument = whole.fields.by_terraform[argument].pulumi
    resources = [
        StackResource(urn("queue", whole), whole.token, id="https://queue", inputs={pulumi_argument: "{}"}),
        StackResource(
            urn("part", part),
            part.token,
            id="https://queue" if attached else "https://another",
            inputs={"queueUrl": "https://queue" if attached else "https://another", pulumi_argument: "{}"},
        ),
    ]
    state = Stack("s", "p", "", "3", tuple(resources), {})
    export = translate(state, replace(PROVIDER_MAPPING, types=(whole, part)))
    bodies = {block.labels[1]: block.body for block in export.blocks if block.labels[0] == "resource"}
    assert (argument in bodies["aws_sqs_queue"]) != attached
    assert argument in bodies[part.terraform]
    assert any(item.name.endswith(f", {argument}") for item in export.not_carried) == attached


def text(name: str, *, optional: bool = True, computed: bool = False) -> Field:
    """Returns a field of a text, in the names of both tools."""
    first, *rest = name.split("_")
    return Field(
        name, first + "".join(word.capitalize() for word in rest), "string", optional=optional, computed=computed
    )


def urn(name: str, type_: ResourceType) -> str:
    return f"urn:pulumi:s::p::{type_.token}::{name}"


def test_a_name_that_terraform_must_have_is_a_literal_and_no_replacement_comes_first() -> None:
    alarm = changed("aws_cloudwatch_metric_alarm", inputs={"__defaults": ["name"], "name": "slow-1a2b3c4"})
    assert body_of(translated(alarm))["alarm_name"] == "slow-1a2b3c4"
    assert "lifecycle" not in body_of(translated(alarm))


def test_options_become_a_lifecycle_or_are_named() -> None:
    paths = ["tags", 'tags["a b"]', "primaryContainer.image", "containers[0].image", "containers[*].image", "nothing"]
    export = translated(
        changed(
            MODEL,
            inputs={"__defaults": [], "name": "live"},
            protect=True,
            ignoreChanges=paths,
            retainOnDelete=True,
            customTimeouts={"create": 60},
        )
    )
    assert body_of(export)["lifecycle"] == [
        {
            "prevent_destroy": True,
            "ignore_changes": [
                *("tags", 'tags["a b"]', "primary_container[0].image", "container[0].image", "container"),
            ],
        }
    ]
    omitted = [item.name.rpartition(", ")[2] for item in export.not_carried]
    assert omitted == ["ignoreChanges nothing", "retainOnDelete", "customTimeouts"]
    everything = translated(changed(MODEL, inputs={"__defaults": []}, ignoreChanges=["*"]))
    assert body_of(everything)["lifecycle"] == [{"ignore_changes": "all"}]


@pytest.mark.parametrize("text", HARD)
def test_texts_are_literals_in_both_formats(text: str) -> None:
    export = translated(changed(MODEL, inputs={"tags": {text: text}, "executionRoleArn": text}))
    literal = text.replace("${", "$${").replace("%{", "%%{")
    assert body_of(export)["tags"] == {literal: literal}
    assert body_of(export)["execution_role_arn"] == literal


def test_secrets_become_variables_without_a_value() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
    plaintext = json.dumps({"TOKEN": "hidden-1", "OTHER": "hidden-2"})
    primary = {
        "image": secret | {"plaintext": '"hidden-3"'},
        "environment": secret | {"plaintext": plaintext},
    }
    whole = secret | {"plaintext": json.dumps({"securityGroupIds": ["hidden-4"], "subnets": ["hidden-5"]})}
    export = translated(changed(MODEL, inputs={"primaryContainer": primary, "vpcConfig": whole}))
    document = json.loads(to_json(export.blocks))
    values = {name: variable.value for name, variable in export.variables.items()}
    name = next(iter(export.imports)).rpartition(".")[2]
    assert values == {
        f"{name}_image": "hidden-3",
        f"{name}_environment": {"TOKEN": "hidden-1", "OTHER": "hidden-2"},
        f"{name}_security_group_ids": ["hidden-4"],
        f"{name}_subnets": ["hidden-5"],
    }
    assert {(variable["type"], variable["sensitive"]) for variable in document["variable"].values()} == {
        *(("string", True), ("map(string)", True), ("list(string)", True)),
    }
    assert all("default" not in variable for variable in document["variable"].values())
    assert body_of(export)["primary_container"][0]["image"] == f"${{var.{name}_image}}"
    for text in (json.dumps(document), to_hcl(export.blocks), repr(export), str(export.not_carried)):
        assert "hidden" not in text


def test_references_stand_for_what_comes_from_another_resource() -> None:
    provider, role = DOCUMENTS["aws_iam_role"]["deployment"]["resources"]
    attachment, model = (
        copy.deepcopy(resource_of(DOCUMENTS[type_])) for type_ in ("aws_iam_role_policy_attachment", MODEL)
    )
    model["inputs"] |= {
        "executionRoleArn": role["outputs"]["arn"],
        "name": "iam:::" + role["id"] + "/x",
        "__defaults": [],
    }
    model["propertyDependencies"] = {"executionRoleArn": [role["urn"]], "name": [role["urn"]], "tags": [role["urn"]]}
    model["dependencies"] = [role["urn"]]
    attachment["inputs"] |= {"role": "not the role's name"}
    attachment["propertyDependencies"] = {"role": [role["urn"]]}
    attachment["dependencies"] = [role["urn"]]
    for resource in (model, attachment):
        resource["provider"] = role["provider"]
    inner = {"manifest": {}, "resources": [provider, role, model, attachment]}
    document = json.loads(to_json(translated(stack({"version": 3, "deployment": inner})).blocks))
    ((address, _),) = document["resource"]["aws_iam_role"].items()
    (body,) = document["resource"][MODEL].values()
    assert body["execution_role_arn"] == f"${{aws_iam_role.{address}.arn}}"
    assert body["name"] == f"iam:::${{aws_iam_role.{address}.name}}/x"
    assert "depends_on" not in body
    (body,) = document["resource"]["aws_iam_role_policy_attachment"].values()
    assert body["role"] == "not the role's name"
    assert body["depends_on"] == [f"aws_iam_role.{address}"]


def test_dependencies_go_through_what_is_not_carried() -> None:
    state = changed(MODEL)
    *_, model = state.resources
    first = replace(model, urn=model.urn + "-first")
    stash = StackResource(
        "urn:pulumi:s::p::pulumi:index:Stash::stash", "pulumi:index:Stash", id="x", dependencies=(first.urn,)
    )
    last = replace(model, urn=model.urn + "-last", dependencies=(stash.urn,))
    export = translated(replace(state, resources=(state.resources[0], first, stash, last)))
    document = json.loads(to_json(export.blocks))
    first_address, last_address = export.imports
    assert document["resource"][MODEL][last_address.partition(".")[2]]["depends_on"] == [first_address]
    assert [item.reason for item in export.not_carried] == ["it is Pulumi's own, and nothing in AWS"]


def test_what_is_not_there_to_hand_over_is_named_with_the_reason() -> None:
    state = changed(MODEL)
    provider, model = state.resources
    resources = {
        "marked for deletion": replace(model, delete=True),
        "yet to be made anew": replace(model, pending_replacement=True),
        "only reads": replace(model, external=True),
        "run `pulumi plugin install resource aws 7.51.1 --reinstall` to get the whole plugin": replace(
            model, type="aws:nothing/nothing:Nothing"
        ),
        "not of the provider aws but of random": replace(model, type="random:index/id:Id"),
        "no ID": replace(model, id=""),
    }
    for reason, resource in resources.items():
        not_carried, *_ = translated(
            replace(state, resources=(provider, replace(resource, urn=model.urn + "-x")))
        ).not_carried
        assert reason in not_carried.reason


@pytest.mark.parametrize(
    ("declared", "told", "defaults", "expected"),
    [
        ({"a": "1"}, {"a": "1", "owner": "ml"}, {}, {"a": "1", "owner": "ml"}),
        ({"a": "1"}, {"a": "1", "owner": "ml"}, {"owner": "ml"}, {"a": "1"}),
        ({"owner": "me"}, {"owner": "me"}, {"owner": "ml"}, {"owner": "me"}),
        (None, {"owner": "ml"}, {}, {"owner": "ml"}),
        (None, {"owner": "ml"}, {"owner": "ml"}, None),
    ],
)
def test_no_tag_is_taken_away_by_whichever_provider_gave_it(
    declared: dict[str, str] | None, told: dict[str, str], defaults: dict[str, str], expected: dict[str, str] | None
) -> None:
    state = changed(MODEL)
    provider, model = state.resources
    provider = replace(provider, inputs={**provider.inputs, "defaultTags": json.dumps({"tags": defaults})})
    inputs = {name: value for name, value in model.inputs.items() if name != "tags"}
    inputs |= {"tags": declared} if declared is not None else {}
    model = replace(model, inputs=inputs, outputs={**model.outputs, "tagsAll": told})
    assert body_of(translated(replace(state, resources=(provider, model)))).get("tags") == expected


def test_a_resource_that_is_replaced_is_carried_as_it_is_now() -> None:
    state = changed(MODEL)
    provider, model = state.resources
    old = replace(model, delete=True, id="old")
    export = translated(replace(state, resources=(provider, model, old)))
    assert [item.id for item in export.imports.values()] == [model.id]
    assert "old" in export.not_carried[0].reason


def test_pending_operations_are_refused_by_name() -> None:
    document = copy.deepcopy(DOCUMENTS[MODEL])
    urn = resource_of(document)["urn"]
    document["deployment"]["pending_operations"] = [{"type": "updating", "resource": {"urn": urn}}]
    with pytest.raises(UserError, match=f"updating {urn}.*pulumi refresh".replace("$", r"\$")):
        translated(stack(document))
    with pytest.raises(UserError, match="no resources"):
        translated(replace(stack(document), pending=(), resources=()))


def test_import_ids_are_those_that_the_importers_ask_for() -> None:
    ids = {type_: item.id for type_ in DOCUMENTS for item in translated(stack(DOCUMENTS[type_])).imports.values()}
    outputs = {type_: resource_of(document)["outputs"] for type_, document in DOCUMENTS.items()}
    scaled = "sagemaker/" + outputs["aws_appautoscaling_target"]["id"] + "/sagemaker:variant:DesiredInstanceCount"
    assert ids["aws_appautoscaling_target"] == scaled
    assert ids["aws_appautoscaling_policy"].startswith("sagemaker/endpoint/")
    assert ids["aws_appautoscaling_policy"].endswith(f"Count/{outputs['aws_appautoscaling_policy']['name']}")
    attached = outputs["aws_iam_role_policy_attachment"]
    assert ids["aws_iam_role_policy_attachment"] == f"{attached['role']}/{attached['policyArn']}"
    assert ids["aws_s3_object"] == f"{outputs['aws_s3_object']['bucket']}/{outputs['aws_s3_object']['key']}"
    assert "aws_appautoscaling_scheduled_action" not in ids
    elsewhere = translated(changed(MODEL, inputs={"region": "eu-west-1"}))
    assert next(iter(elsewhere.imports.values())).id.endswith("@eu-west-1")
    without = translated(changed("aws_appautoscaling_target", inputs={"scalableDimension": None}, outputs={}))
    assert without.imports == {}
    assert "import ID" in without.not_carried[0].reason


def test_numbers_are_those_that_aws_answers() -> None:
    variants = [{"variantName": "a", "initialVariantWeight": 0.8}, {"variantName": "b", "initialVariantWeight": 0.5}]
    answered = [{"variantName": "a", "initialVariantWeight": 0.800000011920929}, {"initialVariantWeight": 0.25}]
    state = changed(CONFIGURATION, inputs={"productionVariants": variants}, outputs={"productionVariants": answered})
    written = [variant["initial_variant_weight"] for variant in body_of(translated(state))["production_variants"]]
    assert written == [0.800000011920929, 0.5]


def test_what_aws_does_not_keep_is_left_for_later() -> None:
    export = translated(changed("aws_s3_bucket", inputs={"forceDestroy": True}))
    assert "force_destroy" not in body_of(export)
    assert [item.name.rpartition(", ")[2] for item in export.not_carried] == ["force_destroy"]
    assert translated(changed("aws_s3_bucket", inputs={"forceDestroy": False})).not_carried == ()


def test_empty_and_null_blocks() -> None:
    inputs: dict[str, Any] = {"vpcConfig": None, "inferenceExecutionConfig": {}, "containers": [], "tags": {}}
    body = body_of(translated(changed(MODEL, inputs=inputs)))
    assert "vpc_config" not in body
    assert body["inference_execution_config"] == [{}]
    assert body["container"] == []
    assert body["tags"] == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PLACES = ("inputs", "outputs", "dependencies", "propertyDependencies", "ignoreChanges", "id", "urn", "provider", "type")


def exported_or_refused(text: str) -> None:
    """Checks that nothing but the error that has a message for people comes out."""
    try:
        export = translated(parse_stack(text))
    except UserError as error:
        refused = error
    else:
        json.loads(to_json(export.blocks))
        assert to_hcl(export.blocks)
        return
    assert refused.message


@examples(300)
@given(st.sampled_from(sorted(DOCUMENTS)), st.data())
def test_any_state_is_exported_or_refused_by_name(type_: str, data: st.DataObject) -> None:
    document = copy.deepcopy(DOCUMENTS[type_])
    resource = resource_of(document)
    for place in data.draw(st.lists(st.sampled_from(PLACES), max_size=2)):
        resource[place] = data.draw(JSON)
    names = sorted(resource["inputs"]) if isinstance(resource["inputs"], dict) else []
    for name in data.draw(st.lists(st.sampled_from(names), max_size=3)) if names else []:
        resource["inputs"][name] = data.draw(JSON)
    exported_or_refused(json.dumps(document))


@examples(200)
@given(JSON)
def test_any_json_is_a_state_or_refused(document: Any) -> None:
    for text in (json.dumps(document), json.dumps({"version": 3, "deployment": document}), json.dumps(document)[:-1]):
        exported_or_refused(text)
