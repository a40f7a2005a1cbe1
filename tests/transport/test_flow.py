"""Back-pressure, both ways (R20, R23, P9), and no mix-up between exchanges (R24)."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.transport.upstream import CHUNKED_HEAD, OK, PATIENT, Peer, Upstream, answer, chunked, post, until
from tollbridge.errors import APIConnectionError, BadGatewayError
from tollbridge.transport.base import Timeouts
from tollbridge.transport.exchange import HIGH_WATER
from tollbridge.transport.http1 import HttpTransport

MIB = 1 << 20


@pytest.mark.parametrize("piece", [b"x" * 65536, b"xy"], ids=["large", "tiny"])
async def test_r23_a_slow_consumer_stops_the_server_and_bounds_the_buffer(
    transport: HttpTransport, piece: bytes
) -> None:
    sent = 0
    data = chunked(piece) * (65536 // len(piece))

    async def floods(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        peer.send(CHUNKED_HEAD)
        while sent < 32 * MIB:
            peer.send(data)
            sent += len(data)
            await peer.sent()
        peer.send(b"0\r\n\r\n")

    async with Upstream(floods) as upstream:
        incoming = await transport.send(post(upstream), PATIENT)
        stood, still = -1, 0
        while still < 5:  # until the server has not got on for a while
            stood, still = sent, still + 1 if stood == sent else 0
            await asyncio.sleep(0.02)
        assert sent < 32 * MIB  # its writes block
        assert sum(map(len, incoming.pieces)) <= MIB
        assert len(incoming.pieces) < 100
        assert incoming.buffered >= HIGH_WATER
        size = 0
        while taken := await incoming.chunk():
            size += len(taken)
            assert incoming.buffered <= MIB
        assert size == sent // len(data) * len(piece) * (65536 // len(piece))


async def test_r23_a_slow_consumer_delays_nobody_else(transport: HttpTransport) -> None:
    async def floods(peer: Peer) -> None:
        while request := await peer.request():
            peer.send(answer(b"x" * 8 * MIB) if b"/flood" in request else OK)

    async with Upstream(floods) as upstream:
        slow = await transport.send(post(upstream, target="/flood"), PATIENT)
        for _ in range(20):
            assert await (await transport.send(post(upstream), PATIENT)).read(10) == b"ok"
        assert len(await slow.read(8 * MIB)) == 8 * MIB


async def test_the_gap_timeout_does_not_count_a_slow_consumer(transport: HttpTransport) -> None:
    async def floods(peer: Peer) -> None:
        await peer.request()
        peer.send(answer(b"x" * 4 * MIB))

    async with Upstream(floods) as upstream:
        incoming = await transport.send(post(upstream), Timeouts(first_byte_s=5, gap_s=0.1))
        await until(lambda: incoming.buffered >= HIGH_WATER)
        await asyncio.sleep(0.4)
        assert len(await incoming.read(4 * MIB)) == 4 * MIB


async def test_a_paused_connection_is_read_again_when_it_is_used_again(transport: HttpTransport) -> None:
    async def script(peer: Peer) -> None:
        while await peer.request():
            peer.send(answer(b"x" * 2 * MIB))

    async with Upstream(script) as upstream:
        for _ in range(4):
            incoming = await transport.send(post(upstream), PATIENT)
            await until(lambda: incoming.buffered >= HIGH_WATER)  # noqa: B023 - awaited in this turn
            assert len(await incoming.read(4 * MIB)) == 2 * MIB
        assert len(upstream.peers) == 1


async def test_a_large_request_is_written_at_the_pace_of_the_server(transport: HttpTransport) -> None:
    body = random.Random(1).randbytes(8 * MIB)
    go = asyncio.Event()

    async def script(peer: Peer) -> None:
        for _ in range(2):
            await go.wait()
            await peer.request()
            peer.send(OK)

    async with Upstream(script) as upstream:
        sending = asyncio.ensure_future(transport.send(post(upstream, body), PATIENT))
        await until(lambda: len(upstream.peers) == 1)
        await asyncio.sleep(0.05)
        assert not sending.done()
        go.set()
        assert await (await sending).read(10) == b"ok"
        assert upstream.requests[0].endswith(body)
        await transport.send(post(upstream, body), PATIENT)
        assert len(upstream.peers) == 1


async def test_an_early_answer_to_a_large_request_arrives_and_its_connection_is_not_kept(
    transport: HttpTransport,
) -> None:
    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        peer.send(answer(b"too large", status="413 Content Too Large"))

    async with Upstream(script) as upstream:
        incoming = await transport.send(post(upstream, bytes(32 * MIB)), PATIENT)
        assert incoming.status == 413
        assert await incoming.read(100) == b"too large"
        await until(lambda: transport.open_connections() == 0)


async def test_a_server_that_does_not_read_the_request_runs_into_the_first_byte_timeout(
    transport: HttpTransport,
) -> None:
    forever = asyncio.Event()

    async def script(peer: Peer) -> None:
        await forever.wait()

    async with Upstream(script) as upstream:
        with pytest.raises(APIConnectionError) as caught:
            await transport.send(post(upstream, bytes(32 * MIB)), Timeouts(first_byte_s=0.2))
        assert caught.value.code == "first_byte_timeout"
        forever.set()


async def test_r24_two_thousand_exchanges_with_cancellations_never_mix_up(transport: HttpTransport) -> None:
    """Each answer carries its request's number, in pieces and at random speed; a third of the clients leaves at a
    random moment, some servers cut, some answer twice. Whoever gets an answer whole gets its own."""
    chance = random.Random(24)
    whole = 0

    async def script(peer: Peer) -> None:
        while request := await peer.request():
            number = request.partition(b"/")[2].partition(b" ")[0]
            body = b"<" + number * 50 + b">"
            kind = chance.randrange(8)
            if kind == 0:
                peer.send(answer(body)[: chance.randrange(200)])
                return peer.close()
            if kind == 1:
                peer.send(answer(body), answer(b"evil"))
            elif kind == 2:
                peer.send(CHUNKED_HEAD)
                for at in range(0, len(body), 40):
                    peer.send(chunked(body[at : at + 40]))
                    await asyncio.sleep(0)
                peer.send(b"0\r\n\r\n")
            else:
                await asyncio.sleep(chance.random() * 0.002)
                peer.send(answer(body))
        return None

    async def client(number: int) -> None:
        nonlocal whole
        incoming = await transport.send(post(upstream, target=f"/{number}"), PATIENT)
        body = await incoming.read(MIB)
        assert body == b"<" + b"%d" % number * 50 + b">"
        whole += 1

    async def one(number: int) -> None:
        task = asyncio.ensure_future(client(number))
        if number % 3 == 0:
            await asyncio.sleep(chance.random() * 0.003)
            task.cancel()
        try:
            await task
        except (asyncio.CancelledError, BadGatewayError, APIConnectionError):
            pass  # left, or was cut: nothing is promised

    async with Upstream(script) as upstream:
        numbers = iter(range(2000))

        async def worker() -> None:
            for number in numbers:
                await one(number)

        await asyncio.gather(*(worker() for _ in range(20)))
        assert whole > 800
        idle = transport.open_connections()
        await until(lambda: upstream.open == idle)
