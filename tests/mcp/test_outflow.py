"""What waits for a client that does not read: R23, P9."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.mcp.gateway import gateway
from tests.mcp.raw import META, MODERN, raw
from tests.mcp.serving import modern_only
from tollbridge.mcp.call import Ask, Caller, Room, Tell
from tollbridge.mcp.jsonrpc import notification, result
from tollbridge.mcp.outflow import BEHIND_MAX, Outflow
from tollbridge.mcp.parked import Parking
from tollbridge.mcp.rounds import Rounds
from tollbridge.policy.principal import Principal
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


STEPS = 200


@pytest.mark.parametrize("modern", [True, False])
async def test_a_server_waits_for_a_client_that_does_not_read_and_nothing_is_lost(tmp_path: Path, modern: bool) -> None:
    """20 MB of progress: the server gets no further than what sockets hold, and others are served meanwhile."""
    with modern_only() as server:
        config = {"mcp_servers": {"one": {"url": server.url, "transport": "http"}}}
        async with gateway(config, tmp_path) as served, raw(served.url, modern=modern) as one:
            if not modern:
                await one.shake_hands("one", "", {})
            reader, writer = await posting(one, "flood", {"steps": STEPS}, modern=modern)
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"200 OK" in head
            written = 0
            for _ in range(100):
                await asyncio.sleep(0.1)
                if written == (written := await flooded(one)) > 0:
                    break
            assert 0 < written < STEPS - 50, written
            assert await flooded(one) == written
            async with asyncio.timeout(60):
                body = await reader.read()
            writer.close()
            numbers = [number for number in range(1, STEPS + 1) if b'"progress":%d,' % number in body]
            assert len(numbers) == STEPS
            assert b"Counted to 200." in body


async def flooded(one: Any) -> int:
    answer = await one.ask("one", "tools/call", {"name": "flooded", "arguments": {}})
    return int(answer["result"]["content"][0]["text"])


async def posting(one: Any, tool: str, arguments: dict[str, Any], *, modern: bool) -> Any:
    """A call by a client whose socket takes little, and that reads when it is told to."""
    host, _, port = one.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=4096)
    meta: dict[str, Any] = {"progressToken": "p"}
    if modern:
        meta |= {f"{META}protocolVersion": MODERN, f"{META}clientCapabilities": {}}
    params = {"name": tool, "arguments": arguments, "_meta": meta}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    headers = {**one.headers("one", "", "tools/call", params), "Host": host, "Connection": "close"}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"POST /mcp/one HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
    return reader, writer


async def test_a_call_that_waited_for_input_is_said_no_faster_than_who_came_back_reads() -> None:
    parking, behind = Parking(), asyncio.get_running_loop().create_future()
    caller = Caller(principal=Principal("one"), modern=True)
    rooms: list[Any] = []

    async def run(ask: Ask, tell: Tell, room: Room) -> dict[str, Any]:
        rooms.append(room())
        await ask("one", "elicitation/create", {})
        rooms.append(room())
        return {}

    def told(method: str, params: dict[str, Any]) -> None:
        raise AssertionError(method)

    first = await parking.run(caller, "here", "tools/call", {}, told, lambda: None, run)
    (name,) = first["inputRequests"]
    answered = {"requestState": first["requestState"], "inputResponses": {name: {"action": "decline"}}}
    assert await parking.run(caller, "here", "tools/call", answered, told, lambda: behind, run) == {}
    assert rooms == [None, behind]
