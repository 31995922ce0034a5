"""Data capture: requests and answers as AWS's JSON lines in S3, written in batches in the background."""

import base64
import json
import logging
import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from threading import Lock, Timer
from typing import Any
from uuid import uuid4

from sagebridge.local.serving.invocations import Captured
from sagebridge.local.serving.model_data import Aws, split_url
from sagebridge.local.shapes import AwsError, Record

log = logging.getLogger(__name__)
BATCH_SECONDS = 1.0
"""Seconds from a batch's first line to its file; AWS takes minutes."""
_JSON_LINES = "application/x-jsonlines"


class Capture:
    """Captures the successful inferences of endpoints whose configuration asks for it.

    Args:
        aws: has the buckets for the files.
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._lock = Lock()
        self._batches: dict[str, list[str]] = {}  # lines by the S3 URL of the variant's folder
        self._timer: Timer | None = None

    def __call__(self, captured: Captured) -> None:
        """Captures an inference if its configuration asks for it; it is written a moment later."""
        config: Record | None = captured.config.get("DataCaptureConfig")
        if config is None or not config.get("EnableCapture", True):
            return
        if random.random() * 100 >= config["InitialSamplingPercentage"]:  # noqa: S311 - no secret
            return
        folder = f"{config['DestinationS3Uri'].rstrip('/')}/{captured.request.endpoint}/{captured.variant}"
        text = json.dumps(line(config, captured))
        with self._lock:
            self._batches.setdefault(folder, []).append(text)
            if self._timer is None:
                self._timer = Timer(BATCH_SECONDS, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Writes at once what waits."""
        with self._lock:
            batches, self._batches = self._batches, {}
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        for folder, lines in batches.items():
            bucket, key = split_url(f"{folder}/{_file_name(time.time())}")
            try:
                self._aws.put_object(bucket, key, "".join(f"{text}\n" for text in lines).encode(), _JSON_LINES)
            except AwsError as error:
                log.warning("data capture to %s: %s", folder, error)


def line(config: Record, captured: Captured) -> dict[str, Any]:
    """Returns the JSON of an inference.

    Source: SageMaker's guide, "Capture data from real-time endpoint".

    Args:
        config: the configuration's DataCaptureConfig.
        captured: the inference.
    """
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    request, answer = captured.request, captured.answer
    sides = (
        ("Input", "endpointInput", request.headers.get("content-type"), request.body),
        ("Output", "endpointOutput", answer.headers.get("content-type"), answer.body),
    )
    types = config.get("CaptureContentTypeHeader", {})
    custom = request.headers.get("x-amzn-sagemaker-custom-attributes")
    inference_id = request.headers.get("x-amzn-sagemaker-inference-id")
    moment = datetime.fromtimestamp(captured.time, UTC)
    return {
        "captureData": {
            name: {"observedContentType": content_type, "mode": mode.upper(), **_content(types, content_type, body)}
            for mode, name, content_type, body in sides
            if mode in modes or "InputAndOutput" in modes
        },
        "eventMetadata": {
            "eventId": str(uuid4()),
            **({"customAttributes": [custom]} if custom else {}),
            **({"inferenceId": inference_id} if inference_id else {}),
            "inferenceTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "invocationSource": "ShadowExperiment" if captured.shadow else "ENDPOINT",
        },
        "eventVersion": "0",
    }


def _content(types: Mapping[str, list[str]], content_type: str | None, body: bytes) -> dict[str, str]:
    """Returns a body as text if the configuration names its content type, else in base64."""
    media_type = (content_type or "").partition(";")[0].strip()
    for encoding, member in (("CSV", "CsvContentTypes"), ("JSON", "JsonContentTypes")):
        if {content_type, media_type} & set(types.get(member, [])):
            try:
                return {"data": body.decode(), "encoding": encoding}
            except UnicodeDecodeError:
                break
    return {"data": base64.b64encode(body).decode(), "encoding": "BASE64"}


def _file_name(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y/%m/%d/%H/%M-%S}-{moment.microsecond // 1000:03}-{uuid4()}.jsonl"
