"""What a person sees of a rollout while it goes on: each stage once, as AWS has it."""

from collections.abc import Iterator

import pytest

from sagebridge.guards import progress
from sagebridge.local import control
from tests.conftest import Aws, Base
from tests.engine.lives import put_echo, under_way
from tests.local.account import put_manual_alarm, until
from tests.stacks import Declared

pytestmark = pytest.mark.engine

HELD, LET_GO = 1.0, 1e6
STAGES = [
    "launching 4 ml.m5.large, alarms OK",
    "canary 50 % (2 of 4 instances), baking 0 of 10 min, alarms OK",
]


@pytest.fixture
def alarm(aws: Aws, declared: Declared) -> Iterator[str]:
    """An alarm that is OK."""
    cloudwatch, name = aws.client("cloudwatch"), f"{declared.endpoint}-alarm"
    put_manual_alarm(cloudwatch, name)
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="asked for")
    yield name
    cloudwatch.delete_alarms(AlarmNames=[name])


@pytest.fixture(autouse=True)
def times(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lets the guards, which run in this process, ask AWS often."""
    monkeypatch.setattr(progress, "POLL_SECONDS", 0.2)
    control.set_times(aws.folder, pace=HELD)
    yield
    control.set_times(aws.folder, updating=0, pace=HELD)


def test_each_stage_of_a_canary_is_told_once(aws: Aws, base: Base, declared: Declared, alarm: str) -> None:
    declared.args |= {
        "initial_instance_count": 4,
        "model_data_url": put_echo(aws, base, f"{declared.endpoint}/model.tar.gz", "a"),
        "deployment_config": {
            "auto_rollback_alarms": [alarm],
            "blue_green_update_policy": {
                "type": "CANARY",
                "canary_size": {"value": 50},
                "wait_interval_in_seconds": 600,
                "termination_wait_in_seconds": 900,
            },
        },
    }
    declared.up()
    declared.args["instance_type"] = "ml.m5.large"
    shown: list[str] = []

    def is_shown(stage: str) -> bool:
        return any(stage in line for line in shown)

    with aws.holding("updating"), under_way(lambda: declared.up(shown.append)) as update:
        until(lambda: is_shown(STAGES[0]))
        control.set_times(aws.folder, updating=0)
        until(lambda: is_shown(STAGES[1]))
        aws.client("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="INSUFFICIENT_DATA", StateReason="test")
        until(lambda: is_shown(f"baking 0 of 10 min, alarm {alarm} INSUFFICIENT_DATA"))
        control.set_times(aws.folder, pace=LET_GO)
    assert update.done()
    (last,) = [line for line in shown if "aws:sagemaker:Endpoint endpoint updated" in line]
    assert "baking" not in last
    for stage in STAGES:
        assert "".join(shown).count(stage) == 1
