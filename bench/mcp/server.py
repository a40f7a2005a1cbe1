"""An MCP server of one tool, for both eras, as quick as Python makes it. `python -m bench.mcp.server PORT`

`echo` answers its text, `slow` after so many seconds (`s`). `GET /__count`: how many calls it answered."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import msgspec
import uvloop

from bench.mcp.http import Served

decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
SLOW = {"type": "object", "properties": {"s": {"type": "number"}}, "required": ["s"]}
TOOLS = [
    {"name": "echo", "description": "Echoes the text.", "inputSchema": SCHEMA},
    {"name": "slow", "description": "Takes its time.", "inputSchema": SLOW},
]
NAMED = {"name": "bench", "version": "1"}
calls = 0


def result_of(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    modern = "io.modelcontextprotocol/protocolVersion" in params.get("_meta", {})
    kept = {"resultType": "complete", "ttlMs": 60_000, "cacheScope": "public"} if modern else {}
    match method:
        case "tools/call":
            text = str(params["arguments"].get("text", "done"))
            said = {"content": [{"type": "text", "text": text}], "isError": False}
            return {**said, "resultType": "complete"} if modern else said
        case "tools/list":
            return {"tools": TOOLS, **kept}
        case "server/discover":
            about = {"io.modelcontextprotocol/serverInfo": NAMED}
            return {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "_meta": about, **kept}
        case "initialize":
            return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": NAMED}
        case "ping":
            return {}
        case _:
            return None


class Server(Served):
    def asked(self) -> None:
        if self.parser.get_method() != b"POST":
            return self.answer(200, b"%d" % calls) if self.parser.get_method() == b"GET" else self.answer(405, b"")
        message = decode(self.body)
        if "id" not in message:
            return self.answer(202, b"")
        params = message.get("params") or {}
        if message.get("method") == "tools/call" and params.get("name") == "slow":
            asyncio.get_running_loop().call_later(float(params["arguments"]["s"]), self._reply, message, params)
            return None
        return self._reply(message, params)

    def _reply(self, message: dict[str, Any], params: dict[str, Any]) -> None:
        global calls
        result = result_of(message["method"], params)
        calls += message["method"] == "tools/call"
        told = {"error": {"code": -32601, "message": "Method not found"}} if result is None else {"result": result}
        self.answer(200, encode({"jsonrpc": "2.0", "id": message["id"], **told}))


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
