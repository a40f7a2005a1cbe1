from __future__ import annotations

import asyncio

import pytest

from tests.transport.test_faults import full_backlog
from tests.transport.upstream import PATIENT, Upstream, always_ok, post, until
from tollbridge.errors import APIConnectionError
from tollbridge.transport import dial
from tollbridge.transport.base import Origin
from tollbridge.transport.http1 import HttpTransport


class Resolver:
    """Stands for the system's: counts, waits if told to, and gives what it was told to give."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.asked = 0
        self.go = asyncio.Event()
        self.go.set()
        monkeypatch.setattr(dial, "_look_up", self.look_up)

    async def look_up(self, host: str) -> list[str]:
        self.asked += 1
        await self.go.wait()
        if not self.addresses:
            raise OSError("no such name")
        return self.addresses


async def test_the_next_address_is_tried_when_one_refuses(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    Resolver(monkeypatch, "127.0.0.3", "127.0.0.2", "127.0.0.1")
    async with Upstream(always_ok) as upstream:
        assert (await transport.send(post(upstream.origin("three.example")), PATIENT)).status == 200
        assert len(upstream.peers) == 1


async def test_the_next_address_is_tried_when_one_is_silent(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    with full_backlog() as hole:
        Resolver(monkeypatch, "127.0.0.1", "127.0.0.2")
        async with _at(hole.port) as upstream:
            assert (await transport.send(post(upstream.origin("two.example")), PATIENT)).status == 200
    await until(lambda: transport.open_connections() == 1)


class _at(Upstream):
    """On 127.0.0.2, at the same port as somebody on 127.0.0.1."""

    def __init__(self, port: int) -> None:
        super().__init__(always_ok)
        self.port = port

    async def __aenter__(self) -> Upstream:
        self._server = await asyncio.start_server(self._accept, "127.0.0.2", self.port)
        return self


async def test_when_all_addresses_refuse_the_first_refusal_is_told(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    Resolver(monkeypatch, "127.0.0.3", "127.0.0.2")
    with pytest.raises(APIConnectionError) as caught:
        await transport.send(post(Origin("http", "two.example", 1)), PATIENT)
    assert caught.value.code == "connect_refused"


async def test_two_that_connect_at_once_leave_one_connection(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dial, "STAGGER_S", 0)
    Resolver(monkeypatch, "127.0.0.1", "127.0.0.1", "127.0.0.1")
    async with Upstream(always_ok) as upstream:
        for number in range(10):
            incoming = await transport.send(post(upstream.origin(f"many{number}.example")), PATIENT)
            await incoming.read(10)
        await until(lambda: upstream.open == 10)
        assert transport.open_connections() == 10


async def test_a_name_is_looked_up_once_for_many(transport: HttpTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = Resolver(monkeypatch, "127.0.0.1")
    resolver.go.clear()
    async with Upstream(always_ok) as upstream:
        sending = [
            asyncio.ensure_future(transport.send(post(upstream.origin("a.example")), PATIENT)) for _ in range(20)
        ]
        await until(lambda: resolver.asked == 1)
        sending[0].cancel()  # the one that began the lookup leaves: the others lose nothing
        await asyncio.sleep(0)
        resolver.go.set()
        outcomes = await asyncio.gather(*sending, return_exceptions=True)
        assert [getattr(outcome, "status", 0) for outcome in outcomes] == [0] + [200] * 19
        assert resolver.asked == 1


async def test_a_name_is_asked_again_after_nothing_could_be_reached(
    transport: HttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = Resolver(monkeypatch, "127.0.0.9")
    async with Upstream(always_ok) as upstream:
        with pytest.raises(APIConnectionError):
            await transport.send(post(upstream.origin("moved.example")), PATIENT)
        resolver.addresses = ["127.0.0.1"]
        assert (await transport.send(post(upstream.origin("moved.example")), PATIENT)).status == 200
        assert resolver.asked == 2


async def test_a_name_is_asked_again_when_it_is_old(transport: HttpTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial, "DNS_S", 0)
    resolver = Resolver(monkeypatch, "127.0.0.1")
    async with Upstream(always_ok) as upstream:
        for _ in range(2):
            incoming = await transport.send(post(upstream.origin("a.example")), PATIENT)
            for peer in upstream.peers:
                peer.close()
            await incoming.read(10)
            await until(lambda: transport.open_connections() == 0)
    assert resolver.asked == 2


def test_families_alternate_in_the_order_of_the_resolver() -> None:
    found = ["::a", "::b", "1.1.1.1", "::c", "2.2.2.2", "::a"]
    assert dial.alternating(found) == ["::a", "1.1.1.1", "::b", "2.2.2.2", "::c"]
    assert dial.alternating([]) == []


async def test_localhost_resolves_for_real(transport: HttpTransport) -> None:
    async with Upstream(always_ok) as upstream:
        assert (await transport.send(post(upstream.origin("localhost")), PATIENT)).status == 200
