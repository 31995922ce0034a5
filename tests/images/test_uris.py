"""Pure: URIs of AWS's images. What is expected is what sagemaker-core 2.27.0's own ``image_uris.retrieve`` returns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagebridge._aws import shapes
from sagebridge.images.uris import FRAMEWORKS, MODEL_SERVERS, image_uri, newest_version
from sagebridge.validation import Problem
from sagebridge.validation import problem as shape_problem

CPU, GPU, GRAVITON = "ml.m5.xlarge", "ml.g5.xlarge", "ml.c6g.large"
DLC = "763104351884.dkr.ecr.us-east-1.amazonaws.com"
BUILT_IN = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
VLLM = f"{DLC}/vllm:0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker"


@pytest.mark.parametrize(
    ("framework", "version", "instance_type", "uri"),
    [
        ("sklearn", "1.9-0", CPU, f"{BUILT_IN}/sagemaker-scikit-learn:1.9-0-cpu-py3"),
        ("sklearn", "1.9-0", None, f"{BUILT_IN}/sagemaker-scikit-learn:1.9-0-cpu-py3"),
        ("sklearn", "1.4-2-py312", CPU, f"{BUILT_IN}/sagemaker-scikit-learn:1.4-2-py312-cpu-py3"),
        ("sklearn", "1.0-1", GRAVITON, f"{BUILT_IN}/sagemaker-scikit-learn:1.0-1-arm64-cpu-py3"),
        ("xgboost", "3.2-0", CPU, f"{BUILT_IN}/sagemaker-xgboost:3.2-0"),
        ("xgboost", "1.5-1", GRAVITON, f"{BUILT_IN}/sagemaker-xgboost:1.5-1-arm64"),
        ("pytorch", "2.6.0", CPU, f"{DLC}/pytorch-inference:2.6.0-cpu-py312"),
        ("pytorch", "2.6", GPU, f"{DLC}/pytorch-inference:2.6-gpu-py312"),
        ("pytorch", "2.6.0", GRAVITON, f"{DLC}/pytorch-inference-arm64:2.6.0-cpu-py312-ubuntu22.04-sagemaker"),
        ("tensorflow", "2.19.0", GPU, f"{DLC}/tensorflow-inference:2.19.0-gpu"),
        (
            "huggingface",
            "4.51.3",
            GPU,
            f"{DLC}/huggingface-pytorch-inference:2.6.0-transformers4.51.3-gpu-py312-cu124-ubuntu22.04",
        ),
        ("vllm", "0.30.0", GPU, VLLM),
        ("vllm", "0.30", GPU, VLLM),
        ("sglang", "0.5", GPU, f"{DLC}/sglang:0.5.20-gpu-py312-cu130-ubuntu24.04-sagemaker"),
        ("djl-lmi", "0.38.0", GPU, f"{DLC}/djl-inference:0.38.0-lmi29.0.0-cu130"),
        ("djl-lmi", "latest", GPU, f"{DLC}/djl-inference:0.38.0-lmi29.0.0-cu130"),
        (
            "huggingface-vllm",
            "0.29.0",
            GPU,
            f"{DLC}/huggingface-vllm:0.29.0-transformers5.15.0-gpu-py312-cu130-ubuntu24.04-v1.0",
        ),
        ("huggingface-tei", "1.8.2", GPU, f"{BUILT_IN}/tei:2.0.1-tei1.8.2-gpu-py310-cu122-ubuntu22.04"),
        ("huggingface-tei-cpu", "1.8.2", CPU, f"{BUILT_IN}/tei-cpu:2.0.1-tei1.8.2-cpu-py310-ubuntu22.04"),
        ("huggingface-tei-cpu", "1.8", None, f"{BUILT_IN}/tei-cpu:2.0.1-tei1.8.2-cpu-py310-ubuntu22.04"),
        ("huggingface-llamacpp", "b9522", GPU, f"{DLC}/huggingface-llamacpp:b9522-gpu-cu130-ubuntu24.04"),
        ("huggingface-llamacpp", "b9522", CPU, f"{DLC}/huggingface-llamacpp:b9522-cpu-ubuntu24.04"),
        (
            "huggingface-llm",
            "3.3.6",
            GPU,
            f"{DLC}/huggingface-pytorch-tgi-inference:2.7.0-tgi3.3.6-gpu-py311-cu124-ubuntu22.04",
        ),
    ],
)
def test_the_image_of_a_framework(framework: str, version: str, instance_type: str | None, uri: str) -> None:
    assert image_uri(framework, version, "us-east-1", instance_type) == uri


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-central-1", "492215442770.dkr.ecr.eu-central-1.amazonaws.com"),
        ("cn-north-1", "450853457545.dkr.ecr.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_account_and_host_are_the_regions(region: str, host: str) -> None:
    assert image_uri("sklearn", "1.9-0", region) == f"{host}/sagemaker-scikit-learn:1.9-0-cpu-py3"


@pytest.mark.parametrize(
    ("arguments", "property_", "allowed"),
    [
        (("scikit-learn", "1.9-0", "us-east-1", CPU), "framework", "sklearn"),
        (("sklearn", "1.9", "us-east-1", CPU), "framework_version", "1.9-0 for sklearn"),
        (("sklearn", "1.9-0", "us-east-1", GRAVITON), "framework_version", "one of 1.0-1 for sklearn on ml.c6g"),
        (("sklearn", "1.9-0", "us-east-1", GPU), "instance_type", "must have a cpu"),
        (("sklearn", "1.9-0", "", CPU), "region", "must be known to find AWS's image. Set aws:region"),
        (("sklearn", "1.9-0", "mars-1", CPU), "region", "us-east-1"),
        (("pytorch", "2.6", "us-east-1", "ml.inf2.xlarge"), "instance_type", "x86 CPU or a GPU"),
        (("huggingface", "4.51.3", "us-east-1", GRAVITON), "instance_type", "x86 CPU or a GPU"),
        (("huggingface", "4.6.1", "us-east-1", GPU), "framework_version", "pytorch1.8.1, tensorflow2.4.1"),
        (("vlm", "0.30.0", "us-east-1", GPU), "framework", "Did you mean vllm?"),
        (("vllm", "0.30.0", "us-east-1", CPU), "instance_type", "a gpu for vllm 0.30.0, not 'ml.m5.xlarge'. Set it to"),
        (("djl-lmi", "0.38.0", "us-east-1", CPU), "instance_type", "must have a gpu for djl-lmi"),
        (("sglang", "0.5.20", "us-east-1", None), "serverless_config", "serverless endpoints have no GPUs"),
        (("djl-lmi", "0.38.0", "us-east-1", None), "serverless_config", "serverless endpoints have no GPUs"),
        (("huggingface-tei", "1.8.2", "us-east-1", CPU), "instance_type", "set framework to huggingface-tei-cpu"),
        (("huggingface-tei-cpu", "1.8.2", "us-east-1", GPU), "instance_type", "set framework to huggingface-tei."),
        (("vllm", "0.30.0", "us-east-1", "ml.trn1.2xlarge"), "instance_type", "x86 CPU or a GPU"),
        (("vllm", "0.30.0", "us-east-1", "ml.dl1.24xlarge"), "instance_type", "x86 CPU or a GPU"),
        (("vllm", "0.30.0", "us-east-1", "ml.p6e-gb200.36xlarge"), "instance_type", "x86 CPU or a GPU"),
        (("huggingface-llamacpp", "b9522", "us-east-1", GRAVITON), "instance_type", "x86 CPU or a GPU"),
        (("vllm", "0.30.0", "cn-north-1", GPU), "region", "Set framework_version to 0.28.0, the newest that AWS has"),
        (("djl-lmi", "0.38.0", "mars-1", GPU), "region", "No version of djl-lmi is there"),
    ],
)
def test_what_there_is_no_image_for_is_refused(
    arguments: tuple[str, str, str, str], property_: str, allowed: str
) -> None:
    problem = image_uri(*arguments)
    assert isinstance(problem, Problem)
    assert problem.property == property_
    assert allowed in str(problem)


@pytest.mark.parametrize(
    ("framework", "version"),
    [("vllm", "0.30.0"), ("djl-lmi", "0.38.0"), ("sglang", "0.5.20"), ("huggingface-llamacpp", "b9522")],
)
def test_the_newest_version_is_found_by_its_numbers_in_any_order_of_the_table(framework: str, version: str) -> None:
    assert newest_version(framework) == version


@pytest.mark.parametrize("framework", MODEL_SERVERS)
def test_every_model_server_has_an_image_of_its_newest_version(framework: str) -> None:
    instance_type = CPU if framework.endswith("-cpu") else GPU
    assert isinstance(image_uri(framework, newest_version(framework), "us-east-1", instance_type), str)


@given(
    framework=st.sampled_from([*FRAMEWORKS, "mxnet"]),
    version=st.sampled_from(
        ["1.9-0", "1.0-1", "3.2-0", "2.6", "2.16.1", "4.51.3", "0.30.0", "1.8", "b9522", "latest", ""]
    ),
    region=st.sampled_from(["us-east-1", "cn-north-1", "us-gov-west-1", "eu-south-2", ""]),
    instance_type=st.none() | st.sampled_from(shapes()["ProductionVariantInstanceType"]["enum"]) | st.text(max_size=9),
)
def test_there_is_an_image_or_a_problem(framework: str, version: str, region: str, instance_type: str | None) -> None:
    uri = image_uri(framework, version, region, instance_type)
    assert isinstance(uri, Problem) or shape_problem("image", uri, "ContainerImage") is None
