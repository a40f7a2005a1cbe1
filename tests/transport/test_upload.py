"""Bodies that are still coming while they are sent (`Outgoing.flow`)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.transport.upstream import OK, PATIENT, Peer, Upstream, answer, until
from tollbridge.errors import APIConnectionError
from tollbridge.transport.base import Outgoing
from tollbridge.transport.http1 import HttpTransport

MIB = 1 << 20


def flowing(*pieces: bytes) -> Callable[[], Awaitable[bytes]]:
    waiting = [*pieces, b""]

    async def next() -> bytes:
        return waiting.pop(0)

    return next


def sending(upstream: Upstream, flow: Callable[[], Awaitable[bytes]], length: int | None = None) -> Outgoing:
    return Outgoing(origin=upstream.origin(), method="POST", target="/files", flow=flow, length=length)


async def test_a_body_of_unknown_length_goes_in_chunks(transport: HttpTransport) -> None:
    heads: list[bytes] = []
    bodies: list[bytes] = []

    async def script(peer: Peer) -> None:
        heads.append(await peer.reader.readuntil(b"\r\n\r\n"))
        bodies.append(await peer.reader.readuntil(b"0\r\n\r\n"))
        peer.send(OK)

    async with Upstream(script) as upstream:
        incoming = await transport.send(sending(upstream, flowing(b"abc", b"defg")), PATIENT)
        assert await incoming.read(10) == b"ok"
    assert b"transfer-encoding: chunked" in heads[0]
    assert b"content-length" not in heads[0]
    assert bodies == [b"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"]


async def test_a_body_of_known_length_goes_as_it_is_and_the_connection_is_kept(transport: HttpTransport) -> None:
    async def script(peer: Peer) -> None:
        while await peer.request():
            peer.send(OK)

    async with Upstream(script) as upstream:
        incoming = await transport.send(sending(upstream, flowing(b"abc", b"de"), 5), PATIENT)
        await incoming.read(10)
        assert upstream.requests[0].endswith(b"\r\n\r\nabcde")
        assert transport.open_connections(upstream.origin()) == 1


@pytest.mark.parametrize("pieces", [(b"ab",), (b"abcd",)], ids=["less", "more"])
async def test_another_length_than_was_said_never_looks_whole(
    transport: HttpTransport, pieces: tuple[bytes, ...]
) -> None:
    async def script(peer: Peer) -> None:
        assert await peer.request() is None

    async with Upstream(script) as upstream:
        with pytest.raises(ValueError, match="another length"):
            await transport.send(sending(upstream, flowing(*pieces), 3), PATIENT)
        await until(lambda: upstream.open == 0)


async def test_a_server_that_takes_nothing_stops_the_flow(transport: HttpTransport) -> None:
    taken = 0
    go = asyncio.Event()

    async def floods() -> bytes:
        nonlocal taken
        taken += 1
        return b"x" * 65536 if taken <= 1024 else b""

    async def script(peer: Peer) -> None:
        await go.wait()
        size = 0
        await peer.reader.readuntil(b"\r\n\r\n")
        while size < 64 * MIB:
            size += len(await peer.reader.read(65536))
        peer.send(OK)

    async with Upstream(script) as upstream:
        sent = asyncio.create_task(transport.send(sending(upstream, floods, 64 * MIB), PATIENT))
        stood, still = -1, 0
        while still < 10:
            stood, still = taken, still + 1 if stood == taken and taken else 0
            await asyncio.sleep(0.01)
        assert taken < 512
        go.set()
        assert (await sent).status == 200


async def test_an_early_answer_ends_the_flow(transport: HttpTransport) -> None:
    never = asyncio.Event()

    async def stops() -> bytes:
        await never.wait()
        return b"x"

    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        peer.send(answer(b"no", status="413 Too Large"))

    async with Upstream(script) as upstream:
        incoming = await transport.send(sending(upstream, stops), PATIENT)
        assert (incoming.status, await incoming.read(10)) == (413, b"no")
        assert transport.open_connections() == 0, "a request that was not sent whole ends its connection"


async def test_what_the_flow_raises_ends_the_exchange(transport: HttpTransport) -> None:
    async def breaks() -> bytes:
        raise LookupError("the client left")

    async def script(peer: Peer) -> None:
        assert await peer.request() is not None

    async with Upstream(script) as upstream:
        with pytest.raises(LookupError):
            await transport.send(sending(upstream, breaks), PATIENT)
        await until(lambda: upstream.open == 0)


async def test_a_server_that_closes_within_the_body_is_an_error(transport: HttpTransport) -> None:
    never = asyncio.Event()

    async def stops() -> bytes:
        await never.wait()
        return b""

    async def script(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        peer.reset()

    async with Upstream(script) as upstream:
        with pytest.raises(APIConnectionError):
            await transport.send(sending(upstream, stops), PATIENT)
