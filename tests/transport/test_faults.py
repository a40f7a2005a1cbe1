"""The fault rows of reliability.md that lie between us and a provider: R05 to R12."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import Iterator

import pytest

from tests.transport.upstream import CHUNKED_HEAD, OK, PATIENT, Peer, Upstream, always_ok, answer, chunked, post, until
from tollbridge.errors import APIConnectionError, APITimeoutError, BadGatewayError, Truncated
from tollbridge.transport.base import Incoming, Origin, Outgoing, Timeouts
from tollbridge.transport.http1 import HttpTransport


async def rest(incoming: Incoming) -> bytes:
    pieces = []
    while piece := await incoming.chunk():
        pieces.append(piece)
    return b"".join(pieces)


# --- R05, R06: no connection


async def test_r05_a_closed_port_is_refused(transport: HttpTransport) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    with pytest.raises(APIConnectionError) as caught:
        await transport.send(post(Origin("http", "127.0.0.1", port), target="/secret?key=secret"), PATIENT)
    assert caught.value.code == "connect_refused"
    assert caught.value.retryable
    assert f"127.0.0.1:{port}" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert transport.open_connections() == 0


async def test_r05_a_name_that_does_not_resolve_is_told_apart(transport: HttpTransport) -> None:
    with pytest.raises(APIConnectionError) as caught:
        await transport.send(post(Origin("http", "no-such-host.invalid", 80)), PATIENT)
    assert caught.value.code == "dns_failure"
    assert "no-such-host.invalid:80" in str(caught.value)


@contextlib.contextmanager
def full_backlog() -> Iterator[Origin]:
    """A listener whose queue is full: the kernel drops what else wants to connect, as a firewall would."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(address)
        yield Origin("http", *address)


async def test_r06_a_black_hole_ends_at_the_connect_timeout(transport: HttpTransport) -> None:
    with full_backlog() as origin:
        with pytest.raises(APITimeoutError) as caught:
            await transport.send(post(origin), Timeouts(connect_s=0.1))
    assert caught.value.code == "connect_timeout"
    assert caught.value.status_code == 504
    assert transport.open_connections() == 0


async def test_r06_the_total_timeout_counts_the_connect_too(transport: HttpTransport) -> None:
    with full_backlog() as origin:
        with pytest.raises(APITimeoutError) as caught:
            await transport.send(post(origin), Timeouts(connect_s=20, total_s=0.1))
    assert caught.value.code == "total_timeout"


# --- R07, R08: a slow answer


async def silent(peer: Peer) -> None:
    await peer.request()


async def test_r07_a_head_that_never_comes_ends_at_the_first_byte_timeout(transport: HttpTransport) -> None:
    async with Upstream(silent) as upstream:
        outcomes = await asyncio.gather(
            *(transport.send(post(upstream), Timeouts(first_byte_s=0.1)) for _ in range(200)), return_exceptions=True
        )
        assert {getattr(outcome, "code", outcome) for outcome in outcomes} == {"first_byte_timeout"}
        await until(lambda: upstream.open == 0)  # not one socket stays
    await until(lambda: transport.open_connections() == 0)


async def test_r07_half_a_head_is_no_first_byte(transport: HttpTransport) -> None:
    async def slow_head(peer: Peer) -> None:
        await peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\n")
        while peer.alive:
            peer.send(b"a: b\r\n")
            await asyncio.sleep(0.01)

    async with Upstream(slow_head) as upstream:
        with pytest.raises(APITimeoutError) as caught:
            await transport.send(post(upstream), Timeouts(first_byte_s=0.1))
        assert caught.value.code == "first_byte_timeout"


async def test_an_early_hint_is_no_first_byte(transport: HttpTransport) -> None:
    async def hint(peer: Peer) -> None:
        await peer.request()
        peer.send(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")

    async with Upstream(hint) as upstream:
        with pytest.raises(APITimeoutError):
            await transport.send(post(upstream), Timeouts(first_byte_s=0.1))


async def test_r08_the_gap_is_counted_from_piece_to_piece(transport: HttpTransport) -> None:
    async def drips(peer: Peer) -> None:
        await peer.request()
        peer.send(CHUNKED_HEAD)
        for _ in range(8):
            peer.send(chunked(b"x"))
            await asyncio.sleep(0.06)

    async with Upstream(drips) as upstream:
        incoming = await transport.send(post(upstream), Timeouts(first_byte_s=5, gap_s=0.3))
        got = b""
        with pytest.raises(APITimeoutError) as caught:
            while True:
                got += await incoming.chunk()
        assert got == b"x" * 8  # in all longer than one gap
        assert caught.value.code == "gap_timeout"
        await until(lambda: upstream.open == 0)
        with pytest.raises(APITimeoutError):
            await incoming.chunk()  # and it stays so


async def test_r08_the_total_deadline_holds_against_a_drip(transport: HttpTransport) -> None:
    async def drips(peer: Peer) -> None:
        await peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        while peer.alive:
            peer.send(b"x")
            await asyncio.sleep(0.01)

    async with Upstream(drips) as upstream:
        incoming = await transport.send(post(upstream), Timeouts(first_byte_s=5, gap_s=5, total_s=0.3))
        with pytest.raises(APITimeoutError) as caught:
            await incoming.read(1_000_000)
        assert caught.value.code == "total_timeout"
        await until(lambda: upstream.open == 0)


async def test_a_shorter_timeout_of_the_next_request_holds_on_a_kept_connection(transport: HttpTransport) -> None:
    async def once(peer: Peer) -> None:
        await peer.request()
        peer.send(OK)
        await peer.request()

    async with Upstream(once) as upstream:
        await transport.send(post(upstream), Timeouts(first_byte_s=600))
        with pytest.raises(APITimeoutError):
            await transport.send(post(upstream), Timeouts(first_byte_s=0.1))


async def test_a_longer_timeout_of_the_next_request_holds_on_a_kept_connection(transport: HttpTransport) -> None:
    async def slow_second(peer: Peer) -> None:
        await peer.request()
        peer.send(OK)
        await peer.request()
        await asyncio.sleep(0.2)
        peer.send(OK)

    async with Upstream(slow_second) as upstream:
        await transport.send(post(upstream), Timeouts(first_byte_s=0.1))
        incoming = await transport.send(post(upstream), Timeouts(first_byte_s=20))
        assert await incoming.read(10) == b"ok"
        assert len(upstream.peers) == 1


# --- R09, R10: a connection dies before the answer


async def test_r09_a_kept_connection_that_is_reset_is_retried_once_and_unseen(transport: HttpTransport) -> None:
    async def resets_the_second(peer: Peer) -> None:
        await peer.request()
        peer.send(OK)
        if peer.number == 0:
            await peer.request()
            peer.reset()
        else:
            await always_ok(peer)

    async with Upstream(resets_the_second) as upstream:
        for _ in range(3):
            incoming = await transport.send(post(upstream), PATIENT)
            assert await incoming.read(10) == b"ok"
        assert [len(peer.requests) for peer in upstream.peers] == [2, 2]


async def test_r09_a_fresh_connection_that_is_reset_is_an_error(transport: HttpTransport) -> None:
    async def resets(peer: Peer) -> None:
        await peer.request()
        peer.reset()

    async with Upstream(resets) as upstream:
        with pytest.raises(APIConnectionError) as caught:
            await transport.send(post(upstream), PATIENT)
        assert caught.value.code == "connection_reset"
        assert caught.value.retryable
        assert len(upstream.peers) == 1


async def test_r09_the_retry_is_not_retried(transport: HttpTransport) -> None:
    async def resets_all_but_the_first(peer: Peer) -> None:
        await peer.request()
        if peer.number == 0:
            peer.send(OK)
            await peer.request()
        peer.reset()

    async with Upstream(resets_all_but_the_first) as upstream:
        await transport.send(post(upstream), PATIENT)
        with pytest.raises(APIConnectionError) as caught:
            await transport.send(post(upstream), PATIENT)
        assert caught.value.code == "connection_reset"
        assert len(upstream.peers) == 2


async def test_r09_one_byte_of_an_answer_forbids_the_retry(transport: HttpTransport) -> None:
    async def starts_the_second(peer: Peer) -> None:
        await peer.request()
        peer.send(OK)
        await peer.request()
        peer.send(b"H")
        await peer.sent()
        peer.close()

    async with Upstream(starts_the_second) as upstream:
        await transport.send(post(upstream), PATIENT)
        with pytest.raises(Truncated):
            await transport.send(post(upstream), PATIENT)
        assert len(upstream.peers) == 1


async def test_r09_a_late_death_is_not_staleness(transport: HttpTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that worked and died may have billed: whether to pay twice is not decided here."""
    monkeypatch.setattr("tollbridge.transport.connection.STALE_WITHIN_S", 0.05)

    async def works_and_dies(peer: Peer) -> None:
        await peer.request()
        peer.send(OK)
        await peer.request()
        await asyncio.sleep(0.2)
        peer.close()

    async with Upstream(works_and_dies) as upstream:
        await transport.send(post(upstream), PATIENT)
        with pytest.raises(APIConnectionError) as caught:
            await transport.send(post(upstream), PATIENT)
        assert caught.value.code == "connection_reset"
        assert len(upstream.peers) == 1


async def test_r10_a_server_that_closes_idle_connections_at_random_is_never_an_error(transport: HttpTransport) -> None:
    chance = random.Random(7)

    async def impatient(peer: Peer) -> None:
        while await peer.request():
            peer.send(OK)
            match chance.randrange(4):
                case 0:
                    return peer.close()  # at once: in the same moment as the next request
                case 1:
                    await asyncio.sleep(chance.random() * 0.004)
                    return peer.close()
                case 2:
                    await asyncio.sleep(chance.random() * 0.004)
                    return peer.reset()
        return None

    async def client() -> None:
        for _ in range(50):
            incoming = await transport.send(post(upstream), PATIENT)
            assert await incoming.read(10) == b"ok"
            await asyncio.sleep(chance.random() * 0.004)

    async with Upstream(impatient) as upstream:
        await asyncio.gather(*(client() for _ in range(10)))
        assert len(upstream.peers) > 50


async def test_r10_a_connection_that_the_server_closed_while_idle_is_not_taken(transport: HttpTransport) -> None:
    async def one_each(peer: Peer) -> None:
        await peer.request()
        peer.send(OK)
        await peer.sent()
        peer.close()

    async with Upstream(one_each) as upstream:
        for _ in range(3):
            await transport.send(post(upstream), PATIENT)
            await until(lambda: transport.open_connections() == 0)
        assert [len(peer.requests) for peer in upstream.peers] == [1, 1, 1]


# --- R11, R12: a connection dies within the answer


async def test_r11_a_reset_within_a_stream_gives_what_came_and_then_truncated(transport: HttpTransport) -> None:
    taken = asyncio.Event()

    async def resets(peer: Peer) -> None:
        await peer.request()
        peer.send(CHUNKED_HEAD, chunked(b"one", b"two"))
        await taken.wait()
        peer.reset()

    async with Upstream(resets) as upstream:
        incoming = await transport.send(post(upstream), PATIENT)
        assert await incoming.chunk() == b"onetwo"
        taken.set()
        with pytest.raises(Truncated) as caught:
            await incoming.chunk()
        assert caught.value.code == "upstream_truncated"
        assert len(upstream.peers) == 1  # nothing is retried after the first byte


@pytest.mark.parametrize(
    "cut",
    [
        CHUNKED_HEAD,
        CHUNKED_HEAD + chunked(b"one"),
        CHUNKED_HEAD + b"5\r\nab",
        CHUNKED_HEAD + chunked(b"one") + b"0\r\n",
        answer(b"0123456789")[:-1],
        answer(b"0123456789")[:-10],
    ],
)
async def test_r12_a_clean_end_before_the_promised_one_is_truncated(transport: HttpTransport, cut: bytes) -> None:
    async def ends_early(peer: Peer) -> None:
        await peer.request()
        peer.send(cut)
        await peer.sent()
        peer.close()

    async with Upstream(ends_early) as upstream:
        for take in (rest, lambda incoming: incoming.read(100)):
            incoming = await transport.send(post(upstream), PATIENT)
            with pytest.raises(Truncated):
                await take(incoming)


async def test_r12_an_end_within_the_head_is_truncated(transport: HttpTransport) -> None:
    async def ends_early(peer: Peer) -> None:
        await peer.request()
        peer.send(OK[:20])
        await peer.sent()
        peer.close()

    async with Upstream(ends_early) as upstream:
        with pytest.raises(Truncated):
            await transport.send(post(upstream), PATIENT)


async def test_after_each_kind_of_failure_the_next_request_succeeds(transport: HttpTransport) -> None:
    """R24: no failed connection is used again, and no slot is lost."""
    bad = [b"garbage\r\n\r\n", OK[:10], answer(b"abc")[:-1], CHUNKED_HEAD + b"zz\r\n", b"HTTP/1.1 302 F\r\n\r\n"]

    async def script(peer: Peer) -> None:
        while request := await peer.request():
            kind = int(request.partition(b"/")[2].partition(b" ")[0])
            if kind < len(bad):
                peer.send(bad[kind])
                await peer.sent()
                return peer.close()
            peer.send(OK)
        return None

    async def ask(request: Outgoing) -> bytes:
        return await (await transport.send(request, PATIENT)).read(10)

    async with Upstream(script) as upstream:
        for kind in range(len(bad)):
            for number in (len(bad), kind, len(bad)):
                exchange = ask(post(upstream, target=f"/{number}"))
                if number == kind:
                    with pytest.raises(BadGatewayError):
                        await exchange
                else:
                    assert await exchange == b"ok"
        await until(lambda: transport.open_connections() == 1)
