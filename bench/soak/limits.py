"""200 clients that never have enough, against requests and tokens a minute, in real time: each asks again as soon as it
is answered or, refused, when it is told to.

Wrong is: 60 seconds, wherever they begin, with more requests or tokens than the limit; over all minutes more than the
limit allows, or less by more than a hundredth.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import msgspec

from bench.audit.clients import PATHS, Asked, ask
from bench.audit.house import House, house
from bench.audit.kills import make_key
from bench.audit.models import PLAIN, WIRES
from bench.soak.outcome import Bounds, Outcome

CLIENTS = 200
MINUTE_S = 60.0
EARLY_S = 1.0
"""Clients stop so long before a minute begins that could not be filled."""
NEAR = 0.01
LIMITS = {"rpm_limit": 600, "tpm_limit": 60_000}


class Admitted(msgspec.Struct, frozen=True):
    """An answer: it was let in at some moment between `sent_s` and `told_s`. `amount`: what it counts for."""

    sent_s: float
    told_s: float
    amount: int


class Crowd:
    """`kind`: the limit that its key has."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.limit = LIMITS[kind]
        self.admitted: list[Admitted] = []
        self.refused = 0
        self.odd: list[str] = []
        self._number = itertools.count(1)

    async def run(self, gateway: House, until_s: float) -> None:
        key = await make_key(gateway, self.kind, {self.kind: self.limit})
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            await asyncio.gather(*(self._client(session, gateway, key, until_s) for _ in range(CLIENTS)))

    async def _client(self, session: aiohttp.ClientSession, gateway: House, key: str, until_s: float) -> None:
        while (sent_s := time.monotonic()) < until_s:
            number = next(self._number)
            seen = await ask(
                session,
                gateway.url,
                Asked(
                    mark=f"{self.kind[0]}{number}",
                    key=key,
                    path=PATHS[number % 2],
                    model=f"{PLAIN.name}-{WIRES[number // 2 % 2]}",
                    stream=number % 3 == 0,
                    usage=True,
                ),
            )
            if seen.fate == "whole" and seen.tokens is not None:
                amount = 1 if self.kind == "rpm_limit" else sum(seen.tokens)
                self.admitted.append(Admitted(sent_s, time.monotonic(), amount))
            elif seen.status == 429:
                self.refused += 1
                await asyncio.sleep(min(int(seen.headers["retry-after"]), until_s - time.monotonic() + EARLY_S))
            else:
                self.odd.append(f"{self.kind}: {seen.fate}, {seen.status}, {seen.error}")

    @property
    def total(self) -> int:
        return sum(one.amount for one in self.admitted)

    def judge(self, minutes: int) -> list[str]:
        problems, most = list(self.odd), fullest(self.admitted)
        if most > self.limit:
            problems.append(f"{self.kind}: {most} in a minute, of {self.limit}")
        if not (1 - NEAR) * self.limit * minutes <= self.total <= self.limit * minutes:
            problems.append(f"{self.kind}: {self.total} in {minutes} minutes, of {self.limit} in each")
        return problems


def soak(bounds: Bounds, directory: Path) -> Outcome:
    return asyncio.run(_soak(bounds, directory))


async def _soak(bounds: Bounds, directory: Path) -> Outcome:
    minutes = max(1, int(bounds.seconds / (MINUTE_S + EARLY_S)))
    crowds = [Crowd(kind) for kind in LIMITS]
    async with house(directory, [PLAIN]) as gateway:
        until_s = time.monotonic() + minutes * (MINUTE_S + EARLY_S) - 2 * EARLY_S
        await asyncio.gather(*(crowd.run(gateway, until_s) for crowd in crowds))
        await gateway.at_rest()
    figures = [("clients", f"{CLIENTS} for each limit, over {minutes} minutes")]
    for crowd in crowds:
        share = crowd.total / (crowd.limit * minutes)
        figures.append(
            (
                crowd.kind,
                f"{crowd.limit:,}: let in {crowd.total:,} ({share:.2%}), in the fullest 60 s "
                f"{fullest(crowd.admitted):,}; {crowd.refused:,} refusals",
            )
        )
    return Outcome(figures, [problem for crowd in crowds for problem in crowd.judge(minutes)])


def fullest(admitted: Sequence[Admitted]) -> int:
    """The most that was let in for certain within 60 seconds, wherever they begin."""
    most, ordered = 0, sorted(admitted, key=lambda one: one.sent_s)
    for first, begun in enumerate(ordered):
        ends = begun.sent_s + MINUTE_S
        inside = ordered[first : bisect_left(ordered, ends, key=lambda one: one.sent_s)]
        most = max(most, sum(one.amount for one in inside if one.told_s < ends))
    return most
