"""The second transport, through a scripted proxy, and the choice between the two."""

from __future__ import annotations

import asyncio
import base64
import gzip
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.transport.certificates import Authority
from tests.transport.upstream import CHUNKED_HEAD, OK, PATIENT, Peer, Upstream, always_ok, answer, chunked, post, until
from tollbridge.errors import APIConnectionError, APIError, BadGatewayError, Truncated
from tollbridge.transport.aiohttp_transport import AiohttpTransport
from tollbridge.transport.base import Origin, Timeouts, Transport
from tollbridge.transport.http1 import HttpTransport
from tollbridge.transport.pool import Limits
from tollbridge.transport.select import Selecting, transport_for
from tollbridge.transport.tls import TlsSettings

FAR = Origin("http", "far.example", 8000)  # a name that only the proxy could resolve


@asynccontextmanager
async def through(proxy: Upstream, userinfo: str = "", ca_file: str = "") -> AsyncIterator[AiohttpTransport]:
    url = f"http://{userinfo}127.0.0.1:{proxy.port}"
    transport = AiohttpTransport(url, tls=TlsSettings(ca_file=ca_file), limits=Limits())
    yield transport
    await transport.close()


async def test_a_request_goes_through_the_proxy_as_it_is() -> None:
    async with Upstream(always_ok) as proxy, through(proxy, "user:p%40ss@") as transport:
        for _ in range(3):
            incoming = await transport.send(post(FAR, b'{"a": 1}', ("x-a", "1"), target="/v1/a%2Fb?k=%20"), PATIENT)
            assert incoming.status == 200
            assert incoming.header(b"content-length") == b"2"
            assert await incoming.read(10) == b"ok"
        assert len(proxy.peers) == 1
        head, _, body = proxy.requests[0].partition(b"\r\n\r\n")
        line, *headers = head.split(b"\r\n")
        assert line == b"POST http://far.example:8000/v1/a%2Fb?k=%20 HTTP/1.1"
        assert body == b'{"a": 1}'
        names = {header.partition(b":")[0].lower() for header in headers}
        assert names == {b"host", b"x-a", b"accept-encoding", b"content-length", b"proxy-authorization"}
        assert base64.b64encode(b"user:p@ss") in head


async def test_https_goes_through_a_tunnel_with_the_servers_own_certificate(tmp_path) -> None:  # type: ignore[no-untyped-def]
    authority = Authority(tmp_path)

    async def tunnels(peer: Peer) -> None:
        assert (await peer.request() or b"").startswith(b"CONNECT far.example:8000 HTTP/1.1\r\n")
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")

        async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            try:
                while data := await source.read(65536):
                    sink.write(data)
            finally:
                sink.close()

        await asyncio.gather(copy(peer.reader, writer), copy(reader, peer.writer), return_exceptions=True)

    origin = Origin("https", "far.example", 8000)
    for host, code in (("far.example", None), ("other.example", "tls_failure")):
        async with Upstream(always_ok, tls=authority.server(host)) as server, Upstream(tunnels) as proxy:
            async with through(proxy, ca_file=str(authority.file)) as transport:
                if code is None:
                    assert await (await transport.send(post(origin), PATIENT)).read(10) == b"ok"
                else:
                    with pytest.raises(APIConnectionError) as caught:
                        await transport.send(post(origin), PATIENT)
                    assert caught.value.code == code
                    assert server.requests == []


async def test_chunks_come_as_they_are_sent_and_a_compressed_body_is_decoded() -> None:
    go = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(CHUNKED_HEAD, chunked(b"one"))
        await go.wait()
        peer.send(chunked(b"two"), b"0\r\n\r\n")
        await peer.request()
        peer.send(answer(gzip.compress(b"packed" * 100, mtime=0), "content-encoding: gzip"))

    async with Upstream(script) as proxy, through(proxy) as transport:
        incoming = await transport.send(post(FAR), PATIENT)
        assert await incoming.chunk() == b"one"
        go.set()
        assert await incoming.chunk() == b"two"
        assert [await incoming.chunk() for _ in range(2)] == [b"", b""]
        incoming = await transport.send(post(FAR), PATIENT)
        assert incoming.header(b"content-encoding") is None
        assert await incoming.read(1000) == b"packed" * 100


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "connection_reset"),
        (b"nonsense\r\n\r\n", "upstream_invalid_http"),
        (b"HTTP/1.1 302 Found\r\nlocation: /secret\r\ncontent-length: 0\r\n\r\n", "upstream_redirect"),
        (CHUNKED_HEAD + chunked(b"one"), "upstream_truncated"),
        (answer(b"0123456789")[:-3], "upstream_truncated"),
        (answer(b"x" * 5000), "upstream_too_large"),
        (answer(gzip.compress(bytes(100_000)), "content-encoding: gzip"), "upstream_too_large"),
        (answer(gzip.compress(b"a" * 500, mtime=0)[:-4], "content-encoding: gzip"), "upstream_truncated"),
        (answer(b"x", "content-encoding: lzma"), "upstream_bad_encoding"),
    ],
)
async def test_failures_are_the_same_as_without_a_proxy(data: bytes, code: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(data)
        await peer.sent()
        peer.close()

    async with Upstream(script) as proxy, through(proxy) as transport:
        with pytest.raises(APIError) as caught:
            await (await transport.send(post(FAR, target="/?key=secret"), PATIENT)).read(1000)
        assert caught.value.code == code
        assert "far.example:8000" in str(caught.value)
        assert "secret" not in str(caught.value)
        await until(lambda: proxy.open == 0)


@pytest.mark.parametrize(
    ("timeouts", "answers", "code"),
    [
        (Timeouts(connect_s=0, first_byte_s=0.1), b"", "first_byte_timeout"),
        (Timeouts(first_byte_s=20, total_s=0.1), b"", "total_timeout"),
        (Timeouts(first_byte_s=20, gap_s=0.1), CHUNKED_HEAD, "gap_timeout"),
        (Timeouts(first_byte_s=20, gap_s=20, total_s=0.2), CHUNKED_HEAD, "total_timeout"),
    ],
)
async def test_time_runs_out_by_phase(timeouts: Timeouts, answers: bytes, code: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(answers)

    async with Upstream(script) as proxy, through(proxy) as transport:
        with pytest.raises(APIConnectionError) as caught:
            await (await transport.send(post(FAR), timeouts)).read(100)
        assert caught.value.code == code
        await until(lambda: proxy.open == 0)


async def test_an_absent_or_refusing_proxy_is_told_apart() -> None:
    async def refuses(peer: Peer) -> None:
        await peer.request()
        peer.send(answer(b"", status="407 Proxy Authentication Required"))

    async with Upstream(refuses) as proxy, through(proxy) as transport:
        with pytest.raises(APIConnectionError) as caught:
            await transport.send(post(Origin("https", "far.example", 443)), PATIENT)
        assert caught.value.code == "proxy_failure"
        assert "407" in str(caught.value)
    async with through(proxy) as transport:  # it is gone now
        with pytest.raises(APIConnectionError) as caught:
            await transport.send(post(FAR), PATIENT)
        assert caught.value.code == "proxy_failure"


async def test_a_stale_connection_to_the_proxy_is_retried_unseen() -> None:
    async def forgets(peer: Peer) -> None:
        await peer.request()
        peer.send(OK)
        await peer.request()
        peer.reset()

    async with Upstream(forgets) as proxy, through(proxy) as transport:
        for _ in range(4):
            assert await (await transport.send(post(FAR), PATIENT)).read(10) == b"ok"


async def test_aborting_and_cancelling_close_the_connection() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(CHUNKED_HEAD, chunked(b"one"))

    async with Upstream(script) as proxy, through(proxy) as transport:
        incoming = await transport.send(post(FAR), PATIENT)
        assert await incoming.chunk() == b"one"
        waiting = asyncio.ensure_future(incoming.chunk())
        await asyncio.sleep(0)
        incoming.abort()
        with pytest.raises(APIConnectionError) as caught:
            await waiting
        assert caught.value.code == "aborted"
        incoming = await transport.send(post(FAR), PATIENT)
        reading = asyncio.ensure_future(incoming.read(100))
        await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await until(lambda: proxy.open == 0)


async def test_a_smuggled_header_and_a_metadata_address_go_no_further() -> None:
    async with Upstream(always_ok) as proxy, through(proxy) as transport:
        with pytest.raises(ValueError):
            await transport.send(post(FAR, b"", ("x-a", "1\r\nx-b: 2")), PATIENT)
        with pytest.raises(APIConnectionError) as caught:
            await transport.send(post(Origin("http", "169.254.169.254", 80)), PATIENT)
        assert caught.value.code == "egress_refused"
        assert proxy.peers == []


async def test_each_origin_goes_the_way_that_the_environment_names() -> None:
    async with Upstream(always_ok) as proxy, Upstream(always_ok) as near:
        transport: Transport = transport_for({"HTTP_PROXY": f"127.0.0.1:{proxy.port}", "NO_PROXY": "near.example"})
        assert isinstance(transport, Selecting)
        for _ in range(2):
            await (await transport.send(post(near), PATIENT)).read(10)
            await (await transport.send(post(FAR), PATIENT)).read(10)
        assert (len(proxy.requests), len(near.requests)) == (2, 2)
        await transport.close()
        with pytest.raises(APIConnectionError):
            await transport.send(post(FAR), PATIENT)


async def test_without_a_proxy_there_is_nothing_to_choose() -> None:
    assert isinstance(transport_for({"NO_PROXY": "*"}), HttpTransport)


def test_aiohttp_is_imported_only_where_it_is_needed() -> None:
    program = "import sys, tollbridge.transport.select; sys.exit('aiohttp' in sys.modules or 'brotli' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_both_transports_fit_the_seam() -> None:
    first: type[Transport] = HttpTransport
    second: type[Transport] = AiohttpTransport
    third: type[Transport] = Selecting
    assert {first, second, third} == {HttpTransport, AiohttpTransport, Selecting}
    assert issubclass(Truncated, BadGatewayError)
