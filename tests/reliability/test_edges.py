"""Rows R41 to R43 of the fault matrix at the level of the whole gateway, and promise P3: 200 clients at once at the
edge of a budget, of requests a minute, of tokens a minute."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bench.audit.books import read_bill, read_ledger
from bench.audit.clients import CHAT, MESSAGES, PATHS, Asked, Seen, ask
from bench.audit.house import House, house
from bench.audit.kills import make_key
from bench.audit.models import PLAIN, WIRES
from bench.audit.reckon import reckon

CLIENTS = 200
MINUTE_S = 60


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, [PLAIN]) as opened:
        yield opened


async def crowd(gateway: House, key: str) -> tuple[list[Seen], int]:
    """What clients see that ask at once, each until it is refused, and then one that asks alone until it is; over how
    many minutes."""
    number, seen, began = itertools.count(1), list[Seen](), time.monotonic()

    async def client(session: aiohttp.ClientSession) -> None:
        while True:
            mark = next(number)
            asked = Asked(
                mark=f"e{mark}",
                key=key,
                path=PATHS[mark % 2],
                model=f"plain-{WIRES[mark // 2 % 2]}",
                stream=mark % 3 == 0,
                usage=True,
            )
            seen.append(await ask(session, gateway.url, asked))
            if seen[-1].fate == "refused":
                return

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(client(session) for _ in range(CLIENTS)))
        await client(session)
    return seen, 1 + int(time.monotonic() - began) // MINUTE_S


async def checked(gateway: House, seen: list[Seen]) -> int:
    """Ledger, bill and clients agree. What all of it cost, in nano-dollars."""
    assert {one.fate for one in seen} == {"whole", "refused"}
    shown = await gateway.at_rest()
    assert (shown["tollbridge_budget_holds"], shown["tollbridge_limit_places"]) == (0, 0)
    ledger = read_ledger(gateway.home / "tollbridge.db")
    found = reckon(seen, read_bill(await gateway.bill()), ledger, [PLAIN])
    assert found.problems == []
    assert len(ledger.entries) == sum(one.fate == "whole" for one in seen), "a refusal asks nobody"
    return sum(entry.row["cost_nanousd"] for entry in ledger.entries)


async def test_r41_a_budget_is_overspent_by_one_request_at_most_and_used_to_its_end(gateway: House) -> None:
    budget = 100_000_000
    key = await make_key(gateway, "edge", {"max_budget": budget / 1e9})
    seen, _ = await crowd(gateway, key)
    spent = await checked(gateway, seen)
    dearest = max(tokens[0] * 2_000 + tokens[1] * 10_000 for one in seen if (tokens := one.tokens))
    assert budget <= spent < budget + dearest
    told = {one.error["error"]["message"].partition("!")[0] for one in seen if one.fate == "refused"}
    assert told <= {"Budget has been exceeded", "Budget is held by requests under way"}


async def test_r42_requests_a_minute_are_let_in_as_often_as_the_limit_says(gateway: House) -> None:
    limit = 300
    key = await make_key(gateway, "edge", {"rpm_limit": limit})
    seen, minutes = await crowd(gateway, key)
    await checked(gateway, seen)
    assert limit <= sum(one.fate == "whole" for one in seen) <= limit * minutes
    assert sum(one.fate == "refused" for one in seen) == CLIENTS + 1


async def test_r43_tokens_a_minute_are_reserved_and_settled_to_within_a_hundredth(gateway: House) -> None:
    limit = 60_000
    key = await make_key(gateway, "edge", {"tpm_limit": limit})
    seen, minutes = await crowd(gateway, key)
    await checked(gateway, seen)
    used = sum(sum(one.tokens) for one in seen if one.fate == "whole" and one.tokens)
    assert 0.99 * limit <= used <= 1.01 * limit * minutes


LIMITS: dict[str, tuple[dict[str, object], str, str, set[str]]] = {
    "rpm": ({"rpm_limit": 1}, "rate_limit_exceeded", "rate_limit_error", {"requests"}),
    "tpm": ({"tpm_limit": 220}, "rate_limit_exceeded", "rate_limit_error", {"tokens"}),
    "budget": ({"max_budget": 0.0001}, "budget_exceeded", "budget_exceeded", set()),
}


@pytest.mark.parametrize("name", LIMITS)
async def test_the_429_is_the_dialects_own_with_what_is_left_and_when_to_come_again(gateway: House, name: str) -> None:
    fields, chat_code, chat_type, limited = LIMITS[name]
    key = await make_key(gateway, "edge", fields)
    async with aiohttp.ClientSession() as session:
        first = await ask(session, gateway.url, Asked(mark="a1", key=key, path=CHAT, model="plain-openai"))
        refused = [
            await ask(
                session, gateway.url, Asked(mark=f"a{n}", key=key, path=path, model=f"plain-{wire}", stream=stream)
            )
            for n, (path, wire, stream) in enumerate(itertools.product(PATHS, WIRES, (False, True)), 2)
        ]
    assert first.fate == "whole"
    for one in refused:
        assert (one.status, one.headers["content-type"]) == (429, "application/json")
        error = one.error["error"]
        if one.asked.path == MESSAGES:
            assert one.error["type"] == "error"
            assert error["type"] == "rate_limit_error"
        else:
            assert (error["code"], error["type"], error["param"]) == (chat_code, chat_type, None)
        for noun in limited:
            assert one.headers[f"x-ratelimit-remaining-{noun}"].isdecimal()
            assert one.headers[f"x-ratelimit-api_key-limit-{noun}"] == str(next(iter(fields.values())))
            assert 1 <= int(one.headers["retry-after"]) <= MINUTE_S
