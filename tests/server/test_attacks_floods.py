"""Rows S59, S63 and S74 of the attack matrix through a whole gateway: what strangers cost, what a key can get beyond
its budget, and what either can grow.

Below: tests/policy/test_keyring.py (lookups), tests/policy/test_limits.py, tests/ledger/test_book.py (exactness),
tests/server/test_worst_case.py (no spelling of a request gets under its bound).
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bench.mock_upstream import serving
from tests.server.accounted import Accounted, accounted
from tests.server.faults import CHAT, MESSAGES, ask, configuration, entry, hasten, recorded
from tests.server.http.raw import connected
from tests.server.served import KEY
from tests.server.test_attacks_routes import statements
from tollbridge.home import new_key
from tollbridge.observe.log import STRANGERS_PER_S
from tollbridge.policy import keyring

STRANGERS = 10_000
DISTINCT = 300


def strangers() -> list[str]:
    """Most show nothing that could be a key; some show one that could, each once or again and again."""
    shown = [f"sk-garbage{n}" for n in range(0, STRANGERS, 2)] + ["", "eyJhbGciOiJub25lIn0.e30.", "' OR 1=1 --"] * 1000
    repeated = new_key()
    shown += [new_key() for _ in range(DISTINCT)] + [repeated] * 500
    return shown + ["sk-short"] * (STRANGERS - len(shown))


async def test_s59_strangers_cost_no_write_few_reads_and_no_room(tmp_path: Path) -> None:
    async with serving() as mock, accounted(configuration(entry("m", mock.port)), tmp_path) as gateway:
        database = gateway.home / "tollbridge.db"
        sizes = database.stat().st_size, database.with_name("tollbridge.db-wal").stat().st_size
        shown = strangers()
        distinct = {key for key in shown if key.startswith("sk-") and len(key) >= 16}
        with statements(gateway) as said:
            async with connected(gateway.listener) as wire:
                for at in range(0, STRANGERS, 100):
                    heads = (f"POST {CHAT} HTTP/1.1\r\nhost: a\r\nx-api-key: {key}\r\n" for key in shown[at : at + 100])
                    await wire.send("".join(f"{head}content-length: 2\r\n\r\n{{}}" for head in heads).encode())
                    for _ in range(100):
                        assert (await wire.answer()).status in (401, 503)
        lookups = [one for one in said if "FROM keys " in one]
        assert len(lookups) <= len(distinct) <= STRANGERS
        kept_house = r"SELECT|BEGIN|COMMIT|ROLLBACK|PRAGMA|DELETE FROM (entries|attempts|idempotent_replies|replies)\b"
        assert not [one for one in said if not re.match(kept_house, one)]
        assert (database.stat().st_size, database.with_name("tollbridge.db-wal").stat().st_size) == sizes
        assert gateway.accounts.ledger.journal.appended == 0
        assert not [file for file in (gateway.home / "journal").glob("*.journal") if file.stat().st_size]
        assert len(gateway.accounts.keyring._negative) <= min(keyring.NEGATIVE_MAX, len(distinct))
        assert not gateway.accounts.keyring._asking
        assert not mock.provider.books.requests
        seconds = gateway.records[-1].at - gateway.records[0].at
    lines = gateway.log.read_text().splitlines()
    counted = sum(int(found[1]) for line in lines if (found := re.search(r'"unlogged".*"count":(\d+)', line)))
    logged = sum('"event":"request"' in line for line in lines)
    assert logged <= STRANGERS_PER_S * (seconds + 2)
    assert logged + counted == STRANGERS


async def test_s59_many_strangers_at_once_hold_up_nobody_who_is_known(tmp_path: Path) -> None:
    async with serving() as mock, accounted(configuration(entry("m", mock.port)), tmp_path) as gateway:
        key = (await gateway.made())["key"]
        await gateway.accounts.keyring.hear()  # that it was made: then nothing changes while they ask
        assert (await gateway.send("POST", CHAT, ask(), key=key)).status == 200
        gateway.accounts.keyring.asked = 0
        flood = [asyncio.create_task(gateway.send("POST", CHAT, ask(), key=new_key())) for _ in range(90)]
        known = [asyncio.create_task(gateway.send("POST", CHAT, ask(), key=key)) for _ in range(9)]
        assert {answered.status for answered in await asyncio.gather(*known)} == {200}
        assert {answered.status for answered in await asyncio.gather(*flood)} <= {401, 503}
        assert gateway.accounts.keyring.asked <= 90


async def test_s74_no_key_no_user_and_no_model_that_a_client_names_becomes_a_label(tmp_path: Path) -> None:
    text = configuration(entry("m", 1), entry("any/*", 1, model="openai/*"), router={"num_retries": 0})
    async with serving() as mock:
        text = text.replace("127.0.0.1:1/", f"127.0.0.1:{mock.port}/")
        async with accounted(text, tmp_path) as gateway:
            keys = [await gateway.made(key_alias=f"alias-{n}", models=["m", f"any/{n}"]) for n in range(5)]
            await gateway.send("POST", CHAT, ask(), key=keys[0]["key"])
            await gateway.send("POST", CHAT, ask("any/0"), key=keys[0]["key"])
            await gateway.send("POST", CHAT, ask("nowhere"))
            await gateway.send("GET", "/nowhere")
            before = await series(gateway)
            for n, made in enumerate(keys):
                for body in (ask(user=f"user-{n}", metadata={"tags": [f"tag-{n}"]}), ask(f"any/{n}"), ask(f"m{n}")):
                    await gateway.send("POST", CHAT, body, {"user-agent": f"agent-{n}"}, key=made["key"])
                    await gateway.send("POST", CHAT, body)
                await gateway.send("POST", f"/engines/any%2Fengine{n}/chat/completions", ask())
                await gateway.send("GET", f"/nowhere/{n}")
                await gateway.send("GET", f"/key/info?key={made['token']}", key=made["key"])
            after = await series(gateway)
        new = {line for line in after - before if not line.startswith("tollbridge_ledger")}
        grown = [line for line in new if not re.search(r'endpoint="(/engines/\{id\}|/key/info)|status_class', line)]
        assert not grown
        for word in (
            "alias-",
            "user-",
            "tag-",
            "agent-",
            "any/1",
            "engine1",
            "m1",
            "nowhere/",
            *(k["token"] for k in keys),
        ):
            assert word not in "\n".join(after)


async def series(gateway: Accounted) -> set[str]:
    """The names and labels of what `/metrics` tells."""
    lines = (await gateway.send("GET", "/metrics", key=None)).body.decode().splitlines()
    return {line.rpartition(" ")[0] for line in lines if not line.startswith("#") and "_bucket" not in line}


PRICES = {"input_cost_per_token": 0.000001, "output_cost_per_token": 0.001}
"""Eight tokens of output, which is what the mock says, cost $0.008; nearly all of a request's price."""
BUDGET = 0.05
REQUEST = 0.009
"""What a request of the mock costs at most, with its input."""


def priced(port: int) -> str:
    return configuration(
        entry("m", port, **PRICES),
        entry("dear", port, **{name: 10 * price for name, price in PRICES.items()}),
        entry("paced", port, model="openai/paced,pace_ms=5,events=40", **PRICES),
        entry("fails", port, model="openai/fails,status=500", **PRICES),
        router={"model_group_alias": {"alias": "dear"}, "fallbacks": [{"fails": ["dear"]}], "disable_cooldowns": True},
    )


BYPASSES: dict[str, dict[str, Any]] = {
    "plainly": {},
    "as somebody else": {"user": "another"},
    "under other tags": {"metadata": {"tags": ["free"], "user_id": "another"}},
    "with a huge limit": {"max_tokens": 10**9},
    "with a limit of nothing": {"max_tokens": 0},
    "with a negative limit": {"max_tokens": -(2**62)},
    "with a limit in words": {"max_tokens": "8"},
    "with two limits": {"max_tokens": 1, "max_completion_tokens": 10**6},
    "by an alias": {"model": "alias"},
    "by a fallback": {"model": "fails"},
    "by a fallback with its own limit": {
        "model": "fails",
        "max_tokens": 1,
        "fallbacks": [{"model": "dear", "max_tokens": 64}],
    },
    "as many answers": {"n": 128},
    "as a stream": {"stream": True},
    "with many retries": {"num_retries": 20},
}


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_s63_no_way_of_asking_gets_more_than_one_request_beyond_the_budget(tmp_path: Path, path: str) -> None:
    """Ten at once, wave after wave, until all are refused: what the provider billed is at most the budget and the price
    of one request."""
    async with serving() as mock, accounted(priced(mock.port), tmp_path) as gateway:
        hasten(gateway)
        for way, fields in BYPASSES.items():
            made = await gateway.made(max_budget=BUDGET)
            begun = mock.provider.books.output_tokens
            dear = 10 if fields.get("model") in ("alias", "fails") else 1
            for _ in range(40):
                body = {**ask(), **fields}
                wave = await asyncio.gather(*(gateway.send("POST", path, body, key=made["key"]) for _ in range(10)))
                if not any(answered.status == 200 for answered in wave):
                    break
            else:
                pytest.fail(f"{way}: never refused")
            billed = (mock.provider.books.output_tokens - begun) * PRICES["output_cost_per_token"] * dear
            assert billed <= BUDGET + REQUEST * dear, way
            assert {answered.status for answered in wave} <= {400, 429}, way
            assert way not in ("plainly", "as a stream") or billed > BUDGET / 2, "it could be used"


async def test_s63_streams_that_are_left_are_paid_for(tmp_path: Path) -> None:
    """To leave before the end saves nothing that the provider has begun to say."""
    async with serving() as mock, accounted(priced(mock.port), tmp_path) as gateway:
        made = await gateway.made(max_budget=BUDGET)
        headers = {"authorization": f"Bearer {made['key']}"}
        served = 0
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
            for _ in range(40):
                told = await session.post(gateway.url + CHAT, json=ask("paced", stream=True), headers=headers)
                if told.status != 200:
                    break
                served += 1
                for _ in range(3):
                    await told.content.readany()
                told.close()
                record = await recorded(gateway, served + 1)
                assert record.outcome == "cancelled"
                assert record.cost_nanousd
                assert record.estimated
        assert told.status == 429
        assert 0 < served < 40
        assert gateway.accounts.book.held == 0


async def test_s63_a_request_that_is_repeated_by_its_idempotency_key_is_billed_once_and_no_other_is_free(
    tmp_path: Path,
) -> None:
    async with serving() as mock, accounted(priced(mock.port), tmp_path) as gateway:
        mine, other = [await gateway.made(max_budget=1) for _ in range(2)]
        same = {"idempotency-key": "one-and-the-same"}
        first = await gateway.send("POST", CHAT, ask(), same, key=mine["key"])
        again = await gateway.send("POST", CHAT, ask(), same, key=mine["key"])
        assert (again.status, again.body) == (200, first.body)
        assert len(mock.provider.books.captures) == 1
        theirs = await gateway.send("POST", CHAT, ask(), same, key=other["key"])
        assert theirs.json()["id"] != first.json()["id"], "another key's answer is nobody else's"
        for path, body in ((CHAT, ask(text="another")), (CHAT, ask(max_tokens=65))):
            assert (await gateway.send("POST", path, body, same, key=mine["key"])).status == 422
        elsewhere = await gateway.send("POST", "/engines/dear/chat/completions", ask(), same, key=mine["key"])
        assert elsewhere.json()["id"] != first.json()["id"]
        await gateway.send("POST", "/key/update", {"key": mine["token"], "models": ["dear"]})
        refused = await gateway.send("POST", CHAT, ask(), same, key=mine["key"])
        assert refused.status == 403, "what it may no longer ask for it is not told again"
        await gateway.send("POST", "/key/block", {"key": mine["token"]})
        assert (await gateway.send("POST", CHAT, ask(), same, key=mine["key"])).status == 401
        assert (await gateway.send("POST", CHAT, ask(), same, key=KEY)).json()["id"] != first.json()["id"]
