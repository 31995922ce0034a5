"""How Terraform imports each type, or why it cannot, and which arguments an import does not bring.

Both are in `import_ids.json`, which `make imports` reads out of the AWS provider's sources: its importers and their
acceptance tests. An import ID there is a template:

- `{name}` is the text of an attribute; a list's items are joined by the letter before it.
- `{/name}` is what follows the last slash of it, such as the name in an ARN.
- `{name=text}` is the text if the attribute is true.
- `{one|other}` is the first of these attributes that is set.
- `[…]` is left out where an attribute in it is not set.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sagebridge.bridge.secret import Secret

_TABLE = Path(__file__).with_name("import_ids.json")
_PART = re.compile(r"\[(?P<optional>[^\]]*)\]|(?P<before>.?)\{(?P<placeholder>[^}]+)\}")

REMADE = {
    "aws_appautoscaling_scheduled_action": (
        "add the block below to the module once the rest is Terraform's: making it writes over the action of the same"
        " name, which stays as it is"
    ),
    "aws_iam_group_membership": "declare an aws_iam_user_group_membership for each user, which can be imported",
    "aws_iam_policy_attachment": "declare an aws_iam_role_policy_attachment for each role, which can be imported",
    "aws_iam_security_token_service_preferences": (
        "add the block below to the module once the rest is Terraform's: making it sets what is set already"
    ),
    "aws_s3_object_copy": "declare an aws_s3_object, which can be imported",
}
"""What to do with types that cannot be imported and whose block is safe to keep."""

_NEVER_IMPORTED = frozenset({"force_delete", "force_destroy", "force_detach_policies", "skip_destroy"})
"""Arguments that only tell the provider what to do, of any type."""

DEFAULTED = {"aws_s3_bucket_object": ("acl", "force_destroy")}
"""Arguments that no import brings and Terraform has a default for: only `ignore_changes` leaves them as they are."""


class CannotImportError(Exception):
    """Says why Terraform cannot import a resource, and what to do."""


def provider_version() -> str:
    """Returns the version of the AWS provider that the table is of."""
    return str(_table()["provider"])


def arguments_not_imported(terraform_type: str) -> frozenset[str]:
    """Returns the arguments that no import brings, as AWS does not keep or tell them: to declare them is an update."""
    return _NEVER_IMPORTED | set(_types().get(terraform_type, {}).get("not_imported", ()))


def is_importable(terraform_type: str) -> bool:
    """Returns whether the table has an importer for a type."""
    return bool(_types().get(terraform_type, {}).get("id"))


def import_id(terraform_type: str, attributes: Mapping[str, Any], region: str | None = None) -> str:
    """Returns a resource's import ID.

    Args:
        terraform_type: Terraform's type.
        attributes: The attributes by Terraform's names, `id` among them.
        region: The resource's own region, if it is another than its provider's.

    Raises:
        CannotImportError: The type has no importer or is not in the table, or an attribute of which the ID is made is
            missing or a secret.
    """
    if terraform_type not in _types():
        raise CannotImportError(
            f"how Terraform imports {terraform_type} is not in sagebridge's table, which is of the provider"
            f" {provider_version()}; import it by hand"
        )
    if not is_importable(terraform_type):
        advice = REMADE.get(terraform_type, "leave it to Pulumi, or make it anew in Terraform")
        raise CannotImportError(f"Terraform cannot import it; {advice}")
    identity = _filled(_types()[terraform_type]["id"], attributes)
    return f"{identity}@{region}" if region else identity


def _filled(template: str, attributes: Mapping[str, Any]) -> str:
    def text(part: re.Match[str]) -> str:
        if optional := part["optional"]:
            values = [_value(inner["before"], inner["placeholder"], attributes) for inner in _PART.finditer(optional)]
            return _filled(optional, attributes) if all(values) else ""
        value = _value(part["before"], part["placeholder"], attributes)
        if not value:
            name = part["placeholder"].replace("|", " or ").lstrip("/")
            raise CannotImportError(
                f"its import ID is made of {name}, which is not in the state; run `pulumi refresh`, and try again"
            )
        return part["before"] + value

    return _PART.sub(text, template)


def _value(before: str, placeholder: str, attributes: Mapping[str, Any]) -> str:
    """Returns what stands for a placeholder; empty if its attribute is not set."""
    name, _, text = placeholder.removeprefix("/").partition("=")
    value = next((attributes[option] for option in name.split("|") if attributes.get(option) not in (None, "")), None)
    if isinstance(value, Secret):
        raise CannotImportError(f"its import ID is made of {name}, which is a secret; import it by hand")
    if isinstance(value, bool):
        return (text if value else "") if text else str(value).lower()
    if isinstance(value, list | tuple):
        return before.join(str(item) for item in value)
    filled = "" if value is None else str(value)
    return filled.rpartition("/")[2] if placeholder.startswith("/") else filled


def _types() -> Mapping[str, Mapping[str, Any]]:
    types: Mapping[str, Mapping[str, Any]] = _table()["types"]
    return types


@cache
def _table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = json.loads(_TABLE.read_text(encoding="utf-8"))
    return table
