"""How Terraform forgets resources without destroying them, and the steps of a handover."""

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sagebridge.bridge.terraform.state import Resource, State

README = """# Endpoints that Pulumi has taken over from Terraform

From {state} into the stack {stack}:

{endpoints}

You can stop after each step. Until step 3 both tools have these resources in their states: do not change or destroy
them with either. No step changes anything in AWS.

1. Done: they are imported into the stack's state. `{backup}` is the stack as it was before. To go back, run
   `pulumi stack import --stack {stack} --file {backup}`; Terraform still has everything.
2. Paste `{program}` into the program, then prove it: `sagebridge verify --stack {stack}` must exit with
   0.{secrets}{scaling}
3. Let Terraform forget them.{forget}
4. From now on change them with Pulumi only. {last}
{referring}"""

SCALING = """
   {targets} is declared beside the component, because its policies have other names than the component's. AWS refuses
   another instance type while a variant scales: take its target out for such an update, or declare it as `autoscaling`
   and let it be replaced."""


@dataclass(frozen=True)
class Forgetting:
    """What makes Terraform forget resources."""

    removed: str
    """A module's file with `removed` blocks (Terraform 1.7 and newer); empty if blocks would not do."""
    commands: tuple[str, ...]
    """`terraform state rm` for the resources that the blocks cannot name, as they take no keys."""
    all_commands: tuple[str, ...]
    """`terraform state rm` for all resources, for older Terraforms."""
    referring: tuple[str, ...]
    """Addresses of other resources that depend on what is forgotten."""


def plan_forgetting(state: State, adopted: Sequence[Resource]) -> Forgetting:
    """Returns what makes Terraform forget resources.

    Args:
        state: The state that they are in.
        adopted: The resources.
    """
    addresses = {resource.address for resource in adopted}
    others = [resource for resource in state.resources if resource.address not in addresses]
    kept = {scope for resource in others for scope in _scopes(resource)}
    outermost = [next((scope for scope in _scopes(resource) if scope not in kept), None) for resource in adopted]
    forgotten = {resource.block for resource in adopted} - kept
    return Forgetting(
        removed="\n".join(_removed(scope) for scope in dict.fromkeys(outermost) if scope is not None),
        commands=tuple(
            _state_rm(resource) for resource, scope in zip(adopted, outermost, strict=True) if scope is None
        ),
        all_commands=tuple(map(_state_rm, adopted)),
        referring=tuple(sorted({other.address for other in others if forgotten & set(other.dependencies)})),
    )


def readme(  # noqa: PLR0913 - a text with as many blanks
    *,
    state: str,
    stack: str,
    endpoints: Sequence[str],
    forgetting: Forgetting,
    program: str,
    removed: str,
    backup: str,
    secrets: Sequence[str],
    scaling: Sequence[str],
) -> str:
    """Returns the steps of a handover from Terraform to Pulumi, in order.

    Args:
        state: Where Terraform's state is.
        stack: The stack's name.
        endpoints: A line for each endpoint.
        forgetting: What makes Terraform forget.
        program: The name of the file with the program.
        removed: The name of the file with `removed` blocks.
        backup: The name of the file with the stack as it was before.
        secrets: Keys of the stack's configuration.
        scaling: Addresses of scalable targets that are declared beside the component.
    """
    forget = ""
    if forgetting.removed:
        before = [command for command in forgetting.all_commands if command not in forgetting.commands]
        forget += (
            "\n   - Take their blocks, and outputs that name them, out of the configuration, put"
            f" `{removed}` beside the rest of it, and run `terraform plan`. It must say"
            " `0 to add, 0 to change, 0 to destroy`, and of each resource that it `will no longer be managed by"
            " Terraform`. Then run `terraform apply`.\n     Terraform 1.6 and older have no `removed` blocks:"
            f" run this there, before the blocks are taken out:\n{_code(before)}"
        )
    if forgetting.commands:
        forget += (
            "\n   - Other instances of the same blocks stay, and a `removed` block takes no key. Run this first, and"
            " only then take the adopted keys out of `count`, `for_each` or the module's call:\n"
            f"{_code(forgetting.commands)}     Then `terraform plan` must have nothing to do with them."
        )
    referring = "\n".join(f"- `{address}`" for address in forgetting.referring)
    return README.format(
        state=state,
        stack=stack,
        endpoints="\n".join(f"- {line}" for line in endpoints),
        backup=backup,
        program=program,
        secrets=f"\n   Its secrets are in the stack's configuration: {_listed(secrets)}." if secrets else "",
        scaling=SCALING.format(targets=_listed(scaling)) if scaling else "",
        forget=forget,
        last=f"Delete `{removed}` once it is applied everywhere." if forgetting.removed else "",
        referring=f"\nThese refer to them in Terraform, and need a literal or a data source instead:\n\n{referring}\n"
        if referring
        else "",
    )


def _scopes(resource: Resource) -> list[str]:
    """Returns what a `removed` block may name to forget a resource: the modules around it, the outermost first."""
    modules = re.findall(r"module\.[^.\[]+", resource.block.removesuffix(f"{resource.type}.{resource.name}"))
    return [".".join(modules[: depth + 1]) for depth in range(len(modules))] + [resource.block]


def _removed(address: str) -> str:
    return f"removed {{\n  from = {address}\n\n  lifecycle {{\n    destroy = false\n  }}\n}}\n"


def _state_rm(resource: Resource) -> str:
    return f"terraform state rm {shlex.quote(resource.address)}"


def _code(lines: Iterable[str]) -> str:
    return "".join(["\n     ```sh\n", *(f"     {line}\n" for line in lines), "     ```\n"])


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
