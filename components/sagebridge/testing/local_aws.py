"""A local AWS for tests, which may start commands and clients of their own against it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sagebridge.local import REGION, control, environment


@dataclass(frozen=True)
class LocalAws:
    """A local AWS that runs."""

    url: str
    """Its address, such as `http://127.0.0.1:5555`."""
    directory: Path
    """The folder of its state."""
    environment: dict[str, str]
    """The whole environment in which a command, such as `pulumi`, `terraform` or `aws`, uses it."""

    def client(self, service: str) -> Any:  # noqa: ANN401 - a client of any service
        """Returns a client of boto3's for a service, such as `s3`; no setting of the shell's leads it elsewhere."""
        import boto3  # noqa: PLC0415 - 0.1 s, which a test that runs commands need not spend
        from botocore.config import Config  # noqa: PLC0415 - the same

        session = boto3.Session("local", "local", region_name=REGION)
        return session.client(service, endpoint_url=self.url, config=Config(proxies={}))  # type: ignore[call-overload] # any service


@contextmanager
def local_aws(directory: Path) -> Iterator[LocalAws]:
    """Starts a local AWS, and stops it when the block ends.

    Args:
        directory: The folder of its state.

    Raises:
        UserError: It cannot be started.
    """
    running, _ = control.start(directory)
    # A test makes its stacks beside the local AWS, whatever backend the tester's shell names.
    state = environment.pulumi_state(directory)
    variables = {**environment.settings(directory), "PULUMI_BACKEND_URL": environment.backend_url(state)}
    try:
        yield LocalAws(running.url, directory, environment.process_environment(variables))
    finally:
        control.stop(directory)
