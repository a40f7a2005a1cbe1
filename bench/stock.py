"""What a gateway has in its database before it is asked: keys, and a ledger with so many rows.

The keys that ask are made over `/key/generate`, with all that can be asked of each request (models, a budget, limits)
and so much of it that nothing is refused. Those that only are there, and the rows, are written by the gateway's own
stores, the rows in batches of the size that the ledger folds in.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bench import ask
from tollbridge.home import Home
from tollbridge.observe.record import Record
from tollbridge.observe.ulid import Ulids
from tollbridge.policy.minting import ID, Minted, mint
from tollbridge.store.database import Database
from tollbridge.store.entries import EntryStore
from tollbridge.store.key import Key
from tollbridge.store.key_tables import KEYS
from tollbridge.store.keys import key_row

ASKING_MAX = 1_000
"""So many different keys ask in turn, where there are as many."""
LIMITS = {"max_budget": 1e6, "rpm_limit": 10**9, "tpm_limit": 10**12, "max_parallel_requests": 10**6}
BATCH = 1_000
DAYS = 60


class Stock(msgspec.Struct, frozen=True):
    """`keys`: of which at most `ASKING_MAX` ask."""

    keys: int = 1
    rows: int = 0

    @property
    def asking(self) -> int:
        return min(self.keys, ASKING_MAX)


def generate_keys(port: int, admin: Mapping[str, str], models: Sequence[str], count: int) -> tuple[str, ...]:
    """Keys that a running gateway makes; they may ask for `models`."""
    wish = msgspec.json.encode({"models": list(models), **LIMITS})
    return tuple(_generate(port, admin, wish) for _ in range(count))


def _generate(port: int, admin: Mapping[str, str], wish: bytes) -> str:
    status, answer = ask.post(port, "/key/generate", dict(admin), wish)
    told: Any = msgspec.json.decode(answer)
    if status != 200 or told.get("warnings"):
        raise OSError(f"/key/generate: {status} {answer[:300].decode(errors='replace')}")
    return str(told["key"])


def fill(home: Path, stock: Stock, asking: Sequence[str]) -> None:
    """What the stock has beside the keys that ask, whose the rows are. No gateway runs on `home` now."""
    state = Home.of({"TOLLBRIDGE_HOME": str(home)})
    database = Database.open(state.database_url(None))
    try:
        pepper = state.pepper()
        idle = (_key(mint(pepper)) for _ in range(stock.keys - len(asking)))
        while rows := [key_row(key) for key in islice(idle, BATCH)]:

            async def add(connection: AsyncConnection, rows: list[dict[str, Any]] = rows) -> None:
                await connection.execute(insert(KEYS), rows)

            database.run_sync(add)
        entries = EntryStore(database)
        records = _records(stock.rows, [key[ID] for key in asking])
        while batch := list(islice(records, BATCH)):
            entries.fold(batch)
    finally:
        database.close()


def _key(minted: Minted) -> Key:
    return Key(
        id=minted.id,
        digest=minted.digest,
        name=minted.name,
        max_budget_nanousd=10**15,
        rpm=10**9,
        tpm=10**12,
        parallel=10**6,
        created_at=time.time(),
        updated_at=time.time(),
        minted_by="bench",
    )


def _records(count: int, keys: Sequence[str]) -> Iterator[Record]:
    """Spread over the last days, oldest first."""
    began = time.time() - DAYS * 86_400
    step_s = DAYS * 86_400 / max(count, 1)
    moment = [began]
    ulids = Ulids(lambda: int(moment[0] * 1e9))
    for number in range(count):
        moment[0] = began + number * step_s
        yield _record(number, moment[0], ulids.next(), keys[number % len(keys)])


def _record(number: int, at: float, id: str, key: str) -> Record:
    return Record(
        id=id,
        at=at,
        request_id=f"req_stock{number:019d}",
        answer_id=f"chatcmpl-stock{number:019d}",
        key_id=key,
        endpoint="chat",
        model_requested="stock",
        group="stock",
        deployment="stock",
        provider="openai",
        model=f"stock-{number % 7}",
        status=200,
        outcome="ok",
        attempts=1,
        duration_ms=812.5,
        tokens={"input": 900 + number % 100, "output": 100 + number % 50},
        cost_nanousd=1_000_000 + number % 1000,
        priced="config",
        peer="127.0.0.1",
    )
