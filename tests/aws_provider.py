"""The AWS provider that stacks of the tests share, so that it starts once in a worker and not with each command.

`pulumi` attaches to a provider that runs already where PULUMI_DEBUG_PROVIDERS has its port. It is the same plugin, and
each command configures it anew.
"""

import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pulumi import automation
from pulumi.automation._cmd import OnOutput

from tools import engine

PLUGIN = "pulumi-resource-aws"


class SharedProvider:
    """An AWS provider that runs from its first use until it is stopped.

    It has the configuration of the last command that attached to it, and sends its messages to that command. So one
    command at a time may use it, and any other starts a provider of its own.
    """

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        """Remembers what the provider starts with.

        Args:
            environment: the provider's environment, where it finds AWS.
            log: the file for what it writes to stderr, such as the traces of a crash.
        """
        self._environment = environment
        self._log = log
        self._use = threading.Lock()
        self.is_shared = True
        """Whether commands may attach to it."""
        self._process: subprocess.Popen[str] | None = None
        self._port = ""

    @contextmanager
    def attached(self) -> Iterator[dict[str, str]]:
        """Yields the variables with which `pulumi` attaches to the provider; none while another command uses it."""
        if not self.is_shared or not self._use.acquire(blocking=False):
            yield {}
            return
        try:
            yield {"PULUMI_DEBUG_PROVIDERS": f"aws:{self._running_port()}"}
        finally:
            self._use.release()

    @contextmanager
    def kept_free(self) -> Iterator[None]:
        """Keeps commands from using the provider while the body runs."""
        self.is_shared = False
        try:
            yield
        finally:
            self.is_shared = True

    def _running_port(self) -> str:
        """Returns the provider's port, and starts the provider first if it does not run."""
        if self._process is None or self._process.poll() is not None:
            plugin = engine.find_all()[PLUGIN]
            assert plugin is not None
            command = plugin.path if plugin.path.is_file() else plugin.path / PLUGIN
            with self._log.open("a") as log:
                self._process = subprocess.Popen(
                    [command],
                    env=dict(self._environment),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )
            assert self._process.stdout is not None
            self._port = self._process.stdout.readline().strip()
            assert self._port.isdigit(), self._log.read_text()
        return self._port

    def stop(self) -> None:
        """Ends the provider if it runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.communicate()


class AttachedCommand(automation.PulumiCommand):
    """The command `pulumi`, which attaches to a shared provider where it can."""

    def __init__(self, provider: SharedProvider) -> None:
        super().__init__()
        self.provider = provider

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> automation.CommandResult:
        with self.provider.attached() as variables:
            return super().run(args, cwd, {**additional_env, **variables}, on_output, on_error)
