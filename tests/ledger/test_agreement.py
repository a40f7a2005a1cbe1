"""The book in memory and the key's row in the database, whatever comes between them: a real SQLite file, one clock."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.databases import fresh_sqlite
from tests.ledger.records import record
from tollbridge.ledger.book import Book, Hold
from tollbridge.observe import Record
from tollbridge.observe.ulid import Ulids
from tollbridge.store.costs import Correction, CostStore
from tollbridge.store.database import Database
from tollbridge.store.entries import EntryStore
from tollbridge.store.key import Key
from tollbridge.store.keys import KeyStore
from tollbridge.store.periods import next_reset

START = 1_795_600_000.0  # 2026-11-25
DURATIONS = st.sampled_from(["30s", "1h", "1d", "3d", "30d", None])
ID = "abcd1234"


@contextmanager
def opened() -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "tollbridge.db"
        database = Database.open(fresh_sqlite(file))
        try:
            yield database
        finally:
            database.close()


class BookAndRow(RuleBasedStateMachine):
    """Costs are settled, folded late and in any order; the process dies and its entries are recovered; the operator
    changes the key; time passes. Once all is folded, both say the same, and so does a book that is opened anew. After a
    clock that stepped back the book may say more, never less."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.stepped = self.was_set = False
        self.scope = opened()
        self.database = self.scope.__enter__()
        self.keys = KeyStore(self.database, clock=lambda: self.now)
        self.entries = EntryStore(self.database, clock=lambda: self.now)
        self.costs = CostStore(self.database, clock=lambda: self.now)
        self.in_database: list[Record] = []
        self.under_way: list[tuple[Hold, Record]] = []
        self.waiting: list[Record] = []
        self.begin()

    def teardown(self) -> None:
        self.scope.__exit__(None, None, None)

    def begin(self) -> None:
        """A process."""
        self.book = Book(clock=lambda: self.now)
        self.ulids = Ulids(lambda: int(self.now * 1e9))
        self.under_way.clear()

    def read(self) -> Key:
        """As the keyring does."""
        key = asyncio.run(self.keys.get_by_digest(b"k", as_kept=True))
        assert key is not None
        return key

    @initialize(duration=DURATIONS)
    def make(self, duration: str | None) -> None:
        key = Key(id=ID, digest=b"k", name="k", max_budget_nanousd=10**12, created_at=START, updated_at=START)
        asyncio.run(self.keys.insert(lasting(key, duration, START)))
        self.key = self.read()

    @rule(cost=st.integers(0, 1000))
    def ask(self, cost: int) -> None:
        hold = self.book.reserve(self.key, 1000)
        self.under_way.append((hold, record(id="", key_id=ID, cost_nanousd=cost)))

    @precondition(lambda self: self.under_way)
    @rule(chance=st.randoms(use_true_random=False), at_once=st.booleans(), first=st.booleans())
    def end(self, chance: random.Random, at_once: bool, first: bool) -> None:
        """`first`: it is folded before its last bytes are out."""
        hold, entry = self.under_way.pop(chance.randrange(len(self.under_way)))
        entry.id = self.ulids.next()
        if at_once and first:
            self.fold([entry])
        hold.settle(entry)
        if not (at_once and first):
            self.waiting.append(entry)
        if at_once and not first:
            self.fold_some(chance)

    @precondition(lambda self: self.waiting)
    @rule(chance=st.randoms(use_true_random=False))
    def fold_some(self, chance: random.Random) -> None:
        chance.shuffle(self.waiting)
        count = chance.randint(1, len(self.waiting))
        batch, self.waiting = self.waiting[:count], self.waiting[count:]
        self.fold(batch)

    def fold(self, batch: list[Record]) -> None:
        self.entries.fold(batch)
        self.in_database += batch
        self.book.folded(batch)

    @precondition(lambda self: self.in_database)
    @rule(chance=st.randoms(use_true_random=False), cost=st.integers(0, 1000))
    def price_anew(self, chance: random.Random, cost: int) -> None:
        """In another process, for less or for more. This one hears of it."""
        place = chance.randrange(len(self.in_database))
        before = self.in_database[place]
        after = self.in_database[place] = msgspec.structs.replace(before, cost_nanousd=cost)
        asyncio.run(self.costs.correct([Correction(before, after)]))
        self.hear()

    @rule(cost=st.integers(1, 1000), before_s=st.floats(0, 90_000))
    def recover(self, cost: int, before_s: float) -> None:
        """What another process settled before it died."""
        id = Ulids(lambda: int((self.now - before_s) * 1e9)).next()
        lost = record(id=id, key_id=ID, cost_nanousd=cost)
        self.entries.fold([lost], again=True)
        self.book.recovered([lost])
        self.hear()  # the keyring forgot the key

    @rule()
    def die(self) -> None:
        """The next process folds what is left before it serves."""
        if self.waiting:
            self.entries.fold(self.waiting, again=True)
            self.waiting = []
        self.begin()
        self.key = self.read()

    @rule(duration=DURATIONS, heard=st.booleans())
    def change(self, duration: str | None, heard: bool) -> None:
        asyncio.run(self.keys.update(ID, lambda key: lasting(key, duration, self.now)))
        if heard:
            self.hear()

    @precondition(lambda self: not self.stepped)
    @rule(share=st.floats(0, 1), heard=st.booleans())
    def set_spend(self, share: float, heard: bool) -> None:
        self.was_set = True
        self.now += 0.002  # so that entries are from before it
        asyncio.run(self.keys.update(ID, lambda key: key.with_spend(int(key.spend_nanousd * share), self.now)))
        if heard:
            self.hear()

    @rule()
    def hear(self) -> None:
        """By a row that was read while no fold was under way."""
        self.key = self.read()
        self.book.read(self.key)

    @rule(chance=st.randoms(use_true_random=False))
    def hear_late(self, chance: random.Random) -> None:
        """By a row from before a fold, which is not believed where it says less; another reading mends it."""
        old = self.read()
        if self.waiting:
            self.fold_some(chance)
        self.key = old
        self.book.refresh(old)
        self.hear()

    @rule(seconds=st.one_of(st.floats(0.001, 2), st.floats(10, 7_000), st.floats(0, 40 * 86_400)))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: not self.was_set)
    @rule(seconds=st.floats(0, 90_000))
    def step_back(self, seconds: float) -> None:
        self.now -= seconds
        self.stepped = True

    @invariant()
    def both_agree_once_all_is_folded(self) -> None:
        here = self.book.spent(ID)
        if self.waiting or here is None:
            return
        row = asyncio.run(self.keys.get(ID))
        assert row is not None
        if row.updated_at == self.key.updated_at:
            assert here == row.spend_nanousd or (self.stepped and here > row.spend_nanousd)
            anew = Book(clock=lambda: self.now)
            anew.reserve(row, 0)
            assert anew.spent(ID) == row.spend_nanousd
        assert row.budget_resets_at is None or row.budget_resets_at > self.now


def lasting(key: Key, duration: str | None, now: float) -> Key:
    """As `/key/update` changes it."""
    end = None if duration is None else next_reset(duration, now)
    return msgspec.structs.replace(key, budget_duration=duration, budget_resets_at=end)


TestBookAndRow = BookAndRow.TestCase
TestBookAndRow.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
