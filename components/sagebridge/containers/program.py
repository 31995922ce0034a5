"""Runs a module of this package with the Python of a container, in whose environment the package is not installed.

What such a module imports of this package runs with the oldest Python of `scikit_learn_images.json`, too.
"""

from __future__ import annotations

from pathlib import Path

_START = """
import sys
sys.path[:] = [folder for folder in sys.path if folder]  # the working directory may have modules of a model
import runpy, types
package = sys.modules["sagebridge"] = types.ModuleType("sagebridge")
package.__path__ = [sys.argv.pop(1)]
runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


def command(python: str, module: str, *arguments: str) -> list[str]:
    """Returns the command that runs a module of this package as a program.

    Args:
        python: the interpreter.
        module: the full name of the module.
        arguments: the program's arguments.
    """
    return [python, "-c", _START, str(Path(__file__).parents[1]), module, *arguments]
