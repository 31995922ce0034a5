"""Whether an archive is there, and fits the image that shall load it: found out before the model is made."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import pulumi
import pulumi_aws as aws

from components.errors import reason
from components.images.fit import misfit


def checked(
    path: str, url: pulumi.Input[str], image: pulumi.Input[str] | None, parent: pulumi.Resource
) -> pulumi.Output[str]:
    """Returns the archive's URL, once the archive is known to be there and to fit the image.

    Plain values are checked here and now, in a preview too; outputs as soon as they are known. What a resource of the
    program says may be what this update uploads: in a preview it need not be there yet.

    Args:
        path: name of the argument, for the message.
        url: S3 URL of the archive.
        image: URI of the image.
        parent: what the look-up belongs to; it has the provider.
    """
    if isinstance(url, str) and (image is None or isinstance(image, str)):
        _check(path, url, image, parent)
        return pulumi.Output.from_input(url)

    def check(known: Sequence[Any]) -> str:
        known_url, known_image, expected = known
        _check(path, known_url, known_image, parent, expected=expected)
        return str(known_url)

    return pulumi.Output.all(url, image, _expected(url)).apply(check)


async def _expected(url: pulumi.Input[str]) -> bool:
    """Tells whether an archive may be missing, as the update would upload it."""
    return pulumi.runtime.is_dry_run() and isinstance(url, pulumi.Output) and bool(await url.resources())


def _check(path: str, url: str, image: str | None, parent: pulumi.Resource, *, expected: bool = False) -> None:
    location = urlsplit(url)
    try:
        archive = aws.s3.get_object(
            bucket=location.netloc, key=location.path.lstrip("/"), opts=pulumi.InvokeOptions(parent=parent)
        )
    except Exception as error:  # the engine has no type of its own for a failed invoke
        why = reason(error)
        if "couldn't find resource" in why or "NotFound" in why:
            if expected:
                return
            why = "it is not there; publish the archive first (python -m model publish --stack …)"
        raise pulumi.RunError(f"{path}: cannot read {url}: {why}") from error
    if image is not None and (wrong := misfit(image, archive.metadata)):
        raise pulumi.RunError(f"{path}: {url} does not fit the image: {wrong}")
