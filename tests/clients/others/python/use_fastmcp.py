"""FastMCP's client, over Streamable HTTP."""

from __future__ import annotations

from typing import Any

from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from tools import HEADERS, Told, each


async def use(url: str, tool: str, arguments: dict[str, Any]) -> Told:
    async with Client(StreamableHttpTransport(url, headers=HEADERS)) as client:
        listed = await client.list_tools()
        called = await client.call_tool(tool, arguments)
        return len(listed), called.content[0].text


each(use)
