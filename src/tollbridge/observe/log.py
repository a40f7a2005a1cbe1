"""One JSON line per request, written by a thread of its own: the path of a request appends to a deque and goes on.

A full queue drops lines and counts them: logs never hold up traffic and never grow without bound.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from typing import IO, Any

import msgspec

from tollbridge.observe.record import Record

QUEUE_MAX = 100_000
BATCH_PAUSE_S = 0.05


class RequestLog:
    """`stream`: a binary file that lines are appended to. `close` writes what is left."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._queue: deque[Record] = deque()
        self._wake = threading.Event()
        self._stopping = False
        self._encode = msgspec.json.Encoder().encode
        self.dropped = 0
        self._thread = threading.Thread(target=self._run, name="tollbridge-log", daemon=True)
        self._thread.start()

    def done(self, record: Record) -> None:
        if len(self._queue) >= QUEUE_MAX:
            self.dropped += 1
            return
        self._queue.append(record)
        if not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        self._stopping = True
        self._wake.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            lines: list[bytes] = []
            while self._queue:
                lines.append(self._encode(line(self._queue.popleft())))
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


def line(record: Record) -> dict[str, Any]:
    """The fields of one log line; those that are empty are left out."""
    fields: dict[str, Any] = {
        "ts": _iso(record.at),
        "level": "info" if record.status < 500 else "error",
        "event": "request",
        "request_id": record.id,
        "trace_id": record.trace,
        "key_id": record.key,
        "endpoint": record.endpoint,
        "model_requested": record.model_asked,
        "deployment": record.deployment,
        "provider": record.provider,
        "model": record.model,
        "status": record.status,
        "outcome": record.outcome,
        "error_class": record.error,
        "attempts": record.attempts,
        "fallbacks": record.fallbacks,
        "relayed": record.relayed,
        "stream": record.stream,
        "ttft_ms": _ms(record.first_s),
        "duration_ms": _ms(record.duration_s),
        "overhead_ms": _ms(max(0.0, (record.first_s or record.duration_s) - record.upstream_s)),
        "user": record.user,
        "tags": record.tags,
        "metadata": record.metadata,
        "client": record.client,
        "peer": record.peer,
        "caveats": [f"{caveat.code} {caveat.where}" for caveat in record.caveats],
    }
    usage = record.usage
    if usage is not None:
        fields["tokens"] = {
            name: value
            for name, value in (
                ("input", usage.input),
                ("output", usage.output),
                ("cache_read", usage.cache_read),
                ("cache_write", usage.cache_write),
                ("reasoning", usage.reasoning),
            )
            if value is not None
        }
    return {name: value for name, value in fields.items() if value not in ("", None, (), [])}


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _iso(at: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))
    return f"{whole}.{int(at % 1 * 1000):03d}Z"
