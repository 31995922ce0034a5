"""Says whether the dev stack serves the archive that `make up` published, or one of somebody's own."""

import yaml

from sagebridge.files import write_file
from tools.errors import ToolsError
from tools.paths import CHECKOUT, LOCAL

_PUBLISHED = LOCAL / "published"
"""Holds the URL of the archive that `make up` published last."""


def foreign_archive(stack: str) -> str | None:
    """Returns the archive in a stack's `modelData` if `make up` did not put it there.

    Args:
        stack: The stack, whose settings file may not exist yet.

    Raises:
        ToolsError: The settings file is not a YAML mapping.
    """
    archive = _model_data(stack)
    return archive if archive and archive != _last_published() else None


def keep_published(stack: str) -> None:
    """Keeps the archive in a stack's `modelData` as one that `make up` published."""
    write_file(_PUBLISHED, _model_data(stack) or "")


def _last_published() -> str | None:
    return _PUBLISHED.read_text() if _PUBLISHED.exists() else None


def _model_data(stack: str) -> str | None:
    """Returns what the settings file says, so that it is known before there is a stack."""
    settings = CHECKOUT / f"Pulumi.{stack}.yaml"
    if not settings.exists():
        return None
    project = yaml.safe_load((CHECKOUT / "Pulumi.yaml").read_text())["name"]
    try:
        archive = (yaml.safe_load(settings.read_text())["config"] or {}).get(f"{project}:modelData")
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise ToolsError(
            f"{settings.name} has no mapping `config`. Correct the file, or remove it: `make up` writes a new one."
        ) from error
    return archive if archive is None or isinstance(archive, str) else "an archive whose URL is a secret"
