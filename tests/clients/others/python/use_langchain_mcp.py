"""langchain-mcp-adapters: a server's tools as those of LangChain, in a session of each call's own."""

from __future__ import annotations

import json
from typing import Any

from langchain_mcp_adapters.client import MultiServerMCPClient
from tools import HEADERS, Told, each


async def use(url: str, tool: str, arguments: dict[str, Any]) -> Told:
    transport = "sse" if url.endswith("/sse") else "streamable_http"
    client = MultiServerMCPClient({"gateway": {"transport": transport, "url": url, "headers": HEADERS}})
    tools = {one.name: one for one in await client.get_tools()}
    return len(tools), json.dumps(await tools[tool].ainvoke(arguments))


each(use)
