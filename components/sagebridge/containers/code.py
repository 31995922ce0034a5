"""Makes a handler's code ready as AWS's containers do: fetches it, unpacks it, and installs its requirements.

The interpreter is that of the image's own environment, where `interpreter.py` can make it.

The scikit-learn container takes the code from where `SAGEMAKER_SUBMIT_DIRECTORY` says, and from nowhere else: an
`s3://….tar.gz`, or a folder or an archive within the model. It puts the code into `/opt/ml/code`, which is empty
otherwise. Source: `_env.py`, `_files.py` and `_modules.py` of sagemaker-containers 2.8.6.

The PyTorch and Hugging Face containers take it from the model's folder `code`. Source: `environment.py` and
`model_server.py` of sagemaker-inference 1.10.1.
"""

import os
import posixpath
import shutil
import sys
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from sagebridge._tarfile import tarfile
from sagebridge.containers.archive import unpack
from sagebridge.containers.errors import NotServedError
from sagebridge.containers.image import image_of
from sagebridge.containers.interpreter import interpreter_for
from sagebridge.containers.launch import (
    CODE_DIR,
    MODEL_DIR,
    PROGRAM,
    SUBMIT_DIRECTORY,
    Contract,
    Launch,
    contract_of,
)
from sagebridge.containers.requirements import install


@dataclass(frozen=True)
class Definition:
    """What of a container's definition decides where its code comes from."""

    image: str
    """The URI of the image."""
    environment: Mapping[str, str]
    """The variables of the container."""
    model_data_url: str = ""
    """The S3 URL of the archive that is the model; empty if the model is none."""
    is_multi_model: bool = False
    """Whether the container serves many models."""
    is_isolated: bool = False
    """Whether the container has no network (EnableNetworkIsolation)."""

    def process_environment(self, model_dir: Path, home: Path) -> dict[str, str]:
        """Returns the environment of the container's process: the container's own, and nothing of this process's."""
        return {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "HOME": str(home),
            "TMPDIR": str(home),
            "PYTHONUNBUFFERED": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            **self.environment,
            **({"SAGEMAKER_MULTI_MODEL": "true"} if self.is_multi_model else {}),
            "SM_MODEL_DIR": str(model_dir),
        }


def prepare(
    definition: Definition,
    model_dir: Path | None,
    workspace: Path,
    open_object: Callable[[str], BinaryIO | None],
    log: Callable[[str], object],
) -> Launch:
    """Makes the code of a container ready.

    Args:
        definition: the container's definition.
        model_dir: the folder of the model, or None for a multi-model container that has loaded none.
        workspace: a folder for the code and the packages that it requires; one that is there already is used as it is.
        open_object: opens an object by its S3 URL, or returns None if there is none.
        log: writes a line to the container's log.

    Returns:
        What the container's process needs to know.

    Raises:
        NotServedError: there is no such code, or its requirements cannot be installed.
    """
    contract = contract_of(definition.image)
    packages = workspace / "packages"
    if contract is Contract.SCIKIT_LEARN:
        if not definition.environment.get(PROGRAM):
            raise NotServedError(f"The variable {PROGRAM} is not set, so the container imports no handler.")
        code_dir: Path | None = _submitted(definition, model_dir, workspace / "code", open_object)
    else:
        code_dir = model_dir and model_dir / "code"
    image = image_of(definition.image)
    is_further_model = definition.is_multi_model and model_dir is not None  # the log has it of the container already
    python = interpreter_for(image, _discard if is_further_model else log) if image else ""
    installs = contract is Contract.SCIKIT_LEARN or not definition.is_multi_model
    if code_dir and installs and (code_dir / "requirements.txt").is_file() and not packages.exists():
        install(
            code_dir / "requirements.txt",
            packages,
            log,
            is_isolated=definition.is_isolated,
            python=python or sys.executable,
        )
    return Launch(
        contract,
        definition.is_multi_model,
        str(model_dir or ""),
        str(code_dir or ""),
        str(packages) if packages.exists() else "",
        python,
        image.version if image else "",
    )


def _discard(_: str) -> None:
    pass


def _submitted(
    definition: Definition, model_dir: Path | None, folder: Path, open_object: Callable[[str], BinaryIO | None]
) -> Path:
    """Returns the folder of the code that `SAGEMAKER_SUBMIT_DIRECTORY` names; `folder` takes what is to be unpacked."""
    location = definition.environment.get(SUBMIT_DIRECTORY, CODE_DIR)
    if location.startswith("s3://"):
        if definition.is_isolated:
            raise NotServedError(
                f"{SUBMIT_DIRECTORY} is {location}, and a container with EnableNetworkIsolation cannot fetch it. "
                f"Put the code into the model's archive, and set {SUBMIT_DIRECTORY} to its folder in {MODEL_DIR}."
            )
        if model_dir and location == definition.model_data_url:
            return model_dir
        if not folder.exists():
            content = open_object(location)
            if content is None:
                raise NotServedError(f"{SUBMIT_DIRECTORY} is {location}, and there is no such object.")
            with content:
                _unpack(content, folder, location)
        return folder
    path = PurePosixPath(posixpath.normpath(posixpath.join("/", location)))
    if location and path == PurePosixPath(CODE_DIR):
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    if location and model_dir and path.is_relative_to(MODEL_DIR) and not definition.is_multi_model:
        source = model_dir / path.relative_to(MODEL_DIR)
        if source.is_dir():
            return source
        if source.is_file():
            _take_file(source, folder, location)
            return folder
    raise NotServedError(
        f"{SUBMIT_DIRECTORY} is {location!r}, and there is no such file or folder in the container. "
        f"It may be an s3://….tar.gz, or a path in {MODEL_DIR}, where the model of a single-model container is."
    )


def _take_file(source: Path, folder: Path, location: str) -> None:
    if folder.exists():
        return
    if tarfile.is_tarfile(source):
        with source.open("rb") as content:
            _unpack(content, folder, location)
    else:
        folder.mkdir(parents=True)
        shutil.copy2(source, folder)


def _unpack(content: BinaryIO, folder: Path, location: str) -> None:
    try:
        unpack(content, folder)
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise NotServedError(
            f"{SUBMIT_DIRECTORY} is {location}, and it cannot be unpacked: {type(error).__name__}: {error}"
        ) from error
