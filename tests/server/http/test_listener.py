"""Bind, TLS, and a shutdown in order (R28)."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import pytest
import trustme

from tests.server.http.raw import PATIENCE_S, Stage, connected, get, post, serving
from tollbridge.errors import ConfigError
from tollbridge.server.http.limits import Limits
from tollbridge.server.http.listener import Listener, Tls


async def test_the_address_is_known() -> None:
    async with serving(Stage()) as listener:
        assert listener.url == f"http://127.0.0.1:{listener.port}"
        assert (listener.connections, listener.in_flight) == (0, 0)


async def test_a_taken_port_is_an_error() -> None:
    async with serving(Stage()) as listener:
        with pytest.raises(OSError, match="in use"):
            await Listener.open(Stage(), port=listener.port)


async def test_two_listeners_may_share_a_port() -> None:
    async with serving(Stage(), reuse_port=True) as first:
        second = await Listener.open(Stage(), port=first.port, reuse_port=True)
        assert second.port == first.port
        await second.close()


async def test_a_bound_socket_is_taken_over() -> None:
    bound = socket.create_server(("127.0.0.1", 0))
    port = bound.getsockname()[1]
    listener = await Listener.open(Stage(), sock=bound, limits=Limits(tick_s=0.02))
    async with connected(listener) as wire:
        assert listener.port == port
        await wire.send(get("/echo"))
        assert (await wire.answer()).status == 200
    await listener.close()


async def test_a_root_path_is_stripped_where_it_is_present() -> None:
    stage = Stage()
    async with serving(stage, root_path="/gateway/") as listener, connected(listener) as wire:
        await wire.send(get("/gateway/echo") + get("/echo") + get("/gateway") + get("/gatewayx"))
        for _ in range(4):
            await wire.answer()
    assert [inbound.path for inbound in stage.seen] == ["/echo", "/echo", "/", "/gatewayx"]


async def test_peers_that_vanish_are_noticed_by_the_kernel() -> None:
    async with serving(Stage()) as listener, connected(listener) as wire:
        await wire.send(get("/echo"))
        await wire.answer()
        (connection,) = listener._service.connections
        raw = connection.transport.get_extra_info("socket")
        assert raw.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60


# Draining.


async def test_streams_in_flight_finish_and_idle_connections_close() -> None:
    stage = Stage()
    async with serving(stage) as listener, connected(listener) as busy, connected(listener) as idle:
        await idle.send(post("/echo", b"idle"))
        await idle.answer()
        await busy.send(get("/stream"))
        await busy.until(b"one\r\n")
        draining = asyncio.create_task(listener.drain(grace_s=PATIENCE_S))
        assert await idle.rest() == b""
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", listener.port)
        stage.go.set()
        assert await busy.rest() == b"3\r\ntwo\r\n0\r\n\r\n"
        drained = await draining
        assert (drained.finished, drained.aborted, drained.closed) == (1, 0, 1)


async def test_while_the_balancer_learns_requests_are_still_taken() -> None:
    async with serving(Stage()) as listener, connected(listener) as old:
        await old.send(get("/echo"))
        assert not (await old.answer()).closes
        draining = asyncio.create_task(listener.drain(grace_s=PATIENCE_S, settle_s=0.3))
        await asyncio.sleep(0)
        async with connected(listener) as new:
            await new.send(post("/echo", b"still"))
            answered = await new.answer()
            assert (answered.body, answered.closes) == (b"still", True)
        await old.send(get("/echo"))
        assert (await old.answer()).closes
        drained = await draining
        assert (drained.finished, drained.aborted, drained.closed) == (2, 0, 0)


async def test_what_outlives_the_grace_is_cancelled() -> None:
    stage = Stage()
    async with serving(stage) as listener, connected(listener) as wire:
        await wire.send(get("/stream"))
        await wire.until(b"one\r\n")
        drained = await listener.drain(grace_s=0.1)
        assert (drained.finished, drained.aborted) == (0, 1)
        assert stage.cancelled.is_set()
        assert await wire.rest() == b"", "no last chunk"
        assert listener.connections == 0


async def test_a_request_that_is_arriving_may_finish() -> None:
    async with serving(Stage()) as listener, connected(listener) as wire:
        request = post("/echo", b"body")
        await wire.send(request[:-2])
        while not listener.connections:
            await asyncio.sleep(0.01)
        draining = asyncio.create_task(listener.drain(grace_s=PATIENCE_S))
        await asyncio.sleep(0.05)
        await wire.send(request[-2:])
        answered = await wire.answer()
        assert (answered.body, answered.closes) == (b"body", True)
        assert (await draining).finished == 1


async def test_clients_under_load_see_no_error_when_the_server_drains() -> None:
    """Eight clients that reconnect when told to; the balancer stops sending when readiness is false."""
    ready = True
    served = 0

    async def client(listener: Listener) -> None:
        nonlocal served
        while ready:
            async with connected(listener) as wire:
                closes = False
                while not closes and ready:
                    await wire.send(post("/echo", b"x"))
                    answered = await wire.answer()
                    assert answered.status == 200
                    closes = answered.closes
                    served += 1

    async with serving(Stage()) as listener:
        clients = [asyncio.create_task(client(listener)) for _ in range(8)]
        while served < 200:
            await asyncio.sleep(0.01)
        draining = asyncio.create_task(listener.drain(grace_s=PATIENCE_S, settle_s=0.2))
        await asyncio.sleep(0.05)
        ready = False
        await asyncio.gather(*clients)
        assert (await draining).aborted == 0


# TLS.


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def certificate(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, str]:
    """Certificate, key and the authority's own certificate."""
    folder = tmp_path_factory.mktemp("tls")
    issued = authority.issue_cert("127.0.0.1", "localhost")
    for index, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(folder / "certificate.pem", append=index > 0)
    issued.private_key_pem.write_to_path(folder / "key.pem")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    return str(folder / "certificate.pem"), str(folder / "key.pem"), str(folder / "ca.pem")


def _trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


async def test_requests_over_tls(authority: trustme.CA, certificate: tuple[str, str, str]) -> None:
    stage = Stage()
    tls = Tls(certificate=certificate[0], key=certificate[1])
    async with serving(stage, tls=tls) as listener, connected(listener, ssl=_trusting(authority)) as wire:
        assert listener.url.startswith("https://")
        await wire.send(post("/echo", b"x" * 100_000) + get("/wait"))
        assert len((await wire.answer()).body) == 100_000
        await asyncio.wait_for(stage.entered.wait(), PATIENCE_S)
        assert stage.seen[0].scheme == "https"
        wire.writer.close()
        await asyncio.wait_for(stage.left.wait(), PATIENCE_S)


async def test_a_refusal_over_tls_can_be_read(authority: trustme.CA, certificate: tuple[str, str, str]) -> None:
    tls = Tls(certificate=certificate[0], key=certificate[1])
    limits = Limits(body_bytes=10, tick_s=0.02, linger_s=0.2)
    async with serving(Stage(), limits, tls=tls) as listener, connected(listener, ssl=_trusting(authority)) as wire:
        await wire.send(post("/echo", b"x" * 1000))
        assert (await wire.answer()).status == 413
        await wire.rest()


async def test_a_client_without_certificate_is_turned_away(
    authority: trustme.CA, certificate: tuple[str, str, str]
) -> None:
    tls = Tls(certificate=certificate[0], key=certificate[1], client_ca=certificate[2])
    known = _trusting(authority)
    authority.issue_cert("client@example.com").configure_cert(known)
    async with serving(Stage(), tls=tls) as listener:
        async with connected(listener, ssl=known) as wire:
            await wire.send(get("/echo"))
            assert (await wire.answer()).status == 200
        with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
            async with connected(listener, ssl=_trusting(authority)) as wire:
                await wire.send(get("/echo"))
                await wire.answer()


def test_tls_1_1_is_not_spoken(certificate: tuple[str, str, str]) -> None:
    assert Tls(certificate=certificate[0], key=certificate[1]).context().minimum_version == ssl.TLSVersion.TLSv1_2


def test_the_key_of_another_certificate_is_told_as_that(
    authority: trustme.CA, certificate: tuple[str, str, str], tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    authority.issue_cert("127.0.0.1").private_key_pem.write_to_path(other)
    with pytest.raises(ConfigError, match=r"the key in .*other\.pem is not that of .*certificate\.pem"):
        Tls(certificate=certificate[0], key=str(other)).context()


async def test_a_missing_certificate_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.pem"):
        await Listener.open(Stage(), port=0, tls=Tls(certificate=str(tmp_path / "nothing.pem"), key="key.pem"))
