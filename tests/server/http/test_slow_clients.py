"""Clients that read or write slowly, or not at all (R23, S53)."""

from __future__ import annotations

import asyncio

import pytest

from tests.server.http.raw import PATIENCE_S, Stage, connected, get, post, serving
from tollbridge.server.http.limits import Limits


async def test_a_slow_reader_blocks_the_writer_within_a_bound() -> None:
    stage = Stage()
    async with serving(stage) as listener, connected(listener, limit=1024) as wire:
        wire.writer.get_extra_info("socket").setsockopt(1, 8, 4096)
        await wire.send(get("/flood"))
        await asyncio.wait_for(stage.flooded.wait(), PATIENCE_S)
        before = -1
        while stage.written != before:
            before = stage.written
            await asyncio.sleep(0.1)
        (connection,) = listener._service.connections
        assert connection.transport.get_write_buffer_size() <= 1024 * 1024
        assert before < 16 * 1024 * 1024, "the rest is what the kernel holds"
        async with connected(listener) as other:
            await other.send(post("/echo", b"unaffected"))
            assert (await other.answer()).body == b"unaffected"
        wire.reset()
        await asyncio.wait_for(stage.left.wait(), PATIENCE_S)


async def test_answers_that_nobody_takes_do_not_pile_up() -> None:
    stage = Stage()
    async with serving(stage) as listener, connected(listener, limit=1024) as wire:
        count = 200
        writing = asyncio.create_task(wire.send(post("/echo", b"x" * 100_000) * count))
        before = 0
        while not before or len(stage.seen) != before:
            before = len(stage.seen)
            await asyncio.sleep(0.1)
        assert before < count, "the next request waits until the answers are taken"
        (connection,) = listener._service.connections
        assert connection.transport.get_write_buffer_size() <= 1024 * 1024
        for _ in range(count):
            assert len((await wire.answer()).body) == 100_000
        await writing


async def test_a_client_that_takes_nothing_is_gone_after_the_write_timeout() -> None:
    stage = Stage()
    limits = Limits(write_s=0.2, tick_s=0.02)
    async with serving(stage, limits) as listener, connected(listener, limit=1024) as wire:
        await wire.send(get("/flood"))
        await asyncio.wait_for(stage.left.wait(), PATIENCE_S)
        assert stage.written < 64 * 1024 * 1024
        while listener.connections:
            await asyncio.sleep(0.01)


async def test_a_slow_head_is_a_408() -> None:
    stage = Stage()
    async with serving(stage, Limits(header_s=0.15, tick_s=0.02)) as listener, connected(listener) as wire:
        wire.writer.write(b"GET / HTTP/1.1\r\n")

        async def dribble() -> None:
            while True:
                wire.writer.write(b"X-A: b\r\n")
                await asyncio.sleep(0.03)

        dribbling = asyncio.create_task(dribble())
        answered = await wire.answer()
        dribbling.cancel()
        assert (answered.status, answered.closes) == (408, True)
    assert stage.seen == []


async def test_a_silent_connection_is_closed_without_a_word() -> None:
    async with serving(Stage(), Limits(header_s=0.1, tick_s=0.02)) as listener, connected(listener) as wire:
        assert await wire.rest() == b""


async def test_an_idle_connection_is_closed_without_a_word() -> None:
    async with serving(Stage(), Limits(idle_s=0.1, tick_s=0.02)) as listener, connected(listener) as wire:
        await wire.send(get("/echo"))
        assert not (await wire.answer()).closes
        assert await wire.rest() == b""


@pytest.mark.parametrize(
    "limits",
    [Limits(body_s=0.15, tick_s=0.02), Limits(body_grace_s=0.1, body_rate=1_000_000, tick_s=0.02)],
    ids=["total time", "rate"],
)
async def test_a_slow_body_is_a_408(limits: Limits) -> None:
    async with serving(Stage(), limits) as listener, connected(listener) as wire:
        await wire.send(post("/echo", b"x" * 1000)[:-500])
        answered = await wire.answer()
        assert (answered.status, answered.closes) == (408, True)
