"""openai-agents: a server over Streamable HTTP and HTTP+SSE, as an agent is given it."""

from __future__ import annotations

from typing import Any

from agents.mcp import MCPServerSse, MCPServerStreamableHttp
from tools import HEADERS, Told, each


async def use(url: str, tool: str, arguments: dict[str, Any]) -> Told:
    kind = MCPServerSse if url.endswith("/sse") else MCPServerStreamableHttp
    async with kind({"url": url, "headers": HEADERS}) as server:
        listed = await server.list_tools()
        called = await server.call_tool(tool, arguments)
        return len(listed), called.content[0].text


each(use)
