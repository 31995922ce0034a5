"""Requests of any form, by botocore's models: each is answered as AWS answers, none breaks or hangs the server."""

import http.client
import json
import re
from functools import cache
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StructureShape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sagebridge.local.shapes import service
from tests.local.account import Account, echo

pytestmark = pytest.mark.server

SECONDS = 20  # for one answer
DEEP = 4  # structures in structures that are filled in
# Words of the patterns of names, ARNs, URLs and enumerations, some of which there are on the server
ARN = "arn:aws:sagemaker:us-east-1:123456789012:"
WORDS = [
    *("prey", "config-0", "model", "x", "a/b", "key", "1", "é", "{}", "Name", "CreationTime", "Approved"),
    *("text/csv", "https://x", "s3://models/x", "arn:aws:iam::123456789012:role/sagemaker"),
    *(f"{ARN}endpoint/prey", f"{ARN}model-package/x"),
]
OFTEN = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck), database=None)
TEXT = st.sampled_from(WORDS) | st.text(max_size=70)
JUNK: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.just([]) | st.just({}) | st.just([[{}]])
)
OPERATIONS = [
    *(f"{verb}{kind}" for verb in ("Create", "Describe", "Delete") for kind in ("Model", "EndpointConfig", "Endpoint")),
    *(f"{verb}{kind}" for verb in ("Create", "Describe", "Delete") for kind in ("ModelPackage", "ModelPackageGroup")),
    *(f"List{kind}s" for kind in ("Model", "EndpointConfig", "Endpoint", "ModelPackage", "ModelPackageGroup")),
    *("UpdateEndpoint", "UpdateEndpointWeightsAndCapacities", "UpdateModelPackage"),
    *("AddTags", "ListTags", "DeleteTags"),
]


@pytest.fixture(scope="module")
def owner(owner: Account) -> Account:
    config = owner.config(owner.upload(echo("x")))
    for name in ("kept", "prey"):
        owner.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        owner.settled(name)
    return owner


@cache
def values(shape: Shape, depth: int = 0) -> st.SearchStrategy[Any]:
    """Returns a strategy for values of a shape, some of them at or beyond its limits, and a few of something else."""
    rules = shape.metadata
    if isinstance(shape, StructureShape):
        required = {name: values(shape.members[name], depth + 1) for name in shape.required_members}
        others = {name: member for name, member in shape.members.items() if name not in required and depth < DEEP}
        optional = {name: values(member, depth + 1) for name, member in others.items()}
        strategy: st.SearchStrategy[Any] = st.fixed_dictionaries(required, optional=optional)
    elif isinstance(shape, ListShape):
        strategy = st.lists(values(shape.member, depth + 1), max_size=2)
    elif isinstance(shape, MapShape):
        strategy = st.dictionaries(TEXT, values(shape.value, depth + 1), max_size=2)
    elif shape.type_name == "boolean":
        strategy = st.booleans()
    elif shape.type_name in ("integer", "long"):
        least = rules.get("min", 0)
        most = rules.get("max", least + 10)
        strategy = st.integers(least - 1, most + 1) | st.integers()
    elif shape.type_name in ("float", "double", "timestamp"):
        strategy = st.floats(0, 10) | st.floats()
    else:
        strategy = st.sampled_from(rules["enum"]) if "enum" in rules else TEXT
    return st.integers(0, 15).flatmap(lambda chance: strategy if chance else JUNK)


def send(account: Account, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, str, bytes]:
    """Sends a request; returns the status, the error's name in the header, and the body of the answer."""
    connection = http.client.HTTPConnection(urlsplit(account.url).netloc, timeout=SECONDS)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers.get("x-amzn-ErrorType", ""), answer.read()
    finally:
        connection.close()


def assert_aws(answer: tuple[int, str, bytes]) -> None:
    status, name, body = answer
    if status == http.client.OK:
        json.loads(body)
        return
    assert 400 <= status < 500, (status, body[:500])
    content = json.loads(body)
    assert re.fullmatch(r"\w+(Exception|Error)", content["__type"]), content
    assert content["__type"] == name
    assert isinstance(content["message"], str)


def call(account: Account, operation: str, body: bytes) -> tuple[int, str, bytes]:
    headers = {"X-Amz-Target": f"SageMaker.{operation}", "Content-Type": "application/x-amz-json-1.1"}
    return send(account, "POST", "/", body, headers)


def test_every_operation_is_tried(owner: Account) -> None:
    message = json.loads(call(owner, "Nothing", b"{}")[2])["message"]
    assert sorted(OPERATIONS) == re.findall(r"\w+", message.partition("It has: ")[2])


@pytest.mark.parametrize("operation", OPERATIONS)
def test_any_request_is_answered_as_aws_answers(owner: Account, operation: str) -> None:
    shape = service("sagemaker").operation_model(operation).input_shape
    assert shape is not None

    @OFTEN
    @given(request=values(shape))
    def check(request: Any) -> None:
        assert_aws(call(owner, operation, json.dumps(request).encode()))

    check()


@pytest.mark.usefixtures("no_garbage_collection")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"EndpointName": NaN}',
        b'{"MaxResults": ' + b"9" * 5000 + b"}",
        b'{"MaxResults": 1e999}',
        b'{"CreationTimeAfter": -Infinity}',
        b'{"NameContains": "\\ud800"}',
        b'{"NextToken": "\\ud800"}',
        b'{"a": 1, "a": 2}',
    ],
)
def test_a_body_that_is_hard_to_read_is_answered_as_aws_answers(owner: Account, body: bytes) -> None:
    assert_aws(call(owner, "ListEndpoints", body))


@OFTEN
@given(body=st.binary(max_size=200), target=st.sampled_from([*OPERATIONS, "", "Nothing", "a.b"]))
def test_any_bytes_are_answered_as_aws_answers(owner: Account, body: bytes, target: str) -> None:
    assert_aws(call(owner, target, body))


@settings(OFTEN, max_examples=60)
@given(
    name=st.sampled_from(["kept", "other"]) | st.text(min_size=1, max_size=70),
    way=st.sampled_from(["invocations", "async-invocations"]),
    body=st.binary(max_size=200),
    headers=st.dictionaries(
        st.sampled_from(
            [
                "Content-Type",
                "Accept",
                *(
                    f"X-Amzn-SageMaker-{word}"
                    for word in (
                        *("Custom-Attributes", "Target-Model", "Target-Variant", "Target-Container-Hostname"),
                        *("Inference-Id", "Session-Id", "Enable-Explanations", "Inference-Component"),
                        *("InputLocation", "RequestTTLSeconds", "InvocationTimeoutSeconds"),
                    )
                ),
            ]
        ),
        st.sampled_from(WORDS) | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
    ),
)
def test_any_invocation_is_answered_as_aws_answers(
    owner: Account, name: str, way: str, body: bytes, headers: dict[str, str]
) -> None:
    sent = {key: value.strip() for key, value in headers.items() if value.isascii()}
    sent["Authorization"] = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/sagemaker/aws4_request, Signature=x"
    status, error, answer = send(owner, "POST", f"/endpoints/{quote(name, safe='')}/{way}", body, sent)
    if status not in (http.client.OK, http.client.ACCEPTED):
        assert_aws((status, error, answer))


def test_the_server_is_well_afterwards(owner: Account) -> None:
    assert owner.invoke("kept")["word"] == "x"
    with pytest.raises(ClientError, match="Could not find endpoint"):
        owner.sagemaker.describe_endpoint(EndpointName="nothing")
