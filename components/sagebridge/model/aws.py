"""Settings of the AWS clients of this room, which give up soon and say why in one line."""

import contextlib
from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError

from sagebridge.errors import UserError


@contextlib.contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Turns an error of AWS, or of the connection to it, into a `UserError`: "cannot `doing`: …"."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        reason = " ".join(str(error).split())
        is_local = "Could not connect" in reason and "127.0.0.1" in reason
        hint = "; is the local AWS running? `sagebridge local start` starts it" if is_local else ""
        raise UserError(f"cannot {doing}: {reason}{hint}") from error
