"""The comparison of a ledger with a bill: whatever differs is seen, in rows, in sums by day, in what keys spent."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bench import accounts
from bench.accounts import PRICES, Audit, Sums
from bench.stock import Stock, fill
from tollbridge.home import Home, new_key
from tollbridge.observe.record import Record
from tollbridge.observe.ulid import Ulids
from tollbridge.store.database import Database
from tollbridge.store.entries import EntryStore

INTO, OUT = 300, 8
COST = INTO * PRICES[0] + OUT * PRICES[1]
STOCK = Stock(keys=3, rows=2500)


class Shop:
    """A ledger that was filled before, and a bill that is whatever a test says."""

    def __init__(self, home: Path) -> None:
        fill(home, STOCK, [new_key()])
        self.bill = Sums(requests=5, input_tokens=70)  # of others, earlier
        self._file = home / "tollbridge.db"
        [(self._key,), *_] = self.select("SELECT id FROM keys")
        self._ids = Ulids()
        self._database = Database.open(Home.of({"TOLLBRIDGE_HOME": str(home)}).database_url(None))
        self._entries = EntryStore(self._database)
        self.audit = Audit(home, lambda: self.bill)

    def charge(self) -> None:
        self.bill += Sums(1, INTO, OUT)

    def enter(self, *, cost_nanousd: int | None = COST, estimated: bool = False) -> None:
        record = Record(
            id=self._ids.next(),
            at=time.time(),
            key_id=self._key,
            tokens={"input": INTO, "output": OUT},
            cost_nanousd=cost_nanousd,
            estimated=estimated,
        )
        self._entries.fold([record])

    def answer(self, count: int = 1) -> None:
        for _ in range(count):
            self.charge()
            self.enter()

    def alter(self, statement: str) -> None:
        with closing(sqlite3.connect(self._file)) as connection, connection:
            assert connection.execute(statement).rowcount

    def select(self, statement: str) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(self._file)) as connection:
            return connection.execute(statement).fetchall()

    def close(self) -> None:
        self._database.close()


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setattr(accounts, "FOLDED_WITHIN_S", 0.1)
    opened = Shop(tmp_path)
    yield opened
    opened.close()


def test_a_ledger_that_has_what_was_billed_differs_in_nothing(shop: Shop) -> None:
    for turn in (2, 3):
        with shop.audit.asking(as_key=True):
            shop.answer(turn)
        assert shop.audit.differences() == []
        assert shop.audit.last == Sums(turn, turn * INTO, turn * OUT, turn * COST)
        shop.bill += Sums(9, 9, 9)  # of others, between the turns
    assert shop.audit.differences(whole=True) == []
    assert shop.audit.owed == Sums(5, 5 * INTO, 5 * OUT, 5 * COST)


def test_what_the_admin_asks_of_a_model_without_a_price_is_owed_without_a_cost(shop: Shop) -> None:
    with shop.audit.asking(as_key=False):
        shop.charge()
        shop.enter(cost_nanousd=None)
    assert shop.audit.differences() == []
    assert shop.audit.last == Sums(1, INTO, OUT, unpriced=1)


def test_a_request_that_is_billed_and_not_entered_is_seen(shop: Shop) -> None:
    with shop.audit.asking(as_key=True):
        shop.answer()
        shop.charge()
    assert "billed: 2 requests" in shop.audit.differences()[0]


def test_a_request_that_is_entered_twice_is_seen(shop: Shop) -> None:
    with shop.audit.asking(as_key=True):
        shop.answer()
        shop.enter()
    assert "in rows: 2 requests" in shop.audit.differences()[0]


def test_a_request_that_is_entered_too_late_is_seen_at_the_end(shop: Shop) -> None:
    with shop.audit.asking(as_key=True):
        shop.answer()
    assert shop.audit.differences() == []
    shop.enter()
    with shop.audit.asking(as_key=True):
        shop.answer()
    assert "in rows: 3 requests" in shop.audit.differences(whole=True)[0]


@pytest.mark.parametrize(
    ("alteration", "place"),
    [
        ("UPDATE entries SET input_tokens = input_tokens + 1 WHERE id = (SELECT max(id) FROM entries)", "in rows"),
        ("UPDATE entries SET cost_nanousd = cost_nanousd - 1 WHERE id = (SELECT max(id) FROM entries)", "in rows"),
        ("UPDATE entries SET cost_nanousd = NULL WHERE id = (SELECT max(id) FROM entries)", "in rows"),
        ("UPDATE entries SET estimated = 1 WHERE id = (SELECT max(id) FROM entries)", "in rows"),
        ("UPDATE daily SET output_count = output_count + 1 WHERE model_group = ''", "in sums by day"),
        ("UPDATE daily SET cost_nanousd = cost_nanousd + 1 WHERE model_group = ''", "in sums by day"),
        ("UPDATE keys SET spend_nanousd = spend_nanousd - 1 WHERE spend_nanousd > 0", "by their own account"),
    ],
)
def test_a_token_or_a_nano_dollar_is_seen_wherever_it_is_missing(shop: Shop, alteration: str, place: str) -> None:
    with shop.audit.asking(as_key=True):
        shop.answer(3)
    shop.alter(alteration)
    [problem] = shop.audit.differences()
    assert place in problem


def test_a_stock_has_as_many_keys_and_rows_as_it_says_and_its_sums_are_right(tmp_path: Path) -> None:
    fill(tmp_path, STOCK, [new_key()])
    with closing(sqlite3.connect(tmp_path / "tollbridge.db")) as connection:
        assert connection.execute("SELECT count(*) FROM keys").fetchone() == (STOCK.keys - 1,)
        rows = connection.execute("SELECT count(DISTINCT id), sum(cost_nanousd), sum(input_tokens) FROM entries")
        days = connection.execute("SELECT sum(requests), sum(cost_nanousd), sum(input_count) FROM daily")
        counted, *_ = found = rows.fetchone()
        assert counted == STOCK.rows
        assert found == days.fetchone()
