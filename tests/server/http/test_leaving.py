"""Clients that leave, or close one half (R22, R24)."""

from __future__ import annotations

import asyncio

import pytest

from tests.server.http.raw import PATIENCE_S, Stage, connected, get, post, serving


@pytest.mark.parametrize("path", ["/wait", "/stream"])
@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_client_that_leaves_is_noticed(path: str, how: str) -> None:
    stage = Stage()
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(get(path))
        await asyncio.wait_for(stage.entered.wait(), PATIENCE_S)
        if path == "/stream":
            await wire.until(b"one\r\n")
        if how == "close":
            wire.writer.close()
        else:
            wire.reset()
        await asyncio.wait_for(stage.left.wait(), PATIENCE_S)
        assert not stage.cancelled.is_set(), "the application decides what becomes of the handler"
        assert listener.in_flight == 1
        stage.go.set()
        while listener.in_flight:
            await asyncio.sleep(0.01)


async def test_a_client_that_leaves_an_http_1_0_request_is_noticed() -> None:
    """nginx speaks 1.0 upstream by default and closes when its own client left."""
    stage = Stage()
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(get("/wait", version="1.0"))
        await asyncio.wait_for(stage.entered.wait(), PATIENCE_S)
        wire.writer.close()
        await asyncio.wait_for(stage.left.wait(), PATIENCE_S)


async def test_a_half_closed_client_gets_its_answers() -> None:
    stage = Stage()
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(get("/wait?1") + post("/echo", b"2"))
        wire.writer.write_eof()
        await asyncio.wait_for(stage.entered.wait(), PATIENCE_S)
        await asyncio.sleep(0.1)
        assert not stage.left.is_set()
        stage.go.set()
        assert (await wire.answer()).body == b"waited 1"
        assert (await wire.answer()).body == b"2"
        assert await wire.rest() == b""


async def test_a_half_closed_client_gets_its_stream() -> None:
    stage = Stage()
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(get("/stream"))
        await wire.until(b"\r\n\r\n")
        wire.writer.write_eof()
        await asyncio.sleep(0.1)
        stage.go.set()
        assert await wire._chunks() == b"onetwo"
        assert not stage.left.is_set()


async def test_a_client_that_leaves_after_the_end_did_not_leave() -> None:
    stage = Stage()
    stage.go.set()
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(get("/stream"))
        await wire.until(b"0\r\n\r\n")
        wire.reset()
        while listener.connections:
            await asyncio.sleep(0.01)
        assert not stage.left.is_set()


async def test_a_broken_stream_does_not_look_whole_to_a_half_closed_client() -> None:
    stage = Stage()
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(get("/stream?abort"))
        await wire.until(b"\r\n\r\n")
        wire.writer.write_eof()
        await asyncio.sleep(0.05)
        stage.go.set()
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(wire.reader.read(), PATIENCE_S)
