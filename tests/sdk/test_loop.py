"""The background loop: sync calls from anywhere, one thread, a clean end."""

from __future__ import annotations

import asyncio
import contextvars
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from tollbridge.sdk.loop import BackgroundLoop


@pytest.fixture
def background() -> Iterator[BackgroundLoop]:
    loop = BackgroundLoop()
    yield loop
    loop.close()


async def _thread_name() -> str:
    await asyncio.sleep(0)
    return threading.current_thread().name


def test_a_sync_call_runs_in_the_background_thread(background: BackgroundLoop) -> None:
    assert background.run(_thread_name()) == "tollbridge"
    assert background.loop is background.loop


async def test_a_sync_call_works_under_a_running_loop(background: BackgroundLoop) -> None:
    assert background.run(_thread_name()) == "tollbridge"


def test_many_threads_share_one_loop(background: BackgroundLoop) -> None:
    loops: list[asyncio.AbstractEventLoop] = []
    gate = threading.Barrier(8)

    async def mine() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    def call() -> None:
        gate.wait()
        loops.append(background.run(mine()))

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loops) == 8
    assert len(set(map(id, loops))) == 1


def test_an_exception_comes_through_as_it_is(background: BackgroundLoop) -> None:
    async def fails() -> None:
        raise ValueError("as it is")

    with pytest.raises(ValueError, match="as it is"):
        background.run(fails())


def test_context_variables_of_the_caller_are_seen(background: BackgroundLoop) -> None:
    trace: contextvars.ContextVar[str] = contextvars.ContextVar("trace")
    trace.set("t-1")

    async def read() -> str:
        return trace.get()

    assert background.run(read()) == "t-1"


def test_a_sync_call_on_the_loop_itself_is_refused_and_not_a_deadlock(background: BackgroundLoop) -> None:
    async def nested() -> str:
        return background.run(_thread_name())

    with pytest.raises(RuntimeError, match="use the async one"):
        background.run(nested())


def test_an_interrupt_cancels_the_call(background: BackgroundLoop) -> None:
    cancelled = threading.Event()

    async def forever() -> None:
        try:
            background.loop.call_soon(os.kill, os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with pytest.raises(KeyboardInterrupt):
        background.run(forever())
    assert cancelled.wait(5)


def test_the_end_cancels_tasks_and_closes_the_loop() -> None:
    background = BackgroundLoop()
    told: list[str] = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            told.append("task")

    async def start() -> asyncio.Task[None]:
        task = asyncio.create_task(forever())
        await asyncio.sleep(0)
        return task

    task = background.run(start())
    loop = background.loop
    background.close()
    assert told == ["task"]
    assert task.cancelled()
    assert loop.is_closed()
    assert not background.is_running(loop)
    assert background.run(_thread_name()) == "tollbridge"
    background.close()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_starts_a_loop_of_its_own_and_leaves_the_parents_alone(background: BackgroundLoop) -> None:
    parents = background.loop
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            own = background.loop
            fine = own is not parents and background.run(_thread_name()) == "tollbridge"
            background.close()
            os.write(write_end, b"y" if fine else b"n")
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as answer:
        assert answer.read() == b"y"
    assert os.waitpid(child, 0)[1] == 0
    assert background.loop is parents
    assert background.run(_thread_name()) == "tollbridge"


_FORK = "pid = os.fork()\nif pid: sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
_ENDINGS = {
    "after a call": "",
    "with a task still waiting": "BACKGROUND.run(leave())",
    "with a stream half read": "Stream(AsyncStream(chunks()), BACKGROUND).__next__()",
    "with a stream held half read": "held = Stream(AsyncStream(chunks()), BACKGROUND); next(held)",
    "in a forked child": _FORK + "BACKGROUND.run(call())",
    "in a forked child that made no call": _FORK,
    "in a forked child with the parent's stream": "held = Stream(AsyncStream(chunks()), BACKGROUND)\n" + _FORK,
    "by an exception": "sys.excepthook = lambda *_: None; raise SystemExit(0)",
}


@pytest.mark.parametrize("ending", _ENDINGS.values(), ids=_ENDINGS.keys())
def test_a_program_ends_without_a_word(ending: str) -> None:
    program = f"""
import asyncio, os, sys
from tollbridge.sdk.loop import BACKGROUND
from tollbridge.sdk.streams import AsyncStream, Stream

async def call(): await asyncio.sleep(0)
async def leave(): asyncio.create_task(asyncio.Event().wait())
async def chunks():
    while True:
        await asyncio.sleep(0)
        yield {{"choices": [{{"index": 0, "delta": {{"content": "x"}}}}]}}

BACKGROUND.run(call())
{ending}
"""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-W", "ignore:.*fork:DeprecationWarning", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
