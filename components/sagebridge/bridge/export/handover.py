"""The ordered steps from Pulumi to Terraform, and the exported module's README."""

import shlex
from collections.abc import Sequence

from sagebridge.bridge.export.translate import Export, NotCarried
from sagebridge.bridge.stack.state import PROVIDER, STACK, Resource, Stack
from sagebridge.bridge.terraform.hcl import to_hcl


def steps(stack: Stack, export: Export, folder: str) -> str:
    """Return who does what when, in Markdown: each step is safe to stop after, and none deletes anything in AWS."""
    urns, stay = forgotten(stack, export)
    forget = _listed(f"pulumi state delete --stack {stack.name} --yes --force", urns)
    imported = [one.urn for one in export.imports.values()]
    protect = _listed(f"pulumi state protect --stack {stack.name} --yes", imported)
    users = (
        f"\n   First take out of the program what depends on them, and `pulumi up`: {', '.join(stay)}." if stay else ""
    )
    secrets = ",".join(f" TF_VAR_{name}" for name in export.variables)
    given = f" First set, for this step and the next:{secrets}." if secrets else ""
    place = shlex.quote(folder)
    return f"""\
Until step 3 Pulumi manages these resources, from step 5 Terraform does. In between both know them, so neither may
delete: step 2 sees to Pulumi, `terraform destroy` is not for these steps. Each step is safe to stop after, and to do
again. All commands are for the Pulumi project's folder.

1. Prove that nothing would change. It must end with exit code 0.

   ```sh
   sagebridge verify --stack {stack.name} --module {place}
   ```

2. Stop every automation that runs `pulumi up` on {stack.name}, and let Pulumi refuse to delete anything.

   ```sh
   {protect}
   ```

3. Let Terraform import: it shows its plan and asks. All must be imported, and nothing added or destroyed. Changed it
   counts only resources with a secret, which it marks as sensitive in its own state.{given}

   ```sh
   terraform -chdir={place} init && terraform -chdir={place} apply
   ```

4. See that Terraform has nothing left to do: exit code 0.

   ```sh
   terraform -chdir={place} plan -detailed-exitcode
   ```

5. Let Pulumi forget. This changes its state only; what was imported stays in AWS and keeps working.{users}

   ```sh
   {forget}
   ```

6. Take the resources out of the Pulumi program, then see that it has nothing left to do. Before that, `pulumi up` would
   make them a second time.

   ```sh
   pulumi preview --stack {stack.name} --expect-no-changes
   ```

7. The `import` blocks have done their work: they may be removed.
"""


def _listed(command: str, urns: Sequence[str]) -> str:
    return " \\\n     ".join([command, *map(shlex.quote, urns)])


def forgotten(stack: Stack, export: Export) -> tuple[list[str], list[str]]:
    """Return the URNs that Pulumi is to forget, each before what it depends on, and those that stay and depend on them.

    Beside what is imported: what Terraform can only make, and Pulumi's own (components, providers) that is empty then.
    """
    there = [one for one in stack.resources if not one.delete and one.type != STACK]
    gone = {one.urn for one in export.imports.values()} | {one.name for one in export.not_carried if one.block}
    emptied = _around(there, gone)
    while used := {urn for one in there if one.urn not in gone | emptied for urn in _behind(one)} & emptied:
        emptied -= used
    gone |= emptied
    stay = [one.urn for one in there if one.urn not in gone and gone & _behind(one)]
    return [one.urn for one in reversed(there) if one.urn in gone], stay


def _around(there: Sequence[Resource], gone: set[str]) -> set[str]:
    """Return the components and providers of what goes, and the engine's own that is in those or depends on it."""
    found: set[str] = set()
    for one in reversed(there):  # what stands in another, or uses it, comes after it
        if one.urn in gone | found:
            found |= {urn for urn in (one.parent, one.provider) if urn}
    around = {one.urn for one in there if one.urn in found - gone and (not one.custom or one.type.startswith(PROVIDER))}
    for one in there:
        if one.type.startswith("pulumi:") and (one.parent in around or (gone | around).intersection(one.dependencies)):
            around.add(one.urn)
    return around


def _behind(one: Resource) -> set[str]:
    return {urn for urn in (one.parent, one.provider, *one.dependencies) if urn}


def readme(stack: Stack, export: Export, folder: str) -> str:
    """Return the README of an exported module."""
    parts = [
        f"# The stack {stack.name} of {stack.project}, for Terraform",
        f"""\
`sagebridge export` wrote this from Pulumi's state of {stack.time}: {len(export.imports)} resources, each
with an `import` block. It needs Terraform 1.5 or OpenTofu 1.6, or newer. Put what is yours, such as a backend, into
files of your own: another export writes its own files anew and leaves those alone.""",
        """\
Names that Pulumi made up are not in the code: Terraform keeps the ones that it imports, and gives new ones of its own
to what it replaces, so that the new can be made before the old is destroyed.""",
    ]
    if export.variables:
        named = "\n".join(f"- `{name}`: {one.shown} of `{one.address}`" for name, one in export.variables.items())
        parts += [
            f"## Secrets\n\nThese variables have no default. Give them as `TF_VAR_…`, or from your vault.\n\n{named}"
        ]
    parts += [_not_carried(export.not_carried), f"## From Pulumi to Terraform\n\n{steps(stack, export, folder)}"]
    return "\n\n".join(parts)


def _not_carried(left: Sequence[NotCarried]) -> str:
    if not left:
        return "## What was not carried\n\nNothing: all of the stack's AWS resources are here."
    lines = "\n".join(f"- `{one.name}`: {one.reason}" for one in left)
    blocks = [one.block for one in left if one.block]
    code = f"\n\n```hcl\n{to_hcl(blocks)}```" if blocks else ""
    return f"## What was not carried\n\n{lines}{code}"
