"""What runs in the place of a container, and the order that a supervisor gets for it."""

from dataclasses import dataclass
from pathlib import Path

from sagebridge.containers.code import Definition
from sagebridge.containers.launch import MODEL_DIR
from sagebridge.local.images import Substitute
from sagebridge.local.serving import docker
from sagebridge.local.serving.supervisor import Order

MODELS_DIR = "/opt/ml/models"
"""The folder of the models in a multi-model container; source: "Custom Containers Contract for Multi-Model Hosting"."""


@dataclass(frozen=True)
class Replacement:
    """What runs in the place of a container whose image is not run here."""

    definition: Definition
    """The container's definition."""
    substitute: Substitute
    """What runs instead of its image."""
    deployment: Path
    """The folder of the deployment."""

    def order(self, home: Path, folder: Path, port: int) -> Order:
        """Returns what a supervisor is to run.

        Args:
            home: a folder for the program itself.
            folder: the folder of the model; of a multi-model container, of all models.
            port: the port of the loopback address at which the program is to answer.
        """
        target = MODELS_DIR if self.definition.is_multi_model else MODEL_DIR
        if self.substitute.docker:
            run, remove = docker.commands(self.definition, self.deployment, f"{folder}:{target}", port)
            # The image has the folder at the target, so that the supervisor has nothing to mount.
            return Order(run, dict(self.substitute.environment), str(home), target, "", remove)
        environment = {
            **self.definition.process_environment(folder, home),
            **self.substitute.environment,
            **self.definition.environment,
            "SAGEBRIDGE_PORT": str(port),
            "SAGEMAKER_BIND_TO_PORT": str(port),
        }
        return Order(list(self.substitute.command), environment, str(home), str(folder), target, [])
