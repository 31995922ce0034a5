"""The command line `sagebridge` in the process of the test, where nothing has to be imported again."""

import os
import subprocess
import traceback
from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path
from unittest import mock

from click.testing import CliRunner

from sagebridge.cli import main
from tests.processes import Marked


def run_in_process(*arguments: str, cwd: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs `sagebridge` to its end as if it were started, and returns its exit code and what it prints.

    As a command that is started, it leaves no process behind, whether it succeeds or fails.

    Args:
        arguments: The command's arguments.
        cwd: The folder that it runs in.
        environment: All of its environment.
    """
    marked = Marked()
    with chdir(cwd), mock.patch.dict(os.environ, {**environment, **marked.environment}, clear=True):
        result = CliRunner().invoke(main, arguments)
    assert not marked.running()
    unexpected = result.exc_info and not isinstance(result.exception, SystemExit)
    error_output = "".join(traceback.format_exception(result.exception)) if unexpected else result.stderr
    return subprocess.CompletedProcess(["sagebridge", *arguments], result.exit_code, result.stdout, error_output)
