"""Entries that the database refuses, whatever it is: set aside beside the journal, in its format, and told.

Up to a bound, so that what is refused again and again fills no disk; above it an entry is in the request log alone.
Several processes write the same file, in turn. Nothing reads it but people: named `again.1.journal` in the same
directory it is folded by the next start, once the reason is gone.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from tollbridge.ledger.lines import write_line
from tollbridge.observe.line import Scribe
from tollbridge.observe.record import Record

NAME = "refused"
BYTES_MAX = 64 * 1024 * 1024

log = logging.getLogger(__name__)


class Refused:
    """`count`: entries that were refused; `lost`: those of them that were not kept."""

    def __init__(self, directory: Path, bytes_max: int = BYTES_MAX) -> None:
        self.file = directory / NAME
        self.count = 0
        self.lost = 0
        self._bytes_max = bytes_max
        self._scribe = Scribe()

    def keep(self, records: Sequence[Record], reason: str) -> None:
        """On the disk when it returns. Raises OSError where that cannot be; nothing of them is in the file then."""
        lines = [write_line(self._scribe.again(record)) for record in records]
        descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            kept = self._append(descriptor, lines)
        finally:
            os.close(descriptor)
        self.count += len(records)
        self.lost += len(records) - kept
        log.error(
            "THE DATABASE REFUSES ENTRIES of the ledger: %d, the first of them %s: %s Kept in %s: %d.",
            len(records),
            records[0].id,
            reason,
            self.file,
            kept,
        )
        if kept < len(records):
            log.error("%s IS FULL: %d refused entries are in the request log alone.", self.file, len(records) - kept)

    def _append(self, descriptor: int, lines: Sequence[bytes]) -> int:
        """How many there was room for."""
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"  # somebody died within a write
        end, kept = size + torn, 0
        while kept < len(lines) and end + len(lines[kept]) <= self._bytes_max:
            end += len(lines[kept])
            kept += 1
        if kept:
            try:
                _write_all(descriptor, b"\n" * torn + b"".join(lines[:kept]))
                os.fsync(descriptor)
            except OSError as error:
                os.ftruncate(descriptor, size)
                raise OSError(error.errno, error.strerror, str(self.file)) from error
        return kept


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
