"""Docker as what runs an image: its command, and the removal of what a server that was killed has left behind."""

import logging
import subprocess
import uuid
from pathlib import Path

from sagebridge.containers.code import Definition
from sagebridge.local.images import KEPT, Substitute, kept

log = logging.getLogger(__name__)
LABEL = "sagebridge.deployment"
"""The label of each container; its value is the folder of the deployment."""
PORT = 8080
"""The port at which an image listens; source: "Custom Inference Code with Hosting Services"."""
_SECONDS = 20.0
"""Seconds for Docker's engine to list or remove containers."""


def commands(definition: Definition, deployment: Path, volume: str, port: int) -> tuple[list[str], list[str]]:
    """Returns the command that runs an image, and the one that removes its container if it is still there.

    Args:
        definition: the container's definition.
        deployment: the folder of the deployment.
        volume: the folder of the model, and where the image expects it, as Docker takes both.
        port: the port of the loopback address at which the container is to answer.
    """
    name = f"sagebridge-{uuid.uuid4().hex[:12]}"
    variables = {**definition.environment, **({"SAGEMAKER_MULTI_MODEL": "true"} if definition.is_multi_model else {})}
    run = [
        *("docker", "run", "--rm", "--name", name, "--label", f"{LABEL}={deployment}"),
        *("--publish", f"127.0.0.1:{port}:{PORT}", "--volume", f"{volume}:ro"),
        *(word for variable, value in variables.items() for word in ("--env", f"{variable}={value}")),
        *(definition.image, "serve"),
    ]
    return run, ["docker", "rm", "--force", name]


def remove_left_behind(endpoints: Path) -> None:
    """Removes the containers that a server, and the supervisors of its containers, have left behind.

    Args:
        endpoints: the folder of all endpoints, which have the folders of their deployments.
    """
    for file in endpoints.glob(f"*/*/*{KEPT}"):
        substitute = kept(file)
        if substitute and substitute.docker:
            _remove(file.parent, substitute)


def _remove(deployment: Path, substitute: Substitute) -> None:
    listing = _docker(substitute, "ps", "--all", "--quiet", "--filter", f"label={LABEL}={deployment}").split()
    if listing:
        log.info("removing %d containers of Docker that were left behind by %s", len(listing), deployment)
        _docker(substitute, "rm", "--force", *listing)


def _docker(substitute: Substitute, *words: str) -> str:
    """Runs `docker`; returns what it prints, or nothing if it fails."""
    try:
        done = subprocess.run(
            ["docker", *words],
            env=dict(substitute.environment),
            check=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("docker %s: %s", words[0], getattr(error, "stderr", None) or error)
        return ""
    return done.stdout
