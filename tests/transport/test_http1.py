"""Framing and limits of answers: R16, R17, R19 to R21, and what S15 and S55 ask of the transport."""

from __future__ import annotations

import asyncio
import gzip
import zlib

import pytest

from tests.transport.upstream import CHUNKED_HEAD, OK, PATIENT, Peer, Upstream, always_ok, answer, chunked, post, until
from tollbridge.errors import APIConnectionError, BadGatewayError, Truncated
from tollbridge.transport.base import Outgoing
from tollbridge.transport.http1 import HttpTransport

LIMIT = 1 << 20
JSON = b'{"a": "' + b"b" * 5000 + b'"}'


def plays(*answers: bytes, close: bool = False) -> object:
    """A script that answers request by request, and at the end closes where asked to."""

    async def script(peer: Peer) -> None:
        for data in answers:
            await peer.request()
            peer.send(data)
        if close:
            await peer.sent()
            peer.close()

    return script


async def fails(transport: HttpTransport, data: bytes) -> BadGatewayError:
    """The error that an answer gives, at `send` or at `read`; its connection is never kept."""
    async with Upstream(plays(data)) as upstream:
        with pytest.raises(BadGatewayError) as caught:
            incoming = await transport.send(post(upstream, target="/p?key=secret"), PATIENT)
            await incoming.read(LIMIT)
        await until(lambda: upstream.open == 0)
    await until(lambda: transport.open_connections() == 0)
    assert "127.0.0.1:" in str(caught.value)
    assert "secret" not in str(caught.value)
    return caught.value


# --- what is read


async def test_status_headers_and_body_arrive_as_sent(transport: HttpTransport) -> None:
    data = answer(b"no", "Content-Type: text/html", "X-Two: 1", "x-two:  2", "x-empty:", status="418 Teapot")
    async with Upstream(plays(data)) as upstream:
        incoming = await transport.send(post(upstream), PATIENT)
        assert incoming.status == 418
        assert incoming.headers == [
            (b"content-type", b"text/html"),
            (b"x-two", b"1"),
            (b"x-two", b"2"),
            (b"x-empty", b""),
            (b"content-length", b"2"),
        ]
        assert incoming.header(b"x-two") == b"1"
        assert incoming.header(b"x-none") is None
        assert await incoming.read(2) == b"no"


async def test_read_does_not_suspend_when_the_body_is_here(transport: HttpTransport) -> None:
    async with Upstream(always_ok) as upstream:
        incoming = await transport.send(post(upstream), PATIENT)
        with pytest.raises(StopIteration) as finished:
            incoming.read(10).send(None)
        assert finished.value.value == b"ok"
        with pytest.raises(StopIteration) as finished:
            incoming.chunk().send(None)
        assert finished.value.value == b""


async def test_chunks_come_as_read_and_joined_when_several_wait(transport: HttpTransport) -> None:
    go = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(CHUNKED_HEAD, chunked(b"data: 1\n\n", b"data: 2\n\n"))
        await go.wait()
        peer.send(chunked(b"data: 3\n\n"), b"0\r\n\r\n")

    async with Upstream(script) as upstream:
        incoming = await transport.send(post(upstream), PATIENT)
        assert await incoming.chunk() == b"data: 1\n\ndata: 2\n\n"
        go.set()
        assert await incoming.chunk() == b"data: 3\n\n"
        assert [await incoming.chunk() for _ in range(2)] == [b"", b""]


async def test_bytes_are_the_same_wherever_the_network_cuts_them(transport: HttpTransport) -> None:
    """R18 at this floor: one byte per segment."""
    data = (
        b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\ntransfer-encoding: chunked\r\n\r\n"
        b"5;ext=1\r\nhello\r\n7\r\n, world\r\n0\r\nx-trailer: 1\r\n\r\n"
    )

    async def script(peer: Peer) -> None:
        while await peer.request():
            for at in range(len(data)):
                peer.send(data[at : at + 1])
                await asyncio.sleep(0)

    async with Upstream(script) as upstream:
        for _ in range(3):
            incoming = await transport.send(post(upstream), PATIENT)
            assert await incoming.read(LIMIT) == b"hello, world"
            assert incoming.headers == [(b"a", b"b"), (b"transfer-encoding", b"chunked")]
        assert len(upstream.peers) == 1


# --- R21: odd and legal


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_r21_a_status_without_body_has_none_whatever_its_length_says(
    transport: HttpTransport, status: str
) -> None:
    bare = f"HTTP/1.1 {status}\r\ncontent-length: 5\r\ncontent-encoding: gzip\r\n\r\n".encode()
    async with Upstream(plays(bare, OK)) as upstream:
        assert await (await transport.send(post(upstream), PATIENT)).read(LIMIT) == b""
        assert await (await transport.send(post(upstream), PATIENT)).read(LIMIT) == b"ok"
        assert len(upstream.peers) == 1


async def test_r21_interim_answers_are_skipped_with_their_headers(transport: HttpTransport) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\ncontent-encoding: br\r\n\r\n"
    async with Upstream(plays(interim + OK, interim + OK)) as upstream:
        for _ in range(2):
            incoming = await transport.send(post(upstream), PATIENT)
            assert incoming.status == 200
            assert incoming.header(b"link") is None
            assert await incoming.read(LIMIT) == b"ok"
        assert len(upstream.peers) == 1


async def test_r21_trailers_are_read_and_dropped(transport: HttpTransport) -> None:
    data = CHUNKED_HEAD + chunked(b"ab") + b"0\r\nx-trailer: 1\r\ncontent-encoding: gzip\r\n\r\n"
    async with Upstream(plays(data, OK)) as upstream:
        incoming = await transport.send(post(upstream), PATIENT)
        assert await incoming.read(LIMIT) == b"ab"
        assert incoming.header(b"x-trailer") is None
        assert await (await transport.send(post(upstream), PATIENT)).read(LIMIT) == b"ok"


async def test_r21_a_body_without_framing_ends_with_the_connection(transport: HttpTransport) -> None:
    async with Upstream(plays(b"HTTP/1.1 200 OK\r\n\r\nall of it", close=True)) as upstream:
        assert await (await transport.send(post(upstream), PATIENT)).read(LIMIT) == b"all of it"
        incoming = await transport.send(post(upstream), PATIENT)
        pieces = [piece async for piece in iterate(incoming)]
        assert b"".join(pieces) == b"all of it"


async def iterate(incoming):  # type: ignore[no-untyped-def]
    while piece := await incoming.chunk():
        yield piece


async def test_a_body_without_framing_that_is_reset_is_truncated(transport: HttpTransport) -> None:
    taken = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\nsome of it")
        await taken.wait()
        peer.reset()

    async with Upstream(script) as upstream:
        incoming = await transport.send(post(upstream), PATIENT)
        assert await incoming.chunk() == b"some of it"
        taken.set()
        with pytest.raises(Truncated):
            await incoming.chunk()


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308])
async def test_s15_a_redirect_is_not_followed(transport: HttpTransport, status: int) -> None:
    location = b"location: http://169.254.169.254/secret\r\n"
    error = await fails(transport, b"HTTP/1.1 %d Moved\r\n%bcontent-length: 0\r\n\r\n" % (status, location))
    assert error.code == "upstream_redirect"
    assert error.status_code == 502
    assert not error.retryable


async def test_a_head_request_has_no_body(transport: HttpTransport) -> None:
    async with Upstream(plays(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n")) as upstream:
        request = Outgoing(origin=upstream.origin(), method="HEAD", target="/")
        incoming = await transport.send(request, PATIENT)
        assert await incoming.read(10) == b""
        assert b"content-length" not in upstream.requests[0].lower()


@pytest.mark.parametrize("ending", ["HTTP/1.0 200 OK", "HTTP/1.1 200 OK\r\nconnection: close"])
async def test_a_connection_that_the_server_will_close_is_not_kept(transport: HttpTransport, ending: str) -> None:
    data = f"{ending}\r\ncontent-length: 2\r\n\r\nok".encode()
    async with Upstream(plays(data)) as upstream:
        for _ in range(2):
            assert await (await transport.send(post(upstream), PATIENT)).read(10) == b"ok"
        assert len(upstream.peers) == 2


# --- R16, R21: not HTTP, or not one HTTP


@pytest.mark.parametrize(
    "data",
    [
        b"<html>\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",  # a TLS alert
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2x\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: x\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\na: b\r\n folded\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\na : b\r\ncontent-length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\na: b\x00c\r\ncontent-length: 2\r\n\r\nok",
        CHUNKED_HEAD + b"zz\r\nok\r\n0\r\n\r\n",
        CHUNKED_HEAD + b"2\r\nokX\r\n0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + OK,
        b"HTTP/1.1 102 Processing\r\n\r\n" * 20 + OK,
    ],
)
async def test_what_is_not_one_clear_http_answer_is_a_bad_gateway(transport: HttpTransport, data: bytes) -> None:
    assert (await fails(transport, data)).code == "upstream_invalid_http"


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"h%d: v\r\n" % n for n in range(300)) + b"\r\n",
        b"HTTP/1.1 200 OK\r\na: " + b"x" * 100_000,
        b"HTTP/1.1 200 OK\r\n" + b"a: " + b"x" * 30_000 + b"\r\nb: " + b"x" * 100_000,
        CHUNKED_HEAD + b"2;" + b"x" * 1_000_000,
        CHUNKED_HEAD + chunked(b"ab") + b"0\r\nx: " + b"x" * 1_000_000,
    ],
)
async def test_s18_heads_extensions_and_trailers_are_bounded(transport: HttpTransport, data: bytes) -> None:
    assert (await fails(transport, data)).code == "upstream_head_too_large"


async def test_r24_bytes_after_the_answer_poison_the_connection(transport: HttpTransport) -> None:
    """A second answer that nobody asked for would be taken for the next request's."""
    for surplus in (b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil", b"HTT", b"x", b"\x00"):
        async with Upstream(plays(OK + surplus)) as upstream:
            incoming = await transport.send(post(upstream), PATIENT)
            assert incoming.headers == [(b"content-length", b"2")]
            assert await incoming.read(10) == b"ok"
            await until(lambda: transport.open_connections() == 0)


async def test_r24_bytes_on_an_idle_connection_close_it(transport: HttpTransport) -> None:
    speak = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(OK)
        await speak.wait()
        peer.send(answer(b"evil"))

    async with Upstream(script) as upstream:
        await (await transport.send(post(upstream), PATIENT)).read(10)
        speak.set()
        await until(lambda: transport.open_connections() == 0)
        assert await (await transport.send(post(upstream), PATIENT)).read(10) == b"ok"
        assert len(upstream.peers) == 2


# --- R19, R20, S55: encodings and limits


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("gzip", lambda data: data),  # says so, and is not
        ("deflate", lambda data: data),
        ("identity", lambda data: data),
    ],
)
@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_r19_encoded_bodies_are_decoded(transport, encoding, encode, framing) -> None:  # type: ignore[no-untyped-def]
    body = encode(JSON)
    if framing == "length":
        data = answer(body, f"content-encoding: {encoding}")
    else:
        head = f"HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ntransfer-encoding: chunked\r\n\r\n".encode()
        data = head + chunked(*(body[at : at + 7] for at in range(0, len(body), 7))) + b"0\r\n\r\n"
    async with Upstream(plays(data, data)) as upstream:
        incoming = await transport.send(post(upstream), PATIENT)
        assert incoming.header(b"content-encoding") is None
        assert await incoming.read(LIMIT) == JSON
        incoming = await transport.send(post(upstream), PATIENT)
        assert b"".join([piece async for piece in iterate(incoming)]) == JSON
        assert len(upstream.peers) == 1


async def test_r19_a_compressed_stream_is_decoded_event_by_event(transport: HttpTransport) -> None:
    go = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        packer = zlib.compressobj(wbits=31)
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n")
        peer.send(chunked(packer.compress(b"data: one\n\n") + packer.flush(zlib.Z_SYNC_FLUSH)))
        await go.wait()
        peer.send(chunked(packer.compress(b"data: two\n\n") + packer.flush()), b"0\r\n\r\n")

    async with Upstream(script) as upstream:
        incoming = await transport.send(post(upstream), PATIENT)
        assert await incoming.chunk() == b"data: one\n\n"
        go.set()
        assert await incoming.chunk() == b"data: two\n\n"
        assert await incoming.chunk() == b""


async def test_r19_a_truncated_gzip_is_truncated(transport: HttpTransport) -> None:
    error = await fails_kept(transport, answer(gzip.compress(JSON)[:-9], "content-encoding: gzip"))
    assert isinstance(error, Truncated)


async def test_r19_a_corrupt_gzip_is_a_bad_gateway(transport: HttpTransport) -> None:
    body = bytearray(gzip.compress(bytes(range(256)) * 40))
    body[60:80] = b"\xff" * 20
    error = await fails_kept(transport, answer(bytes(body), "content-encoding: gzip"))
    assert error.code == "upstream_bad_encoding"


@pytest.mark.parametrize("header", ["content-encoding: lzma", "content-encoding: gzip\r\ncontent-encoding: gzip"])
async def test_r19_an_encoding_that_was_not_asked_for_is_a_bad_gateway(transport: HttpTransport, header: str) -> None:
    assert (await fails(transport, answer(b"abc", header))).code == "upstream_bad_encoding"


async def fails_kept(transport: HttpTransport, data: bytes) -> BadGatewayError:
    """The error of a body that is well framed."""
    async with Upstream(plays(data)) as upstream:
        incoming = await transport.send(post(upstream), PATIENT)
        with pytest.raises(BadGatewayError) as caught:
            await incoming.read(LIMIT)
    return caught.value


async def test_s55_a_bomb_ends_at_the_limit(transport: HttpTransport) -> None:
    bomb = answer(gzip.compress(bytes(64 * LIMIT)), "content-encoding: gzip")
    assert (await fails_kept(transport, bomb)).code == "upstream_too_large"
    async with Upstream(plays(bomb)) as upstream:  # and a stream, which has no limit, by its ratio
        incoming = await transport.send(post(upstream), PATIENT)
        largest = 0
        with pytest.raises(BadGatewayError) as caught:
            while piece := await incoming.chunk():
                largest = max(largest, len(piece))
        assert caught.value.code == "upstream_bomb"
        assert largest <= 512 * 1024


@pytest.mark.parametrize("framing", ["length", "chunked", "none"])
async def test_r20_an_answer_over_the_limit_is_refused_without_being_read(
    transport: HttpTransport, framing: str
) -> None:
    sent = 0

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        head = {"length": b"content-length: 100000000\r\n", "chunked": b"transfer-encoding: chunked\r\n", "none": b""}
        peer.send(b"HTTP/1.1 200 OK\r\n" + head[framing] + b"\r\n")
        piece = b"x" * 65536
        try:
            while sent < 100_000_000:
                peer.send(chunked(piece) if framing == "chunked" else piece)
                sent += len(piece)
                await peer.sent()
        except (ConnectionError, RuntimeError):
            pass  # it hung up, as it should

    async with Upstream(script) as upstream:
        incoming = await transport.send(post(upstream), PATIENT)
        with pytest.raises(BadGatewayError) as caught:
            await incoming.read(LIMIT)
        assert caught.value.code == "upstream_too_large"
        await until(lambda: upstream.open == 0)
    assert sent < 20_000_000


async def test_a_limit_is_inclusive(transport: HttpTransport) -> None:
    async with Upstream(always_ok) as upstream:
        assert await (await transport.send(post(upstream), PATIENT)).read(2) == b"ok"
        with pytest.raises(BadGatewayError):
            await (await transport.send(post(upstream), PATIENT)).read(1)


# --- ends on our side


async def test_an_aborted_exchange_closes_its_connection_and_raises(transport: HttpTransport) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(CHUNKED_HEAD, chunked(b"one"))

    async with Upstream(script) as upstream:
        incoming = await transport.send(post(upstream), PATIENT)
        assert await incoming.chunk() == b"one"
        waiting = asyncio.ensure_future(incoming.chunk())
        await asyncio.sleep(0)
        incoming.abort()
        with pytest.raises(APIConnectionError) as caught:
            await waiting
        assert caught.value.code == "aborted"
        with pytest.raises(APIConnectionError):
            await incoming.chunk()
        await until(lambda: upstream.open == 0)


async def test_abort_after_the_end_does_nothing(transport: HttpTransport) -> None:
    async with Upstream(always_ok) as upstream:
        incoming = await transport.send(post(upstream), PATIENT)
        incoming.abort()
        assert await incoming.read(10) == b"ok"
        await transport.send(post(upstream), PATIENT)
        assert len(upstream.peers) == 1


@pytest.mark.parametrize("phase", ["head", "chunk", "read"])
async def test_r22_cancelling_closes_the_connection_at_once(transport: HttpTransport, phase: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        if phase != "head":
            peer.send(CHUNKED_HEAD)

    async def client() -> None:
        incoming = await transport.send(post(upstream), PATIENT)
        await (incoming.chunk() if phase == "chunk" else incoming.read(100))

    async with Upstream(script) as upstream:
        task = asyncio.ensure_future(client())
        await until(lambda: len(upstream.requests) == 1)
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: upstream.open == 0)
        assert transport.open_connections() == 0


async def test_closing_the_transport_ends_what_is_under_way(transport: HttpTransport) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(CHUNKED_HEAD, chunked(b"one"))

    async with Upstream(script) as upstream:
        incoming = await transport.send(post(upstream), PATIENT)
        assert await incoming.chunk() == b"one"
        await transport.close()
        with pytest.raises(APIConnectionError) as caught:
            await incoming.chunk()
        assert caught.value.code == "transport_closed"
        with pytest.raises(APIConnectionError) as caught:
            await transport.send(post(upstream), PATIENT)
        assert caught.value.code == "transport_closed"
        await until(lambda: upstream.open == 0)
