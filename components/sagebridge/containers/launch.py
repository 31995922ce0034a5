"""What a container serves: which of AWS's contracts its image follows, and where its model and its code are."""

from __future__ import annotations

import re
import sys
from enum import Enum
from typing import NamedTuple

PROGRAM = "SAGEMAKER_PROGRAM"
"""The variable that names the script that is the handler."""
SUBMIT_DIRECTORY = "SAGEMAKER_SUBMIT_DIRECTORY"
"""The variable that says where AWS's scikit-learn container gets the code from."""
MODEL_DIR = "/opt/ml/model"
"""The folder of the model in AWS's containers."""
CODE_DIR = "/opt/ml/code"
"""The folder of the code in AWS's scikit-learn container."""


class Contract(str, Enum):
    """What an image expects of a handler, and does without one."""

    SCIKIT_LEARN = "scikit-learn"
    """sagemaker-containers, which serves with Flask; an archive of which no image is known is asked by this one."""
    PYTORCH = "PyTorch"
    """The inference toolkit, with PyTorch's defaults."""
    HUGGING_FACE = "Hugging Face"
    """The inference toolkit, as changed by Hugging Face."""


_IMAGES = {
    Contract.SCIKIT_LEARN: re.compile(r"(^|/)sagemaker-scikit-learn([:@]|$)"),
    Contract.PYTORCH: re.compile(r"(^|/)pytorch-inference(-[a-z0-9]+)?([:@]|$)"),
    Contract.HUGGING_FACE: re.compile(r"(^|/)huggingface-(pytorch|tensorflow)-inference([:@]|$)"),
}
"""The repositories of AWS's images, as sagemaker-core's tables name them (see `images/tables/`)."""


class Launch(NamedTuple):
    """What a container's process needs to know before it loads the handler. It is sent as JSON."""

    contract: str
    """The `Contract` of the image."""
    is_multi_model: bool
    """Whether the container serves many models; then this is one of them."""
    model_dir: str
    """The folder of the model; empty in a multi-model container that has loaded none."""
    code_dir: str
    """The folder of the code; empty if the image looks for it in the model only."""
    packages: str
    """The folder of what requirements.txt adds to the environment; empty if it adds nothing."""
    python: str = ""
    """The interpreter of an environment with the image's packages; empty for this process's own."""
    image: str = ""
    """The version of the image, if it is known what the image has; see `image.py`."""

    @property
    def uses_toolkit(self) -> bool:
        """Whether the container serves with the inference toolkit, and so with a model server in front."""
        return self.is_multi_model or self.contract != Contract.SCIKIT_LEARN

    @property
    def working_dir(self) -> str:
        """The folder in which the process works: the model server starts it in the model's."""
        return self.model_dir if self.uses_toolkit and self.model_dir else "/"

    def use_packages(self) -> None:
        """Lets what the code requires come before this environment; nothing that it replaces must be imported yet."""
        if self.packages:
            place = next(number for number, folder in enumerate(sys.path) if folder.endswith("site-packages"))
            sys.path.insert(place, self.packages)

    @property
    def import_dirs(self) -> list[str]:
        """The folders from which the handler and the modules beside it are imported, the first first.

        The model servers add the model's own folder (`WorkerLifeCycle.java` of awslabs/multi-model-server, and
        `EnvironmentUtils.java` of pytorch/serve).
        """
        if not self.uses_toolkit:
            return [self.code_dir]
        if self.contract == Contract.SCIKIT_LEARN or (self.contract == Contract.PYTORCH and self.is_multi_model):
            return [self.model_dir, self.code_dir]
        return [self.code_dir, self.model_dir]


def contract_of(image: str) -> Contract:
    """Returns the contract that an image follows."""
    return next((contract for contract, pattern in _IMAGES.items() if pattern.search(image)), Contract.SCIKIT_LEARN)


def is_known(image: str) -> bool:
    """Returns whether an image is one of AWS's whose contract is served here; no other is served by a handler."""
    return any(pattern.search(image) for pattern in _IMAGES.values())
