"""A local AWS that shows much of the console at once, and a picture of it.

Run `python -m tests.local.console.screenshot [FILE]`.
"""

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import click
from rich.console import Console

from model import train
from sagebridge.local import control
from sagebridge.local.console.page import SAMPLE
from sagebridge.model import archive
from tests.browser import Browser
from tests.local.account import HANDLER, IMAGE, Account
from tools import browser

ROOT = Path(__file__).parents[3]
ALARM = "housing-5xx"
INSTANCES = {"InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 2}
CANARY = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 10},
            "WaitIntervalInSeconds": 600,
        }
    },
    "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": ALARM}]},
}


def watch(account: Account) -> None:
    """Makes the alarm that would roll the canary back."""
    alarms: Any = boto3.Session("local", "local", region_name="us-east-1").client(
        "cloudwatch", endpoint_url=account.url
    )
    alarms.put_metric_alarm(
        AlarmName=ALARM,
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[{"Name": "EndpointName", "Value": "housing"}, {"Name": "VariantName", "Value": "AllTraffic"}],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )


def wait_for_canary(account: Account) -> None:
    """Waits until the new configuration takes its first part of the traffic."""
    deadline = time.monotonic() + 30
    while "canary" not in str(account.sagemaker.describe_endpoint(EndpointName="housing")["PendingDeploymentSummary"]):
        assert time.monotonic() < deadline, "the canary does not begin"
        time.sleep(0.02)


def arrange(account: Account, folder: Path) -> None:
    """Makes four endpoints with the article's model, one in the middle of a canary and one failed, and asks them.

    Args:
        account: a local AWS that has nothing yet.
        folder: where the model is trained.
    """
    role = account.base()
    train.train(train.DATA, folder / "model.joblib")
    archive.package(folder / "model.joblib", ROOT / "model" / "inference.py", folder / "model.tar.gz")
    url = account.upload((folder / "model.tar.gz").read_bytes())

    def model(name: str, data: str = url) -> None:
        container = {"Image": IMAGE, "ModelDataUrl": data, "Environment": HANDLER}
        account.sagemaker.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)

    def config(name: str, *production: Mapping[str, object], **members: object) -> None:
        account.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=production, **members)

    def create(name: str, config: str) -> None:
        account.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)

    def variant(name: str, model: str, weight: float = 1, **members: object) -> dict[str, Any]:
        return {"VariantName": name, "ModelName": model, "InitialVariantWeight": weight, **(members or INSTANCES)}

    for name in ("housing-1", "housing-2", "prices-8", "prices-9", "prices-10"):
        model(name)
    model("rents-1", "s3://models/rents/model.tar.gz")
    for number in (1, 2):
        config(f"housing-{number}", variant("AllTraffic", f"housing-{number}"))
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    config("nightly-1", variant("AllTraffic", "housing-1", ServerlessConfig=serverless))
    pair = variant("Champion", "prices-8", 3), variant("Challenger", "prices-9")
    config("prices-3", *pair)
    config("rents-1", variant("AllTraffic", "rents-1"))
    for name, first in (
        ("housing", "housing-1"),
        ("nightly", "nightly-1"),
        ("prices", "prices-3"),
        ("rents", "rents-1"),
    ):
        create(name, first)
    for name in ("housing", "nightly", "prices", "rents"):
        account.settled(name)

    watch(account)
    account.sagemaker.update_endpoint(EndpointName="housing", EndpointConfigName="housing-2", DeploymentConfig=CANARY)
    wait_for_canary(account)
    for name in ("nightly", "prices", "housing", "prices", "housing", "prices"):
        account.invoke(name, SAMPLE.encode())


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=ROOT / "docs" / "console.png")
def main(file: Path) -> None:
    """Take the picture of the console that the docs show."""
    executable = browser.get(Console(stderr=True))
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "aws"
        try:
            account = Account(control.start(directory)[0].url)
            arrange(account, Path(folder))
            with Browser(executable) as page:
                page.look(width=1120, height=1000)
                page.goto(account.url)
                page.look(width=1120, height=page.ask("Math.ceil(document.documentElement.scrollHeight)"))
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(page.screenshot())
        finally:
            control.stop(directory)
    click.echo(f"{file}: {file.stat().st_size >> 10} KiB")


if __name__ == "__main__":
    main()
