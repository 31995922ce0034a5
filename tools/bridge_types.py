"""Makes ``docs/bridge-types.md``: how `sagebridge export` carries each type, from the table that it uses itself."""

import json
from collections.abc import Mapping
from typing import Any

from sagebridge.bridge.terraform.importing import REMADE, arguments_not_imported, is_importable, provider_version
from tools.import_ids import TABLE
from tools.paths import CHECKOUT

PAGE = CHECKOUT / "docs" / "bridge-types.md"

_HEAD = """\
# What the bridge carries, by type

`make docs` makes this page from the table that [`sagebridge export`](bridge.md#from-pulumi-to-terraform-export) uses,
which has the {count} types of terraform-provider-aws {version}. `make imports` reads that table out of the provider's
importers and acceptance tests, and the tests compare it with the provider's documentation. A resource of a type that
is not on this page is not carried, and `export` says so.

In an import ID, `{{name}}` is an attribute. The items of a list are joined by the character before it. `{{/name}}` is
what follows the last slash of it, `{{name=text}}` is the text if it is true, `{{one|other}}` is the first that is
set, and what is in `[…]` is left out where it is not set.

## Types that Terraform cannot import

These {unimportable} types are not carried, and named with what to do.

{not_imported}

## Types with an import ID of their own, or with arguments that no import brings

Arguments that no import brings are left out of the module and named, because to declare them is an update. Of a
required one, changes are ignored instead. For every type, that is true of `{always}`.

| type | import ID | no import brings |
|---|---|---|
{rows}

## Types that are imported by their ID, whole

{whole}
"""


def page() -> str:
    """Returns the text of the page."""
    types: Mapping[str, Mapping[str, Any]] = json.loads(TABLE.read_text())["types"]
    unimportable = [name for name in types if not is_importable(name)]
    special = [
        name for name, row in types.items() if is_importable(name) and (row["id"] != "{id}" or row.get("not_imported"))
    ]
    whole = [name for name in types if name not in {*unimportable, *special}]
    return _HEAD.format(
        count=len(types),
        version=provider_version(),
        unimportable=len(unimportable),
        not_imported="\n".join(
            f"- `{name}`{f': {REMADE[name]}' if name in REMADE else ''}" for name in sorted(unimportable)
        ),
        always="`, `".join(sorted(arguments_not_imported(""))),
        rows="\n".join(_row(name, types[name]) for name in sorted(special)),
        whole=", ".join(f"`{name}`" for name in sorted(whole)),
    )


def _row(name: str, row: Mapping[str, Any]) -> str:
    template = row["id"].replace("|", "\\|")
    arguments = ", ".join(f"`{argument}`" for argument in row.get("not_imported", ()))
    return f"| `{name}` | `{template}` | {arguments} |"


if __name__ == "__main__":
    PAGE.write_text(page())
