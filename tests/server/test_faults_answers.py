"""Rows R01 to R10, R16, R17 and R19 to R21 of the fault matrix through a whole gateway: what is tried how often, and
what the client is told. The provider's own counters say how often it was asked.

Below the application the same rows are tested by
  R05 R06 R09 R10 R21   tests/transport/test_faults.py, test_http1.py (classes of errors, staleness, interim answers)
  R19 R20 S55           tests/transport/test_decode.py, test_http1.py (codings, cut and corrupt bodies, limits)
and the plan's rules, without sockets, by tests/routing/test_plan.py and test_health.py.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from bench.mock_upstream import serving
from tests.server.faults import (
    CHAT,
    MESSAGES,
    PAIR_IDS,
    PAIRS,
    WHOLE,
    always,
    ask,
    attempts_of,
    broken_off,
    configuration,
    entry,
    error_body,
    error_of,
    hasten,
)
from tests.server.served import served
from tests.transport.upstream import Peer, Upstream, answer, until
from tollbridge.calls import exchange
from tollbridge.transport.base import Incoming, Outgoing, Timeouts, Transport

STILL = {"disable_cooldowns": True}  # so that counts are those of the retries alone
PATHS = [CHAT, MESSAGES]


def unused_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@pytest.mark.parametrize("header", ["retry-after: 0.25", "retry-after-ms: 250"])
async def test_r01_the_same_deployment_is_not_asked_again_before_its_retry_after(tmp_path: Path, header: str) -> None:
    asked: list[float] = []

    async def script(peer: Peer) -> None:
        while await peer.request():
            asked.append(time.monotonic())
            first = len(asked) == 1
            peer.send(answer(b"{}", header, status="429 Slow") if first else answer(json.dumps(WHOLE).encode()))

    async with Upstream(script) as upstream, served(configuration(entry("m", upstream.port)), tmp_path) as gateway:
        hasten(gateway)
        answered = await gateway.post(CHAT, ask())
    assert answered.status == 200
    assert attempts_of(answered) == "2"
    assert asked[1] - asked[0] >= 0.25


async def test_r01_a_date_is_a_waiting_time_too(tmp_path: Path) -> None:
    refusal = answer(b"{}", f"retry-after: {formatdate(time.time() + 100, usegmt=True)}", status="429 Slow")
    async with (
        Upstream(always(refusal)) as upstream,
        served(configuration(entry("m", upstream.port)), tmp_path) as gateway,
    ):
        answered = await gateway.post(CHAT, ask())
    assert answered.status == 429
    assert len(upstream.requests) == 1, "it is longer than the patience of one request"
    assert 90 <= int(answered.headers["retry-after"]) <= 100


@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_r01_limits_of_the_provider_reach_the_client_and_its_secrets_do_not(
    tmp_path: Path, path: str, wire: str
) -> None:
    refusal = answer(
        error_body(wire, "slow"),
        *("retry-after: 7", "x-ratelimit-remaining-requests: 0", "anthropic-ratelimit-tokens-remaining: 0"),
        *("set-cookie: session=1", "openai-organization: org-7", "server: them", "x-request-id: theirs"),
        status="429 Slow",
    )
    text = configuration(entry("m", 0, wire), router={"num_retries": 0})
    async with Upstream(always(refusal)) as upstream:
        async with served(text.replace(":0", f":{upstream.port}"), tmp_path) as gateway:
            answered = await gateway.post(path, ask())
    assert answered.status == 429
    assert error_of(path, answered.json())["message"] == "slow"
    assert answered.headers["retry-after"] == "7"
    assert answered.headers["x-ratelimit-remaining-requests"] == "0"
    assert answered.headers["anthropic-ratelimit-tokens-remaining"] == "0"
    assert answered.headers["llm_provider-x-request-id"] == "theirs"
    assert answered.headers["x-tollbridge-request-id"].startswith("req_")
    assert not {"set-cookie", "openai-organization", "server"} & answered.headers.keys()


@pytest.mark.parametrize("path", PATHS)
async def test_r02_where_all_are_rate_limited_the_shortest_wait_is_told_and_nobody_is_asked_in_it(
    tmp_path: Path, path: str
) -> None:
    async with serving() as mock:
        entries = [entry("m", mock.port) for _ in range(3)]
        for number, listed in enumerate(entries):
            listed["litellm_params"]["model"] = f"openai/m{number}"
            mock.provider.order(f"m{number}", always=f"status=429,retry_after={(70, 30, 50)[number]}")
        async with served(configuration(*entries, router={"num_retries": 2}), tmp_path) as gateway:
            hasten(gateway)
            first = await gateway.post(path, ask())
            asked = mock.provider.books.requests
            second = await gateway.post(path, ask())
            metrics = (await gateway.send("GET", "/metrics", key=None)).body.decode()
        assert asked == mock.provider.books.requests == 3
        assert mock.provider.books.billed == 0
    for answered in (first, second):
        assert answered.status == 429
        error_of(path, answered.json())
        assert int(answered.headers["retry-after"]) == 30
    assert metrics.count("\ntollbridge_breaker_state{") == 3
    assert [record.attempts for record in gateway.records[:2]] == [3, 0]


@pytest.mark.parametrize("status", [500, 502, 503, 504, 529])
@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_r03_an_error_on_their_side_is_tried_again_exactly_as_often_as_configured(
    tmp_path: Path, path: str, wire: str, status: int
) -> None:
    async with serving() as mock:
        mock.provider.order("m", always=f"status={status}")
        text = configuration(entry("m", mock.port, wire), router={"num_retries": 3, **STILL})
        async with served(text, tmp_path) as gateway:
            hasten(gateway)
            answered = await gateway.post(path, ask(stream=status % 2 == 0))
        assert mock.provider.books.requests == 4
    assert answered.status == status
    error_of(path, answered.json())
    (record,) = gateway.records
    assert record.attempts == 4
    assert record.outcome == ("timeout" if status == 504 and wire == "anthropic" else "upstream_error")
    assert record.provider == wire


class Watched:
    """A transport that remembers how much time each attempt was given."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self.totals: list[float] = []

    async def send(self, request: Outgoing, timeouts: Timeouts) -> Incoming:
        assert timeouts.total_s is not None
        self.totals.append(timeouts.total_s)
        return await self._inner.send(request, timeouts)

    async def close(self) -> None:
        await self._inner.close()


@pytest.mark.parametrize("stream", [False, True])
async def test_r03_an_attempt_has_the_time_that_those_before_it_left(tmp_path: Path, stream: bool) -> None:
    async with serving() as mock:
        mock.provider.order("m", always="status=500,delay_ms=10")
        async with served(configuration(entry("m", mock.port)), tmp_path) as gateway:
            hasten(gateway)
            watched = gateway.gateway.engine.transport = Watched(gateway.gateway.engine.transport)
            await gateway.post(CHAT, ask(stream=stream, timeout=50.0, num_retries=2))
    assert watched.totals[0] == 50.0
    assert watched.totals[1] < 49.995
    assert watched.totals[2] < watched.totals[1] - 0.005


@pytest.mark.parametrize("stream", [False, True])
async def test_r03_nothing_is_tried_past_the_deadline(tmp_path: Path, stream: bool) -> None:
    async def late(peer: Peer) -> None:
        await peer.request()

    async with Upstream(late) as upstream, served(configuration(entry("m", upstream.port)), tmp_path) as gateway:
        hasten(gateway)
        answered = await gateway.post(CHAT, ask(stream=stream, timeout=0.1, num_retries=5))
        await until(lambda: upstream.open == 0)
    assert answered.status == 504
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_r04_what_another_try_cannot_cure_is_not_tried_again(
    tmp_path: Path, path: str, wire: str, status: int
) -> None:
    async with serving() as mock:
        mock.provider.order("m", always=f"status={status}")
        text = configuration(entry("m", mock.port, wire), router={"num_retries": 3})
        async with served(text, tmp_path) as gateway:
            hasten(gateway)
            answered = await gateway.post(path, ask())
            later = await gateway.post(path, ask())
        of_the_deployment = status in (401, 403, 404)
        assert mock.provider.books.requests == (1 if of_the_deployment else 2)
    assert answered.status == status
    assert "told to answer" in error_of(path, answered.json())["message"]
    assert later.status == (503 if of_the_deployment else status), "a refused credential rests"
    assert ("retry-after" in later.headers) == of_the_deployment


@pytest.mark.parametrize("path", PATHS)
async def test_r05_a_refused_connection_goes_to_the_fallback(tmp_path: Path, path: str) -> None:
    async with serving() as mock:
        text = configuration(
            entry("dead", unused_port()),
            entry("m", mock.port),
            router={"num_retries": 1, "fallbacks": [{"dead": ["m"]}]},
        )
        async with served(text, tmp_path) as gateway:
            hasten(gateway)
            answered = await gateway.post(path, ask("dead"))
    assert answered.status == 200
    assert answered.headers["x-tollbridge-attempts"] == "3"
    (record,) = gateway.records
    assert (record.attempts, record.fallbacks, record.deployment) == (3, 1, gateway.records[0].deployment)


async def test_r05_without_a_fallback_the_error_says_that_nobody_answered(tmp_path: Path) -> None:
    async with served(configuration(entry("m", unused_port()), router={"num_retries": 0}), tmp_path) as gateway:
        answered = await gateway.post(CHAT, ask())
    assert answered.status == 502
    assert error_of(CHAT, answered.json())["code"] == "connect_refused"


@pytest.mark.parametrize("stream", [False, True])
async def test_r07_a_head_that_never_comes_frees_everything_that_was_held_for_it(tmp_path: Path, stream: bool) -> None:
    async def silent(peer: Peer) -> None:
        await peer.request()

    general = {"timeouts": {"first_byte_s": 0.1}}
    async with Upstream(silent) as upstream:
        text = configuration(entry("m", upstream.port), router={"num_retries": 0, **STILL}, general=general)
        async with served(text, tmp_path) as gateway:
            answers = await asyncio.gather(*(gateway.post(CHAT, ask(stream=stream)) for _ in range(40)))
            await until(lambda: upstream.open == 0)
            assert len(upstream.requests) == 40
            assert (gateway.gateway.load.requests, gateway.gateway.load.streams) == (0, 0)
    assert {answered.status for answered in answers} == {504}
    assert {error_of(CHAT, answered.json())["code"] for answered in answers} == {"first_byte_timeout"}
    assert {record.outcome for record in gateway.records} == {"timeout"}


async def test_r08_a_drip_does_not_outlast_the_deadline(tmp_path: Path) -> None:
    async def drip(peer: Peer) -> None:
        await peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
        while peer.alive:
            peer.send(b" ")
            await asyncio.sleep(0.02)

    async with Upstream(drip) as upstream, served(configuration(entry("m", upstream.port)), tmp_path) as gateway:
        answered = await gateway.post(CHAT, ask(timeout=0.3, num_retries=0))
        await until(lambda: upstream.open == 0)
    assert answered.status == 504
    assert error_of(CHAT, answered.json())["code"] == "total_timeout"


@pytest.mark.parametrize("stream", [False, True])
async def test_r09_a_reset_before_the_first_byte_is_tried_again(tmp_path: Path, stream: bool) -> None:
    async with serving() as mock:
        mock.provider.order("m", "rst=0" if not stream else "cut=0", always="")
        async with served(configuration(entry("m", mock.port), router=STILL), tmp_path) as gateway:
            hasten(gateway)
            answered = await gateway.post(CHAT, ask(stream=stream))
    assert answered.status == 200


GARBAGE = {
    "html": "garbage=html",
    "half of the JSON": "garbage=json",
    "nothing": "garbage=empty",
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("script", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_r16_r17_garbage_with_200_is_a_bad_gateway_and_is_not_echoed(
    tmp_path: Path, path: str, wire: str, script: str, stream: bool
) -> None:
    async with serving() as mock:
        mock.provider.order("m", always=script)
        text = configuration(entry("m", mock.port, wire), router={"num_retries": 1, **STILL})
        async with served(text, tmp_path) as gateway:
            hasten(gateway)
            answered = await gateway.post(path, ask(stream=stream))
        relayed = (path == MESSAGES) == (wire == "anthropic")
        began = stream and relayed and script == "garbage=json"  # its first event has gone on to the client
        assert mock.provider.books.requests == (1 if began else 2)
    if began:
        broken_off(path, answered.body)
    else:
        assert answered.status == 502
        error_of(path, answered.json())
    assert b"Sign in" not in answered.body
    (record,) = gateway.records
    assert record.outcome == "upstream_error"
    assert record.error_class in ("BadGatewayError", "Truncated")


@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b"7", b"{}", b'{"id":"x"}', b"\xff\xfe{}"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_r16_json_that_holds_no_answer_is_a_bad_gateway(
    tmp_path: Path, path: str, wire: str, stream: bool, body: bytes
) -> None:
    async with Upstream(always(answer(body, "content-type: application/json"))) as upstream:
        text = configuration(entry("m", upstream.port, wire), router={"num_retries": 0, **STILL})
        async with served(text, tmp_path) as gateway:
            answered = await gateway.post(path, ask(stream=stream))
    assert answered.status == 502
    error_of(path, answered.json())
    assert gateway.records[0].outcome == "upstream_error"


@pytest.mark.parametrize("body", [b'{"choices":7}', b'{"choices":[7]}', b'{"content":7}', b'{"content":[7]}'])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_r16_json_of_another_shape_never_fails_the_gateway_itself(
    tmp_path: Path, path: str, wire: str, stream: bool, body: bytes
) -> None:
    """Relayed it may go on as it is: nobody looks into it."""
    async with Upstream(always(answer(body, "content-type: application/json"))) as upstream:
        text = configuration(entry("m", upstream.port, wire), router={"num_retries": 0, **STILL})
        async with served(text, tmp_path) as gateway:
            answered = await gateway.post(path, ask(stream=stream))
    assert answered.status in (200, 502)
    if answered.status == 200:
        assert answered.body == body


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_r16_an_error_under_200_is_an_error(tmp_path: Path, path: str, wire: str, stream: bool) -> None:
    async with Upstream(always(answer(error_body(wire, "full", 529)))) as upstream:
        text = configuration(entry("m", upstream.port, wire), router={"num_retries": 0, **STILL})
        async with served(text, tmp_path) as gateway:
            answered = await gateway.post(path, ask(stream=stream))
    assert answered.status in (502, 529)
    assert "full" in error_of(path, answered.json())["message"]
    assert gateway.records[0].outcome == "upstream_error"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_r17_the_right_json_under_a_wrong_content_type_is_read(
    tmp_path: Path, path: str, wire: str, stream: bool
) -> None:
    async with serving() as mock:
        mock.provider.order("m", always="garbage=type")
        async with served(configuration(entry("m", mock.port, wire)), tmp_path) as gateway:
            answered = await gateway.post(path, ask(stream=stream))
    assert answered.status == 200
    assert b"the quick brown fox" in answered.body
    assert gateway.records[0].tokens["output"] == 8


@pytest.mark.parametrize("path", PATHS)
async def test_r19_a_compressed_answer_reaches_the_client_plain(tmp_path: Path, path: str) -> None:
    packed = answer(gzip.compress(json.dumps(WHOLE).encode()), "content-encoding: gzip")
    async with Upstream(always(packed)) as upstream, served(configuration(entry("m", upstream.port)), tmp_path) as g:
        answered = await g.post(path, ask())
    assert answered.status == 200
    assert "content-encoding" not in answered.headers
    assert "hello" in json.dumps(answered.json())


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("path", PATHS)
async def test_r19_s55_a_bomb_from_a_provider_is_a_bad_gateway(tmp_path: Path, path: str, stream: bool) -> None:
    async with serving() as mock:
        mock.provider.order("m", always="garbage=gzip_bomb")
        async with served(configuration(entry("m", mock.port), router={"num_retries": 3}), tmp_path) as gateway:
            hasten(gateway)
            answered = await gateway.post(path, ask(stream=stream))
        assert mock.provider.books.requests == 1, "another try would be another bomb"
    assert answered.status == 502
    assert error_of(path, answered.json())["message"].count("grows without measure") == 1


async def test_r20_an_answer_over_the_limit_is_a_bad_gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "ANSWER_BYTES_MAX", 1000)
    async with serving() as mock:
        mock.provider.order("m", always="events=200")
        async with served(configuration(entry("m", mock.port)), tmp_path) as gateway:
            answered = await gateway.post(CHAT, ask())
    assert answered.status == 502
    assert error_of(CHAT, answered.json())["code"] == "upstream_too_large"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("path", PATHS)
async def test_r21_s15_a_redirect_is_not_followed(tmp_path: Path, path: str, stream: bool) -> None:
    async with serving() as elsewhere:
        location = f"location: http://127.0.0.1:{elsewhere.port}/v1/chat/completions"
        async with Upstream(always(answer(b"", location, status="307 There"))) as upstream:
            async with served(configuration(entry("m", upstream.port)), tmp_path) as gateway:
                answered = await gateway.post(path, ask(stream=stream))
        assert elsewhere.provider.books.requests == 0
        assert len(upstream.requests) == 1
    assert answered.status == 502
    assert "location" not in answered.headers
    assert str(elsewhere.port) not in answered.body.decode()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_r21_no_content_is_no_answer(tmp_path: Path, stream: bool) -> None:
    async with Upstream(always(b"HTTP/1.1 204 No Content\r\n\r\n")) as upstream:
        async with served(configuration(entry("m", upstream.port), router={"num_retries": 0}), tmp_path) as gateway:
            answered = await gateway.post(CHAT, ask(stream=stream))
    assert answered.status == 502


async def test_r24_after_each_kind_of_error_the_same_connection_goes_on_with_the_next_answer(tmp_path: Path) -> None:
    async with serving() as mock:
        mock.provider.order("m", *("status=500", "status=429", "garbage=html", "garbage=json", "cut=0"), always="")
        async with served(configuration(entry("m", mock.port), router={"num_retries": 0, **STILL}), tmp_path) as g:
            statuses = []
            for body in (b"{", b"[]", *([ask()] * 7), {"model": "nobody"}, ask(stream=True), ask()):
                statuses.append((await g.post(CHAT, body)).status)
    assert statuses == [400, 400, 500, 429, 502, 502, 200, 200, 200, 404, 200, 200], "the cut one was stale: unseen"


async def test_r24_no_answer_goes_to_another_request(tmp_path: Path) -> None:
    """Four hundred at once, a part of which leave early, against an upstream that says back what it was asked."""

    async def echo(peer: Peer) -> None:
        while (request := await peer.request()) is not None:
            asked: Any = json.loads(request.partition(b"\r\n\r\n")[2])
            said = asked["messages"][0]["content"]
            await asyncio.sleep(hash(said) % 5 / 1000)
            message = {"role": "assistant", "content": said}
            peer.send(answer(json.dumps({**WHOLE, "choices": [{"index": 0, "message": message}]}).encode()))

    async with Upstream(echo) as upstream, served(configuration(entry("m", upstream.port)), tmp_path) as gateway:

        async def one(number: int) -> None:
            path, text = PATHS[number % 2], f"question {number}"
            asking = asyncio.ensure_future(gateway.post(path, ask(text=text)))
            if number % 7 == 0:
                await asyncio.sleep(number % 5 / 1000)
                asking.cancel()
                return
            told = (await asking).json()
            said = told["content"][0]["text"] if path == MESSAGES else told["choices"][0]["message"]["content"]
            assert said == text

        await asyncio.gather(*(one(number) for number in range(400)))
        await until(lambda: gateway.gateway.load.requests == 0)
