"""Mocks: what a model server needs is set by default and said, its token is a secret, what cannot start is refused."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pytest

from sagebridge import SageMakerEndpoint
from sagebridge.images.servers import SERVERS
from sagebridge.images.uris import newest_version
from tests.endpoint.endpoints import CONFIGURATION, MODEL, args, requests
from tests.mocks import Monitor

Run = Callable[[Callable[[], object]], Monitor]
GPU, CPU = "ml.g5.2xlarge", "ml.m5.xlarge"
CUDA_13_AMI = "al2023-ami-sagemaker-inference-gpu-4-1"
MODEL_ID = "Qwen/Qwen3-8B"
TOKEN = "hf_hunter2"  # noqa: S105 - none
S3 = {"s3_uri": "s3://models/qwen3-8b/", "accept_eula": True}
TEI_VARIABLES = {"HF_MODEL_ID": MODEL_ID, "HF_MODEL_REVISION": "abc", "HF_TOKEN": TOKEN, "HF_API_TOKEN": TOKEN}
VLLM_VARIABLES = {"SM_VLLM_MODEL": MODEL_ID, "SM_VLLM_REVISION": "abc", "HF_TOKEN": TOKEN, "SM_VLLM_HOST": "0.0.0.0"}  # noqa: S104
HOME = {"HF_HOME": "/tmp"}  # noqa: S108 - a folder in the container
VARIABLES: Mapping[str, tuple[dict[str, str], dict[str, str]]] = {
    "vllm": (VLLM_VARIABLES | HOME, {"SM_VLLM_MODEL": "/opt/ml/model", "SM_VLLM_HOST": "0.0.0.0", **HOME}),  # noqa: S104
    "huggingface-vllm": (
        VLLM_VARIABLES | HOME,
        {"SM_VLLM_MODEL": "/opt/ml/model", "SM_VLLM_HOST": "0.0.0.0", **HOME},  # noqa: S104
    ),
    "sglang": (
        {"SM_SGLANG_MODEL_PATH": MODEL_ID, "SM_SGLANG_REVISION": "abc", "HF_TOKEN": TOKEN, **HOME},
        {"SM_SGLANG_MODEL_PATH": "/opt/ml/model", **HOME},
    ),
    "djl-lmi": ({"OPTION_MODEL_ID": MODEL_ID, "OPTION_REVISION": "abc", "HF_TOKEN": TOKEN}, {}),
    "huggingface-tei": (TEI_VARIABLES | HOME, {"HF_MODEL_ID": "/opt/ml/model", **HOME}),
    "huggingface-tei-cpu": (TEI_VARIABLES | HOME, {"HF_MODEL_ID": "/opt/ml/model", **HOME}),
    "huggingface-llamacpp": ({"HF_MODEL_ID": MODEL_ID, "HF_TOKEN": TOKEN, **HOME}, HOME),
    "huggingface-llm": (
        {"HF_MODEL_ID": MODEL_ID, "HF_MODEL_REVISION": "abc", "HF_TOKEN": TOKEN, **HOME},
        {"HF_MODEL_ID": "/opt/ml/model", **HOME},
    ),
    "huggingface": (
        {"HF_MODEL_ID": MODEL_ID, "HF_MODEL_REVISION": "abc", "HF_API_TOKEN": TOKEN, "HF_TOKEN": TOKEN},
        {},
    ),
}
"""The variables of each framework: with a model on the Hub, and with one that SageMaker puts into the container."""


@pytest.fixture(autouse=True)
def _region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")


@pytest.fixture
def declare(run: Run) -> Callable[..., Monitor]:
    """Declares an endpoint with a model server and a model on the Hub."""

    def declare(**changes: Any) -> Monitor:
        chat = {"image": None, "model_data_url": None, "framework": "vllm", "hugging_face_model": {"id": MODEL_ID}}
        return run(lambda: SageMakerEndpoint("chat", args(**{**chat, "instance_type": GPU, **changes})))

    return declare


def container(seen: Monitor) -> dict[str, Any]:
    declared: dict[str, Any] = seen.of_type(MODEL).inputs["primaryContainer"]
    return dict(declared["value"]) if is_secret(declared) else declared


def variant(seen: Monitor) -> dict[str, Any]:
    (declared,) = seen.of_type(CONFIGURATION).inputs["productionVariants"]
    return dict(declared)


def framework_of(name: str) -> dict[str, Any]:
    version = {"framework_version": "4.51.3"} if name == "huggingface" else {}
    return {"framework": name, **version, "instance_type": CPU if name.endswith("-cpu") else GPU}


def test_the_variables_of_every_server_are_written_down_here() -> None:
    assert VARIABLES.keys() == {server.framework for server in SERVERS}


@pytest.mark.parametrize("framework", VARIABLES)
def test_a_server_is_told_a_model_on_the_hub(declare: Callable[..., Monitor], framework: str) -> None:
    revision = {} if framework == "huggingface-llamacpp" else {"revision": "abc"}
    seen = declare(**framework_of(framework), hugging_face_model={"id": MODEL_ID, **revision, "token": TOKEN})
    assert container(seen)["environment"] == VARIABLES[framework][0]
    assert ".dkr.ecr.eu-west-1.amazonaws.com/" in container(seen)["image"]


def test_what_is_registered_is_what_awss_model_allows(declare: Callable[..., Monitor]) -> None:
    requests(declare())


@pytest.mark.parametrize("framework", VARIABLES)
def test_a_server_is_led_to_a_model_that_sagemaker_puts_into_the_container(
    declare: Callable[..., Monitor], framework: str
) -> None:
    seen = declare(**framework_of(framework), hugging_face_model=None, model_data_source=S3)
    assert container(seen).get("environment", {}) == VARIABLES[framework][1]
    (source,) = container(seen)["modelDataSource"]["s3DataSources"]
    assert source == {
        "s3Uri": S3["s3_uri"],
        "s3DataType": "S3Prefix",
        "compressionType": "None",
        "modelAccessConfig": {"acceptEula": True},
    }


@pytest.mark.parametrize("framework", VARIABLES)
def test_without_default_variables_only_the_model_is_told(declare: Callable[..., Monitor], framework: str) -> None:
    seen = declare(**framework_of(framework), default_environment=False, environment={"A": "b"})
    (server,) = [server for server in SERVERS if server.framework == framework]
    assert container(seen)["environment"] == {server.model.name: MODEL_ID, "A": "b"}


def test_the_image_may_be_a_copy_in_a_registry_of_ones_own(declare: Callable[..., Monitor]) -> None:
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/copies/vllm:0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker"
    seen = declare(framework=None, image=image)
    assert container(seen)["image"] == image
    assert container(seen)["environment"]["SM_VLLM_MODEL"] == MODEL_ID
    assert variant(seen)["inferenceAmiVersion"] == CUDA_13_AMI


def test_several_containers_are_told_a_model_each(declare: Callable[..., Monitor]) -> None:
    one, other = ({"framework": "huggingface-tei-cpu", "hugging_face_model": {"id": f"BAAI/{name}"}} for name in "ab")
    seen = declare(framework=None, hugging_face_model=None, containers=[one, other], instance_type=CPU)
    containers = seen.of_type(MODEL).inputs["containers"]
    assert [dict(entry["environment"])["HF_MODEL_ID"] for entry in containers] == ["BAAI/a", "BAAI/b"]


def test_the_defaults_are_set_and_said(declare: Callable[..., Monitor], log_lines: list[str]) -> None:
    seen = declare()
    assert variant(seen)["inferenceAmiVersion"] == CUDA_13_AMI
    assert variant(seen)["containerStartupHealthCheckTimeoutInSeconds"] == 840
    assert "volumeSizeInGb" not in variant(seen)
    assert "modelDataDownloadTimeoutInSeconds" not in variant(seen)
    version = newest_version("vllm")
    assert f"/vllm:{version}-gpu-" in container(seen)["image"]
    assert log_lines == [
        (
            f"info: By default, framework_version is {version} (the newest of vllm that is known here); "
            f"inference_ami_version is {CUDA_13_AMI}; container_startup_health_check_timeout_in_seconds is 840. "
            f"The image has CUDA 13.0, and {GPU} has 1 A10G with 22 GiB each, with {CUDA_13_AMI}."
        )
    ]


def test_what_is_declared_stays_and_is_not_said(declare: Callable[..., Monitor], log_lines: list[str]) -> None:
    declared = {
        "variant_name": "AllTraffic",
        "instance_type": GPU,
        "inference_ami_version": CUDA_13_AMI,
        "container_startup_health_check_timeout_in_seconds": 1234,
        "model_data_download_timeout_in_seconds": 1234,
    }
    seen = declare(instance_type=None, framework_version="0.29.0", production_variants=[declared])
    assert variant(seen)["containerStartupHealthCheckTimeoutInSeconds"] == 1234
    assert "/vllm:0.29.0-gpu-" in container(seen)["image"]
    assert log_lines == []


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        (
            {"hugging_face_model": {"id": "meta-llama/Llama-3.1-70B-Instruct"}, "instance_type": "ml.p4d.24xlarge"},
            [2280],
        ),
        ({"hugging_face_model": {"id": "deepseek-ai/DeepSeek-R1"}, "instance_type": "ml.p5.48xlarge"}, [3600]),
        ({"hugging_face_model": None, "model_data_source": S3}, [900, 900]),
        (
            {"framework": "huggingface-llamacpp", "instance_type": "ml.c6i.4xlarge"},
            [840, None, 62],
        ),
        ({"framework": "huggingface-tei-cpu", "instance_type": CPU, "hugging_face_model": {"id": "BAAI/bge"}}, [600]),
    ],
)
def test_time_and_volume_fit_the_model_or_else_the_gpus(
    declare: Callable[..., Monitor], changes: dict[str, Any], fields: list[int | None]
) -> None:
    seen = variant(declare(**changes))
    names = ("containerStartupHealthCheckTimeoutInSeconds", "modelDataDownloadTimeoutInSeconds", "volumeSizeInGb")
    assert [seen.get(name) for name in names] == [*fields, *[None] * (3 - len(fields))]


def test_an_endpoint_without_a_model_server_is_left_to_aws(
    declare: Callable[..., Monitor], log_lines: list[str]
) -> None:
    seen = declare(framework="sklearn", framework_version="1.9-0", hugging_face_model=None, instance_type=CPU)
    assert not {"inferenceAmiVersion", "containerStartupHealthCheckTimeoutInSeconds"} & variant(seen).keys()
    assert log_lines == []


def test_a_serverless_server_gets_its_model_alone(declare: Callable[..., Monitor]) -> None:
    seen = declare(framework="huggingface-tei-cpu", instance_type=None, serverless_config={})
    assert container(seen)["environment"]["HF_MODEL_ID"] == MODEL_ID
    assert variant(seen).keys() == {"variantName", "modelName", "serverlessConfig"}


def test_outputs_are_decided_on_as_soon_as_they_are_known(
    declare: Callable[..., Monitor], log_lines: list[str]
) -> None:
    seen = declare(
        instance_type=pulumi.Output.from_input(GPU), hugging_face_model={"id": pulumi.Output.from_input(MODEL_ID)}
    )
    assert variant(seen)["inferenceAmiVersion"] == CUDA_13_AMI
    assert variant(seen)["containerStartupHealthCheckTimeoutInSeconds"] == 840
    assert container(seen)["environment"]["SM_VLLM_MODEL"] == MODEL_ID
    assert any(f"inference_ami_version is {CUDA_13_AMI}" in line for line in log_lines)


def test_a_wrong_output_is_refused_before_any_call(declare: Callable[..., Monitor]) -> None:
    with pytest.raises(pulumi.RunError, match="instance_type has the GPU T4"):
        declare(framework="djl-lmi", instance_type=pulumi.Output.from_input("ml.g4dn.xlarge"))


def test_warnings_are_said_once_and_do_not_stop(declare: Callable[..., Monitor], log_lines: list[str]) -> None:
    variants = [{"variant_name": name, "instance_type": "ml.g5.12xlarge"} for name in ("a", "b")]
    declare(instance_type=None, production_variants=variants)
    (warning,) = [line for line in log_lines if line.startswith("warn")]
    assert warning.startswith("warn: environment leaves the model on one of the 4 GPUs of ml.g5.12xlarge. Set SM_VLLM_")


BATCHES = {
    "vllm": "SM_VLLM_MAX_NUM_SEQS",
    "huggingface-vllm": "SM_VLLM_MAX_NUM_SEQS",
    "sglang": "SM_SGLANG_MAX_RUNNING_REQUESTS",
    "djl-lmi": "OPTION_MAX_ROLLING_BATCH_SIZE",
    "huggingface-llamacpp": "LLAMA_ARG_N_PARALLEL",
    "huggingface-llm": "MAX_CONCURRENT_REQUESTS",
}


def scaling_warnings(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("warn: autoscaling")]


@pytest.mark.parametrize("framework", BATCHES)
@pytest.mark.parametrize("target", [8, 8.5])
def test_a_target_above_what_the_server_works_on_at_once_is_said(
    declare: Callable[..., Monitor], log_lines: list[str], framework: str, target: float
) -> None:
    scaling = {"min_capacity": 1, "max_capacity": 4, "concurrent_requests_per_model": target}
    declare(**framework_of(framework), environment={BATCHES[framework]: "8"}, autoscaling=scaling)
    too_high = (
        f"warn: autoscaling.concurrent_requests_per_model should be at most 8 ({BATCHES[framework]}), not 8.5. "
        "The server works on so many requests at once, and lets the others wait before an instance is added."
    )
    assert scaling_warnings(log_lines) == [too_high] * (target > 8)


def test_requests_by_the_minute_are_said_to_tell_little_of_a_language_models_load(
    declare: Callable[..., Monitor], log_lines: list[str]
) -> None:
    scaling = {"min_capacity": 1, "max_capacity": 4, "invocations_per_instance": 60}
    declare(autoscaling=scaling)
    (warning,) = scaling_warnings(log_lines)
    assert warning.endswith("very different times. Use concurrent_requests_per_model.")


@pytest.mark.parametrize(
    "changes",
    [
        {"framework": "huggingface-tei", "autoscaling": {"invocations_per_instance": 60}},  # which embeds
        {"environment": {"SM_VLLM_MAX_NUM_SEQS": "many"}, "autoscaling": {"concurrent_requests_per_model": 60}},
        {"environment": {"MAX_NUM_SEQS": "1"}, "autoscaling": {"concurrent_requests_per_model": 60}},
    ],
)
def test_what_is_not_known_of_a_server_is_not_warned_of(
    declare: Callable[..., Monitor], log_lines: list[str], changes: dict[str, Any]
) -> None:
    bounds = {"min_capacity": 1, "max_capacity": 4}
    declare(**{**changes, "autoscaling": {**bounds, **changes["autoscaling"]}})
    assert scaling_warnings(log_lines) == []


@pytest.mark.parametrize("framework", VARIABLES)
def test_only_a_server_that_publishes_the_time_to_the_first_token_can_be_watched_for_it(
    declare: Callable[..., Monitor], framework: str
) -> None:
    changes = {**framework_of(framework), "alarms": {"time_to_first_token": 800}}
    if framework not in ("vllm", "huggingface-vllm"):
        with pytest.raises(
            pulumi.RunError,
            match=rf"time_to_first_token can be set for vllm and huggingface-vllm only, not '{framework}'",
        ):
            declare(**changes)
        return
    declared = [alarm.inputs for alarm in declare(**changes).all_of_type("aws:cloudwatch/metricAlarm:MetricAlarm")]
    assert sorted("evaluationCriteria" in alarm for alarm in declared) == [False] * 4 + [True]


@pytest.mark.parametrize("token", [TOKEN, pulumi.Output.from_input])
def test_the_token_is_a_secret_even_if_it_is_declared_as_plain_text(
    declare: Callable[..., Monitor], log_lines: list[str], token: Any
) -> None:
    declared = token if isinstance(token, str) else token(TOKEN)
    seen = declare(hugging_face_model={"id": MODEL_ID, "token": declared})
    assert is_secret(seen.of_type(MODEL).inputs["primaryContainer"])  # the SDK lifts the mark of what is in it
    assert container(seen)["environment"]["HF_TOKEN"] == TOKEN
    assert TOKEN not in "\n".join(log_lines)
    others = [resource for resource in seen.registered if resource.type != MODEL]
    assert TOKEN not in json.dumps([resource.inputs for resource in others], default=str)


@pytest.mark.parametrize("token", [["hf_hunter2"], {"a": "hf_hunter2"}, "hf_hunter2" * 200])
def test_a_wrong_token_is_not_shown(declare: Callable[..., Monitor], token: Any) -> None:
    with pytest.raises(pulumi.RunError, match=r"hugging_face_model\.token must be") as refused:
        declare(hugging_face_model={"id": MODEL_ID, "token": token})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hugging_face_model": {"id": "a b"}}, r"hugging_face_model\.id must be the name of a repository on the Hub"),
        ({"hugging_face_model": {"id": "s3://models/qwen/"}}, r"hugging_face_model\.id must be the name"),
        ({"hugging_face_model": {"id": "./models"}, "framework": "sglang"}, r"not './models'"),
        ({"hugging_face_model": {"id": "https://huggingface.co/Qwen/Qwen3-8B/tree/main"}}, "Write Qwen/Qwen3-8B"),
        ({"hugging_face_model": {"id": MODEL_ID, "revision": ""}}, r"hugging_face_model\.revision must not be empty"),
        ({"hugging_face_model": {"revision": "abc"}}, r"hugging_face_model\.id is required"),
        ({"hugging_face_model": {"id": MODEL_ID, "tokn": "x"}}, "Did you mean token"),
        (
            {"model_data_source": {"s3_uri": "s3://a/b/"}},
            "model_data_source cannot be combined with hugging_face_model",
        ),
        ({"model_data_url": "s3://a/b.tar.gz"}, "model_data_url cannot be combined with hugging_face_model"),
        ({"mode": "MultiModel", "model_data_url": "s3://a/b/"}, "mode cannot be MultiModel with hugging_face_model"),
        ({"enable_network_isolation": True}, "enable_network_isolation cannot be combined with hugging_face_model"),
        ({"environment": {"SM_VLLM_MODEL": "x"}}, r"environment\['SM_VLLM_MODEL'\] cannot be combined"),
        ({"framework": None, "image": "own:1"}, "needs a framework that is told a model so"),
        ({"framework": "sklearn", "framework_version": "1.9-0"}, "needs a framework that is told a model so"),
        ({"framework": "huggingface-llamacpp", "hugging_face_model": {"id": "a/b", "revision": "c"}}, "main branch"),
        ({"hugging_face_model": None}, "hugging_face_model is required with framework vllm"),
        ({"framework": "huggingface"}, "framework_version is required with framework"),
        ({"instance_type": None}, "instance_type must have a gpu for vllm"),
        ({"instance_type": None, "serverless_config": {}}, "serverless_config cannot be set"),
        ({"environment": {"SM_VLLM_TENSOR_PARALLEL_SIZE": "2"}}, "environment spreads the model over 2 GPUs"),
    ],
)
def test_what_cannot_start_is_refused(declare: Callable[..., Monitor], changes: dict[str, Any], said: str) -> None:
    with pytest.raises(pulumi.RunError, match=said):
        declare(**changes)


def test_an_image_that_is_an_output_cannot_be_told_a_model(run: Run) -> None:
    def program() -> None:
        image = pulumi.Output.from_input("own:1")
        chat = {"model_data_url": None, "hugging_face_model": {"id": MODEL_ID}, "instance_type": GPU}
        SageMakerEndpoint("chat", args(image=image, **chat))

    with pytest.raises(pulumi.RunError, match="image must be a plain value with hugging_face_model"):
        run(program)


def test_a_region_that_lacks_the_newest_version_is_refused_with_the_one_that_it_has(
    declare: Callable[..., Monitor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "cn-north-1")
    with pytest.raises(pulumi.RunError, match=r"region must be one of .*Set framework_version to \d+\.\d+\.\d+"):
        declare()


@pytest.mark.parametrize("environment", [{"HF_MODEL_ID": "a/b"}, {"SM_VLLM_MODEL": "a/b"}])
def test_a_variable_of_ones_own_may_name_the_model(
    declare: Callable[..., Monitor], environment: dict[str, Any]
) -> None:
    seen = declare(hugging_face_model=None, environment=environment)
    assert container(seen)["environment"].keys() == {"SM_VLLM_HOST", "HF_HOME", *environment}


def is_secret(value: Any) -> bool:
    signature = pulumi.runtime.rpc._special_sig_key  # noqa: SLF001 - the mark of a secret on the wire
    return isinstance(value, dict) and value.get(signature) == pulumi.runtime.rpc._special_secret_sig  # noqa: SLF001
