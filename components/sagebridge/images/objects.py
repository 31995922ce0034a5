"""Looks objects in S3 up, each once in a program, however many endpoints or variants load it.

The AWS provider has the last word: all of its settings hold for it, and a unit test's mocks answer in its place. But
its data source calls S3 three times in a row, and hands what it reads on through the engine. So an object is first read
here, with one call, while the engine starts the provider. Only the default provider's settings are known that early. If
the call fails, for whatever reason, the provider is asked.
"""

import asyncio
import base64
import zlib
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from importlib.metadata import version
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pulumi

from sagebridge import _aws, _provider, _sdk, threads
from sagebridge._tarfile import tarfile
from sagebridge.images.contents import BEGINNING, Contents, contents_of

_LOOK_UP = "aws:s3/getObject:getObject"
"""``aws.s3.get_object``, called by its token: to import ``pulumi_aws.s3`` takes as long as all of SageMaker's."""
_LIST = "aws:s3/getObjects:getObjects"
_LISTED = 1000
"""Objects below a prefix that are listed."""
_RANGE = f"bytes=0-{BEGINNING - 1}"


class Archive(NamedTuple):
    """What there is of an archive."""

    metadata: Mapping[str, str]
    """The metadata of its object."""
    contents: Contents | None = None
    """Its files; None if nobody looked."""
    damage: str | None = None
    """Why its files cannot be told."""


class _Object(NamedTuple):
    metadata: Mapping[str, str]
    beginning: bytes | None
    """Its first bytes; None if they were not asked for."""


class Objects:
    """Looks up a program's archives and prefixes."""

    def __init__(self) -> None:
        self._settings = _provider.whole_default() if _sdk.runs_on_engine() else None
        self._objects: dict[tuple[str, bool], Future[_Object]] = {}
        self._look_ups: dict[tuple[str, bool, pulumi.ProviderResource | None], asyncio.Task[Archive]] = {}
        self._lists: dict[tuple[str, pulumi.ProviderResource | None], asyncio.Task[Contents | None]] = {}

    def begin(self, url: str, parent: pulumi.Resource, *, reads: bool) -> Future[_Object] | None:
        """Begins to read an object at once, so that it is there when the program has been declared.

        Returns:
            The object that is read; None if only the provider can read it.
        """
        if self._settings is None or parent.get_provider(_LOOK_UP):
            return None
        if (url, True) in self._objects:
            return self._objects[url, True]
        if (url, reads) not in self._objects:
            self._objects[url, reads] = threads.begin(_get, self._settings, url, reads=reads)
        return self._objects[url, reads]

    def look_up(self, url: str, parent: pulumi.Resource, *, reads: bool) -> asyncio.Task[Archive]:
        """Returns the look-up of an archive with the provider of a resource; it may read the archive's files, too."""
        key = url, reads, parent.get_provider(_LOOK_UP)
        if key not in self._look_ups:
            self._look_ups[key] = asyncio.ensure_future(self._look_up(url, parent, reads=reads))
        return self._look_ups[key]

    def list(self, uri: str, parent: pulumi.Resource) -> asyncio.Task[Contents | None]:
        """Returns the list of the objects below a prefix, with the provider of a resource."""
        key = uri, parent.get_provider(_LIST)
        if key not in self._lists:
            self._lists[key] = asyncio.ensure_future(_list(uri, parent))
        return self._lists[key]

    async def _look_up(self, url: str, parent: pulumi.Resource, *, reads: bool) -> Archive:
        metadata, beginning = await self._object(url, parent, reads=reads)
        if not beginning:
            return Archive(metadata)
        try:
            return Archive(metadata, await threads.call(contents_of, beginning))
        except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
            return Archive(metadata, damage=f"{type(error).__name__}: {error}")

    async def _object(self, url: str, parent: pulumi.Resource, *, reads: bool) -> _Object:
        if begun := self.begin(url, parent, reads=reads):
            with suppress(Exception):  # what the provider answers counts
                return await asyncio.wrap_future(begun)
        bucket, key = _location(url)
        arguments = {"bucket": bucket, "key": key}
        if reads:
            arguments |= {"range": _RANGE, "downloadBody": "true"}
        answer = await _invoke(_LOOK_UP, arguments, parent)
        body = answer.get("bodyBase64") if reads else None  # a user's unit test need not answer
        return _Object(answer.get("metadata") or {}, base64.b64decode(body) if body else None)


def _get(settings: _aws.Settings, url: str, *, reads: bool) -> _Object:
    """Reads an object's metadata and, if asked to, its beginning."""
    client = _aws.object_client(settings)
    bucket, key = _location(url)
    if not reads:
        return _Object(client.head_object(Bucket=bucket, Key=key)["Metadata"], None)
    answer = client.get_object(Bucket=bucket, Key=key, Range=_RANGE)
    return _Object(answer["Metadata"], answer["Body"].read())


async def _list(uri: str, parent: pulumi.Resource) -> Contents | None:
    bucket, prefix = _location(uri)
    answer = await _invoke(_LIST, {"bucket": bucket, "prefix": prefix, "maxKeys": _LISTED}, parent)
    keys = answer.get("keys") or []
    names = [key.removeprefix(prefix) for key in keys if not key.endswith("/")]
    return Contents(names, is_whole=len(keys) < _LISTED) if names else None  # AWS itself refuses an empty prefix


async def _invoke(token: str, arguments: Mapping[str, Any], parent: pulumi.Resource) -> Mapping[str, Any]:
    opts = pulumi.InvokeOptions(parent=parent, version=version("pulumi-aws"))
    answer: Mapping[str, Any] = await pulumi.runtime.invoke_async(token, arguments, opts) or {}
    return answer


def _location(url: str) -> tuple[str, str]:
    """Returns the bucket and the key of an S3 URL, also of one that is a secret."""
    location = urlsplit(str.__str__(url))
    return location.netloc, location.path.lstrip("/")
