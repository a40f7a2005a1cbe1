"""`"model": "a, b"`: several models are asked at once, as LiteLLM's proxy has it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bench.mock_upstream import serving
from tests.server.accounted import accounted
from tests.server.faults import CHAT, MESSAGES, ask, configuration, entry
from tests.server.served import KEY
from tests.server.test_accounting import PRICES, price_of, rows

CLAUDES = (("b", "anthropic"), ("c", "anthropic"))
SLOW = "openai/mock,delay_ms=20000"


async def test_the_answers_of_several_models_are_a_list_in_their_order_and_each_is_in_the_ledger(
    tmp_path: Path,
) -> None:
    async with serving() as mock:
        mock.provider.order("bad", always="status=500")
        text = configuration(
            entry("a", mock.port, model="openai/mock,delay_ms=50", **PRICES),
            *(entry(name, mock.port, **PRICES) for name in ("b", "bad")),
            router={"num_retries": 0},
        )
        async with accounted(text, tmp_path) as gateway:
            key = (await gateway.made(models=["a", "b", "bad"]))["key"]
            answered = await gateway.send("POST", CHAT, ask("a, b,bad, c", tags=["t"]), key=key)
            found = await rows(gateway)
        sent = [json.loads(seen.body) for seen in mock.provider.books.captures]
    assert answered.status == 200
    told = answered.json()
    assert [one.get("object", "error") for one in told] == ["chat.completion"] * 2 + ["error"] * 2
    assert told[0]["model"] == "mock,delay_ms=50"
    assert [one["error"]["code"] for one in told[2:]][1] == "key_model_access_denied"
    assert [one["model"] for one in sent] == ["mock,delay_ms=50", "b", "bad"]
    assert not any({"tags", "fastest_response"} & one.keys() for one in sent)
    paid = [row for row in found if row["prompt_tokens"]]
    assert sorted(row["model_group"] for row in paid) == ["a", "b"]
    assert {row["metadata"]["tollbridge"]["request_id"] for row in found} == {answered.headers["x-request-id"]}
    assert all("t" in row["request_tags"] for row in paid)
    spent = sum(map(price_of, paid))
    assert float(answered.headers["x-tollbridge-cost-usd"]) == pytest.approx(spent / 1e9)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_the_fastest_answers_alone_and_nobody_waits_for_the_others(tmp_path: Path, stream: bool) -> None:
    async with serving() as mock:
        mock.provider.order("bad", always="status=500")
        text = configuration(
            entry("slow", mock.port, model=SLOW, **PRICES),
            entry("bad", mock.port),
            entry("b", mock.port, model="openai/mock,delay_ms=30", **PRICES),
            router={"num_retries": 0},
            general={"heartbeat_s": 0.01},
        )
        async with accounted(text, tmp_path) as gateway:
            asked = ask("slow,bad,b", fastest_response=True, stream=stream)
            answered = await asyncio.wait_for(gateway.send("POST", CHAT, asked), 10)
            found = await rows(gateway)
        sent = [json.loads(seen.body) for seen in mock.provider.books.captures]
    assert answered.status == 200
    assert answered.headers["x-litellm-model-group"] == "b"
    if stream:
        assert answered.events()[-1][1] == "[DONE]"
        assert not any("error" in data for _, data in answered.events())
    else:
        assert answered.json()["object"] == "chat.completion"
    assert not any("fastest_response" in one for one in sent)
    assert {row["model_group"]: row["status"] for row in found} == {"slow": "failure", "bad": "failure", "b": "success"}


@pytest.mark.parametrize("fastest", [False, True])
async def test_where_all_fail_the_client_is_told_what_the_first_did(tmp_path: Path, fastest: bool) -> None:
    async with serving() as mock:
        mock.provider.order("a", always="status=429")
        mock.provider.order("b", always="status=500")
        text = configuration(entry("a", mock.port), entry("b", mock.port), router={"num_retries": 0})
        async with accounted(text, tmp_path) as gateway:
            answered = await gateway.send("POST", CHAT, ask("a,b", fastest_response=fastest))
    assert answered.status == 429
    assert "a" in answered.json()["error"]["message"]


@pytest.mark.parametrize(
    ("path", "said", "status", "where"),
    [
        (CHAT, {"model": "a,b", "stream": True}, 400, "$.stream"),
        (CHAT, {"model": ",".join("ab" * 10)}, 400, "$.model"),
        (CHAT, {"model": "a,"}, 404, "a,"),
        (CHAT, {"model": "a,b", "fastest_response": "x"}, 400, "$.fastest_response"),
        (MESSAGES, {"model": "a,b"}, 404, "a,b"),
    ],
    ids=str,
)
async def test_what_several_cannot_be_asked_is_refused(
    tmp_path: Path, path: str, said: dict[str, Any], status: int, where: str
) -> None:
    async with serving() as mock:
        async with accounted(configuration(entry("a", mock.port), entry("b", mock.port)), tmp_path) as gateway:
            answered = await gateway.send("POST", path, {**ask(), **said})
        assert not mock.provider.books.captures
    assert answered.status == status
    assert where in answered.json()["error"]["message"]


async def test_a_name_with_a_comma_is_a_models_where_the_operator_calls_one_so(tmp_path: Path) -> None:
    async with serving() as mock:
        async with accounted(configuration(entry("a,b", mock.port), entry("a", mock.port)), tmp_path) as gateway:
            one = await gateway.send("POST", CHAT, ask("a,b", fastest_response=True))
            many = await gateway.send("POST", CHAT, ask("a, b", fastest_response=False))
        assert "fastest_response" not in json.loads(mock.provider.books.captures[0].body)
    assert one.json()["object"] == "chat.completion"
    assert [("error" in told) for told in many.json()] == [False, True]


async def test_what_could_not_be_said_to_each_of_several_is_told_once(tmp_path: Path) -> None:
    async with serving() as mock:
        text = configuration(*(entry(name, mock.port, wire) for name, wire in (("a", "openai"), *CLAUDES)))
        async with accounted(text, tmp_path) as gateway:
            one = await gateway.send("POST", CHAT, ask("b", logit_bias={"1": 2}))
            several = await gateway.send("POST", CHAT, ask("a,b,c", logit_bias={"1": 2}))
            again = {"idempotency-key": "k"}
            kept = [await gateway.send("POST", CHAT, ask("a,b", logit_bias={"1": 2}), again) for _ in range(2)]
            none = await gateway.send("POST", CHAT, ask("a,a"))
    told = one.headers["x-tollbridge-caveats"]
    assert "$.logit_bias" in told
    assert [answered.headers["x-tollbridge-caveats"] for answered in (several, *kept)] == [told] * 3
    assert "x-tollbridge-caveats" not in none.headers


async def test_the_fastest_may_be_asked_for_in_the_extra_body(tmp_path: Path) -> None:
    async with serving() as mock:
        text = configuration(entry("slow", mock.port, model=SLOW), entry("b", mock.port))
        async with accounted(text, tmp_path) as gateway:
            asked = ask("slow,b", extra_body={"fastest_response": True, "seed": 7})
            answered = await asyncio.wait_for(gateway.send("POST", CHAT, asked), 10)
            outside = ask("b,b", fastest_response=False, extra_body={"fastest_response": True})
            listed = await gateway.send("POST", CHAT, outside)
        sent = [json.loads(seen.body) for seen in mock.provider.books.captures]
    assert answered.headers["x-litellm-model-group"] == "b"
    assert len(listed.json()) == 2
    assert sent[0]["seed"] == 7
    assert not any({"extra_body", "fastest_response"} & one.keys() for one in sent)


@pytest.mark.parametrize("path", [CHAT, MESSAGES, "/v1/responses"])
async def test_to_one_model_the_fastest_means_nothing_and_that_is_told(tmp_path: Path, path: str) -> None:
    body = {"model": "a", "input": "x"} if path.endswith("responses") else ask("a")
    async with serving() as mock:
        async with accounted(configuration(entry("a", mock.port)), tmp_path) as gateway:
            told = await gateway.send("POST", path, {**body, "fastest_response": True})
            plain = await gateway.send("POST", path, {**body, "fastest_response": False})
            strict = {"x-tollbridge-strict": "true"}
            refused = await gateway.send("POST", path, {**body, "fastest_response": True}, strict)
            wrong = await gateway.send("POST", path, {**body, "fastest_response": "yes"})
        assert not any(b"fastest_response" in seen.body for seen in mock.provider.books.captures)
    assert (told.status, plain.status, refused.status, wrong.status) == (200, 200, 400, 400)
    assert "ignored_param $.fastest_response" in told.headers["x-tollbridge-caveats"]
    assert "fastest_response" not in plain.headers.get("x-tollbridge-caveats", "")
    assert "$.fastest_response" in wrong.json()["error"]["message"]


async def test_a_client_that_leaves_leaves_all_of_them(tmp_path: Path) -> None:
    async with serving() as mock:
        text = configuration(*(entry(name, mock.port, model=SLOW) for name in ("a", "b")))
        async with accounted(text, tmp_path) as gateway:
            async with aiohttp.ClientSession() as session:
                asked = session.post(
                    f"{gateway.url}{CHAT}", json=ask("a,b"), headers={"authorization": f"Bearer {KEY}"}
                )
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(asked, 0.5)
            while len(gateway.records) < 2:
                await asyncio.sleep(0.01)
            assert gateway.gateway.load.requests == 0
    assert [record.outcome for record in gateway.records] == ["cancelled", "cancelled"]


async def test_a_body_for_each_of_many_is_no_more_than_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tollbridge.server.several.BYTES_MAX", 16_000)
    async with serving() as mock:
        async with accounted(configuration(entry("a", mock.port), entry("b", mock.port)), tmp_path) as gateway:
            answered = await gateway.send("POST", CHAT, ask(",".join("ab" * 8), text="x" * 1000))
        assert not mock.provider.books.captures
    assert (answered.status, "$.model" in answered.json()["error"]["message"]) == (413, True)


@pytest.mark.parametrize("key", ["k1", "k" * 255])
async def test_under_an_idempotency_key_the_answer_of_all_is_kept(tmp_path: Path, key: str) -> None:
    async with serving() as mock:
        text = configuration(entry("a", mock.port, **PRICES), entry("b", mock.port, **PRICES))
        async with accounted(text, tmp_path) as gateway:
            mine = (await gateway.made(models=["a", "b"]))["key"]
            again = {"idempotency-key": key}
            first = await gateway.send("POST", CHAT, ask("a,b"), again, key=mine)
            second = await gateway.send("POST", CHAT, ask("a,b"), again, key=mine)
            other = await gateway.send("POST", CHAT, ask("a,b", text="other"), again, key=mine)
            part = await gateway.send("POST", CHAT, ask("a"), {"idempotency-key": f"{key}-0"[-255:]}, key=mine)
        assert len(mock.provider.books.captures) == 3
    assert first.status == second.status == part.status == 200
    assert first.json() == second.json()
    assert "x-tollbridge-idempotent-replay" not in first.headers
    assert second.headers["x-tollbridge-idempotent-replay"] == "true"
    assert second.headers["x-tollbridge-cost-usd"] == first.headers["x-tollbridge-cost-usd"]
    assert other.status == 422


@pytest.mark.parametrize("stays", [True, False], ids=["stays", "leaves"])
async def test_under_an_idempotency_key_the_fastest_stays_the_fastest(tmp_path: Path, stays: bool) -> None:
    """The slower one is ended as without the key, and a retry gets what the client got, or would have got."""
    async with serving() as mock:
        text = configuration(
            entry("slow", mock.port, model=SLOW, **PRICES),
            entry("b", mock.port, model="openai/mock,delay_ms=1000", **PRICES),
        )
        async with accounted(text, tmp_path) as gateway:
            asked, again = ask("slow,b", fastest_response=True), {"idempotency-key": "k1"}
            if stays:
                first = await asyncio.wait_for(gateway.send("POST", CHAT, asked, again), 15)
                assert first.headers["x-litellm-model-group"] == "b"
            else:
                async with aiohttp.ClientSession() as session:
                    headers = {"authorization": f"Bearer {KEY}", **again}
                    with pytest.raises(TimeoutError):
                        await asyncio.wait_for(session.post(f"{gateway.url}{CHAT}", json=asked, headers=headers), 0.3)
            second = await asyncio.wait_for(gateway.send("POST", CHAT, asked, again), 15)
            found = await rows(gateway)
        assert len(mock.provider.books.captures) == 2
    assert second.headers["x-litellm-model-group"] == "b"
    assert second.headers["x-tollbridge-idempotent-replay"] == "true"
    assert second.json()["model"] == "mock,delay_ms=1000"
    paid = [row["model_group"] for row in found if row["status"] == "success" and row["completion_tokens"]]
    assert paid == ["b"]
    assert gateway.gateway.load.drains == 0
