"""Renews the table of import IDs, ``sagebridge/bridge/terraform/import_ids.json``, from the AWS provider's sources.

A type's import ID is what the provider's acceptance tests import it by (``ImportStateIdFunc``); for types without such
a test, what the importer in the code wants. Where neither can be read by rule, ``READ_BY_HAND`` has the ID with its
source. Arguments that no import brings are those that the acceptance tests leave out of the comparison
(``ImportStateVerifyIgnore``) and that the code never reads back from AWS.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tools.build import provider_source
from tools.engine import AWS_PROVIDER_BUILT
from tools.errors import ToolsError
from tools.paths import CHECKOUT

TABLE = CHECKOUT / "components" / "sagebridge" / "bridge" / "terraform" / "import_ids.json"

READ_BY_HAND = {
    "aws_alb_target_group_attachment": "{target_group_arn},{target_id}[,{port}][,{availability_zone}]",
    "aws_ami_launch_permission": "{account_id|group|organization_arn|organizational_unit_arn}/{image_id}",
    "aws_apigatewayv2_model": "{api_id}/{id}",
    "aws_appautoscaling_policy": "{service_namespace}/{resource_id}/{scalable_dimension}/{name}",
    "aws_appautoscaling_target": "{service_namespace}/{resource_id}/{scalable_dimension}",
    "aws_appsync_channel_namespace": "{api_id},{name}",
    "aws_autoscaling_schedule": "{autoscaling_group_name}/{scheduled_action_name}",
    "aws_backup_restore_testing_plan": "{name}",
    "aws_backup_restore_testing_selection": "{name}:{restore_testing_plan_name}",
    "aws_backup_selection": "{plan_id}|{id}",
    "aws_cloudformation_stack_set": "{id}[,{call_as}]",
    "aws_cloudwatch_event_rule": "{id}",  # the bus and the name
    "aws_cloudwatch_event_target": "{event_bus_name}/{rule}/{target_id}",
    "aws_codedeploy_app": "{name}",
    "aws_controltower_control": "{target_identifier},{control_identifier}",
    "aws_default_vpc": "{id}",
    "aws_dx_connection": "{id}",
    "aws_dx_hosted_private_virtual_interface_accepter": "{id}",
    "aws_dx_hosted_public_virtual_interface_accepter": "{id}",
    "aws_dx_hosted_transit_virtual_interface_accepter": "{id}",
    "aws_dynamodb_global_secondary_index": "{table_name},{index_name}",
    "aws_ec2_allowed_images_settings": "{region}",
    "aws_ec2_managed_prefix_list_entry": "{prefix_list_id},{cidr}",
    "aws_ecr_account_setting": "{name}",
    "aws_ecs_account_setting_default": "{name}",
    "aws_ecs_service": "{/cluster}/{name}",  # `cluster` may be an ARN
    "aws_ecs_task_definition": "{arn}",
    "aws_elasticsearch_domain": "{domain_name}",
    "aws_glue_catalog_table_optimizer": "{catalog_id},{database_name},{table_name},{type}",
    "aws_iam_outbound_web_identity_federation": None,  # its ID is the account's, which the state does not have
    "aws_iam_server_certificate": "{name}",
    "aws_iam_user_group_membership": "{user}/{groups}",
    "aws_kinesis_firehose_delivery_stream": "{arn}",
    "aws_kinesis_stream": "{name}",
    "aws_lambda_capacity_provider": "{name}",
    "aws_lambda_permission": "{function_name}[:{qualifier}]/{statement_id}",
    "aws_lb_target_group_attachment": "{target_group_arn},{target_id}[,{port}][,{availability_zone}]",
    "aws_lightsail_domain_entry": "{id}",
    "aws_media_packagev2_channel_group": "{name}",
    "aws_notifications_notification_hub": "{notification_hub_region}",
    "aws_opensearch_domain": "{domain_name}",
    "aws_organizations_account": "{id}",
    "aws_organizations_delegated_administrator": "{account_id}/{service_principal}",
    "aws_organizations_policy": "{id}",
    "aws_quicksight_custom_permissions": "{aws_account_id},{custom_permissions_name}",
    "aws_quicksight_role_custom_permission": "{aws_account_id},{namespace},{role}",
    "aws_quicksight_role_membership": "{aws_account_id},{namespace},{role},{member_name}",
    "aws_quicksight_user_custom_permission": "{aws_account_id},{namespace},{user_name}",
    "aws_route": "{route_table_id}_{destination_cidr_block|destination_ipv6_cidr_block|destination_prefix_list_id}",
    "aws_s3_object": "{bucket}/{key}",
    "aws_s3tables_table": "{table_bucket_arn};{namespace};{name}",
    "aws_s3tables_table_policy": "{table_bucket_arn};{namespace};{name}",
    "aws_s3tables_table_bucket": "{arn}",
    "aws_security_group_rule": (
        "{security_group_id}_{type}_{protocol}_{from_port}_{to_port}[_{cidr_blocks}][_{ipv6_cidr_blocks}]"
        "[_{prefix_list_ids}][_{source_security_group_id}][_{self=self}]"
    ),
    "aws_serverlessapplicationrepository_cloudformation_stack": "{id}",
    "aws_ses_event_destination": "{configuration_set_name}/{name}",
    "aws_ssm_default_patch_baseline": "{baseline_id}",
    "aws_ssm_parameter": "{id}",
    "aws_wafv2_web_acl_rule_group_association": None,  # a rule group is named by one of two blocks
}
"""Types whose ID takes more than one form in the tests, or is made by code there: read in the type's importer
(internal/service) and under "Import" on its page (website/docs/r), of terraform-provider-aws 6.34.0."""

_FUNCTION = re.compile(r"func (?:\(\w*\s*\*?(\w+)(?:\[\w+\])?\) )?(\w+)\(")
_RESOURCE = re.compile(r'^// @(SDK|Framework)Resource\("(\w+)"')
_FORMAT = re.compile(r"%[svdt]")


class GoFile(NamedTuple):
    """A file of the provider's."""

    text: str
    functions: Mapping[tuple[str, str], str]
    """The text of each function, by receiver and name."""
    constants: Mapping[str, str]
    """The provider's constants for names of attributes."""


class Source(NamedTuple):
    """A type as the provider's code has it."""

    import_id: str | None
    """The import ID that the code tells by rule; empty if it is made by code of its own, `None` without importer."""
    read: frozenset[str]
    """The attributes that the code sets from what AWS answers."""


def renew() -> str:
    """Reads the provider's sources and writes the table; returns what was found.

    Raises:
        ToolsError: The sources cannot be had, or have a type whose import ID cannot be read.
    """
    table = read(provider_source())
    TABLE.write_text(json.dumps({"provider": AWS_PROVIDER_BUILT, "types": table}, indent=1, sort_keys=True) + "\n")
    return f"{len(table)} types of terraform-provider-aws {AWS_PROVIDER_BUILT}"


def read(provider: Path) -> dict[str, dict[str, object]]:
    """Returns the table's rows by type.

    Args:
        provider: The provider's module.

    Raises:
        ToolsError: The import ID of a type cannot be read.
    """
    constants = _constants(provider)
    rows: dict[str, dict[str, object]] = {}
    unread: list[str] = []
    for service in sorted(path for path in (provider / "internal" / "service").iterdir() if path.is_dir()):
        tested, ignored = _acceptance_tests(service, constants)
        for terraform_type, source in _types(service, constants).items():
            identity = _identity(terraform_type, source, tested.get(terraform_type, set()))
            if identity == "":
                unread.append(terraform_type)
            missing = sorted(ignored.get(terraform_type, set()) - source.read)
            rows[terraform_type] = {"id": identity} | ({"not_imported": missing} if missing else {})
    if unread:
        raise ToolsError(f"The import IDs of {', '.join(unread)} cannot be read: add them to READ_BY_HAND")
    return rows


def _identity(terraform_type: str, source: Source, tested: set[str]) -> str | None:
    """Returns what a type is imported by; empty if that cannot be told, `None` if it cannot be imported."""
    if terraform_type in READ_BY_HAND:
        return READ_BY_HAND[terraform_type]
    if len(tested) > 1:
        tested = tested - {"{id}"}  # a test by resource identity imports by `id` too
    if any("?" in identity or not identity for identity in tested) or len(tested) > 1:
        return ""
    return next(iter(tested), source.import_id)


def _constants(provider: Path) -> Mapping[str, str]:
    texts = [path.read_text() for path in (provider / "names").glob("attr_const*.go")]
    return {f"names.{name}": value for name, value in re.findall(r'(Attr\w+)\s*=\s*"([^"]+)"', "".join(texts))}


def _functions(text: str) -> dict[tuple[str, str], str]:
    """Returns the text of each function of a Go file, by receiver and name."""
    functions = {}
    for part in re.split(r"(?=^func )", text, flags=re.MULTILINE):
        if match := _FUNCTION.match(part):
            functions[match[1] or "", match[2]] = part[: part.find("\n}") + 2]
    return functions


def _types(service: Path, constants: Mapping[str, str]) -> dict[str, Source]:
    types = {}
    for file in service.rglob("*.go"):
        text = "" if file.name.endswith(("_test.go", "_gen.go")) else file.read_text()
        go = GoFile(text, _functions(text), constants)
        annotated: list[tuple[str, str]] = []
        notes = ""
        for line in text.splitlines():
            if match := _RESOURCE.match(line):
                annotated.append((match[1], match[2]))
            elif annotated and line.startswith("//"):
                notes += line
            elif annotated and (function := _FUNCTION.match(line)):
                for kind, terraform_type in annotated:
                    identity = _told(kind, notes, go.functions["", function[2]], go)
                    types[terraform_type] = Source(identity, _read(text, constants))
                annotated, notes = [], ""
    return types


def _read(text: str, constants: Mapping[str, str]) -> frozenset[str]:
    """Returns the attributes that a file of the older SDK sets from what AWS answers."""
    return frozenset(_name(argument, constants) for argument in re.findall(r"\bd\.Set\(([^,\n]+),", text))


def _told(kind: str, notes: str, function: str, go: GoFile) -> str | None:
    """Returns the import ID that the code tells by rule; see `Source.import_id`."""
    if "@NoImport" in notes:
        return None
    importer = _importer_of_sdk(function) if kind == "SDK" else _importer_of_framework(function, go)
    if importer is not None:
        return importer
    if match := re.search(r'@ArnIdentity(?:\("(\w+)")?', notes):
        return f"{{{match[1] or 'arn'}}}"
    attributes = re.findall(r'@IdentityAttribute\("(\w+)"', notes)
    if attributes:
        return f"{{{attributes[0]}}}" if len(attributes) == 1 else ""
    return "" if "Identity" in notes else None


def _importer_of_sdk(function: str) -> str | None:
    """Returns what the older SDK imports a resource by; empty if its own code says it, `None` without importer."""
    if match := re.search(r"StateContext:\s*([^\n]*)", function):
        return "{id}" if "Passthrough" in match[1] else ""
    return "" if "Importer:" in function else None


def _importer_of_framework(function: str, go: GoFile) -> str | None:
    """Returns what a resource of the plugin framework is imported by, in the same way."""
    match = re.search(r"(?:&|new\()(\w+)[{)]", function)
    struct = match[1] if match else ""
    fields = re.search(rf"type {struct} struct \{{(.*?)\n\}}", go.text, re.DOTALL)
    if fields and "framework.WithImportByID" in fields[1] and "ByIdentity" not in fields[1]:
        return "{id}"
    importer = go.functions.get((struct, "ImportState"))
    if importer is None:
        return None
    passed = re.findall(r"ImportStatePassthroughID\(ctx,\s*path\.Root\(([^)]*)\)", importer)
    return f"{{{_name(passed[0], go.constants)}}}" if len(passed) == 1 and "SetAttribute" not in importer else ""


def _acceptance_tests(
    service: Path, constants: Mapping[str, str]
) -> tuple[Mapping[str, set[str]], Mapping[str, set[str]]]:
    """Returns what the tests import a type by, and what they leave out of the comparison afterwards, by type."""
    tested: dict[str, set[str]] = defaultdict(set)
    ignored: dict[str, set[str]] = defaultdict(set)
    functions = _functions("\n".join(file.read_text() for file in sorted(service.rglob("*_test.go"))))
    for function in functions.values():
        if "ImportState:" not in function:
            continue
        names = dict(re.findall(r'\b(\w+)\s*:?=\s*"(aws_\w+)\.\w+"', function))
        for step in re.split(r"\n\t+\{\n", function):
            resource = re.search(r"ResourceName:\s*([^\n]+),\n", step)
            terraform_type = names.get(resource[1]) if resource else None
            if terraform_type is None or "ImportState:" not in step:
                continue
            checked = step.split("\n\t\t\t},")[0]
            by_function = re.search(r"ImportStateIdFunc:\s*([^\n]*),\n", checked)
            if by_function:
                tested[terraform_type] |= {
                    _without_region(identity) for identity in _from_test(by_function[1], functions, constants)
                }
            elif re.search(r"ImportStateId(?:Prefix)?:", checked):
                tested[terraform_type].add("")
            elif not re.search(r"ImportStateKind|ExpectError", checked):
                tested[terraform_type].add("{id}")
            if left_out := re.search(r"ImportStateVerifyIgnore:\s*\[\]string\{(.*?)\n?\s*\}", checked, re.DOTALL):
                without_comments = re.sub(r"//[^\n]*", "", left_out[1])
                ignored[terraform_type] |= {_name(name, constants) for name in _split(without_comments)}
    arguments = {name: {item for item in items if re.fullmatch("[a-z0-9_]+", item)} for name, items in ignored.items()}
    return tested, arguments


def _without_region(identity: str) -> str:
    return re.sub(r"@[^@]*$", "", identity) if re.search(r"@\?\w*[rR]egion", identity) else identity


def _from_test(call: str, functions: Mapping[tuple[str, str], str], constants: Mapping[str, str]) -> Iterator[str]:
    """Yields the IDs that a call in a test makes; a part that cannot be read makes it empty."""
    call = call.strip()
    if match := re.fullmatch(r"acctest\.(?:CrossRegion)?AttrImportStateIdFunc\((.*)\)", call):
        yield f"{{{_name(_split(match[1])[1], constants)}}}"
    elif match := re.fullmatch(r"acctest\.(?:CrossRegion)?AttrsImportStateIdFunc\((.*)\)", call):
        _, separator, *attributes = _split(match[1])
        yield _value(separator, {}, constants).join(f"{{{_name(name, constants)}}}" for name in attributes)
    elif "CrossRegionImportStateIdFunc" in call:
        yield "{id}"
    else:
        name = call.partition("(")[0]
        body = functions.get(("", name), "")
        variables: dict[str, str] = {}
        for variable, expression in re.findall(
            r"^\s*(\w+)\s*:?=\s*((?:rs\.Primary|fmt\.Sprintf|strings\.Join)[^\n]+)$", body, re.MULTILINE
        ):
            variables[variable] = _made(expression, variables, constants)
        for expression in re.findall(r"return (.+), nil$", body, re.MULTILINE) or [""]:
            yield _made(expression, variables, constants)


def _made(expression: str, variables: Mapping[str, str], constants: Mapping[str, str]) -> str:
    """Returns what an expression in Go makes of attributes; what cannot be read becomes `?` and its text."""
    expression = expression.strip()
    if match := re.fullmatch(r"fmt\.Sprintf\((.*)\)", expression, re.DOTALL):
        text, *arguments = _split(match[1])
        parts = _FORMAT.split(_value(text, variables, constants))
        if len(parts) != len(arguments) + 1:
            return f"?{expression}"
        values = [_value(argument, variables, constants) for argument in arguments]
        return parts[0] + "".join(value + part for value, part in zip(values, parts[1:], strict=True))
    if match := re.fullmatch(r"strings\.Join\(\[\]string\{(.*)\},\s*(.*)\)", expression, re.DOTALL):
        separator = _value(match[2], variables, constants)
        return separator.join(_value(argument, variables, constants) for argument in _split(match[1]))
    return "".join(_value(term, variables, constants) for term in expression.split(" + "))


def _value(term: str, variables: Mapping[str, str], constants: Mapping[str, str]) -> str:
    term = term.strip()
    if match := re.fullmatch(r"rs\.Primary\.Attributes\[(.+)\]", term):
        return f"{{{_name(match[1], constants)}}}"
    if match := re.fullmatch(r'"([^"]*)"', term):
        return match[1]
    if term.endswith("flex.ResourceIdSeparator"):
        return ","
    if term.endswith("NetworkACLRuleImportIDSeparator"):
        return ":"
    return "{id}" if term == "rs.Primary.ID" else variables.get(term, f"?{term}")


def _name(argument: str, constants: Mapping[str, str]) -> str:
    argument = argument.strip()
    match = re.fullmatch(r'"([^"]*)"', argument)
    return match[1] if match else constants.get(argument, f"?{argument}")


def _split(arguments: str) -> list[str]:
    """Returns the arguments of a call in Go, which may be calls and texts with commas."""
    parts, depth, quoted = [""], 0, False
    for letter in arguments:
        quoted ^= letter == '"'
        depth += (letter in "([{") - (letter in ")]}") if not quoted else 0
        if letter == "," and not depth and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]
