"""Whether an archive is there, and fits the image that shall load it: found out before the model is made."""

import asyncio
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import pulumi

from sagebridge import _sdk
from sagebridge.errors import reason
from sagebridge.images.fit import misfit

_LOOK_UP = "aws:s3/getObject:getObject"
"""``aws.s3.get_object``, called by its token: to import ``pulumi_aws.s3`` takes as long as all of SageMaker's."""


def checked(
    path: str, url: pulumi.Input[str], image: pulumi.Input[str] | None, parent: pulumi.Resource
) -> pulumi.Output[str]:
    """Returns the archive's URL, once the archive is known to be there and to fit the image.

    It is looked for as soon as URL and image are known, in a preview too; the program goes on meanwhile. What a
    resource of the program says may be what this update uploads: in a preview it need not be there yet.

    Args:
        path: name of the argument, for the message.
        url: S3 URL of the archive.
        image: URI of the image.
        parent: what the look-up belongs to; it has the provider.
    """

    async def check(known: Sequence[Any]) -> str:
        known_url, known_image, expected = known
        await _check(path, known_url, known_image, parent, expected=expected)
        return str(known_url)

    return pulumi.Output.all(url, image, _expected(url)).apply(check)


class _Archives:
    """What is known of a program's archives: each is looked up once, however many endpoints or variants load it."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, pulumi.ProviderResource | None], asyncio.Task[Any]] = {}

    def find(self, url: str, parent: pulumi.Resource) -> asyncio.Task[Any]:
        """Returns the look-up of an archive with the provider of a resource."""
        key = url, parent.get_provider(_LOOK_UP)
        if key not in self._found:
            location = urlsplit(url)
            asked = {"bucket": location.netloc, "key": location.path.lstrip("/")}
            opts = pulumi.InvokeOptions(parent=parent, version=version("pulumi-aws"))
            self._found[key] = asyncio.ensure_future(pulumi.runtime.invoke_async(_LOOK_UP, asked, opts))
        return self._found[key]


async def _expected(url: pulumi.Input[str]) -> bool:
    """Tells whether an archive may be missing, as the update would upload it."""
    return pulumi.runtime.is_dry_run() and isinstance(url, pulumi.Output) and bool(await url.resources())


async def _check(path: str, url: str, image: str | None, parent: pulumi.Resource, *, expected: bool) -> None:
    try:
        archive = await _sdk.once(_Archives).find(url, parent)
    except Exception as error:  # the engine has no type of its own for a failed invoke
        why = reason(error)
        if "couldn't find resource" in why or "NotFound" in why:
            if expected:
                return
            why = "it is not there; publish the archive first (sagebridge publish --stack …)"
        raise pulumi.RunError(f"{path}: cannot read {url}: {why}") from error
    if image is not None and (wrong := misfit(image, archive.get("metadata") or {})):
        raise pulumi.RunError(f"{path}: {url} does not fit the image: {wrong}")
