"""How Terraform forgets resources without destroying them, and the steps of a handover. Pure."""

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sagebridge.bridge.terraform.state import Resource, State

README = """# Endpoints that Pulumi has taken over from Terraform

From {state} into the stack {stack}:

{endpoints}

The steps are safe to stop after, each. Until step 3 both tools have these resources in their state: change them with
neither, and destroy neither. No step changes anything in AWS.

1. Done: they are in the stack's state, imported. `{backup}` is the stack as it was before. To go back, run
   `pulumi stack import --stack {stack} --file {backup}`; Terraform has everything as before.
2. Paste `{program}` into the program, then prove it: `sagebridge verify --stack {stack}` must exit with
   0.{secrets}{scaling}
3. Terraform forgets them.{forget}
4. From now on Pulumi alone changes them. {last}
{referring}"""

SCALING = """
   {targets} stands beside the component, whose policies have other names. AWS refuses another instance type
   while a variant scales: take its target out for that update, or write it as `autoscaling` and let it be replaced."""


@dataclass(frozen=True)
class Forgetting:
    """What makes Terraform forget.

    Attributes:
        removed: a module's file with ``removed`` blocks (Terraform 1.7 and newer); empty if none would do.
        commands: ``terraform state rm`` for what the blocks do not name, as they take no keys.
        every: ``terraform state rm`` for all, for older Terraforms.
        referring: addresses of others that depend on what is forgotten.
    """

    removed: str
    commands: tuple[str, ...]
    every: tuple[str, ...]
    referring: tuple[str, ...]


def forgetting(state: State, adopted: Sequence[Resource]) -> Forgetting:
    """Return what makes Terraform forget resources."""
    addresses = {resource.address for resource in adopted}
    left = [resource for resource in state.resources if resource.address not in addresses]
    kept = {scope for resource in left for scope in _scopes(resource)}
    blocks = dict.fromkeys(next((s for s in _scopes(each) if s not in kept), None) for each in adopted)
    whole = [block for block in blocks if block is not None]
    single = [each for each in adopted if all(scope in kept for scope in _scopes(each))]
    forgotten = {each.block for each in adopted} - kept
    return Forgetting(
        removed="\n".join(map(_removed, whole)),
        commands=tuple(_state_rm(each) for each in single),
        every=tuple(_state_rm(each) for each in adopted),
        referring=tuple(sorted({each.address for each in left if forgotten & set(each.dependencies)})),
    )


def readme(  # noqa: PLR0913 - a text with as many blanks
    *,
    state: str,
    stack: str,
    endpoints: Sequence[str],
    found: Forgetting,
    program: str,
    removed: str,
    backup: str,
    secrets: Sequence[str],
    scaling: Sequence[str],
) -> str:
    """Return the steps of a handover from Terraform to Pulumi, in order."""
    kept = ", ".join(f"`{key}`" for key in secrets)
    forget = ""
    if found.removed:
        forget += (
            "\n   - Take their blocks, and the outputs of them, out of the configuration, put"
            f" `{removed}` beside the rest of it, and run `terraform plan`: it must say"
            " `0 to add, 0 to change, 0 to destroy`, and of each that it `will no longer be managed by Terraform`. Then"
            " `terraform apply`.\n     Terraform 1.6 and older have no `removed` blocks:"
            " there, before the blocks are taken out:\n" + _code(c for c in found.every if c not in found.commands)
        )
    if found.commands:
        forget += (
            "\n   - Others of the same blocks stay, and a `removed` block takes no key. So run this first, and only"
            " then take their keys out of `count`, `for_each` or the module's call:\n"
            + _code(found.commands)
            + "     Then `terraform plan` must have nothing to do with them."
        )
    referring = "\n".join(f"- `{address}`" for address in found.referring)
    return README.format(
        state=state,
        stack=stack,
        endpoints="\n".join(f"- {line}" for line in endpoints),
        backup=backup,
        program=program,
        secrets=f"\n   Its secrets are in the stack's configuration: {kept}." if kept else "",
        scaling=SCALING.format(targets=", ".join(f"`{each}`" for each in scaling)) if scaling else "",
        forget=forget,
        last=f"Delete `{removed}` once it is applied wherever it should be." if found.removed else "",
        referring=f"\nThese refer to them in Terraform, and need a literal or a data source instead:\n\n{referring}\n"
        if referring
        else "",
    )


def _scopes(resource: Resource) -> list[str]:
    """Return what a ``removed`` block may name to forget a resource: the modules around it, the outermost first."""
    modules = re.findall(r"module\.[^.\[]+", resource.block.removesuffix(f"{resource.type}.{resource.name}"))
    return [".".join(modules[: depth + 1]) for depth in range(len(modules))] + [resource.block]


def _removed(address: str) -> str:
    return f"removed {{\n  from = {address}\n\n  lifecycle {{\n    destroy = false\n  }}\n}}\n"


def _state_rm(resource: Resource) -> str:
    return f"terraform state rm {shlex.quote(resource.address)}"


def _code(lines: Iterable[str]) -> str:
    return "".join(["\n     ```sh\n", *(f"     {line}\n" for line in lines), "     ```\n"])
