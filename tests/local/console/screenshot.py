"""A local AWS that shows much of the console at once, and pictures of it.

Run `python -m tests.local.console.screenshot [FOLDER]` to renew those of the docs. A test takes the same pictures.
"""

import contextlib
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from model import train
from sagebridge.local import control
from sagebridge.local.console.sample import SAMPLE
from sagebridge.model import archive
from tests.browser import Browser
from tests.local.account import HANDLER, IMAGE, Account, pack, until
from tools import browser

ROOT = Path(__file__).parents[3]
PICTURES = ROOT / "docs" / "console"
WIDTHS = (1200, 420)
PAGES = {"endpoints": "/", "endpoint": "/_local/console/endpoints/housing"}
"""The pages of which pictures are taken, by the names that these have."""
ALARM = "housing-5xx"
INSTANCES = {"InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 2}
SCALED = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/housing/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
REFUSES = """
def model_fn(model_dir): return None
def input_fn(body, content_type): return body
def predict_fn(data, model): raise ValueError("no words")
"""
"""A handler that fails; the container answers with a page of HTML."""
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
    account.client("cloudwatch").put_metric_alarm(
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


def scale(account: Account) -> None:
    """Has a variant of the endpoint `housing` scaled from two to six instances, which adds an instance at once."""
    scaling = account.client("application-autoscaling")
    scaling.register_scalable_target(**SCALED, MinCapacity=2, MaxCapacity=6)
    scaling.put_scaling_policy(
        **SCALED,
        PolicyName="invocations",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 100,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        },
    )
    until(lambda: scaling.describe_scaling_activities(**SCALED)["ScalingActivities"][0]["StatusCode"] == "Successful")


def wait_for_canary(account: Account) -> None:
    """Waits until the new configuration takes its first part of the traffic."""
    deadline = time.monotonic() + 30
    while "canary" not in str(account.sagemaker.describe_endpoint(EndpointName="housing")["PendingDeploymentSummary"]):
        assert time.monotonic() < deadline, "the canary does not begin"
        time.sleep(0.02)


def arrange(account: Account, folder: Path) -> None:
    """Makes endpoints, most with the article's model, one in the middle of a canary and one failed, and asks them.

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
        larger = {"InstanceType": "ml.m5.2xlarge", "InitialInstanceCount": number}
        config(f"housing-{number}", {**variant("AllTraffic", f"housing-{number}"), **larger})
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    config("nightly-1", variant("AllTraffic", "housing-1", ServerlessConfig=serverless))
    pair = variant("Champion", "prices-8", 3), variant("Challenger", "prices-9")
    config("prices-3", *pair)
    config("rents-1", variant("AllTraffic", "rents-1"))
    model("sentiment-1", account.upload(pack({"inference.py": REFUSES})))
    config("sentiment-1", variant("AllTraffic", "sentiment-1"))
    for name, first in (
        ("housing", "housing-1"),
        ("nightly", "nightly-1"),
        ("prices", "prices-3"),
        ("rents", "rents-1"),
        ("sentiment", "sentiment-1"),
    ):
        create(name, first)
    for name in ("housing", "nightly", "prices", "rents", "sentiment"):
        account.settled(name)

    watch(account)
    scale(account)
    account.sagemaker.update_endpoint(EndpointName="housing", EndpointConfigName="housing-2", DeploymentConfig=CANARY)
    wait_for_canary(account)
    for name in ("nightly", "prices", "housing", "prices", "housing", "prices"):
        account.invoke(name, SAMPLE.encode())

    with contextlib.suppress(account.runtime.exceptions.ModelError):
        account.invoke("sentiment")


def take(page: Browser, url: str, folder: Path) -> list[Path]:
    """Takes pictures of the console at each width, in light and dark colours.

    Args:
        page: a browser.
        url: the server's address.
        folder: where the pictures go.

    Returns:
        The pictures' files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, path in PAGES.items():
        for width in WIDTHS:
            for colours in ("light", "dark"):
                page.look(width=width, height=1000, dark=colours == "dark")
                page.goto(url + path)
                height = page.ask("Math.ceil(document.documentElement.scrollHeight)")
                page.look(width=width, height=height, dark=colours == "dark")
                files.append(folder / f"{name}-{width}-{colours}.png")
                files[-1].write_bytes(page.screenshot())
    return files


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=PICTURES)
def main(folder: Path) -> None:
    """Take the pictures of the console that the docs show."""
    executable = browser.get(Console(stderr=True))
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch) / "aws"
        try:
            account = Account(control.start(directory)[0].url)
            arrange(account, Path(scratch))
            control.fault(directory, "throttle", operation="UpdateEndpoint", endpoint="prices", times=2)
            with Browser(executable) as page:
                for file in take(page, account.url, folder):
                    click.echo(f"{file}: {file.stat().st_size >> 10} KiB")
        finally:
            control.stop(directory)


if __name__ == "__main__":
    main()
