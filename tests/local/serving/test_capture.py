"""Data capture: AWS's JSON lines, and where they are written."""

import base64
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from sagebridge.local import control
from sagebridge.local.serving.capture import line
from sagebridge.local.serving.container import Answer
from sagebridge.local.serving.invocations import Captured
from sagebridge.local.serving.request import Request
from tests.local.account import INSTANCE, Account, pack

HANDLER = """
from flask import Response
def model_fn(model_dir): return None
def input_fn(body, content_type): return body
def predict_fn(data, model): return data
def output_fn(prediction, accept):
    return Response("no", 400) if prediction == "no" else (prediction, accept)
"""
CONFIG = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": "s3://models/captured/",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
}


def captured(body: bytes = b"1,2", kind: str = "text/csv", more: dict[str, str] | None = None) -> Captured:
    request = Request("e", body, {"content-type": kind, **(more or {})})
    return Captured({}, request, "v", Answer(200, {"content-type": "application/json"}, b"[3]"), 1574292792.5, False)  # noqa: FBT003 - not a shadow's


def test_a_line_has_awss_form() -> None:
    """The form is that of the guide's "Capture data from real-time endpoint"."""
    more = {"x-amzn-sagemaker-inference-id": "i", "x-amzn-sagemaker-custom-attributes": "c"}
    captured_line = line(CONFIG, captured(more=more))
    assert captured_line["captureData"] == {
        "endpointInput": {"observedContentType": "text/csv", "mode": "INPUT", "data": "1,2", "encoding": "CSV"},
        "endpointOutput": {
            "observedContentType": "application/json",
            "mode": "OUTPUT",
            "data": "[3]",
            "encoding": "JSON",
        },
    }
    assert captured_line["eventVersion"] == "0"
    del captured_line["eventMetadata"]["eventId"]
    assert captured_line["eventMetadata"] == {
        "customAttributes": ["c"],
        "inferenceId": "i",
        "inferenceTime": "2019-11-20T23:33:12Z",
        "invocationSource": "ENDPOINT",
    }


@pytest.mark.parametrize(
    ("types", "kind", "body", "encoding"),
    [
        ({"CsvContentTypes": ["text/csv"]}, "text/csv; charset=utf-8", b"1", "CSV"),
        ({"CsvContentTypes": ["text/csv"]}, "text/csv", b"\xff", "BASE64"),
        ({"CsvContentTypes": ["text/csv"]}, "image/png", b"1", "BASE64"),
        ({}, "text/csv", b"1", "BASE64"),
    ],
)
def test_what_is_not_named_as_text_is_base64(types: dict[str, Any], kind: str, body: bytes, encoding: str) -> None:
    captured_input = line({**CONFIG, "CaptureContentTypeHeader": types}, captured(body, kind))["captureData"][
        "endpointInput"
    ]
    assert captured_input["encoding"] == encoding
    assert (
        base64.b64decode(captured_input["data"]) if encoding == "BASE64" else captured_input["data"].encode()
    ) == body


@pytest.mark.parametrize(
    ("modes", "sides"),
    [
        (["Input"], ["endpointInput"]),
        (["Output"], ["endpointOutput"]),
        (["InputAndOutput"], ["endpointInput", "endpointOutput"]),
    ],
)
def test_the_sides_that_are_asked_for_are_captured(modes: list[str], sides: list[str]) -> None:
    config = {**CONFIG, "CaptureOptions": [{"CaptureMode": mode} for mode in modes]}
    assert list(line(config, captured())["captureData"]) == sides


def lines(account: Account, endpoint: str) -> tuple[list[str], list[dict[str, Any]]]:
    objects = account.s3.list_objects_v2(Bucket="models", Prefix=f"captured/{endpoint}/").get("Contents", [])
    keys = [item["Key"] for item in objects]
    texts = [account.s3.get_object(Bucket="models", Key=key)["Body"].read().decode() for key in keys]
    return keys, [json.loads(text) for text in "".join(texts).splitlines()]


@pytest.mark.server
def test_successful_inferences_are_written_to_s3_and_nothing_is_lost_at_a_stop(directory: Path) -> None:
    account = Account(control.start(directory)[0].url)
    account.base()
    model = account.model(account.upload(pack({"inference.py": HANDLER})))
    endpoint = account.serve(model, INSTANCE, DataCaptureConfig=CONFIG)
    other = account.serve(model, INSTANCE, DataCaptureConfig={**CONFIG, "InitialSamplingPercentage": 0})

    def call(name: str, body: str) -> None:
        account.runtime.invoke_endpoint(EndpointName=name, Body=body.encode(), ContentType="text/csv")

    for number in range(5):
        call(endpoint, str(number))
        call(other, str(number))
    with pytest.raises(account.runtime.exceptions.ModelError):
        call(endpoint, "no")
    deadline = time.monotonic() + 20
    while len(lines(account, endpoint)[1]) < 5 and time.monotonic() < deadline:
        time.sleep(0.05)
    call(endpoint, "last")
    control.stop(directory)
    account = Account(control.start(directory)[0].url)
    keys, captured_lines = lines(account, endpoint)
    assert [item["captureData"]["endpointInput"]["data"] for item in captured_lines] == [
        "0",
        "1",
        "2",
        "3",
        "4",
        "last",
    ]
    form = rf"captured/{endpoint}/AllTraffic/\d{{4}}/\d\d/\d\d/\d\d/\d\d-\d\d-\d{{3}}-[0-9a-f-]{{36}}\.jsonl"
    assert all(re.fullmatch(form, key) for key in keys)
    assert not lines(account, other)[1]
