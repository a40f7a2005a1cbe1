"""A state directory as a gateway leaves it: keys, and a ledger with so many rows.

Keys have all that can be asked of each request (models, a budget, limits), and so much of it that nothing is refused.
Rows are entered by the ledger's own store, in batches of the size that it folds in.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from tollbridge.home import Home
from tollbridge.observe.record import Record
from tollbridge.observe.ulid import Ulids
from tollbridge.policy.minting import Minted, mint
from tollbridge.policy.pepper import check_pepper
from tollbridge.store.database import Database
from tollbridge.store.entries import EntryStore
from tollbridge.store.key import Key
from tollbridge.store.key_tables import KEYS
from tollbridge.store.keys import key_row

ASKED_WITH_MAX = 1_000
"""So many different keys ask in turn, where there are as many."""
BATCH = 1_000
PLENTY = 1_000_000_000
DAYS = 60
DEAREST = 1_000_000 * 1_000_000_000  # a million dollars


class Stock(msgspec.Struct, frozen=True):
    keys: int = 1
    rows: int = 0


def fill(home: Path, stock: Stock, models: tuple[str, ...]) -> list[str]:
    """Makes the directory. `models`: what the keys may ask for. Returns the keys to ask with."""
    state = Home.of({"TOLLBRIDGE_HOME": str(home)})
    database = Database.open(state.database_url(None))
    try:
        pepper = state.pepper()
        check_pepper(database, pepper)
        minted = [mint(pepper) for _ in range(stock.keys)]
        keys = [_key(one, models) for one in minted]
        for at in range(0, len(keys), BATCH):
            rows = [key_row(key) for key in keys[at : at + BATCH]]

            async def add(connection: AsyncConnection, rows: list[dict[str, object]] = rows) -> None:
                await connection.execute(insert(KEYS), rows)

            database.run_sync(add)
        entries, ids = EntryStore(database), [one.id for one in minted]
        for batch in _records(stock.rows, ids):
            entries.fold(batch)
    finally:
        database.close()
    return [one.text.reveal() for one in minted[:ASKED_WITH_MAX]]


def _key(minted: Minted, models: tuple[str, ...]) -> Key:
    return Key(
        id=minted.id,
        digest=minted.digest,
        name=minted.name,
        models=models,
        max_budget_nanousd=DEAREST,
        rpm=PLENTY,
        tpm=PLENTY * 1_000,
        parallel=PLENTY,
        created_at=time.time(),
        updated_at=time.time(),
        minted_by="bench",
    )


def _records(count: int, keys: list[str]) -> Iterator[list[Record]]:
    """Spread over the last days, oldest first."""
    began = time.time() - DAYS * 86_400
    step_s = DAYS * 86_400 / max(count, 1)
    moment = [began]
    ulids = Ulids(lambda: int(moment[0] * 1e9))
    batch = []
    for number in range(count):
        moment[0] = began + number * step_s
        batch.append(_record(number, moment[0], ulids.next(), keys[number % len(keys)]))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


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
