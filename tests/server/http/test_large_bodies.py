"""Bodies that are too large, or compressed (S53, S55), on the socket."""

from __future__ import annotations

import asyncio

from tests.server.http.raw import Stage, connected, post, serving
from tollbridge.server.http.limits import Limits


async def test_a_body_over_the_limit_is_refused_at_its_head() -> None:
    stage = Stage()
    async with serving(stage, Limits(body_bytes=1000, tick_s=0.02)) as listener, connected(listener) as wire:
        await wire.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 200000000\r\n\r\n")
        answered = await wire.answer()
        assert (answered.status, answered.closes) == (413, True)


async def test_a_client_that_sends_on_can_read_its_413() -> None:
    """The refused body is thrown away for a moment: a reset would destroy the answer."""
    async with serving(Stage(), Limits(body_bytes=1000, tick_s=0.02)) as listener, connected(listener) as wire:
        await wire.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000)
        assert (await wire.answer()).status == 413


async def test_an_endless_chunked_body_is_cut_at_the_limit() -> None:
    stage = Stage()
    async with serving(stage, Limits(body_bytes=10_000, tick_s=0.02)) as listener, connected(listener) as wire:
        await wire.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")

        async def send_for_ever() -> None:
            while True:
                await wire.send(b"400\r\n" + b"x" * 1024 + b"\r\n")

        sending = asyncio.create_task(send_for_ever())
        assert (await wire.answer()).status == 413
        sending.cancel()
        await asyncio.wait((sending,))
        sending.cancelled() or sending.exception()


async def test_a_route_has_its_own_body_limit() -> None:
    stage = Stage()
    stage.body_limit = 3
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(post("/echo", b"abc") + post("/echo", b"abcd"))
        assert [(await wire.answer()).status for _ in range(2)] == [200, 413]


async def test_a_compressed_body_arrives_inflated() -> None:
    import gzip

    stage = Stage()
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(post("/echo", gzip.compress(b"squeezed"), "Content-Encoding: gzip"))
        assert (await wire.answer()).body == b"squeezed"
    assert b"content-encoding" not in stage.seen[0].headers


async def test_an_unknown_content_encoding_is_a_415() -> None:
    async with serving(Stage()) as listener, connected(listener) as wire:
        await wire.send(post("/echo", b"x", "Content-Encoding: zstd"))
        assert (await wire.answer()).status == 415
