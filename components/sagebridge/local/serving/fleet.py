"""A fleet: all variants of a deployment, as they serve."""

import random
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sagebridge.local.serving.container import Site
from sagebridge.local.serving.model_data import Aws, DeployError
from sagebridge.local.serving.variant import Variant
from sagebridge.local.settings import Settings
from sagebridge.local.shapes import AwsError, Record

NO_ROLE = (
    'The execution role ARN "{arn}" is invalid. Please ensure that the role exists and that its trust '
    'relationship policy allows the action "sts:AssumeRole" for the service principal '
    '"sagemaker.amazonaws.com".'
)
"""AWS's own words."""


def trusts_sagemaker(policy: Mapping[str, Any]) -> bool:
    """Returns whether a role's trust policy lets SageMaker assume it."""

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
    """The variants of one deployment.

    Args:
        deployment: a deployment out of an endpoint's record (see `sagemaker/endpoints.py`).
        home: the folder of the deployment.
        aws: the account's other services.
        log: returns what appends lines to a stream of the endpoint's log, by the stream's name.
        settings: what is set at the moment.
    """

    def __init__(
        self,
        deployment: Record,
        home: Path,
        aws: Aws,
        log: Callable[[str], Callable[[bytes], object]],
        settings: Settings,
    ) -> None:
        self.home = home
        self.config: Record = deployment["config"]
        """The endpoint configuration's record."""
        self._aws = aws
        site = Site(home, aws, log, settings)
        self._models: Record = deployment["models"]
        self._production, self._shadow = (
            {
                record["VariantName"]: Variant(record, self._models[record["ModelName"]], site)
                for record in self.config.get(kind, [])
            }
            for kind in ("ProductionVariants", "ShadowProductionVariants")
        )
        self._variants = self._production | self._shadow

    def start(self) -> None:
        """Checks the roles, fetches the archives and loads the models.

        Raises:
            DeployError: one of these failed; the error has AWS's reason.
        """
        for arn in {model["ExecutionRoleArn"] for model in self._models.values() if "ExecutionRoleArn" in model}:
            policy = self._aws.trust_policy(arn)
            if policy is None or not trusts_sagemaker(policy):
                raise DeployError(
                    NO_ROLE.format(arn=arn),
                    f"{arn} does not exist." if policy is None else f"{arn} has the trust policy {policy}.",
                )
        for variant in self._variants.values():
            variant.start()

    def choose(self, target: str | None) -> Variant:
        """Chooses the variant for a request: the target, or a variant by weight.

        Raises:
            AwsError: `ValidationError` for a target that does not exist.
        """
        if target is not None:
            if target not in self._production:
                raise AwsError("ValidationError", f"Variant {target} not found for this endpoint.")
            return self._production[target]
        variants = list(self._production.values())
        if len(variants) == 1:
            return variants[0]
        weights = [variant.weight for variant in variants]
        return random.choices(variants, weights if any(weights) else None)[0]  # noqa: S311 - no secret

    def shadows(self, variant: Variant) -> list[Variant]:
        """Chooses the shadow variants that get a copy of a request.

        A shadow's share of the requests is the ratio of its weight to the production variant's.
        """
        return [
            shadow
            for shadow in self._shadow.values()
            if random.random() * variant.weight < shadow.weight  # noqa: S311 - no secret
        ]

    def loads(self) -> dict[str, int]:
        """Returns the number of requests under way, by variant."""
        return {name: variant.outstanding for name, variant in self._variants.items()}

    def resize(self, variant: str, count: int) -> None:
        """Changes the number of a variant's instances; those that go end after the requests that they have."""
        self._variants[variant].resize(count)

    def limit(self, variant: str, serverless: Record) -> None:
        """Changes the concurrency of a serverless variant to that of a ServerlessConfig."""
        self._variants[variant].limit(serverless)

    def weigh(self, variant: str, weight: float) -> None:
        """Changes the weight of a variant."""
        self._variants[variant].weight = weight

    def retire(self, *, remove: bool) -> None:
        """Ends the processes.

        Args:
            remove: whether the processes first answer the requests that they have, and what was unpacked is removed.
        """
        for variant in self._variants.values():
            if remove:
                variant.retire()
            else:
                variant.kill()
        if remove:
            shutil.rmtree(self.home, ignore_errors=True)
