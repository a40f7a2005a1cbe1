"""Streams as programs read them: with `async for`, with `for`, to the end or not."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest

from tollbridge.errors import APIConnectionError, Truncated
from tollbridge.sdk.blocking import AHEAD
from tollbridge.sdk.loop import BackgroundLoop
from tollbridge.sdk.objects import ModelResponseStream
from tollbridge.sdk.streams import AsyncStream, Stream

USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


def _chunk(text: str) -> dict[str, Any]:
    return {"id": "c", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}


class Upstream:
    """A provider's stream: `texts`, then `error`, or usage without choices and the end. Knows whether it was closed."""

    def __init__(self, *texts: str, error: Exception | None = None, endless: bool = False) -> None:
        self.texts, self.error, self.endless = texts, error, endless
        self.sent = 0
        self.closed = threading.Event()

    async def chunks(self) -> AsyncGenerator[dict[str, Any], None]:
        try:
            for text in self.texts:
                await asyncio.sleep(0)
                self.sent += 1
                yield _chunk(text)
            if self.error is not None:
                raise self.error
            if self.endless:
                await asyncio.Event().wait()
            yield {"id": "c", "choices": [], "usage": USAGE}
        finally:
            self.closed.set()


@pytest.fixture
def background() -> Iterator[BackgroundLoop]:
    loop = BackgroundLoop()
    yield loop
    loop.close()


def _text(chunk: ModelResponseStream) -> str | None:
    return chunk.choices[0].delta.content


async def test_an_async_stream_yields_chunks_and_hides_the_one_that_holds_usage_alone() -> None:
    stream = AsyncStream(Upstream("a", "b").chunks(), hidden_params={"model_id": "m"})
    assert [_text(chunk) async for chunk in stream] == ["a", "b"]
    assert stream.usage == USAGE
    assert stream._hidden_params == {"model_id": "m"}


async def test_usage_is_yielded_where_it_was_asked_for() -> None:
    chunks = [chunk async for chunk in AsyncStream(Upstream("a").chunks(), include_usage=True)]
    assert chunks[-1].choices == []
    assert chunks[-1].usage == USAGE


async def test_the_published_loop_runs_on_an_async_stream() -> None:
    async def acompletion() -> AsyncStream:
        return AsyncStream(Upstream("a", "b").chunks())

    text = ""
    async for chunk in await acompletion():
        if chunk.choices[0].delta.content:
            text += chunk.choices[0].delta.content
        assert hasattr(chunk.choices[0].delta, "tool_calls")
    assert text == "ab"


async def test_a_cut_async_stream_raises_after_what_arrived() -> None:
    seen = []
    with pytest.raises(Truncated):
        async for chunk in AsyncStream(Upstream("a", "b", error=Truncated("cut")).chunks()):
            seen.append(_text(chunk))
    assert seen == ["a", "b"]


@pytest.mark.parametrize("how", ["aclose", "close", "context manager"])
async def test_leaving_an_async_stream_early_closes_the_upstream(how: str) -> None:
    upstream = Upstream("a", "b", endless=True)
    stream = AsyncStream(upstream.chunks())
    async with stream if how == "context manager" else AsyncStream(Upstream().chunks()):
        assert _text(await anext(stream)) == "a"
    if how == "aclose":
        await stream.aclose()
    elif how == "close":
        await stream.close()
    assert upstream.closed.is_set()
    await stream.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


def test_a_sync_stream_yields_the_same_chunks_and_ends(background: BackgroundLoop) -> None:
    texts = [str(n) for n in range(5 * AHEAD)]
    stream = Stream(AsyncStream(Upstream(*texts).chunks(), hidden_params={"model_id": "m"}), background)
    assert [_text(chunk) for chunk in stream] == texts
    assert stream.usage == USAGE
    assert stream._hidden_params == {"model_id": "m"}
    with pytest.raises(StopIteration):
        next(stream)
    stream.close()


async def test_a_sync_stream_works_under_a_running_loop(background: BackgroundLoop) -> None:
    assert [_text(chunk) for chunk in Stream(AsyncStream(Upstream("a", "b").chunks()), background)] == ["a", "b"]


def test_a_cut_sync_stream_raises_after_what_arrived_and_never_ends_normally(background: BackgroundLoop) -> None:
    stream = Stream(AsyncStream(Upstream("a", "b", error=Truncated("cut")).chunks()), background)
    assert [_text(next(stream)), _text(next(stream))] == ["a", "b"]
    for _ in range(2):
        with pytest.raises(Truncated):
            next(stream)


def test_the_upstream_is_read_no_further_ahead_than_the_bound(background: BackgroundLoop) -> None:
    upstream = Upstream(*map(str, range(10 * AHEAD)))
    stream = Stream(AsyncStream(upstream.chunks()), background)
    for _ in range(3):
        next(stream)

    async def settle() -> int:
        for _ in range(20 * AHEAD):
            await asyncio.sleep(0)
        return upstream.sent

    assert AHEAD <= background.run(settle()) <= AHEAD + 1
    assert len(list(stream)) == 10 * AHEAD - 3


@pytest.mark.parametrize("how", ["close", "context manager", "drop", "before the first chunk"])
def test_leaving_a_sync_stream_early_closes_the_upstream(how: str, background: BackgroundLoop) -> None:
    upstream = Upstream("a", "b", endless=True)
    stream = Stream(AsyncStream(upstream.chunks()), background)
    if how == "context manager":
        with stream:
            next(stream)
    elif how == "drop":
        next(stream)
        del stream
        gc.collect()
    elif how == "close":
        next(stream)
        stream.close()
        with pytest.raises(StopIteration):
            next(stream)
    else:
        stream.close()
        return
    assert upstream.closed.wait(5)


def test_an_error_that_nobody_reads_is_not_logged(background: BackgroundLoop, caplog: pytest.LogCaptureFixture) -> None:
    upstream = Upstream("a", error=Truncated("cut"))
    stream = Stream(AsyncStream(upstream.chunks()), background)
    next(stream)
    assert upstream.closed.wait(5)
    stream.close()
    del stream
    gc.collect()
    assert not caplog.records


def test_an_interrupt_while_waiting_closes_the_upstream(background: BackgroundLoop) -> None:
    upstream = Upstream("a", endless=True)
    stream = Stream(AsyncStream(upstream.chunks()), background)
    next(stream)
    with pytest.raises(KeyboardInterrupt):
        # A moment later, so that the interrupt finds the thread waiting: nothing tells when it does.
        background.loop.call_soon_threadsafe(background.loop.call_later, 0.2, os.kill, os.getpid(), signal.SIGINT)
        next(stream)
    assert upstream.closed.is_set()
    with pytest.raises(StopIteration):
        next(stream)


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_stream_of_the_parent_is_an_error_in_a_forked_child_and_no_hang(background: BackgroundLoop) -> None:
    stream = Stream(AsyncStream(Upstream("a", endless=True).chunks()), background)
    next(stream)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            next(stream)
        except APIConnectionError:
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    stream.close()
