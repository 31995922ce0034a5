"""How this room calls AWS: it gives up soon, and says why in one line."""

import contextlib
from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError

from sagebridge.model.errors import CommandError


@contextlib.contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Turn what AWS or the way to it answers into a `CommandError`: "cannot `doing`: …"."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        said = " ".join(str(error).split())
        down = "Could not connect" in said and "127.0.0.1" in said
        hint = "; is the local AWS running? `sagebridge local start` starts it" if down else ""
        raise CommandError(f"cannot {doing}: {said}{hint}") from error
