"""SIGKILL at random instants under load, and what the ledger says after: done-when 1 of the accountable gateway.

Clients ask without a pause, whole answers and streams, relayed and translated, with keys that have budgets and limits.
The gateway is killed, started again on the same home, killed again. Then the clients stop, and all is compared.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import random
import time
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import msgspec

from bench.audit.books import Billed, Ledger, read_bill, read_ledger
from bench.audit.clients import PATHS, Asked, Seen, ask
from bench.audit.house import House, house
from bench.audit.models import SLOW, SOUND, WIRES
from bench.audit.reckon import Reckoning, reckon

CLIENTS = 24
ASKED = (*SOUND, SLOW, SLOW, SLOW)
ANSWERS_MAX = 60
INSTANT_S = 0.03
"""It is killed so many answers after it started, at the most, and a moment later: a slow machine sees as much as a
quick one."""
KEYS: Mapping[str, Mapping[str, object]] = {
    "unlimited": {},
    "wide": {"max_budget": 100.0, "rpm_limit": 1_000_000, "tpm_limit": 1_000_000_000, "max_parallel_requests": 1000},
    "thrifty": {"max_budget": 0.02},
    "slow": {"rpm_limit": 120},
}
"""`thrifty` is spent after some tens of requests, `slow` is refused most of the time."""


class Killed(msgspec.Struct, frozen=True):
    """`under_way`: requests that a client was waiting for, at each kill."""

    reckoning: Reckoning
    seen: list[Seen]
    bill: list[Billed]
    ledger: Ledger
    under_way: list[int]


async def kill_often(directory: Path, kills: int, seed: int, within_s: float = math.inf) -> Killed:
    """`within_s`: fewer kills where they would take longer."""
    until = time.monotonic() + within_s
    chance = random.Random(seed)
    async with house(directory, SOUND) as gateway:
        keys = {name: await make_key(gateway, name, fields) for name, fields in KEYS.items()}
        crowd = Crowd(gateway, list(keys.values()), chance)
        asking = asyncio.ensure_future(crowd.run())
        under_way = []
        for _ in range(kills):
            if time.monotonic() > until:
                break
            await crowd.answers(chance.randint(1, ANSWERS_MAX))
            await asyncio.sleep(chance.uniform(0, INSTANT_S))
            under_way.append(crowd.under_way)
            await gateway.kill()
            await gateway.start()
        crowd.stopping = True
        await asking
        await gateway.at_rest()
        bill = read_bill(await gateway.bill())
        if await gateway.stop() != 0:
            raise RuntimeError(f"the gateway did not end well: {gateway.said[-2000:]}")
        ledger = read_ledger(gateway.home / "tollbridge.db")
    found = reckon(crowd.seen, bill, ledger, SOUND)
    if len(found.in_flight) > sum(under_way):
        found.problems.append(f"{len(found.in_flight)} are missing, {sum(under_way)} were under way at the kills")
    return Killed(found, crowd.seen, bill, ledger, under_way)


async def make_key(gateway: House, name: str, fields: Mapping[str, object]) -> str:
    made = await gateway.manage("/key/generate", {"key_alias": name, **fields})
    return str(made["key"])


class Crowd:
    """Clients that ask as long as they may; while nobody listens they wait."""

    def __init__(self, gateway: House, keys: list[str], chance: random.Random) -> None:
        self._gateway = gateway
        self._keys = keys
        self._chance = chance
        self._count = itertools.count(1)
        self.seen: list[Seen] = []
        self.under_way = 0
        self.stopping = False
        self._awaited = 0
        self._answered = asyncio.Event()

    async def answers(self, count: int) -> None:
        """Until so many more have come."""
        self._awaited = len(self.seen) + count
        self._answered.clear()
        await self._answered.wait()

    async def run(self) -> None:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            await asyncio.gather(*(self._client(session) for _ in range(CLIENTS)))

    async def _client(self, session: aiohttp.ClientSession) -> None:
        while not self.stopping:
            await self._gateway.up.wait()
            self.under_way += 1
            try:
                seen = await ask(session, self._gateway.url, self._next())
            finally:
                self.under_way -= 1
            self.seen.append(seen)
            if len(self.seen) >= self._awaited:
                self._answered.set()

    def _next(self) -> Asked:
        chance = self._chance
        return Asked(
            mark=f"k{next(self._count)}",
            key=chance.choice(self._keys),
            path=chance.choice(PATHS),
            model=f"{chance.choice(ASKED).name}-{chance.choice(WIRES)}",
            stream=chance.random() < 0.6,
            usage=chance.random() < 0.5,
        )
