"""The containers of one deployment: all variants of an endpoint configuration, as they serve."""

from __future__ import annotations

import http.client
import random
import shutil
from typing import TYPE_CHECKING, Any

from local.sagemaker import containers
from local.serving.container import Answer, Aws, DeployError, Worker
from local.shapes import AwsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from local.sagemaker import Record

SERVERLESS_BODY = 4 * 1024**2  # bytes; AWS's guide to serverless endpoints
# AWS's own words
NO_ROLE = (
    'The execution role ARN "{arn}" is invalid. Please ensure that the role exists and that its trust '
    'relationship policy allows the action "sts:AssumeRole" for the service principal '
    '"sagemaker.amazonaws.com".'
)
NO_PING = (
    "The {container} container for production variant {variant} did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)
NO_RESPONSE = (
    "Your invocation timed out while waiting for a response from container {container}. Review the latency "
    "metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
)


def trusts_sagemaker(policy: Mapping[str, Any]) -> bool:
    """Tell whether a role's trust policy lets SageMaker assume it."""

    def listed(value: object) -> list[object]:
        return value if isinstance(value, list) else [value]

    return any(
        statement.get("Effect") == "Allow"
        and "sts:AssumeRole" in listed(statement.get("Action"))
        and isinstance(statement.get("Principal"), dict)
        and "sagemaker.amazonaws.com" in listed(statement["Principal"].get("Service"))
        for statement in listed(policy.get("Statement", []))
        if isinstance(statement, dict)
    )


class Fleet:
    """The workers of one deployment.

    Args:
        deployment: as `SageMaker.endpoint` gives it.
        home: the folder of the deployment.
        aws: the account's other services.
        log_file: the endpoint's log.
    """

    def __init__(self, deployment: Record, home: Path, aws: Aws, log_file: Path) -> None:
        self.home = home
        self._aws = aws
        self._models: Record = deployment["models"]
        self._variants: dict[str, Record] = {
            variant["VariantName"]: variant for variant in deployment["config"]["ProductionVariants"]
        }
        self._workers = {
            name: [
                Worker(home / f"{name}-{number}", model, number, aws, log_file)
                for number in range(1, len(containers(model)) + 1)
            ]
            for name, variant in self._variants.items()
            if (model := self._models[variant["ModelName"]])
        }

    def start(self) -> None:
        """Check the roles, fetch the archives, load the models.

        Raises:
            DeployError: with AWS's reason.
        """
        for arn in {model["ExecutionRoleArn"] for model in self._models.values() if "ExecutionRoleArn" in model}:
            policy = self._aws.trust_policy(arn)
            if policy is None or not trusts_sagemaker(policy):
                raise DeployError(
                    NO_ROLE.format(arn=arn),
                    f"{arn} does not exist." if policy is None else f"{arn} has the trust policy {policy}.",
                )
        for variant, workers in self._workers.items():
            for worker in workers:
                worker.start(NO_PING.format(container=worker.name, variant=variant))

    def choose(self, target: str | None) -> str:
        """Choose the variant for a request: the target, or one by weight."""
        if target is not None:
            if target not in self._variants:
                raise AwsError("ValidationError", f"Variant {target} not found for this endpoint.")
            return target
        weights = [variant["InitialVariantWeight"] for variant in self._variants.values()]
        return random.choices(list(self._variants), weights if any(weights) else None)[0]  # noqa: S311 - no secret

    def body_limit(self, variant: str, limit: int) -> int:
        """Give the most bytes that a request's body may have, `limit` for a variant on instances."""
        return SERVERLESS_BODY if "ServerlessConfig" in self._variants[variant] else limit

    def invoke(self, variant: str, body: bytes, headers: Mapping[str, str]) -> tuple[str, Answer]:
        """Pass a request through a variant's containers, each taking the answer of the one before.

        Returns:
            The name of the container that answered last, and its answer.
        """
        answer = Answer(http.client.OK, dict(headers), body)
        name = ""
        for worker in self._workers[variant]:
            sent = {k: v for k, v in answer.headers.items() if k in ("content-type", "accept") or "sagemaker" in k}
            name = worker.name
            try:
                answer = worker.invoke(answer.body, sent)
            except TimeoutError:
                answer = _no_answer(NO_RESPONSE.format(container=name))
            except (OSError, http.client.HTTPException, DeployError) as error:
                answer = _no_answer(f"The container gave no response: {getattr(error, 'cause', error)}")
            if not http.client.OK <= answer.status < http.client.MULTIPLE_CHOICES:
                break
        return name, answer

    def retire(self, *, remove: bool) -> None:
        """End the workers, and with `remove` forget what they unpacked."""
        for workers in self._workers.values():
            for worker in workers:
                if remove:
                    worker.retire()
                else:
                    worker.kill()
        if remove:
            shutil.rmtree(self.home, ignore_errors=True)


def _no_answer(message: str) -> Answer:
    return Answer(0, {}, message.encode())
