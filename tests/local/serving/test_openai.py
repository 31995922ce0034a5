"""The OpenAI route: a small model answers through it, streamed and not, and a wrong or expired token is refused."""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import pytest
from botocore.credentials import Credentials
from openai import OpenAI, PermissionDeniedError

from sagebridge.bearer_token import make
from sagebridge.local import control, images
from tests import openai_server
from tests.local.account import COMMAND, INSTANCE, Account, echo, until

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionMessageParam

pytestmark = pytest.mark.server

CORPUS = "what is a bridge?\na way over water\nwho owns the role?\nthe platform team\n"
QUESTION, ANSWER = CORPUS.splitlines()[:2]
VLLM = "763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker"
LOCAL = Credentials("local", "local")
MINUTE = timedelta(minutes=1)


class Answer(NamedTuple):
    """An answer of the OpenAI route."""

    status: int
    content_type: str | None
    body: bytes


@pytest.fixture(scope="module")
def chat(account: Account, shared_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An endpoint of vLLM's image, for which a program with a small model speaks."""
    corpus = tmp_path_factory.mktemp("corpus") / "corpus.txt"
    corpus.write_text(CORPUS)
    command = (sys.executable, openai_server.__file__, str(corpus))
    images.put(shared_directory, images.program("*vllm*", command))
    return account.serve(account.model(container={"Image": VLLM, "Environment": {"PAUSE": "0.05"}}))


def token(region: str = "us-east-1", credentials: Credentials = LOCAL) -> str:
    return make(credentials, region, MINUTE)


def asked(content: str = QUESTION, **members: object) -> bytes:
    return json.dumps({"model": "", "messages": [{"role": "user", "content": content}], **members}).encode()


def client_of(account: Account, endpoint: str, key: str) -> OpenAI:
    return OpenAI(base_url=f"{account.url}/endpoints/{endpoint}/openai/v1", api_key=key)


def connect(account: Account) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(account.url).netloc, timeout=60)


def post(
    account: Account, endpoint: str, body: bytes, authorization: str | None, path: str = "chat/completions"
) -> Answer:
    headers = {"Content-Type": "application/json"} | ({"Authorization": authorization} if authorization else {})
    connection = connect(account)
    connection.request("POST", f"/endpoints/{endpoint}/openai/v1/{path}", body, headers)
    response = connection.getresponse()
    return Answer(response.status, response.getheader("Content-Type"), response.read())


def words(events: Iterator[bytes]) -> Iterator[str]:
    """Yields the pieces of a streamed answer, up to its end."""
    for line in events:
        if line.strip() == b"data: [DONE]":
            return
        if line.strip():
            yield json.loads(line.removeprefix(b"data: "))["choices"][0]["delta"].get("content", "")
    raise AssertionError("the stream has no end")


def test_the_model_answers_with_what_it_has_learned(account: Account, chat: str) -> None:
    answer = post(account, chat, asked(), f"Bearer {token()}")
    assert (answer.status, answer.content_type) == (200, "application/json")
    assert json.loads(answer.body)["choices"][0]["message"] == {"role": "assistant", "content": ANSWER}


def test_openais_own_client_gets_the_answer_streamed_and_not(account: Account, chat: str) -> None:
    client = client_of(account, chat, token())
    question: list[ChatCompletionMessageParam] = [{"role": "user", "content": QUESTION}]
    answer = client.chat.completions.create(model="", messages=question)
    assert answer.choices[0].message.content == ANSWER
    pieces = client.chat.completions.create(model="", messages=question, stream=True)
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == ANSWER


def test_openais_own_client_says_that_a_token_is_refused(account: Account, chat: str) -> None:
    client = client_of(account, chat, expired())
    with pytest.raises(PermissionDeniedError, match="The token expired at "):
        client.chat.completions.create(model="", messages=[{"role": "user", "content": QUESTION}])


def test_boto3_gets_the_same_answer(account: Account, chat: str) -> None:
    assert account.invoke(chat, asked())["choices"][0]["message"]["content"] == ANSWER


def test_a_stream_comes_as_the_model_speaks(account: Account, chat: str) -> None:
    connection = connect(account)
    headers = {"Authorization": f"bearer {token()}", "Content-Type": "application/json"}
    began = time.monotonic()
    connection.request("POST", f"/endpoints/{chat}/openai/v1/chat/completions", asked(stream=True), headers)
    response = connection.getresponse()
    assert response.getheader("Content-Type") == "text/event-stream; charset=utf-8"
    pieces = words(iter(response.readline, b""))
    first = next(pieces)
    first_after = time.monotonic() - began
    assert first + "".join(pieces) == ANSWER
    assert time.monotonic() - began - first_after > 0.05 * (len(ANSWER) - 3)


def test_an_answer_of_the_route_is_an_invocation(account: Account, chat: str) -> None:
    """It is in the endpoint's metrics, as that of an InvokeEndpoint is."""
    before = invocations(account, chat)
    post(account, chat, asked(), f"Bearer {token()}")
    post(account, chat, asked(stream=True), f"Bearer {token()}")
    until(lambda: invocations(account, chat) >= before + 2)


def invocations(account: Account, endpoint: str) -> float:
    now = datetime.now(UTC)
    dimensions = {"EndpointName": endpoint, "VariantName": "AllTraffic"}
    points = account.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="Invocations",
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(minutes=10),
        EndTime=now + MINUTE,
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))


def expired() -> str:
    soon = make(LOCAL, "us-east-1", timedelta(seconds=1))
    time.sleep(1.1)
    return soon


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (lambda: None, "MissingAuthenticationTokenException"),
        (lambda: "Basic bG9jYWw6bG9jYWw=", "MissingAuthenticationTokenException"),
        (lambda: "Bearer ", "UnrecognizedClientException"),
        (lambda: "Bearer sk-my-key-of-openai", "UnrecognizedClientException"),
        (lambda: f"Bearer {token()[:-8]}", "UnrecognizedClientException"),
        (lambda: f"Bearer {token(credentials=Credentials('local', 'guessed'))}", "UnrecognizedClientException"),
        (lambda: f"Bearer {expired()}", "ExpiredTokenException"),
    ],
)
def test_a_wrong_or_expired_token_is_refused(
    account: Account, chat: str, authorization: Callable[[], str | None], code: str
) -> None:
    answer = post(account, chat, asked(), authorization())
    assert answer.status == 403
    error = json.loads(answer.body)
    assert error["__type"] == code
    assert "token" in error["message"]


def test_a_signature_is_no_bearer_token(account: Account, chat: str) -> None:
    signed = "AWS4-HMAC-SHA256 Credential=local/20261126/us-east-1/sagemaker/aws4_request, Signature=0"
    assert json.loads(post(account, chat, asked(), signed).body)["__type"] == "MissingAuthenticationTokenException"


def test_a_token_reaches_the_endpoints_of_its_region_only(account: Account, chat: str) -> None:
    answer = post(account, chat, asked(), f"Bearer {token('eu-west-1')}")
    assert answer.status == 400
    assert b"not found" in answer.body


def test_keys_of_other_names_are_taken_as_everywhere_here(account: Account, chat: str) -> None:
    other = token(credentials=Credentials("AKIAEXAMPLE", "secret", "session"))
    assert post(account, chat, asked(), f"Bearer {other}").status == 200


@pytest.mark.parametrize("path", ["models", "completions", "embeddings", "chat/completions/"])
def test_a_path_that_aws_does_not_document_is_refused(account: Account, chat: str, path: str) -> None:
    answer = post(account, chat, asked(), f"Bearer {token()}", path)
    assert answer.status == 404
    assert b"has POST /v1/chat/completions only" in answer.body


@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_of_the_model_keeps_its_words(account: Account, chat: str, *, stream: bool) -> None:
    answer = post(account, chat, asked(model="another", stream=stream), f"Bearer {token()}")
    assert answer.status == 424
    error = json.loads(answer.body)
    assert (error["__type"], error["OriginalStatusCode"]) == ("ModelError", 404)
    assert "The model `another` does not exist." in error["OriginalMessage"]


def test_a_body_that_is_no_json_is_the_containers_to_refuse(account: Account, chat: str) -> None:
    answer = post(account, chat, b"{", f"Bearer {token()}")
    assert (answer.status, json.loads(answer.body)["OriginalStatusCode"]) == (424, 400)


def test_a_fault_of_the_endpoint_strikes_here_too(account: Account, chat: str, shared_directory: Path) -> None:
    control.fault(shared_directory, "throttle", endpoint=chat, times=1)
    assert json.loads(post(account, chat, asked(), f"Bearer {token()}").body)["__type"] == "ThrottlingException"
    assert post(account, chat, asked(), f"Bearer {token()}").status == 200


def test_an_asynchronous_endpoint_has_no_such_route(account: Account) -> None:
    url = account.upload(echo("word"))
    queue = {"OutputConfig": {"S3OutputPath": "s3://models/out"}}
    endpoint = account.serve(account.model(url), INSTANCE, AsyncInferenceConfig=queue)
    answer = post(account, endpoint, asked(), f"Bearer {token()}")
    assert answer.status == 400
    assert b"can be invoked with InvokeEndpointAsync only" in answer.body


def test_a_bucket_may_be_called_endpoints(account: Account) -> None:
    where = {"Bucket": "endpoints", "Key": "chat/openai/v1/chat/completions"}
    account.s3.create_bucket(Bucket=where["Bucket"])
    account.s3.put_object(**where, Body=b"x")
    assert account.s3.get_object(**where)["Body"].read() == b"x"
    url = account.s3.generate_presigned_url("get_object", where)
    connection = connect(account)
    connection.request("GET", url.removeprefix(account.url))
    assert connection.getresponse().read() == b"x"


@pytest.mark.parametrize("stream", [(), ("--stream",)])
def test_the_command_chats(account: Account, chat: str, tmp_path: Path, stream: tuple[str, ...]) -> None:
    """From another folder, in a shell that knows nothing of this checkout."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": account.url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": "us-east-1",
    }
    command = [COMMAND, "invoke", "--endpoint", chat, "--chat", QUESTION, *stream]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f"{ANSWER}\n"
