"""The work of `sagebridge adopt`: endpoints that Terraform manages come under Pulumi."""

import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from sagebridge.bridge.adopt import declare, handover
from sagebridge.bridge.adopt.base import base_hint
from sagebridge.bridge.adopt.declare import Call
from sagebridge.bridge.adopt.discover import TARGET, TYPES, Endpoint, find_endpoints, region_of
from sagebridge.bridge.adopt.keeping import plan_keeping, types_beside
from sagebridge.bridge.adopt.program import write_program
from sagebridge.bridge.adopt.rehearsal import config_texts, rehearse
from sagebridge.bridge.documents import parse_json
from sagebridge.bridge.secret import reveal
from sagebridge.bridge.stack.cli import export_stack, get_mapping
from sagebridge.bridge.stack.mapping import parse_mapping
from sagebridge.bridge.stack.merge import conflicts, merge_stacks
from sagebridge.bridge.stack.state import parse_stack
from sagebridge.bridge.terraform.state import read_state
from sagebridge.bridge.terraform.storage import StateStorage
from sagebridge.errors import UserError
from sagebridge.files import PRIVATE, write_file
from sagebridge.project import project_of
from sagebridge.pulumi_cli import run_pulumi

PROGRAM, README, BACKUP = "endpoints.py", "README.md", "stack-before.json"
ENDPOINT = "aws:sagemaker/endpoint:Endpoint"

Config = Mapping[str, Mapping[str, Any]]
"""A stack's configuration, as `pulumi config --json` tells it."""


@dataclass(frozen=True)
class Adopted:
    """What was adopted."""

    endpoints: tuple[Endpoint, ...]
    """The endpoints, each with what belongs to it."""
    readme: str
    """The text of the steps that are left."""
    secrets: tuple[str, ...]
    """The keys of the stack's configuration that were set."""


def adopt(storage: StateStorage, addresses: Sequence[str], stack: str, out: Path) -> Adopted:
    """Imports endpoints into a stack, and writes what is to be pasted and done into a folder.

    Args:
        storage: Where Terraform's state is.
        addresses: The endpoints' addresses; all endpoints if none is named.
        stack: The stack's name.
        out: A folder that is not there yet.

    Raises:
        UserError: Something was wrong; the stack is then as it was.
    """
    if out.exists():
        raise UserError(f"{out} is there already: name another folder")
    project, name = project_of(stack).name, stack.rpartition("/")[2]
    state = read_state(storage)
    endpoints = find_endpoints(state, addresses)
    adopted = [resource for endpoint in endpoints for resource in endpoint.all]
    mapping = parse_mapping(get_mapping(_plugin_version()), {*TYPES, *types_beside(state, adopted)})
    config = parse_json(run_pulumi("config", "--json", "--show-secrets", "--stack", stack), "the stack's configuration")
    refuse_other_region(endpoints, config)
    calls = [declare.call(endpoint, mapping) for endpoint in endpoints]
    program = write_program(calls)

    before = export_stack(stack)
    _refuse_conflicts(before, calls)
    _refuse_pending(before, stack)
    _refuse_taken_keys(config, project, program.secrets)
    rehearsed = rehearse(name, project, config, program, calls)
    _refuse_other_account(rehearsed, endpoints)
    secrets = [value for value in program.secrets.values() if isinstance(value, str)]
    after = merge_stacks(before, rehearsed, secrets)

    forgetting = handover.plan_forgetting(state, adopted)
    keeping = plan_keeping(state, adopted, mapping)
    others = bool(keeping.blocks or keeping.not_kept)
    without_module = handover.plan_without_module(state, adopted, keeping) if others else None
    readme = handover.readme(
        state=str(storage),
        stack=stack,
        endpoints=[f"`{item.endpoint.address}`: {item.name}, {len(item.all)} resources" for item in endpoints],
        forgetting=forgetting,
        without_module=without_module,
        program=PROGRAM,
        backup=BACKUP,
        secrets=tuple(program.secrets),
        scaling=[item.origin.address for call in calls for item in call.beside if item.origin.type == TARGET],
        base=base_hint(calls, state, str(storage)),
    )
    removed = {handover.REMOVED: forgetting.removed} if forgetting.removed else {}
    files = without_module.files if without_module else {}
    beside = {f"{handover.WITHOUT_MODULE}/{file}": text for file, text in files.items()}
    _write(out, {PROGRAM: program.text, README: readme} | removed | beside)
    secret_texts = config_texts(program)
    try:
        write_file(out / BACKUP, run_pulumi("stack", "export", "--stack", stack), PRIVATE)
        for key, value in secret_texts.items():
            run_pulumi("config", "set", key, "--secret", "--stack", stack, stdin=value)
        _import(stack, before, after)
    except UserError:
        shutil.rmtree(out)
        for key in secret_texts:
            with suppress(UserError):  # why nothing was adopted counts
                run_pulumi("config", "rm", key, "--stack", stack)
        raise
    return Adopted(tuple(endpoints), readme, tuple(program.secrets))


def _import(stack: str, before: str, after: str) -> None:
    """Replaces a stack's state, if it is still as it was."""
    if json.loads(export_stack(stack)) != json.loads(before):
        raise UserError(f"the stack {stack} was changed meanwhile, so nothing was adopted: try again")
    run_pulumi("stack", "import", "--stack", stack, stdin=after)


def _plugin_version() -> str:
    """Returns the version of the plugin that the pasted program will use."""
    return metadata.version("pulumi-aws")


def _refuse_pending(export: str, stack: str) -> None:
    state = parse_stack(export)
    if state.pending:
        raise UserError(
            f"the stack {stack} has operations that did not end ({', '.join(state.pending)}): run `pulumi refresh`"
            " first"
        )


def _refuse_conflicts(export: str, calls: Sequence[Call]) -> None:
    for call in calls:
        if urns := conflicts(export, call.imports):
            raise UserError(
                "\n- ".join([f"the stack has resources of the endpoint {call.name} already:", *urns])
                + "\nIt was adopted before; `sagebridge verify` proves it"
            )


def refuse_other_region(endpoints: Sequence[Endpoint], config: Config) -> None:
    """Refuses endpoints of another region than the stack's, before anything is rehearsed.

    Args:
        endpoints: The endpoints.
        config: The stack's configuration.

    Raises:
        UserError: The stack's provider works in another region.
    """
    provider_region = config.get("aws:region", {}).get("value")
    for endpoint in endpoints:
        region = region_of(endpoint.endpoint)
        if provider_region and region and region != provider_region:
            raise UserError(
                f"{endpoint.endpoint.address} is in {region}, and the stack's provider in {provider_region}: adopt it"
                f" into a stack whose aws:region is {region}"
            )


def _refuse_other_account(rehearsed: str, endpoints: Sequence[Endpoint]) -> None:
    arns = {
        resource.id: reveal(resource.outputs.get("arn"))
        for resource in parse_stack(rehearsed).resources
        if resource.type == ENDPOINT
    }
    for endpoint in endpoints:
        arn = reveal(endpoint.endpoint.attributes.get("arn"))
        if arns.get(endpoint.name) != arn:
            raise UserError(
                f"{endpoint.endpoint.address} is {arn}, and the stack's provider finds {arns.get(endpoint.name)}: it"
                " works with another account or region. Nothing was adopted"
            )


def _refuse_taken_keys(config: Config, project: str, secrets: Mapping[str, Any]) -> None:
    if taken := sorted(key for key in secrets if f"{project}:{key}" in config):
        raise UserError(f"the stack's configuration has {', '.join(taken)} already: remove it first")


def _write(out: Path, files: Mapping[str, str]) -> None:
    try:
        for folder in {out, *((out / name).parent for name in files)}:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{out} cannot be made: {error.strerror}") from error
    for name, text in files.items():
        write_file(out / name, text)
