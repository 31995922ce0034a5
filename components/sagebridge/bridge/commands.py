"""The commands `sagebridge outputs|export|adopt|verify`."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from sagebridge.bridge import outputs as stack_outputs
from sagebridge.bridge import verify as verifying
from sagebridge.bridge.errors import BridgeError
from sagebridge.bridge.export import command as exporting
from sagebridge.bridge.export import handover as handoff
from sagebridge.bridge.stack import cli as pulumi
from sagebridge.bridge.stack import preview
from sagebridge.bridge.stack import state as deployment
from sagebridge.bridge.terraform import location as locations

FOLDER = click.Path(file_okay=False, path_type=Path)
STATE = "a path, or s3://bucket/key[?region=…&profile=…]"


@click.command()
@click.option("--stack", required=True, help="The stack's name.")
@click.option("--to", required=True, help=f"Where the state goes: {STATE}. Nothing else may write there.")
@click.option("--with-secret", "secrets", multiple=True, help="A secret output to write, in clear.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def outputs(stack: str, to: str, secrets: tuple[str, ...], as_json: bool) -> None:  # noqa: FBT001 - click's way
    """Write a stack's outputs for Terraform.

    They become a Terraform state without resources, which `terraform_remote_state` reads.

    Secret outputs are left out unless they are named: Terraform keeps states in clear.
    """
    location = locations.parse(to)
    found = deployment.read(pulumi.export_stack(stack))
    carried = stack_outputs.carried(found, secrets)
    text = stack_outputs.updated(found, carried.outputs, location.read(), str(location))
    if text is not None:
        location.write(text)
    if as_json:
        known = {"written": text is not None, "outputs": sorted(carried.outputs), "leftOut": carried.left_out}
        click.echo(json.dumps(known, indent=2))
        return
    click.echo(f"wrote {location}" if text else f"{location} is up to date")
    for name, reason in carried.left_out.items():
        click.echo(f"left out {name}: {reason}")


@click.command()
@click.option("--stack", required=True, help="The stack's name.")
@click.option("--out", type=FOLDER, required=True, help="The module's folder: a new one, or one that this made.")
@click.option(
    "--format", "form", type=click.Choice([*exporting.FORMATS]), default="json", help="JSON, or readable HCL."
)
@click.option("--handoff", "steps", is_flag=True, help="Print the steps from Pulumi to Terraform.")
@click.option("--json", "as_json", is_flag=True, help="Print for a machine what is imported and what is not carried.")
def export(stack: str, out: Path, form: str, *, steps: bool, as_json: bool) -> None:
    """Write a stack as a Terraform module.

    It is a root module that imports the stack's AWS resources.

    Start it in the Pulumi project's folder. It changes nothing but OUT; secrets become variables without a value.
    """
    exporting.check(out)
    exported, found = exporting.read_stack(stack)
    manifest = exporting.write(exported, found, out, form)
    left = [{"name": one.name, "reason": one.reason} for one in found.not_carried]
    if as_json:
        click.echo(json.dumps({**asdict(manifest), "notCarried": left}, indent=2, ensure_ascii=False))
        return
    click.echo(f"wrote {out}: {len(found.imports)} resources, {len(found.variables)} secret variables")
    for one in left:
        click.echo(f"not carried: {one['name']}: {one['reason']}")
    if steps:
        click.echo(f"\n{handoff.steps(exported, found, str(out))}", nl=False)


@click.command()
@click.option("--state", required=True, help=f"Terraform's state: {STATE}.")
@click.option("--address", "addresses", multiple=True, show_default="all endpoints", help="An endpoint's address.")
@click.option("--stack", required=True, help="The stack that takes them over.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A new folder for what is left to do.")
@click.option("--json", "as_json", is_flag=True, help="Print for a machine what was adopted.")
def adopt(state: str, addresses: tuple[str, ...], stack: str, out: Path, *, as_json: bool) -> None:
    """Take endpoints over from Terraform, as they are.

    Start it in the Pulumi project's folder. Nothing in AWS changes, and Terraform keeps them until it is told to
    forget them: the steps are printed, and stand in OUT/README.md.
    """
    from sagebridge.bridge.adopt import command as adoption  # noqa: PLC0415 - it needs pulumi-aws, whose import takes half a second

    adopted = adoption.adopt(locations.parse(state), addresses, stack, out)
    if as_json:
        resources = {each.name: [resource.address for resource in each.all] for each in adopted.endpoints}
        click.echo(json.dumps({"endpoints": resources, "secrets": adopted.secrets}, indent=2, ensure_ascii=False))
        return
    click.echo(adopted.readme, nl=False)


@click.command()
@click.option("--stack", required=True, help="The stack's name.")
@click.option("--module", type=FOLDER, help="Prove that Terraform imports this exported module and changes nothing.")
@click.option("--outputs", "state", help=f"Prove that Terraform reads the stack's outputs from here: {STATE}.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(stack: str, module: Path | None, state: str | None, *, as_json: bool) -> None:
    """Prove that nothing would change.

    Exits with 0 only then, and else names each difference. Without --module and --outputs: that a preview of the
    stack has no change, as after `adopt`.
    """
    if module and state:
        raise click.UsageError("--module and --outputs exclude each other")
    if module:
        found = verifying.module(stack, module)
    elif state:
        found = verifying.outputs(stack, locations.parse(state))
    else:
        found = preview.differences(pulumi.run("preview", "--json", "--stack", stack))
    if as_json:
        click.echo(json.dumps({"differences": found}, indent=2))
        raise SystemExit(1 if found else 0)
    if found:
        raise BridgeError("\n- ".join([f"{module or state or f'the stack {stack}'} is not as it should be:", *found]))
    click.echo(f"Terraform reads every output of {state}" if state else "nothing would change")
