"""The OpenAI route of real-time endpoints: a request with a bearer token goes to the container, and its answer back.

Source: SageMaker Developer Guide, realtime-endpoints-openai-compatible. `README.md` says what is not known of AWS's.
"""

import contextlib
import http.client
import json
from collections.abc import Iterator
from datetime import UTC, datetime

from botocore.credentials import Credentials
from werkzeug.wrappers import Request as HttpRequest
from werkzeug.wrappers import Response

from sagebridge.bearer_token import ExpiredTokenError, Token, TokenError, is_signed_with, read
from sagebridge.local.runtime import BODY_LIMIT
from sagebridge.local.serving.invocations import Invocations
from sagebridge.local.serving.request import Request
from sagebridge.local.shapes import AwsError

CHAT = "/v1/chat/completions"
"""The only path that AWS documents, and the one at which the containers of model servers answer."""
_LOCAL = Credentials("local", "local")
"""The keys of the profile `local`, the only ones whose secret is known here."""


class OpenAi:
    """Answers what is sent to the OpenAI route of endpoints.

    Args:
        invocations: takes the requests.
    """

    def __init__(self, invocations: Invocations) -> None:
        self._invocations = invocations

    def __call__(self, request: HttpRequest, endpoint: str, path: str) -> Response:
        """Answers a request whose token has been checked.

        Args:
            request: the request.
            endpoint: the endpoint's name.
            path: the path of OpenAI's API, such as `/v1/chat/completions`.

        Raises:
            AwsError: as for an InvokeEndpoint.
        """
        if (request.method, path) != ("POST", CHAT):
            message = f"The OpenAI route of an endpoint has POST {CHAT} only, not {request.method} {path}."
            raise AwsError("UnknownOperationException", message, http.client.NOT_FOUND)
        body = request.stream.read(BODY_LIMIT + 1)
        headers = {name: request.headers[name] for name in ("content-type", "accept") if name in request.headers}
        invocation = Request(endpoint, body, headers, path=path)
        return self._stream(invocation) if _asks_for_a_stream(body) else self._invoke(invocation)

    def _invoke(self, invocation: Request) -> Response:
        _, answer = self._invocations.invoke(invocation, BODY_LIMIT)
        return Response(answer.body, answer.status, content_type=answer.headers.get("content-type"))

    def _stream(self, invocation: Request) -> Response:
        with contextlib.ExitStack() as stack:
            _, headers, chunks = stack.enter_context(self._invocations.stream(invocation, BODY_LIMIT))
            response = Response(_until_broken(chunks), content_type=headers.get("content-type"))
            response.call_on_close(stack.pop_all().close)
        return response


def checked_token(request: HttpRequest) -> Token:
    """Returns the bearer token of a request.

    Raises:
        AwsError: there is none, or it is wrong or expired. The status is 403, as for a wrong signature.
    """
    header = request.headers.get("Authorization", "")
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "bearer":
        message = "The OpenAI route of an endpoint takes a bearer token, in the header Authorization, and no signature."
        raise AwsError("MissingAuthenticationTokenException", message, http.client.FORBIDDEN)
    try:
        return _token(text.strip())
    except ExpiredTokenError as error:
        raise AwsError("ExpiredTokenException", _sentence(error), http.client.FORBIDDEN) from error
    except TokenError as error:
        raise AwsError("UnrecognizedClientException", _sentence(error), http.client.FORBIDDEN) from error


def _token(text: str) -> Token:
    token = read(text, datetime.now(UTC))
    if token.access_key == _LOCAL.access_key and not is_signed_with(token, _LOCAL):
        raise TokenError("the token is not signed with the secret of its access key")
    return token


def _sentence(error: TokenError) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}. Make a new one, as `generate_token` of the SageMaker SDK does."


def _asks_for_a_stream(body: bytes) -> bool:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):  # the container says what is wrong
        return False
    return isinstance(content, dict) and content.get("stream") is True


def _until_broken(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yields an answer as it comes; breaks the caller's connection off where the container's breaks off."""
    try:
        yield from chunks
    except (OSError, http.client.HTTPException) as error:
        raise ConnectionAbortedError from error
