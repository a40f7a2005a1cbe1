"""What changes while a request is on its way: a key that is revoked, an answer that cannot be kept."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bench.mock_upstream import serving
from tests.server.accounted import Accounted, accounted
from tests.server.faults import CHAT, MESSAGES, WHOLE, ask, configuration, entry, hasten
from tests.transport.upstream import Peer, Upstream, answer
from tollbridge.errors import InternalServerError
from tollbridge.server.identify import CONFIRMED_S
from tollbridge.server.managed import ASKED_MAX
from tollbridge.store.replies import ReplyStore

ROUTES = [CHAT, MESSAGES, "/v1/messages/count_tokens", "/spend/calculate"]


async def slowly(gateway: Accounted, path: str, key: str, body: Any, between: Any) -> tuple[int, dict[str, Any]]:
    """The head at once, and the body when `between` is done."""
    data = json.dumps(body).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    head = f"POST {path} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {key}\r\nconnection: close\r\n"
    writer.write(head.encode() + b"content-length: %d\r\n\r\n" % len(data) + data[:1])
    await writer.drain()
    await asyncio.sleep(CONFIRMED_S + 0.05)
    await between()
    writer.write(data[1:])
    answered = await reader.read()
    writer.close()
    head_said, _, said = answered.partition(b"\r\n\r\n")
    return int(head_said.split()[1]), json.loads(said)


@pytest.mark.parametrize("path", ROUTES)
async def test_s09_a_key_that_is_revoked_while_the_body_is_on_its_way_is_revoked(tmp_path: Path, path: str) -> None:
    body = ask()
    if path == "/spend/calculate":
        del body["max_tokens"]

    async def nothing() -> None:
        pass

    async with serving() as mock:
        async with accounted(configuration(entry("m", mock.port, input_cost_per_token=0.001)), tmp_path) as gateway:
            made = await gateway.made()

            async def block() -> None:
                assert (await gateway.send("POST", "/key/block", {"key": made["token"]})).status == 200

            served, _ = await slowly(gateway, path, made["key"], body, nothing)
            status, said = await slowly(gateway, path, made["key"], body, block)
            billed = mock.provider.books.requests
    assert (served, status) == (200, 401)
    assert "blocked" in said["error"]["message"]
    assert billed == (1 if path in (CHAT, MESSAGES) else 0)


async def test_s09_a_key_that_is_revoked_while_it_waits_for_anothers_answer_is_revoked(tmp_path: Path) -> None:
    asked, told = asyncio.Event(), asyncio.Event()

    async def script(peer: Peer) -> None:
        while await peer.request():
            asked.set()
            await told.wait()
            peer.send(answer(b'{"error":{"message":"no"}}', status="400 Bad Request"))

    async with Upstream(script) as upstream:
        async with accounted(configuration(entry("m", upstream.port)), tmp_path) as gateway:
            made = await gateway.made()
            headers = {"idempotency-key": "once"}
            both = [
                asyncio.ensure_future(gateway.send("POST", CHAT, ask(), headers, key=made["key"])) for _ in range(2)
            ]
            await asked.wait()
            while gateway.gateway.load.requests < 2:
                await asyncio.sleep(0.001)
            await gateway.send("POST", "/key/block", {"key": made["token"]})
            told.set()
            statuses = {one.status for one in await asyncio.gather(*both)}
    assert statuses == {400, 401}
    assert len(upstream.requests) == 1


async def test_an_answer_that_cannot_be_kept_is_given_all_the_same_and_accounted_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any) -> None:
        raise InternalServerError("the disk is full of bees")

    monkeypatch.setattr(ReplyStore, "keep", fails)
    async with serving() as mock:
        async with accounted(configuration(entry("m", mock.port)), tmp_path) as gateway:
            key = (await gateway.made(rpm_limit=5))["key"]
            answered = await gateway.send("POST", CHAT, ask(), {"idempotency-key": "once"}, key=key)
            await asyncio.to_thread(gateway.accounts.ledger.folder.catch_up)
            found = (await gateway.send("GET", "/spend/logs")).json()
            assert len(gateway.gateway.idempotency or ()) == 0
    assert answered.status == 200
    assert [row["status"] for row in found] == ["success"]


async def test_a_repeated_answer_is_a_request_of_its_key(tmp_path: Path) -> None:
    async with serving() as mock:
        async with accounted(configuration(entry("m", mock.port)), tmp_path) as gateway:
            key = (await gateway.made(rpm_limit=2))["key"]
            headers = {"idempotency-key": "once"}
            answers = [await gateway.send("POST", CHAT, ask(), headers, key=key) for _ in range(3)]
    assert [one.status for one in answers] == [200, 200, 429]
    assert int(answers[2].headers["retry-after"]) >= 58
    assert mock.provider.books.requests == 1


async def test_a_key_reads_its_spend_a_few_times_at_once_and_no_more(tmp_path: Path) -> None:
    async with accounted(configuration(entry("m", 1)), tmp_path) as gateway:
        key = (await gateway.made())["key"]
        going = [gateway.send("GET", "/spend/logs", key=key) for _ in range(5 * ASKED_MAX)]
        answers = await asyncio.gather(*going)
        again = await gateway.send("GET", "/spend/logs", key=key)
        admins = await asyncio.gather(*(gateway.send("GET", "/spend/logs") for _ in range(5 * ASKED_MAX)))
    refused = [one for one in answers if one.status == 429]
    assert {one.status for one in answers} == {200, 429}
    assert {one.json()["error"]["code"] for one in refused} == {"too_many_management_requests"}
    assert again.status == 200
    assert {one.status for one in admins} == {200}


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_an_error_of_the_provider_tells_of_the_keys_limits_and_not_of_its_own_and_who_was_asked(
    tmp_path: Path, path: str
) -> None:
    limits = ("x-ratelimit-remaining-requests: 12345", "x-ratelimit-limit-tokens: 777")

    async def script(peer: Peer) -> None:
        while await peer.request():
            peer.send(answer(b'{"error":{"message":"too long"}}', *limits, status="400 Bad Request"))

    async with Upstream(script) as upstream:
        text = configuration(entry("m", upstream.port, info={"id": "place-1"}))
        async with accounted(text, tmp_path) as gateway:
            hasten(gateway)
            free, limited = [(await gateway.made(**said))["key"] for said in ({}, {"rpm_limit": 5})]
            heard, own = [await gateway.send("POST", path, ask(), key=key) for key in (free, limited)]
    assert (heard.status, own.status) == (400, 400)
    assert heard.headers["x-ratelimit-remaining-requests"] == "12345"
    assert own.headers["x-ratelimit-remaining-requests"] == "4"
    assert "x-ratelimit-limit-tokens" not in own.headers
    for answered in (heard, own):
        assert answered.headers["x-litellm-model-id"] == "place-1"
        assert answered.headers["x-tollbridge-attempts"] == "1"


DEEP = b"[" * 100_000


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("wire", ["openai", "anthropic"])
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "500 Internal Server Error"])
async def test_an_answer_nested_deeper_than_can_be_read_is_the_providers_fault(
    tmp_path: Path, path: str, wire: str, status: str, stream: bool
) -> None:
    whole = json.dumps(WHOLE).encode()[:-1] + b',"x":' + DEEP + b"]" * len(DEEP) + b"}"
    event = b"data: " + whole + b"\n\ndata: [DONE]\n\n"
    body = event if stream and status.startswith("200") else whole

    async def script(peer: Peer) -> None:
        while await peer.request():
            peer.send(answer(body, status=status))

    async with Upstream(script) as upstream:
        text = configuration(entry("m", upstream.port, wire), router={"num_retries": 0, "disable_cooldowns": True})
        async with accounted(text, tmp_path) as gateway:
            answered = await gateway.post(path, ask(stream=stream))
            [record] = [record for record in gateway.records if record.endpoint == path]
    expected = {"200 OK": {502, 200}, "400 Bad Request": {400}, "500 Internal Server Error": {500}}[status]
    assert answered.status in expected, answered.body[:300]
    assert record.outcome in ("upstream_error", "ok")
