"""The arguments of a SageMaker endpoint, each with its unit, limits and default.

Names are the AWS API's and pulumi-aws's, in snake_case. What AWS wraps into a structure of one or two members is flat
here (``routing_strategy`` for ``RoutingConfig.RoutingStrategy``). Limits that are not stated here are botocore's.
"""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi


class ModelDataSourceArgs(TypedDict):
    """Model data that is not one compressed archive (AWS API: S3ModelDataSource)."""

    s3_uri: pulumi.Input[str]
    """S3 URI, up to 1024 characters; the URI of a prefix ends in ``/``."""
    s3_data_type: NotRequired[pulumi.Input[str]]
    """``S3Prefix`` or ``S3Object``. Default ``S3Prefix``."""
    compression_type: NotRequired[pulumi.Input[str]]
    """``None`` or, for an object, ``Gzip``. Default ``None``."""
    accept_eula: NotRequired[pulumi.Input[bool]]
    """Whether you accept the model's licence, for models that ask for it. Default: not set."""


class HuggingFaceModelArgs(TypedDict):
    """A model on the Hugging Face Hub, which the container downloads when it starts."""

    id: pulumi.Input[str]
    """Name of the model's repository, such as ``Qwen/Qwen3-8B``; for huggingface-llamacpp, of one with GGUF files."""
    revision: NotRequired[pulumi.Input[str]]
    """Branch, tag or commit. Default: the main branch, so that a container that starts later may load another model.
    Not for huggingface-llamacpp."""
    token: NotRequired[pulumi.Input[str]]
    """Token for the Hub, for models that are private or whose licence must be accepted there. It is kept as a secret.
    Default: none."""


class ImageArgs(TypedDict):
    """The image that a container runs and the model that it loads (AWS API: ContainerDefinition)."""

    image: NotRequired[pulumi.Input[str]]
    """URI of the image that serves the model, up to 255 characters. An image of ECR's is in the endpoint's region."""
    framework: NotRequired[str]
    """Instead of ``image``, the framework of one of AWS's images: ``huggingface``, ``pytorch``, ``sklearn``,
    ``tensorflow`` or ``xgboost``, or a model server: ``djl-lmi``, ``huggingface-llamacpp``, ``huggingface-tei``,
    ``huggingface-tei-cpu``, ``huggingface-vllm``, ``sglang`` or ``vllm``; ``huggingface-llm`` is archived. The
    component finds the image for the provider's region and the instance type."""
    framework_version: NotRequired[str]
    """The framework's version as AWS writes it: ``1.9-0`` (sklearn), ``3.2-0`` (xgboost), ``2.6`` (pytorch,
    tensorflow), ``0.30.0`` (vllm); for huggingface, the version of Transformers. Required with ``framework``, but for
    a model server, whose default is the newest version; the preview tells it."""
    hugging_face_model: NotRequired[HuggingFaceModelArgs]
    """Instead of ``model_data_url``, a model on the Hugging Face Hub, for a model server or ``huggingface``. The
    component sets the variables by which the image is told the model."""
    model_data_url: NotRequired[pulumi.Input[str]]
    """S3 URL of the model archive, ``s3://bucket/key.tar.gz``, which must exist; for a multi-model container, the
    prefix of its archives, ``s3://bucket/prefix/``. Default: the model is in the image."""
    model_data_source: NotRequired[ModelDataSourceArgs]
    """Instead of ``model_data_url``, uncompressed model data, such as a large model's files. Not for serverless and not
    for multi-model."""
    environment: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Variables of the container, plain or secret; at most 100, and at most 32 KB with those of the model's other
    containers. They are added to ``SAGEMAKER_PROGRAM`` and ``SAGEMAKER_SUBMIT_DIRECTORY``, which the component sets to
    where the model has its handler. Those that you set yourself are kept, and refused if the model contradicts them."""
    default_environment: NotRequired[bool]
    """Whether the component sets those two. Default true; false leaves the container with ``environment`` alone, and
    lets a model without a handler pass, because an image may bring its own."""
    mode: NotRequired[pulumi.Input[str]]
    """``SingleModel`` or ``MultiModel``. Default ``SingleModel``."""
    model_cache_setting: NotRequired[pulumi.Input[str]]
    """Whether a multi-model container keeps models in memory: ``Enabled`` or ``Disabled``. Default ``Enabled``."""
    model_package_name: NotRequired[pulumi.Input[str]]
    """Instead of an image and its data, the ARN of an approved version in the model registry."""


class ContainerArgs(ImageArgs):
    """One of several containers of a model."""

    container_hostname: NotRequired[pulumi.Input[str]]
    """The container's name, for logs and to invoke it directly. It is unique, and set for every container or for none.
    Default: AWS chooses the name."""


class ModelArgs(ImageArgs):
    """A model: one container, or several in ``containers``."""

    containers: NotRequired[Sequence[ContainerArgs]]
    """1 to 15 containers, instead of all other fields of a model except ``inference_execution_mode``."""
    inference_execution_mode: NotRequired[pulumi.Input[str]]
    """How ``containers`` are called: ``Serial``, as an inference pipeline, or ``Direct``, each by its name. Default
    ``Serial``."""


class ServerlessConfigArgs(TypedDict):
    """Capacity without instances (AWS API: ProductionVariantServerlessConfig)."""

    memory_size_in_mb: NotRequired[pulumi.Input[int]]
    """Memory in MB: 1024 to 6144 in steps of 1024. Default 4096."""
    max_concurrency: NotRequired[pulumi.Input[int]]
    """Concurrent invocations, 1 to 200. Default 2."""
    provisioned_concurrency: NotRequired[pulumi.Input[int]]
    """Invocations that never start cold, 1 to ``max_concurrency``. Default: none. With ``autoscaling`` and
    ``endpoint_name`` it applies to the first rollout only, as ``initial_instance_count`` does."""


class ScheduleArgs(TypedDict):
    """A change of the bounds at a time (AWS API: PutScheduledAction); it sets one bound or both."""

    schedule: pulumi.Input[str]
    """When the bounds change: ``cron(0 8 ? * MON-FRI *)``, ``rate(1 day)`` or ``at(2030-01-01T08:00:00)``."""
    timezone: NotRequired[pulumi.Input[str]]
    """The schedule's time zone, such as ``Europe/Berlin``. Default ``UTC``."""
    min_capacity: NotRequired[pulumi.Input[int]]
    """The minimum from then on. Default: unchanged."""
    max_capacity: NotRequired[pulumi.Input[int]]
    """The maximum from then on. Default: unchanged."""


class AutoscalingArgs(TypedDict):
    """How a variant scales: its bounds, and one target for the endpoint's kind, schedules, or both.

    Capacity is the number of instances, or the provisioned concurrency of a serverless variant.
    """

    min_capacity: pulumi.Input[int]
    """The minimum: 1 or more. It may be 0 for an asynchronous endpoint, which then starts with the first request."""
    max_capacity: pulumi.Input[int]
    """The maximum: ``min_capacity`` or more; for a serverless variant at most its ``max_concurrency``."""
    invocations_per_instance: NotRequired[pulumi.Input[float]]
    """For real-time endpoints: the requests per instance and minute to hold, above 0
    (SageMakerVariantInvocationsPerInstance)."""
    concurrent_requests_per_model: NotRequired[pulumi.Input[float]]
    """For real-time endpoints: the concurrent requests per model to hold, above 0. It is measured every 10 seconds, so
    it reacts to a burst within the minute (SageMakerVariantConcurrentRequestsPerModelHighResolution)."""
    provisioned_concurrency_utilization: NotRequired[pulumi.Input[float]]
    """For serverless endpoints: the part of the provisioned concurrency in use to hold, above 0 and at most 1
    (SageMakerVariantProvisionedConcurrencyUtilization). The variant needs ``provisioned_concurrency``."""
    backlog_per_instance: NotRequired[pulumi.Input[float]]
    """For asynchronous endpoints: the queued requests per instance to hold, above 0
    (ApproximateBacklogSizePerInstance)."""
    scale_in_cooldown: NotRequired[pulumi.Input[int]]
    """Seconds between scaling in and the next scaling. Default 300, which is AWS's own."""
    scale_out_cooldown: NotRequired[pulumi.Input[int]]
    """Seconds between scaling out and the next scaling. Default 300, which is AWS's own."""
    disable_scale_in: NotRequired[pulumi.Input[bool]]
    """Whether the target only ever adds capacity. Default false."""
    schedules: NotRequired[Mapping[str, ScheduleArgs]]
    """Changes of the bounds at certain times, by name. Default: none."""


class VariantArgs(ModelArgs):
    """A production or a shadow variant (AWS API: ProductionVariant).

    A variant that sets fields of a model has a model of its own; any other runs the endpoint's model.
    """

    variant_name: str
    """Name, up to 63 letters, digits and dashes; unique in the endpoint."""
    initial_variant_weight: NotRequired[pulumi.Input[float]]
    """Share of the traffic relative to the sum of all weights, 0 or more. For a shadow variant, the share of the
    production variant's requests that is copied, relative to that variant's weight. Default 1."""
    instance_type: NotRequired[pulumi.Input[str]]
    """Instance type. Default ``ml.m5.xlarge``."""
    initial_instance_count: NotRequired[pulumi.Input[int]]
    """Number of instances to start with, 1 or more. Default 1. With ``autoscaling`` and ``endpoint_name`` it applies to
    the first rollout only: an update keeps the instances that there are, within the bounds."""
    serverless_config: NotRequired[ServerlessConfigArgs]
    """Capacity without instances, for the endpoint's only variant; it excludes every field that is about instances.
    Default: instances."""
    volume_size_in_gb: NotRequired[pulumi.Input[int]]
    """Size of an instance's volume in GB, 1 to 512. Default: AWS chooses by the instance type. With
    ``hugging_face_model``, it fits the size that the model's name tells, on instances without disks of their own."""
    model_data_download_timeout_in_seconds: NotRequired[pulumi.Input[int]]
    """Seconds for downloading and extracting the model, 60 to 3600. Default: AWS's. For a model server with
    ``model_data_url`` or ``model_data_source``, it fits the memory of the instance's GPUs."""
    container_startup_health_check_timeout_in_seconds: NotRequired[pulumi.Input[int]]
    """Seconds until the container must answer the health check, 60 to 3600. Default: AWS's. For a model server, it fits
    the size that the model's name tells, or else the memory of the instance's GPUs."""
    inference_ami_version: NotRequired[pulumi.Input[str]]
    """Name of the machine image, which decides driver and CUDA version for accelerators. Default: AWS's, but for images
    with CUDA 13 on the families that need another."""
    enable_ssm_access: NotRequired[pulumi.Input[bool]]
    """Lets operators open a shell in the variant's containers with AWS Systems Manager, to debug them. AWS Support must
    have allowed the account to use it. While it is on, AWS waits a day before it patches or replaces an instance.
    Default false."""
    routing_strategy: NotRequired[pulumi.Input[str]]
    """How AWS chooses an instance for a request: ``LEAST_OUTSTANDING_REQUESTS`` or ``RANDOM``. Default: AWS's, which is
    random."""
    autoscaling: NotRequired[AutoscalingArgs]
    """How the variant scales. Default: it does not."""


class AsyncInferenceConfigArgs(TypedDict):
    """Makes the endpoint asynchronous (AWS API: AsyncInferenceConfig)."""

    s3_output_path: pulumi.Input[str]
    """S3 URI below which answers are stored; the execution role must be allowed to write there."""
    s3_failure_path: NotRequired[pulumi.Input[str]]
    """S3 URI below which failures are stored. Default: none; only ``error_topic`` tells of failures."""
    kms_key_id: NotRequired[pulumi.Input[str]]
    """ARN of the key that encrypts the answers. Default: SageMaker's own key."""
    success_topic: NotRequired[pulumi.Input[str]]
    """ARN of the SNS topic that is notified of answers. Default: none."""
    error_topic: NotRequired[pulumi.Input[str]]
    """ARN of the SNS topic that is notified of failures. Default: none."""
    include_inference_response_in: NotRequired[Sequence[pulumi.Input[str]]]
    """The notifications that contain the answer itself, up to 128 KB: ``SUCCESS_NOTIFICATION_TOPIC``,
    ``ERROR_NOTIFICATION_TOPIC`` or both. Default: none."""
    max_concurrent_invocations_per_instance: NotRequired[pulumi.Input[int]]
    """Concurrent requests that a container gets, 1 to 1000. Default: SageMaker chooses."""


class DataCaptureConfigArgs(TypedDict):
    """Stores requests and answers (AWS API: DataCaptureConfig)."""

    destination_s3_uri: pulumi.Input[str]
    """S3 URI below which they are stored; the execution role must be allowed to write there."""
    initial_sampling_percentage: pulumi.Input[int]
    """Percentage of the requests that is stored, 0 to 100."""
    enable_capture: NotRequired[pulumi.Input[bool]]
    """Whether anything is stored. Default true."""
    capture_options: NotRequired[Sequence[pulumi.Input[str]]]
    """What is stored: one or two of ``Input``, ``Output``, ``InputAndOutput``. Default ``Input`` and ``Output``."""
    csv_content_types: NotRequired[Sequence[pulumi.Input[str]]]
    """Content types that are stored as CSV, 1 to 10. Default: none. Types in neither list are stored as base64."""
    json_content_types: NotRequired[Sequence[pulumi.Input[str]]]
    """Content types that are stored as JSON, 1 to 10. Default: none."""
    kms_key_id: NotRequired[pulumi.Input[str]]
    """ARN of the key that encrypts what is stored. Default: the bucket's key."""


class CapacitySizeArgs(TypedDict):
    """A part of a fleet (AWS API: CapacitySize)."""

    value: pulumi.Input[int]
    """Percentage of the fleet, or number of instances."""
    type: NotRequired[pulumi.Input[str]]
    """``CAPACITY_PERCENT`` or ``INSTANCE_COUNT``. Default ``CAPACITY_PERCENT``."""


class BlueGreenUpdatePolicyArgs(TypedDict):
    """An update starts a new fleet beside the old one (AWS API: BlueGreenUpdatePolicy)."""

    type: NotRequired[pulumi.Input[str]]
    """How the traffic moves: ``ALL_AT_ONCE``, ``CANARY`` (in two steps) or ``LINEAR``. Default ``ALL_AT_ONCE``."""
    canary_size: NotRequired[CapacitySizeArgs]
    """The first step of ``CANARY``: 1 to 50 % of the fleet."""
    linear_step_size: NotRequired[CapacitySizeArgs]
    """Each step of ``LINEAR``: 10 to 50 % of the fleet."""
    wait_interval_in_seconds: NotRequired[pulumi.Input[int]]
    """Bake time after a step, while the alarms are watched, 0 to 3600. Default 0."""
    termination_wait_in_seconds: NotRequired[pulumi.Input[int]]
    """Seconds that the old fleet stays after the last step, 0 to 3600. Default 0."""
    maximum_execution_timeout_in_seconds: NotRequired[pulumi.Input[int]]
    """Limit for the whole update, 600 to 14400, and more than all waits together. Default: AWS's."""


class RollingUpdatePolicyArgs(TypedDict):
    """An update renews the fleet in batches (AWS API: RollingUpdatePolicy)."""

    maximum_batch_size: CapacitySizeArgs
    """Each batch: 5 to 50 % of the fleet."""
    rollback_maximum_batch_size: NotRequired[CapacitySizeArgs]
    """Each batch of a rollback. Default: the whole fleet at once."""
    wait_interval_in_seconds: NotRequired[pulumi.Input[int]]
    """Bake time after a batch, while the alarms are watched, 0 to 3600. Default 0."""
    maximum_execution_timeout_in_seconds: NotRequired[pulumi.Input[int]]
    """Limit for the whole update, 600 to 14400, and more than all waits together. Default: AWS's."""


class DeploymentConfigArgs(TypedDict):
    """How an update reaches the endpoint (AWS API: DeploymentConfig)."""

    blue_green_update_policy: NotRequired[BlueGreenUpdatePolicyArgs]
    """Default: all traffic moves at once, without waits."""
    rolling_update_policy: NotRequired[RollingUpdatePolicyArgs]
    """Instead of blue/green. Not for serverless and not for several variants."""
    auto_rollback_alarms: NotRequired[Sequence[pulumi.Input[str]]]
    """Names of 1 to 10 CloudWatch alarms that roll an update back. Default: with ``alarms``, the component's own alarms
    for latency and 5xx, which need a plain ``endpoint_name``; otherwise none. An update that adds the first alarm or
    removes the last replaces the endpoint (the AWS provider's ``auto_rollback_configuration`` forces it), so it is
    refused unless ``allow_replacement`` is set."""


class AlarmsArgs(TypedDict):
    """The thresholds of an endpoint's alarms, and what the alarms start; ``{}`` is every alarm with its default."""

    alarm_actions: NotRequired[Sequence[pulumi.Input[str]]]
    """ARNs of what an alarm starts, such as SNS topics; at most 5. Default: none; alarms can be seen, and can roll
    updates back."""
    model_latency: NotRequired[pulumi.Input[float]]
    """Milliseconds within which 99 of 100 answers must come, above 0. Default 1000; for asynchronous endpoints
    60 000."""
    error_rate_4xx: NotRequired[pulumi.Input[float]]
    """Part of the requests that may be answered with 4xx, 0 to 1. Default 0.05."""
    error_rate_5xx: NotRequired[pulumi.Input[float]]
    """Part of the requests that may be answered with 5xx, 0 to 1. Default 0.01."""
    saturation: NotRequired[pulumi.Input[float]]
    """The highest value that the kind's own metric may have. Real-time: percentage of the memory (MemoryUtilization),
    default 90. Serverless: part of the maximum concurrency (ServerlessConcurrentExecutionsUtilization), default 0.8.
    Asynchronous: age of the oldest request in seconds (ApproximateAgeOfOldestRequest), default 900."""
    time_to_first_token: NotRequired[pulumi.Input[float]]
    """For real-time endpoints that run vLLM: milliseconds within which the first token of 99 of 100 answers must come,
    above 0. Default: no such alarm."""


class VpcConfigArgs(TypedDict):
    """A VPC (AWS API: VpcConfig)."""

    subnets: Sequence[pulumi.Input[str]]
    """IDs of 1 to 16 subnets."""
    security_group_ids: Sequence[pulumi.Input[str]]
    """IDs of 1 to 5 security groups."""


class SageMakerEndpointArgs(ModelArgs):
    """The arguments of a :class:`SageMakerEndpoint`. The simplest are a role, an image and model data."""

    execution_role_arn: pulumi.Input[str]
    """ARN of the role that SageMaker assumes to read the archive and pull the image."""
    instance_type: NotRequired[pulumi.Input[str]]
    """Instance type of the only variant. Default ``ml.m5.xlarge``."""
    initial_instance_count: NotRequired[pulumi.Input[int]]
    """Number of instances of the only variant, 1 or more. Default 1. With ``autoscaling``, see the same field of a
    variant."""
    serverless_config: NotRequired[ServerlessConfigArgs]
    """Makes the only variant serverless; it excludes the two fields above. Default: instances."""
    autoscaling: NotRequired[AutoscalingArgs]
    """How the only variant scales. Default: it does not."""
    production_variants: NotRequired[Sequence[VariantArgs]]
    """1 to 10 variants, instead of the four fields above. Default: one variant, ``AllTraffic``."""
    shadow_production_variants: NotRequired[Sequence[VariantArgs]]
    """One variant that gets copies of the requests to the only production variant, and whose answers nobody sees.
    Default: none."""
    vpc_config: NotRequired[VpcConfigArgs]
    """The VPC that all models run in. Default: SageMaker's own. Not for serverless."""
    enable_network_isolation: NotRequired[pulumi.Input[bool]]
    """Whether all models are cut off from the network. Default false. Not for serverless."""
    async_inference_config: NotRequired[AsyncInferenceConfigArgs]
    """Makes the endpoint asynchronous: it can only be invoked so. Default: it is not. Not for serverless."""
    data_capture_config: NotRequired[DataCaptureConfigArgs]
    """Stores requests and answers. Default: nothing is stored. Not for serverless."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """ARN of the key that encrypts the instances' volumes. Default: AWS's own key."""
    deployment_config: NotRequired[DeploymentConfigArgs]
    """How an update reaches the endpoint. A change of this field alone is rolled out too, with a new configuration,
    because AWS takes it only so. Default: blue/green, all at once. Not for serverless."""
    alarms: NotRequired[AlarmsArgs]
    """CloudWatch alarms for each production variant. Default: none; ``{}`` is all alarms with their defaults."""
    dashboard: NotRequired[bool]
    """Whether the endpoint gets a CloudWatch dashboard. Default false."""
    endpoint_name: NotRequired[pulumi.Input[str]]
    """Name of the endpoint, up to 63 letters, digits and dashes. Default: Pulumi names it."""
    import_endpoint: NotRequired[str]
    """Name of an endpoint to import, as it is, instead of creating one. Remove the field after the first
    ``pulumi up``; the next one gives the endpoint the configuration that is declared. Default: a new endpoint."""
    allow_replacement: NotRequired[bool]
    """Whether a change may delete the endpoint and create another, which is an outage. Default false: such a change is
    refused."""
    tags: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Tags of every resource, at most 50; at most 49 with ``autoscaling``, which adds its own. Default: none."""
