"""Pure and property-based: any image on any instance passes with a reason, or is refused with a row with its source."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagebridge._aws import shapes
from sagebridge.images.combination import CUDA_12_AMI, CUDA_13_AMI, CUDA_13_FAMILIES, HOST_CUDA, Combination
from sagebridge.images.compatibility import ROWS, Verdict, judge
from sagebridge.images.instances import accelerators_of
from sagebridge.images.uris import FRAMEWORKS, MODEL_SERVERS, Image, _table, image_of, newest_version
from sagebridge.validation import Problem

INSTANCE_TYPES = shapes()["ProductionVariantInstanceType"]["enum"]
AMIS = shapes()["ProductionVariantInferenceAmiVersion"]["enum"]
VLLM = "vllm:0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker"
LMI = "djl-inference:0.38.0-lmi29.0.0-cu130"
LMI_CUDA_12 = "djl-inference:0.33.0-lmi15.0.0-cu128"
HF_VLLM_CUDA_12 = "huggingface-vllm:0.17.0-transformers4.57.5-gpu-py312-cu129-ubuntu22.04"
SGLANG = "sglang:0.5.20-gpu-py312-cu130-ubuntu24.04-sagemaker"
TEI = "tei:2.0.1-tei1.8.2-gpu-py310-cu122-ubuntu22.04"
NEW_TEI = "tei:2.0.1-tei1.9.3-gpu-py310-cu129-ubuntu24.04"
TEI_CPU = "tei-cpu:2.0.1-tei1.8.2-cpu-py310-ubuntu22.04"
LLAMA_CPP = "huggingface-llamacpp:b9522-gpu-cu130-ubuntu24.04"
TGI = "huggingface-pytorch-tgi-inference:2.7.0-tgi3.3.6-gpu-py311-cu124-ubuntu22.04"
HOST = "763104351884.dkr.ecr.eu-west-1.amazonaws.com"
G4, G5, G5_FOUR, G7E, P3, P5 = (
    *("ml.g4dn.xlarge", "ml.g5.2xlarge", "ml.g5.12xlarge", "ml.g7e.2xlarge", "ml.p3.2xlarge", "ml.p5.48xlarge"),
)
CPU, GRAVITON, NEURON = "ml.m5.xlarge", "ml.c7g.xlarge", "ml.inf2.xlarge"


def versions(framework: str) -> list[str]:
    table = _table(framework)
    return [*table.get("inference", table)["versions"]]


@given(st.data())
def test_any_framework_version_instance_type_and_machine_image_passes_with_a_reason_or_is_refused_with_a_row(
    data: st.DataObject,
) -> None:
    framework = data.draw(st.sampled_from(FRAMEWORKS))
    version = data.draw(st.sampled_from(versions(framework)))
    instance_type = data.draw(st.none() | st.sampled_from(INSTANCE_TYPES))
    ami = data.draw(st.none() | st.sampled_from(AMIS))
    image = image_of(framework, version, instance_type)
    if isinstance(image, Problem):
        assert image.property in ("instance_type", "serverless_config", "framework_version")
        return
    combination = Combination(image.name, instance_type, ami)
    judgement = judge(combination)
    assert judgement.reason
    assert len(judgement.refusals) + len(judgement.warnings) == len(judgement.findings)
    for finding in judgement.findings:
        assert finding.row in ROWS
        assert finding.row.source
        assert finding.problem.property
        assert finding.problem.fix
    if not judgement.refusals:
        starts(combination)


def starts(combination: Combination) -> None:
    """Checks what is known of every combination that passes, without the rows."""
    gpus, cuda = accelerators_of(combination.instance_type), combination.cuda
    if combination.is_bound_to_processor:
        assert (combination.processor == "gpu") == (gpus is not None and gpus.are_gpus)
    host = HOST_CUDA.get(combination.ami or combination.default_ami or "")
    if cuda and host:
        assert (cuda >= (13, 0)) == (host >= (13, 0)) or (combination.ami == CUDA_12_AMI)
    if cuda and gpus and gpus.capability and cuda >= (13, 0):
        assert gpus.capability >= (7, 5)


@given(
    image=st.text(max_size=60)
    | st.from_regex(r"[a-z/.-]{1,12}:[a-z0-9.-]{0,8}(-cpu|-gpu)?(-cu\d{3})?", fullmatch=True),
    instance_type=st.none() | st.sampled_from(INSTANCE_TYPES) | st.text(max_size=12),
    ami=st.none() | st.sampled_from(AMIS) | st.text(max_size=8),
    environment=st.dictionaries(st.sampled_from(["SM_VLLM_TENSOR_PARALLEL_SIZE", "A"]), st.text(max_size=3)),
)
def test_any_text_for_an_image_is_judged(
    image: str, instance_type: str | None, ami: str | None, environment: dict[str, str]
) -> None:
    judgement = judge(Combination(image, instance_type, ami, environment))
    assert judgement.reason
    assert all(finding.row.source for finding in judgement.findings)


REFUSED: list[tuple[Combination, str, str]] = [
    (Combination(VLLM, CPU), "instance_type", "must have an NVIDIA GPU"),
    (Combination(VLLM, NEURON), "instance_type", "must have an NVIDIA GPU"),
    (Combination(LMI, CPU), "instance_type", "such as ml.g5.2xlarge"),
    (Combination(f"{HOST}/vllm:server-sagemaker-cuda-v2.6", CPU), "instance_type", "must have an NVIDIA GPU"),
    (Combination(VLLM, None), "serverless_config", "serverless endpoints have no GPUs"),
    (Combination(TEI_CPU, G5), "instance_type", "does not use"),
    (Combination(TEI_CPU, NEURON), "instance_type", "does not use"),
    (Combination(TEI_CPU, GRAVITON), "instance_type", "must have an x86 processor"),
    (Combination(VLLM, "ml.p6e-gb200.36xlarge"), "instance_type", "must have an x86 processor"),
    *(
        (
            Combination(image, G5, f"al2-ami-sagemaker-inference-gpu-{ami}"),
            "inference_ami_version",
            "which has CUDA 13.0",
        )
        for image in (VLLM, LMI, SGLANG, LLAMA_CPP, f"{HOST}/vllm:server-sagemaker-cuda-v2.6", "own:1-cu130")
        for ami in ("2", "2-1")
    ),
    *(
        (Combination(image, G5, CUDA_13_AMI), "inference_ami_version", f"Set it to {CUDA_12_AMI}")
        for image in (LMI_CUDA_12, HF_VLLM_CUDA_12, TEI, TGI, "own:1-cu118")
    ),
    (Combination(LMI_CUDA_12, G7E, CUDA_13_AMI), "inference_ami_version", "Leave it out"),
    (Combination(VLLM, G5, "al2-ami-sagemaker-inference-neuron-2"), "inference_ami_version", "has GPUs"),
    (Combination(LLAMA_CPP, P3), "instance_type", "does not support any more"),
    (Combination("own:1-cu121", "ml.p2.xlarge"), "instance_type", "does not support any more"),
    (Combination(VLLM, G4), "instance_type", "on which"),
    (Combination(LMI_CUDA_12, "ml.g4dn.12xlarge"), "instance_type", "does not start"),
    (Combination(HF_VLLM_CUDA_12, G4), "instance_type", "does not start"),
    (Combination(TEI, P3), "instance_type", "exits"),
    (Combination(TEI, G7E), "instance_type", "exits"),
    (Combination(NEW_TEI, "ml.p6-b300.48xlarge"), "instance_type", "exits"),
    (Combination(VLLM, G5_FOUR, None, {"SM_VLLM_TENSOR_PARALLEL_SIZE": "8"}), "environment", "over 8 GPUs"),
    (
        Combination(VLLM, P5, None, {"SM_VLLM_TENSOR_PARALLEL_SIZE": "8", "SM_VLLM_PIPELINE_PARALLEL_SIZE": "2"}),
        "environment",
        "over 16 GPUs (SM_VLLM_TENSOR_PARALLEL_SIZE times SM_VLLM_PIPELINE_PARALLEL_SIZE), and ml.p5.48xlarge has 8",
    ),
    (Combination(SGLANG, G5, None, {"SM_SGLANG_TP_SIZE": "2"}), "environment", "ml.g5.2xlarge has 1"),
    (Combination(SGLANG, G5, None, {"SM_SGLANG_TP": "2"}), "environment", "ml.g5.2xlarge has 1"),
    (Combination(LMI, G5_FOUR, None, {"OPTION_TENSOR_PARALLEL_DEGREE": "8"}), "environment", "over 8 GPUs"),
    (Combination(TGI, G5, None, {"SM_NUM_GPUS": "4"}), "environment", "over 4 GPUs"),
]


@pytest.mark.parametrize(("combination", "property_", "said"), REFUSED)
def test_what_does_not_start_is_refused(combination: Combination, property_: str, said: str) -> None:
    (problem,) = judge(combination).refusals
    assert problem.property == property_
    assert said in str(problem)


WARNED: list[tuple[Combination, str]] = [
    (Combination(VLLM, G5, CUDA_12_AMI), f"should be {CUDA_13_AMI}"),
    (Combination(HF_VLLM_CUDA_12, G5), f"should be {CUDA_12_AMI}"),
    (Combination(VLLM, G5_FOUR), "Set SM_VLLM_TENSOR_PARALLEL_SIZE to '4'"),
    (Combination(SGLANG, P5), "one of the 8 GPUs"),
    (Combination(TGI, G5), "archived in March 2026"),
    (Combination("own:1-cu128", CPU), "must have an NVIDIA GPU"),
    (Combination("own:1-gpu", None), "no GPU"),
    (Combination("pytorch-inference:2.6.0-cpu-py312", G5), "does not use"),
    (Combination("pytorch-inference:2.6.0-cpu-py312", CPU, CUDA_12_AMI), "has none"),
    (Combination("own:1-cu124", G7E), "does not know yet"),
]


@pytest.mark.parametrize(("combination", "said"), WARNED)
def test_what_only_may_fail_is_a_warning(combination: Combination, said: str) -> None:
    judgement = judge(combination)
    assert judgement.refusals == []
    assert said in "\n".join(map(str, judgement.warnings))


@pytest.mark.parametrize(
    "combination",
    [
        Combination(VLLM, G5),
        Combination(VLLM, G5, CUDA_13_AMI),
        Combination(VLLM, G7E),
        Combination(f"{HOST}/{VLLM}", "ml.g6e.xlarge"),
        Combination(VLLM, G5_FOUR, None, {"SM_VLLM_TENSOR_PARALLEL_SIZE": "4"}),
        Combination(LMI, G5_FOUR, None, {"TENSOR_PARALLEL_DEGREE": "max"}),
        Combination(LMI_CUDA_12, G5),
        Combination(LMI_CUDA_12, G5, CUDA_12_AMI),
        Combination(TEI, G4),
        Combination(NEW_TEI, G7E),
        Combination(TEI_CPU, CPU),
        Combination(TEI_CPU, None),
        Combination(LLAMA_CPP, G4),
        Combination("own:1", G5),
        Combination("own:1", CPU),
        Combination("pytorch-inference:2.6.0-gpu-py312", G5),
        Combination("my/culture100:1", CPU),
        Combination("mine:cu13000", CPU),
    ],
)
def test_what_starts_passes_without_a_word(combination: Combination) -> None:
    assert judge(combination).findings == ()


def test_every_row_is_shown_above() -> None:
    combinations = [*(combination for combination, _, _ in REFUSED), *(combination for combination, _ in WARNED)]
    found = [finding.row for combination in combinations for finding in judge(combination).findings]
    assert {row.what for row in found} == {row.what for row in ROWS}
    by_verdict = {row.verdict for row in ROWS}
    assert by_verdict == set(Verdict)


@pytest.mark.parametrize("family", CUDA_13_FAMILIES)
@pytest.mark.parametrize("image", [VLLM, LMI, SGLANG, LLAMA_CPP, f"{HOST}/vllm:omni-sagemaker-cuda-v1", "own:1-cu131"])
def test_an_image_with_cuda_13_gets_the_machine_image_for_it_where_the_family_needs_that(
    family: str, image: str
) -> None:
    (instance_type, *_) = [name for name in INSTANCE_TYPES if name.startswith(f"ml.{family}.")]
    assert Combination(image, instance_type).default_ami == CUDA_13_AMI


@pytest.mark.parametrize(
    ("image", "instance_type"),
    [(LMI_CUDA_12, G5), (TEI_CPU, G5), (VLLM, G7E), (VLLM, "ml.p6-b200.48xlarge"), (VLLM, CPU), (VLLM, None)],
)
def test_any_other_gets_none(image: str, instance_type: str | None) -> None:
    assert Combination(image, instance_type).default_ami is None


def test_the_machine_images_are_those_of_botocore_with_the_cuda_that_its_documentation_tells() -> None:
    documentation = shapes()["ProductionVariant"]["members"]["InferenceAmiVersion"]["documentation"]
    told = {}
    for ami, details in re.findall(r"<dt>([\w-]+)</dt> <dd>(.*?)</dd>", documentation):
        if match := re.search(r"CUDA version: (\d+)\.(\d+)", details):
            told[ami] = (int(match[1]), int(match[2]))
    assert told == HOST_CUDA
    assert HOST_CUDA.keys() <= set(AMIS)


@pytest.mark.parametrize("framework", MODEL_SERVERS)
def test_every_model_server_has_an_instance_type_on_which_its_newest_image_passes(framework: str) -> None:
    image = image_of(framework, newest_version(framework), CPU if framework.endswith("-cpu") else G5)
    assert isinstance(image, Image)
    assert judge(Combination(image.name, CPU if framework.endswith("-cpu") else G5)).refusals == []
