"""A random program of faults against one gateway, a step at a time; at its end ledger, bill and clients are compared.

    program = await Program.begin(house, "p1")     keys of its own: several programs may use one house, in turn
    await program.send(shapes)                     requests that are under way from now on
    await program.kill() ... freeze, lock, unlock, walk_out, squeeze
    await program.glance()                         what must hold at any moment
    problems = await program.end()

A step does not wait for requests, so that faults overlap. All keys have a budget and limits, so that each request under
way holds something of both: `glance` counts these against the requests.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import signal
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from bench.audit.books import Ledger, read_bill, read_ledger
from bench.audit.clients import PATHS, Asked, Seen, ask
from bench.audit.clients import Path as Route
from bench.audit.house import POLL_S, House
from bench.audit.models import FAULTY, SOUND, WIRES
from bench.audit.reckon import Reckoning, reckon

MODELS = (*SOUND, *FAULTY)
FROZEN_S = 0.2
PATIENCE_S = 60.0
GLANCES = 200
OUTCOMES = {"ok", "client_error", "upstream_error", "gateway_error", "cancelled", "timeout"}
WIDE = {"rpm_limit": 1_000_000, "tpm_limit": 1_000_000_000, "max_parallel_requests": 10_000}
KEYS: Mapping[str, Mapping[str, Any]] = {
    "wide": {**WIDE, "max_budget": 100.0},
    "thrifty": {**WIDE, "max_budget": 0.006},
    "slow": {**WIDE, "max_budget": 100.0, "rpm_limit": 6},
    "narrow": {**WIDE, "max_budget": 100.0, "max_parallel_requests": 2},
    "brief": {**WIDE, "max_budget": 100.0, "tpm_limit": 900},
}


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """A request, but for its name. `model`, `key`: as `MODELS` and `KEYS` are numbered."""

    model: int
    key: int
    path: Route
    wire: str
    stream: bool = False
    usage: bool = False
    retries: int = 0
    leaves_after_s: float | None = None
    leaves_reading: bool = False


class Program:
    def __init__(self, house: House, name: str) -> None:
        self._house = house
        self._name = name
        self._keys: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._count = itertools.count(1)
        self._tasks: dict[asyncio.Task[Seen], Asked] = {}
        self._done: list[Seen] = []
        self._lock: sqlite3.Connection | None = None
        self._session: aiohttp.ClientSession | None = None
        self._most_under_way = 0
        self.kills = 0
        self.problems: list[str] = []
        self.reckoning = Reckoning()

    @classmethod
    async def begin(cls, house: House, name: str) -> Program:
        program = cls(house, name)
        if not house.up.is_set():
            await house.start()
        for key, fields in KEYS.items():
            made = await house.manage("/key/generate", {"key_alias": f"{name}-{key}", **fields})
            program._keys[key], program._ids[key] = made["key"], made["token"]
        program._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return program

    # --- steps

    async def send(self, shapes: Sequence[Shape]) -> None:
        assert self._session is not None
        for shape in shapes:
            asked = self._asked(shape)
            self._tasks[asyncio.create_task(ask(self._session, self._house.url, asked))] = asked
        self._most_under_way = max(self._most_under_way, sum(not task.done() for task in self._tasks))
        await asyncio.sleep(0)

    async def some_answers(self, count: int) -> None:
        """Until so many of those under way have ended, or all have."""
        waiting = {task for task in self._tasks if not task.done()}
        for _ in range(min(count, len(waiting))):
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if not waiting:
                return

    async def kill(self) -> None:
        self.kills += 1
        await self._house.kill()
        await self._house.start()

    async def freeze(self) -> None:
        """Stopped for a while, as a virtual machine may be, and on again."""
        self._house.signal(signal.SIGSTOP)
        await asyncio.sleep(FROZEN_S)
        self._house.signal(signal.SIGCONT)

    async def lock(self) -> None:
        """The database is somebody else's for a while."""
        if self._lock is None:
            self._lock = await asyncio.to_thread(_locked, self._house.home / "tollbridge.db")

    async def unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def walk_out(self) -> None:
        """All clients leave."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._gather()

    async def squeeze(self, key: int, rpm: int) -> None:
        """Another limit, while requests are under way. Not while nobody can write it down."""
        if self._lock is None:
            id = list(self._ids.values())[key]
            await self._house.manage("/key/update", {"key": id, "rpm_limit": rpm})

    async def glance(self) -> None:
        """What must hold at any moment: each request under way holds a place and something of a budget; nobody else.
        One whose key is asked for once more, as after a freeze, holds nothing yet: that is over in a moment."""
        for _ in range(GLANCES):
            shown = await self._house.metrics()
            under_way = shown["tollbridge_inflight"]
            holds = (shown["tollbridge_budget_holds"], shown["tollbridge_limit_places"])
            if holds == (under_way, under_way):
                return
            await asyncio.sleep(POLL_S)
        self.problems.append(f"{under_way} requests are under way, budgets and limits hold {holds}")

    async def end(self) -> list[str]:
        """Waits for all that is under way, and compares."""
        try:
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._gather()
            await self.unlock()
            shown = await self._house.at_rest()
            if (
                shown["tollbridge_budget_held_usd"]
                or shown["tollbridge_budget_holds"]
                or shown["tollbridge_limit_places"]
            ):
                self.problems.append(f"nothing is under way, and something is held: {shown}")
            await self._compare()
        finally:
            if self._session is not None:
                await self._session.close()
            await self.unlock()
        return self.problems

    # --- the end

    async def _compare(self) -> None:
        own = f"{self._name}x"
        bill = [line for line in read_bill(await self._house.bill()) if line.mark.startswith(own)]
        ledger = _of_keys(read_ledger(self._house.home / "tollbridge.db"), set(self._ids.values()))
        found = self.reckoning = reckon(self._done, bill, ledger, MODELS)
        self.problems += found.problems
        if found.in_flight and not self.kills:
            self.problems.append(f"nothing was killed, and the ledger lacks {found.in_flight}")
        self._judge_budgets(ledger)
        await self._judge_log()

    def _judge_budgets(self, ledger: Ledger) -> None:
        """Overspent by no more than what was under way at once."""
        for name, fields in KEYS.items():
            id = self._ids[name]
            costs = [entry.row["cost_nanousd"] or 0 for entry in ledger.entries if entry.row["key_id"] == id]
            most = round(fields["max_budget"] * 1e9) + sum(sorted(costs)[-self._most_under_way :])
            if sum(costs) > most:
                self.problems.append(f"{name} spent {sum(costs)}, of {most} with all that was under way")

    async def _judge_log(self) -> None:
        """Each request that its client was told the end of has one line, and one outcome."""
        wanted = {one.request_id for one in self._done if one.request_id and one.fate not in ("lost", "left")}
        async with asyncio.timeout(PATIENCE_S):
            while True:
                lines = [json.loads(line) for line in self._house.log.read_bytes().splitlines() if line.endswith(b"}")]
                logged = Counter(line["request_id"] for line in lines)
                if self.kills or wanted <= logged.keys():
                    break
                await asyncio.sleep(POLL_S)
        twice = [id for id, count in logged.items() if count > 1]
        if twice:
            self.problems.append(f"logged more than once: {twice}")
        strange = {line.get("outcome", "ok") for line in lines} - OUTCOMES
        if strange:
            self.problems.append(f"outcomes: {strange}")

    def _gather(self) -> None:
        for task, asked in self._tasks.items():
            self._done.append(Seen(asked, "left") if task.cancelled() else task.result())
        self._tasks.clear()

    def _asked(self, shape: Shape) -> Asked:
        return Asked(
            mark=f"{self._name}x{next(self._count)}",
            key=list(self._keys.values())[shape.key],
            path=shape.path,
            model=f"{MODELS[shape.model].name}-{shape.wire}",
            stream=shape.stream,
            usage=shape.usage,
            retries=shape.retries,
            leaves_after_s=shape.leaves_after_s,
            leaves_reading=shape.leaves_reading and shape.stream,
        )


def _locked(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    return connection


def _of_keys(ledger: Ledger, ids: set[str]) -> Ledger:
    return Ledger(
        [entry for entry in ledger.entries if entry.row["key_id"] in ids],
        {place: row for place, row in ledger.daily.items() if place[1] in ids},
        {id: spend for id, spend in ledger.spend.items() if id in ids},
    )


def random_shape(chance: random.Random) -> Shape:
    leaving = chance.random()
    return Shape(
        model=chance.randrange(len(MODELS)),
        key=chance.randrange(len(KEYS)),
        path=chance.choice(PATHS),
        wire=chance.choice(WIRES),
        stream=chance.random() < 0.6,
        usage=chance.random() < 0.5,
        retries=chance.choice((0, 0, 1)),
        leaves_after_s=chance.uniform(0, 0.05) if leaving < 0.1 else None,
        leaves_reading=leaving > 0.9,
    )


async def random_step(program: Program, chance: random.Random) -> str:
    """Takes one step, most often sending; its name."""
    step = chance.choices(
        ("send", "some_answers", "kill", "freeze", "lock", "unlock", "walk_out", "squeeze"), (30, 20, 3, 3, 4, 6, 2, 4)
    )[0]
    match step:
        case "send":
            await program.send([random_shape(chance) for _ in range(chance.randint(1, 12))])
        case "some_answers":
            await program.some_answers(chance.randint(1, 12))
        case "squeeze":
            await program.squeeze(chance.randrange(len(KEYS)), chance.choice((0, 5, 1_000_000)))
        case _:
            await getattr(program, step)()
    return step
