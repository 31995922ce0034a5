"""The AWS provider that commands of Terraform share in the tests, so that it starts once in a worker.

Terraform attaches to a provider that runs already where TF_REATTACH_PROVIDERS has its address. It is the provider that
`terraform init` has installed, and each command configures it anew. A start takes 0.2 s of CPU time, and some commands
start it several times: `terraform test` does so for each `run` block.
"""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.local.account import until

NAME = "terraform-provider-aws_v*"
ALIAS = re.compile(r'^\s*"?alias"?\s*[=:]', re.MULTILINE)


class SharedTerraformProvider:
    """An AWS provider of Terraform's that runs from its first use until it is stopped.

    It has the configuration of the last command that attached to it. So one command at a time may use it, and a module
    that configures it several times starts providers of its own.
    """

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        """Remembers what the provider starts with.

        Args:
            environment: the provider's environment, where it finds AWS.
            log: the file for what it prints.
        """
        self._environment = environment
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def variables(self, folder: Path) -> dict[str, str]:
        """Returns the variables with which Terraform attaches to the provider; none if the module configures several.

        Args:
            folder: the module's folder, in which `terraform init` has run.
        """
        files = [*folder.rglob("*.tf"), *folder.rglob("*.tf.json")]
        if any(ALIAS.search(file.read_text()) for file in files):
            return {}
        (provider,) = {file.resolve() for file in (folder / ".terraform" / "providers").glob(f"*/*/*/*/*/{NAME}")}
        command = [str(provider), "-debug"]
        if self._process is None:
            with self._log.open("w") as log:
                self._process = subprocess.Popen(
                    command, env=dict(self._environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
        assert self._process.args == command
        return {"TF_REATTACH_PROVIDERS": until(self._address)}

    def _address(self) -> str | None:
        """Returns where the provider says that it is; None before that."""
        said = re.search(r"TF_REATTACH_PROVIDERS='(.*)'\n", self._log.read_text())
        return said and said[1]

    def stop(self) -> None:
        """Ends the provider if it runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
