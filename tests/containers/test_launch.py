"""Which contract an image follows."""

import pytest

from sagebridge.containers.launch import Contract, contract_of
from sagebridge.images.uris import image_uri

OWN = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("framework", "version", "instance_type", "contract"),
    [
        ("sklearn", "1.9-0", "ml.m5.large", Contract.SCIKIT_LEARN),
        ("xgboost", "3.2-0", "ml.m5.large", Contract.SCIKIT_LEARN),
        ("pytorch", "2.6", "ml.m5.large", Contract.PYTORCH),
        ("pytorch", "2.6", "ml.c7g.large", Contract.PYTORCH),
        ("huggingface", "4.49.0", "ml.m5.large", Contract.HUGGING_FACE),
    ],
)
def test_awss_images_have_their_contracts(framework: str, version: str, instance_type: str, contract: Contract) -> None:
    assert contract_of(str(image_uri(framework, version, "us-east-1", instance_type))) is contract


@pytest.mark.parametrize(
    "image",
    ["", f"{OWN}/my-own:1", f"{OWN}/my-pytorch-inference:1", f"{OWN}/huggingface-pytorch-tgi-inference:2.4"],
)
def test_other_images_have_the_contract_of_scikit_learn(image: str) -> None:
    assert contract_of(image) is Contract.SCIKIT_LEARN
