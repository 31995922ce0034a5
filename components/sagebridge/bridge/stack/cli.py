"""What the bridge asks `pulumi` for: a stack's state, and the provider's mapping to Terraform's names."""

import tempfile
from pathlib import Path

from sagebridge.pulumi_cli import run_pulumi


def export_stack(stack: str) -> str:
    """Returns the stack's state, secrets in clear: it goes into no file and no message.

    Raises:
        UserError: See `run_pulumi`.
    """
    return run_pulumi("stack", "export", "--show-secrets", "--stack", stack)


def get_mapping(version: str) -> str:
    """Returns how the aws provider's names and types map to Terraform's, in JSON, as the plugin itself tells it.

    Args:
        version: The plugin's version that the stack uses; empty for the newest that is installed.

    Raises:
        UserError: See `run_pulumi`; or there is no such plugin and none could be installed.
    """
    with tempfile.TemporaryDirectory() as folder:  # pulumi prints notes around what it writes to its output
        file = Path(folder, "mapping.json")
        run_pulumi("package", "get-mapping", "terraform", f"aws@{version}" if version else "aws", "--out", str(file))
        return file.read_text(encoding="utf-8")
