"""Rows R22 to R24 of the fault matrix, load shedding and rest, through a whole gateway: clients that leave at each
moment, that read slowly, that come too many at once.

Below the application the same rows are tested by
  R22   tests/server/http/test_leaving.py (how leaving is noticed), tests/transport/test_http1.py (cancelling upstream)
  R23   tests/server/http/test_slow_clients.py, tests/transport/test_flow.py (bounds on either side alone)
  R24   tests/server/http/test_connection.py, tests/transport/test_flow.py (pipelining, half-close, no mix-up)
"""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from bench.mock_upstream import serving
from tests.server.faults import (
    CHAT,
    DONE,
    EVENTS_HEAD,
    LAST,
    MESSAGES,
    PAIR_IDS,
    PAIRS,
    STOP,
    USAGE,
    WHOLE,
    answers_so_far,
    ask,
    chunk,
    configuration,
    entry,
    error_of,
    hasten,
    recorded,
    streaming,
    text_of,
    word,
)
from tests.server.http.raw import Wire
from tests.server.served import KEY, Served, served
from tests.transport.upstream import Peer, Upstream, answer, chunked, until

DRAINED = {"cancel_on_disconnect": False}


class Stage:
    """An upstream that halts where a test wants it, and tells when its client has gone."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = parts
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()
        self.left = asyncio.Event()
        self.finished = asyncio.Event()

    async def __call__(self, peer: Peer) -> None:
        await peer.request()
        self.asked.set()
        peer.send(self.parts[0])
        leaving = asyncio.ensure_future(peer.gone())
        going = asyncio.ensure_future(self.go_on.wait())
        await asyncio.wait({leaving, going}, return_when=asyncio.FIRST_COMPLETED)
        going.cancel()
        if not leaving.done():
            peer.send(*self.parts[1:])
            await peer.sent()
            self.finished.set()
            await leaving
        self.left.set()


def raw_request(path: str, body: Any) -> bytes:
    data = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {KEY}\r\ncontent-length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


async def dial(gateway: Served, receive_buffer: int = 0) -> Wire:
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", gateway.port))
    return Wire(*await asyncio.open_connection(sock=sock, limit=receive_buffer or 65536))


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "closed"])
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_r22_a_client_that_leaves_at_once_costs_nothing_that_lasts(
    tmp_path: Path, path: str, reset: bool
) -> None:
    stage = Stage(b"")
    async with Upstream(stage) as upstream, served(configuration(entry("m", upstream.port)), tmp_path) as gateway:
        wire = await dial(gateway)
        await wire.send(raw_request(path, ask(stream=True)))
        if reset:
            wire.reset()
        else:
            wire.writer.close()
        record = await recorded(gateway)
        await until(lambda: upstream.open == 0)
        assert gateway.gateway.load.requests == 0
    assert (record.status, record.outcome) == (499, "cancelled")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_r22_a_client_that_leaves_while_it_waits_takes_the_providers_work_with_it(
    tmp_path: Path, path: str, stream: bool
) -> None:
    stage = Stage(b"")
    async with Upstream(stage) as upstream, served(configuration(entry("m", upstream.port)), tmp_path) as gateway:
        wire = await dial(gateway)
        await wire.send(raw_request(path, ask(stream=stream)))
        await stage.asked.wait()
        wire.writer.close()
        await stage.left.wait()
        record = await recorded(gateway)
    assert (record.status, record.outcome) == (499, "cancelled")
    assert len(upstream.requests) == 1, "nobody is there to try again for"


PARTS = (
    EVENTS_HEAD + chunked(word("Hello")),
    chunked(word(" world"), STOP, chunk(choices=[], usage=USAGE), DONE) + LAST,
)


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_r22_a_client_that_leaves_in_mid_stream_cancels_it(tmp_path: Path, path: str) -> None:
    stage = Stage(*PARTS)
    async with Upstream(stage) as upstream, served(configuration(entry("m", upstream.port)), tmp_path) as gateway:
        async with streaming(gateway, path, ask(stream=True)) as told:
            await answers_so_far(told, b"Hello")
            told.close()
            await stage.left.wait()
        record = await recorded(gateway)
        assert (gateway.gateway.load.requests, gateway.gateway.load.streams) == (0, 0)
    assert (record.status, record.outcome, record.estimated) == (499, "cancelled", True)
    assert record.tokens is not None, "what it had said until then is counted"
    assert record.tokens["output"] >= 1
    assert not stage.finished.is_set()


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_r22_by_policy_the_stream_is_read_to_its_end_for_the_usage(tmp_path: Path, path: str) -> None:
    stage = Stage(*PARTS)
    text = configuration(entry("m", 4321), general=DRAINED)
    async with Upstream(stage) as upstream, served(text.replace("4321", str(upstream.port)), tmp_path) as gateway:
        async with streaming(gateway, path, ask(stream=True)) as told:
            await answers_so_far(told, b"Hello")
            told.close()
            await until(lambda: gateway.gateway.load.drains == 1)
            stage.go_on.set()
            record = await recorded(gateway)
        assert gateway.gateway.load.drains == 0
    assert stage.finished.is_set()
    assert (record.status, record.outcome) == (499, "cancelled")
    assert record.tokens == {"input": 3, "output": 2}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_r22_by_policy_an_answer_that_is_waited_for_is_read_too(tmp_path: Path, stream: bool) -> None:
    stage = Stage(b"", b"".join(PARTS) if stream else answer(json.dumps(WHOLE).encode()))
    async with Upstream(stage) as upstream:
        async with served(configuration(entry("m", upstream.port), general=DRAINED), tmp_path) as gateway:
            wire = await dial(gateway)
            await wire.send(raw_request(CHAT, ask(stream=stream)))
            await stage.asked.wait()
            wire.reset()
            await until(lambda: gateway.gateway.load.drains == 1)
            stage.go_on.set()
            record = await recorded(gateway)
    assert (record.status, record.outcome) == (499, "cancelled")
    assert record.tokens == {"input": 3, "output": 2}


@pytest.mark.parametrize("rules", [{"drains_max": 0}, {"drain_s": 0.05}], ids=["number", "time"])
async def test_r22_reading_on_alone_is_bounded_in_number_and_time(tmp_path: Path, rules: dict[str, Any]) -> None:
    stage = Stage(*PARTS)
    async with Upstream(stage) as upstream:
        text = configuration(entry("m", upstream.port), general=DRAINED)
        async with served(text, tmp_path, rules=rules) as gateway:
            async with streaming(gateway, CHAT, ask(stream=True)) as told:
                await answers_so_far(told, b"Hello")
                told.close()
                await stage.left.wait()
            record = await recorded(gateway)
            assert gateway.gateway.load.drains == 0
    assert record.outcome == "cancelled"


@pytest.mark.parametrize("policy", [{}, DRAINED], ids=["cancel", "drain"])
async def test_r22_to_leave_after_the_end_marker_is_success(tmp_path: Path, policy: dict[str, Any]) -> None:
    """Clients close when they have read `[DONE]`, though the provider has not closed its side."""
    whole = chunked(word("Hello"), STOP, chunk(choices=[], usage=USAGE), DONE)
    stage = Stage(EVENTS_HEAD + whole, LAST)
    async with Upstream(stage) as upstream:
        text = configuration(entry("m", upstream.port), general=policy)
        async with served(text, tmp_path, rules={"drain_s": 0.05}) as gateway:
            async with streaming(gateway, CHAT, ask(stream=True)) as told:
                await answers_so_far(told, DONE)
                told.close()
                await stage.left.wait()
            record = await recorded(gateway)
    assert (record.status, record.outcome) == (200, "ok")
    assert record.tokens == {"input": 3, "output": 2}


@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_r23_a_client_that_does_not_read_stops_the_provider_and_nobody_else(
    tmp_path: Path, path: str, wire: str
) -> None:
    written = 0
    stalled = asyncio.Event()
    piece = EVENT[wire]("x" * 65536)

    async def flood(peer: Peer) -> None:
        nonlocal written
        await peer.request()
        peer.send(EVENTS_HEAD, chunked(BEGIN[wire]))
        while peer.alive and written < 512 << 20:
            peer.send(chunked(piece))
            written += len(piece)
            try:
                await asyncio.wait_for(peer.sent(), 0.3)
            except TimeoutError:
                stalled.set()
                return

    async with Upstream(flood) as upstream, serving() as mock:
        text = configuration(entry("m", upstream.port, wire), entry("other", mock.port))
        async with served(text, tmp_path) as gateway:
            slow = await dial(gateway, receive_buffer=4096)
            await slow.send(raw_request(path, ask(stream=True)))
            await stalled.wait()
            answered = await gateway.post(CHAT, ask("other", stream=True))
            slow.reset()
            await recorded(gateway, 2)
    assert text_of(CHAT, answered.body).startswith("the quick")
    assert written < 24 << 20, "what two kernels and our bounded buffers hold"


def _delta(text: str) -> bytes:
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    return b"event: content_block_delta\ndata: %b\n\n" % json.dumps(delta).encode()


_MESSAGE = {
    "id": "x",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [],
    "usage": {"input_tokens": 1},
}
_START = b"event: message_start\ndata: %b\n\n" % json.dumps({"type": "message_start", "message": _MESSAGE}).encode()
_BLOCK = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
EVENT = {"openai": word, "anthropic": _delta}
BEGIN = {
    "openai": word("a"),
    "anthropic": _START + b"event: content_block_start\ndata: %b\n\n" % json.dumps(_BLOCK).encode(),
}


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize("rule", ["requests_max", "streams_max"])
async def test_over_the_limit_requests_are_shed_in_the_dialect_with_a_time_to_wait(
    tmp_path: Path, path: str, rule: str
) -> None:
    """A stream counts from the moment it is asked for, not from its first word."""
    stage = Stage(b"", b"".join(PARTS))
    async with Upstream(stage) as upstream:
        async with served(configuration(entry("m", upstream.port)), tmp_path, rules={rule: 1}) as gateway:
            first = asyncio.ensure_future(gateway.post(path, ask(stream=True)))
            await stage.asked.wait()
            shed = await gateway.post(path, ask(stream=True))
            metrics = (await gateway.send("GET", "/metrics", key=None)).body
            stage.go_on.set()
            assert (await first).status == 200
            load = gateway.gateway.load
            assert (load.requests, load.streams) == (0, 0)
    assert len(upstream.requests) == 1
    assert shed.status == 503
    assert error_of(path, shed.json())
    assert int(shed.headers["retry-after"]) >= 1
    assert b"tollbridge_shed_total 1.0" in metrics
    assert b"tollbridge_streams 1.0" in metrics


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_a_single_deployment_that_said_when_to_ask_again_rests_and_comes_back(tmp_path: Path, path: str) -> None:
    async with serving() as mock:
        mock.provider.order("m", "status=500,retry_after=2", always="")
        router = {"num_retries": 0, "allowed_fails": 0, "cooldown_time": 30}
        async with served(configuration(entry("m", mock.port), router=router), tmp_path) as gateway:
            routes = gateway.gateway.engine.routes
            first = await gateway.post(path, ask())
            resting = await gateway.post(path, ask())
            asked = mock.provider.books.requests
            now = routes.now
            routes.now = lambda: now() + 31  # the rest is over
            back = await gateway.post(path, ask())
            routes.now = now
            well = await gateway.post(path, ask())
    assert (first.status, resting.status, back.status, well.status) == (500, 503, 200, 200)
    assert asked == 1
    assert 29 <= int(resting.headers["retry-after"]) <= 30
    assert "rests after failures" in error_of(path, resting.json())["message"]


@pytest.mark.parametrize("status", [429, 500, 503, 529])
async def test_a_single_deployment_is_asked_again_after_errors_that_say_not_when(tmp_path: Path, status: int) -> None:
    async with serving() as mock:
        mock.provider.order("m", always=f"status={status}")
        router = {"num_retries": 0, "fallbacks": [{"m": ["spare"]}]}
        alone, spared = entry("m", mock.port), entry("spare", mock.port)
        async with served(configuration(alone, router={"num_retries": 0}), tmp_path) as gateway:
            by_name = [(await gateway.post(CHAT, ask())).status for _ in range(6)]
        asked = mock.provider.books.requests
        async with served(configuration(alone, alone, router={"num_retries": 1}), tmp_path) as gateway:
            hasten(gateway)
            pair = [(await gateway.post(CHAT, ask())).status for _ in range(6)]
        of_the_pair = mock.provider.books.requests - asked
        async with served(configuration(alone, spared, router=router), tmp_path) as gateway:
            answers = [await gateway.post(CHAT, ask()) for _ in range(6)]
    assert (by_name, asked) == ([status] * 6, 6)
    assert set(pair[1:]) <= {status, 503}
    assert of_the_pair < 12, "where another could answer, each of them rests"
    assert [answered.status for answered in answers] == [200] * 6
    assert {answered.headers["x-litellm-attempted-fallbacks"] for answered in answers} == {"1"}
    tried = [answered.headers["x-tollbridge-attempts"] for answered in answers]
    assert (tried[0], tried[-1]) == ("2", "1"), "the fallback answers at once while it rests"


async def test_a_single_deployment_that_nobody_answers_for_rests(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        text = configuration(entry("m", closed.getsockname()[1]), router={"num_retries": 0})
        async with served(text, tmp_path) as gateway:
            answers = [await gateway.post(CHAT, ask()) for _ in range(6)]
    assert [answered.status for answered in answers] == [502, 502, 502, 502, 503, 503]


async def test_a_bug_of_ours_is_a_500_in_the_dialect_and_one_line_of_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving() as mock, served(configuration(entry("m", mock.port)), tmp_path) as gateway:

        async def fail(*_: Any, **__: Any) -> Any:
            raise ZeroDivisionError("a bug")

        gateway.gateway.engine.run = fail  # type: ignore[method-assign]
        answered = await gateway.post(MESSAGES, ask(stream=True))
        load = gateway.gateway.load
        assert (load.requests, load.streams) == (0, 0)
    assert answered.status == 500
    assert "bug" not in error_of(MESSAGES, answered.json())["message"]
    (record,) = gateway.records
    assert (record.status, record.outcome, record.error_class) == (500, "gateway_error", "ZeroDivisionError")
    assert "a bug" in caplog.text
