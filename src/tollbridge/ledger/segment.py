"""One file of a journal, as its owner appends to it."""

from __future__ import annotations

import os
from pathlib import Path

SUFFIX = ".journal"


class Segment:
    """`last`: the number of the last entry in it, as `Journal` counts them. `bytes`: how long it is. `open`: may be
    appended to."""

    __slots__ = ("_descriptor", "_synced", "_torn", "bytes", "last", "open", "path")

    def __init__(self, path: Path, last: int) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._synced = 0
        self._torn = False
        self.open = True
        self.path = path
        self.last = last
        self.bytes = 0

    def append(self, line: bytes) -> None:
        """Raises OSError where not all of it was taken: nothing of it stays then, or, where even that fails, the next
        line begins anew, so that a reader misses only what was never acknowledged."""
        if self._torn:
            line = b"\n" + line
        taken = os.write(self._descriptor, line)
        if taken < len(line):
            taken = self._go_on(line, taken)
        self._torn = False
        self.bytes += taken

    def try_space(self, size: int) -> None:
        """Raises OSError where there is no room for so many bytes."""
        try:
            self._go_on(b"\n" * size, 0)
        finally:
            self._cut()

    def sync(self) -> None:
        """What was appended is on the disk. Raises OSError."""
        size = self.bytes
        if self.open and self._synced < size:
            os.fdatasync(self._descriptor)
            self._synced = size

    def close(self) -> None:
        """Raises OSError where the system tells only now that something went wrong. It is closed all the same."""
        if self.open:
            self.open = False
            os.close(self._descriptor)

    def _go_on(self, line: bytes, taken: int) -> int:
        try:
            while taken < len(line):
                taken += os.write(self._descriptor, line[taken:])
        except OSError:
            self._cut()
            raise
        return taken

    def _cut(self) -> None:
        try:
            os.ftruncate(self._descriptor, self.bytes)
        except OSError:
            self._torn = True
            self.bytes = os.fstat(self._descriptor).st_size
