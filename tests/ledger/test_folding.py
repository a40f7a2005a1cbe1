"""A key's spend and what memory knows of it are of one moment: no fold stands between the row and the book."""

from __future__ import annotations

import asyncio

import pytest

from tests.databases import database, database_url
from tests.ledger.records import record
from tollbridge.ledger import folding
from tollbridge.ledger.book import Book
from tollbridge.ledger.folding import Folding
from tollbridge.observe.ulid import Ulids
from tollbridge.policy.keyring import Keyring
from tollbridge.policy.minting import digest_of
from tollbridge.policy.principal import Principal
from tollbridge.store.database import Database
from tollbridge.store.entries import EntryStore
from tollbridge.store.key import Key
from tollbridge.store.keys import KeyStore

__all__ = ["database", "database_url"]

PEPPER = b"p" * 32
TEXT = b"sk-a-key-in-words-of-their-own-for-this-test"
BUDGET = 10**9


class House:
    """What a process has of keys, without a server."""

    def __init__(self, database: Database) -> None:
        digest = digest_of(PEPPER, TEXT)
        self.id = digest.hex()
        self.keys, self.entries = KeyStore(database), EntryStore(database)
        self.folding, self.book = Folding(), Book()
        self.ring = Keyring(self.keys, PEPPER, counting=self.folding, read=self.book.read)
        self.key = Key(id=self.id, digest=digest, name="k", max_budget_nanousd=BUDGET, created_at=1.0, updated_at=1.0)
        self.ulids = Ulids()

    async def find(self) -> Key:
        found = self.ring.find(TEXT)
        principal = found if isinstance(found, Principal) else await found
        assert principal.key is not None
        return principal.key

    def fold(self, *costs: int) -> None:
        """As the folder's thread and the loop do it."""
        records = [record(id=self.ulids.next(), key_id=self.id, cost_nanousd=cost) for cost in costs]
        self.folding.begins()
        self.entries.fold(records)
        self.book.folded(records)
        self.folding.told(self.folding.begun)


async def test_a_key_that_is_read_between_commit_and_telling_is_read_again(database: Database) -> None:
    house = House(database)
    await house.keys.insert(house.key)
    asked: list[asyncio.Task[Key]] = []

    async def ask() -> None:
        asked.append(asyncio.ensure_future(house.find()))
        await asyncio.sleep(0.05)
        assert not asked[0].done(), "it waits until the book was told"

    records = [record(id=house.ulids.next(), key_id=house.id, cost_nanousd=700)]
    house.folding.begins()
    await asyncio.to_thread(house.entries.fold, records)
    await ask()
    house.book.folded(records)
    house.folding.told(house.folding.begun)
    await asked[0]
    assert house.book.spent(house.id) == 700


async def test_a_fold_that_begins_while_a_key_is_read_makes_it_be_read_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(database)
    await house.keys.insert(house.key)
    get, times = house.keys.get_by_digest, []

    async def slowly(digest: bytes, *, as_kept: bool) -> Key | None:
        times.append(1)
        if len(times) == 1:
            records = [record(id=house.ulids.next(), key_id=house.id, cost_nanousd=700)]
            house.folding.begins()
            await asyncio.to_thread(house.entries.fold, records)
            found = await get(digest)
            house.book.folded(records)
            house.folding.told(house.folding.begun)
            return found
        return await get(digest)

    monkeypatch.setattr(house.keys, "get_by_digest", slowly)
    await house.find()
    assert len(times) == 2
    assert house.book.spent(house.id) == 700


async def test_what_is_settled_and_not_folded_counts_beside_the_row_once(database: Database) -> None:
    house = House(database)
    await house.keys.insert(house.key)
    hold = house.book.reserve(await house.find(), 1000)
    entry = record(id=house.ulids.next(), key_id=house.id, cost_nanousd=300)
    hold.settle(entry)
    await asyncio.to_thread(house.fold, 50)  # another's, of the same key
    house.ring.forget(house.id)
    await house.find()
    assert house.book.spent(house.id) == 350
    house.folding.begins()
    await asyncio.to_thread(house.entries.fold, [entry])
    house.book.folded([entry])
    house.folding.told(house.folding.begun)
    house.ring.forget(house.id)
    await house.find()
    assert house.book.spent(house.id) == 350


async def test_a_fold_that_is_stuck_keeps_no_key_out(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first waits for it. What the row says is not believed then, but its limits are."""
    monkeypatch.setattr(folding, "REST_S", 0.05)
    house = House(database)
    await house.keys.insert(house.key)
    house.folding.begins()
    assert (await house.find()).max_budget_nanousd == BUDGET
    asked = house.ring.asked
    await house.find()
    assert house.ring.asked == asked, "it is kept"
    assert house.book.spent(house.id) is None
    monkeypatch.setattr(folding, "REST_S", 3600.0)
    house.ring.forget(house.id)
    await house.find()
    house.folding.told(house.folding.begun)
    house.ring.forget(house.id)
    await house.find()
    assert house.book.spent(house.id) == 0


def test_between_one_fold_and_the_next_nothing_is_said_of_the_one_before() -> None:
    counting = Folding()
    counting.begins()
    first = counting.begun
    counting.begins()
    counting.told(first)  # the loop was slower than the folder
    assert not counting.rested_since(first)
    counting.told(counting.begun)
    assert counting.rested_since(counting.begun)
