"""The file of a SQLite database before it is used: made for its owner alone, looked through for damage; and beside its
use, read.

A file up to `WHOLE_BYTES` is looked through whole (a second for 256 MiB); of a larger one the tables without which no
key is known. Damage elsewhere is then told when it is read.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tollbridge.errors import StoreError
from tollbridge.store.address import Address
from tollbridge.store.failures import RECOVERY, told

WHOLE_BYTES = 256 * 1024 * 1024
VITAL = ("keys", "key_changes", "alembic_version")

WRITE_AHEAD = "PRAGMA journal_mode=WAL"
PRAGMAS = (
    WRITE_AHEAD,
    "PRAGMA synchronous=NORMAL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA journal_size_limit=16777216",
)
RETRY_S = 0.02
WAL_BYTES = 16 * 1024 * 1024
"""Above this the write-ahead log is folded back and cut. SQLite itself folds it back from 4 MiB on, and where there is
always a reader goes on at its end all the same."""
FOLD_EVERY_S = 2.0


def prepare(address: Address, wait_s: float) -> None:
    """Raises StoreError where the file cannot be used."""
    file = address.file
    assert file is not None
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
        if file.stat().st_mode & 0o077:
            file.chmod(0o600)
    except OSError as error:
        raise StoreError(
            f"The database {file} cannot be opened for writing: {error.strerror or error}. "
            "Set TOLLBRIDGE_HOME to a directory that can be written."
        ) from error
    try:
        with closing(sqlite3.connect(file, timeout=wait_s, isolation_level=None)) as connection:
            _write_ahead(connection, wait_s)
            damage = _damage(connection, file)
    except sqlite3.Error as error:
        raise StoreError(told(error, address)) from error
    if damage is not None:
        raise StoreError(f"The database {file} is damaged ({damage}). {RECOVERY.replace('FILE', str(file))}")


def _write_ahead(connection: sqlite3.Connection, wait_s: float) -> None:
    """A file keeps the mode, so that connections after this one only say it again. Where another process is about to
    set it too, SQLite refuses at once, however long it was told to wait."""
    deadline = time.monotonic() + wait_s
    while True:
        try:
            connection.execute(WRITE_AHEAD)
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(RETRY_S)


def _damage(connection: sqlite3.Connection, file: Path) -> str | None:
    if file.stat().st_size <= WHOLE_BYTES:
        checks = ["PRAGMA quick_check(1)"]
    else:
        there = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        checks = [f"PRAGMA quick_check({table})" for table in VITAL if table in there]
    for check in checks:
        (found,) = connection.execute(check).fetchone()
        if found != "ok":
            return str(found).splitlines()[-1][:120]
    return None


@contextmanager
def read_only(file: Path, wait_s: float) -> Iterator[sqlite3.Connection]:
    """Beside whoever serves from it; it is not made, and nothing in it is changed. Raises sqlite3.Error."""
    address = f"{file.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=wait_s)) as connection:
        yield connection


def fold_back_log(file: Path) -> None:
    """Cuts the write-ahead log where nobody reads it and nobody writes; waits for neither."""
    with closing(sqlite3.connect(file, timeout=0.0, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def wal_bytes(file: Path) -> int:
    try:
        return os.stat(f"{file}-wal").st_size
    except FileNotFoundError:
        return 0
