"""Prints, as JSON, the packages of this environment that may need a Pulumi plugin; the host runs it."""

import importlib.metadata
import importlib.util
import json
import pathlib
import sys

sys.path.pop(0)  # the current folder, whose modules are no packages
packages = {}
for distribution in importlib.metadata.distributions():
    name = (distribution.metadata["Name"] or "").lower().replace("_", "-")
    try:
        module = importlib.util.find_spec(name.replace("-", "_"))
    except (ImportError, ValueError):
        module = None
    folders = (module and module.submodule_search_locations) or []
    files = [file for folder in folders if (file := pathlib.Path(folder, "pulumi-plugin.json")).is_file()]
    if files or (name.startswith("pulumi-") and name != "pulumi-policy"):
        plugin = json.loads(files[0].read_text(encoding="utf-8")) if files else None
        packages[name] = {"Name": name, "Version": distribution.version, "Plugin": plugin}
json.dump(list(packages.values()), sys.stdout)
