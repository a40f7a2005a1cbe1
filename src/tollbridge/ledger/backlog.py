"""What is in the journal and not in the database yet: in memory as far as that is bounded, else in the journal's files.

While the database keeps up, records go from the queue to it without being read again. Where it does not, the queue
fills; from then on a record is left in its file alone (*spilled*), and once the queue is drained the files are read.
Only what could not be written to a file is queued beyond the bound, up to a second one; above that an entry is lost,
counted and told.
"""

from __future__ import annotations

import itertools
import logging
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from tollbridge.ledger.lines import Damage, read_lines
from tollbridge.observe.record import Record

QUEUED_MAX = 5_000
UNWRITTEN_MAX = 20_000

log = logging.getLogger(__name__)


class Written(msgspec.Struct, frozen=True):
    """A file of the journal, as far as it is written: the lines up to `length`."""

    path: Path
    length: int


class Batch(msgspec.Struct, frozen=True):
    """`number`: once it is folded, so are all entries up to this one. `reread`: it was read from a file, where some of
    it may have been folded before."""

    records: Sequence[Record]
    number: int
    reread: bool = False


class Backlog:
    """`add`, `take` and `reread` are called under the journal's lock, `take_reread` by the thread that folds.

    `lost`: entries that are nowhere."""

    def __init__(self, queued_max: int = QUEUED_MAX, unwritten_max: int = UNWRITTEN_MAX) -> None:
        self._queued_max = queued_max
        self._all_max = queued_max + unwritten_max
        self._queue: deque[tuple[int, Record]] = deque()
        self._spilled_from: int | None = None
        self._files: Iterator[Record] | None = None
        self._files_until = 0
        self.lost = 0
        self._damage: list[tuple[Path, Damage]] = []

    @property
    def spilled(self) -> bool:
        """The queue does not have all: once it is drained, `reread` must be given the files."""
        return self._spilled_from is not None

    def add(self, number: int, record: Record, written: bool) -> bool:
        """False where the entry is lost."""
        queued = len(self._queue)
        if written:
            if self._spilled_from is None:
                if queued < self._queued_max:
                    self._queue.append((number, record))
                else:
                    self._spilled_from = number
            return True
        if queued < self._all_max:
            self._queue.append((number, record))
            return True
        if self.lost == 0:
            log.error("ENTRIES OF THE LEDGER ARE LOST: neither the journal nor the database takes any, for too long.")
        self.lost += 1
        return False

    def take(self, count: int) -> Batch | None:
        """The next ones of the queue, at most `count`."""
        if not self._queue:
            return None
        taken = [self._queue.popleft() for _ in range(min(count, len(self._queue)))]
        number = taken[-1][0]
        if self._spilled_from is not None:
            number = min(number, self._spilled_from - 1)
        return Batch([record for _, record in taken], number)

    def reread(self, files: Sequence[Written], until: int) -> None:
        """From now on `take_reread` gives what is in the files, all entries up to `until`; the queue is of those that
        come after."""
        self._spilled_from = None
        self._files, self._files_until = self._records(files), until

    def take_reread(self, count: int) -> Batch | None:
        """The next ones of the files; once these are through, an empty batch that says up to where."""
        if self._files is None:
            return None
        try:
            records = list(itertools.islice(self._files, count))
        except OSError:
            self._files = None
            self._spilled_from = 1  # all that is not folded is looked for in the files anew
            raise
        if records:
            return Batch(records, 0, reread=True)
        self._files = None
        return Batch((), self._files_until, reread=True)

    def take_damage(self) -> list[tuple[Path, Damage]]:
        """What is wrong with our own files, told once."""
        damage, self._damage = self._damage, []
        return damage

    def _records(self, files: Sequence[Written]) -> Iterator[Record]:
        for file in files:
            with open(file.path, "rb") as stream:
                for found in read_lines(stream, file.length):
                    if isinstance(found, Record):
                        yield found
                    else:
                        self._damage.append((file.path, found))
