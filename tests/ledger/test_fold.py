import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.databases import fresh_sqlite, rows
from tests.ledger.records import ids, journal_files, record
from tollbridge.errors import StoreError, StoreUnavailable
from tollbridge.ledger import fold
from tollbridge.ledger.backlog import Backlog
from tollbridge.ledger.fold import Folder, Retention
from tollbridge.ledger.journal import Journal
from tollbridge.ledger.ledger import Ledger
from tollbridge.ledger.lines import read_lines
from tollbridge.observe import Metrics, Record
from tollbridge.observe.ulid import Ulids
from tollbridge.store.database import Database
from tollbridge.store.entries import EntryStore
from tollbridge.store.key_tables import KEYS


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def until(true: Callable[[], object]) -> None:
    while not true():
        time.sleep(0.005)


class Desk:
    """A journal and its folder over a database, and what the folder told."""

    def __init__(self, directory: Path, database: Database, **journal: object) -> None:
        self.told: list[Record] = []
        self.journal = Journal(directory, **journal)  # type: ignore[arg-type]
        self.folder = Folder(directory, self.journal, EntryStore(database), folded=self.told.extend, interval_s=0.01)
        self.folder.start()

    def enter(self, count: int) -> list[Record]:
        records = [record() for _ in range(count)]
        for one in records:
            self.journal.append(one)
        return records

    def close(self) -> None:
        self.folder.stop()
        self.journal.close()


async def entries(database: Database) -> list[str]:
    return [id for (id,) in await rows(database, "SELECT id FROM entries ORDER BY id")]


async def test_entries_are_folded_told_and_removed_from_the_journal(database: Database, directory: Path) -> None:
    desk = Desk(directory, database)
    records = desk.enter(50)
    until(lambda: desk.journal.pending == 0)
    records += desk.enter(50)
    desk.close()
    assert await entries(database) == ids(records)
    assert ids(desk.told) == ids(records)
    assert list(directory.iterdir()) == []


async def test_a_ledger_gives_ids_and_shows_its_figures(database: Database, tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path, database)
    metrics = Metrics()
    ledger.show(metrics)
    records = [record(id="") for _ in range(3)]
    lines = [ledger.journal.append(one) for one in records]
    assert all(one.id.encode() in line for one, line in zip(records, lines, strict=True))
    text = metrics.exposition().decode()
    assert "tollbridge_ledger_journal_pending 3.0" in text
    assert "tollbridge_ledger_lag_seconds" in text
    assert "tollbridge_ledger_lost_total 0.0" in text
    ledger.close()
    assert await entries(database) == ids(records)


async def test_an_entry_that_the_database_cannot_keep_holds_up_no_other(
    database: Database, directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(directory, database)
    records = [record() for _ in range(20)]
    bad = record(status=1 << 64)
    for one in [*records[:7], bad, *records[7:]]:
        desk.journal.append(one)
    desk.close()
    assert await entries(database) == ids(records)
    assert ids(desk.told) == ids(records)
    assert desk.folder.refused == 1
    assert bad.id in caplog.text
    [refused] = directory.iterdir()
    assert bad.id in refused.read_text()


class Busy(EntryStore):
    """While it folds another entry comes, as under load."""

    def __init__(self, database: Database, enter: Callable[[], object]) -> None:
        super().__init__(database)
        self._enter = enter
        self.sizes: list[int] = []

    def fold(self, records: Sequence[Record], *, again: bool = False) -> Sequence[Record]:
        self.sizes.append(len(records))
        if len(self.sizes) < 5:
            self._enter()
        return super().fold(records, again=again)


async def test_what_comes_while_entries_are_folded_waits_for_the_next_pass(database: Database, directory: Path) -> None:
    journal = Journal(directory)
    store = Busy(database, lambda: journal.append(record()))
    folder = Folder(directory, journal, store, interval_s=3600)
    for _ in range(10):
        journal.append(record())
    folder.start()
    assert store.sizes == [10]
    assert journal.pending == 1
    folder.stop()
    assert journal.pending == 0
    journal.close()


class Looked(Journal):
    """How often it was asked what waits."""

    looks = 0

    @property
    def pending(self) -> int:
        self.looks += 1
        return super().pending


async def test_under_load_a_pass_waits_for_the_end_of_its_interval_or_for_many(
    database: Database, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "BUSY", 10)
    monkeypatch.setattr(fold, "MANY", 20)
    monkeypatch.setattr(fold, "LOOKS", 360_000)
    journal = Looked(directory)
    folder = Folder(directory, journal, EntryStore(database), interval_s=3600)
    for _ in range(10):
        journal.append(record())
    folder.start()
    for _ in range(19):
        journal.append(record())
    until(lambda: journal.looks > 5)
    assert len(await entries(database)) == 10
    journal.append(record())
    until(lambda: journal.kept == 30)
    assert len(await entries(database)) == 30
    folder.stop()
    journal.close()


class Unheard(EntryStore):
    """Of these transactions, counted from 1, nobody hears that they were done: the connection breaks within the
    commit."""

    unheard = frozenset[int]()
    count = 0

    def fold(self, records: Sequence[Record], *, again: bool = False) -> Sequence[Record]:
        fresh = super().fold(records, again=again)
        self.count += 1
        if self.count in self.unheard:
            raise StoreUnavailable("The connection broke.")
        return fresh


@pytest.mark.parametrize("queued", [100, 4], ids=["from memory", "from the files"])
async def test_a_commit_that_nobody_heard_of_is_told_once(database: Database, directory: Path, queued: int) -> None:
    told: list[Record] = []
    journal = Journal(directory, backlog=Backlog(queued_max=queued))
    store = Unheard(database)
    folder = Folder(directory, journal, store, folded=told.extend, interval_s=0.01)
    records = [record() for _ in range(10)]
    for one in records:
        journal.append(one)
    store.unheard = frozenset({1, 3})
    folder.start()
    until(lambda: journal.pending == 0)
    folder.stop()
    journal.close()
    assert await entries(database) == ids(records)
    assert ids(told) == ids(records)


async def test_what_a_dead_process_left_is_told_once_though_a_commit_was_not_heard_of(
    database: Database, directory: Path
) -> None:
    dead = Journal(directory)
    records = [record() for _ in range(10)]
    for one in records:
        dead.append(one)
    dead.close()
    EntryStore(database).fold(records[:3])
    found: list[Record] = []
    journal = Journal(directory)
    store = Unheard(database)
    store.unheard = frozenset({1, 2})
    folder = Folder(directory, journal, store, found=found.extend, interval_s=0.01)
    folder.start()
    until(lambda: not folder.down)
    folder.stop()
    journal.close()
    assert ids(found) == ids(records[3:])


async def test_entries_that_are_refused_are_kept_once_also_where_the_database_goes_away_meanwhile(
    database: Database, directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal(directory)
    store = Unheard(database)
    folder = Folder(directory, journal, store, interval_s=0.01)
    bad = [record(status=1 << 64) for _ in range(2)]
    records = [record() for _ in range(6)]
    for one in [*records[:3], *bad, *records[3:]]:
        journal.append(one)
    store.unheard = frozenset({1, 2, 3})
    folder.start()
    until(lambda: journal.pending == 0)
    folder.stop()
    journal.close()
    assert await entries(database) == ids(records)
    assert folder.refused == 2
    with open(directory / "refused", "rb") as stream:
        assert ids(read_lines(stream)) == ids(bad)
    assert caplog.text.count("REFUSES ENTRIES") == 1


async def test_the_search_for_an_entry_that_is_refused_ends_in_time(database: Database, directory: Path) -> None:
    journal = Journal(directory)
    folder = Folder(directory, journal, EntryStore(database), interval_s=0.01, search_s=0.0)
    records = [record(), record(status=1 << 64), record()]
    for one in records:
        journal.append(one)
    folder.start()
    until(lambda: journal.pending == 0)
    folder.stop()
    journal.close()
    assert folder.refused == 3
    with open(directory / "refused", "rb") as stream:
        assert ids(read_lines(stream)) == ids(records)


async def test_text_with_a_nul_is_kept(database: Database, directory: Path) -> None:
    desk = Desk(directory, database)
    desk.journal.append(record(user="a\0b", model_requested="m\0", metadata={"x": "\0"}, tags=("\0",)))
    desk.close()
    assert desk.folder.refused == 0
    assert await rows(database, "SELECT end_user FROM entries") == [("a\ufffdb",)]


class Locked:
    """Another process has the SQLite file, and will not let go."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        self._connection.execute("BEGIN IMMEDIATE")

    def release(self) -> None:
        self._connection.execute("ROLLBACK")
        self._connection.close()


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(fresh_sqlite(tmp_path / "tollbridge.db"), wait_s=0.01)
    yield database
    database.close()


async def test_while_the_database_is_down_the_journal_keeps_all_and_memory_is_bounded(
    impatient: Database, tmp_path: Path, directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(directory, impatient, segment_bytes=3000, backlog=Backlog(queued_max=20))
    records = desk.enter(10)
    until(lambda: desk.journal.pending == 0)
    lock = Locked(tmp_path / "tollbridge.db")
    records += desk.enter(1)
    until(lambda: desk.folder.down)
    records += desk.enter(100)
    assert len(journal_files(directory)) > 5
    assert desk.journal.pending == 101
    assert desk.folder.lag_seconds > 0
    assert "waits in its journal" in caplog.text
    lock.release()
    until(lambda: desk.journal.pending == 0)
    assert desk.folder.lag_seconds == 0
    records += desk.enter(5)
    desk.close()
    assert await entries(impatient) == ids(records)
    assert sorted(ids(desk.told)) == ids(records)
    assert list(directory.iterdir()) == []


async def test_what_a_stop_cannot_fold_the_next_start_does(
    impatient: Database, tmp_path: Path, directory: Path
) -> None:
    desk = Desk(directory, impatient)
    lock = Locked(tmp_path / "tollbridge.db")
    records = desk.enter(10)
    desk.close()
    lock.release()
    assert await entries(impatient) == []
    second = Desk(directory, impatient)
    assert await entries(impatient) == ids(records)
    assert second.told == []
    second.close()


async def test_a_start_without_the_database_recovers_later(
    impatient: Database, tmp_path: Path, directory: Path
) -> None:
    journal = Journal(directory)
    old = record()
    journal.append(old)
    journal.close()
    lock = Locked(tmp_path / "tollbridge.db")
    desk = Desk(directory, impatient)
    assert desk.folder.down
    assert (desk.journal.pending, desk.folder.lag_seconds > 0) == (0, True), "the dead process's are not there yet"
    new = desk.enter(2)
    lock.release()
    desk.close()
    assert desk.folder.lag_seconds == 0
    assert await entries(impatient) == ids([old, *new])


async def test_a_start_counts_what_dead_processes_left_and_is_not_in_the_database(
    database: Database, directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    left = [record() for _ in range(5)]
    journals = [Journal(directory), Journal(directory)]
    for one in left:
        journals[0].append(one)
    for one in left[:2]:
        journals[1].append(one)
    journals[0].close()
    EntryStore(database).fold(left[:3])
    Desk(directory, database).close()
    assert await entries(database) == ids(left)
    assert "journals of processes that have ended, and folded: 2" in caplog.text
    caplog.clear()
    journals[1].close()
    Desk(directory, database).close()
    assert "processes that have ended" not in caplog.text


async def test_rows_that_are_too_old_go_and_their_sums_stay(database: Database, directory: Path) -> None:
    now = time.time()
    long_ago = Ulids(lambda: int((now - 100 * 86_400) * 1e9))
    old = [record(id=long_ago.next()) for _ in range(25)]
    young = [record() for _ in range(3)]
    store = EntryStore(database)
    store.fold([*old, *young])
    journal = Journal(directory)
    retention = Retention(keep_s=90 * 86_400, every_s=0.0, batch=10)
    folder = Folder(directory, journal, store, retention=retention, interval_s=0.01)
    folder.start()
    until(lambda: folder.removed == 25)
    folder.stop()
    journal.close()
    assert await entries(database) == ids(young)
    assert await rows(database, "SELECT SUM(requests) FROM daily") == [(28,)]


async def test_rows_are_kept_for_ever_where_the_operator_says_so(database: Database, directory: Path) -> None:
    old = record(id=Ulids(lambda: 10**15).next())
    store = EntryStore(database)
    store.fold([old])
    journal = Journal(directory)
    folder = Folder(directory, journal, store, retention=Retention(keep_s=None, every_s=0.0), interval_s=0.001)
    folder.start()
    threading.Event().wait(0.05)
    folder.stop()
    journal.close()
    assert await entries(database) == [old.id]


def killed(home: Path, url: str, how: str, after: int) -> dict[str, int]:
    """What the writer acknowledged before it died, with its cost: killed after so many entries, or by itself."""
    command = [sys.executable, "-m", "tests.ledger.writer", str(home), url, how]
    acknowledged: dict[str, int] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if line.endswith("\n"):
                id, cost = line.split()
                acknowledged[id] = int(cost)
            if len(acknowledged) == after:
                child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
    return acknowledged


async def assert_whole(database: Database, acknowledged: dict[str, int]) -> None:
    """All that was acknowledged is there once, at most one more, and the sums are those of the rows."""
    found = dict(await rows(database, "SELECT id, cost_nanousd FROM entries"))  # type: ignore[arg-type]
    assert acknowledged.items() <= found.items()
    total = sum(found.values())
    assert await rows(database, "SELECT SUM(requests), SUM(cost_nanousd) FROM daily") == [(len(found), total)]
    assert await rows(database, "SELECT spend_nanousd FROM keys WHERE id = 'k1'") == [(total,)]


async def add_key(database: Database) -> None:
    blank = {column.name: 0 for column in KEYS.c if not (column.nullable or column.server_default)}
    texts = {"id": "k1", "digest": b"", "name": "", "models": "[]", "aliases": "{}", "metadata": "{}", "minted_by": ""}

    async def work(connection: AsyncConnection) -> None:
        await connection.execute(insert(KEYS).values({**blank, **texts}))

    await database.run(work)


async def test_killed_at_random_moments_nothing_is_lost_and_nothing_twice(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    await add_key(database)
    acknowledged: dict[str, int] = {}
    for _ in range(4):
        acknowledged |= killed(tmp_path, database_url, "run", after=random.randrange(20, 300))
    ledger = Ledger.open(tmp_path, database)
    ledger.close()
    await assert_whole(database, acknowledged)
    found = await rows(database, "SELECT COUNT(*) FROM entries")
    assert found[0][0] <= len(acknowledged) + 4 * 2
    assert list((tmp_path / "journal").iterdir()) == []


@pytest.mark.parametrize("how", ["die_after_commit", "die_before_commit"])
async def test_killed_around_a_commit_the_replay_changes_nothing(
    database: Database, database_url: str, tmp_path: Path, how: str
) -> None:
    await add_key(database)
    acknowledged = killed(tmp_path, database_url, how, after=-1)
    before = await entries(database)
    assert bool(before) == (how == "die_after_commit")
    for _ in range(2):
        ledger = Ledger.open(tmp_path, database)
        ledger.close()
        await assert_whole(database, acknowledged)


def test_a_corrupt_database_is_told_and_the_journal_waits(tmp_path: Path) -> None:
    file = tmp_path / "tollbridge.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE keys (a)")
    data = bytearray(file.read_bytes())
    data[4096:] = b"\xff" * len(data[4096:])
    file.write_bytes(data)
    journal = Journal(tmp_path / "journal")
    journal.append(record())
    journal.close()
    with pytest.raises(StoreError, match="recover"):
        Database.open(f"sqlite:///{file}")
    assert len(journal_files(tmp_path / "journal")) == 1
