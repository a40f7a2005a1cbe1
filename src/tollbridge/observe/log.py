"""One JSON line per request, written by a thread of its own: the path of a request appends to a deque and goes on.

A full queue drops lines and counts them: logs never hold up traffic and never grow without bound.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from typing import IO

from tollbridge.observe.line import Scribe
from tollbridge.observe.record import Record

QUEUE_MAX = 100_000
BATCH_PAUSE_S = 0.05


class RequestLog:
    """`stream`: a binary file that lines are appended to. `close` writes what is left."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._queue: deque[Record | bytes] = deque()
        self._wake = threading.Event()
        self._stopping = False
        self.dropped = 0
        self._thread = threading.Thread(target=self._run, name="tollbridge-log", daemon=True)
        self._thread.start()

    def done(self, record: Record, line: bytes | None = None) -> None:
        if len(self._queue) >= QUEUE_MAX:
            self.dropped += 1
            return
        self._queue.append(record if line is None else line)
        if not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        self._stopping = True
        self._wake.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        line = Scribe().line
        while True:
            self._wake.wait()
            self._wake.clear()
            lines: list[bytes] = []
            while self._queue:
                entry = self._queue.popleft()
                lines.append(entry if isinstance(entry, bytes) else line(entry))
            if lines:
                self._write(b"\n".join(lines) + b"\n")
            if self._stopping and not self._queue:
                return
            if not self._stopping:
                time.sleep(BATCH_PAUSE_S)

    def _write(self, block: bytes) -> None:
        try:
            self._stream.write(block)
            self._stream.flush()
        except OSError as error:
            self.dropped += block.count(b"\n")
            print(f"tollbridge: the request log cannot be written: {error}", file=sys.stderr)
