"""R05 and S75: what TLS must refuse, and what an operator can allow."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.transport.certificates import Authority
from tests.transport.upstream import CHUNKED_HEAD, PATIENT, Peer, Upstream, always_ok, answer, chunked, post, until
from tollbridge.errors import APIConnectionError, ConfigError, Truncated
from tollbridge.transport.base import Origin
from tollbridge.transport.http1 import HttpTransport
from tollbridge.transport.tls import TlsSettings, tls_context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@asynccontextmanager
async def trusting(authority: Authority | None, **settings: object) -> AsyncIterator[HttpTransport]:
    if authority is not None:
        settings["ca_file"] = str(authority.file)
    transport = HttpTransport(tls=TlsSettings(**settings))  # type: ignore[arg-type]
    yield transport
    await transport.close()
    await until(lambda: transport.open_connections() == 0)


async def refusal(transport: HttpTransport, upstream: Upstream, host: str = "127.0.0.1") -> str:
    with pytest.raises(APIConnectionError) as caught:
        await transport.send(post(upstream.origin(host)), PATIENT)
    assert caught.value.code == "tls_failure"
    assert upstream.requests == []
    return str(caught.value)


async def test_a_certificate_of_a_trusted_ca_for_this_host_is_accepted_and_kept(authority: Authority) -> None:
    tls = authority.server("localhost", "127.0.0.1")
    async with Upstream(always_ok, tls=tls) as upstream, trusting(authority) as transport:
        for host in ("localhost", "127.0.0.1"):
            for _ in range(3):
                incoming = await transport.send(post(upstream.origin(host)), PATIENT)
                assert await incoming.read(10) == b"ok"
        assert len(upstream.peers) == 2


async def test_s75_an_unknown_ca_is_refused(authority: Authority) -> None:
    async with Upstream(always_ok, tls=authority.server("localhost")) as upstream, trusting(None) as transport:
        says = await refusal(transport, upstream, "localhost")
    assert "ca_file" in says
    assert "issuer" in says


async def test_s75_a_certificate_for_another_host_is_refused(authority: Authority) -> None:
    async with Upstream(always_ok, tls=authority.server("other.example")) as upstream, trusting(authority) as transport:
        assert "localhost" in await refusal(transport, upstream, "localhost")
        assert "127.0.0.1" in await refusal(transport, upstream)


async def test_s75_an_expired_certificate_is_refused(authority: Authority) -> None:
    tls = authority.server("localhost", expired=True)
    async with Upstream(always_ok, tls=tls) as upstream, trusting(authority) as transport:
        assert "expired" in await refusal(transport, upstream, "localhost")


async def test_s75_a_self_signed_certificate_is_refused(authority: Authority, tmp_path: Path) -> None:
    stranger = Authority(tmp_path, "stranger")
    async with Upstream(always_ok, tls=stranger.server("localhost")) as upstream, trusting(authority) as transport:
        await refusal(transport, upstream, "localhost")


async def test_s75_old_versions_of_tls_are_refused(authority: Authority) -> None:
    tls = authority.server("localhost")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        tls.maximum_version = ssl.TLSVersion.TLSv1_1
    async with Upstream(always_ok, tls=tls) as upstream, trusting(authority) as transport:
        with pytest.raises(APIConnectionError) as caught:
            await transport.send(post(upstream.origin("localhost")), PATIENT)
        assert caught.value.code in ("tls_failure", "connection_reset")  # not every server says goodbye
        assert upstream.requests == []


async def test_plain_http_behind_an_https_url_is_a_tls_failure(authority: Authority) -> None:
    async def greets(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")

    async with Upstream(greets) as upstream, trusting(authority) as transport:
        with pytest.raises(APIConnectionError) as caught:
            await transport.send(post(Origin("https", "localhost", upstream.port)), PATIENT)
        assert caught.value.code == "tls_failure"


async def test_verification_goes_only_by_the_operators_word(authority: Authority) -> None:
    tls = authority.server("other.example", expired=True)
    async with Upstream(always_ok, tls=tls) as upstream, trusting(None, verify=False) as transport:
        assert (await transport.send(post(upstream.origin("localhost")), PATIENT)).status == 200


@pytest.mark.parametrize("password", ["", "open sesame"])
async def test_a_client_certificate_is_shown(authority: Authority, password: str) -> None:
    tls = authority.server("localhost")
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(authority.file)
    certificate, key = authority.issue("client.example", password=password)
    shown = {"client_cert": str(certificate), "client_key": str(key), "client_key_password": password}
    async with Upstream(always_ok, tls=tls) as upstream, trusting(authority, **shown) as transport:
        assert (await transport.send(post(upstream.origin("localhost")), PATIENT)).status == 200
        subject = upstream.peers[0].writer.get_extra_info("peercert")["subject"]
        assert subject == ((("commonName", "client.example"),),)
    async with Upstream(always_ok, tls=tls) as upstream, trusting(authority) as transport:
        with pytest.raises(APIConnectionError):
            await transport.send(post(upstream.origin("localhost")), PATIENT)


async def test_large_answers_and_streams_pass_through_tls(authority: Authority) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        peer.send(answer(b"x" * 3_000_000))
        await peer.request()
        peer.send(CHUNKED_HEAD)
        for _ in range(100):
            peer.send(chunked(b"data: x\n\n"))
            await peer.sent()
        peer.send(b"0\r\n\r\n")
        await peer.request()
        peer.send(CHUNKED_HEAD, chunked(b"cut"))
        await peer.sent()
        peer.reset()

    async with Upstream(script, tls=authority.server("localhost")) as upstream, trusting(authority) as transport:
        request = post(upstream.origin("localhost"), bytes(1_000_000))
        assert len(await (await transport.send(request, PATIENT)).read(1 << 22)) == 3_000_000
        incoming = await transport.send(request, PATIENT)
        assert await incoming.read(10_000) == b"data: x\n\n" * 100
        assert len(upstream.peers) == 1
        incoming = await transport.send(request, PATIENT)
        with pytest.raises(Truncated):
            await incoming.read(10_000)


async def test_a_handshake_that_hangs_ends_at_the_connect_timeout(authority: Authority) -> None:
    forever = asyncio.Event()

    async def silent(peer: Peer) -> None:
        await forever.wait()

    async with Upstream(silent) as upstream, trusting(authority) as transport:
        with pytest.raises(APIConnectionError) as caught:
            timeouts = type(PATIENT)(connect_s=0.1)
            await transport.send(post(Origin("https", "localhost", upstream.port)), timeouts)
        assert caught.value.code == "connect_timeout"
        forever.set()
        await until(lambda: upstream.open == 0)


def test_the_context_checks_names_and_speaks_tls_1_2_at_least() -> None:
    context = tls_context(TlsSettings())
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("setting", ["ca_file", "client_cert"])
@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_a_file_that_cannot_be_used_is_a_config_error(tmp_path: Path, setting: str, content: str | None) -> None:
    path = tmp_path / "file.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError) as caught:
        tls_context(TlsSettings(**{setting: str(path)}))
    assert "file.pem" in str(caught.value)


def test_an_encrypted_key_without_its_password_is_an_error_and_no_prompt(authority: Authority) -> None:
    certificate, key = authority.issue("client.example", password="secret")
    with pytest.raises(ConfigError):
        tls_context(TlsSettings(client_cert=str(certificate), client_key=str(key)))
