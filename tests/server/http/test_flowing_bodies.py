"""Bodies that a handler takes as they arrive: back-pressure, limits, and what is left of the connection."""

from __future__ import annotations

import asyncio

import pytest

from tests.server.http.raw import TEXT, Stage, connected, post, serving
from tollbridge.errors import APIError
from tollbridge.server.http.limits import Limits
from tollbridge.server.inbound import ClientGone, Inbound, Refusal, Responder

CHUNKED = b"POST /flow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
SIZED = b"POST /flow HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
MIB = 1 << 20


class Flowing(Stage):
    """`/flow` takes its body piece by piece once `go` is set, and answers with its size. `/early` answers at once."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 0
        self.error: BaseException | None = None

    def admit(self, inbound: Inbound) -> Refusal | None:
        inbound.flows = True
        self.seen.append(inbound)
        return None

    async def act_flow(self, inbound: Inbound, responder: Responder) -> None:
        self.entered.set()
        await self.go.wait()
        flow = inbound.flow
        self.size = len(inbound.body)
        try:
            while flow is not None and (piece := await flow.next()):
                self.size += len(piece)
        except APIError as error:
            refusal = self.refuse(inbound, error)
            responder.reply(refusal.status, TEXT, b"")
            return
        except ClientGone as error:
            self.error = error
            self.left.set()
            raise
        responder.reply(200, TEXT, b"%d" % self.size)

    async def act_early(self, inbound: Inbound, responder: Responder) -> None:
        responder.reply(403, TEXT, b"not you")


async def test_the_handler_runs_before_the_body_is_here() -> None:
    stage = Flowing()
    stage.go.set()
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(SIZED % 6)
        await stage.entered.wait()
        await wire.send(b"abc")
        await wire.send(b"def" + post("/flow", b"more"))
        assert (await wire.answer()).body == b"6"
        assert (await wire.answer()).body == b"4", "the connection is kept"


async def test_a_chunked_body_flows_too() -> None:
    stage = Flowing()
    stage.go.set()
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(CHUNKED + b"3\r\nabc\r\n")
        await wire.send(b"2\r\nde\r\n0\r\n\r\n")
        answered = await wire.answer()
    assert (answered.status, answered.body, answered.closes) == (200, b"5", False)


async def test_a_body_that_nobody_takes_stops_the_client() -> None:
    stage = Flowing()
    async with serving(stage) as listener, connected(listener) as wire:
        sending = asyncio.create_task(wire.send(SIZED % (64 * MIB) + b"x" * (64 * MIB)))
        await stage.entered.wait()
        flow = stage.seen[0].flow
        held, still = -1, 0
        while still < 10:
            now = flow._held  # type: ignore[union-attr]
            held, still = now, still + 1 if now == held and now else 0
            await asyncio.sleep(0.01)
        assert 0 < held <= MIB
        assert not sending.done()
        stage.go.set()
        answered = await wire.answer()
        await sending
    assert answered.body == b"%d" % (64 * MIB)


async def test_an_answer_before_the_end_of_the_body_is_the_connections_last() -> None:
    async with serving(Flowing()) as listener, connected(listener) as wire:
        await wire.send(SIZED.replace(b"/flow", b"/early") % 1_000_000 + b"x" * 1000)
        answered = await wire.answer()
    assert (answered.status, answered.closes) == (403, True)


@pytest.mark.parametrize("sent", [SIZED % 2000, CHUNKED + b"7d0\r\n" + b"x" * 2000 + b"\r\n"], ids=["sized", "chunked"])
async def test_it_has_a_limit_of_its_own(sent: bytes) -> None:
    stage = Flowing()
    stage.go.set()
    async with serving(stage, Limits(body_bytes=10, upload_bytes=1999)) as listener, connected(listener) as wire:
        await wire.send(sent)
        answered = await wire.answer()
    assert (answered.status, answered.closes) == (413, True)


async def test_a_malformed_chunk_is_told_to_the_handler() -> None:
    stage = Flowing()
    stage.go.set()
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(CHUNKED + b"3\r\nabc\r\n")
        await wire.send(b"zz\r\n")
        answered = await wire.answer()
    assert (answered.status, answered.closes) == (400, True)


async def test_a_client_that_sends_too_slowly_is_given_up() -> None:
    stage = Flowing()
    stage.go.set()
    limits = Limits(body_rate=1000, body_grace_s=0.05, tick_s=0.02)
    async with serving(stage, limits) as listener, connected(listener) as wire:
        await wire.send(SIZED % 1000 + b"x")
        answered = await wire.answer()
    assert (answered.status, answered.closes) == (408, True)


async def test_a_client_that_leaves_within_its_body_ends_it() -> None:
    stage = Flowing()
    stage.go.set()
    async with serving(stage) as listener:
        async with connected(listener) as wire:
            await wire.send(SIZED % 1000 + b"x")
            await stage.entered.wait()
        await stage.left.wait()
    assert isinstance(stage.error, ClientGone)
