from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.transport.upstream import OK, PATIENT, Peer, Upstream, always_ok, answer, post, until
from tollbridge.errors import APIConnectionError, APITimeoutError
from tollbridge.transport.base import Origin, Timeouts
from tollbridge.transport.http1 import HttpTransport
from tollbridge.transport.pool import Limits


@asynccontextmanager
async def limited(**limits: float) -> AsyncIterator[HttpTransport]:
    transport = HttpTransport(limits=Limits(**limits))  # type: ignore[arg-type]
    yield transport
    await transport.close()
    assert transport.open_connections() == 0


class Gate:
    """A script whose answers wait for `open`; the answer's body is the request's target."""

    def __init__(self) -> None:
        self.open = asyncio.Event()

    async def __call__(self, peer: Peer) -> None:
        while request := await peer.request():
            await self.open.wait()
            peer.send(answer(request.split(b" ")[1]))


async def test_sequential_requests_share_one_connection(transport: HttpTransport) -> None:
    async with Upstream(always_ok) as upstream:
        for _ in range(20):
            await (await transport.send(post(upstream), PATIENT)).read(10)
        assert len(upstream.peers) == 1


async def test_the_connection_used_last_is_used_next(transport: HttpTransport) -> None:
    """Few stay warm, the others grow old and are closed."""
    gate = Gate()
    async with Upstream(gate) as upstream:
        sending = [asyncio.ensure_future(transport.send(post(upstream), PATIENT)) for _ in range(5)]
        await until(lambda: len(upstream.requests) == 5)
        gate.open.set()
        await asyncio.gather(*sending)
        for _ in range(10):
            await transport.send(post(upstream), PATIENT)
        assert sorted(len(peer.requests) for peer in upstream.peers) == [1, 1, 1, 1, 11]


async def test_no_more_connections_than_the_limit_and_first_come_first_served() -> None:
    gate = Gate()
    order: list[int] = []

    async def client(number: int) -> None:
        incoming = await transport.send(post(upstream, target=f"/{number}"), PATIENT)
        assert await incoming.read(10) == b"/%d" % number
        order.append(number)

    async with Upstream(gate) as upstream, limited(per_origin=2) as transport:
        clients = [asyncio.ensure_future(client(number)) for number in range(12)]
        await until(lambda: len(upstream.requests) == 2)
        gate.open.set()
        await asyncio.gather(*clients)
        assert len(upstream.peers) == 2
        assert [number // 2 for number in order] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


async def test_who_waits_for_a_connection_too_long_is_told_so() -> None:
    gate = Gate()
    async with Upstream(gate) as upstream, limited(per_origin=1) as transport:
        first = asyncio.ensure_future(transport.send(post(upstream), PATIENT))
        await until(lambda: len(upstream.requests) == 1)
        with pytest.raises(APITimeoutError) as caught:
            await transport.send(post(upstream), Timeouts(connect_s=0.05))
        assert caught.value.code == "pool_timeout"
        assert caught.value.fault == "gateway"
        gate.open.set()
        await (await first).read(10)
        assert (await transport.send(post(upstream), PATIENT)).status == 200


async def test_a_waiter_that_leaves_costs_nobody_a_slot() -> None:
    """Also one that leaves in the very moment in which it is served."""
    for turns in range(6):
        gate = Gate()
        async with Upstream(gate) as upstream, limited(per_origin=1) as transport:
            first = asyncio.ensure_future(transport.send(post(upstream), PATIENT))
            await until(lambda: len(upstream.requests) == 1)
            waiters = [asyncio.ensure_future(transport.send(post(upstream), PATIENT)) for _ in range(3)]
            await asyncio.sleep(0)
            gate.open.set()
            await first
            for _ in range(turns):
                await asyncio.sleep(0)
            waiters[0].cancel()
            outcomes = await asyncio.gather(*waiters, return_exceptions=True)
            assert [getattr(outcome, "status", 0) for outcome in outcomes[1:]] == [200, 200]
            assert (await transport.send(post(upstream), PATIENT)).status == 200


async def test_a_failed_exchange_hands_its_slot_to_who_waits() -> None:
    async def script(peer: Peer) -> None:
        while request := await peer.request():
            if b"/bad" in request:
                peer.send(b"nonsense\r\n\r\n")
            peer.send(OK)

    async with Upstream(script) as upstream, limited(per_origin=1) as transport:
        targets = ["/bad", "/good"] * 4
        sending = [transport.send(post(upstream, target=target), PATIENT) for target in targets]
        outcomes = await asyncio.gather(*sending, return_exceptions=True)
        assert [getattr(outcome, "status_code", 0) for outcome in outcomes] == [502, 0] * 4
        assert transport.open_connections() <= 1


async def test_a_failed_connect_frees_its_slot() -> None:
    async with limited(per_origin=1, total=1) as transport:
        for _ in range(3):
            with pytest.raises(APIConnectionError) as caught:
                await transport.send(post(Origin("http", "127.0.0.1", 1)), PATIENT)
            assert caught.value.code == "connect_refused"
        assert transport.open_connections() == 0


async def test_at_the_total_an_idle_connection_of_another_origin_makes_room() -> None:
    async with Upstream(always_ok) as one, Upstream(always_ok) as two, limited(total=2) as transport:
        for _ in range(2):
            for upstream in (one, two, one):
                assert (await transport.send(post(upstream), PATIENT)).status == 200
        for host in ("127.0.0.2", "127.0.0.3"):  # other origins, the same server
            async with Upstream(always_ok, host=host) as other:
                assert (await transport.send(post(other.origin(host)), PATIENT)).status == 200
                assert transport.open_connections() == 2


async def test_at_the_total_origins_with_waiters_take_turns() -> None:
    gate = Gate()
    order: list[str] = []

    async def client(name: str, upstream: Upstream) -> None:
        incoming = await transport.send(post(upstream), PATIENT)
        order.append(name)
        incoming.abort()
        await incoming.read(10)

    async def closing(peer: Peer) -> None:
        await peer.request()
        await gate.open.wait()
        peer.send(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok")

    async with Upstream(closing) as one, Upstream(closing) as two, limited(total=1) as transport:
        clients = [asyncio.ensure_future(client("one", one)) for _ in range(4)]
        await until(lambda: len(one.requests) == 1)
        clients += [asyncio.ensure_future(client("two", two)) for _ in range(3)]
        await asyncio.sleep(0)
        gate.open.set()
        await asyncio.gather(*clients)
        assert order == ["one", "one", "two", "one", "two", "one", "two"]


async def test_a_full_shelf_of_stale_connections_does_not_block() -> None:
    """All slots are held by idle connections that the server has long forgotten, in a burst."""

    async def forgets(peer: Peer) -> None:
        await peer.request()
        peer.send(OK)
        await peer.request()
        peer.reset()

    async with Upstream(forgets) as upstream, limited(per_origin=3) as transport:
        for _ in range(5):
            burst = [transport.send(post(upstream), PATIENT) for _ in range(6)]
            assert {incoming.status for incoming in await asyncio.gather(*burst)} == {200}


async def test_idle_connections_are_closed_in_time() -> None:
    async with Upstream(always_ok) as upstream, limited(idle_s=0.1) as transport:
        await transport.send(post(upstream), PATIENT)
        assert transport.open_connections(upstream.origin()) == 1
        await until(lambda: transport.open_connections() == 0)
        await until(lambda: upstream.open == 0)
        await transport.send(post(upstream), PATIENT)
        assert len(upstream.peers) == 2


async def test_closing_tells_those_who_wait() -> None:
    gate = Gate()
    async with Upstream(gate) as upstream, limited(per_origin=1) as transport:
        sending = [asyncio.ensure_future(transport.send(post(upstream), PATIENT)) for _ in range(3)]
        await until(lambda: len(upstream.requests) == 1)
        await transport.close()
        outcomes = await asyncio.gather(*sending, return_exceptions=True)
        assert [getattr(outcome, "code", outcome) for outcome in outcomes] == ["transport_closed"] * 3
        gate.open.set()
        await until(lambda: upstream.open == 0)


async def test_closing_while_connecting_leaves_nothing_open() -> None:
    async with Upstream(always_ok) as upstream:
        for turns in range(8):
            closing = HttpTransport()
            sending = asyncio.ensure_future(closing.send(post(upstream), PATIENT))
            for _ in range(turns):
                await asyncio.sleep(0)
            await closing.close()
            await asyncio.gather(sending, return_exceptions=True)
            await until(lambda: closing.open_connections() == 0)  # noqa: B023 - awaited in this turn
        await until(lambda: upstream.open == 0)
