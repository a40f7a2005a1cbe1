"""What waits for a client that does not read."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tollbridge.mcp.jsonrpc import notification, result
from tollbridge.mcp.outflow import BEHIND_MAX, Outflow
from tollbridge.mcp.rounds import Rounds
from tollbridge.server.inbound import Headers

pytestmark = pytest.mark.asyncio
PIECE = "x" * 100_000


class Reader:
    """A `Responder` whose client reads while `reading` is set."""

    def __init__(self) -> None:
        self.reading = asyncio.Event()
        self.started = self.finished = self.aborted = self.gone = False
        self.written: list[bytes] = []

    def reply(self, status: int, headers: Headers, body: bytes) -> None:
        self.written.append(body)

    def start(self, status: int, headers: Headers) -> None:
        self.started = True

    def write(self, data: bytes) -> None:
        self.written.append(data)

    async def drain(self) -> None:
        await self.reading.wait()

    def finish(self) -> None:
        self.finished = True

    def abort(self) -> None:
        self.aborted = True

    def on_gone(self, callback: Any) -> None:
        """It never leaves."""


def progress(number: int) -> dict[str, Any]:
    return notification("notifications/progress", {"progressToken": 1, "progress": number, "message": PIECE})


async def test_progress_that_a_client_does_not_read_is_left_out_and_the_answer_comes() -> None:
    reader = Reader()
    out = Outflow(reader, Rounds(60))
    for number in range(1000):
        out.say(progress(number))
        await asyncio.sleep(0)
    assert BEHIND_MAX < sum(map(len, reader.written)) < BEHIND_MAX + 2 * len(PIECE)
    reader.reading.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    out.say(progress(1000))  # it reads again, and is told again
    assert b'"progress":1000' in reader.written[-1]
    out.finish(result(1, {"content": []}))
    assert b'"content":[]' in reader.written[-1]
    assert reader.finished


async def test_a_client_that_reads_is_told_everything() -> None:
    reader = Reader()
    reader.reading.set()
    out = Outflow(reader, Rounds(60))
    for number in range(100):
        out.say(progress(number))
        await asyncio.sleep(0)
    out.end()
    assert len(reader.written) == 100


async def test_where_nothing_may_be_left_out_the_stream_is_broken_off() -> None:
    reader, lost = Reader(), asyncio.Event()
    out = Outflow(reader, Rounds(60), lost=lost.set)
    for _ in range(1000):
        out.say(notification("notifications/resources/updated", {"uri": "note://today", "_meta": {"about": PIECE}}))
        await asyncio.sleep(0)
    assert sum(map(len, reader.written)) < BEHIND_MAX + 2 * len(PIECE)
    assert reader.aborted
    assert not reader.finished
    assert lost.is_set()
