"""Checks that a model is there, fits its image and has its handler where the image looks, before the model is made."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pulumi

from sagebridge import _sdk
from sagebridge.containers.fit import misfit
from sagebridge.endpoint.outputs import resolved
from sagebridge.endpoint.refusal import camel_case
from sagebridge.errors import reason
from sagebridge.images import handler
from sagebridge.images.contents import Contents
from sagebridge.images.objects import Archive, Objects
from sagebridge.redaction import Concealed


class Code(NamedTuple):
    """What of a container's definition decides where its code comes from."""

    image: pulumi.Input[str] | None
    environment: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    """The variables that the user declares."""
    sets_defaults: bool
    """Whether the component sets those that the user does not."""
    is_isolated: pulumi.Input[bool]
    """Whether the container has no network."""


class Loaded(NamedTuple):
    """A model that a container can load."""

    url: str
    variables: Mapping[str, str]
    """The variables that lead the container to its handler."""


class _Argument(NamedTuple):
    """The argument that names a model, for what there is to say of that model."""

    path: str
    parent: pulumi.Resource
    may_be_replaced: bool
    """Whether this is a preview of an update that may put another model in its place, or the first one."""

    def refuse(self, problem: str) -> None:
        """Fails because of a problem; only warns of it if the update may end it."""
        if not self.may_be_replaced:
            raise _sdk.failure(self._text(problem))
        self.warn(f"{problem}. It is refused unless this update replaces it")

    def warn(self, warning: str) -> None:
        """Warns."""
        pulumi.log.warn(self._text(warning), self.parent)

    def note(self, note: str) -> None:
        """Tells what was chosen."""
        pulumi.log.info(self._text(note), self.parent)

    def _text(self, text: str) -> str:
        """Returns a text with the names that the program's language has for the arguments."""
        return f"{self.path}: {camel_case(text) if _sdk.runs_in_plugin() else text}."


def checked(
    path: str, url: pulumi.Input[str], code: Code, parent: pulumi.Resource, *, is_source: bool = False
) -> pulumi.Output[Loaded]:
    """Returns an archive, once it is known to exist, to fit the image and to have its handler in its place.

    The archive is looked up as soon as URL and image are known, in a preview too; the program goes on meanwhile. An
    archive whose URL comes from a resource may be one that this update uploads: in a preview it may be missing.

    Args:
        path: name of the argument, for the message.
        url: S3 URL of the archive.
        code: where the container's code comes from.
        parent: the resource whose provider looks the archive up.
        is_source: whether the archive is a ``model_data_source``.
    """

    async def check(values: Sequence[Any]) -> Loaded:
        plain_url, _, may_be_missing = values
        argument = _Argument(path, parent, may_be_missing)
        shown_url, shown_image = await resolved(url) or "", await resolved(code.image)
        model = await _model(code, shown_image, None if is_source else shown_url)
        reads = model is not None and handler.has_rules(model.image)
        archive = await _look_up(argument, shown_url, reads=reads)
        contents = archive.contents if archive else None
        if archive:
            versions = {**(contents.versions if contents else {}), **archive.metadata}
            if shown_image is not None and (problem := misfit(shown_image, versions)):
                argument.refuse(f"{shown_url} does not fit the image: {problem}")
            if contents:
                contents = replace(contents, versions=versions)
            if archive.damage:
                argument.warn(f"the files of {shown_url} cannot be read: {archive.damage}")
        return Loaded(plain_url, _variables(argument, shown_url, model, contents))

    if isinstance(url, str):  # an image that is not known yet is most likely AWS's
        _sdk.once(Objects).begin(url, parent, reads=not isinstance(code.image, str) or handler.has_rules(code.image))
    return pulumi.Output.all(url, code.image, _may_be_missing(url)).apply(check)


def listed(path: str, uri: pulumi.Input[str], code: Code, parent: pulumi.Resource) -> pulumi.Output[Loaded]:
    """Returns uncompressed model data, once its handler is known to be in its place, as far as it can be listed.

    Args:
        path: name of the argument, for the message.
        uri: S3 URI of an object, or of a prefix, which ends in a slash.
        code: where the container's code comes from.
        parent: the resource whose provider lists the objects.
    """

    async def check(values: Sequence[Any]) -> Loaded:
        plain_uri, _, may_be_missing = values
        argument = _Argument(path, parent, may_be_missing)
        shown_uri, shown_image = await resolved(uri) or "", await resolved(code.image)
        model = await _model(code, shown_image, None)
        reads = model is not None and handler.has_rules(model.image)
        contents = await _files_below(argument, shown_uri) if reads else None
        return Loaded(plain_uri, _variables(argument, shown_uri, model, contents))

    return pulumi.Output.all(uri, code.image, _may_be_missing(uri)).apply(check)


async def _model(code: Code, image: str | None, url: str | None) -> handler.Model | None:
    """Returns what decides where a handler is looked for; None if the image is not known."""
    if image is None:
        return None
    declared: Any = code.environment
    if not isinstance(declared, Mapping):
        declared = await resolved(declared)
    if declared is None:
        declared = dict.fromkeys(handler.VARIABLES)
    variables = {name: await resolved(declared[name]) for name in handler.VARIABLES if name in declared}
    is_isolated = await resolved(code.is_isolated) is True
    return handler.Model(image, url, variables, is_isolated, code.sets_defaults)


def _variables(
    argument: _Argument, url: str, model: handler.Model | None, contents: Contents | None
) -> Mapping[str, str]:
    """Returns the variables that the component sets; says what there is to say of the model."""
    if model is None:
        return {}
    judgement = handler.judge(model, contents) if contents else handler.Judgement(handler.unseen(model))
    if judgement.problem:
        argument.refuse(f"{url} {judgement.problem}")
    for warning in judgement.warnings:
        argument.warn(f"{url} {warning}")
    if judgement.note:
        argument.note(f"{url} {judgement.note}")
    return {name: str.__str__(value) for name, value in judgement.variables.items()}


async def _may_be_missing(url: pulumi.Input[str]) -> bool:
    return pulumi.runtime.is_dry_run() and isinstance(url, pulumi.Output) and bool(await url.resources())


async def _look_up(argument: _Argument, url: str, *, reads: bool) -> Archive | None:
    """Returns what there is of an archive; None if it is missing and may be."""
    try:
        return await _sdk.once(Objects).look_up(url, argument.parent, reads=reads)
    except Exception as error:  # the engine has no type of its own for a failed invoke
        why = reason(error)
        if "couldn't find resource" in why or "NotFound" in why:
            if argument.may_be_replaced:
                return None
            why = "it is not there; publish the archive first (sagebridge publish --stack …)"
        elif "StatusCode: 416" in why:  # S3 has no range of an empty object
            why = "it is empty"
        elif isinstance(url, Concealed):
            why = "the answer is not shown, because it may contain the URL, which is a secret"
        raise _sdk.failure(f"{argument.path}: cannot read {url}: {why}") from error


async def _files_below(argument: _Argument, uri: str) -> Contents | None:
    """Returns the files of uncompressed model data; None if they cannot be told, which a warning then says."""
    if not uri.endswith("/"):
        return Contents([PurePosixPath(urlsplit(str.__str__(uri)).path).name], is_whole=True)
    try:
        return await _sdk.once(Objects).list(uri, argument.parent)
    except Exception as error:  # noqa: BLE001 - the engine has no type of its own for a failed invoke
        why = "" if isinstance(uri, Concealed) else f": {reason(error)}"
        argument.warn(f"{uri} cannot be listed, so it is not known whether it has a handler{why}")
        return None
