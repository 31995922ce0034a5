"""The commands `sagebridge export`, `outputs`, `adopt` and `verify`."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from sagebridge.project import title

FOLDER = click.Path(file_okay=False, path_type=Path)
STATE = "a path, or s3://bucket/key[?region=…&profile=…]"


@click.command("outputs")
@click.option("--stack", required=True, help="The stack's name.")
@click.option("--to", required=True, help=f"Where the state goes: {STATE}. Nothing else may write there.")
@click.option("--with-secret", "secrets", multiple=True, help="A secret output to write, in clear.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def outputs_command(stack: str, to: str, secrets: tuple[str, ...], *, as_json: bool) -> None:
    """Write a stack's outputs for Terraform.

    They become a Terraform state without resources, which `terraform_remote_state` reads.

    Secret outputs are left out unless they are named: Terraform keeps states in clear.
    """
    from sagebridge.bridge.outputs import write_outputs
    from sagebridge.bridge.terraform.storage import state_storage

    click.echo(title(stack), err=True)
    storage = state_storage(to)
    written = write_outputs(stack, storage, secrets)
    if as_json:
        _print_json({"written": written.changed, "outputs": written.outputs, "leftOut": written.left_out})
        return
    click.echo(f"wrote {storage}" if written.changed else f"{storage} is up to date")
    for name, reason in written.left_out.items():
        click.echo(f"left out {name}: {reason}")


@click.command("export")
@click.option("--stack", required=True, help="The stack's name.")
@click.option("--out", type=FOLDER, required=True, help="The module's folder: a new one, or one that this made.")
@click.option("--format", "form", type=click.Choice(["json", "hcl"]), default="json", help="JSON, or readable HCL.")
@click.option("--handoff", is_flag=True, help="Print the steps from Pulumi to Terraform.")
@click.option("--json", "as_json", is_flag=True, help="Print for a machine what is imported and what is not carried.")
def export_command(stack: str, out: Path, form: str, *, handoff: bool, as_json: bool) -> None:
    """Write a stack as a Terraform module.

    It is a root module that imports the stack's AWS resources.

    It changes nothing but OUT; secrets become variables without a value.
    """
    from sagebridge.bridge.export.command import export_module
    from sagebridge.bridge.export.handover import steps
    from sagebridge.bridge.export.translate import by_reason

    click.echo(title(stack), err=True)
    state, export, manifest = export_module(stack, out, form)
    if as_json:
        not_carried = [{"name": item.name, "reason": item.reason} for item in export.not_carried]
        _print_json({**asdict(manifest), "notCarried": not_carried})
        return
    click.echo(f"wrote {out}: {len(export.imports)} resources, {len(export.variables)} secret variables")
    for line in by_reason(export.not_carried):
        click.echo(f"not carried: {line}")
    if handoff:
        click.echo(f"\n{steps(state, export, str(out))}", nl=False)


@click.command("adopt")
@click.option("--state", required=True, help=f"Terraform's state: {STATE}.")
@click.option("--address", "addresses", multiple=True, show_default="all endpoints", help="An endpoint's address.")
@click.option("--stack", required=True, help="The stack that takes them over.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A new folder for what is left to do.")
@click.option("--json", "as_json", is_flag=True, help="Print for a machine what was adopted.")
def adopt_command(state: str, addresses: tuple[str, ...], stack: str, out: Path, *, as_json: bool) -> None:
    """Take endpoints over from Terraform, as they are.

    Nothing in AWS changes, and Terraform keeps them until it is told to
    forget them: the steps are printed, and are in OUT/README.md.
    """
    from sagebridge.bridge.adopt.command import adopt
    from sagebridge.bridge.terraform.storage import state_storage

    click.echo(title(stack), err=True)
    adopted = adopt(state_storage(state), addresses, stack, out)
    if as_json:
        endpoints = {item.name: [resource.address for resource in item.all] for item in adopted.endpoints}
        _print_json({"endpoints": endpoints, "secrets": adopted.secrets})
        return
    click.echo(adopted.readme, nl=False)


@click.command("verify")
@click.option("--stack", required=True, help="The stack's name.")
@click.option("--module", type=FOLDER, help="Prove that Terraform imports this exported module and changes nothing.")
@click.option("--outputs", "state", help=f"Prove that Terraform reads the stack's outputs from here: {STATE}.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def verify_command(
    context: click.Context, stack: str, module: Path | None, state: str | None, *, as_json: bool
) -> None:
    """Prove that nothing would change.

    Exits with 0 only then, and otherwise names each difference. Without --module and --outputs it proves that a preview
    of the stack has no change, as after `adopt`.
    """
    from sagebridge.bridge.terraform.storage import state_storage
    from sagebridge.bridge.verify import verify_module, verify_outputs, verify_stack

    if module and state:
        raise click.UsageError("--module and --outputs exclude each other")
    click.echo(title(stack), err=True)
    if module:
        differences = verify_module(stack, module)
    elif state:
        differences = verify_outputs(stack, state_storage(state))
    else:
        differences = verify_stack(stack)
    if as_json:
        _print_json({"differences": differences})
        context.exit(1 if differences else 0)
    if differences:
        if module:
            heading = f"Terraform's plan of {module} would do more than import"
        else:
            heading = f"{state} is not what the stack has" if state else f"Pulumi's preview of {stack} would change it"
        raise click.ClickException("\n- ".join([f"{heading}:", *differences]))
    click.echo(f"Terraform reads every output of {state}" if state else "nothing would change")


def _print_json(document: object) -> None:
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
