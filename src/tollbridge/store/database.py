"""The database, on a thread of its own.

1. Nothing of it runs on the server's event loop: a statement, a commit, a connection that is being made are all on the
   loop of this thread, and whoever asked awaits a future.
2. `run` is one transaction: all of `work` or nothing. A unit that is not done within its time is undone.
3. SQLite has one writer: `run` takes the lock at the beginning (BEGIN IMMEDIATE), so that no transaction finds out
   halfway that it may not write; the writers of this process queue before they reach it. `read` sees a snapshot, beside
   them.
4. Errors of the database become `StoreUnavailable`; an error of a statement stays what it is, because it is ours.
   Neither holds a statement's parameters.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
from sqlalchemy import event, text

from tollbridge.errors import StoreError, StoreUnavailable
from tollbridge.store import sqlite_file
from tollbridge.store.address import NO_DRIVER, Address, Dialect
from tollbridge.store.core_only import AsyncConnection, AsyncEngine, create_async_engine
from tollbridge.store.failures import raised, told, transient
from tollbridge.store.schema import versions

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]

TIMEOUT_S = 30.0
BUSY_S = 5.0
CONNECT_S = 5.0
CLOSE_S = 5.0
CONNECTIONS = 5
_log = logging.getLogger("tollbridge.store")

MIGRATION_LOCK = 0x746F6C6C
"""PostgreSQL's advisory lock that a process holds while it migrates."""


class Database:
    """Opened once per process, after a fork. `name`: how it is shown, without a password."""

    def __init__(self, address: Address, wait_s: float) -> None:
        self.name = address.name
        self.dialect: Dialect = address.dialect
        self._address = address
        self._workers: list[threading.Thread] = []
        self._engine = _engine(address, wait_s, self._workers)
        self._snapshot = self._engine.execution_options(begin="DEFERRED")
        self._writing = asyncio.Lock()
        self._next_fold = 0.0
        self._folding: asyncio.Task[None] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tollbridge-database", daemon=True)
        self._door = threading.Lock()
        self._closed = False
        self._undone: frozenset[asyncio.Task[Any]] = frozenset()

    @classmethod
    def open(cls, url: str, *, wait_s: float = BUSY_S) -> Database:
        """Starts the thread, looks for damage, migrates where the schema is older. `wait_s`: how long a locked SQLite
        file is waited for. Raises StoreError with what to do."""
        address = Address.read(url)
        if address.file is not None:
            sqlite_file.prepare(address, wait_s)
        database = cls(address, wait_s)
        database._thread.start()
        try:
            database._submit(database._bring_up_to_date()).result()
        except BaseException:
            database.close()
            raise
        return database

    async def run(self, work: Work[T], *, timeout_s: float = TIMEOUT_S) -> T:
        """One transaction that may write; from any event loop. Raises StoreUnavailable, ConflictError."""
        return await asyncio.wrap_future(self._submit(self._within(self._writer(), work, timeout_s)))

    async def read(self, work: Work[T], *, timeout_s: float = TIMEOUT_S) -> T:
        """One transaction that only reads, and waits for no writer. Raises StoreUnavailable."""
        return await asyncio.wrap_future(self._submit(self._within(self._snapshot.begin(), work, timeout_s)))

    def run_sync(self, work: Work[T], *, timeout_s: float = TIMEOUT_S) -> T:
        """`run` from a thread that has no event loop."""
        return self._submit(self._within(self._writer(), work, timeout_s)).result()

    def read_sync(self, work: Work[T], *, timeout_s: float = TIMEOUT_S) -> T:
        """`read` from a thread that has no event loop."""
        return self._submit(self._within(self._snapshot.begin(), work, timeout_s)).result()

    def close(self) -> None:
        """What is under way is done or, after `CLOSE_S`, undone; what comes later is StoreUnavailable. A server that
        does not answer is not waited for."""
        with self._door:
            if self._closed:
                return
            self._closed = True
        asyncio.run_coroutine_threadsafe(self._dispose(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        for worker in self._workers:  # of a connection that was given up: it still tells this loop that it is closed
            worker.join(CLOSE_S)
        self._loop.close()

    async def _dispose(self) -> None:
        working = asyncio.all_tasks() - {asyncio.current_task()}
        if working:
            _, late = await asyncio.wait(working, timeout=CLOSE_S)
            self._undone = frozenset(late)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=CLOSE_S)
            for task in working:
                if task.done() and not task.cancelled():
                    task.exception()  # who asked may have gone away; then nobody else looks at it
        disposing = asyncio.ensure_future(self._engine.dispose())
        await asyncio.wait({disposing}, timeout=CLOSE_S)
        if not disposing.done():
            _log.warning("the database %s does not answer; its connections are left to it", self.name)
            await self._engine.dispose(close=False)
            disposing.cancel()
            await asyncio.wait({disposing}, timeout=CLOSE_S)

    def _submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        with self._door:
            if not self._closed:
                return asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        coroutine.close()
        raise self._gone()

    def _gone(self) -> StoreUnavailable:
        return StoreUnavailable(f"The database {self.name} is closed.")

    async def _within(
        self, transaction: contextlib.AbstractAsyncContextManager[AsyncConnection], work: Work[T], timeout_s: float
    ) -> T:
        try:
            async with asyncio.timeout(timeout_s), transaction as connection:
                return await work(connection)
        except asyncio.CancelledError:
            if asyncio.current_task() in self._undone:
                raise self._gone() from None
            raise  # who asked has gone
        except Exception as error:
            ours = raised(error, self._address)
            if ours is None:
                raise
            raise ours from error

    @contextlib.asynccontextmanager
    async def _writer(self) -> AsyncIterator[AsyncConnection]:
        if self._address.file is None:
            async with self._engine.begin() as connection:
                yield connection
            return
        async with self._writing, self._engine.begin() as connection:
            yield connection
        if self._loop.time() >= self._next_fold and sqlite_file.wal_bytes(self._address.file) > sqlite_file.WAL_BYTES:
            self._next_fold = self._loop.time() + sqlite_file.FOLD_EVERY_S
            self._folding = self._loop.create_task(self._fold_back_log(self._address.file))

    async def _fold_back_log(self, file: Path) -> None:
        """Beside whoever writes, and nobody waits for it."""
        try:
            await asyncio.to_thread(sqlite_file.fold_back_log, file)
        except sqlite3.Error as error:
            _log.warning("the write-ahead log of %s is not folded back: %s", self.name, error)

    async def _bring_up_to_date(self) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_S), self._snapshot.connect() as connection:
                version = await connection.run_sync(_version)
                self._refuse_newer(version)
            if version != versions()[-1]:
                await self._migrate()
        except Exception as error:
            if isinstance(error, StoreError) or not transient(error):
                raise
            raise StoreError(told(error, self._address)) from error

    async def _migrate(self) -> None:
        async with self._writer() as connection:
            if self.dialect == "postgresql":
                await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
            version = await connection.run_sync(_version)
            self._refuse_newer(version)
            if version == versions()[-1]:
                return  # somebody was quicker
            if self.dialect == "sqlite" and not await connection.run_sync(_tables):
                from tollbridge.store.create import create

                return await connection.run_sync(create)
            from tollbridge.store.migrate import migrate  # alembic: a fifth of a second, where it must be

            await connection.run_sync(migrate)

    def _refuse_newer(self, version: str | None) -> None:
        if version is not None and version not in versions():
            raise StoreError(
                f"The database {self.name} is of version {version}, which this Tollbridge does not know: "
                "a newer one made it. Start that one, or restore the backup from before."
            )


def _engine(address: Address, wait_s: float, workers: list[threading.Thread]) -> AsyncEngine:
    """`workers`: gets the thread of each of SQLite's connections."""
    if address.dialect == "postgresql":
        try:
            return create_async_engine(
                address.engine_url,
                hide_parameters=True,
                connect_args={"timeout": CONNECT_S, "command_timeout": TIMEOUT_S, **address.connect},
                pool_size=CONNECTIONS,
                max_overflow=0,
                pool_timeout=CONNECT_S,
                pool_pre_ping=True,
            )
        except ModuleNotFoundError as error:
            raise StoreError(NO_DRIVER) from error

    def connect() -> aiosqlite.Connection:
        connection = aiosqlite.connect(str(address.file), timeout=wait_s)
        worker = connection._thread
        worker.daemon = True  # as SQLAlchemy has it
        workers[:] = [one for one in workers if one.is_alive()]
        workers.append(worker)
        return connection

    engine = create_async_engine(
        address.engine_url,
        hide_parameters=True,
        async_creator=connect,
        pool_size=CONNECTIONS,
        max_overflow=0,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: Any, record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
        cursor = connection.cursor()
        for pragma in sqlite_file.PRAGMAS:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begun(connection: Any) -> None:
        how = connection.get_execution_options().get("begin", "IMMEDIATE")
        if how is not None:
            connection.exec_driver_sql(f"BEGIN {how}")

    return engine


def _tables(connection: Any) -> list[str]:
    return connection.dialect.get_table_names(connection)  # type: ignore[no-any-return]


def _version(connection: Any) -> str | None:
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    return connection.scalar(text("SELECT version_num FROM alembic_version"))  # type: ignore[no-any-return]
