"""Prints, as JSON, which Python and which pip an environment has; the host runs it."""

import json
import sys

sys.path.pop(0)  # the current folder, whose modules are no packages
try:
    from pip import __version__ as pip_version
except ImportError:
    pip_version = ""
json.dump({"Executable": sys.executable, "Python": sys.version, "Pip": f"pip {pip_version}"}, sys.stdout)
