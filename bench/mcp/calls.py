"""How a tool is called: one at a time, as fast as it goes, and many slow ones at once."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from collections.abc import Callable
from typing import Any

import msgspec

from bench.load.jobs import Aim
from bench.mcp.targets import Way

MODERN, LEGACY = "2026-07-28", "2025-11-25"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
}
ACCEPT = "application/json, text/event-stream"
CALM_S = 0.1


class Caller(msgspec.Struct, frozen=True):
    """Knows where a target is, and what it wants to be told. `session`: of a legacy one."""

    port: int
    way: Way
    session: str = ""

    def call(self, tool: str, arguments: dict[str, Any]) -> bytes:
        params: dict[str, Any] = {"name": self.way.prefix + tool, "arguments": arguments}
        if self.way.modern:
            params["_meta"] = META
        return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()

    def headers(self, tool: str) -> dict[str, str]:
        told = {"content-type": "application/json", "accept": ACCEPT}
        if self.way.key:
            told["authorization"] = f"Bearer {self.way.key}"
        if self.way.modern:
            return {
                **told,
                "mcp-protocol-version": MODERN,
                "mcp-method": "tools/call",
                "mcp-name": self.way.prefix + tool,
            }
        return {**told, "mcp-protocol-version": LEGACY, "mcp-session-id": self.session}

    def aim(self, tool: str, arguments: dict[str, Any]) -> Aim:
        return Aim(
            port=self.port,
            headers={
                name: value for name, value in self.headers(tool).items() if name != "content-type"
            },  # it adds its own
            dialect="openai",
            path=self.way.path,
            body=self.call(tool, arguments),
            stream=False,
            script="",
        )

    def connected(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def begun(self) -> Caller:
        """With a session, where it needs one."""
        if self.way.modern:
            return self
        client = {"name": "bench", "version": "1"}
        params = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": client}
        headers = {**self.headers("echo")}
        del headers["mcp-session-id"], headers["mcp-protocol-version"]
        connection = self.connected()
        asked = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
        connection.request("POST", self.way.path, json.dumps(asked), headers)
        answer = connection.getresponse()
        told = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"no handshake: {answer.status} {told[:200]!r}")
        begun = msgspec.structs.replace(self, session=answer.headers.get("mcp-session-id", ""))
        noted = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        connection.request("POST", self.way.path, json.dumps(noted), begun.headers("echo"))
        connection.getresponse().read()
        connection.close()
        return begun

    def once(self, connection: http.client.HTTPConnection, tool: str, arguments: dict[str, Any]) -> str:
        """What is wrong with the answer; "" where nothing is."""
        connection.request("POST", self.way.path, self.call(tool, arguments), self.headers(tool))
        answer = connection.getresponse()
        told = answer.read()
        expected = json.dumps(arguments.get("text", "done")).encode()
        return "" if answer.status == 200 and expected in told else f"{answer.status} {told[:300]!r}"


def latencies_ms(caller: Caller, rate: float, seconds: float) -> list[float]:
    """Of calls at a fixed rate, one after the other. Raises RuntimeError where one is answered wrongly."""
    connection, found = caller.connected(), []
    began = time.perf_counter()
    for number in range(int(rate * seconds)):
        time.sleep(max(0.0, began + number / rate - time.perf_counter()))
        start = time.perf_counter()
        wrong = caller.once(connection, "echo", {"text": "hello"})
        found.append((time.perf_counter() - start) * 1000)
        if wrong:
            raise RuntimeError(wrong)
    connection.close()
    return found


async def many_slow(caller: Caller, count: int, each_s: float, watch: Callable[[], None]) -> None:
    """So many calls at once, each of which takes `each_s`; `watch` is called meanwhile. Raises RuntimeError where one
    is answered wrongly."""
    body = caller.call("slow", {"s": each_s})
    lines = [f"{name}: {value}\r\n" for name, value in caller.headers("slow").items()]
    told = "".join(lines) + f"host: 127.0.0.1\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    request = f"POST {caller.way.path} HTTP/1.1\r\n{told}".encode() + body

    async def call() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", caller.port)
        writer.write(request)
        answer = await reader.read()
        writer.close()
        return answer

    calls = asyncio.gather(*(call() for _ in range(count)))
    while not calls.done():
        watch()
        await asyncio.wait((calls,), timeout=CALM_S)
    wrong = [answer[:300] for answer in await calls if b" 200 " not in answer[:20] or b"done" not in answer]
    if wrong:
        raise RuntimeError(f"{len(wrong)} of {count} slow calls: {wrong[0]!r}")
