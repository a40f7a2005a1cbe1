"""Models paid by the second, or whose searches alone cost: budgets bind them, and a stream is paid to its end."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bench.mock_upstream import serving
from tests.server.accounted import Accounted, accounted
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
    ask,
    chunk,
    configuration,
    entry,
    error_of,
    word,
)
from tests.transport.upstream import Peer, Upstream, answer, chunked

BY_TIME = {"input_cost_per_second": 0.5}
NANO = 1_000_000_000


async def row_of(gateway: Accounted) -> dict[str, Any]:
    await asyncio.to_thread(gateway.accounts.ledger.folder.catch_up)
    [row] = (await gateway.send("GET", "/spend/logs")).json()
    told: dict[str, Any] = row["metadata"]["tollbridge"]
    return told


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_a_stream_is_paid_until_its_end_and_not_until_its_first_event(tmp_path: Path, path: str) -> None:
    pause = 0.3

    async def script(peer: Peer) -> None:
        while await peer.request():
            peer.send(EVENTS_HEAD, chunked(word("so ")))
            await asyncio.sleep(pause)
            peer.send(chunked(word("slow"), STOP, chunk(choices=[], usage=USAGE), DONE), LAST)

    async with Upstream(script) as upstream:
        async with accounted(configuration(entry("m", upstream.port, **BY_TIME)), tmp_path) as gateway:
            answered = await gateway.post(path, ask(stream=True))
            told = await row_of(gateway)
    assert answered.status == 200
    assert told["cost_nanousd"] >= pause * 0.5 * NANO
    assert told["cost_nanousd"] == round(told["bill"]["took_us"] * 500)


@pytest.mark.parametrize(("path", "wire"), PAIRS, ids=PAIR_IDS)
async def test_a_budget_binds_what_is_paid_by_the_second(tmp_path: Path, path: str, wire: str) -> None:
    """No time that it may take is left to pay for, and it takes some: the first spends the budget, on trust."""
    async with serving() as mock:
        text = configuration(entry("m", mock.port, wire, timeout=20, **BY_TIME))
        async with accounted(text, tmp_path) as gateway:
            key = (await gateway.made(max_budget=0.000001))["key"]
            first, second = [await gateway.send("POST", path, ask(), key=key) for _ in range(2)]
            told = await row_of(gateway)
    assert (first.status, second.status) == (200, 429)
    assert error_of(path, second.json())["type"] == ("budget_exceeded" if path == CHAT else "rate_limit_error")
    assert told["cost_nanousd"] > 1_000


async def test_what_is_held_of_a_budget_is_the_price_of_the_time_that_is_waited(tmp_path: Path) -> None:
    asked, told = asyncio.Event(), asyncio.Event()

    async def script(peer: Peer) -> None:
        while await peer.request():
            asked.set()
            await told.wait()
            peer.send(answer(json.dumps(WHOLE).encode()))

    async with Upstream(script) as upstream:
        text = configuration(entry("m", upstream.port, timeout=20, **BY_TIME))
        async with accounted(text, tmp_path) as gateway:
            key = (await gateway.made(max_budget=100))["key"]
            first = asyncio.ensure_future(gateway.send("POST", CHAT, ask(), key=key))
            await asked.wait()
            assert gateway.accounts.book.held == 20 * 0.5 * NANO
            told.set()
            await first
            assert gateway.accounts.book.held == 0


async def test_a_budget_that_is_spent_refuses_a_model_whose_searches_alone_cost(tmp_path: Path) -> None:
    async with serving() as mock:
        free = {"input_cost_per_token": 0, "output_cost_per_token": 0}
        searches = free | {"search_context_cost_per_query": {"search_context_size_medium": 0.01}}
        text = configuration(entry("m", mock.port, **searches), entry("free", mock.port, **free))
        async with accounted(text, tmp_path) as gateway:
            key = (await gateway.made(max_budget=0))["key"]
            refused, let_in = [await gateway.send("POST", CHAT, ask(model), key=key) for model in ("m", "free")]
    assert (refused.status, let_in.status) == (429, 200)
