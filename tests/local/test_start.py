"""What a server reads when it starts."""

import subprocess
import sys
from pathlib import Path

import pytest
from botocore.session import get_session

from sagebridge.local.region import known

START = """
import sys
from pathlib import Path

opened = []
sys.addaudithook(lambda event, arguments: opened.append(str(arguments[0])) if event == "open" else None)
from sagebridge.local.app import App
App(Path(sys.argv[1])).close()
names = [path for path in opened if "/botocore/data/" in path]
print(*[Path(name).name for name in names if "endpoints.json" in name or "service-2.json" in name])
"""


@pytest.mark.process
def test_a_server_starts_without_botocores_large_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading them takes 0.15 s of CPU time."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    command = [sys.executable, "-c", START]
    first, second = (
        subprocess.run([*command, str(tmp_path / name)], check=True, capture_output=True, text=True).stdout.split()
        for name in ("first", "second")
    )
    assert "endpoints.json" in first or "endpoints.json.gz" in first
    assert not second


def test_the_regions_are_those_that_botocore_names() -> None:
    assert known() == frozenset(get_session().get_available_regions("sagemaker"))
