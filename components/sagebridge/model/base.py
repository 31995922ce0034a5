"""Asks a stack's Terraform base where models are kept, by the reader that the stack's program uses."""

import json
from collections.abc import Mapping
from typing import NamedTuple

from sagebridge.errors import UserError
from sagebridge.project import project_of
from sagebridge.state_location import FORMS, LocalFile, StateLocation, parse_state_location

_INSTEAD = "or name a bucket with --bucket"


class Base(NamedTuple):
    """Where the Terraform base keeps models."""

    bucket: str
    prefix: str
    """What the keys of all models begin with."""


def read_base(stack: str, config: Mapping[str, str]) -> Base:
    """Reads where models are kept from the Terraform state that a stack's configuration names.

    `terraformState` says where the state is, and `terraformOutputs` which outputs of it are the base's.

    Args:
        stack: The stack's name.
        config: Its configuration; see `get_config`.

    Raises:
        UserError: The stack has no `terraformState`; `terraformOutputs` is not an object; the state cannot be read, or
            lacks an output; or `pulumi` fails.
    """
    project = project_of(stack)
    if not (text := config.get("terraformState")):
        raise UserError(
            f"the stack {stack} of the project {project.name} has no terraformState, which says where the base's state"
            f" is: set it with `pulumi config set terraformState LOCATION --stack {stack}`, where LOCATION is {FORMS};"
            f" {_INSTEAD}"
        )
    location = parse_state_location(text)
    if isinstance(location, LocalFile):
        location = LocalFile((project.program_folder / location.path).resolve())
    return _preview(location, config.get("aws:region"), _output_names(config, stack))


def _output_names(config: Mapping[str, str], stack: str) -> dict[str, str]:
    """Returns the names of outputs in a stack's `terraformOutputs`."""
    try:
        names = json.loads(config.get("terraformOutputs") or "{}")
    except ValueError:
        names = None
    if not isinstance(names, dict):
        raise UserError(
            f"the terraformOutputs of the stack {stack} is not an object: set a name with"
            f" `pulumi config set --path terraformOutputs.bucket_name NAME --stack {stack}`; {_INSTEAD}"
        )
    return names


def _preview(location: StateLocation, region: str | None, output_names: Mapping[str, str]) -> Base:
    """Reads a state in the preview of a program of its own, of which nothing stays.

    So the state is read with the plugin that the stack's program reads it with, wherever it is.
    """
    import pulumi  # noqa: PLC0415 - half a second, which a publication to a named bucket need not spend

    from sagebridge.scratch_stack import scratch_stack  # noqa: PLC0415 - the same
    from sagebridge.terraform_base import TerraformBase  # noqa: PLC0415 - the same

    answers: list[Base | str] = []

    def program() -> None:
        try:
            base = TerraformBase.read(str(location), region, outputs=output_names)
            answers.append(Base(base.bucket_name, base.model_prefix))
        except pulumi.RunError as error:
            answers.append(str(error))

    with scratch_stack("sagebridge-publish", "publish", {}) as stack:
        try:
            stack.run_with(program, "preview")
        except UserError as error:
            problem = " ".join(str(error).split())
            raise UserError(f"the Terraform state {location} cannot be read: {problem}; {_INSTEAD}") from error
    (answer,) = answers
    if isinstance(answer, str):
        raise UserError(f"{answer}; {_INSTEAD}")
    return answer
