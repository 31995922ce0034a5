"""Pure: the accelerators of instance types. What is expected is what EC2's and NVIDIA's own pages say."""

import pytest

from sagebridge._aws import shapes
from sagebridge.images.instances import CAPABILITIES, _table, accelerators_of, may_have_gpus, takes_volume
from tools.images import INSTANCES

TYPES = shapes()["ProductionVariantInstanceType"]["enum"]
NOT_IN_EC2S_TABLE = {"ml.dl1.24xlarge", "ml.p6e-gb200.36xlarge"}


@pytest.mark.parametrize(
    ("instance_type", "text"),
    [
        ("ml.g4dn.xlarge", "1 T4 with 16 GiB each"),
        ("ml.g5.12xlarge", "4 A10G with 22 GiB each"),
        ("ml.p4d.24xlarge", "8 A100 with 40 GiB each"),
        ("ml.p5.48xlarge", "8 H100 with 80 GiB each"),
        ("ml.p2.8xlarge", "8 K80 with 12 GiB each"),
        ("ml.inf2.48xlarge", "12 Inferentia2 with 32 GiB each"),
        ("ml.m5.xlarge", "None"),
    ],
)
def test_the_accelerators_of_an_instance_type(instance_type: str, text: str) -> None:
    assert str(accelerators_of(instance_type)) == text


def test_a_serverless_variant_has_no_accelerators() -> None:
    assert accelerators_of(None) is None
    assert not may_have_gpus(None)


@pytest.mark.parametrize("instance_type", TYPES)
def test_every_accelerated_instance_type_that_sagemaker_takes_is_in_the_table(instance_type: str) -> None:
    accelerated = instance_type.removeprefix("ml.").startswith(("g", "p", "inf", "trn", "dl"))
    assert (accelerators_of(instance_type) is not None) == (accelerated and instance_type not in NOT_IN_EC2S_TABLE)


def test_every_gpu_has_a_compute_capability_and_the_table_holds_no_other_types() -> None:
    assert {row.name for row in _table().values() if row.are_gpus} == CAPABILITIES.keys()
    assert _table().keys() <= set(TYPES)
    assert INSTANCES.read_text().count("\n") == len(_table()) + 2


@pytest.mark.parametrize(
    ("instance_type", "takes"),
    [
        ("ml.m5.xlarge", True),
        ("ml.c6i.2xlarge", True),
        ("ml.p3.2xlarge", True),
        ("ml.m5d.xlarge", False),
        ("ml.g4dn.xlarge", False),
        ("ml.g5.xlarge", False),
        ("ml.g6e.xlarge", False),
        ("ml.g7.2xlarge", False),
        ("ml.p6-b300.48xlarge", False),
    ],
)
def test_a_volume_size_is_for_instances_without_disks_of_their_own(instance_type: str, *, takes: bool) -> None:
    assert takes_volume(instance_type) == takes


def test_a_gpu_family_that_is_newer_than_the_table_may_have_gpus() -> None:
    assert may_have_gpus("ml.g9.xlarge")
    assert not may_have_gpus("ml.inf2.xlarge")
