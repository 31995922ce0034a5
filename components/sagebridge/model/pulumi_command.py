"""Has the Automation API run `pulumi` as all other commands are run, so that it leaves no process behind."""

import os
import subprocess
from collections.abc import Callable, Mapping

from pulumi import automation

from sagebridge import processes
from sagebridge.errors import UserError
from sagebridge.pulumi_cli import SECONDS


class PulumiCommand(automation.PulumiCommand):
    """Runs `pulumi` in a session of its own, of which nothing is left when it ends or is interrupted."""

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: Callable[[str], object] | None = None,
        on_error: Callable[[str], object] | None = None,
    ) -> automation.CommandResult:
        """Runs a command and returns its result; see the base class.

        Raises:
            automation.CommandError: The command fails.
            UserError: It takes over 600 s.
        """
        try:
            done = processes.complete(
                [self.command, "--non-interactive", *args],
                seconds=SECONDS,
                cwd=cwd,
                env={**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"},
                text=True,
                encoding="utf-8",
            )
        except subprocess.TimeoutExpired:
            raise UserError(f"`pulumi {args[0]}` did not end within {SECONDS} s") from None
        if on_output:
            for line in done.stdout.splitlines():
                on_output(line)
        if on_error:
            for line in done.stderr.splitlines():
                on_error(line)
        result = automation.CommandResult(done.stdout, done.stderr, done.returncode)
        if done.returncode:
            raise automation.CommandError(result)
        return result
