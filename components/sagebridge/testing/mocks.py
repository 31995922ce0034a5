"""Mocks that answer as AWS and its Pulumi provider would, and as a Terraform state does."""

from collections.abc import Collection, Mapping
from typing import Any

import grpc
import pulumi

from sagebridge.testing.identities import Account, identify


class EngineError(grpc.RpcError):
    """A call that failed, as the connection to the engine raises it."""

    def __init__(self, details: str) -> None:
        self._details = details

    def code(self) -> grpc.StatusCode:
        """Returns the status that a failed call has."""
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        """Returns the provider's message."""
        return self._details


class Mocks(pulumi.runtime.Mocks):
    """Answers for AWS, without a network: names, IDs and ARNs, objects in S3, and the outputs of a Terraform state.

    Give it to `pulumi.runtime.set_mocks`, or take the fixture `sagebridge_mocks`. A test that needs other answers
    changes the attributes, or overrides a method and calls it for the rest.
    """

    def __init__(
        self,
        terraform_outputs: Mapping[str, Any] | None = None,
        *,
        region: str = "us-east-1",
        account: str = "123456789012",
    ) -> None:
        """Takes what the program finds.

        Args:
            terraform_outputs: The outputs of every Terraform state. Default are those of a base with the bucket
                `models`.
            region: The region of what names no other, by itself, its provider or the configuration `aws:region`.
            account: The account's number.
        """
        self.region = region
        self.account = account
        role = f"arn:{Account(account, region).partition}:iam::{account}:role/sagemaker"
        base = {"bucket_name": "models", "execution_role_arn": role, "model_prefix": "models"}
        self.terraform_outputs: Mapping[str, Any] | Exception = base if terraform_outputs is None else terraform_outputs
        """The outputs of every Terraform state, or an exception that says why it cannot be read."""
        self.archives: Collection[str] | None = None
        """The S3 URLs of the objects that are there. Default is that every object is."""
        self.metadata: Mapping[str, str] = {}
        """The metadata of every object; `sagebridge publish` writes the versions of an archive there."""
        self._regions: dict[str, str] = {}
        """The regions of explicit providers, by their ID."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        """Returns the ID and the outputs of a resource."""
        if args.typ == "pulumi:providers:aws":
            self._regions[args.name] = args.inputs.get("region") or self._default_region()
            return args.name, args.inputs
        if args.typ == "pulumi:index:Stash":
            return f"{args.name}-1234567", {**args.inputs, "output": args.inputs.get("input")}
        if not args.typ.startswith("aws:"):
            return f"{args.name}-1234567", args.inputs
        region = args.inputs.get("region") or self._region_of(args.provider)
        inputs = {key: pulumi.runtime.rpc.unwrap_rpc_secret(value) for key, value in args.inputs.items()}
        identity, name_and_arn = identify(args.typ, args.name, inputs, Account(self.account, region))
        tags = {"tagsAll": args.inputs["tags"]} if "tags" in args.inputs else {}
        return args.resource_id or identity, {"region": region, **tags, **name_and_arn, **args.inputs}

    def call(self, args: pulumi.runtime.MockCallArgs) -> Any:  # noqa: ANN401 - any function's result
        """Returns the result of a function; an empty one for a function that needs no answer here.

        Raises:
            EngineError: An object is not there, or a Terraform state cannot be read.
        """
        region = args.args.get("region") or self._region_of(args.provider)
        account = Account(self.account, region)
        match args.token:
            case "aws:s3/getObject:getObject" | "aws:s3/getBucketObject:getBucketObject":
                return self._object(args.args["bucket"], args.args["key"])
            case "aws:index/getCallerIdentity:getCallerIdentity":
                arn = f"arn:{account.partition}:iam::{self.account}:root"
                return {"accountId": self.account, "arn": arn, "userId": self.account, "id": self.account}
            case "aws:index/getRegion:getRegion":
                return {"region": region, "name": region, "id": region}
            case "aws:index/getPartition:getPartition":
                return {"partition": account.partition, "id": account.partition}
            case token if token.startswith("terraform:state:"):
                if isinstance(self.terraform_outputs, Exception):
                    raise self.terraform_outputs
                return {"outputs": self.terraform_outputs}
        return {}

    def _object(self, bucket: str, key: str) -> dict[str, Any]:
        if self.archives is not None and f"s3://{bucket}/{key}" not in self.archives:
            raise EngineError(f"reading S3 Object ({key}): couldn't find resource")
        return {"bucket": bucket, "key": key, "metadata": self.metadata}

    def _region_of(self, provider: str | None) -> str:
        """Returns the region of a provider, whose reference ends with its ID."""
        return self._regions.get((provider or "").rpartition("::")[2]) or self._default_region()

    def _default_region(self) -> str:
        return pulumi.Config("aws").get("region") or self.region
