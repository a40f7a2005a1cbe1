"""The file of a log: nobody else may read it, and where it was moved away (logrotate) another is begun in its place."""

from __future__ import annotations

import errno
import logging
import os
import stat
from io import FileIO

log = logging.getLogger(__name__)
MODE = 0o600


class LogFile:
    """`log.Stream`. What is no regular file (a pipe, a terminal) is not looked after. Raises OSError where it cannot be
    opened."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._stuck = False
        self._file = _opened(path)
        self._it = os.fstat(self._file.fileno())
        self._regular = stat.S_ISREG(self._it.st_mode)

    def write(self, data: memoryview, /) -> int | None:
        """Where no other can be begun, the file that was moved away goes on, and each write tries again. Raises
        OSError, also where that one is deleted."""
        if self._regular:
            try:
                self._follow()
            except OSError as error:
                if not os.fstat(self._file.fileno()).st_nlink:
                    raise
                if not self._stuck:
                    log.warning("the request log goes on in the file that was moved away: %s", error)
                self._stuck = True
            else:
                self._stuck = False
        return self._file.write(data)

    def close(self) -> None:
        self._file.close()

    def _follow(self) -> None:
        """Begins another where the path leads to this one no more. Raises OSError."""
        try:
            there = os.stat(self._path)
        except FileNotFoundError:
            pass
        else:
            if (there.st_dev, there.st_ino) == (self._it.st_dev, self._it.st_ino):
                return
            if not stat.S_ISREG(there.st_mode):  # a pipe that nobody reads would be waited for
                raise OSError(errno.EEXIST, "what is there now is no regular file", self._path)
        former, self._file = self._file, _opened(self._path)
        self._it = os.fstat(self._file.fileno())
        former.close()


def _opened(path: str) -> FileIO:
    return FileIO(path, "ab", opener=lambda path, flags: os.open(path, flags, MODE))
