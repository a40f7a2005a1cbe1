"""An answer that takes time or goes wrong: a list of segments, one timer, and an ending.

A client that reads slowly pauses the playback (the clock does not catch up afterwards); one that leaves cancels it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import cast

import msgspec

from bench.mock.books import Books, Entry, State
from bench.mock.script import Ending

LINGER_NOT = struct.pack("ii", 1, 0)
BEFORE_RESET_S = 0.01  # a reset overtakes what is still in the send buffer


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """What to play. `tokens[n]` is what segment n adds to the bill."""

    segments: list[bytes]
    tokens: list[int]
    ending: Ending
    delay_s: float = 0.0
    pace_s: float = 0.0
    stale_s: float = 0.0


class Playback:
    def __init__(
        self,
        transport: asyncio.Transport,
        books: Books,
        entry: Entry | None,
        score: Score,
        close_idle: Callable[[], None],
    ) -> None:
        """`close_idle` closes the connection unless another answer plays on it by then."""
        self._transport = transport
        self._close_idle = close_idle
        self._books = books
        self._entry = entry
        self._score = score
        self._next = 0
        self._timer: asyncio.TimerHandle | None = None
        self._paused = False
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._wait(score.delay_s)

    def pause(self) -> None:
        self._paused = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def resume(self) -> None:
        self._paused = False
        self._wait(0)

    def lose(self) -> None:
        """The other side is gone."""
        if not self.done.done():
            if self._timer is not None:
                self._timer.cancel()
            self._books.cancelled += 1
            self._settle("cancelled")

    def _wait(self, seconds: float) -> None:
        if not self.done.done() and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._step)

    def _step(self) -> None:
        self._timer = None
        score = self._score
        written = 0
        while self._next < len(score.segments):
            self._write(self._next)
            self._next += 1
            written += 1
            if self._next < len(score.segments) and (score.pace_s or self._paused):
                if not self._paused:
                    self._wait(score.pace_s)
                return
        self._end()

    def _write(self, index: int) -> None:
        segment = self._score.segments[index]
        self._books.bytes_out += len(segment)
        if self._entry is not None:
            self._entry.output_tokens += self._score.tokens[index]
            self._books.output_tokens += self._score.tokens[index]
        self._transport.write(segment)

    def _end(self) -> None:
        match self._score.ending:
            case "keep":
                self._settle("finished")
            case "close":
                self._settle("finished")
                self._transport.close()
            case "stale":
                self._settle("finished")
                asyncio.get_running_loop().call_later(self._score.stale_s, self._close_idle)
            case "cut":
                self._break()
                self._transport.close()
            case "rst":
                asyncio.get_running_loop().call_later(BEFORE_RESET_S, self._reset)
            case "silence":
                pass  # until the other side leaves

    def _reset(self) -> None:
        if not self.done.done():
            connection = cast(socket.socket, self._transport.get_extra_info("socket"))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
            self._transport.abort()
            self._break()

    def _break(self) -> None:
        self._books.broken += 1
        self._settle("broken")

    def _settle(self, state: State) -> None:
        if self._entry is not None:
            self._entry.state = state
        self.done.set_result(None)
