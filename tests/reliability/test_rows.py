"""Rows R11 to R17, R22, R44, R45, R48 and R64 of the fault matrix: what the ledger of a real gateway says after each,
against the provider's bill (`bench.audit.reckon` compares tokens, costs, ids, sums). What clients are told then
stands in tests/server/test_faults_streams.py and its neighbours.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from bench.audit.books import Billed, Entry, read_bill, read_ledger
from bench.audit.clients import CHAT, PATHS, Asked, Fate, Seen, ask
from bench.audit.house import House, house
from bench.audit.kills import make_key
from bench.audit.models import PLAIN, WIRES, Model
from bench.audit.program import MODELS
from bench.audit.reckon import Reckoning, reckon
from tests.reliability.asking import asked, locked

LATE = Model("late", "delay_ms=2000,events=6")
LONG = Model("long", "events=100,pace_ms=100")
"""Nobody waits for their ends: longer than a busy machine, or the tokenizer's first count, may hold up anybody."""


class Found(msgspec.Struct, frozen=True):
    seen: dict[str, Seen]
    bill: list[Billed]
    entries: dict[str, Entry]
    reckoning: Reckoning
    shown: dict[str, float]

    def of(self, seen: Seen) -> Entry:
        return self.entries[seen.asked.mark]

    def lines(self, seen: Seen) -> list[Billed]:
        return [line for line in self.bill if line.mark == seen.asked.mark]


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, MODELS) as opened:
        yield opened


async def found_after(gateway: House, requests: list[Asked], at_once: int = 8) -> Found:
    gate = asyncio.Semaphore(at_once)

    async def one(session: aiohttp.ClientSession, asked: Asked) -> Seen:
        async with gate:
            return await ask(session, gateway.url, asked)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        seen = await asyncio.gather(*(one(session, asked) for asked in requests))
        shown = await gateway.at_rest()
    bill, ledger = read_bill(await gateway.bill()), read_ledger(gateway.home / "tollbridge.db")
    reckoning = reckon(seen, bill, ledger, gateway.models)
    assert reckoning.problems == []
    assert reckoning.in_flight == []
    entries = {entry.mark: entry for entry in ledger.entries}
    return Found({one.asked.mark: one for one in seen}, bill, entries, reckoning, shown)


ROWS: dict[str, tuple[Fate, Fate, str, bool]] = {
    "plain": ("whole", "whole", "ok", False),
    "split": ("whole", "whole", "ok", False),
    "twice": ("whole", "whole", "ok", False),
    "plain-text": ("whole", "whole", "ok", False),
    "closing": ("whole", "whole", "ok", False),
    "stale": ("whole", "whole", "ok", False),
    "no-usage": ("whole", "whole", "ok", True),
    "null-usage": ("whole", "whole", "ok", True),
    "senseless-usage": ("whole", "whole", "ok", True),
    "cut": ("refused", "broken", "upstream_error", True),
    "reset": ("refused", "broken", "upstream_error", True),
    "erring": ("whole", "broken", "upstream_error", True),
    "silent": ("refused", "broken", "timeout", True),
    "page": ("refused", "refused", "upstream_error", True),
    "nothing": ("refused", "refused", "upstream_error", True),
    "refused": ("refused", "refused", "upstream_error", False),
    "failing": ("refused", "refused", "upstream_error", False),
}
"""By model: what the client sees of a whole answer, of a stream; what the ledger says of the one that failed, or of
both; whether its usage is an estimate."""


async def test_r11_to_r17_each_fault_is_entered_once_exact_or_estimated(gateway: House) -> None:
    key = await make_key(gateway, "k", {"max_budget": 10.0, "tpm_limit": 1_000_000_000})
    requests = [
        Asked(mark=f"a{n}", key=key, path=path, model=f"{model}-{wire}", stream=stream, usage=n % 2 == 0)
        for n, (model, path, wire, stream) in enumerate(itertools.product(ROWS, PATHS, WIRES, (False, True)))
    ]
    found = await found_after(gateway, requests)
    for seen in found.seen.values():
        model = seen.asked.model.rpartition("-")[0]
        whole, stream, outcome, estimated = ROWS[model]
        entry = found.of(seen)
        wanted = {stream if seen.asked.stream else whole}
        if model == "reset":
            wanted.add("refused")  # it takes along what was not read yet, the beginning perhaps
        told = (seen.asked, seen.error)
        assert seen.fate in wanted, told
        failed = seen.fate != "whole"
        assert entry.row["outcome"] == (outcome if failed else "ok"), told
        assert bool(entry.row["estimated"]) == (estimated and (failed or outcome == "ok")), told
        assert len(entry.parts) == 1, told
        assert len(found.lines(seen)) == (0 if model in ("refused", "failing") else 1), told


async def test_r15_a_client_that_did_not_ask_for_usage_sees_none_and_is_entered_exactly(gateway: House) -> None:
    key = await make_key(gateway, "k", {})
    requests = [
        Asked(mark=f"a{n}", key=key, path=PATHS[0], model=f"plain-{wire}", stream=True, usage=usage)
        for n, (wire, usage) in enumerate(itertools.product(WIRES, (False, True)))
    ]
    found = await found_after(gateway, requests)
    for seen in found.seen.values():
        assert (seen.tokens is not None) == seen.asked.usage
        (line,) = found.lines(seen)
        assert found.of(seen).parts[0].tokens == (line.input_tokens, line.output_tokens)


async def test_r22_a_client_that_leaves_is_entered_for_what_was_said_until_then(tmp_path: Path) -> None:
    ways: dict[str, dict[str, Any]] = {
        "hasty": {"leaves_after_s": 0.0},
        "waiting": {"leaves_after_s": 0.2},
        "listening": {"leaves_after_s": 0.2, "stream": True},
        "reading": {"leaves_reading": True, "stream": True},
    }
    async with house(tmp_path, [LATE, LONG]) as gateway:
        key = await make_key(gateway, "k", {"max_budget": 10.0, "rpm_limit": 1_000_000})
        requests = [
            Asked(
                mark=f"{how}{n}",
                key=key,
                path=path,
                model=f"{'long' if how == 'reading' else 'late'}-{wire}",
                **ways[how],
            )
            for n, (how, path, wire) in enumerate(itertools.product(ways, PATHS, WIRES))
        ]
        found = await found_after(gateway, requests, at_once=len(requests))
    assert {seen.fate for seen in found.seen.values()} == {"left"}
    assert (found.shown["tollbridge_budget_holds"], found.shown["tollbridge_limit_places"]) == (0, 0)
    for seen in found.seen.values():
        if seen.asked.leaves_after_s == 0.0:
            continue  # whether it came so far as to be sent, chance decides; `reckon` has judged it
        entry, lines = found.of(seen), found.lines(seen)
        assert (entry.row["outcome"], len(lines), len(entry.parts)) == ("cancelled", 1, 1)
        assert entry.parts[0].estimated
        assert entry.parts[0].tokens is not None
        assert bool(entry.parts[0].tokens[1]) == seen.asked.leaves_reading, seen.asked


async def test_r22_where_the_operator_wants_it_what_a_client_left_is_read_to_the_end(tmp_path: Path) -> None:
    async with house(tmp_path, MODELS, cancel_on_disconnect=False) as gateway:
        key = await make_key(gateway, "k", {"max_budget": 10.0})
        requests = [
            Asked(mark=f"a{n}", key=key, path=path, model=f"slow-{wire}", stream=True, leaves_reading=True)
            for n, (path, wire) in enumerate(itertools.product(PATHS, WIRES))
        ]
        found = await found_after(gateway, requests)
    assert [found.of(seen).row["estimated"] for seen in found.seen.values()] == [0] * 4
    assert [line.state for line in found.bill] == ["finished"] * 4


async def test_r44_an_attempt_that_was_billed_and_the_next_are_one_request(gateway: House) -> None:
    key = await make_key(gateway, "k", {"max_budget": 10.0})
    requests = [
        Asked(mark=f"a{n}", key=key, path=path, model=f"again-{wire}", stream=stream)
        for n, (path, wire, stream) in enumerate(itertools.product(PATHS, WIRES, (False, True)))
    ]
    requests += [
        Asked(mark=f"b{n}", key=key, path=path, model=f"page-{wire}", retries=2)
        for n, (path, wire) in enumerate(itertools.product(PATHS, WIRES))
    ]
    found = await found_after(gateway, requests)
    for seen in found.seen.values():
        entry, lines = found.of(seen), found.lines(seen)
        fell_back = seen.asked.mark.startswith("a")
        assert len(lines) == len(entry.parts) == entry.row["attempts"] == (2 if fell_back else 3)
        assert [part.estimated for part in entry.parts] == ([True, False] if fell_back else [True] * 3)
        assert entry.row["cost_nanousd"] == sum(part.cost_nanousd or 0 for part in entry.parts)


async def test_r45_a_repeated_request_has_the_first_answer_and_is_billed_once_also_after_a_kill(tmp_path: Path) -> None:
    async with house(tmp_path, [PLAIN, LATE]) as gateway:
        key = await make_key(gateway, "k", {"max_budget": 10.0})

        async def ask_again(mark: str, words: str = "the first") -> tuple[int, str | None, bytes]:
            body = {"model": f"{mark}-openai", "messages": [{"role": "user", "content": f"mark-{mark} {words}"}]}
            headers = {"authorization": f"Bearer {key}", "idempotency-key": mark, "x-litellm-customer-id": mark}
            async with gateway.session.post(gateway.url + CHAT, json=body, headers=headers) as answer:
                return answer.status, answer.headers.get("x-tollbridge-idempotent-replay"), await answer.read()

        at_once = await asyncio.gather(*(ask_again("late") for _ in range(8)))
        assert {(status, body) for status, _, body in at_once} == {(200, at_once[0][2])}
        assert sorted(replayed or "" for _, replayed, _ in at_once) == ["", *["true"] * 7]
        status, _, told = await ask_again("late", "another")
        assert (status, json.loads(told)["error"]["code"]) == (422, "idempotency_key_reused")

        first = await ask_again("plain")
        await gateway.kill()
        await gateway.start()
        assert await ask_again("plain") == (200, "true", first[2])
        await gateway.at_rest()
        bill = read_bill(await gateway.bill())
        ledger = read_ledger(gateway.home / "tollbridge.db")
    assert [line.mark for line in bill] == [entry.mark for entry in ledger.entries] == ["late", "plain"]


async def test_r48_an_unknown_price_is_no_price_and_a_free_one_is_nought(gateway: House) -> None:
    key = await make_key(gateway, "k", {"max_budget": 10.0})
    requests = [
        Asked(mark=f"{model}{wire}", key=key, path=PATHS[0], model=f"{model}-{wire}")
        for model, wire in itertools.product(("unpriced", "free"), WIRES)
    ]
    found = await found_after(gateway, requests)
    costs = {mark: entry.row["cost_nanousd"] for mark, entry in found.entries.items()}
    assert costs == {"unpricedopenai": None, "unpricedanthropic": None, "freeopenai": 0, "freeanthropic": 0}
    headers = {seen.asked.model: "x-tollbridge-cost-usd" in seen.headers for seen in found.seen.values()}
    assert headers == {model: model.startswith("free") for model in headers}


async def test_r48_another_price_holds_for_what_is_asked_from_then_on(tmp_path: Path) -> None:
    """Not for what a dead process left in its journal: that was priced when it was used."""
    prices = {"a": (2_000, 10_000), "b": (3_000, 25_000)}
    async with house(tmp_path, [msgspec.structs.replace(PLAIN, prices=prices["a"])]) as gateway:
        key = await make_key(gateway, "k", {"max_budget": 10.0})
        seen = await asked(gateway, key, "a1", "a2")
        await gateway.at_rest()
        with locked(gateway):
            seen += await asked(gateway, key, "a3", "a4")
            await gateway.kill()
        gateway.configure([msgspec.structs.replace(PLAIN, prices=prices["b"])])
        await gateway.start()
        seen += await asked(gateway, key, "b1", "b2")
        await gateway.at_rest()
        ledger = read_ledger(gateway.home / "tollbridge.db")
    costs = {}
    for one in seen:
        assert one.tokens is not None
        into, out = prices[one.asked.mark[0]]
        costs[one.asked.mark] = one.tokens[0] * into + one.tokens[1] * out
        assert float(one.headers["x-tollbridge-cost-usd"]) == costs[one.asked.mark] / 1e9
    assert {entry.mark: entry.row["cost_nanousd"] for entry in ledger.entries} == costs
    assert {entry.row["priced"] for entry in ledger.entries} == {"config"}
    assert (
        list(ledger.spend.values()) == [day["cost_nanousd"] for day in ledger.daily.values()] == [sum(costs.values())]
    )


async def test_r64_no_answer_goes_to_anothers_question(gateway: House) -> None:
    keys = [await make_key(gateway, f"k{n}", {}) for n in range(3)]
    models = ("plain", "slow", "split", "closing", "stale")
    requests = [
        Asked(
            mark=f"a{n}",
            key=keys[n % 3],
            path=PATHS[n % 2],
            model=f"{models[n % 5]}-{WIRES[n // 2 % 2]}",
            stream=n % 7 < 4,
            usage=True,
        )
        for n in range(1500)
    ]
    found = await found_after(gateway, requests, at_once=100)
    assert {seen.fate for seen in found.seen.values()} == {"whole"}
    assert found.reckoning.exact == len(requests)
