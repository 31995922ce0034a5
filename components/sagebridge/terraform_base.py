"""What the Terraform base offers, read from Terraform's own state."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

import pulumi

from sagebridge.terraform_state.state import TerraformState


@dataclass(frozen=True)
class TerraformBase:
    """The base's outputs, typed; the contract with ``terraform/base/outputs.tf``."""

    bucket_name: str
    """Bucket for model archives."""
    execution_role_arn: str
    """Role that SageMaker assumes."""
    model_prefix: str
    """Prefix in the bucket that the role may read."""
    outputs: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """Every output of the state, plain; those that Terraform marks ``sensitive`` are secrets (``pulumi.Output``)."""

    @classmethod
    def read(
        cls,
        location: str,
        region: str | None = None,
        secret_outputs: Collection[str] = (),
        outputs: Mapping[str, str] | None = None,
    ) -> Self:
        """Reads the base's outputs from Terraform's state.

        Args:
            location: See :meth:`TerraformState.read`.
            region: See :meth:`TerraformState.read`.
            secret_outputs: See :meth:`TerraformState.read`.
            outputs: Names of the state's outputs by the base's own names, where they differ, such as
                ``{"bucket_name": "models_bucket"}``. Default is that they are the same.

        Raises:
            pulumi.RunError: The state cannot be read, ``outputs`` has a name that is not one of the base's own, or one
                of the base's outputs is missing, not a string, or a secret.
        """
        base_outputs = TerraformState.read(location, region, secret_outputs).outputs
        return cls(**typed_outputs(base_outputs, location, outputs or {}), outputs=base_outputs)


def typed_outputs(outputs: Mapping[str, Any], location: str, names: Mapping[str, str]) -> dict[str, str]:
    """Picks the base's outputs out of a state's.

    Args:
        outputs: The outputs of the state.
        location: Where the state is, for messages.
        names: See :meth:`TerraformBase.read`.

    Raises:
        pulumi.RunError: See :meth:`TerraformBase.read`. The message names the output and the state.
    """
    base_names = [base_field.name for base_field in fields(TerraformBase) if base_field.name != "outputs"]
    for name in sorted(set(names) - set(base_names)):
        raise pulumi.RunError(f"outputs names {name!r}, which the base does not have (it has: {', '.join(base_names)})")
    return {name: _typed(outputs, names.get(name, name), location, name) for name in base_names}


def _typed(outputs: Mapping[str, Any], name: str, location: str, base_name: str) -> str:
    value = outputs.get(name)
    if value is None:
        names = ", ".join(sorted(outputs)) or "none"
        raise pulumi.RunError(
            f"The Terraform state {location} has no output {name!r} (it has: {names}). If another output is the base's "
            f'{base_name}, name it: outputs={{"{base_name}": "…"}}'
        )
    if isinstance(value, pulumi.Output):
        raise pulumi.RunError(
            f"The output {name!r} of the Terraform state {location} must not be sensitive: "
            "it stands in clear in the names and policies of what is made of it"
        )
    if not isinstance(value, str) or not value:
        raise pulumi.RunError(
            f"The output {name!r} of the Terraform state {location} must be a non-empty string, "
            f"not {'an empty one' if value == '' else type(value).__name__}"  # the value may be a secret
        )
    return value
