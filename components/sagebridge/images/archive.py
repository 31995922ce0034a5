"""Checks that an archive exists and fits the image that is to load it, before the model is made."""

import asyncio
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import pulumi

from sagebridge import _sdk
from sagebridge.containers.fit import misfit
from sagebridge.endpoint.outputs import resolved
from sagebridge.errors import reason
from sagebridge.redaction import Concealed

_LOOK_UP = "aws:s3/getObject:getObject"
"""``aws.s3.get_object``, called by its token: to import ``pulumi_aws.s3`` takes as long as all of SageMaker's."""


def checked(
    path: str, url: pulumi.Input[str], image: pulumi.Input[str] | None, parent: pulumi.Resource
) -> pulumi.Output[str]:
    """Returns the archive's URL, once the archive is known to exist and to fit the image.

    The archive is looked up as soon as URL and image are known, in a preview too; the program goes on meanwhile. An
    archive whose URL comes from a resource may be one that this update uploads: in a preview it may be missing.

    Args:
        path: name of the argument, for the message.
        url: S3 URL of the archive.
        image: URI of the image.
        parent: the resource whose provider looks the archive up.
    """

    async def check(values: Sequence[Any]) -> str:
        plain_url, _, may_be_missing = values
        shown_url, shown_image = await resolved(url) or "", await resolved(image)
        await _check(path, shown_url, shown_image, parent, may_be_missing=may_be_missing)
        return str(plain_url)

    return pulumi.Output.all(url, image, _may_be_missing(url)).apply(check)


class _Archives:
    """Looks up each of a program's archives once, however many endpoints or variants load it."""

    def __init__(self) -> None:
        self._look_ups: dict[tuple[str, pulumi.ProviderResource | None], asyncio.Task[Mapping[str, Any]]] = {}

    def look_up(self, url: str, parent: pulumi.Resource) -> asyncio.Task[Mapping[str, Any]]:
        """Returns the look-up of an archive with the provider of a resource."""
        key = url, parent.get_provider(_LOOK_UP)
        if key not in self._look_ups:
            location = urlsplit(str.__str__(url))
            arguments = {"bucket": location.netloc, "key": location.path.lstrip("/")}
            opts = pulumi.InvokeOptions(parent=parent, version=version("pulumi-aws"))
            self._look_ups[key] = asyncio.ensure_future(pulumi.runtime.invoke_async(_LOOK_UP, arguments, opts))
        return self._look_ups[key]


async def _may_be_missing(url: pulumi.Input[str]) -> bool:
    return pulumi.runtime.is_dry_run() and isinstance(url, pulumi.Output) and bool(await url.resources())


async def _check(path: str, url: str, image: str | None, parent: pulumi.Resource, *, may_be_missing: bool) -> None:
    try:
        archive = await _sdk.once(_Archives).look_up(url, parent)
    except Exception as error:  # the engine has no type of its own for a failed invoke
        why = reason(error)
        if "couldn't find resource" in why or "NotFound" in why:
            if may_be_missing:
                return
            why = "it is not there; publish the archive first (sagebridge publish --stack …)"
        elif isinstance(url, Concealed):
            why = "the answer is not shown, because it may contain the URL, which is a secret"
        raise _sdk.failure(f"{path}: cannot read {url}: {why}") from error
    versions = archive.get("metadata") or {}  # a user's unit test need not answer
    if image is not None and (problem := misfit(image, versions)):
        raise _sdk.failure(f"{path}: {url} does not fit the image: {problem}")
