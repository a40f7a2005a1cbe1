"""Connections that are kept: which is free, how many may be open, who waits.

    shelf (one per origin)   idle: last in, first out, so that few are kept warm and the rest grow old and go
                             live: all open ones;  dialling: slots of those that are not connected yet
                             waiting: first come, first served, when a limit is reached

Rules
1. `take` is the hot path: one lookup, one pop.
2. Who waits is served before who comes: a freed connection goes to the first who waits, never to the idle ones.
3. A slot is free again when the connection is lost, not when its closing began.
4. Where the total is reached, an idle connection of another origin makes room; else origins with waiters take turns.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable

import msgspec

from tollbridge.errors import APIError
from tollbridge.transport.base import Origin, Timeouts
from tollbridge.transport.connection import Connection
from tollbridge.transport.dial import Dialer
from tollbridge.transport.failures import Code, failure


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """`per_origin`, `total`: open connections. `idle_s`: how long a connection is kept unused; below the 60 s after
    which most load balancers close theirs."""

    per_origin: int = 2_000
    total: int = 10_000
    idle_s: float = 45.0


class _Shelf:
    """`Keeper` of one origin's connections."""

    __slots__ = ("_pool", "dialling", "idle", "live", "origin", "waiting")

    def __init__(self, pool: Pool, origin: Origin) -> None:
        self._pool = pool
        self.origin = origin
        self.idle: dict[Connection, None] = {}  # in the order of their release
        self.live: set[Connection] = set()
        self.dialling = 0
        self.waiting: deque[asyncio.Future[Connection | None]] = deque()

    def released(self, connection: Connection) -> None:
        if self.waiting and self.serve(connection):
            return
        self.idle[connection] = None
        pool = self._pool
        connection.idle_since = pool.now()
        if pool.sweeper is None:
            pool.sweep_later()

    def lost(self, connection: Connection) -> None:
        if connection in self.live:
            self.idle.pop(connection, None)
            self.live.discard(connection)
            self._pool.freed(self)

    def exchange_for_slot(self, connection: Connection) -> bool:
        """Closes a connection and reserves its slot anew; False where it is lost already, and its slot with it."""
        if connection not in self.live:
            return False
        self.live.discard(connection)
        self.dialling += 1
        connection.close()
        return True

    def serve(self, grant: Connection | None) -> bool:
        """Gives the first who still waits a connection, or None: the slot for one."""
        while self.waiting:
            waiter = self.waiting.popleft()
            if not waiter.done():
                waiter.set_result(grant)
                return True
        return False


class Pool:
    """Belongs to one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, dialer: Dialer, limits: Limits) -> None:
        self._loop = loop
        self.now = loop.time
        self._dialer = dialer
        self._limits = limits
        self._shelves: dict[Origin, _Shelf] = {}
        self._hungry: dict[_Shelf, None] = {}  # shelves with waiters, in the order of their turn
        self._open = 0  # live and dialling, over all shelves
        self.sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    def take(self, origin: Origin) -> Connection | None:
        """An idle connection, if there is one."""
        shelf = self._shelves.get(origin)
        if shelf is not None:
            idle = shelf.idle
            while idle:
                connection, _ = idle.popitem()
                if not (connection.closed or connection.transport.is_closing()):
                    return connection
        return None

    async def open(self, origin: Origin, timeouts: Timeouts, total_at: float, *, fresh: bool = False) -> Connection:
        """A new connection; where a limit is reached, the first that becomes free, or with `fresh` a new one in its
        place. Raises APIConnectionError."""
        if self._closed:
            raise failure("transport_closed", origin)
        connect_at = self._loop.time() + timeouts.connect_s
        late: Code = "pool_timeout"
        try:
            async with asyncio.timeout_at(min(connect_at, total_at)):
                while not self._reserve(shelf := self._shelf(origin)):
                    connection = await self._queue(shelf)
                    if connection is None:
                        break  # the slot is ours
                    if fresh and shelf.exchange_for_slot(connection):
                        break
                    if connection.usable:
                        return connection
                late = "connect_timeout"
                return await self._dial(shelf)
        except TimeoutError as error:
            if total_at < connect_at:
                raise failure("total_timeout", origin, seconds=timeouts.total_s or 0.0) from error
            raise failure(late, origin, seconds=timeouts.connect_s) from error

    def _shelf(self, origin: Origin) -> _Shelf:
        shelf = self._shelves.get(origin)
        if shelf is None:
            shelf = self._shelves[origin] = _Shelf(self, origin)
        return shelf

    async def _dial(self, shelf: _Shelf) -> Connection:
        """Turns a reserved slot into a connection."""
        try:
            connection = await self._dialer.connect(lambda: Connection(self._loop, shelf.origin, shelf), shelf.origin)
        except BaseException:  # cancelled too: the slot must not be lost
            shelf.dialling -= 1
            self.freed(shelf)
            raise
        shelf.dialling -= 1
        if self._closed or not connection.usable:
            connection.close()
            self.freed(shelf)
            raise failure("transport_closed" if self._closed else "connection_reset", shelf.origin)
        shelf.live.add(connection)
        return connection

    # --- slots

    def _is_full(self, shelf: _Shelf) -> bool:
        return shelf.dialling + len(shelf.live) >= self._limits.per_origin

    def _reserve(self, shelf: _Shelf) -> bool:
        if shelf.waiting:
            return False
        if self._is_full(shelf):
            self._evict([shelf])
        elif self._open >= self._limits.total:
            self._evict(self._shelves.values())
        if self._is_full(shelf) or self._open >= self._limits.total:
            return False
        shelf.dialling += 1
        self._open += 1
        return True

    def _evict(self, shelves: Iterable[_Shelf]) -> None:
        """Closes one idle connection, the one unused for longest on its shelf."""
        for shelf in shelves:
            for connection in shelf.idle:
                shelf.lost(connection)
                connection.close()
                return

    def freed(self, shelf: _Shelf) -> None:
        """A slot of this shelf is free: somebody who waits gets it."""
        self._open -= 1
        for hungry in list(self._hungry):
            if not self._is_full(hungry) and self._open < self._limits.total:
                del self._hungry[hungry]
                if hungry.serve(None):
                    hungry.dialling += 1
                    self._open += 1
                if hungry.waiting:
                    self._hungry[hungry] = None  # to the end: its next turn
        if not (shelf.live or shelf.dialling or shelf.waiting):
            self._shelves.pop(shelf.origin, None)

    async def _queue(self, shelf: _Shelf) -> Connection | None:
        waiter: asyncio.Future[Connection | None] = self._loop.create_future()
        shelf.waiting.append(waiter)
        self._hungry.setdefault(shelf)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter in shelf.waiting:  # those who give up are mostly at the front
                shelf.waiting.remove(waiter)
            elif not waiter.cancelled():
                self._give_back(shelf, waiter.result())
            raise

    def _give_back(self, shelf: _Shelf, grant: Connection | None) -> None:
        """What was granted to somebody who left in the same moment."""
        if grant is not None and grant.usable:
            shelf.released(grant)
        elif grant is None:
            shelf.dialling -= 1
            self.freed(shelf)

    # --- age and end

    def sweep_later(self) -> None:
        self.sweeper = self._loop.call_later(self._limits.idle_s / 2, self._sweep)

    def _sweep(self) -> None:
        """Closes what was idle for too long."""
        self.sweeper = None
        oldest = self._loop.time() - self._limits.idle_s
        for shelf in list(self._shelves.values()):
            expired = []
            for connection in shelf.idle:
                if connection.idle_since > oldest:
                    break
                expired.append(connection)
            for connection in expired:
                del shelf.idle[connection]
                connection.close()
        if any(shelf.idle for shelf in self._shelves.values()):
            self.sweeper = self._loop.call_later(self._limits.idle_s / 2, self._sweep)

    def close(self) -> None:
        self._closed = True
        if self.sweeper is not None:
            self.sweeper.cancel()
        for shelf in list(self._shelves.values()):
            closing: APIError = failure("transport_closed", shelf.origin)
            for waiter in shelf.waiting:
                if not waiter.done():
                    waiter.set_exception(closing)
            shelf.waiting.clear()
            for connection in list(shelf.live):
                connection.shut(closing)

    def open_connections(self, origin: Origin | None = None) -> int:
        """Connected or about to be."""
        if origin is None:
            return self._open
        shelf = self._shelves.get(origin)
        return 0 if shelf is None else shelf.dialling + len(shelf.live)
