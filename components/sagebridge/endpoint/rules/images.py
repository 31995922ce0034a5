"""Rules of images on instances, and of models on the Hugging Face Hub."""

import re
from collections.abc import Iterator, Mapping

from sagebridge.endpoint.args import ContainerArgs, HuggingFaceModelArgs, SageMakerEndpointArgs
from sagebridge.endpoint.parts import containers, field_path, models
from sagebridge.endpoint.placements import placements
from sagebridge.endpoint.rules.common import Problems, is_known, is_structure, refused_fields
from sagebridge.endpoint.schema import UNKNOWN
from sagebridge.images.compatibility import judge
from sagebridge.images.servers import Server, frameworks, server_of
from sagebridge.images.uris import FRAMEWORKS, MODEL_SERVERS
from sagebridge.validation import Problem
from sagebridge.wording import listed

_LLAMA_CPP = "huggingface-llamacpp"
_MODEL_ID = re.compile(r"(?!.*(?:--|\.\.))(?:\b[\w.-]+\b/)?\b[\w.-]{1,96}\b")
"""What the Hub takes for the name of a repository (huggingface_hub: utils/_validators.py, validate_repo_id)."""
_GGUF_MODEL_ID = re.compile(rf"{_MODEL_ID.pattern}(?::[\w.-]+)?")
"""llama.cpp takes the name of a quantization after a colon (ggml-org/llama.cpp: ``--hf-repo``)."""
_PAGE = re.compile(r"(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/([\w.-]+/[\w.-]+)(?:/.*)?")
"""The address of a model's page on the Hub."""


def _on_instances(_: str, args: SageMakerEndpointArgs) -> Problems:
    """See ``images/compatibility.py``."""
    refused: list[Problem] = []
    for placement in placements(args):
        image, combination = placement.image, placement.combination
        framework = placement.container.get("framework")
        if isinstance(image, Problem) and (framework in MODEL_SERVERS or framework not in FRAMEWORKS):
            refused.append(placement.located(image))
        if combination is not None:
            refused += [placement.located(problem) for problem in judge(combination).refusals]
    yield from dict.fromkeys(refused)


def _model_sources(_: str, args: SageMakerEndpointArgs) -> Problems:
    """A model server is told one model (``images/servers.py``)."""
    for path, model in models(args):
        for where, container in containers(path, model):
            hub_model = container.get("hugging_face_model")
            if hub_model is not None:
                yield from _hub_model(where, container, args)
            elif container.get("framework") in MODEL_SERVERS and not _names_model(container):
                rule = f"is required with framework {container.get('framework')}, unless model_data_url, "
                rule += "model_data_source or environment names the model"
                yield Problem(field_path(where, "hugging_face_model"), rule, fix='Write {"id": "…"}.')


def _names_model(container: ContainerArgs) -> bool:
    """Tells whether a container has a model beside the Hub's, or a variable that may name one."""
    variables = container.get("environment", {})
    by_variable = not isinstance(variables, Mapping) or any("MODEL" in name or "HF_REPO" in name for name in variables)
    return "model_data_url" in container or "model_data_source" in container or by_variable


def _hub_model(path: str, container: ContainerArgs, args: SageMakerEndpointArgs) -> Problems:
    framework = container.get("framework")
    image: object = container.get("image")
    rule = "cannot be combined with hugging_face_model"
    yield from refused_fields(path, container, ["model_data_url", "model_data_source"], rule)
    if container.get("mode") == "MultiModel":
        yield Problem(field_path(path, "mode"), "cannot be MultiModel with hugging_face_model")
    if args.get("enable_network_isolation") is True:
        fix = "Without a network, the container cannot download the model. Upload it to S3, and set model_data_source."
        yield Problem("enable_network_isolation", rule, fix=fix)
    if image is UNKNOWN:
        fix = "The variables that name the model depend on it. Set framework, or the variables in environment."
        yield Problem(field_path(path, "image"), "must be a plain value with hugging_face_model", fix=fix)
        return
    server = server_of(framework if is_known(framework) else None, image if isinstance(image, str) else None)
    if server is None and (framework is None or framework in FRAMEWORKS):
        where = field_path(path, "hugging_face_model")
        rule = f"needs a framework that is told a model so: {listed(frameworks(), 'or')}"
        yield Problem(where, rule, fix="For any other image, set its own variables in environment.")
    model = container["hugging_face_model"]
    if server is not None and is_structure(model):
        yield from _told(path, container, model, server)


def _told(path: str, container: ContainerArgs, model: HuggingFaceModelArgs, server: Server) -> Problems:
    """Finds what is wrong with how a server is told a model."""
    where, model_id = field_path(path, "hugging_face_model"), model.get("id")
    is_llama_cpp = server.framework == _LLAMA_CPP
    if is_known(model_id) and not (_GGUF_MODEL_ID if is_llama_cpp else _MODEL_ID).fullmatch(model_id):
        page = _PAGE.fullmatch(model_id)
        fix = f"Write {page[1]}." if page and repr(model_id) == repr(str.__str__(model_id)) else ""
        yield Problem(
            f"{where}.id", "must be the name of a repository on the Hub, such as Qwen/Qwen3-8B", model_id, fix
        )
    if is_known(model.get("revision")) and not model.get("revision"):
        yield Problem(f"{where}.revision", "must not be empty")
    if "revision" in model and server.revision is None:
        rule = f"cannot be set with {server.framework}, which always loads the main branch"
        yield Problem(
            f"{where}.revision", rule, fix="To pin a model, upload its file to S3, and set model_data_source."
        )
    variables = container.get("environment", {})
    if not isinstance(variables, Mapping):
        return
    for name, field in _variables(model, server):
        if name in variables:
            rule = f"cannot be combined with hugging_face_model.{field}, which sets it"
            yield Problem(field_path(path, f"environment[{name!r}]"), rule)


def _variables(model: HuggingFaceModelArgs, server: Server) -> Iterator[tuple[str, str]]:
    """Lists the variables that a declared model sets, each with its field."""
    yield server.model.name, "id"
    if "revision" in model and server.revision is not None:
        yield server.revision.name, "revision"
    if "token" in model:
        yield from ((variable.name, "token") for variable in server.tokens)


RULES = (_on_instances, _model_sources)
