"""Pure: what waits for an answer holds up neither the program nor the event loop's own threads."""

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep

import pytest

from sagebridge import threads

WAIT = 0.1


def test_calls_wait_side_by_side_and_no_more_than_are_allowed_at_once() -> None:
    lock, counts = threading.Lock(), {"now": 0, "most": 0}

    def answer(number: int, *, doubled: bool) -> int:
        with lock:
            counts["now"] += 1
            counts["most"] = max(counts["most"], counts["now"])
        sleep(WAIT)
        with lock:
            counts["now"] -= 1
        return number * 2 if doubled else number

    async def ask() -> list[int]:
        return await asyncio.gather(*(threads.call(answer, number, doubled=True) for number in range(50)))

    assert asyncio.run(ask()) == [2 * number for number in range(50)]
    assert counts["most"] == threads.MOST_CALLS


def test_the_program_goes_on_meanwhile_also_while_resources_have_all_threads_of_its_event_loop() -> None:
    answered = threading.Event()

    def ask() -> str:
        sleep(WAIT)
        return "answer"

    async def program() -> str:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(1))
        resource = loop.run_in_executor(None, answered.wait, 30)
        asked = asyncio.create_task(threads.call(ask))
        begun = monotonic()
        await asyncio.sleep(0)
        assert monotonic() - begun < WAIT
        answer = await asked
        answered.set()
        assert await resource
        return answer

    assert asyncio.run(program()) == "answer"


@pytest.mark.process
def test_the_codec_of_host_names_is_there_before_threads_look_it_up() -> None:
    """Two that looked it up at once found "unknown encoding: idna", and so did all calls after them."""
    code = "import sagebridge.threads, sys; print('encodings.idna' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.strip() == b"True"


def test_a_call_begins_while_the_event_loop_is_busy() -> None:
    called = threading.Event()

    async def program() -> bool:
        begun = threads.begin(called.set)
        reached = called.wait(10)
        await asyncio.wrap_future(begun)
        return reached

    assert asyncio.run(program())
