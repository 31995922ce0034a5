"""Several programs in one process, as users of the Automation API run them, with no help but the component's."""

import gc
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sagebridge.local import control
from tests.conftest import PREDICTION, Aws
from tests.stacks import Declared

pytestmark = pytest.mark.engine


@pytest.fixture
def fail_next(aws: Aws) -> Iterator[Callable[[Declared], object]]:
    """Lets the next update of a stack's endpoint fail."""
    folder = Path(aws.environment["LOCAL_AWS_DIR"])
    yield lambda declared: control.fault(folder, "capacity", endpoint=declared.endpoint, times=1)
    control.clear_faults(folder)


def connections() -> int:
    gc.collect()
    return sum(type(each).__name__ == "ResourceMonitorStub" for each in gc.get_objects())


def test_a_program_after_one_that_failed(
    aws: Aws,
    declared: Declared,
    fail_next: Callable[[Declared], object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One that failed left its server of hooks, its tasks and its connection behind, and a traceback."""
    declared.args["alarms"] = {}
    declared.up()
    before = connections()
    for instance_type in ("ml.m5.large", "ml.c5.large"):
        fail_next(declared)
        declared.args["instance_type"] = instance_type
        assert "AWS rolled the update back" in declared.up_fails()
    declared.up()
    assert aws.predict(declared.endpoint) == pytest.approx(PREDICTION, abs=1e-9)
    assert set(declared.preview()) == {"same"}
    assert not [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert connections() <= before


def test_programs_beside_each_other(
    aws: Aws, new_declared: Callable[[], Declared], fail_next: Callable[[Declared], object]
) -> None:
    """The first that ends stopped the hooks of all."""
    fails, goes_on = new_declared(), new_declared()
    folder = Path(aws.environment["LOCAL_AWS_DIR"])
    control.set_times(folder, creating=3)
    try:
        with ThreadPoolExecutor(2) as pool:
            updated = pool.submit(goes_on.up)
            previews = pool.submit(lambda: [fails.preview() for _ in range(2)])
            previews.result()
            updated.result()
        control.set_times(folder, creating=0, updating=3)
        fails.up()
        goes_on.args["instance_type"] = fails.args["instance_type"] = "ml.m5.large"
        fail_next(fails)
        with ThreadPoolExecutor(2) as pool:
            updated = pool.submit(goes_on.up)
            assert "AWS rolled the update back" in pool.submit(fails.up_fails).result()
            updated.result()
    finally:
        control.set_times(folder, creating=0, updating=0)
    for stack in (fails, goes_on):
        assert aws.predict(stack.endpoint) == pytest.approx(PREDICTION, abs=1e-9)
    fails.up()
    assert set(fails.preview()) == set(goes_on.preview()) == {"same"}
