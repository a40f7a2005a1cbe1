"""The whole pipeline with its accounts: what an answer's headers say of it and of its key, and the same answer twice.

Elsewhere: 429s and how exactly limits hold (tests/reliability/test_edges.py), the cost in a stream
(test_stream_cost.py), idempotency below HTTP (test_idempotency.py).
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bench.mock_upstream import serving
from tests.server.accounted import Accounted, accounted
from tests.server.faults import (
    CHAT,
    MESSAGES,
    PAIR_IDS,
    PAIRS,
    ask,
    configuration,
    ended,
    entry,
    error_of,
    hasten,
)
from tests.server.served import Answered
from tests.transport.upstream import Peer, Upstream, answer
from tollbridge.model.money import spell_dollars

PRICES = {"input_cost_per_token": 0.000002, "output_cost_per_token": 0.00001}
ID = {CHAT: "x-request-id", MESSAGES: "request-id"}
FULL = {"rpm_limit": 100, "tpm_limit": 100_000, "max_parallel_requests": 7, "max_budget": 1.5}


async def rows(gateway: Accounted, **query: str) -> list[dict[str, Any]]:
    """The ledger's, oldest first."""
    await asyncio.to_thread(gateway.accounts.ledger.folder.catch_up)
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    found: list[dict[str, Any]] = (await gateway.send("GET", f"/spend/logs?{asked}")).json()
    return found[::-1]


def price_of(row: dict[str, Any]) -> int:
    prompt, completion = row["prompt_tokens"], row["completion_tokens"]
    assert prompt > 0
    assert completion > 0
    return int(prompt * 2_000 + completion * 10_000)


@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_an_answer_says_what_it_cost_who_gave_it_and_by_which_id(tmp_path: Path, path: str, wire: str) -> None:
    async with serving() as mock:
        text = configuration(entry("m", mock.port, wire, info={"id": "place-1"}, **PRICES))
        async with accounted(text, tmp_path) as gateway:
            key = (await gateway.made(models=["m"]))["key"]
            answered = await gateway.send("POST", path, ask(), key=key)
            [row] = await rows(gateway)
    headers, own = answered.headers, row["metadata"]["tollbridge"]
    assert answered.status == 200
    cost = spell_dollars(price_of(row))
    assert headers["x-tollbridge-cost-usd"] == headers["x-litellm-response-cost"] == cost
    assert own["cost_nanousd"] == price_of(row)
    assert headers["x-tollbridge-request-id"] == headers["x-litellm-call-id"] == headers[ID[path]] == own["request_id"]
    assert {ID[path]} == set(ID.values()) & headers.keys()
    assert row["request_id"] == answered.json()["id"]
    assert (headers["x-tollbridge-model"], headers["x-tollbridge-provider"]) == ("m", wire)
    assert (headers["x-litellm-model-id"], headers["x-litellm-model-group"]) == ("place-1", "m")
    assert [headers[f"x-{name}"] for name in ATTEMPTS] == ["1", "0", "0"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_an_answer_says_how_long_it_took_and_what_of_it_was_the_gateways(
    tmp_path: Path, path: str, wire: str, stream: bool
) -> None:
    async with serving() as mock:
        model = f"{wire}/mock,delay_ms=60"
        async with accounted(configuration(entry("m", mock.port, wire, model=model)), tmp_path) as gateway:
            answered = await gateway.send("POST", path, ask(stream=stream))
            wrong = await gateway.send("POST", path, ask(stream=stream, model="nobody"))
    took, own = (float(answered.headers[f"x-litellm-{name}-duration-ms"]) for name in ("response", "overhead"))
    assert took >= 60
    assert 0 <= own <= took - 60
    assert not [name for name in wrong.headers if name.endswith("-duration-ms")]


ATTEMPTS = ("tollbridge-attempts", "litellm-attempted-retries", "litellm-attempted-fallbacks")


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_attempts_are_told_by_kind_and_the_answers_own_cost_is_all_that_was_billed(
    tmp_path: Path, path: str, stream: bool
) -> None:
    async with serving() as mock:
        mock.provider.order("bad", always="status=500")
        text = configuration(
            entry("bad", mock.port, **PRICES),
            entry("m", mock.port, **PRICES),
            router={"num_retries": 1, "fallbacks": [{"bad": ["m"]}], "disable_cooldowns": True},
        )
        async with accounted(text, tmp_path) as gateway:
            hasten(gateway)
            key = (await gateway.made())["key"]
            answered = await gateway.send("POST", path, ask("bad", stream=stream), key=key)
            [row] = await rows(gateway)
    assert [answered.headers[f"x-{name}"] for name in ATTEMPTS] == ["3", "1", "1"]
    assert answered.headers["x-tollbridge-model"] == "bad"
    assert answered.headers["x-litellm-model-group"] == "m"
    assert row["metadata"]["tollbridge"]["cost_nanousd"] == price_of(row)
    assert answered.headers.get("x-tollbridge-cost-usd") == (None if stream else spell_dollars(price_of(row)))


async def test_a_cost_that_is_not_known_is_no_header_and_one_that_is_nothing_is(tmp_path: Path) -> None:
    async with serving() as mock:
        free = {"input_cost_per_token": 0, "output_cost_per_token": 0}
        text = configuration(entry("unknown", mock.port), entry("free", mock.port, **free))
        async with accounted(text, tmp_path) as gateway:
            unknown, nothing = [await gateway.post(CHAT, ask(model)) for model in ("unknown", "free")]
    assert not {"x-tollbridge-cost-usd", "x-litellm-response-cost"} & unknown.headers.keys()
    assert nothing.headers["x-tollbridge-cost-usd"] == nothing.headers["x-litellm-response-cost"] == "0.0"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_what_a_key_may_still_use_is_told_with_each_answer(tmp_path: Path, path: str, stream: bool) -> None:
    async with serving() as mock:
        async with accounted(configuration(entry("m", mock.port, **PRICES)), tmp_path) as gateway:
            key = (await gateway.made(**FULL))["key"]
            first, second = [await gateway.send("POST", path, ask(stream=stream), key=key) for _ in range(2)]
            used, _ = await rows(gateway)
    said = first.headers
    for noun, limit, name in (("requests", "100", "rpm"), ("tokens", "100000", "tpm")):
        told = {said[f"x-ratelimit-limit-{noun}"], said[f"x-ratelimit-api_key-limit-{noun}"]}
        assert told == {said[f"x-litellm-key-{name}-limit"]} == {limit}
        assert said[f"x-ratelimit-remaining-{noun}"] == said[f"x-ratelimit-api_key-remaining-{noun}"]
    assert [one.headers["x-ratelimit-remaining-requests"] for one in (first, second)] == ["99", "98"]
    assert said["x-ratelimit-api_key-limit-max_parallel_requests"] == "7"
    assert said["x-ratelimit-api_key-remaining-max_parallel_requests"] == "6"
    left = [int(one.headers["x-ratelimit-remaining-tokens"]) for one in (first, second)]
    assert left[0] < 100_000 - 64, "what is reserved is taken for used"
    assert left[0] - left[1] == used["total_tokens"], "and put right when it is known"
    assert [one.headers["x-litellm-key-max-budget"] for one in (first, second)] == ["1.5", "1.5"]
    assert said["x-litellm-key-spend"] == "0.0"
    assert second.headers["x-litellm-key-spend"] == spell_dollars(price_of(used))
    assert not stream or ended(path, first.body)


async def test_a_key_without_limits_is_told_of_none_and_hears_the_providers(tmp_path: Path) -> None:
    body = b'{"id":"c","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}'

    async def script(peer: Peer) -> None:
        while await peer.request():
            peer.send(answer(body, "x-ratelimit-remaining-requests: 12345"))

    async with Upstream(script) as upstream:
        async with accounted(configuration(entry("m", upstream.port)), tmp_path) as gateway:
            free, limited = [(await gateway.made(**said))["key"] for said in ({}, {"rpm_limit": 5})]
            heard, own = [await gateway.send("POST", CHAT, ask(), key=key) for key in (free, limited)]
    assert heard.headers["x-ratelimit-remaining-requests"] == "12345"
    assert not [name for name in heard.headers if "key-" in name]
    assert own.headers["x-ratelimit-remaining-requests"] == "4"


async def twice(gateway: Accounted, key: str, path: str, *bodies: Any, name: str = "once") -> list[Answered]:
    """The requests one after the other, under one Idempotency-Key."""
    headers = {"idempotency-key": name}
    return [await gateway.send("POST", path, body, headers, key=key) for body in bodies]


@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_r45_the_same_answer_comes_again_and_is_billed_once(tmp_path: Path, path: str, wire: str) -> None:
    async with serving() as mock:
        async with accounted(configuration(entry("m", mock.port, wire, **PRICES)), tmp_path) as gateway:
            made = await gateway.made(max_budget=1, rpm_limit=10)
            first, again = await twice(gateway, made["key"], path, ask(), ask())
            found = await rows(gateway)
            spent = (await gateway.send("GET", f"/key/info?key={made['token']}")).json()["info"]["spend"]
        assert mock.provider.books.requests == 1
    assert (first.status, again.status) == (200, 200)
    assert again.body == first.body
    [row] = found
    assert spent == row["spend"] == price_of(row) / 1e9
    assert "x-tollbridge-idempotent-replay" not in first.headers
    assert again.headers["x-tollbridge-idempotent-replay"] == "true"
    assert not [name for name in again.headers if name.endswith("-duration-ms")]
    told = ("content-type", "x-tollbridge-model", "x-tollbridge-cost-usd", "x-litellm-response-cost")
    assert {name: again.headers[name] for name in told} == {name: first.headers[name] for name in told}
    assert again.headers["x-tollbridge-request-id"] != first.headers["x-tollbridge-request-id"]
    assert again.headers[ID[path]] == again.headers["x-litellm-call-id"] == again.headers["x-tollbridge-request-id"]


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_r45_another_body_is_refused_and_another_key_or_route_is_another_request(
    tmp_path: Path, path: str
) -> None:
    other = MESSAGES if path == CHAT else CHAT
    async with serving() as mock:
        async with accounted(configuration(entry("m", mock.port, **PRICES)), tmp_path) as gateway:
            mine, theirs = [(await gateway.made())["key"] for _ in range(2)]
            first, refused = await twice(gateway, mine, path, ask(), ask(text="something else"))
            others = [*await twice(gateway, theirs, path, ask()), *await twice(gateway, mine, other, ask())]
            another = await twice(gateway, mine, path, ask(), name="twice")
        assert mock.provider.books.requests == 4
    assert (first.status, refused.status) == (200, 422)
    error = error_of(path, refused.json())
    assert "another body" in error["message"]
    assert path == MESSAGES or error["code"] == "idempotency_key_reused"
    for answered in (*others, *another):
        assert answered.status == 200
        assert "x-tollbridge-idempotent-replay" not in answered.headers


async def test_r45_a_duplicate_at_the_same_time_waits_for_the_first(tmp_path: Path) -> None:
    asked, told = asyncio.Event(), asyncio.Event()
    body = b'{"id":"c","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}'

    async def script(peer: Peer) -> None:
        while await peer.request():
            asked.set()
            await told.wait()
            peer.send(answer(body))

    async with Upstream(script) as upstream:
        async with accounted(configuration(entry("m", upstream.port, **PRICES)), tmp_path) as gateway:
            key = (await gateway.made(max_parallel_requests=1))["key"]
            first = asyncio.ensure_future(twice(gateway, key, CHAT, ask()))
            await asked.wait()
            others = [asyncio.ensure_future(twice(gateway, key, CHAT, ask())) for _ in range(5)]
            [changed] = await twice(gateway, key, CHAT, ask(text="something else"))
            assert changed.status == 422, "it needs not wait to be refused"
            while gateway.gateway.load.requests < 6:
                await asyncio.sleep(0.001)
            assert not any(one.done() for one in (first, *others))
            told.set()
            answers = [answered for several in await asyncio.gather(first, *others) for answered in several]
            found = await rows(gateway)
        assert len(upstream.requests) == 1
    assert [answered.status for answered in answers] == [200] * 6
    assert {answered.body for answered in answers} == {body}
    replays = [answered.headers.get("x-tollbridge-idempotent-replay") for answered in answers]
    assert replays == [None, *["true"] * 5]
    assert len({answered.headers["x-tollbridge-request-id"] for answered in answers}) == 6
    assert len(found) == 1


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_r45_a_stream_takes_no_notice_of_it(tmp_path: Path, path: str) -> None:
    async with serving() as mock:
        async with accounted(configuration(entry("m", mock.port, **PRICES)), tmp_path) as gateway:
            key = (await gateway.made())["key"]
            answers = await twice(gateway, key, path, ask(stream=True), ask(stream=True), ask(text="else", stream=True))
            found = await rows(gateway)
        assert mock.provider.books.requests == 3
    for answered in answers:
        assert answered.status == 200
        assert ended(path, answered.body)
        assert "x-tollbridge-idempotent-replay" not in answered.headers
    assert len(found) == 3


async def test_r45_an_error_is_not_kept_and_the_next_attempt_is_a_new_one(tmp_path: Path) -> None:
    async with serving() as mock:
        mock.provider.order("m", "status=500")
        text = configuration(entry("m", mock.port, **PRICES), router={"num_retries": 0, "disable_cooldowns": True})
        async with accounted(text, tmp_path) as gateway:
            key = (await gateway.made())["key"]
            failed, first, again = await twice(gateway, key, CHAT, ask(), ask(), ask())
        assert mock.provider.books.requests == 2
    assert (failed.status, first.status, again.status) == (500, 200, 200)
    assert "x-tollbridge-idempotent-replay" not in first.headers
    assert again.body == first.body


async def test_r45_a_repeated_answer_costs_no_budget_and_needs_none(tmp_path: Path) -> None:
    """It was paid for: a key whose budget it took may still hear it again."""
    async with serving() as mock:
        async with accounted(configuration(entry("m", mock.port, **PRICES)), tmp_path) as gateway:
            key = (await gateway.made(max_budget=0.000001))["key"]
            first, again = await twice(gateway, key, CHAT, ask(), ask())
            other = await gateway.send("POST", CHAT, ask(), key=key)
    assert (first.status, again.status, other.status) == (200, 200, 429)
    assert again.body == first.body


async def test_a_stream_is_in_the_ledger_with_what_it_cost_before_its_client_has_the_end(tmp_path: Path) -> None:
    async with serving() as mock:
        for number, (path, wire) in enumerate(PAIRS):
            text = configuration(entry("m", mock.port, wire, **PRICES))
            async with accounted(text, tmp_path / str(number)) as gateway:
                made = await gateway.made(max_budget=1)
                answered = await gateway.send("POST", path, ask(stream=True), key=made["key"])
                [row] = await rows(gateway, api_key=made["token"])
            assert ended(path, answered.body)
            assert answered.headers["x-tollbridge-request-id"] == row["metadata"]["tollbridge"]["request_id"]
            assert answered.headers[ID[path]] == answered.headers["x-litellm-call-id"]
            assert [answered.headers[f"x-{name}"] for name in ATTEMPTS] == ["1", "0", "0"]
            assert row["request_id"].encode() in answered.body, "the id that the client saw"
            assert row["metadata"]["tollbridge"]["cost_nanousd"] == price_of(row)
