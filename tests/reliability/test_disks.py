"""Rows R27 and R33 of the fault matrix at the level of the whole gateway: a journal that was damaged while nobody held
it, and volumes without room. Nothing is lost but what was hit, and that is told."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from bench.audit.books import Ledger, read_bill, read_ledger
from bench.audit.clients import Seen
from bench.audit.house import POLL_S, House, house
from bench.audit.kills import make_key
from bench.audit.models import PLAIN, Model
from bench.audit.reckon import Reckoning, reckon
from tests.reliability.asking import asked, locked

ROOM = 100
"""Bytes, of each file: not a line fits."""
SLOW = Model("slow", "events=40,pace_ms=20")


async def audited(gateway: House, seen: list[Seen]) -> tuple[Ledger, Reckoning, dict[str, float]]:
    shown = await gateway.at_rest()
    ledger = read_ledger(gateway.home / "tollbridge.db")
    return ledger, reckon(seen, read_bill(await gateway.bill()), ledger, gateway.models), shown


async def until(gateway: House, name: str, value: float) -> dict[str, float]:
    """What the metrics say once one of them says this."""
    async with asyncio.timeout(30):
        while (shown := await gateway.metrics())[name] != value:
            await asyncio.sleep(POLL_S)
    return shown


async def readiness(gateway: House) -> tuple[int, str]:
    async with gateway.session.get(gateway.url + "/readyz") as answer:
        return answer.status, (await answer.json())["status"]


async def test_r27_a_torn_tail_and_flipped_bits_cost_what_they_hit_and_are_told_exactly(tmp_path: Path) -> None:
    async with house(tmp_path, [PLAIN]) as gateway:
        key = await make_key(gateway, "k", {"max_budget": 10.0})
        seen = await asked(gateway, key, "a1", "a2")
        await gateway.at_rest()
        with locked(gateway):
            seen += await asked(gateway, key, *(f"b{n}" for n in range(1, 7)))
            await gateway.kill()
        (file,) = (gateway.home / "journal").glob("*.journal")
        data = bytearray(file.read_bytes())
        lines = {json.loads(line.partition(b" ")[2])["user"]: line for line in data.splitlines(keepends=True)}
        assert list(lines) == [one.asked.mark for one in seen]
        hit = {mark: data.index(lines[mark]) for mark in ("a2", "b2")}
        for offset in hit.values():
            data[offset + 50] ^= 4
        del data[-20:]
        file.write_bytes(data)
        await gateway.start()
        told = gateway.said
        seen += await asked(gateway, key, "c1", "c2")
        ledger, found, _ = await audited(gateway, seen)
        kept = file.with_name(file.name + ".damaged")
        assert kept.read_bytes() == data
    assert f"its {len(lines['b6']) - 20} bytes are dropped (1 entry)" in told
    assert told.count("IS DAMAGED") == 2
    for mark, offset in hit.items():
        assert f"IS DAMAGED: {len(lines[mark]) - 1} bytes at offset {offset} are no entry" in told
    assert {entry.mark for entry in ledger.entries} == {"a1", "a2", "b1", "b3", "b4", "b5", "c1", "c2"}, (
        "a2 was in the database before"
    )
    assert sorted(problem.partition(" ")[0] for problem in found.problems) == ["b2", "b6"]
    assert all("is not in the ledger" in problem for problem in found.problems)


@pytest.mark.parametrize("serves", [False, True], ids=["refusing", "serving"])
async def test_r33_a_full_volume_loses_nothing_and_is_refused_or_served_as_the_operator_says(
    tmp_path: Path, serves: bool
) -> None:
    """Journal, database and request log are on the same one."""
    async with house(tmp_path, [PLAIN, SLOW], serve_without_journal=serves) as gateway:
        key = await make_key(gateway, "k", {"max_budget": 10.0})
        seen = await asked(gateway, key, "a1", "a2")
        await gateway.at_rest()
        under_way = asyncio.create_task(asked(gateway, key, "b1", "b2", model="slow-openai", stream=True))
        await until(gateway, "tollbridge_streams", 1)
        gateway.give_room(ROOM)
        shown = await until(gateway, "tollbridge_ledger_journal_failing", 1)
        assert (shown["tollbridge_ledger_journal_unwritten"], shown["tollbridge_ledger_lost_total"]) == (1, 0)
        assert await readiness(gateway) == ((200, "ledger_failing") if serves else (503, "ledger_unavailable"))
        seen += await under_way
        seen += await asked(gateway, key, "c1", "c2")
        assert seen[2].fate == "whole", "it was under way"
        for one in seen[3:]:
            if serves:
                assert one.fate == "whole"
            else:
                assert (one.status, one.error["error"]["code"]) == (503, "ledger_unavailable")
                assert one.headers["retry-after"] == "1"
        gateway.give_room(None)
        await until(gateway, "tollbridge_ledger_journal_failing", 0)
        assert await readiness(gateway) == (200, "healthy")
        seen += await asked(gateway, key, "d1", "d2")
        ledger, found, shown = await audited(gateway, seen)
        logged = gateway.log.read_bytes().count(b'"event":"request"')
    assert found.problems == []
    assert found.in_flight == []
    assert len(ledger.entries) == (8 if serves else 5)
    assert (shown["tollbridge_ledger_journal_unwritten"], shown["tollbridge_ledger_lost_total"]) == (0, 0)
    assert gateway.said.count("THE LEDGER'S JOURNAL CANNOT BE WRITTEN") == 1
    assert gateway.said.count("the ledger's journal is written again") == 1
    assert gateway.said.count("THE REQUEST LOG CANNOT BE WRITTEN") == 1
    assert shown["tollbridge_log_dropped_total"] >= 1
    assert logged + shown["tollbridge_log_dropped_total"] == len(seen) + 1, "and that which made the key"


async def test_r33_what_is_in_memory_while_the_volume_is_full_outlives_a_stop_once_there_is_room(
    tmp_path: Path,
) -> None:
    async with house(tmp_path, [PLAIN], serve_without_journal=True) as gateway:
        key = await make_key(gateway, "k", {})
        gateway.give_room(ROOM)
        seen = await asked(gateway, key, *(f"a{n}" for n in range(8)))
        gateway.give_room(None)
        assert await gateway.stop() == 0
        await gateway.start()
        _, found, _ = await audited(gateway, seen)
    assert (found.problems, found.exact) == ([], 8)


async def test_r33_a_full_volume_of_logs_holds_up_nobody(tmp_path: Path) -> None:
    gateway = House(tmp_path, [PLAIN])
    gateway.log = Path("/dev/full")
    try:
        await gateway.open()
        key = await make_key(gateway, "k", {"max_budget": 10.0})
        seen = await asked(gateway, key, *(f"a{n}" for n in range(50)))
        _, found, shown = await audited(gateway, seen)
        assert await gateway.stop() == 0
    finally:
        await gateway.close()
    assert (found.problems, found.exact) == ([], 50)
    assert shown["tollbridge_log_dropped_total"] == 51
    assert gateway.said.count("THE REQUEST LOG CANNOT BE WRITTEN: [Errno 28]") == 1
