"""SQLite's file: what is wrong with it is said before anything is served, with what to do (R32, R33, R34)."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tollbridge.errors import StoreError, StoreUnavailable
from tollbridge.store import sqlite_file
from tollbridge.store.database import BUSY_S, Database


def _url(file: Path) -> str:
    return f"sqlite:///{file}"


def _made(file: Path) -> None:
    Database.open(_url(file)).close()


async def _fill(connection: Any, rows: int = 1, size: int = 10) -> None:
    await connection.execute(
        text("INSERT INTO key_changes (key_id, at) VALUES (:key, 1.0)"), [{"key": "k" * size} for _ in range(rows)]
    )


def test_its_owner_alone_may_read_it_and_what_lies_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "new" / "tollbridge.db"
    database = Database.open(_url(file))
    database.run_sync(_fill)
    modes = {path.name: path.stat().st_mode & 0o777 for path in file.parent.iterdir()}
    database.close()
    assert modes == {"tollbridge.db": 0o600, "tollbridge.db-wal": 0o600, "tollbridge.db-shm": 0o600}
    file.chmod(0o644)
    _made(file)
    assert file.stat().st_mode & 0o777 == 0o600


def test_it_opens_as_the_decision_says(tmp_path: Path) -> None:
    database = Database.open(_url(tmp_path / "a.db"))

    async def ask(connection: Any) -> list[Any]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [await connection.scalar(text(f"PRAGMA {name}")) for name in names]

    assert database.run_sync(ask) == ["wal", 1, 1, 5000]

    async def strict(connection: Any) -> list[tuple[str, int]]:
        found = await connection.execute(text("PRAGMA table_list"))
        return [(row.name, row.strict) for row in found if not row.name.startswith(("sqlite_", "alembic"))]

    tables = database.run_sync(strict)
    database.close()
    assert tables
    assert all(flag for _, flag in tables)


def test_damage_is_refused_with_a_way_to_recover(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    database = Database.open(_url(file))
    database.run_sync(lambda connection: _fill(connection, 2000, 50))
    database.close()
    raw = bytearray(file.read_bytes())
    for page in range(4096 * 6, len(raw), 4096):
        raw[page : page + 64] = b"\xff" * 64
    file.write_bytes(raw)
    with pytest.raises(StoreError, match="is damaged") as caught:
        Database.open(_url(file))
    assert f"sqlite3 {file} .recover" in str(caught.value)
    assert file.read_bytes() == raw, "a damaged file is evidence"


def test_a_file_that_is_none_of_sqlites_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("model_list: []\n" * 1000)
    with pytest.raises(StoreError, match="is no SQLite database"):
        Database.open(_url(tmp_path / "a.db"))


def test_of_a_large_file_the_vital_tables_are_looked_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.db"
    database = Database.open(_url(file))
    database.run_sync(lambda connection: _fill(connection, 2000, 50))
    database.close()
    monkeypatch.setattr(sqlite_file, "WHOLE_BYTES", 0)
    _made(file)
    raw = bytearray(file.read_bytes())
    for page in range(4096 * 6, len(raw), 4096):
        raw[page : page + 64] = b"\xff" * 64
    file.write_bytes(raw)
    with pytest.raises(StoreError, match="is damaged"):
        Database.open(_url(file))


def test_one_that_another_process_keeps_locked_is_told(tmp_path: Path) -> None:
    file = tmp_path / "a.db"
    _made(file)
    database = Database.open(_url(file), wait_s=0.05)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="is locked by another process"):
            database.run_sync(_fill)
        Database.open(_url(file), wait_s=0.05).close()  # what only looks does not wait
        other.execute("ROLLBACK")
    database.run_sync(_fill)
    database.close()
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="is locked by another process"):
            Database.open(_url(file), wait_s=0.05)


def _run(program: str, *arguments: str) -> str:
    prelude = "import sys\nfrom tollbridge.store.database import BUSY_S, Database\nfrom tollbridge.errors import *\n"
    done = subprocess.run([sys.executable, "-c", prelude + program, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


FULL = """
import resource
from sqlalchemy import text
database = Database.open(sys.argv[1])
limit = 300_000
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
async def work(connection):
    await connection.execute(text("INSERT INTO key_changes (key_id, at) VALUES (:key, 1.0)"), {"key": "k" * 20_000})
async def count(connection):
    return await connection.scalar(text("SELECT count(*) FROM key_changes"))
done = 0
try:
    while True:
        database.run_sync(work)
        done += 1
except StoreUnavailable as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
database.run_sync(work)
print(done > 0, database.run_sync(count) == done + 1)
"""


def test_a_disk_without_room_is_told_and_loses_nothing_that_was_there(tmp_path: Path) -> None:
    said = _run(FULL, _url(tmp_path / "a.db"))
    assert "limit on the size of files" in said or "the disk is full" in said
    assert said.endswith("True True\n")


def test_a_start_on_a_disk_without_room_says_so(tmp_path: Path) -> None:
    said = _run(
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))\n"
        "try: Database.open(sys.argv[1])\n"
        "except StoreError as error: print(error)\n",
        _url(tmp_path / "a.db"),
    )
    assert f"The database {tmp_path / 'a.db'} cannot" in said


REFUSED = """
import os
if os.geteuid() == 0:
    os.setuid(65534)
try:
    Database.open(sys.argv[1])
except StoreError as error:
    print(error)
"""


@pytest.mark.parametrize("there", [True, False])
def test_a_directory_that_cannot_be_written_is_told_with_the_variable(
    tmp_path_factory: pytest.TempPathFactory, there: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        if there:
            _made(directory / "a.db")
        for path in directory.iterdir():
            path.chmod(0o444)
        directory.chmod(0o555)
        said = _run(REFUSED, _url(directory / "a.db"))
        directory.chmod(0o755)
    assert "cannot be opened for writing: Permission denied. Set TOLLBRIDGE_HOME" in said


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The write-ahead log is folded back after each write that finds it large."""
    monkeypatch.setattr(sqlite_file, "FOLD_EVERY_S", 0.0)


def test_a_reader_that_stays_while_the_write_ahead_log_is_large_holds_no_write_up(
    tmp_path: Path, at_once: None
) -> None:
    file = tmp_path / "a.db"
    database = Database.open(_url(file))
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM key_changes").fetchone()
        for _ in range(5):
            database.run_sync(lambda connection: _fill(connection, 400, 10_000))
        assert sqlite_file.wal_bytes(file) > sqlite_file.WAL_BYTES
        for _ in range(3):
            database.run_sync(_fill, timeout_s=BUSY_S / 2)
    database.close()


def test_the_write_ahead_log_stays_small_under_a_reader_that_leaves(tmp_path: Path, at_once: None) -> None:
    """A reader that stays keeps the log from being folded back; once it is gone the next write does it."""
    file = tmp_path / "a.db"
    database = Database.open(_url(file))
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM key_changes").fetchone()
        for _ in range(5):
            database.run_sync(lambda connection: _fill(connection, 400, 10_000))
        assert sqlite_file.wal_bytes(file) > sqlite_file.WAL_BYTES
        reader.execute("ROLLBACK")
    while sqlite_file.wal_bytes(file) > sqlite_file.WAL_BYTES:
        database.run_sync(_fill)
    for _ in range(10):
        database.run_sync(lambda connection: _fill(connection, 400, 10_000))
        assert sqlite_file.wal_bytes(file) < 64 * 1024 * 1024
    database.close()
