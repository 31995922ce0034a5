"""The code of a container's handler, made ready once for all processes that serve from it."""

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from sagebridge.containers.code import Definition, prepare
from sagebridge.containers.launch import Launch
from sagebridge.local.serving.model_data import Aws, split_url


class Code:
    """The code of one container.

    Args:
        definition: the container's definition.
        workspace: the folder for what is fetched and installed; it stays when the server stops.
        aws: has the code.
    """

    def __init__(self, definition: Definition, workspace: Path, aws: Aws) -> None:
        self.definition = definition
        self._workspace = workspace
        self._aws = aws
        self._lock = Lock()
        self._launches: dict[Path | None, Launch] = {}

    def launch(self, model_dir: Path | None, log: Callable[[str], object]) -> Launch:
        """Returns what a process needs to know to serve a model.

        Args:
            model_dir: the model's folder, or None for a multi-model container that has loaded none.
            log: writes to the log of the container that needs the code.

        Raises:
            NotServedError: there is no such code, or its requirements cannot be installed.
        """
        with self._lock:
            launch = self._launches.get(model_dir)
            if launch is None:
                launch = prepare(self.definition, model_dir, self._workspace, self._open, log)
                self._launches[model_dir] = launch
        return launch

    def _open(self, url: str) -> BinaryIO | None:
        return self._aws.open_object(*split_url(url))
