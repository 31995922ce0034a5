"""The file that says where the local AWS is, which several processes write at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

from sagebridge.local import control

if TYPE_CHECKING:
    from pathlib import Path


def test_the_address_that_a_server_has_written_stays(tmp_path: Path) -> None:
    """A slow start, which saw no config file yet, put the usual port in the place of the server's."""
    address = "http://127.0.0.1:45001"
    both = Barrier(2)

    def start(directory: Path) -> None:
        both.wait()
        control.prepare(directory)

    def serve(directory: Path) -> None:
        both.wait()
        control.write_config(directory, address)

    with ThreadPoolExecutor(2) as threads:
        for number in range(500):
            directory = tmp_path / str(number)
            directory.mkdir()
            running = [threads.submit(work, directory) for work in (start, serve)]
            assert [work.result() for work in running] == [None, None]
            assert f"endpoint_url = {address}\n" in (directory / "config").read_text()
            assert sorted(path.name for path in directory.iterdir()) == ["config", "pulumi"]
