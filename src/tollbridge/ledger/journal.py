"""The append-only journal: what is in it is accounted for, whatever happens to the process.

    <home>/journal/<process>.lock             held by its owner for as long as it lives (flock)
    <home>/journal/<process>.<number>.journal lines (`lines.py`); at a certain size it is followed by the next

1. An entry is written, by one system call and with no buffer of ours, before its client gets the last bytes of its
   answer. A thread brings it to the disk within 50 ms; nobody waits for that. So a killed process loses nothing, and a
   machine that loses its power at most those 50 ms.
2. A file is removed when all its entries are in the database; until then it is what a restart reads (`estate.py`).
3. Where a write fails (disk full, read-only, broken), the entry is kept in memory, for the database and for a later
   try; `failing` says why. Meanwhile `check` refuses new requests, unless the operator prefers to serve. Once there is
   room again, all goes on by itself.
4. Entries are numbered as they come. `folded(number)`: this one and all before it are in the database.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import secrets
import threading
import time
from collections import deque
from pathlib import Path

from tollbridge.errors import ConfigError, ServiceUnavailableError
from tollbridge.ledger.backlog import Backlog, Batch, Written
from tollbridge.ledger.lines import write_line
from tollbridge.ledger.segment import SUFFIX, Segment
from tollbridge.observe.line import Scribe
from tollbridge.observe.record import Record
from tollbridge.observe.ulid import Ulids

SEGMENT_BYTES = 8 * 1024 * 1024
REMOVABLE_BYTES = 1024 * 1024
"""A file under way of which all is folded is left behind only at this size: a restart reads it for nothing."""
GATHER_S = 0.03
"""From an entry to the sync that covers it; the rest of the 50 ms is the disk's."""
RETRY_S = 0.5
ROOM_BYTES = 64 * 1024
"""So much must fit before a full disk counts as one with room: else every other request would find out anew."""
SPOILED = (errno.EFBIG, errno.EIO, errno.EROFS)
"""Where one file has these, another may not."""

log = logging.getLogger(__name__)


class Journal:
    """`append` belongs to the server's thread, `take` and `folded` to the folder's; `failures` and `backlog.lost` only
    grow. `fail_closed`: refuse requests while nothing can be written."""

    def __init__(
        self,
        folder: Path,
        *,
        fail_closed: bool = True,
        segment_bytes: int = SEGMENT_BYTES,
        backlog: Backlog | None = None,
    ) -> None:
        """Raises ConfigError where the folder cannot be used."""
        self.fail_closed = fail_closed
        self.failing = ""
        self.failures = 0
        self.appended = 0
        self.kept = 0
        self.backlog = Backlog() if backlog is None else backlog
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._unwritten: deque[tuple[int, bytes]] = deque()
        self._old: deque[Segment] = deque()
        self._segments = 0
        self._scribe = Scribe()
        self._ulids = Ulids()
        self._writing = threading.Lock()
        self._syncing = threading.Lock()
        self._dirty = threading.Event()
        self._stopping = threading.Event()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._process, self._lock = _named(folder)
            self._active = self._next()
        except OSError as error:
            raise ConfigError(
                f"The journal cannot be written in {folder}: {error.strerror or error}. "
                "Set TOLLBRIDGE_HOME to a directory on a local disk that can be written."
            ) from error
        self._thread = threading.Thread(target=self._run, name="tollbridge-journal", daemon=True)
        self._thread.start()

    def append(self, record: Record) -> bytes:
        """Writes the entry, or keeps it until it can be written; gives it its id. Returns its JSON: the request's line
        in the log, too. The record is not to be changed after."""
        if not record.id:
            record.id = self._ulids.next()
        json = self._scribe.line(record)
        line = write_line(json)
        with self._writing:
            number = self.appended = self.appended + 1
            written = False
            if not self.failing:
                try:
                    if self._active.bytes + len(line) > self._segment_bytes and self._active.bytes:
                        self._turn()
                    self._active.append(line)
                    written = True
                except OSError as error:
                    written = self._write_elsewhere(line, error)
            taken = self.backlog.add(number, record, written)
            if written:
                self._active.last = number
            elif taken:
                self._unwritten.append((number, line))
        if not self._dirty.is_set():
            self._dirty.set()
        return json

    def check(self) -> None:
        """Raises what a new request is refused with while nothing can be written down."""
        if self.failing and self.fail_closed:
            raise ServiceUnavailableError(
                f"The gateway cannot write down what requests cost ({self.failing}) and takes none until it can. "
                "Retry later; its operator finds in its log what to do.",
                retry_after_s=1.0,
                code="ledger_unavailable",
            )

    @property
    def pending(self) -> int:
        """Entries that are not in the database yet."""
        return self.appended - self.kept

    @property
    def unwritten(self) -> int:
        """Entries that are in memory alone."""
        return len(self._unwritten)

    def take(self, count: int) -> Batch | None:
        """The next entries to fold, at most `count`; None where there are none. Raises OSError where our own files
        cannot be read; a later call reads them anew."""
        batch = self.backlog.take_reread(count)
        if batch is not None:
            return batch
        with self._writing:
            batch = self.backlog.take(count)
            if batch is not None or not self.backlog.spilled:
                return batch
            segments = (*self._old, self._active)
            files = [Written(one.path, one.bytes) for one in segments if one.last > self.kept]
            self.backlog.reread(files, self.appended)
        return self.backlog.take_reread(count)

    def folded(self, number: int) -> None:
        """All entries up to this one are in the database: files that hold no others are removed."""
        removable: list[Segment] = []
        with self._writing:
            self.kept = max(number, self.kept)
            while self._unwritten and self._unwritten[0][0] <= number:
                self._unwritten.popleft()
            if self._active.last <= number and self._active.bytes >= REMOVABLE_BYTES:
                self._turn()
            while self._old and self._old[0].last <= number:
                removable.append(self._old.popleft())
        with self._syncing:
            for segment in removable:
                self._close(segment)
            self._remove([segment.path for segment in removable])

    def close(self) -> None:
        """Brings to the disk what is left. What is not folded is read by the next start."""
        self._stopping.set()
        self._dirty.set()
        self._thread.join()
        self._sync()
        if self._unwritten:
            log.error(
                "%d entries of the ledger could be written neither to the journal nor to the database (%s). "
                "They are in the request log alone.",
                len(self._unwritten),
                self.failing,
            )
        segments = [*self._old, self._active]
        for segment in segments:
            self._close(segment)
        try:
            self._remove([segment.path for segment in segments if segment.last <= self.kept])
            if self.pending == 0:
                self._remove([_lock_file(self._folder, self._process)])
        finally:
            os.close(self._lock)

    def _write_elsewhere(self, line: bytes, error: OSError) -> bool:
        """What the file under way did not take. Whether it is in a file now."""
        while error.errno in SPOILED and self._active.bytes and self._turn():
            try:
                self._active.append(line)
                return True
            except OSError as again:
                error = again
        self._fail(error)
        return False

    def _turn(self) -> bool:
        """Goes on in a new file, where one can be made; else the old one grows."""
        try:
            segment = self._next()
        except OSError as error:
            log.warning("the ledger's journal goes on in %s: %s", self._active.path.name, error.strerror or error)
            return False
        self._old.append(self._active)
        self._active = segment
        return True

    def _next(self) -> Segment:
        self._segments += 1
        return Segment(self._folder / f"{self._process}.{self._segments:06d}{SUFFIX}", self.appended)

    def _fail(self, error: OSError) -> None:
        self.failures += 1
        self.failing = error.strerror or str(error)
        log.error(
            "THE LEDGER'S JOURNAL CANNOT BE WRITTEN in %s: %s. Make room there, or see that the disk takes writes. %s "
            "Entries are kept in memory and written as soon as they can be.",
            self._folder,
            self.failing,
            "New requests are refused with 503." if self.fail_closed else "Requests are served all the same.",
        )

    def _run(self) -> None:
        """Brings to the disk what was written, some entries at a time; tries again what could not be."""
        while not self._stopping.is_set():
            try:
                self._bring()
            except Exception:  # entries are written without this thread; that they reach the disk soon depends on it
                self.failures += 1
                log.exception("THE LEDGER'S JOURNAL does not reach the disk for now; it is tried again")
                self._stopping.wait(RETRY_S)
        if self.failing:
            self._try_again()

    def _bring(self) -> None:
        if self.failing:
            self._stopping.wait(RETRY_S)
            self._try_again()
        else:
            self._dirty.wait()
        self._stopping.wait(GATHER_S)
        self._dirty.clear()
        self._sync()

    def _try_again(self) -> None:
        with self._writing:
            try:
                if self._active.bytes:
                    self._turn()
                self._active.try_space(ROOM_BYTES)
                while self._unwritten:
                    number, line = self._unwritten[0]
                    self._active.append(line)
                    self._active.last = number
                    self._unwritten.popleft()
            except OSError as error:
                self.failing = error.strerror or str(error)
                return
            self.failing = ""
        log.warning("the ledger's journal is written again")

    def _sync(self) -> None:
        with self._writing:
            old, active = list(self._old), self._active
        with self._syncing:
            for segment in (*old, active):
                try:
                    segment.sync()
                except OSError as error:
                    # What the disk has of this file nobody knows now: another one is begun. The entries are in memory.
                    self.failures += 1
                    log.error("THE LEDGER'S JOURNAL does not reach the disk: %s. See that the disk is sound.", error)
                    with self._writing:
                        if segment is self._active:
                            self._turn()
            for segment in old:
                self._close(segment)

    def _close(self, segment: Segment) -> None:
        """Only once it was brought to the disk, or is of no use any more: an error tells of the disk, and no entry is
        anywhere else for it."""
        try:
            segment.close()
        except OSError as error:
            self.failures += 1
            log.error(
                "THE LEDGER'S JOURNAL does not reach the disk: %s, when %s was closed. See that the disk is sound.",
                error,
                segment.path.name,
            )

    def _remove(self, files: list[Path]) -> None:
        for file in files:
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                log.warning("%s is folded and cannot be removed: %s", file, error.strerror or error)


def _named(folder: Path) -> tuple[str, int]:
    """A name for this process's files, and the lock on it. Who looks for the dead may find the file before it is
    locked, take it for one of theirs, and remove it: then the lock would be on nothing, and another name is tried."""
    while True:
        name = f"{int(time.time()):010x}-{os.getpid()}-{secrets.token_hex(4)}"
        file = _lock_file(folder, name)
        lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        if _locked(lock, file):
            return name, lock
        os.close(lock)


def _locked(lock: int, file: Path) -> bool:
    """False where somebody was quicker."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(lock), file.stat())
    except (BlockingIOError, FileNotFoundError):
        return False


def _lock_file(folder: Path, process: str) -> Path:
    return folder / f"{process}.lock"
