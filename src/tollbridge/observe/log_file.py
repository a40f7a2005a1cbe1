"""The file of a log: nobody else may read it, and where it was moved away (logrotate) another is begun in its place."""

from __future__ import annotations

import os
import stat
from io import FileIO

MODE = 0o600


class LogFile:
    """`log.Stream`. What is no regular file (a pipe, a terminal) is not looked after. Raises OSError where it cannot be
    opened."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._open()

    def write(self, data: memoryview, /) -> int | None:
        """Raises OSError, also where the file is gone and no other can be begun."""
        if self._regular and self._is_another():
            former = self._file
            self._open()
            former.close()
        return self._file.write(data)

    def close(self) -> None:
        self._file.close()

    def _open(self) -> None:
        self._file = FileIO(self._path, "ab", opener=lambda path, flags: os.open(path, flags, MODE))
        self._it = os.fstat(self._file.fileno())
        self._regular = stat.S_ISREG(self._it.st_mode)

    def _is_another(self) -> bool:
        try:
            there = os.stat(self._path)
        except FileNotFoundError:
            return True
        return (there.st_dev, there.st_ino) != (self._it.st_dev, self._it.st_ino)
