"""The models of a multi-model program, which loads them, answers for them and unloads them by AWS's API for that.

Source: "Custom Containers Contract for Multi-Model Hosting" of SageMaker's guide.
"""

import contextlib
import http.client
import json
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from threading import Lock

from sagebridge.local.serving.container import Container, Reply
from sagebridge.local.serving.model_data import ModelData
from sagebridge.local.serving.program import Process, ProgramContainer, Users

UNLOAD_SECONDS = 60.0
_JSON = {"content-type": "application/json"}


class ModelHost:
    """A multi-model program, and which models it has loaded.

    Args:
        program: the program.
    """

    def __init__(self, program: ProgramContainer) -> None:
        self.program = program
        self._lock = Lock()
        self._loaded: OrderedDict[str, Process] = OrderedDict()
        """The process that has loaded a model, by the model's name; those that were used last come last."""

    def load(self, name: str, process: Process, deadline: float, exits: contextlib.ExitStack) -> Reply | None:
        """Has the program load a model, unless it has done so; if its memory is full, it unloads others first.

        Args:
            name: the model's name.
            process: the program, which runs.
            deadline: the time by which the program must have answered, in the seconds of `time.monotonic`.
            exits: keeps the answer open.

        Returns:
            The program's refusal; None if the model is loaded.

        Raises:
            TimeoutError, OSError, http.client.HTTPException: the program gave no answer.
        """
        if self._is_loaded(name, process):
            return None
        with self._lock:
            if self._is_loaded(name, process):
                return None
            order = json.dumps({"model_name": name, "url": f"{process.model_dir}/{name}/model"}).encode()
            while True:
                reply = exits.enter_context(process.request("POST", "/models", order, _JSON, deadline))
                if reply.status in (http.client.OK, http.client.CONFLICT):  # it may be loaded already
                    reply.whole()
                    self._loaded[name] = process
                    return None
                oldest = next((other for other, loader in self._loaded.items() if loader is process), None)
                if reply.status != http.client.INSUFFICIENT_STORAGE or oldest is None:
                    return reply
                self._unload(oldest)

    def unload(self, name: str) -> None:
        """Has the program unload a model."""
        with self._lock:
            self._unload(name)

    def _is_loaded(self, name: str, process: Process) -> bool:
        if self._loaded.get(name) is not process:
            return False
        with contextlib.suppress(KeyError):
            self._loaded.move_to_end(name)
        return True

    def _unload(self, name: str) -> None:
        process = self._loaded.pop(name, None)
        if process is None or process.status() is not None:
            return
        with contextlib.suppress(OSError, http.client.HTTPException):  # what it cannot unload, it loads no second time
            deadline = time.monotonic() + UNLOAD_SECONDS
            with process.request("DELETE", f"/models/{name}", None, {}, deadline) as reply:
                reply.whole()


class LoadedModel(Container):
    """A model of a multi-model program.

    Args:
        name: the name that errors give the container.
        data: the model's data.
        host: the program that loads it.
    """

    def __init__(self, name: str, data: ModelData, host: ModelHost) -> None:
        super().__init__(name)
        self._data = data
        self._host = host
        self._users = Users()

    @contextlib.contextmanager
    def exchange(self, body: bytes, headers: Mapping[str, str], deadline: float, path: str) -> Iterator[Reply]:  # noqa: ARG002 - a model has one path
        """Passes a request on, after the program has loaded the model; a refusal to load it is the answer."""
        name = self._data.folder.parent.name
        with self._users.one_more(), self._host.program.running(deadline) as (process, extended):
            before = time.monotonic()
            self._data.fetch()
            with contextlib.ExitStack() as exits:
                reply = self._host.load(name, process, extended + time.monotonic() - before, exits)
                if reply is None:
                    after_loading = extended + time.monotonic() - before
                    model_path = f"/models/{name}/invoke"
                    reply = exits.enter_context(process.request("POST", model_path, body, headers, after_loading))
                yield reply

    def retire(self) -> None:
        """Has the program unload the model, after the requests that are being answered."""
        self._users.finish()
        self._host.unload(self._data.folder.parent.name)

    def kill(self) -> None:
        """Takes no more requests; the model ends with the program."""
        self._users.close()
