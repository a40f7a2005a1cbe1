"""Clients of the official SDK 2.x in front of the gateway, with answers for whatever a server asks.

    async with client(gateway, "old", mode="2026-07-28", key=key) as one:
        await one.call_tool("ask_name")

`answers` tells what the client declares: it fills each form with "Ada", samples "Good day" and has one root.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal

import httpx2
import mcp_types as types
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.server.served import KEY

Mode = Literal["legacy", "auto", "2026-07-28"]
MODES: tuple[Mode, ...] = ("legacy", "auto", "2026-07-28")
NAME, SAID, ROOT = "Ada", "Good day", "file:///work"


async def fill_in(context: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
    return types.ElicitResult(action="accept", content={"name": NAME})


async def sample(context: Any, params: types.CreateMessageRequestParams) -> types.CreateMessageResult:
    content = types.TextContent(type="text", text=SAID)
    return types.CreateMessageResult(role="assistant", content=content, model="a-model")


async def roots(context: Any) -> types.ListRootsResult:
    return types.ListRootsResult(roots=[types.Root(uri=ROOT, name="work")])


ANSWERS: dict[str, Any] = {
    "elicitation_callback": fill_in,
    "sampling_callback": sample,
    "list_roots_callback": roots,
}


@asynccontextmanager
async def client(
    url: str,
    server: str = "",
    *,
    mode: Mode = "2026-07-28",
    key: str = KEY,
    answers: bool = False,
    headers: Mapping[str, str] | None = None,
    **said: Any,
) -> AsyncIterator[Client]:
    """`url`: the gateway's. `said`: for the SDK's client."""
    if answers:
        said = {**ANSWERS, **said}
    sent = {"x-litellm-api-key": key, **(headers or {})}
    async with httpx2.AsyncClient(headers=sent, timeout=30, verify=False) as http:
        target = streamable_http_client(f"{url}/mcp{'/' if server else ''}{server}", http_client=http)
        async with Client(target, mode=mode, **said) as connected:
            yield connected


def text(result: types.CallToolResult) -> str:
    content = result.content[0]
    assert isinstance(content, types.TextContent), content
    return content.text
