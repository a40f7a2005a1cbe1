"""openai-agents: a server over Streamable HTTP, as an agent is given it."""

from __future__ import annotations

from typing import Any

from agents.mcp import MCPServerStreamableHttp
from tools import HEADERS, Told, each


async def use(url: str, tool: str, arguments: dict[str, Any]) -> Told:
    async with MCPServerStreamableHttp({"url": url, "headers": HEADERS}) as server:
        listed = await server.list_tools()
        called = await server.call_tool(tool, arguments)
        return len(listed), called.content[0].text


each(use)
