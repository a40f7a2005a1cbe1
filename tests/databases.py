"""Real databases for tests: a fresh SQLite file, a fresh database of a real PostgreSQL.

`database` (and `database_url`) run a test on both; a room's conftest.py imports them. They have today's schema already,
copied from one that was migrated once: to migrate costs ten times what a copy does. `empty_database_url` gives one
without any. The server is started once per session, by whoever first needs it.
"""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from tollbridge.store.database import Database

_count = itertools.count()


@cache
def postgresql_server() -> Any:
    """`get_uri(name)`, `psql(sql)`, `get_pid()`. Ends with the process. Its directory is short and of its own: pytest's
    are closed to PostgreSQL's user."""
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="tb-run-"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pgserver
    directory = Path(tempfile.mkdtemp(prefix="tb-pg-"))
    server = pgserver.get_server(directory, cleanup_mode="stop")
    atexit.unregister(server._cleanup)
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    atexit.register(server._cleanup)
    for setting in ("fsync", "full_page_writes", "autovacuum"):
        server.psql(f"ALTER SYSTEM SET {setting} = off;")
    server.psql("SELECT pg_reload_conf();")
    return server


def fresh_postgresql(template: str = "template1") -> str:
    """The URL of a new database, empty unless it is a copy of another, which is made file by file:
    half of what one through the log costs."""
    name = f"t{os.getpid()}_{next(_count)}"
    server = postgresql_server()
    server.psql(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy;")
    return str(server.get_uri(name))


@cache
def migrated_postgresql() -> str:
    """The name of a database of today's schema, for copies: nobody is connected to it."""
    url = fresh_postgresql()
    Database.open(url).close()
    return urlsplit(url).path.removeprefix("/")


@cache
def migrated_sqlite() -> bytes:
    """The file of an empty database of today's schema."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "tollbridge.db"
        Database.open(f"sqlite:///{file}").close()
        return file.read_bytes()


def fresh_sqlite(file: Path) -> str:
    """The URL of a new database in this file."""
    file.write_bytes(migrated_sqlite())
    return f"sqlite:///{file}"


def furnish(home: Path) -> Path:
    """A state directory with a database in it, so that a gateway need not migrate one."""
    if not home.exists():
        home.mkdir(mode=0o700)
        fresh_sqlite(home / "tollbridge.db")
    return home


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return (
        fresh_sqlite(tmp_path / "tollbridge.db")
        if request.param == "sqlite"
        else fresh_postgresql(migrated_postgresql())
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'tollbridge.db'}" if request.param == "sqlite" else fresh_postgresql()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database.open(database_url)
    yield opened
    opened.close()


async def rows(database: Database, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """What a statement gives, as plain tuples."""

    async def work(connection: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await connection.execute(text(statement), parameters)]

    return await database.run(work)
