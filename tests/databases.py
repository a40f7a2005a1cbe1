"""Real databases for tests: a fresh SQLite file, a fresh database of a real PostgreSQL.

`database` (and `database_url`) run a test on both; a room's conftest.py imports them. The server is started once per
session, by whoever first needs it.
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
    server.psql("ALTER SYSTEM SET fsync = off; ")
    server.psql("SELECT pg_reload_conf();")
    return server


def fresh_postgresql() -> str:
    """The URL of a new, empty database."""
    name = f"t{os.getpid()}_{next(_count)}"
    server = postgresql_server()
    server.psql(f"CREATE DATABASE {name};")
    return str(server.get_uri(name))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
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
