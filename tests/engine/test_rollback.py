"""A rollback that AWS ends InService: what raw resources and the component make of the same one."""

import uuid
from collections.abc import Iterator

import pulumi_aws
import pytest

from tests.conftest import PREDICTION, Aws, Base
from tests.engine.lives import roll_back_next
from tests.local.account import HANDLER, IMAGE
from tests.stacks import Stack, create_stack

pytestmark = pytest.mark.engine


class Raw:
    """A stack of pulumi-aws's own three resources, as a person would write them without the component."""

    def __init__(self, aws: Aws, base: Base, model_data: str) -> None:
        self.endpoint = f"t{uuid.uuid4().hex[:8]}"
        self.instance_type = "ml.m5.xlarge"
        self._base = base
        self._model_data = model_data
        self.stack = create_stack(aws, self.endpoint, "raw", program=self._program)

    def _program(self) -> None:
        model = pulumi_aws.sagemaker.Model(
            "model",
            execution_role_arn=self._base.execution_role_arn,
            primary_container={
                "image": IMAGE,
                "model_data_url": self._model_data,
                "environment": HANDLER,
            },
        )
        configuration = pulumi_aws.sagemaker.EndpointConfiguration(
            "configuration",
            production_variants=[
                {"model_name": model.name, "instance_type": self.instance_type, "initial_instance_count": 1}
            ],
        )
        pulumi_aws.sagemaker.Endpoint("endpoint", name=self.endpoint, endpoint_config_name=configuration.name)


@pytest.fixture
def raw(aws: Aws, base: Base, model_data: str) -> Iterator[Raw]:
    made = Raw(aws, base, model_data)
    yield made
    made.stack.destroy()


def configuration_of(aws: Aws, endpoint: str) -> str:
    return aws.sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]


def test_raw_resources_call_a_rollback_a_success(aws: Aws, raw: Raw) -> None:
    raw.stack.up()
    before = configuration_of(aws, raw.endpoint)
    roll_back_next(aws, raw.endpoint)
    raw.instance_type = "ml.m5.large"
    raw.stack.up()  # which raises if `pulumi` fails
    assert configuration_of(aws, raw.endpoint) == before  # nothing of the change is there


def test_the_component_fails_on_the_same_rollback_and_the_next_up_mends_it(aws: Aws, stack: Stack) -> None:
    stack.up()
    before = configuration_of(aws, stack.endpoint)
    roll_back_next(aws, stack.endpoint)
    stack.config(instanceType="ml.m5.large")
    assert f"is InService on configuration {before}, not on" in stack.up_fails()
    assert configuration_of(aws, stack.endpoint) == before
    assert aws.predict(stack.endpoint) == pytest.approx(PREDICTION, abs=1e-9)

    stack.up()
    assert configuration_of(aws, stack.endpoint) == stack.outputs()["endpointConfigName"] != before
    assert stack.preview() == {"same": 5}
