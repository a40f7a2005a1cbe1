"""Folding the journal into the database, on a thread of its own.

About every second all that was appended is folded, in batches. While the database does not answer, the journal grows
and one batch is tried again, ever more seldom. An entry that the database cannot keep, whatever it is, holds up no
other: it is set aside in `refused` beside the journal, and told.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from tollbridge.errors import EntryRefused, StoreUnavailable
from tollbridge.ledger.backlog import Batch
from tollbridge.ledger.estate import recover, tell
from tollbridge.ledger.journal import Journal
from tollbridge.ledger.lines import write_line
from tollbridge.observe.line import Scribe
from tollbridge.observe.record import Record
from tollbridge.store.entries import EntryStore

INTERVAL_S = 1.0
PAUSE_MAX_S = 15.0
BATCH = 4000
"""Entries in one transaction: what a transaction costs by itself is then little of each."""
REFUSED = "refused"
DAY_S = 86_400.0

log = logging.getLogger(__name__)

Begins = Callable[[], None]
Folded = Callable[[Sequence[Record]], None]


class Retention(msgspec.Struct, frozen=True):
    """`keep_s`: how long rows are kept; None for ever. They are looked for every `every_s`, and removed `batch` at a
    time, at most `batches` of them."""

    keep_s: float | None = 90 * DAY_S
    every_s: float = 3600.0
    batch: int = 500
    batches: int = 10_000


class Folder:
    """`begins` is told, on this thread, before each fold; after it, when it succeeded, `folded` of the entries of this
    process that are in the database now, each once, or `found` of those of dead processes that were not there before.
    `refused`: entries set aside. `removed`: rows that were too old."""

    def __init__(
        self,
        directory: Path,
        journal: Journal,
        store: EntryStore,
        *,
        retention: Retention | None = None,
        begins: Begins | None = None,
        folded: Folded | None = None,
        found: Folded | None = None,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self._directory = directory
        self._journal = journal
        self._store = store
        self._retention = Retention() if retention is None else retention
        self._begins = begins
        self._folded = folded
        self._found = found
        self._interval_s = interval_s
        self._pause_s = interval_s
        self._held: Batch | None = None
        self._recovered = False
        self._caught_up = time.monotonic()
        self._next_sweep = self._caught_up + self._interval_s
        self._sweeps_left = 0
        self._scribe = Scribe()
        self._stopping = threading.Event()
        self.down = ""
        self.refused = 0
        self.removed = 0
        self._thread = threading.Thread(target=self._run, name="tollbridge-fold", daemon=True)

    def start(self) -> None:
        """Folds first what dead processes left, so that budgets begin with it; where the database does not answer,
        later."""
        self._pass()
        self._thread.start()

    def stop(self) -> None:
        """Folds what is left. Where the database does not answer, the next start does."""
        self._stopping.set()
        self._thread.join()

    @property
    def lag_seconds(self) -> float:
        """How long ago everything was in the database, what dead processes left among it."""
        waits = self._journal.pending or not self._recovered
        return time.monotonic() - self._caught_up if waits else 0.0

    def _run(self) -> None:
        stopping = False
        while not stopping:
            stopping = self._stopping.wait(self._pause_s)
            try:
                self._pass()
            except Exception:
                log.exception("folding the ledger's journal failed; it is tried again")

    def _pass(self) -> None:
        began = time.monotonic()
        try:
            if not self._recovered:
                recover(self._directory, self._adopt)
                self._recovered = True
            while self._next() is not None:
                self._settle()
            self._caught_up = began
            self._sweep()
        except (StoreUnavailable, OSError) as error:
            self._wait(error)
            return
        if self.down:
            log.warning("the ledger's journal is folded into the database again")
        self.down, self._pause_s = "", self._interval_s

    def _adopt(self, records: Sequence[Record]) -> None:
        if self._begins is not None:
            self._begins()
        fresh, _ = self._fold(records, again=True)
        if self._found is not None:
            self._found(fresh)

    def _next(self) -> Batch | None:
        if self._held is None:
            self._held = self._journal.take(BATCH)
        return self._held

    def _settle(self) -> None:
        batch = self._held
        assert batch is not None
        if batch.records:
            if self._begins is not None:
                self._begins()
            fresh, refused = self._fold(batch.records, again=batch.reread or bool(self.down))
            # Of a batch that is tried again some may have been new at the first try, whose end was not heard of.
            own = fresh if batch.reread else [record for record in batch.records if record.id not in refused]
            if self._folded is not None:
                self._folded(own)
        self._held = None
        for file, damage in self._journal.backlog.take_damage():
            tell(file, [damage])
        self._journal.folded(batch.number)

    def _fold(self, records: Sequence[Record], *, again: bool) -> tuple[Sequence[Record], set[str]]:
        """Those that were new, and the ids of those that were set aside."""
        try:
            return self._store.fold(records, again=again), set()
        except EntryRefused as error:
            if len(records) == 1:
                self._set_aside(records[0], error)
                return (), {records[0].id}
        half = len(records) // 2
        first, refused = self._fold(records[:half], again=again)
        second, others = self._fold(records[half:], again=again)
        return [*first, *second], refused | others

    def _set_aside(self, record: Record, error: EntryRefused) -> None:
        file = self._directory / REFUSED
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, write_line(self._scribe.again(record)))
        finally:
            os.close(descriptor)
        self.refused += 1
        log.error("THE DATABASE REFUSES AN ENTRY of the ledger, %s: %s It is kept in %s.", record.id, error, file)

    def _sweep(self) -> None:
        keep_s, now = self._retention.keep_s, time.monotonic()
        if keep_s is None:
            return
        if now >= self._next_sweep:
            self._next_sweep, self._sweeps_left = now + self._retention.every_s, self._retention.batches
        while self._sweeps_left and self._journal.pending < BATCH and not self._stopping.is_set():
            removed = self._store.remove_before(time.time() - keep_s, self._retention.batch)
            self.removed += removed
            self._sweeps_left = self._sweeps_left - 1 if removed == self._retention.batch else 0

    def _wait(self, error: StoreUnavailable | OSError) -> None:
        if not self.down:
            log.error("the ledger waits in its journal, which grows: %s", error)
        self.down = str(error)
        self._pause_s = min(self._pause_s * 2, PAUSE_MAX_S)
