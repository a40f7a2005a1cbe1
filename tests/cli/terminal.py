"""A program on a terminal of its own, typed at and looked at."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

WAIT_S = 60.0
_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[()][A-Z0-9])")


class Terminal:
    def __init__(self, process: subprocess.Popen[bytes], end: int) -> None:
        self._process = process
        self._end = end
        self._raw = ""
        self._looked = 0

    @property
    def shown(self) -> str:
        """All that was ever written, without escapes."""
        return _ESCAPE.sub("", self._raw)

    @property
    def raw(self) -> str:
        return self._raw

    def until(self, text: str) -> None:
        """Until it is shown, behind where it was last looked."""
        deadline = time.monotonic() + WAIT_S
        while text not in self.shown[self._looked :] and time.monotonic() < deadline:
            if select.select([self._end], [], [], 1.0)[0]:
                try:
                    self._raw += os.read(self._end, 65536).decode("utf-8", "replace")
                except OSError:  # the program has ended
                    break
        assert text in self.shown[self._looked :], self.shown
        self._looked = self.shown.index(text, self._looked) + len(text)

    def type(self, text: str) -> None:
        os.write(self._end, text.encode())

    def interrupt(self) -> None:
        """As Ctrl-C does: to whoever has the terminal."""
        self._process.send_signal(signal.SIGINT)

    def ended(self) -> int:
        return self._process.wait(WAIT_S)


@contextmanager
def on_a_terminal(command: list[str], directory: Path, environ: Mapping[str, str]) -> Iterator[Terminal]:
    end, inner = pty.openpty()
    environ = {"TERM": "xterm", "COLUMNS": "80", "LINES": "24", **environ}
    with subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner, cwd=directory, env=environ) as process:
        os.close(inner)
        try:
            yield Terminal(process, end)
        finally:
            process.kill()
            os.close(end)
