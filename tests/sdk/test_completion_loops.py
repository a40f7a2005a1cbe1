"""On which loop a call runs, and how it ends: threads, notebooks, `asyncio.run` twice, early leaving, interruption."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.sdk.replay import Replay
from tests.sdk.upstream import Upstream, chunk
from tollbridge import acompletion, completion
from tollbridge.sdk.desk import DESKS

HELLO = [{"role": "user", "content": "Hello"}]
OPENAI = "openai-chat_completions-0122327b0ed5"
OPENAI_STREAM = "openai-chat_completions-05bc2bc5a8a6"
PATIENCE_S = 10

pytestmark = pytest.mark.usefixtures("no_keys")


def _here(replay: Replay, id: str = OPENAI) -> dict[str, Any]:
    return {"model": "gpt-4o", "messages": HELLO, "api_base": replay.openai(id), "api_key": "sk-x"}


def _to(upstream: Upstream) -> dict[str, Any]:
    return {"model": "openai/m", "messages": HELLO, "api_base": upstream.base, "api_key": "sk-x"}


# where it runs


def test_threads_call_at_the_same_time(replay: Replay) -> None:
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: completion(**_here(replay)).choices[0].finish_reason, range(12)))
    assert len(answers) == 12
    assert len(replay.captures()) == 12


async def test_a_synchronous_call_works_inside_a_running_loop(replay: Replay) -> None:
    """As in a notebook."""
    assert completion(**_here(replay)).choices
    assert "".join(c.choices[0].delta.content or "" for c in completion(**_here(replay, OPENAI_STREAM), stream=True))


def test_two_loops_one_after_the_other_have_connections_of_their_own(replay: Replay) -> None:
    async def twice() -> int:
        for _ in range(2):
            await acompletion(**_here(replay))
        stream = await acompletion(**_here(replay, OPENAI_STREAM), stream=True)
        assert [piece async for piece in stream]
        return id(await DESKS.here())

    before = dict(DESKS._open)
    asyncio.run(twice())
    asyncio.run(twice())
    assert before == {loop: desk for loop, desk in DESKS._open.items() if not loop.is_closed()}


def test_a_loop_that_ends_amid_a_stream_leaves_nothing_open() -> None:
    with Upstream([chunk("one")]) as upstream:

        async def begin() -> None:
            stream = await acompletion(**_to(upstream), stream=True)
            kept.append(stream)
            await anext(stream)

        kept: list[Any] = []
        asyncio.run(begin())
        assert upstream.left.wait(PATIENCE_S)
        kept.clear()
        gc.collect()  # an unclosed socket would warn here


def test_a_forked_child_has_a_loop_of_its_own(replay: Replay) -> None:
    completion(**_here(replay))
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if completion(**_here(replay)).choices else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert completion(**_here(replay)).choices


def test_a_program_ends_without_a_word(replay: Replay) -> None:
    """Answered, streamed half, not closed: nothing is said at exit, with all warnings on, but for asyncio's of a
    machine that is slow."""
    program = """
import asyncio, logging, sys, tollbridge
logging.getLogger("asyncio").addFilter(lambda record: not record.getMessage().startswith("Executing "))
base, stream_base = sys.argv[1:]
def ask(base, **more):
    return dict(model="openai/m", messages=[{"role": "user", "content": "x"}], api_key="sk-x", api_base=base, **more)
tollbridge.completion(**ask(base))
kept = tollbridge.completion(**ask(stream_base, stream=True))
next(kept)
asyncio.run(tollbridge.acompletion(**ask(base)))
async def half():
    stream = await tollbridge.acompletion(**ask(stream_base, stream=True))
    await anext(stream)
asyncio.run(half())
"""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", program]
    done = subprocess.run(
        [*command, replay.openai(OPENAI), replay.openai(OPENAI_STREAM, delay_ms=20)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# leaving early


async def test_leaving_an_async_stream_closes_the_providers_connection() -> None:
    for leave in ("aclose", "with", "drop"):
        with Upstream([chunk("one"), chunk("two")]) as upstream:
            stream = await acompletion(**_to(upstream), stream=True)
            async for piece in stream:
                assert piece.choices[0].delta.content == "one"
                break
            match leave:
                case "aclose":
                    await stream.aclose()
                case "with":
                    async with stream:
                        pass
                case "drop":
                    del stream, piece
                    gc.collect()
            assert await asyncio.to_thread(upstream.left.wait, PATIENCE_S), leave


def test_leaving_a_stream_closes_the_providers_connection() -> None:
    for leave in ("close", "with", "drop"):
        with Upstream([chunk("one"), chunk("two")]) as upstream:
            stream = completion(**_to(upstream), stream=True)
            assert next(stream).choices[0].delta.content == "one"
            match leave:
                case "close":
                    stream.close()
                case "with":
                    with stream:
                        pass
                case "drop":
                    del stream
                    gc.collect()
            assert upstream.left.wait(PATIENCE_S), leave


async def test_a_provider_that_stays_after_its_end_marker_is_left() -> None:
    last = {**chunk(""), "choices": [{"index": 0, "delta": None, "finish_reason": "stop"}]}
    with Upstream([chunk("one"), last, "[DONE]"]) as upstream:
        stream = await acompletion(**_to(upstream), stream=True)
        assert [piece.choices[0].finish_reason async for piece in stream] == [None, "stop"]
        assert await asyncio.to_thread(upstream.left.wait, PATIENCE_S)


async def test_cancelling_a_call_closes_the_providers_connection() -> None:
    for stream in (False, True):
        with Upstream(None) as upstream:
            task = asyncio.create_task(acompletion(**_to(upstream), stream=stream))
            assert await asyncio.to_thread(upstream.asked.wait, PATIENCE_S)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await asyncio.to_thread(upstream.left.wait, PATIENCE_S)


@pytest.mark.parametrize("stream", [False, True])
def test_interrupting_a_call_closes_the_providers_connection(stream: bool) -> None:
    with Upstream([chunk("one")] if stream else None) as upstream:

        def interrupt() -> None:
            upstream.asked.wait(PATIENCE_S)
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            for _ in completion(**_to(upstream), stream=stream):
                continue
        thread.join()
        assert upstream.left.wait(PATIENCE_S)
