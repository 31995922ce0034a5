"""The ordered steps from Pulumi to Terraform, and the exported module's README."""

import shlex
from collections.abc import Sequence

from sagebridge.bridge.export.translate import Export, NotCarried, by_reason
from sagebridge.bridge.stack.state import PROVIDER, STACK, Stack, StackResource
from sagebridge.bridge.terraform.hcl import to_hcl


def steps(stack: Stack, export: Export, folder: str) -> str:
    """Returns who does what when, in Markdown: each step is safe to stop after, and none deletes anything in AWS."""
    forgotten, dependents = forgotten_resources(stack, export)
    forget = _command(f"pulumi state delete --stack {stack.name} --yes --force", forgotten)
    imported = [item.urn for item in export.imports.values()]
    protect = _command(f"pulumi state protect --stack {stack.name} --yes", imported)
    first = (
        f"\n   Before that, take what depends on them out of the program and run `pulumi up`: {', '.join(dependents)}."
        if dependents
        else ""
    )
    names = ",".join(f" TF_VAR_{name}" for name in export.variables)
    secrets = f"\n   Before this step and the next, set{names}." if names else ""
    module = shlex.quote(folder)
    return f"""\
Pulumi manages these resources until step 3, and Terraform does from step 5 on. In between both tools have them in their
states, so neither may delete them: step 2 makes Pulumi refuse to, and `terraform destroy` must not be run. You can stop
after each step, and repeat it. Run all commands in the Pulumi project's folder.

1. Prove that nothing would change. The command must exit with 0.

   ```sh
   sagebridge verify --stack {stack.name} --module {module}
   ```

2. Stop every automation that runs `pulumi up` on {stack.name}, and let Pulumi refuse to delete anything.

   ```sh
   {protect}
   ```

3. Let Terraform import: it shows its plan and asks. The plan must import all resources, and add and destroy none. It
   changes only resources that have a secret, which it marks as sensitive in its own state.{secrets}

   ```sh
   terraform -chdir={module} init && terraform -chdir={module} apply
   ```

4. Prove that Terraform has nothing left to do. The command must exit with 0.

   ```sh
   terraform -chdir={module} plan -detailed-exitcode
   ```

5. Let Pulumi forget the resources. This changes its state only: they stay in AWS and keep working.{first}

   ```sh
   {forget}
   ```

6. Take the resources out of the Pulumi program, then prove that Pulumi has nothing left to do. Do not run `pulumi up`
   before that: it would make them a second time.

   ```sh
   pulumi preview --stack {stack.name} --expect-no-changes
   ```

7. The `import` blocks have done their work and may be removed.
"""


def _command(command: str, urns: Sequence[str]) -> str:
    """Returns a command with URNs as its arguments, one a line."""
    return " \\\n     ".join([command, *map(shlex.quote, urns)])


def forgotten_resources(stack: Stack, export: Export) -> tuple[list[str], list[str]]:
    """Returns the URNs that Pulumi is to forget, and those that stay and depend on them.

    Of the first, each comes before what it depends on. Pulumi forgets what is imported, what Terraform can only make,
    and components and providers that are empty then.
    """
    resources = [resource for resource in stack.resources if not resource.delete and resource.type != STACK]
    forgotten = {imported.urn for imported in export.imports.values()}
    forgotten |= {item.name for item in export.not_carried if item.block}
    emptied = _emptied(resources, forgotten)
    for resource in reversed(resources):  # what stays keeps what it depends on, which comes before it
        if resource.urn not in forgotten and resource.urn not in emptied:
            emptied -= _dependencies(resource)
    forgotten |= emptied
    dependents = [item.urn for item in resources if item.urn not in forgotten and forgotten & _dependencies(item)]
    return [resource.urn for resource in reversed(resources) if resource.urn in forgotten], dependents


def _emptied(resources: Sequence[StackResource], forgotten: set[str]) -> set[str]:
    """Returns components and providers of what is forgotten, and the engine's own resources in them or after them."""
    # No resource refers to the provider that answers the program's questions to the engine.
    around = {resource.urn for resource in resources if resource.type == f"{PROVIDER}pulumi"}
    for resource in reversed(resources):  # a resource comes after what it is in and what it uses
        if resource.urn in forgotten or resource.urn in around:
            around |= {urn for urn in (resource.parent, resource.provider) if urn}
    around -= forgotten
    emptied = {
        resource.urn
        for resource in resources
        if resource.urn in around and (not resource.custom or resource.type.startswith(PROVIDER))
    }
    for resource in resources:
        depends = any(urn in forgotten or urn in emptied for urn in resource.dependencies)
        if resource.type.startswith("pulumi:") and (resource.parent in emptied or depends):
            emptied.add(resource.urn)
    return emptied


def _dependencies(resource: StackResource) -> set[str]:
    return {urn for urn in (resource.parent, resource.provider, *resource.dependencies) if urn}


def readme(stack: Stack, export: Export, folder: str) -> str:
    """Returns the README of an exported module."""
    written = f" of {stack.time}" if stack.written_at else ""
    parts = [
        f"# The stack {stack.name} of {stack.project}, for Terraform",
        f"""\
`sagebridge export` wrote this module from Pulumi's state{written}. It has {len(export.imports)} resources, each
with an `import` block, and needs Terraform 1.5 or OpenTofu 1.6, or newer. Put what is yours, such as a backend, into
files of your own: another export overwrites its own files and leaves yours alone.""",
        """\
It is a root module. With Terraform 1.16 or newer it can be a child module as well. Older versions and OpenTofu 1.12
take `import` blocks in the root module only: there, move the blocks to your root module, and write each address after
`to` as `module.NAME.ADDRESS`, with the name of your `module` block.""",
        """\
Names that Pulumi made up are not in the code. Terraform keeps the names that it imports. It gives a new name to what
replaces a resource, so that the new resource can be made before the old one is destroyed.""",
    ]
    if export.variables:
        lines = "\n".join(
            f"- `{name}`: {variable.attribute} of `{variable.address}`" for name, variable in export.variables.items()
        )
        parts.append(
            "## Secrets\n\nThese variables have no default. Set them as `TF_VAR_…`, or from your vault.\n\n" + lines
        )
    parts += [_not_carried(export.not_carried), f"## From Pulumi to Terraform\n\n{steps(stack, export, folder)}"]
    return "\n\n".join(parts)


def _not_carried(items: Sequence[NotCarried]) -> str:
    if not items:
        return "## What was not carried\n\nNothing: all of the stack's AWS resources are in the module."
    lines = "\n".join(f"- {line}" for line in by_reason(items, quote="`"))
    blocks = [item.block for item in items if item.block]
    code = f"\n\n```hcl\n{to_hcl(blocks)}```" if blocks else ""
    return f"## What was not carried\n\n{lines}{code}"
