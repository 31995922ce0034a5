"""CloudWatch in CBOR, as the Go SDK speaks it; tests/terraform/test_fields.py has the real one."""

import gzip
import http.client
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagebridge.local.cloudwatch.cbor import decode, encode
from sagebridge.local.shapes import AwsError, service
from tests.local.account import Account

SCALARS = st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.floats(allow_nan=False) | st.text()
ALARM = {
    "AlarmName": "in cbor",
    "Namespace": "AWS/SageMaker",
    "MetricName": "ModelLatency",
    "Statistic": "Average",
    "Period": 60,
    "EvaluationPeriods": 2,
    "Threshold": 1000.5,
    "ComparisonOperator": "GreaterThanThreshold",
    "Dimensions": [{"Name": "EndpointName", "Value": "any"}],
}


@given(st.recursive(SCALARS, lambda items: st.lists(items) | st.dictionaries(st.text(), items)))
def test_what_is_written_is_read_again(value: Any) -> None:
    assert decode(encode([value])) == [_without_null(value)]


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_null(item) for name, item in value.items() if item is not None}
    return [_without_null(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("value", "written"),  # RFC 8949, appendix A
    [
        (0, "00"),
        (23, "17"),
        (24, "1818"),
        (1000, "1903e8"),
        (18446744073709551615, "1bffffffffffffffff"),
        (-1, "20"),
        (-1000, "3903e7"),
        (1.1, "fb3ff199999999999a"),
        (False, "f4"),
        (True, "f5"),
        (None, "f6"),
        ("IETF", "6449455446"),
        ("\u00fc", "62c3bc"),
        ([1, [2, 3], [4, 5]], "8301820203820405"),
        ({"a": 1, "b": [2, 3]}, "a26161016162820203"),
    ],
)
def test_values_are_written_as_the_standard_shows(value: Any, written: str) -> None:
    assert encode(value).hex() == written


def test_the_shape_says_what_is_a_time_and_what_a_fraction() -> None:
    alarm = service("cloudwatch").shape_for("MetricAlarm")
    assert encode({"Threshold": 1}, alarm).hex() == "a1" + "695468726573686f6c64" + "fb3ff0000000000000"
    written = encode({"StateUpdatedTimestamp": 1363896240}, alarm)
    assert written.hex().endswith("c1fb41d452d9ec000000")  # RFC 8949, appendix A: 1(1363896240.5), less the half
    assert decode(written) == {"StateUpdatedTimestamp": 1363896240}


@pytest.mark.parametrize("body", [b"\xff", b"\x18", b"\x61\xff", b"\xc2\x41\x01", b"\xa1\x01"])
def test_what_is_no_cbor_is_refused(body: bytes) -> None:
    with pytest.raises(AwsError, match="not CBOR"):
        decode(body)


def call(account: Account, operation: str, body: bytes, **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(urlsplit(account.url).netloc, timeout=10)
    scope = "Credential=a/20260101/us-east-1/monitoring/aws4_request"
    sent = {
        "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
        "Content-Type": "application/cbor",
        "Smithy-Protocol": "rpc-v2-cbor",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    try:
        connection.request("POST", f"/service/GraniteServiceVersion20100801/operation/{operation}", body, sent)
        answer = connection.getresponse()
        assert answer.headers["smithy-protocol"] == "rpc-v2-cbor"
        return answer.status, decode(answer.read())
    finally:
        connection.close()


@pytest.mark.server
def test_an_alarm_is_made_and_read_in_cbor(account: Account) -> None:
    assert call(account, "PutMetricAlarm", encode(ALARM))[0] == 200
    status, answer = call(account, "DescribeAlarms", encode({"AlarmNames": ["in cbor"]}))
    (alarm,) = answer["MetricAlarms"]
    assert status == 200
    assert {name: alarm[name] for name in ALARM} == ALARM
    assert alarm["StateUpdatedTimestamp"] > 1_700_000_000
    packed = gzip.compress(encode({"AlarmNames": ["in cbor"]}))
    assert call(account, "DeleteAlarms", packed, Content_Encoding="gzip")[0] == 200
    assert call(account, "DescribeAlarms", encode({"AlarmNames": ["in cbor"]}))[1]["MetricAlarms"] == []


@pytest.mark.server
@pytest.mark.parametrize(
    ("operation", "body", "code"),
    [
        ("GetDashboard", encode({"DashboardName": "nothing"}), "ResourceNotFound"),
        ("PutMetricAlarm", b"\xff", "SerializationException"),
    ],
)
def test_errors_are_in_cbor_too(account: Account, operation: str, body: bytes, code: str) -> None:
    status, answer = call(account, operation, body)
    assert 400 <= status < 500
    assert answer["__type"].endswith(code)


@pytest.mark.server
def test_a_body_that_is_not_packed_as_it_says_is_refused(account: Account) -> None:
    status, answer = call(account, "DescribeAlarms", b"no gzip", Content_Encoding="gzip")
    assert (status, answer["__type"]) == (400, "SerializationException")
