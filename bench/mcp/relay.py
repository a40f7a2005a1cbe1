"""A plain relay in front of one MCP server: the key, the names that may be called, the server's own name for the tool,
a line for each call. What a tool call costs at least, in Python. `python -m bench.mcp.relay PORT UPSTREAM KEY`"""

from __future__ import annotations

import asyncio
import hashlib
import sys
import time

import msgspec
import uvloop

from bench.mcp.http import Asking, Served

raw = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
text = msgspec.json.Decoder(str).decode
encode = msgspec.json.Encoder().encode
PREFIX = "up-"


class Relay(Served):
    upstream: int
    allowed: dict[bytes, frozenset[str]]
    idle: list[Asking]
    told: list[tuple[float, str, float]]
    tasks: set[asyncio.Task[None]]

    def asked(self) -> None:
        tools = self.allowed.get(hashlib.sha256(self.headers.get(b"authorization", b"")[7:]).digest())
        if tools is None:
            return self.answer(401, b"{}")
        message = raw(self.body)
        params = raw(message["params"])
        name = text(params["name"])
        if text(message["method"]) != "tools/call" or name not in tools:
            return self.answer(403, b"{}")
        params["name"] = msgspec.Raw(encode(name.removeprefix(PREFIX)))
        message["params"] = msgspec.Raw(encode(params))
        task = asyncio.get_running_loop().create_task(self.go(name, encode(message)))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return None

    async def go(self, name: str, body: bytes) -> None:
        began = time.perf_counter()
        if self.idle:
            asking = self.idle.pop()
        else:
            _, asking = await asyncio.get_running_loop().create_connection(Asking, "127.0.0.1", self.upstream)
        head = b"POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:%d\r\ncontent-type: application/json\r\n" % self.upstream
        told = b"accept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\n"
        status, answer = await asking.ask(head + told, body)
        self.idle.append(asking)
        self.told.append((time.time(), name, time.perf_counter() - began))
        if len(self.told) >= 1000:
            self.told.clear()
        self.answer(status, answer)


async def main(port: int, upstream: int, key: str) -> None:
    Relay.upstream, Relay.idle, Relay.told, Relay.tasks = upstream, [], [], set()
    Relay.allowed = {hashlib.sha256(key.encode()).digest(): frozenset({PREFIX + "echo", PREFIX + "slow"})}
    server = await asyncio.get_running_loop().create_server(Relay, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
