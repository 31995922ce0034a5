"""How Terraform forgets resources without destroying them, and the steps of a handover."""

import re
import shlex
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sagebridge.bridge.adopt.keeping import Keeping
from sagebridge.bridge.terraform.blocks import Block, Nested, Ref
from sagebridge.bridge.terraform.hcl import to_hcl
from sagebridge.bridge.terraform.state import KEY, Resource, State

REMOVED, MOVED, KEPT = "removed.tf", "moved.tf", "kept.tf"
WITHOUT_MODULE = "without-module"
"""The folder of the files for a root module whose call of a module goes."""
_LAST_KEY = re.compile(rf"{KEY.pattern}$")

README = """# Endpoints that Pulumi has taken over from Terraform

From {state} into the stack {stack}:

{endpoints}

You can stop after each step. Until step 3 both tools have these resources in their states: do not change or destroy
them with either. No step changes anything in AWS.

1. Done: they are imported into the stack's state. `{backup}` is the stack as it was before. To go back, run
   `pulumi stack import --stack {stack} --file {backup}`; Terraform still has everything.
2. Paste `{program}` into the program, then prove it: `sagebridge verify --stack {stack}` must exit with
   0.{secrets}{scaling}{base}
3. Let Terraform forget them.{forget}
4. From now on change them with Pulumi only.{last}
{referring}"""

SCALING = """
   {targets} is declared beside the component, because its policies have
   other names than the component's. AWS refuses another instance type while a variant scales: take its target out for
   such an update, or declare it as `autoscaling` and let it be replaced."""

_OF_ONES_OWN = "This is for blocks in modules of your own. "
_OLDER = f"Terraform 1.6 and older have no `removed` blocks (`{REMOVED}`)"


@dataclass(frozen=True)
class Forgetting:
    """What makes Terraform forget resources."""

    removed: str
    """A module's file with `removed` blocks (Terraform 1.7 and newer); empty if blocks would not do."""
    commands: tuple[str, ...]
    """`terraform state rm` for the resources that the blocks cannot name: by a key, or with a module's provider."""
    all_commands: tuple[str, ...]
    """`terraform state rm` for all resources, for older Terraforms."""
    renumbering: tuple[str, ...]
    """`terraform state mv` for what stays of a `count`, which has no gaps."""
    referring: tuple[str, ...]
    """Addresses of other resources that depend on what is forgotten."""


def plan_forgetting(state: State, forgotten: Sequence[Resource], leaving: Sequence[str] = ()) -> Forgetting:
    """Returns what makes Terraform forget resources.

    Args:
        state: The state that they are in.
        forgotten: The resources.
        leaving: Addresses of other resources that leave their modules.
    """
    addresses = {resource.address for resource in forgotten}
    others = [resource for resource in state.resources if resource.address not in addresses]
    kept = {scope for resource in others for scope in _scopes(resource)}
    outermost = [
        # Terraform needs the provider to forget a resource, and one within a module may go with the module's call.
        None
        if resource.provider.startswith("module.")
        else next((scope for scope in _scopes(resource) if scope not in kept), None)
        for resource in forgotten
    ]
    blocks = {resource.block for resource in forgotten} - kept
    gone = addresses | set(leaving)
    return Forgetting(
        removed=to_hcl(_removed(scope) for scope in dict.fromkeys(outermost) if scope is not None),
        commands=tuple(
            _state_rm(resource) for resource, scope in zip(forgotten, outermost, strict=True) if scope is None
        ),
        all_commands=tuple(map(_state_rm, forgotten)),
        renumbering=tuple(
            _state_mv(source, target)
            for source, target in _renumbered([item.address for item in state.resources], gone)
        ),
        referring=tuple(sorted({other.address for other in others if blocks & set(other.dependencies)})),
    )


def _renumbered(addresses: Iterable[str], gone: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yields the new address of each block or instance that stays in a `count` after a lower number that goes.

    A module's blocks move one by one: Terraform moves no module to where the state has a data source of another.
    """
    staying: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for address in addresses:
        for key in KEY.finditer(address):
            if key[1].isdecimal():
                rests = staying[address[: key.start()]][int(key[1])]
                rests += [] if address in gone else [address[key.end() :]]
    # The innermost first: the addresses of what is within a module change with its number.
    for prefix, instances in sorted(staying.items(), key=lambda item: -len(item[0])):
        remaining = sorted(number for number, rests in instances.items() if rests)
        if len(remaining) < len(instances):
            for new, number in enumerate(remaining):
                blocks = dict.fromkeys(_LAST_KEY.sub("", rest) for rest in instances[number]) if new != number else ()
                yield from ((f"{prefix}[{number}]{block}", f"{prefix}[{new}]{block}") for block in blocks)


@dataclass(frozen=True)
class WithoutModule:
    """What lets Terraform forget resources of a module that is not one's own, whose call has to go as a whole."""

    keeping: Keeping
    """What else is in the module, and stays with Terraform."""
    forgetting: Forgetting
    """What makes Terraform forget the resources, and what else of the module it cannot keep."""
    commands: tuple[str, ...]
    """The commands to run before the call goes."""
    files: Mapping[str, str]
    """The texts of the files for the root module, by name."""


def plan_without_module(state: State, adopted: Sequence[Resource], keeping: Keeping) -> WithoutModule:
    """Returns what lets Terraform forget resources when the calls of their modules go.

    Args:
        state: The state that they are in.
        adopted: The resources.
        keeping: What else is in those modules.
    """
    adopted_addresses = {resource.address for resource in adopted}
    forgotten = [item for item in state.resources if item.address in adopted_addresses | keeping.not_kept.keys()]
    forgetting = plan_forgetting(state, forgotten, tuple(keeping.moves))
    # A `moved` block cannot name what still has a block at its old address, as the next number of a `count` has soon.
    renumbered = {resource.address for resource in state.resources if _is_renumbered(resource.call, state, keeping)}
    by_command = [_state_mv(old, new) for old, new in keeping.moves.items() if old in renumbered]
    moved = [
        Block(("moved",), {"from": Ref(old), "to": Ref(new)})
        for old, new in keeping.moves.items()
        if old not in renumbered
    ]
    files = {REMOVED: forgetting.removed, MOVED: to_hcl(moved), KEPT: to_hcl(keeping.blocks.values())}
    return WithoutModule(
        keeping,
        forgetting,
        (*forgetting.commands, *by_command, *forgetting.renumbering),
        {name: text for name, text in files.items() if text},
    )


def _is_renumbered(call: str, state: State, keeping: Keeping) -> bool:
    """Tells whether a call goes that has a number, and others of the same `count` stay."""
    key = KEY.search(call)
    if call not in keeping.calls or key is None or not key[1].isdecimal():
        return False
    prefix = call[: key.start()]
    return any(other.call.startswith(f"{prefix}[") and other.call not in keeping.calls for other in state.resources)


def readme(  # noqa: PLR0913 - a text with as many blanks
    *,
    state: str,
    stack: str,
    endpoints: Sequence[str],
    forgetting: Forgetting,
    without_module: WithoutModule | None,
    program: str,
    backup: str,
    secrets: Sequence[str],
    scaling: Sequence[str],
    base: str,
) -> str:
    """Returns the steps of a handover from Terraform to Pulumi, in order.

    Args:
        state: Where Terraform's state is.
        stack: The stack's name.
        endpoints: A line for each endpoint.
        forgetting: What makes Terraform forget, where its blocks can be taken out of the configuration.
        without_module: What makes it forget where the calls of modules have to go; None if nothing else is in them.
        program: The name of the file with the program.
        backup: The name of the file with the stack as it was before.
        secrets: Keys of the stack's configuration.
        scaling: Addresses of scalable targets that are declared beside the component.
        base: How the program reads what stays with Terraform; empty if it names nothing of it.
    """
    referring = "\n".join(f"- `{address}`" for address in forgetting.referring)
    return README.format(
        state=state,
        stack=stack,
        endpoints="\n".join(f"- {line}" for line in endpoints),
        backup=backup,
        program=program,
        secrets=f"\n   Its secrets are in the stack's configuration: {_listed(secrets)}." if secrets else "",
        scaling=SCALING.format(targets=_listed(scaling)) if scaling else "",
        base=base,
        forget=_forget(forgetting, _OF_ONES_OWN if without_module else "")
        + (_forget_without_module(without_module) if without_module else ""),
        last=f" Delete `{REMOVED}` once it is applied everywhere." if forgetting.removed else "",
        referring=f"\nThese refer to them in Terraform, and need a literal or a data source instead:\n\n{referring}\n"
        if referring
        else "",
    )


def _forget(forgetting: Forgetting, where: str) -> str:
    """Returns how Terraform forgets resources whose blocks are taken out of the configuration.

    Args:
        forgetting: What makes Terraform forget them.
        where: What the steps begin with, where there are others for modules of somebody else.
    """
    text = ""
    if forgetting.removed:
        before = [command for command in forgetting.all_commands if command not in forgetting.commands]
        text += f"""
   - {where}Take their blocks, and outputs that name them, out of the configuration, put `{REMOVED}` beside the rest of
     it, and run `terraform plan`. It must say `0 to add, 0 to change, 0 to destroy`, and of each resource that it
     `will no longer be managed by Terraform`. Then run `terraform apply`.
     {_OLDER}: run this there, before the blocks are taken out:
{_code(before)}"""
    if forgetting.commands:
        text += f"""
   - {where}A `removed` block cannot name a resource of whose block other instances stay, or whose module has a provider
     of its own. Run this first, and only then take the adopted keys out of `count`, `for_each` or the module's call:
{_code([*forgetting.commands, *forgetting.renumbering])}     Then `terraform plan` must have nothing to do with them."""
    return text


def _forget_without_module(plan: WithoutModule) -> str:
    """Returns how Terraform forgets resources of a module of somebody else."""
    keeping, forgetting = plan.keeping, plan.forgetting
    moves = [f"`{old}` becomes `{new}`" for old, new in keeping.moves.items()]
    lost = [
        f"`{address}` stays as it is, and Terraform forgets it, too: {reason}"
        for address, reason in keeping.not_kept.items()
    ]
    others = "".join(f"     - {line}\n" for line in [*moves, *lost])
    first = f"     Run this first:\n{_code(plan.commands)}" if plan.commands else ""
    older = [command for command in forgetting.all_commands if command not in forgetting.commands]
    temporary = [name for name in (REMOVED, MOVED) if name in plan.files]
    delete = f" Delete {_listed(temporary)} once it is applied everywhere." if temporary else ""
    without_blocks = (
        f"\n     {_OLDER}: leave that file out there, and run this before the call is taken out:\n{_code(older)}"
        if forgetting.removed
        else ""
    )
    return f"""
   - If {_listed(keeping.calls)} is a module of somebody else, do this instead. Its blocks cannot be taken out of it,
     and with a `removed` block Terraform says `Removed resource still exists`, so its call has to go, and the root
     module takes over what else the module has made:

{others}
{first}     Take the call out of the configuration, or its key out of `count` or `for_each`. Put the files of
     `{WITHOUT_MODULE}/` into the root module, and name the new addresses where it names outputs of the call.
     `terraform plan` must say `0 to add, 0 to change, 0 to destroy`, or `No changes`. Then run `terraform apply`.
     `{KEPT}` stays; a state does not have everything, so add again what its blocks need, such as
     `prevent_destroy`.{delete}{without_blocks}"""


def _scopes(resource: Resource) -> list[str]:
    """Returns what a `removed` block may name to forget a resource: the modules around it, the outermost first."""
    modules = re.findall(r"module\.[^.\[]+", resource.block.removesuffix(f"{resource.type}.{resource.name}"))
    return [".".join(modules[: depth + 1]) for depth in range(len(modules))] + [resource.block]


def _removed(address: str) -> Block:
    return Block(("removed",), {"from": Ref(address), "lifecycle": Nested(({"destroy": False},))})


def _state_rm(resource: Resource) -> str:
    return f"terraform state rm {shlex.quote(resource.address)}"


def _state_mv(source: str, target: str) -> str:
    return f"terraform state mv {shlex.quote(source)} {shlex.quote(target)}"


def _code(lines: Iterable[str]) -> str:
    return "".join(["\n     ```sh\n", *(f"     {line}\n" for line in lines), "     ```\n"])


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
