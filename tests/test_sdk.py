"""What a program is: started quickly, and with one of what it needs only once."""

import gc
import subprocess
import sys
import weakref
from collections.abc import Callable

import pytest

from sagebridge import SageMakerEndpoint
from sagebridge import _sdk as program
from tests.endpoint.endpoints import MODEL, args
from tests.mocks import Monitor, World

Run = Callable[[Callable[[], object]], Monitor]

NEEDLESS = ("boto3", "botocore.session", "moto", "pandas", "sklearn")
PARTS = ("appautoscaling", "cloudwatch", "iam", "s3")


@pytest.mark.parametrize("module", [*NEEDLESS, *(f"pulumi_aws.{part}.outputs" for part in PARTS)])
def test_what_a_plain_endpoint_does_not_use_is_not_imported(module: str, imported_by_the_component: set[str]) -> None:
    assert module not in imported_by_the_component


@pytest.fixture(scope="module")
def imported_by_the_component() -> set[str]:
    code = "import sys, sagebridge.endpoint.component, sagebridge.terraform_base; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_what_a_program_made_goes_with_its_connection_to_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    class Connection: ...

    connection = Connection()
    found = weakref.ref(connection)
    monkeypatch.setattr(program, "get_monitor", found)
    program.once(list, (connection,))  # which refers to it, as tasks do by their context
    del connection
    gc.collect()
    assert found() is None


def test_an_archive_is_looked_up_once_however_many_endpoints_load_it(run: Run, world: World) -> None:
    def declare() -> None:
        for name in ("one", "two"):
            SageMakerEndpoint(name, args())

    assert len(run(declare).all_of_type(MODEL)) == 2
    assert len(world.calls) == 1
