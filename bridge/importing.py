"""Runs inside the rehearsal's program: makes each resource an import of what is there, which changes nothing."""

import json
import os

import pulumi

VARIABLE = "BRIDGE_IMPORTS"
"""JSON: import ids by ``type name``; null for what has no import and is put anew with the values that it has."""


def register() -> None:
    """Makes each AWS resource of this program an import.

    Raises:
        pulumi.RunError: (from a resource) the program declares a resource that nothing was named for.
    """
    ids = json.loads(os.environ[VARIABLE])

    def transform(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        if not args.custom or not args.type_.startswith("aws:"):
            return None
        key = f"{args.type_} {args.name}"
        if key not in ids:
            raise pulumi.RunError(f"{args.name} ({args.type_}) would be made anew: Terraform has nothing that it is")
        if ids[key] is None:
            return None
        args.opts.import_ = ids[key]
        args.opts.ignore_changes = ["*"]  # else the engine would go on and change what it has imported
        return pulumi.ResourceTransformResult(args.props, args.opts)

    pulumi.runtime.register_resource_transform(transform)
