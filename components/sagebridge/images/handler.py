"""Decides which variables lead a container of AWS's to the handler in its model, and what cannot work. Pure.

What AWS certainly fails is refused. What it serves otherwise than the archive lets one expect is a warning.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from sagebridge.containers.fit import SCIKIT_LEARN, misfit
from sagebridge.containers.launch import MODEL_DIR, PROGRAM, SUBMIT_DIRECTORY, Contract, contract_of, is_known
from sagebridge.images.contents import Contents
from sagebridge.redaction import derived

VARIABLES = (PROGRAM, SUBMIT_DIRECTORY)
"""The variables that lead to a handler."""
HANDLER = "inference.py"
"""The script that is taken for the handler where ``SAGEMAKER_PROGRAM`` names none."""
CODE = "code"
"""The folder in which SageMaker's SDKs put a handler."""
_CODE_DIR = f"{MODEL_DIR}/{CODE}"
_XGBOOST = re.compile(r"(^|/)sagemaker-xgboost([:@]|$)")
_SCIKIT_LEARN_TAG = re.compile(r"(^|/)sagemaker-scikit-learn:(\d+)\.(\d+)[.-]")
_TRANSFORM_FN = (1, 2)
"""The first image of scikit-learn that calls ``transform_fn``.

Source: ``serving.py`` of aws/sagemaker-scikit-learn-container, which has it since e677315 (April 2023); the tags
v0.20.0, v0.23-1 and v1.0-1 are older, and v1.2-1-1 has it.
"""
_STEPS = {"input_fn", "predict_fn", "output_fn"}
_TORCH_SUFFIXES = (".pt", ".pth")
_LISTED = 10
"""Files that a message names."""


class Model(NamedTuple):
    """A model as a container is to load it."""

    image: str
    url: str | None
    """S3 URL of the archive in ``model_data_url``; None if the model is declared by ``model_data_source``."""
    variables: Mapping[str, str | None]
    """Those of ``VARIABLES`` that the user declares; None where the value is not known yet."""
    is_isolated: bool = False
    """Whether the container has no network."""
    sets_defaults: bool = True
    """Whether the component sets what the user does not; if not, the image may bring it."""

    @property
    def root(self) -> str:
        """Where a container of scikit-learn gets a handler at the root of the model from."""
        return MODEL_DIR if self.url is None or self.is_isolated else self.url

    @property
    def program(self) -> str | None:
        """The script that is the handler; None if it is not known yet."""
        return self.variables.get(PROGRAM, HANDLER)

    @property
    def defaults(self) -> dict[str, str]:
        """The variables for a handler at the root of the model."""
        return {PROGRAM: HANDLER, SUBMIT_DIRECTORY: self.root}


class Judgement(NamedTuple):
    """What is decided of a model."""

    variables: Mapping[str, str]
    """The variables that the component sets, unless the user does."""
    problem: str | None = None
    """Why AWS cannot serve the model."""
    warnings: tuple[str, ...] = ()
    """What AWS serves otherwise than one may expect."""
    note: str | None = None
    """What was chosen among several."""
    script: str | None = None
    """Path in the model of the script that is the handler, if it is there."""


def has_rules(image: str) -> bool:
    """Returns whether it is known where an image looks for a handler."""
    return is_known(image) or _XGBOOST.search(image) is not None


def uses_toolkit(image: str) -> bool:
    """Returns whether an image serves with the inference toolkit, which takes a handler out of the model itself."""
    return is_known(image) and contract_of(image) is not Contract.SCIKIT_LEARN


def unseen(model: Model) -> Mapping[str, str]:
    """Returns the variables for a model whose files nobody can see: its handler is taken to be at the root."""
    return model.defaults if model.url is not None and has_rules(model.image) else {}


def judge(model: Model, contents: Contents) -> Judgement:
    """Decides the variables for a model, and says what cannot work.

    Args:
        model: the model.
        contents: its files.
    """
    if not has_rules(model.image):
        return Judgement({})
    judgement = _judge(model, contents)
    version_warnings = _version_warnings(model, contents, judgement.script)
    return judgement._replace(warnings=(*judgement.warnings, *version_warnings))


def _judge(model: Model, contents: Contents) -> Judgement:
    if not model.sets_defaults and set(VARIABLES) - model.variables.keys():
        return Judgement({})
    if not model.program or model.variables.get(SUBMIT_DIRECTORY, "") is None:
        return Judgement(unseen(model))
    judge_model = _in_toolkit if uses_toolkit(model.image) else _submitted
    return judge_model(model, model.program, contents)


def _submitted(model: Model, program: str, contents: Contents) -> Judgement:
    """Judges images that import the handler from the top of what ``SAGEMAKER_SUBMIT_DIRECTORY`` names."""
    submit = model.variables.get(SUBMIT_DIRECTORY)
    if submit is not None:
        return _chosen(model, program, submit, contents)
    in_root, in_code = contents.module("", program), contents.module(CODE, program)
    if in_code or (_installs(contents, CODE) and not in_root):
        note = f"has {in_root} and {in_code}. {in_code} is served, as SageMaker's SDKs do it" if in_root else None
        return Judgement({**model.defaults, SUBMIT_DIRECTORY: _CODE_DIR}, note=note, script=in_code)
    if in_root or _installs(contents, ""):
        return Judgement(model.defaults, script=in_root)
    if not contents.is_whole:
        warning = (
            f"has no {program} among its first files, which are all that is looked at of a large archive. It is taken "
            f"to be at the root. If it is in a folder, set {SUBMIT_DIRECTORY} in environment to {MODEL_DIR}/FOLDER"
        )
        return Judgement(unseen(model), warnings=(warning,))
    if _XGBOOST.search(model.image) and PROGRAM not in model.variables:
        return Judgement({})  # without a script, it serves what the algorithm has trained
    return Judgement({}, _no_handler(program, contents))


def _chosen(model: Model, program: str, submit: str, contents: Contents) -> Judgement:
    """Judges a model of which the user says where its code comes from."""
    variables = {PROGRAM: HANDLER}
    is_submitted_model = submit == model.url
    if submit.startswith("s3://") and model.is_isolated:
        problem = (
            f"cannot be served: {SUBMIT_DIRECTORY} is {submit}, and a container with enable_network_isolation cannot "
            f"fetch it. Put the code into the model's archive, and set {SUBMIT_DIRECTORY} to its folder in {MODEL_DIR}"
        )
        return Judgement(variables, problem)
    path = PurePosixPath(posixpath.normpath(posixpath.join("/", str.__str__(submit))))
    is_in_model = bool(submit) and not submit.startswith("s3://") and path.is_relative_to(MODEL_DIR)
    if not (is_submitted_model or is_in_model):
        return Judgement(variables)  # what is elsewhere is not looked at
    folder = "" if is_submitted_model else str(path.relative_to(MODEL_DIR)).removeprefix(".")
    script = contents.module(folder, program)
    if script or not contents.is_whole or folder in contents.files or _installs(contents, folder):
        return Judgement(variables, script=script)
    if folder and not contents.has_folder(folder):
        lacking = f"no folder {derived(folder, submit)}"
    else:
        lacking = f"no {program} {f'in {derived(folder, submit)}' if folder else 'at its root'}"
    problem = (
        f"has {lacking}, where {PROGRAM} ({program}) and {SUBMIT_DIRECTORY} ({submit}) lead the container. "
        f"{_listing(contents)}. Change the variables in environment, or put the script there"
    )
    return Judgement(variables, problem)


def _in_toolkit(model: Model, program: str, contents: Contents) -> Judgement:
    """Judges images that take the handler out of the model, and have functions of their own for one without it."""
    in_root, in_code = contents.module("", program), contents.module(CODE, program)
    if in_code:
        note = f"has {in_root} and {in_code}. {in_code} is served, as the image looks there first" if in_root else None
        return Judgement({}, note=note, script=in_code)
    if in_root:
        return Judgement(model.defaults, script=in_root)
    if not contents.is_whole:
        return Judgement(unseen(model))
    if contract_of(model.image) is Contract.PYTORCH and not model.variables and not _has_torch_script(contents):
        problem = (
            f"has no {CODE}/{HANDLER}, and without it the image of PyTorch loads model.pt or the only .pt or .pth at "
            f"the root, which is not there either. {_listing(contents)}. "
            f"Pack the handler with `sagebridge package --layout code --handler FILE`"
        )
        return Judgement({}, problem)
    if not model.variables:
        return Judgement({})
    warning = (
        f"has no {program}, neither in {CODE}/ nor at the root, and this image takes a handler from nowhere else. It "
        "will serve with its own functions"
    )
    return Judgement({}, warnings=(warning,))


def _has_torch_script(contents: Contents) -> bool:
    """Returns whether PyTorch's default ``model_fn`` finds a model (see ``containers/pytorch.py``)."""
    models = [file for file in contents.files if file.endswith(_TORCH_SUFFIXES) and "/" not in file]
    return "model.pt" in models or len(models) == 1


def _installs(contents: Contents, folder: str) -> bool:
    """Returns whether the container installs a package from a folder, which may bring any module.

    Source: ``_modules.py`` of sagemaker-containers 2.8.6, which writes a setup.py only where there is none.
    """
    return str(PurePosixPath(folder, "setup.py")) in contents.files


def _no_handler(program: str, contents: Contents) -> str:
    """Says that a model has no handler, and the ways out."""
    elsewhere = [PurePosixPath(file) for file in contents.files if file.endswith(f"/{str.__str__(program)}")]
    folder = f"{MODEL_DIR}/{elsewhere[0].parent}" if elsewhere else None
    ways = [
        f"set {SUBMIT_DIRECTORY} in environment to {derived(folder, program)}, where it is" if folder else None,
        "put it into the archive (`sagebridge package --handler FILE`)",
        (
            f"set {PROGRAM} and {SUBMIT_DIRECTORY} in environment to a script and to the s3:// URL of another .tar.gz "
            "that has it at its top"
        ),
        "set default_environment to false if the image itself says where its code is",
    ]
    return (
        f"has no {program} at its root or in {CODE}/, so the container would find no handler and the endpoint would "
        f"fail. {_listing(contents)}. Either {'; or '.join(filter(None, ways))}"
    )


def _listing(contents: Contents) -> str:
    names = sorted(contents.files)
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"It has {', '.join(names[:_LISTED]) or 'no files'}{more}"


def _version_warnings(model: Model, contents: Contents, script: str | None) -> Iterator[str]:
    """Says what the version of scikit-learn in the image changes."""
    tag = _SCIKIT_LEARN_TAG.search(model.image)
    is_old = tag is not None and (int(tag[2]), int(tag[3])) < _TRANSFORM_FN
    functions = set(contents.functions(script) or ()) if script and is_old else set()
    if "transform_fn" in functions and not functions & _STEPS:
        yield (
            f"has a handler with transform_fn, which the image {model.image} never calls: images of scikit-learn "
            f"before {'.'.join(map(str, _TRANSFORM_FN))} call input_fn, predict_fn and output_fn alone, and have their "
            "own for those that a handler does not have. Write these three, or take a newer image"
        )
    if contents.pickled_with and not contents.versions:
        mismatch = misfit(model.image, {SCIKIT_LEARN: contents.pickled_with})
        if mismatch:
            yield f"may not load: {mismatch}"
