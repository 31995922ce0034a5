"""Wheels for requirements.txt, so that tests need no registry."""

import io
import zipfile


def wheel(name: str, version: str, text: str) -> bytes:
    """Returns a wheel of one module."""
    buffer = io.BytesIO()
    folder = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(f"{name}.py", text)
        file.writestr(f"{folder}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        file.writestr(f"{folder}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{folder}/RECORD", "")
    return buffer.getvalue()
