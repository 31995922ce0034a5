"""A local AWS of its own for a measurement, with the article's model in its bucket."""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.processes import CommandFailed
from model import train
from sagebridge.local import control
from sagebridge.model import archive
from tools.environment import client

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}],
}
ENVIRONMENT = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model"}
URL, NEXT_URL = "s3://models/model.tar.gz", "s3://models/next/model.tar.gz"
"""Two archives of the same model."""
HANDLER = Path(train.__file__).with_name("inference.py")


@dataclass(frozen=True)
class Account:
    """A running local AWS."""

    directory: Path
    """The folder of its state."""
    url: str
    pid: int
    model: Path
    """The folder with the article's model, trained, and its archive."""
    role: str
    """The ARN of the role that SageMaker assumes."""

    def deploy(self, name: str) -> None:
        """Makes an endpoint with the article's model, and waits until it serves."""
        sagemaker = client("sagemaker", self.url)
        container = {"Image": IMAGE, "ModelDataUrl": URL, "Environment": ENVIRONMENT}
        sagemaker.create_model(ModelName=name, ExecutionRoleArn=self.role, PrimaryContainer=container)
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": name,
            "InstanceType": "ml.m5.xlarge",
            "InitialInstanceCount": 1,
        }
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        while (description := sagemaker.describe_endpoint(EndpointName=name))["EndpointStatus"] == "Creating":
            time.sleep(0.05)  # boto3's waiter waits whole seconds
        status = description["EndpointStatus"]
        if status != "InService":
            reason = description.get("FailureReason", "AWS gives no reason")
            raise CommandFailed(f"Endpoint {name} is {status}: {reason}")


@contextmanager
def account() -> Iterator[Account]:
    """Starts a local AWS in a folder of its own; it ends with the block."""
    with tempfile.TemporaryDirectory() as folder:
        directory, model = Path(folder, "aws"), Path(folder, "model")
        model.mkdir()
        train.train(train.DATA, model / "model.joblib")
        archive.package(model / "model.joblib", HANDLER, model / "model.tar.gz")
        running, _ = control.start(directory)
        try:
            s3 = client("s3", running.url)
            s3.create_bucket(Bucket="models")
            for archive_url in (URL, NEXT_URL):
                s3.upload_file(str(model / "model.tar.gz"), "models", archive_url.removeprefix("s3://models/"))
            iam = client("iam", running.url)
            role = iam.create_role(RoleName="sagemaker", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
            yield Account(directory, running.url, running.pid, model, role)
        finally:
            control.reset(directory)
