"""Folding the journal into the database, on a thread of its own.

About every second all that was appended is folded, in batches. What comes meanwhile waits for the next pass: else each
few that came while the last few were folded would be a transaction of their own, again and again, at a quarter of the
cost of serving them. While the database does not answer, the journal grows and one batch is tried again, ever more
seldom. An entry that the database cannot keep, whatever it is, holds up no other: it is set aside (`refused.py`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from tollbridge.errors import EntryRefused, StoreUnavailable
from tollbridge.ledger.backlog import Batch
from tollbridge.ledger.estate import recover, tell
from tollbridge.ledger.journal import Journal
from tollbridge.ledger.refused import Refused
from tollbridge.observe.record import Record
from tollbridge.store.entries import EntryStore
from tollbridge.store.fitting import fit

INTERVAL_S = 1.0
BUSY = 500
LOOKS = 5
MANY = 2000
"""After a pass of `BUSY` entries it is looked so often in an interval whether `MANY` wait, which are folded before its
end: what is in memory stays little. Fewer wait for it: each pass writes a row of sums for each key that it meets, and
the page on which that key stands."""
PAUSE_MAX_S = 15.0
BATCH = 4000
"""Entries in one transaction: what a transaction costs by itself is then little of each."""
SEARCH_S = 30.0
"""For the entries of a batch that the database refuses. Looking for one takes some milliseconds."""
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
    `refused`: entries set aside, `refused_lost`: those of them for which there was no room. `removed`: rows that were
    too old."""

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
        search_s: float = SEARCH_S,
    ) -> None:
        self._directory = directory
        self._refused = Refused(directory)
        self._journal = journal
        self._store = store
        self._retention = Retention() if retention is None else retention
        self._begins = begins
        self._folded = folded
        self._found = found
        self._interval_s = interval_s
        self._search_s = search_s
        self._pause_s = interval_s
        self._busy = False
        self._held: Batch | None = None
        self._unheard = set[str]()
        self._recovered = False
        self._adopted = 0  # entries of dead processes that were not in the database
        self._caught_up = time.monotonic()
        self._next_sweep = self._caught_up + self._interval_s
        self._sweeps_left = 0
        self._stopping = threading.Event()
        self._passing = threading.Lock()
        self.down = ""
        self.removed = 0
        self._thread = threading.Thread(target=self._run, name="tollbridge-fold", daemon=True)

    def start(self) -> None:
        """Folds first what dead processes left, so that budgets begin with it; where the database does not answer,
        later."""
        self.catch_up()
        self._thread.start()

    def stop(self) -> None:
        """Folds what is left. Where the database does not answer, the next start does."""
        self._stopping.set()
        self._thread.join()

    @property
    def refused(self) -> int:
        return self._refused.count

    @property
    def refused_lost(self) -> int:
        return self._refused.lost

    @property
    def lag_seconds(self) -> float:
        """How long ago everything was in the database, what dead processes left among it."""
        waits = self._journal.pending or not self._recovered
        return time.monotonic() - self._caught_up if waits else 0.0

    def _run(self) -> None:
        stopping = False
        while not stopping:
            stopping = self._rest()
            try:
                self.catch_up()
            except Exception:
                log.exception("folding the ledger's journal failed; it is tried again")

    def _rest(self) -> bool:
        """Until a pass is due. Whether it is to be the last."""
        due = time.monotonic() + self._pause_s
        while not self._stopping.wait(self._pause_s / LOOKS if self._busy else self._pause_s):
            if not self._busy or self._journal.pending >= MANY or time.monotonic() >= due:
                return False
        return True

    def catch_up(self) -> None:
        """Folds what has been appended before. For a moment of one's own choosing, from any thread but the loop's: it
        waits for a pass that is under way."""
        with self._passing:
            self._pass()

    def _pass(self) -> None:
        began = time.monotonic()
        try:
            if not self._recovered:
                self._recover()
            settled, until = 0, self._journal.appended
            while (self._journal.kept < until or self._stopping.is_set()) and self._next() is not None:
                settled += self._settle()
            self._caught_up = began
            self._sweep()
        except (StoreUnavailable, OSError) as error:
            self._wait(error)
            return
        if self.down:
            log.warning("the ledger's journal is folded into the database again")
        self.down = ""
        self._pause_s, self._busy = self._interval_s, settled >= BUSY

    def _recover(self) -> None:
        recover(self._directory, self._adopt)
        self._recovered = True
        if self._adopted:
            told = "entries found in the journals of processes that have ended, and folded: %d"
            log.warning(told, self._adopted)

    def _adopt(self, records: Sequence[Record]) -> None:
        fresh = self._fold([fit(record) for record in records], look=True)
        self._adopted += len(fresh)
        if self._found is not None:
            self._found(fresh)
        self._unheard.difference_update(record.id for record in records)

    def _next(self) -> Batch | None:
        if self._held is None:
            self._held = self._journal.take(BATCH)
        return self._held

    def _settle(self) -> int:
        """How many entries it was."""
        batch = self._held
        assert batch is not None
        if batch.records:
            fresh = self._fold(batch.records, look=batch.reread)
            if self._folded is not None:
                self._folded(fresh)
            self._unheard.difference_update(record.id for record in batch.records)
        self._held = None
        for file, damage in self._journal.backlog.take_damage():
            tell(file, [damage])
        self._journal.folded(batch.number)
        return len(batch.records)

    def _fold(self, records: Sequence[Record], *, look: bool) -> Sequence[Record]:
        """Those that are in the database now, and of which nobody was told yet. `look`: somebody may have been told of
        some of them. What an attempt is made at is noted before: its end may be unheard of, though it was done."""
        if self._begins is not None:
            self._begins()
        fresh = records
        if look:
            told = self._store.known(records) - self._unheard
            fresh = list({record.id: record for record in records if record.id not in told}.values())
        self._unheard.update(record.id for record in fresh)
        refused = self._sift(fresh, again=look or bool(self.down))
        return [record for record in fresh if record.id not in refused] if refused else fresh

    def _sift(self, records: Sequence[Record], *, again: bool) -> set[str]:
        """Folds what can be. The ids of those that were set aside: found by halves, and where that takes too long, with
        the rest of their half."""
        deadline = time.monotonic() + self._search_s
        pieces, refused, reason = [records] if records else [], list[Record](), ""
        while pieces:
            piece = pieces.pop()
            try:
                self._store.fold(piece, again=again)
            except EntryRefused as error:
                reason, half = str(error), len(piece) // 2
                if half and time.monotonic() < deadline:
                    pieces += piece[half:], piece[:half]
                else:
                    refused += piece
        if refused:
            self._refused.keep(refused, reason)
        return {record.id for record in refused}

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
        self._busy = False
        self._pause_s = min(self._pause_s * 2, PAUSE_MAX_S)
