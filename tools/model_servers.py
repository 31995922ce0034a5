"""Makes ``docs/model-servers.md`` from the tables of images, variables, instance types, and what goes together."""

import re
from collections.abc import Iterable, Sequence

from sagebridge._aws import shapes
from sagebridge.images import sizes
from sagebridge.images.combination import CUDA_12_AMI, CUDA_13_AMI, CUDA_13_FAMILIES, HOST_CUDA, Combination
from sagebridge.images.compatibility import ROWS
from sagebridge.images.instances import accelerators_of
from sagebridge.images.servers import SERVERS, Server, Variable
from sagebridge.images.uris import CPU_INSTANCE, GPU_INSTANCE, MODEL_SERVERS, Image, image_of, newest_version
from tools.paths import CHECKOUT

PAGE = CHECKOUT / "docs" / "model-servers.md"

_HEAD = """\
<!-- Made by `make docs` from the code: change the tables there, not this page. -->
# Model servers

A model server is an image of AWS's that serves a published model as it is, without a handler. Name the server, the
model and an instance type. The component finds the image, sets its variables, and chooses what else it needs to start.
The preview says what it chose.

```python
SageMakerEndpoint(
    "chat",
    {{
        "execution_role_arn": base.execution_role_arn,
        "framework": "vllm",
        "hugging_face_model": {{"id": "Qwen/Qwen3-8B"}},
        "instance_type": "ml.g5.2xlarge",
    }},
)
```

For a model that is private, or whose licence you have accepted on the Hub, add
`"token": pulumi.Config().require_secret("hubToken")`. The component keeps the token as a secret even if it is written
as plain text. A model of your own comes from S3, uncompressed: set
`"model_data_source": {{"s3_uri": "s3://models/qwen3-8b/"}}` instead of `hugging_face_model`. With `"accept_eula": True`
in it, you accept the licence of a model that asks for that.

## Images

The newest version is the default of `framework_version`. A newer Sagebridge may know a newer one, so declare the
version if an update of Sagebridge must not change the endpoint.

{images}

`huggingface-llm` is Text Generation Inference, which was archived in March 2026, and the preview warns of it. The
framework `huggingface` takes `hugging_face_model`, too, but has no default version.

## Variables

Variables that you set in `environment` are added; those that name the model cannot be set twice. With
`default_environment: False`, the component leaves out those that have a value here. A mounted model is one that
SageMaker puts into the container, because `model_data_url` or `model_data_source` is set.

{variables}

{sources}

## What goes together

What is refused stops the preview, with what to write instead. An image is known by its repository and its tag, so a
copy of AWS's image in your own registry is judged like the original.

{rows}

"API" is the SageMaker API reference, "DLC" aws/deep-learning-containers at e0ecede (2026-08-21), "LMI"
deepjavalibrary/djl-serving, "SDK" sagemaker-serve 1.27.0 and aws/sagemaker-python-sdk, "TEI"
huggingface/text-embeddings-inference.

## Machine images

| `inference_ami_version` | CUDA |
|---|---|
{amis}

Where none is declared, an image with CUDA 13 gets `{cuda_13_ami}` on these families: {families}. On any other family,
AWS chooses.

The AWS provider takes only the names of machine images and instance types that its AWS SDK knows, and refuses a newer
one in the preview. `{cuda_13_ami}` and the `ml.g7e` types came in
March 2026. Pulumi's `aws` plugin 7.51.1, the provider that `make` builds, and HashiCorp's provider 6.48 know them;
HashiCorp's 6.34 does not. With an older plugin, update pulumi-aws, or declare `{cuda_12_ami}` in
`production_variants`, with which AWS's own page deploys vLLM. The provider that `make` builds does not know what came
later: the `ml.g7` types, and the routing strategies `PREFIX_AWARE` and `KV_AWARE`.

## Time-outs and volume

The size of a model is estimated from its name: the parameters, as in `Qwen3-8B`, times 2 bytes, or fewer if the name
tells of a quantization. A model whose name does not tell is taken to fill the memory of the instance's GPUs. These are
estimates of Sagebridge's, not figures of AWS's. Declare the fields to set others.

| | `container_startup_health_check_timeout_in_seconds` | `volume_size_in_gb` |
|---|---|---|
{estimates}

With a mounted model, `model_data_download_timeout_in_seconds` is the same time. AWS takes up to {most_seconds} seconds,
and up to {most_gigabytes} GB. The volume's size is set only where the name tells the model's, and only on instances
without disks of their own.

## Scaling

`concurrent_requests_per_model` adds an instance while requests are still being served, which suits a language model:
its requests take very different times, so requests by the minute (`invocations_per_instance`) tell little of its load,
and the preview warns of them. The metric is SageMakerVariantConcurrentRequestsPerModelHighResolution, which AWS
measures every 10 seconds.

```python
"autoscaling": {{"min_capacity": 1, "max_capacity": 4, "concurrent_requests_per_model": 32}},
```

A server works on a certain number of requests at once, and lets the others wait. Set the target below that number, or
instances are added only after users have waited: if the variable of the server is in `environment`, the preview warns
of a target above it. AWS's quotas for your account bound `max_capacity`. A new instance serves only after it has loaded
the model, so let `min_capacity` be enough for the minutes until then.

{concurrency}

## Alarms and the dashboard

With `"dashboard": True`, the dashboard of an endpoint on instances with GPUs has a graph of `GPUUtilization` and
`GPUMemoryUtilization`, which the instances publish in `/aws/sagemaker/Endpoints`. Both are summed over the GPUs: four
GPUs reach 400 % (SageMaker Developer Guide, monitoring-cloudwatch).

`"alarms": {{"time_to_first_token": 1500}}` adds an alarm that rings when the first token of 99 of 100 answers takes
longer than 1.5 seconds, for `vllm` and `huggingface-vllm` on a real-time endpoint. The metric is not in a namespace of
CloudWatch's classic metrics. vLLM publishes it, and AWS's detailed observability, which is on in each new endpoint
configuration, brings it to CloudWatch as an OpenTelemetry metric that an alarm queries with PromQL (Guide:
monitoring-cloudwatch-detailed-observability; API: MetricsConfig.EnableDetailedObservability). The query is the example
"TTFT P99" of the Guide (monitoring-detailed-observability-promql), with the label of the variant. It has not been tried
on AWS yet. A post of AWS's
(Machine Learning Blog, 2026-06-18) writes the metric as `vllm:time_to_first_token_seconds` instead, so look in
CloudWatch's query editor whether your endpoint has data under the name in the alarm.

The Guide says that SGLang's metrics are there, too, but names none for the first token, and it names none of the other
servers. For these there is no such alarm. The alarm `latency` watches the whole answer of every endpoint. The AWS
provider that `make` builds, 6.34, has no alarms on queries, so `time_to_first_token` needs the provider that is
downloaded, or a later one.

## Instance types with accelerators

The accelerators are those of EC2's DescribeInstanceTypes, whose date is on the page of
[the tables](../components/sagebridge/images/tables/README.md). The compute capability is NVIDIA's. The table lacks
`ml.dl1.24xlarge` and `ml.p6e-gb200.36xlarge`.

{instances}
"""
_MODELS = ("Qwen/Qwen3-0.6B", "Qwen/Qwen3-8B", "Qwen/Qwen3-32B-AWQ", "meta-llama/Llama-3.1-70B-Instruct")


def page() -> str:
    """Returns the text of the page."""
    types = [name for name in shapes()["ProductionVariantInstanceType"]["enum"] if accelerators_of(name)]
    return _HEAD.format(
        images=_table(["framework", "newest version", "on GPUs", "on CPUs"], map(_image_row, MODEL_SERVERS)),
        variables=_table(
            ["framework", "model", "revision", "token", "always", "mounted model", "spread over GPUs"],
            map(_variable_row, SERVERS),
        ),
        sources=_sources(),
        rows=_table(["what", "is", "source"], [[row.what, row.verdict.value, row.source] for row in ROWS]),
        amis="\n".join(f"| `{ami}` | {_version(cuda)} |" for ami, cuda in HOST_CUDA.items()),
        families=", ".join(CUDA_13_FAMILIES),
        cuda_12_ami=CUDA_12_AMI,
        cuda_13_ami=CUDA_13_AMI,
        concurrency=_table(
            ["variable", "of", "source"],
            [
                [f"`{server.concurrency.name}`", server.framework, server.concurrency.source]
                for server in SERVERS
                if server.concurrency
            ],
        ),
        estimates="\n".join(_estimate_row(model) for model in _MODELS),
        most_seconds=shapes()["ProductionVariantContainerStartupHealthCheckTimeoutInSeconds"]["max"],
        most_gigabytes=shapes()["ProductionVariantVolumeSizeInGB"]["max"],
        instances=_table(
            ["instance type", "accelerators", "memory together", "compute capability"], map(_instance_row, types)
        ),
    )


def _image_row(framework: str) -> list[str]:
    version = newest_version(framework)
    images = [image_of(framework, version, instance_type) for instance_type in (GPU_INSTANCE, CPU_INSTANCE)]
    return [f"`{framework}`", f"`{version}`", *map(_image_cell, images)]


def _image_cell(image: object) -> str:
    if not isinstance(image, Image):
        return "no"
    cuda = Combination(image.name, None).cuda
    return f"CUDA {_version(cuda)}" if cuda else "yes"


def _variable_row(server: Server) -> list[str]:
    return [
        f"`{server.framework}`",
        _names([server.model]),
        _names([server.revision] if server.revision else []),
        _names(server.tokens),
        _names(server.fixed),
        _names(server.mounted),
        ", ".join(f"`{parallelism.names[0]}`" for parallelism in server.parallelism),
    ]


def _names(variables: Iterable[Variable]) -> str:
    return ", ".join(f"`{variable.name}{'=' if variable.value else ''}{variable.value}`" for variable in variables)


def _sources() -> str:
    """Returns where it is written that the images read their variables."""
    rows: dict[tuple[str, str], list[str]] = {}
    for server in SERVERS:
        told = [server.model, *([server.revision] if server.revision else []), *server.tokens]
        for variable in (*told, *server.fixed, *server.mounted):
            rows.setdefault((variable.name, variable.source), []).append(server.framework)
        for parallelism in server.parallelism:
            rows.setdefault((", ".join(parallelism.names), parallelism.source), []).append(server.framework)
    cells = [
        [f"`{re.sub(', ', '`, `', name)}`", ", ".join(dict.fromkeys(frameworks)), source]
        for (name, source), frameworks in rows.items()
    ]
    return _table(["variable", "of", "source"], cells)


def _estimate_row(model: str) -> str:
    gigabytes = sizes.weights_in_gb(model) or 0
    return f"| `{model}`, about {gigabytes:.0f} GB | {sizes.seconds_for(gigabytes)} | {sizes.volume_for(gigabytes)} |"


def _instance_row(instance_type: str) -> list[str]:
    accelerators = accelerators_of(instance_type)
    if accelerators is None:
        return [f"`{instance_type}`", "", "", ""]
    return [
        f"`{instance_type}`",
        f"{accelerators.count} {accelerators.name}",
        f"{accelerators.memory_in_gib} GiB",
        _version(accelerators.capability),
    ]


def _version(version: tuple[int, int] | None) -> str:
    return ".".join(map(str, version or ()))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page())
