"""Asks a model a question by OpenAI's API, with a bearer token.

Source: SageMaker Developer Guide, realtime-endpoints-openai-compatible.
"""

import contextlib
import http.client
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies
from urllib3.exceptions import HTTPError

from sagebridge import _aws, bearer_token
from sagebridge.errors import UserError
from sagebridge.model.aws import aws_errors
from sagebridge.model.failure import why

_LIFETIME = timedelta(minutes=5)
"""How long the token is valid, which is used once."""
_TIMEOUTS = (3.0, 70.0)
"""Seconds to connect, and between two pieces of the answer; SageMaker gives a container 60 s."""
_DATA = b"data:"
_DONE = b"[DONE]"


def chat(endpoint: str, text: str, *, stream: bool) -> Iterator[bytes]:
    """Sends a question to the model behind an endpoint, and yields its answer.

    Args:
        endpoint: The endpoint's name.
        text: The question, as a user's message.
        stream: Whether the answer is yielded as the model speaks.

    Raises:
        UserError: The model or AWS refuses the request, the answer is not one of OpenAI's API, or AWS cannot be
            reached.
    """
    with aws_errors(f"chat with the endpoint {endpoint}"):
        client = _aws.runtime_client({}, _aws.IMPATIENT)
        token = bearer_token.make(_credentials(), client.meta.region_name, _LIFETIME)
        url = f"{client.meta.endpoint_url}/endpoints/{endpoint}/openai/v1/chat/completions"
        # The model is that of the endpoint; vLLM takes an empty name for whichever it serves.
        content = {"model": "", "messages": [{"role": "user", "content": text}], "stream": stream}
        since = time.time()
        with contextlib.closing(_session(url)) as session:
            response = session.send(_request(url, token, content))
            try:
                if response.status_code != http.client.OK:
                    raise UserError(_refusal(endpoint, response, since))
                yield from _pieces(endpoint, response) if stream else [_text(endpoint, response.content, "message")]
            except HTTPError as error:  # botocore does not turn it into its own
                raise UserError(f"the answer of {endpoint} broke off: {error}") from error


def _credentials() -> Credentials:
    keys = _aws.keys({})
    return Credentials(keys["access_key"], keys["secret_key"], keys.get("token"))


def _session(url: str) -> URLLib3Session:
    return URLLib3Session(
        verify=os.environ.get("AWS_CA_BUNDLE") or True,  # type: ignore[arg-type] # the stubs lack the name of a file
        proxies=get_environ_proxies(url),
        timeout=_TIMEOUTS,  # type: ignore[arg-type] # and that there may be two
    )


def _request(url: str, token: str, content: Mapping[str, object]) -> Any:  # noqa: ANN401 - botocore's prepared request
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return AWSRequest("POST", url, headers, json.dumps(content).encode(), stream_output=True).prepare()


def _pieces(endpoint: str, response: AWSResponse) -> Iterator[bytes]:
    """Yields the pieces of a streamed answer: of events, as vLLM sends them, or of lines of JSON, as LMI does."""
    for line in _lines(response.raw.stream()):
        data = line.removeprefix(_DATA).strip()
        if data == _DONE:
            return
        if data.startswith(b"{"):
            yield _text(endpoint, data, "delta")


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    yield rest


def _text(endpoint: str, body: bytes, member: str) -> bytes:
    """Returns the text of an answer, or of a piece of one; what has no text, such as a call of a tool, as JSON.

    Args:
        endpoint: The endpoint's name.
        body: The JSON of the answer.
        member: Where a choice has its message: `message`, or `delta` in a piece.
    """
    try:
        content: Any = json.loads(body)
        choices = content["choices"]
        message = choices[0][member] if choices else {}
        text = message.get("content")
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        shown = " ".join(body.decode(errors="replace").split())[:200]
        raise UserError(f"the endpoint {endpoint} does not answer as OpenAI's API does, but with: {shown}") from error
    if text is None and member == "message":
        text = json.dumps(message)
    return (text or "").encode()


def _refusal(endpoint: str, response: AWSResponse, since: float) -> str:
    try:
        content: Any = json.loads(response.content)
        message, original = content.get("message") or content.get("Message"), content.get("OriginalMessage")
    except (ValueError, AttributeError):
        message, original = None, None
    if original is not None:
        status = content.get("OriginalStatusCode")
        outcome = f"answered {status}" if status else "gave no answer"  # the status is 0 after 60 s, for example
        return f"the model behind {endpoint} {outcome}: {why(endpoint, original, since)}"
    if response.status_code in (http.client.UNAUTHORIZED, http.client.FORBIDDEN):
        return (
            f"cannot chat with the endpoint {endpoint}: {message or response.text}; the caller needs "
            "sagemaker:InvokeEndpoint on the endpoint and sagemaker:CallWithBearerToken on *, which "
            "grant_invoke(…, bearer=True) gives to a role"
        )
    return f"the endpoint {endpoint} answered {response.status_code}: {message or why(endpoint, response.text, since)}"
