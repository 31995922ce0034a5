"""The publishers of the engine's parts, as a server on the loopback address."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools import publishers as stand_in
from tests.tools.publishers import Publishers
from tools import download


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not on PATH, and makes the certificate of the stand-in")
    return stand_in.certificate(tmp_path_factory.mktemp("publishers"))


@pytest.fixture
def publishers(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Publishers]:
    """The publishers with every part; what this process downloads comes from them."""
    with stand_in.serving(certificate) as serving:
        serving.publish()
        for name in ("NO_PROXY", "no_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
            monkeypatch.delenv(name, raising=False)
        for name, value in serving.environment.items():
            monkeypatch.setenv(name, value)
        download.unreachable.cache_clear()
        yield serving
        download.unreachable.cache_clear()
