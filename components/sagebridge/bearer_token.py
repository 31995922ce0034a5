"""Makes and checks the bearer tokens with which SageMaker's OpenAI route is called.

A token is a request for the action `CallWithBearerToken`, signed in its query string and encoded in Base64. AWS has no
call that gives one out: whoever has credentials signs it. Source: sagemaker-core 2.27.0, `token_generator`.
"""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlencode

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

LONGEST = timedelta(hours=12)
"""The longest time for which a token is valid."""
_PREFIX = "sagemaker-api-key-"
_HOST = "sagemaker.amazonaws.com"
_ACTION = "CallWithBearerToken"
_VERSION = "1"
_ALGORITHM = "AWS4-HMAC-SHA256"
_SERVICE = "sagemaker"
_TIME = "%Y%m%dT%H%M%SZ"
_CLOCK_SKEW = timedelta(minutes=5)
"""By how much the clocks of the caller and of AWS may differ (IAM User Guide, "Signature Version 4")."""
_SCOPE = re.compile(rf"(?P<key>[^/]+)/(?P<date>\d{{8}})/(?P<region>[a-z0-9-]+)/{_SERVICE}/aws4_request")


class TokenError(Exception):
    """A bearer token is not valid."""


class ExpiredTokenError(TokenError):
    """A bearer token is not valid any more."""


class Token(NamedTuple):
    """What a bearer token says."""

    access_key: str
    """The access key with which it is signed."""
    region: str
    """The region for which it is valid."""
    expires: datetime
    """When it expires."""
    query: dict[str, str]
    """The parameters of the signed request."""


def make(credentials: Credentials, region: str, lifetime: timedelta) -> str:
    """Returns a token.

    Args:
        credentials: The caller's credentials.
        region: The region of the endpoints that are called.
        lifetime: How long the token is valid, at most `LONGEST`.
    """
    request = AWSRequest("POST", f"https://{_HOST}/", headers={"host": _HOST}, params={"Action": _ACTION})
    SigV4QueryAuth(credentials, _SERVICE, region, expires=int(lifetime.total_seconds())).add_auth(request)
    url: str = request.prepare().url
    signed = f"{url.removeprefix('https://')}&Version={_VERSION}"
    return _PREFIX + base64.b64encode(signed.encode()).decode()


def read(text: str, now: datetime) -> Token:
    """Reads a token, and checks all of it but its signature.

    Args:
        text: The token.
        now: The time, in UTC.

    Raises:
        ExpiredTokenError: The token has expired.
        TokenError: It is no such token.
    """
    query = _query(text)
    scope = _SCOPE.fullmatch(query.get("X-Amz-Credential", ""))
    if scope is None:
        raise TokenError("the token is not signed for SageMaker")
    if (query.get("Action"), query.get("Version")) != (_ACTION, _VERSION):
        raise TokenError(f"the token is not a request for {_ACTION}")
    try:
        begins = datetime.strptime(query.get("X-Amz-Date", ""), _TIME).replace(tzinfo=UTC)
        lifetime = timedelta(seconds=int(query.get("X-Amz-Expires", "")))
    except (ValueError, OverflowError) as error:
        raise TokenError("the token does not say when it expires") from error
    if f"{begins:%Y%m%d}" != scope["date"] or begins > now + _CLOCK_SKEW:
        raise TokenError("the token is not valid yet")
    if not timedelta(0) < lifetime <= LONGEST:
        raise TokenError("the token must be valid for 1 second to 12 hours")
    if begins + lifetime <= now:
        raise ExpiredTokenError(f"the token expired at {begins + lifetime:%Y-%m-%d %H:%M:%S} UTC")
    return Token(scope["key"], scope["region"], begins + lifetime, query)


def is_signed_with(token: Token, credentials: Credentials) -> bool:
    """Returns whether a token is signed with some credentials."""
    signed = {name: value for name, value in token.query.items() if name not in ("X-Amz-Signature", "Version")}
    request = AWSRequest("POST", f"https://{_HOST}/?{urlencode(signed, quote_via=quote, safe='-_.~')}", {"host": _HOST})
    request.context["timestamp"] = token.query["X-Amz-Date"]
    auth = SigV4QueryAuth(credentials, _SERVICE, token.region)
    signature: str = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    return signature == token.query.get("X-Amz-Signature")


def _query(text: str) -> dict[str, str]:
    """Returns the parameters of the request in a token."""
    try:
        signed = base64.b64decode(text.removeprefix(_PREFIX), validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise TokenError("the token is not encoded in Base64") from error
    host, _, query = signed.partition("/?")
    parameters = parse_qsl(query, keep_blank_values=True)
    if not text.startswith(_PREFIX) or host != _HOST or len(dict(parameters)) != len(parameters):
        raise TokenError(f"the token is not a request to {_HOST}")
    if dict(parameters).get("X-Amz-Algorithm") != _ALGORITHM:
        raise TokenError(f"the token is not signed with {_ALGORITHM}")
    return dict(parameters)
