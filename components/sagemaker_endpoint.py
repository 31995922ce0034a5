"""A SageMaker endpoint, real-time or serverless: model, endpoint configuration and endpoint."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict
from urllib.parse import urlsplit

import pulumi
import pulumi_aws as aws

from components import rollout
from components.errors import reason
from components.image import misfit
from components.validation import Problem, message, problem, shapes

VARIANT = "AllTraffic"
AUTONAME_SUFFIX = 8
"""Characters that Pulumi's auto-naming adds: a dash and seven hexadecimal digits."""


class ServerlessConfigArgs(TypedDict):
    """Capacity without instances (AWS API: ProductionVariantServerlessConfig)."""

    memory_size_in_mb: NotRequired[pulumi.Input[int]]
    """Memory in MB: 1024 to 6144 in steps of 1024. Default 4096."""
    max_concurrency: NotRequired[pulumi.Input[int]]
    """Concurrent invocations, 1 to 200. Default 2."""


class SageMakerEndpointArgs(TypedDict):
    """What a :class:`SageMakerEndpoint` is made from."""

    execution_role_arn: pulumi.Input[str]
    """ARN of the role that SageMaker assumes to read the archive and pull the image."""
    image: pulumi.Input[str]
    """URI of the image that serves the model."""
    model_data_url: pulumi.Input[str]
    """S3 URL of the model archive, ``s3://bucket/key.tar.gz``. The object must exist."""
    instance_type: NotRequired[pulumi.Input[str]]
    """Instance type of a real-time endpoint. Default ``ml.m5.xlarge``."""
    initial_instance_count: NotRequired[pulumi.Input[int]]
    """Instances of a real-time endpoint, 1 or more. Default 1."""
    serverless_config: NotRequired[ServerlessConfigArgs]
    """Makes the endpoint serverless; excludes the two fields above."""
    endpoint_name: NotRequired[pulumi.Input[str]]
    """Name of the endpoint, up to 63 letters, digits and dashes. Default: auto-named."""
    tags: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Tags on all three resources, at most 50. Default none."""


class SageMakerEndpoint(pulumi.ComponentResource):
    """Model → EndpointConfiguration → Endpoint.

    Model and configuration are auto-named, so that a change makes new ones, updates the endpoint in place and only then
    deletes the old ones; the endpoint alone has a name of its own (the provider deletes before it replaces whatever is
    named explicitly). After each rollout the endpoint must run the configuration that was asked for (``rollout.py``).
    """

    endpoint_name: pulumi.Output[str]
    """Name to invoke."""
    endpoint_arn: pulumi.Output[str]
    """ARN of the endpoint."""
    endpoint_config_name: pulumi.Output[str]
    """Name of the configuration that the endpoint runs."""
    model_name: pulumi.Output[str]
    """Name of the model."""
    model_data_url: pulumi.Output[str]
    """S3 URL of the archive that is served."""

    def __init__(self, name: str, args: SageMakerEndpointArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declares the endpoint.

        Args:
            name: name of the component; the children's names derive from it.
            args: see :class:`SageMakerEndpointArgs`.
            opts: options of the component; children inherit what Pulumi lets them inherit.

        Raises:
            pulumi.RunError: AWS would refuse the arguments; names each problem, or the archive is not there or does
                not fit the image. Arguments that are outputs are left to AWS.
        """
        if problems := validate(name, args):
            raise pulumi.RunError(message(f"SageMakerEndpoint {name!r} cannot be made", problems))
        super().__init__("sagebridge:index:SageMakerEndpoint", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        tags = args.get("tags")
        self.model_data_url = self._checked_archive(args["model_data_url"], args["image"])
        model = aws.sagemaker.Model(
            f"{name}-model",
            execution_role_arn=args["execution_role_arn"],
            primary_container={
                "image": args["image"],
                "mode": "SingleModel",
                "model_data_url": self.model_data_url,
                "environment": environment(self.model_data_url),
            },
            tags=tags,
            opts=child,
        )
        configuration = aws.sagemaker.EndpointConfiguration(
            f"{name}-config",
            production_variants=[variant(args, model.name)],
            tags=tags,
            opts=child,
        )
        endpoint = aws.sagemaker.Endpoint(
            name,
            name=args.get("endpoint_name"),
            endpoint_config_name=configuration.name,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self, hooks=rollout.hooks(name)),
        )
        self.endpoint_name = endpoint.name
        self.endpoint_arn = endpoint.arn
        self.endpoint_config_name = endpoint.endpoint_config_name
        self.model_name = model.name
        self.register_outputs(
            {
                "endpointName": self.endpoint_name,
                "endpointArn": self.endpoint_arn,
                "endpointConfigName": self.endpoint_config_name,
                "modelName": self.model_name,
                "modelDataUrl": self.model_data_url,
            }
        )

    def _checked_archive(self, url: pulumi.Input[str], image: pulumi.Input[str]) -> pulumi.Output[str]:
        """Returns the URL, once the archive is known to be there and to fit the image.

        Plain values are checked here and now, in a preview too; outputs as soon as they are known.
        """
        if isinstance(url, str) and isinstance(image, str):
            self._check_archive(url, image)
            return pulumi.Output.from_input(url)

        def check(known: list[str]) -> str:
            self._check_archive(*known)
            return known[0]

        return pulumi.Output.all(url, image).apply(check)

    def _check_archive(self, url: str, image: str) -> None:
        location = urlsplit(url)
        try:
            archive = aws.s3.get_object(
                bucket=location.netloc, key=location.path.lstrip("/"), opts=pulumi.InvokeOptions(parent=self)
            )
        except Exception as error:  # the engine has no type of its own for a failed invoke
            why = reason(error)
            if "couldn't find resource" in why or "NotFound" in why:
                why = "it is not there; publish the archive first (python -m model publish --stack …)"
            raise pulumi.RunError(f"model_data_url: cannot read {url}: {why}") from error
        if wrong := misfit(image, archive.metadata):
            raise pulumi.RunError(f"model_data_url: {url} does not fit the image: {wrong}")


def validate(name: str, args: SageMakerEndpointArgs) -> list[Problem]:
    """Returns every problem of the arguments; values that are outputs are passed over.

    Limits come from botocore's shapes. The other rules' sources: AWS API reference, ContainerDefinition.ModelDataUrl
    (a ``.tar.gz``), ProductionVariant (instances or ServerlessConfig), ProductionVariantServerlessConfig.MemorySizeInMB
    (steps of 1 GB).
    """
    serverless = args.get("serverless_config")
    plain = {
        "execution_role_arn": (args["execution_role_arn"], "RoleArn"),
        "image": (args["image"], "ContainerImage"),
        "model_data_url": (args["model_data_url"], "Url"),
        "endpoint_name": (args.get("endpoint_name"), "EndpointName"),
        "instance_type": (args.get("instance_type"), "ProductionVariantInstanceType"),
        "initial_instance_count": (args.get("initial_instance_count"), "InitialTaskCount"),
        "serverless_config.memory_size_in_mb": (
            (serverless or {}).get("memory_size_in_mb"),
            "ServerlessMemorySizeInMB",
        ),
        "serverless_config.max_concurrency": (
            (serverless or {}).get("max_concurrency"),
            "ServerlessMaxConcurrency",
        ),
    }
    problems = [
        found for path, (value, shape) in plain.items() if _is_known(value) and (found := problem(path, value, shape))
    ]
    named = {found.property for found in problems}
    url = args["model_data_url"]
    if (
        isinstance(url, str)
        and "model_data_url" not in named
        and not (url.startswith("s3://") and url.endswith(".tar.gz"))
    ):
        problems.append(Problem("model_data_url", url, "an S3 URL that ends in .tar.gz"))
    memory = (serverless or {}).get("memory_size_in_mb")
    if isinstance(memory, int) and "serverless_config.memory_size_in_mb" not in named and memory % 1024:
        problems.append(Problem("serverless_config.memory_size_in_mb", memory, "a multiple of 1024"))
    if serverless is not None:
        problems += [
            Problem(field, args[field], "left out of a serverless endpoint")
            for field in ("instance_type", "initial_instance_count")
            if field in args
        ]
    longest = shapes()["EndpointConfigName"]["max"] - len("-config") - AUTONAME_SUFFIX
    if len(name) > longest:
        problems.append(Problem("name", name, f"at most {longest} characters long, as auto-naming adds to it"))
    if len(tags := args.get("tags") or {}) > shapes()["TagList"]["max"]:
        problems.append(Problem("tags", f"{len(tags)} tags", f"at most {shapes()['TagList']['max']}"))
    return problems


def variant(
    args: SageMakerEndpointArgs, model_name: pulumi.Input[str]
) -> aws.sagemaker.EndpointConfigurationProductionVariantArgsDict:
    """Returns the one production variant, with instances or serverless."""
    serverless = args.get("serverless_config")
    if serverless is None:
        return {
            "variant_name": VARIANT,
            "model_name": model_name,
            "instance_type": args.get("instance_type", "ml.m5.xlarge"),
            "initial_instance_count": args.get("initial_instance_count", 1),
        }
    return {
        "variant_name": VARIANT,
        "model_name": model_name,
        "serverless_config": {
            "memory_size_in_mb": serverless.get("memory_size_in_mb", 4096),
            "max_concurrency": serverless.get("max_concurrency", 2),
        },
    }


def environment(model_data_url: pulumi.Input[str]) -> dict[str, pulumi.Input[str]]:
    """Returns what the scikit-learn container reads to find the handler in the archive."""
    return {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": model_data_url}


def _is_known(value: Any) -> bool:  # noqa: ANN401 - any argument
    return value is not None and not isinstance(value, pulumi.Output)
