"""Tells a user which extra of the package a command needs."""

from importlib.util import find_spec

from sagebridge.errors import UserError

MODULES = {
    "model": ("joblib", "sklearn", "flask", "pandas", "sagemaker_inference", "uv"),
    "local": ("joblib", "sklearn", "flask", "pandas", "sagemaker_inference", "uv", "flask_cors", "hcl2", "moto"),
}
"""Each extra of components/pyproject.toml, with what it makes importable."""


def require(extra: str) -> None:
    """Checks that an extra is installed.

    Raises:
        UserError: The extra is not installed; says how to install it.
    """
    missing = [module for module in MODULES[extra] if find_spec(module) is None]
    if missing:
        raise UserError(f"this command needs {', '.join(missing)}, which come with: pip install 'sagebridge[{extra}]'")
