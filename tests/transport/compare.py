"""CPU per request and per stream of our pool against the sketch in ../shared/spike/rawpool.py, in one process.

    .venv/bin/python -m tests.transport.compare [requests]

The server is a process of its own. The ratio is the figure to guard (goal: <= 1.3 for JSON, 1.1 for streams); the
microseconds depend on the machine.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from multiprocessing import get_context
from typing import Any

import uvloop

from tests.shared import SHARED
from tollbridge.transport.base import Origin, Outgoing, Timeouts
from tollbridge.transport.head import encode_head
from tollbridge.transport.http1 import HttpTransport

HEADERS = (("content-type", "application/json"), ("authorization", "Bearer " + "x" * 50))
TIMEOUTS = Timeouts(connect_s=5, first_byte_s=60, gap_s=30, total_s=600)
BODY = b"x" * 1000
CLIENTS, ROUNDS, EVENTS = 32, 7, 100

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: a\r\ncontent-length: 700\r\n\r\n"
EVENT = b'data: {"choices":[{"delta":{"content":"hello"}}]}\n\n'


class _Server(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"POST /stream"):
            self._task = asyncio.ensure_future(self._stream())
        else:
            self._transport.write(ANSWER + b"a" * 700)

    async def _stream(self) -> None:
        self._transport.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(EVENTS):
            self._transport.write(b"%x\r\n%b\r\n" % (len(EVENT), EVENT))
            await asyncio.sleep(0)
        self._transport.write(b"0\r\n\r\n")


def serve(pipe: Any) -> None:
    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(main())


async def cpu_us(one: Callable[[], Awaitable[None]], count: int) -> float:
    numbers = iter(range(count))

    async def client() -> None:
        for _ in numbers:
            await one()

    before = time.process_time()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return (time.process_time() - before) / count * 1e6


async def compare(port: int, requests: int) -> None:
    sys.path.insert(0, str(SHARED / "spike"))
    import rawpool  # type: ignore[import-not-found]  # lies beside the repository

    sketch = rawpool.Pool(asyncio.get_running_loop())
    ours = HttpTransport()
    origin = Origin("http", "127.0.0.1", port)
    address = ("127.0.0.1", port)
    head = {target: encode_head(origin, "POST", target, HEADERS) for target in ("/", "/stream")}
    request = {
        target: Outgoing(origin=origin, method="POST", target=target, headers=HEADERS, body=BODY, head=head[target])
        for target in head
    }

    async def sketched() -> None:
        await sketch.request(address, head["/"] + b"content-length: ", BODY)

    async def sketched_stream() -> None:
        async for _ in await sketch.stream(address, head["/stream"] + b"content-length: ", BODY):
            pass

    async def asked() -> None:
        await (await ours.send(request["/"], TIMEOUTS)).read(1 << 20)

    async def streamed() -> None:
        incoming = await ours.send(request["/stream"], TIMEOUTS)
        while await incoming.chunk():
            pass

    pairs = (("json", sketched, asked, requests), (f"{EVENTS} events", sketched_stream, streamed, requests // 40))
    for name, theirs, mine, count in pairs:
        rounds = [(await cpu_us(theirs, count), await cpu_us(mine, count)) for _ in range(ROUNDS)]
        ratio = statistics.median(mine_us / theirs_us for theirs_us, mine_us in rounds)
        theirs_us, mine_us = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(f"{name}: sketch {theirs_us:.1f} us, ours {mine_us:.1f} us, ratio {ratio:.2f}")
    await ours.close()


if __name__ == "__main__":
    near, far = get_context("spawn").Pipe()
    server = get_context("spawn").Process(target=serve, args=(far,), daemon=True)
    server.start()
    try:
        uvloop.run(compare(near.recv(), int(sys.argv[1]) if len(sys.argv) > 1 else 8000))
    finally:
        server.terminate()
