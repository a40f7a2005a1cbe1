"""Decision 29: the cost of a stream stands in its final usage chunk, where operator and client want it, and is the
ledger's."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bench.mock_upstream import serving
from tests.server.accounted import accounted
from tests.server.faults import (
    CHAT,
    DONE,
    MESSAGES,
    PAIR_IDS,
    PAIRS,
    STOP,
    USAGE,
    always,
    ask,
    chunk,
    configuration,
    ended,
    entry,
    events_of,
    stream,
    streaming,
    word,
)
from tests.server.served import served
from tests.transport.upstream import Peer, Upstream, chunked
from tollbridge.model.money import spell_dollars

PRICES = {"input_cost_per_token": 0.000002, "output_cost_per_token": 0.00001}
ON = {"include_cost_in_streaming_usage": True}
ASKS = {"stream_options": {"include_usage": True}}
LAST = chunk(choices=[], usage=USAGE)
COST = "0.000026"  # 3 and 2 tokens


def usages(body: bytes) -> list[dict[str, Any]]:
    chunks = [json.loads(data) for _, data in events_of(body) if data != "[DONE]"]
    return [said["usage"] for said in chunks if said.get("usage")]


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
async def test_the_cost_is_in_the_last_usage_chunk_and_is_the_ledgers(tmp_path: Path, wire: str) -> None:
    async with serving() as mock:
        text = configuration(entry("m", mock.port, wire, **PRICES), litellm=ON)
        async with accounted(text, tmp_path) as gateway:
            key = (await gateway.made(max_budget=1))["key"]
            answered = await gateway.send("POST", CHAT, ask(stream=True, **ASKS), key=key)
            await asyncio.to_thread(gateway.accounts.ledger.folder.catch_up)
            [row] = (await gateway.send("GET", "/spend/logs")).json()
    assert ended(CHAT, answered.body)
    usage = usages(answered.body)[-1]
    nanousd = usage["prompt_tokens"] * 2_000 + usage["completion_tokens"] * 10_000
    assert row["metadata"]["tollbridge"]["cost_nanousd"] == nanousd > 0
    assert f'"cost":{spell_dollars(nanousd)}' in answered.body.decode()
    assert usage["cost"] == row["spend"]
    assert answered.body.count(b'"cost"') == 1
    assert "x-tollbridge-cost-usd" not in answered.headers


@pytest.mark.parametrize("wire", ["openai", "anthropic"])
async def test_formats_that_always_tell_usage_tell_the_cost_in_it(tmp_path: Path, wire: str) -> None:
    async with serving() as mock:
        text = configuration(entry("m", mock.port, wire, **PRICES), litellm=ON)
        async with accounted(text, tmp_path) as gateway:
            messages = await gateway.send("POST", MESSAGES, ask(stream=True))
            responses = await gateway.send("POST", "/v1/responses", {"model": "m", "input": "hi", "stream": True})
            await asyncio.to_thread(gateway.accounts.ledger.folder.catch_up)
            second, first = (await gateway.send("GET", "/spend/logs")).json()
    told = [json.loads(data) for _, data in events_of(messages.body)]
    [delta] = [event for event in told if event["type"] == "message_delta"]
    assert delta["usage"]["cost"] == first["spend"] > 0
    assert told[-1] == {"type": "message_stop"}
    told = [json.loads(data) for _, data in events_of(responses.body) if data != "[DONE]"]
    assert told[-1]["type"] == "response.completed"
    assert told[-1]["response"]["usage"]["cost"] == second["spend"] > 0
    assert (messages.body + responses.body).count(b'"cost"') == 2


@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_it_is_told_to_nobody_else(tmp_path: Path, path: str, wire: str) -> None:
    """Not where the operator does not want it, not to who was to ask and did not."""
    answers = []
    async with serving() as mock:
        for settings in ({}, ON):
            async with served(configuration(entry("m", mock.port, wire, **PRICES), litellm=settings), tmp_path) as one:
                for asked in ({}, ASKS) if path == CHAT else ({},):
                    answers.append((settings, asked, await one.post(path, ask(stream=True, **asked))))
    for settings, asked, answered in answers:
        assert ended(path, answered.body)
        assert (b'"cost"' in answered.body) == (settings == ON and (asked == ASKS or path != CHAT))


async def test_a_client_that_is_always_told_usage_is_told_the_cost(tmp_path: Path) -> None:
    async with serving() as mock:
        always_told = {"always_include_stream_usage": True}
        text = configuration(entry("m", mock.port, **PRICES), litellm=ON, general=always_told)
        async with served(text, tmp_path) as gateway:
            assert b'"cost"' in (await gateway.post(CHAT, ask(stream=True))).body


async def test_a_price_that_nobody_knows_is_not_told(tmp_path: Path) -> None:
    whole = stream(word("a"), STOP, LAST, DONE)
    async with Upstream(always(whole)) as upstream:
        for params, cost in (({}, False), (PRICES, True)):
            text = configuration(entry("m", upstream.port, **params), litellm=ON)
            async with served(text, tmp_path) as gateway:
                answered = await gateway.post(CHAT, ask(stream=True, **ASKS))
                assert (gateway.records[0].cost_nanousd is not None) == cost
            assert (f'"cost":{COST}'.encode() in answered.body) == cost
            if not cost:
                assert answered.body == word("a") + STOP + LAST + DONE


async def test_the_words_come_before_the_end_is_known(tmp_path: Path) -> None:
    """The client waits for nothing but the usage chunk, which comes with the end."""
    told = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        head, _, end = stream(word("a"), STOP, LAST, DONE).partition(chunked(DONE))
        peer.send(head)
        await told.wait()
        peer.send(chunked(DONE) + end)

    async with Upstream(script) as upstream:
        async with served(configuration(entry("m", upstream.port, **PRICES), litellm=ON), tmp_path) as gateway:
            async with streaming(gateway, CHAT, ask(stream=True, **ASKS)) as answer:
                first = b""
                while not first.endswith(STOP):
                    first += await answer.content.readany()
                assert first == word("a") + STOP
                told.set()
                rest = await answer.content.read()
    assert f'"cost":{COST}'.encode() in rest
    assert rest.endswith(DONE)
    [record] = gateway.records
    assert (record.outcome, spell_dollars(record.cost_nanousd or 0)) == ("ok", COST)


async def test_a_stream_that_is_cut_ends_with_its_error_and_without_a_cost(tmp_path: Path) -> None:
    cut = stream(word("a"), LAST)
    async with Upstream(always(cut)) as upstream:
        async with served(configuration(entry("m", upstream.port, **PRICES), litellm=ON), tmp_path) as gateway:
            answered = await gateway.post(CHAT, ask(stream=True, **ASKS))
    assert answered.body.startswith(word("a") + LAST)
    assert b'"error"' in answered.body
    assert b'"cost"' not in answered.body
    [record] = gateway.records
    assert (record.outcome, record.error_class) == ("upstream_error", "Truncated")


@pytest.mark.parametrize("cancel", [True, False], ids=["cancelled", "drained"])
async def test_a_client_that_left_is_still_one_that_left(tmp_path: Path, cancel: bool) -> None:
    left = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        whole = stream(word("a"), STOP, LAST, DONE)
        head, middle, end = whole.partition(chunked(STOP))
        peer.send(head)
        await left.wait()
        peer.send(middle + end)

    general = {"cancel_on_disconnect": cancel}
    async with Upstream(script) as upstream:
        text = configuration(entry("m", upstream.port, **PRICES), litellm=ON, general=general)
        async with served(text, tmp_path) as gateway:
            async with streaming(gateway, CHAT, ask(stream=True, **ASKS)) as answer:
                await answer.content.readany()
            while not (gateway.records if cancel else gateway.gateway.load.drains):
                await asyncio.sleep(0.001)
            left.set()
            while not gateway.records:
                await asyncio.sleep(0.001)
    [record] = gateway.records
    assert (record.status, record.outcome, record.estimated) == (499, "cancelled", cancel)
    assert cancel or spell_dollars(record.cost_nanousd or 0) == COST
