"""Runs inside the rehearsal's program: makes each resource an import of what is there, which changes nothing."""

from collections.abc import Mapping

import pulumi


def register(import_ids: Mapping[str, str | None]) -> None:
    """Makes each AWS resource of the program that is running an import.

    Args:
        import_ids: The import IDs by `type name`. One is None for what has no import, and is put anew with the values
            that it has.

    Raises:
        pulumi.RunError: (from a resource) The program declares a resource that nothing was named for.
    """

    def transformation(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if not args.type_.startswith("aws:"):
            return None
        key = f"{args.type_} {args.name}"
        if key not in import_ids:
            raise pulumi.RunError(f"{args.name} ({args.type_}) would be made anew: Terraform has nothing that it is")
        if import_ids[key] is None:
            return None
        # All changes are ignored, or the engine would go on and change what it has imported.
        options = pulumi.ResourceOptions(import_=import_ids[key], ignore_changes=["*"])
        return pulumi.ResourceTransformationResult(args.props, pulumi.ResourceOptions.merge(args.opts, options))

    # Not `register_resource_transform`: a replacement trigger that passes through one makes the engine panic (3.246).
    pulumi.runtime.register_stack_transformation(transformation)
