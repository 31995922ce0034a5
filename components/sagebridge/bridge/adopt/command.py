"""Endpoints that Terraform manages come under Pulumi: the command's work."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from pulumi import automation

from sagebridge.bridge.adopt import compare as component
from sagebridge.bridge.adopt import discover as endpoints
from sagebridge.bridge.adopt import handover as forgetting
from sagebridge.bridge.adopt import program as source
from sagebridge.bridge.adopt import rehearsal
from sagebridge.bridge.adopt.compare import Call
from sagebridge.bridge.adopt.discover import Endpoint
from sagebridge.bridge.errors import BridgeError
from sagebridge.bridge.files import PRIVATE, PUBLIC, parse_json, write_file
from sagebridge.bridge.stack import cli as pulumi
from sagebridge.bridge.stack import mapping
from sagebridge.bridge.stack import merge as merging
from sagebridge.bridge.stack import state as deployment
from sagebridge.bridge.stack.state import reveal
from sagebridge.bridge.terraform import state as tfstate
from sagebridge.bridge.terraform.location import Location

PROGRAM, REMOVED, README, BACKUP = "endpoints.py", "removed.tf", "README.md", "stack-before.json"
ENDPOINT = "aws:sagemaker/endpoint:Endpoint"


@dataclass(frozen=True)
class Adopted:
    """What was adopted.

    Attributes:
        endpoints: each with what belongs to it.
        readme: the steps that are left, as text.
        secrets: the keys of the stack's configuration that were set.
    """

    endpoints: tuple[Endpoint, ...]
    readme: str
    secrets: tuple[str, ...]


def adopt(location: Location, addresses: Sequence[str], stack: str, out: Path) -> Adopted:
    """Import endpoints into a stack, and write what is to be pasted and done into a folder.

    Args:
        location: where Terraform's state is.
        addresses: the endpoints'; all if none is named.
        stack: the stack's name.
        out: a folder that is not there yet.

    Raises:
        BridgeError: What was wrong; the stack is then as it was.
    """
    if out.exists():
        raise BridgeError(f"{out} is there already: name another folder")
    state = tfstate.read(location)
    found = endpoints.find(state, addresses)
    known = mapping.read(pulumi.get_mapping(_plugin_version()), endpoints.TYPES)
    config = parse_json(pulumi.run("config", "--json", "--show-secrets", "--stack", stack), "the stack's configuration")
    _refuse_other_region(found, config)
    calls = [component.call(endpoint, known) for endpoint in found]
    text = source.program(calls)

    before = pulumi.export_stack(stack)
    _refuse_conflicts(before, calls)
    project, name = _names(before, stack)
    _refuse_taken_keys(config, project, text.secrets)
    rehearsed = rehearsal.rehearse(name, project, config, text, calls)
    _refuse_other_account(rehearsed, found)
    after = merging.merged(before, rehearsed, [value for value in text.secrets.values() if isinstance(value, str)])

    adopted = [resource for endpoint in found for resource in endpoint.all]
    forgets = forgetting.forgetting(state, adopted)
    lines = [f"`{endpoint.endpoint.address}`: {endpoint.name}, {len(endpoint.all)} resources" for endpoint in found]
    readme = forgetting.readme(
        state=str(location),
        stack=stack,
        endpoints=lines,
        found=forgets,
        program=PROGRAM,
        removed=REMOVED,
        backup=BACKUP,
        secrets=tuple(text.secrets),
        scaling=[each.origin.address for call in calls for each in call.beside if each.origin.type == endpoints.TARGET],
    )
    _write(out, {PROGRAM: text.text, README: readme} | ({REMOVED: forgets.removed} if forgets.removed else {}))
    try:
        write_file(out / BACKUP, pulumi.run("stack", "export", "--stack", stack), PRIVATE)
        for key, value in rehearsal.texts(text).items():
            pulumi.run("config", "set", key, "--secret", "--stack", stack, stdin=value)
        _import(stack, before, after)
    except BridgeError:
        shutil.rmtree(out)
        raise
    return Adopted(tuple(found), readme, tuple(text.secrets))


def _import(stack: str, before: str, after: str) -> None:
    """Replaces a stack's state, if it is still as it was."""
    if json.loads(pulumi.export_stack(stack)) != json.loads(before):
        raise BridgeError(f"the stack {stack} was changed meanwhile, so nothing was adopted: try again")
    pulumi.run("stack", "import", "--stack", stack, stdin=after)


def _plugin_version() -> str:
    """The version that the pasted program will use."""
    return metadata.version("pulumi-aws")


def _names(export: str, stack: str) -> tuple[str, str]:
    """Return the names of project and stack, which a stack without resources does not tell."""
    known = deployment.read(export)
    if known.pending:
        raise BridgeError(
            f"the stack {stack} has operations that did not end ({', '.join(known.pending)}): run"
            " `pulumi refresh` first"
        )
    name = stack.rpartition("/")[2]
    if known.project:
        return known.project, name
    try:
        return automation.LocalWorkspace(work_dir=".").project_settings().name, name
    except (FileNotFoundError, automation.CommandError) as error:
        raise BridgeError("there is no Pulumi.yaml here: start this in the project's folder") from error


def _refuse_conflicts(export: str, calls: Sequence[Call]) -> None:
    for call in calls:
        if there := merging.conflicts(export, call.imports):
            raise BridgeError(
                "\n- ".join([f"the stack has resources of the endpoint {call.name} already:", *there])
                + "\nIt was adopted before; `sagebridge verify` proves it"
            )


def _refuse_other_region(found: Sequence[Endpoint], config: Any) -> None:  # noqa: ANN401 - JSON's types
    region = config.get("aws:region", {}).get("value")
    for endpoint in found:
        own = reveal(endpoint.endpoint.attributes.get("region"))
        if region and own and own != region:
            raise BridgeError(
                f"{endpoint.endpoint.address} is in {own}, and the stack's provider in {region}: adopt it into a stack"
                f" whose aws:region is {own}"
            )


def _refuse_other_account(rehearsed: str, found: Sequence[Endpoint]) -> None:
    arns = {
        each.id: reveal(each.outputs.get("arn"))
        for each in deployment.read(rehearsed).resources
        if each.type == ENDPOINT
    }
    for endpoint in found:
        own = reveal(endpoint.endpoint.attributes.get("arn"))
        if arns.get(endpoint.name) != own:
            raise BridgeError(
                f"{endpoint.endpoint.address} is {own}, and the stack's provider finds {arns.get(endpoint.name)}: it"
                " works with another account or region. Nothing was adopted"
            )


def _refuse_taken_keys(config: Any, project: str, secrets: Any) -> None:  # noqa: ANN401 - JSON's types
    if taken := sorted(key for key in secrets if f"{project}:{key}" in config):
        raise BridgeError(f"the stack's configuration has {', '.join(taken)} already: take it away first")


def _write(out: Path, files: dict[str, str]) -> None:
    try:
        out.mkdir(parents=True)
    except OSError as error:
        raise BridgeError(f"{out} cannot be made: {error.strerror}") from error
    for name, text in files.items():
        write_file(out / name, text, PUBLIC)
