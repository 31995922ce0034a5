"""Asks a stack's Terraform base where models are kept, by the reader that the stack's program uses."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from sagebridge.errors import UserError
from sagebridge.project import project_of
from sagebridge.pulumi_cli import run_pulumi, scratch_environment
from sagebridge.scratch import scratch_folder
from sagebridge.state_location import FORMS, LocalFile, parse_state_location

ANSWER = "base.json"
"""The file in which the program notes what it has read, in its folder."""
_PROGRAM = "from sagebridge.model import inside_base\n\ninside_base.note()\n"
_STACK = "read"


class Base(NamedTuple):
    """Where the Terraform base keeps models."""

    bucket: str
    prefix: str
    """What the keys of all models begin with."""


def read_base(stack: str, config: Mapping[str, str]) -> Base:
    """Reads where models are kept from the Terraform state that a stack's configuration names.

    A scratch project does it in a preview: it reads the state as the stack's program will, with the same plugin, from
    wherever the state is. Nothing of it stays.

    Args:
        stack: The stack's name.
        config: Its configuration; see `get_config`.

    Raises:
        UserError: The stack has no `terraformState`; the state cannot be read, or lacks an output; or see `run_pulumi`.
    """
    project = project_of(stack)
    if not (text := config.get("terraformState")):
        raise UserError(
            f"the stack {stack} of the project {project.name} has no terraformState, which says where the base's state"
            f" is: set it with `pulumi config set terraformState LOCATION --stack {stack}`, where LOCATION is {FORMS};"
            " or name a bucket with --bucket"
        )
    location = parse_state_location(text)
    if isinstance(location, LocalFile):
        location = LocalFile((project.program_folder / location.path).resolve())
    settings = {key: value for key, value in config.items() if key.startswith("aws:")}
    with scratch_folder() as folder:
        (folder / "state").mkdir()
        (folder / "Pulumi.yaml").write_text(json.dumps({"name": project.name, "runtime": "python"}))
        (folder / f"Pulumi.{_STACK}.yaml").write_text(
            json.dumps({"config": {**settings, f"{project.name}:terraformState": str(location)}})
        )
        (folder / "__main__.py").write_text(_PROGRAM)
        env = scratch_environment(folder / "state")
        run_pulumi("stack", "init", _STACK, cwd=folder, env=env)
        run_pulumi("preview", "--stack", _STACK, cwd=folder, env=env)
        answer = json.loads(Path(folder, ANSWER).read_text())
    if problem := answer.get("problem"):
        raise UserError(f"{problem}; or name a bucket with --bucket")
    return Base(**answer)
