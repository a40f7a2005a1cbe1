"""One JSON line per request, written by a thread of its own: the path of a request appends to a deque and goes on.

A full queue drops lines and counts them, and so does a full disk: logs never hold up traffic and never grow without
bound. Whoever has no key fills no disk: of requests that were refused to nobody in particular `STRANGERS_PER_S` are
logged, and of the others the number, in a line of its own. The metrics count them all.
"""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

import msgspec

from tollbridge.observe.line import Scribe, spelled
from tollbridge.observe.metrics import Metrics
from tollbridge.observe.record import Record

QUEUE_MAX = 100_000
BATCH_PAUSE_S = 0.05
STRANGERS_PER_S = 100
NEWLINE = ord("\n")

log = logging.getLogger(__name__)


class Stream(Protocol):
    """A binary file without a buffer."""

    def write(self, data: memoryview, /) -> int | None:
        """How much was taken; None where nothing can be just now. Raises OSError."""


class RequestLog:
    """`stream` is what lines are appended to; `close` writes those that are left. `clock`: monotonic seconds.
    `dropped`: lines that are not in it."""

    def __init__(self, stream: Stream, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._second_ends = 0.0
        self._strangers = self._unlogged = 0
        self._stream = stream
        self._queue: deque[Record | bytes] = deque()
        self._wake = threading.Event()
        self._stopping = False
        self.dropped = 0
        self._failing = self._torn = False
        self._thread = threading.Thread(target=self._run, name="tollbridge-log", daemon=True)
        self._thread.start()

    def done(self, record: Record, line: bytes | None = None) -> None:
        if not record.key_id and record.status >= 400 and self._flooded():
            return
        queue = self._queue
        if len(queue) >= QUEUE_MAX:
            self.dropped += 1
            return
        queue.append(record if line is None else line)
        if not self._wake.is_set():
            self._wake.set()

    def show(self, metrics: Metrics) -> None:
        text = "Lines that the request log had no room for"
        metrics.counters["tollbridge_log_dropped"] = (text, lambda: float(self.dropped))

    def close(self) -> None:
        self._tell_unlogged()
        self._stopping = True
        self._wake.set()
        self._thread.join(timeout=5)

    def _flooded(self) -> bool:
        """Whether this second had its share of strangers."""
        now = self._clock()
        if now >= self._second_ends:
            self._tell_unlogged()
            self._second_ends, self._strangers = now + 1.0, 0
        self._strangers += 1
        if self._strangers <= STRANGERS_PER_S:
            return False
        self._unlogged += 1
        return True

    def _tell_unlogged(self) -> None:
        if self._unlogged:
            said = {"event": "unlogged", "ts": spelled(time.time()), "level": "warning", "count": self._unlogged}
            self._queue.append(msgspec.json.encode(said))
            self._wake.set()
            self._unlogged = 0

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
        """As far as there is room. A line of which there was room for a part is ended before the next one."""
        mended = int(self._torn)
        block = b"\n" * mended + block
        left = memoryview(block)
        try:
            while left:
                left = left[self._taken(left) :]
        except OSError as error:
            written = len(block) - len(left)
            if written:
                self._torn = block[written - 1] != NEWLINE
            self.dropped += block.count(b"\n", max(written, mended))
            if not self._failing:
                log.error("THE REQUEST LOG CANNOT BE WRITTEN: %s. Its lines are dropped until it can.", error)
            self._failing = True
            return
        if self._failing:
            log.warning("the request log is written again; lines dropped so far: %d", self.dropped)
        self._failing = self._torn = False

    def _taken(self, block: memoryview) -> int:
        """How much of it was. A pipe that is full takes nothing until somebody reads. Raises OSError."""
        taken = self._stream.write(block)
        if taken is None:
            if self._stopping:
                raise BlockingIOError(errno.EAGAIN, "nobody reads it")
            time.sleep(BATCH_PAUSE_S)
        return taken or 0
