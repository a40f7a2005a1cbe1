"""The handshake with a provider: what is told where it does not come to an end."""

from __future__ import annotations

import asyncio

import pytest

from tests.transport.test_faults import full_backlog
from tests.transport.upstream import Peer, Upstream
from tollbridge.errors import APITimeoutError
from tollbridge.transport.base import Origin, Outgoing, Timeouts
from tollbridge.transport.dial import Dialer
from tollbridge.transport.tls import TlsSettings
from tollbridge.transport.websocket import WebSockets


async def told(origin: Origin, timeouts: Timeouts) -> tuple[str | int | None, str]:
    request = Outgoing(origin=origin, method="GET", target="/v1/realtime")
    async with asyncio.timeout(30):
        with pytest.raises(APITimeoutError) as caught:
            await WebSockets(Dialer(TlsSettings()), {}).open(request, timeouts, limit=1024)
    return caught.value.code, caught.value.message


async def silent(peer: Peer) -> None:
    while await peer.request() is not None:
        pass


async def test_an_answer_that_never_comes_is_told_with_the_time_that_it_was_waited_for() -> None:
    async with Upstream(silent) as upstream:
        code, message = await told(
            Origin("http", "127.0.0.1", upstream.port), Timeouts(connect_s=7.0, first_byte_s=0.25)
        )
    assert code == "first_byte_timeout"
    assert "did not begin to answer within 0.25 s" in message


async def test_a_connection_that_does_not_come_about_is_told_with_the_time_that_it_was_tried_for() -> None:
    with full_backlog() as origin:
        code, message = await told(origin, Timeouts(connect_s=0.25, first_byte_s=7.0))
    assert code == "connect_timeout"
    assert "within 0.25 s" in message
