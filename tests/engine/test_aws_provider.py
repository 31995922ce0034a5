"""The stacks of the tests share the AWS provider, which starts once in a worker, where that changes nothing."""

import pulumi
import pulumi_aws
import pytest

from tests.conftest import Aws
from tests.stacks import Declared, local_settings

pytestmark = pytest.mark.engine


def test_commands_that_follow_each_other_share_it_and_one_beside_another_does_not(aws: Aws) -> None:
    assert aws.provider
    with aws.provider.attached() as first:
        assert list(first) == ["PULUMI_DEBUG_PROVIDERS"]
        with aws.provider.attached() as beside:
            assert beside == {}
    with aws.provider.attached() as next_one:
        assert next_one == first


def test_a_stack_whose_providers_differ_cannot_share_it(declared: Declared) -> None:
    """A provider has the settings of who configured it last, so a second one would take those of the first away."""
    settings = {key.removeprefix("aws:"): value for key, value in local_settings().items()}

    def topics() -> None:
        pulumi_aws.sns.Topic("default")
        other = pulumi_aws.Provider("other", region="eu-west-1", profile=settings["profile"])
        pulumi_aws.sns.Topic("other", opts=pulumi.ResourceOptions(provider=other))

    declared.program = topics
    with pytest.raises(AssertionError, match="use the fixture separate_providers"):
        declared.up()


@pytest.mark.usefixtures("separate_providers")
def test_each_command_starts_providers_of_its_own_where_a_test_says_so(aws: Aws) -> None:
    assert aws.provider
    with aws.provider.attached() as variables:
        assert variables == {}
