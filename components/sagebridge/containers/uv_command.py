"""How uv is called, which makes the images' environments and installs what handlers require."""

import os

from uv import find_uv_bin


def uv_command(*arguments: str) -> list[str]:
    """Returns a command of uv's, whose output goes to a log."""
    return [find_uv_bin(), "--color", "never", *arguments]


def uv_environment(**variables: str) -> dict[str, str]:
    """Returns this process's environment for uv, with variables added.

    uv then trusts what the system trusts, as pip does: a company's proxy may sign with a certificate of its own.
    """
    return {**os.environ, "UV_SYSTEM_CERTS": "true", **variables}
