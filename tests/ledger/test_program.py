"""Random programs of entering, folding, losing the database, filling the disk and crashing: whatever the order, each
entry ends in the database once, and its budget is told once."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.ledger.records import ids, record
from tollbridge.ledger.backlog import Backlog, Batch
from tollbridge.ledger.estate import recover
from tollbridge.ledger.journal import Journal
from tollbridge.ledger.lines import read_lines
from tollbridge.ledger.segment import Segment
from tollbridge.observe import Record


class Disk:
    """`Segment.append` on a disk that may be full."""

    def __init__(self) -> None:
        self.full = False
        self._append = Segment.append

    def append(self, segment: Segment, line: bytes) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._append(segment, line)


class Programs(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="tb-journal-"))
        self.disk = Disk()
        self.patch = patch.object(Segment, "append", lambda segment, line: self.disk.append(segment, line))
        self.patch.start()
        self.database: set[str] = set()
        self.entered: set[str] = set()
        self.may_be_lost: set[str] = set()
        self._open()

    def _open(self) -> None:
        self.journal = Journal(
            self.directory, fail_closed=False, segment_bytes=1500, backlog=Backlog(queued_max=6, unwritten_max=10**6)
        )
        self.own: set[str] = set()
        self.told: list[str] = []
        self.held: Batch | None = None

    @rule(count=st.integers(1, 9))
    def enter(self, count: int) -> None:
        for _ in range(count):
            one = record()
            self.journal.append(one)
            self.entered.add(one.id)
            self.own.add(one.id)

    @rule(count=st.integers(1, 7))
    def fold(self, count: int) -> None:
        batch = self.held or self.journal.take(count)
        self.held = None
        if batch is not None:
            fresh = self._insert(batch.records)
            self.told += fresh if batch.reread else ids(batch.records)
            self.journal.folded(batch.number)

    @precondition(lambda self: self.held is None)
    @rule(count=st.integers(1, 7))
    def lose_the_database(self, count: int) -> None:
        """What was taken is tried again."""
        self.held = self.journal.take(count)

    @precondition(lambda self: not self.disk.full)
    @rule()
    def fill_the_disk(self) -> None:
        self.disk.full = True

    @precondition(lambda self: self.disk.full)
    @rule()
    def make_room(self) -> None:
        self.disk.full = False
        self.journal._try_again()

    @precondition(lambda self: not self.disk.full)
    @rule()
    def crash(self) -> None:
        """The process is gone; the next one adopts its files."""
        self.may_be_lost |= {json_id(line) for _, line in self.journal._unwritten}
        self._end()
        self._open()
        recover(self.directory, self._insert)

    @invariant()
    def every_entry_is_somewhere(self) -> None:
        there = self.database | {json_id(line) for _, line in self.journal._unwritten} | self.may_be_lost
        for file in self.directory.glob("*.journal"):
            with open(file, "rb") as stream:
                there |= {found.id for found in read_lines(stream) if isinstance(found, Record)}
        assert self.entered <= there

    @invariant()
    def what_counts_as_folded_is(self) -> None:
        assert len(self.own & self.database) >= self.journal.kept

    def teardown(self) -> None:
        if not hasattr(self, "journal"):
            return
        self.disk.full = False
        self.journal._try_again()
        while self.held is not None or self.journal.pending:
            self.fold(5)
        assert self.database >= self.entered - self.may_be_lost
        assert sorted(self.told) == sorted(self.own)
        self.journal.close()
        assert list(self.directory.iterdir()) == []
        self.patch.stop()
        shutil.rmtree(self.directory)

    def _insert(self, records: Sequence[Record]) -> list[str]:
        fresh = [id for id in ids(records) if id not in self.database]
        self.database |= set(fresh)
        return fresh

    def _end(self) -> None:
        """As death does: nothing is written, folded or removed; the lock is let go."""
        journal = self.journal
        journal._stopping.set()
        journal._dirty.set()
        journal._thread.join()
        os.close(journal._lock)


def json_id(line: bytes) -> str:
    return line.partition(b'"id":"')[2][:26].decode()


TestPrograms = Programs.TestCase
TestPrograms.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
