"""Row R32 of the fault matrix at the level of the whole gateway, and promise P8: who is known is served while somebody
else keeps the database, and what they cost is there afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bench.audit.books import Ledger, read_bill, read_ledger
from bench.audit.house import POLL_S, House, house
from bench.audit.kills import make_key
from bench.audit.models import SOUND
from bench.audit.reckon import reckon
from tests.cli.test_serve import run as run_command
from tests.reliability.asking import asked, locked

PRICE_OF_ONE_USD = 0.0005
"""About: a prompt of some 140 tokens and 6 tokens of output."""


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, SOUND) as opened:
        yield opened


async def entered(gateway: House, count: int) -> Ledger:
    """The ledger, once it has so many entries."""
    async with asyncio.timeout(60):
        while True:
            ledger = read_ledger(gateway.home / "tollbridge.db")
            if len(ledger.entries) >= count:
                return ledger
            await asyncio.sleep(POLL_S)


async def test_who_is_known_is_served_and_entered_when_it_is_back(gateway: House) -> None:
    known = await make_key(gateway, "known", {"max_budget": 1.0})
    seen = await asked(gateway, known, "a1")
    with locked(gateway):
        seen += await asked(gateway, known, *(f"a{n}" for n in range(2, 8)))
    assert {one.fate for one in seen} == {"whole"}
    ledger = await entered(gateway, 7)
    found = reckon(seen, read_bill(await gateway.bill()), ledger, SOUND)
    assert found.problems == []
    assert found.in_flight == []


async def test_it_starts_beside_a_locked_database_and_knows_later_what_the_dead_process_spent(gateway: House) -> None:
    key = await make_key(gateway, "thrifty", {"max_budget": 5 * PRICE_OF_ONE_USD})
    (first,) = await asked(gateway, key, "a1")
    with locked(gateway):
        spent = [first, *await asked(gateway, key, *(f"a{n}" for n in range(2, 30)))]
        assert spent[-1].error["error"]["code"] == "budget_exceeded"
        await gateway.kill()
        await gateway.start()
        after = await asked(gateway, key, "b1")
        assert {one.fate for one in after} == {"whole"}, "what was spent cannot be known now"
    await gateway.says("found in the journals of processes that have ended")
    (last,) = await asked(gateway, key, "c1")
    assert last.error["error"]["code"] == "budget_exceeded"


def test_a_start_on_what_is_no_database_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    (home / "tollbridge.db").write_bytes(b"This is no database. " * 500)
    monkeypatch.setenv("TOLLBRIDGE_HOME", str(home))
    said = run_command("serve", "--port", "0", "--log", "none", code=1).output
    assert "tollbridge.db" in said
    assert "Traceback" not in said
