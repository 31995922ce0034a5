"""A caller of a local AWS, with short names for what the tests do often."""

import io
import json
import os
import signal
import sys
import tarfile
import time
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import boto3
import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

from sagebridge.endpoint_log import log_group

T = TypeVar("T")
LOADER = Loader()
"""Reads the model of each service once for all sessions; they are large."""
COMMAND = str(Path(sys.executable).with_name("sagebridge"))
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}],
}
HANDLER = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model"}
"""The variables of a container whose handler is at the root of the model's archive."""
INSTANCE = {"InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 1}
# Answers with the request, the process, and a word that tells one model from another.
ECHO = """
import os

def model_fn(model_dir):
    return {word!r}

def input_fn(body, content_type):
    return {{"body": body, "content_type": content_type}}

def predict_fn(data, model):
    return {{**data, "word": model, "pid": os.getpid(), "environment": dict(os.environ)}}

def output_fn(prediction, accept):
    return prediction
"""


def pack(files: Mapping[str, str | bytes]) -> bytes:
    """Returns a .tar.gz of some files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def echo(word: str) -> bytes:
    """Returns an archive whose model is a word."""
    return pack({"inference.py": ECHO.format(word=word)})


class Account:
    """Clients of one server, and a bucket and a role to work with."""

    _numbers = count()

    def __init__(self, url: str) -> None:
        word = "local"  # nobody checks keys
        session = botocore.session.get_session()
        self._session = boto3.Session(word, word, region_name="us-east-1", botocore_session=session)
        session.register_component("data_loader", LOADER)
        self.url = url
        self.s3 = self.client("s3")
        self.iam = self.client("iam")
        self.sagemaker = self.client("sagemaker")
        self.runtime = self.client("sagemaker-runtime")

    def client(self, service: str, config: Config | None = None, region: str = "us-east-1") -> Any:
        """Returns a client of another service, or one with another configuration or region."""
        make: Any = self._session.client
        return make(service, endpoint_url=self.url, config=config, region_name=region)

    def base(self) -> str:
        """Makes the bucket `models` and the role `sagemaker`, unless they exist; returns the role's ARN."""
        if "models" not in self.bucket_names():
            self.s3.create_bucket(Bucket="models")
            self.iam.create_role(RoleName="sagemaker", AssumeRolePolicyDocument=json.dumps(TRUST))
        arn: str = self.iam.get_role(RoleName="sagemaker")["Role"]["Arn"]
        return arn

    def bucket_names(self) -> list[str]:
        """Returns the names of all buckets, which are those of other tests, too."""
        return [bucket["Name"] for bucket in self.s3.list_buckets()["Buckets"]]

    def name(self, kind: str) -> str:
        """Returns a name that no other test has."""
        return f"{kind}-{next(self._numbers)}"

    def upload(self, archive: bytes) -> str:
        """Puts an archive into the bucket; returns its URL."""
        key = f"{self.name('key')}/model.tar.gz"
        self.s3.put_object(Bucket="models", Key=key, Body=archive)
        return f"s3://models/{key}"

    def config(
        self, url: str, *, role: str | None = None, image: str = IMAGE, variant: Mapping[str, object] | None = None
    ) -> str:
        """Makes a model and a configuration for it; returns the configuration's name."""
        name = self.name("config")
        container = {
            "Image": image,
            "ModelDataUrl": url,
            "Environment": {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": url},
        }
        self.sagemaker.create_model(ModelName=name, ExecutionRoleArn=role or self.base(), PrimaryContainer=container)
        chosen = variant or INSTANCE
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[{"VariantName": "AllTraffic", "ModelName": name, **chosen}],
        )
        return name

    def model(self, url: str | None = None, *, container: Mapping[str, object] | None = None, **members: object) -> str:
        """Makes a model of a container with `inference.py`; returns its name."""
        name = self.name("model")
        primary = {"Image": IMAGE, "Environment": HANDLER, **(container or {})}
        if url:
            primary["ModelDataUrl"] = url
        asked = members if "Containers" in members else {"PrimaryContainer": primary, **members}
        self.sagemaker.create_model(ModelName=name, ExecutionRoleArn=self.base(), **asked)
        return name

    def serve(self, model: str, variant: Mapping[str, object] | None = None, **members: object) -> str:
        """Makes an endpoint of one variant, with more members of its configuration; returns its name when it serves."""
        name = self.name("config")
        production = {"VariantName": "AllTraffic", "ModelName": model, **(variant or INSTANCE)}
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[production], **members)
        description = self.deploy(name)
        assert description["EndpointStatus"] == "InService", description["FailureReason"]
        endpoint: str = description["EndpointName"]
        return endpoint

    def deploy(self, config: str) -> dict[str, Any]:
        """Makes an endpoint of a configuration; returns its description when it is InService or Failed."""
        name = self.name("endpoint")
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        return self.settled(name)

    def update(self, endpoint: str, config: str) -> dict[str, Any]:
        """Updates an endpoint to another configuration; returns its description when that is done or undone."""
        self.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
        return self.settled(endpoint)

    def settled(self, endpoint: str) -> dict[str, Any]:
        """Waits until nothing is under way for an endpoint; returns its description."""
        began = time.monotonic()
        while (waited := time.monotonic() - began) < 120:
            description: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=endpoint)
            if description["EndpointStatus"] in ("InService", "Failed"):
                return description
            time.sleep(min(max(0.02, waited / 4), 0.2))
        raise TimeoutError(f"{endpoint} is still {description['EndpointStatus']}")

    def invoke(self, endpoint: str, body: bytes = b"{}", **members: str) -> dict[str, Any]:
        """Invokes an endpoint; returns its JSON answer."""
        asked = {"ContentType": "application/json", **members}
        answer = self.runtime.invoke_endpoint(EndpointName=endpoint, Body=body, **asked)
        result: dict[str, Any] = json.loads(answer["Body"].read())
        return result

    def log(self, endpoint: str) -> str:
        """Returns what CloudWatch Logs has of an endpoint."""
        pages = self.client("logs").get_paginator("filter_log_events")
        events = [event for page in pages.paginate(logGroupName=log_group(endpoint)) for event in page["events"]]
        return "".join(f"{event['message']}\n" for event in events)

    def kill_worker(self, endpoint: str) -> int:
        """Kills the process that serves an echoing endpoint; returns its number when it is dead."""
        pid: int = self.invoke(endpoint)["pid"]
        os.kill(pid, signal.SIGKILL)
        while lives(pid):
            time.sleep(0.01)
        return pid


def put_manual_alarm(cloudwatch: Any, name: str) -> None:
    """Makes an alarm that changes its state only when a test says so."""
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="Tests",
        MetricName="Errors",
        Statistic="Sum",
        Period=3600,
        EvaluationPeriods=24,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )


def until(look: Callable[[], T | None], seconds: float = 120) -> T:
    """Waits until a look returns something, and returns that."""
    deadline = time.monotonic() + seconds
    while not (result := look()):
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.02)
    return result


def lives(pid: int) -> bool:
    """Returns whether a process lives: a dead one is a zombie, with no thread left, until its parent waits for it.

    Its sockets are closed by then. The list of its open files is empty a little earlier.
    """
    try:
        threads = [task.name for task in Path(f"/proc/{pid}/task").iterdir()]
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return False
    return threads != [str(pid)] or state != "Z"
