"""`experimental_mcp_client`, over a session of its own that answers from memory."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from tests.compat.litellm.comparison.case import ASK, Site, case, raised

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
CALL = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 2}'}}


class Session:
    """What the two functions ask of an MCP session."""

    def __init__(self, tool: Any, result: Any) -> None:
        self._tool = tool
        self._result = result
        self.called: list[Any] = []

    async def list_tools(self, *_: Any, **__: Any) -> Any:
        return SimpleNamespace(tools=[self._tool], nextCursor=None, next_cursor=None)

    async def call_tool(self, name: str, arguments: Any = None, *_: Any, **__: Any) -> Any:
        self.called.append([name, arguments])
        return self._result


def session() -> Session:
    from mcp import types

    tool = types.Tool.model_validate({"name": "add", "description": "The sum.", "inputSchema": SCHEMA})
    content = [{"type": "text", "text": "5"}]
    return Session(tool, types.CallToolResult.model_validate({"content": content, "isError": False}))


@case("experimental_mcp_client.load_mcp_tools")
def load_mcp_tools(litellm: Any, site: Site) -> Any:
    client = litellm.experimental_mcp_client
    plain = asyncio.run(client.load_mcp_tools(session=session(), format="openai"))
    own = asyncio.run(client.load_mcp_tools(session=session()))
    function = plain[0]["function"]
    return {
        "openai": [plain[0]["type"], function["name"], function["description"], function["parameters"]["required"]],
        "mcp": [type(own[0]).__name__, own[0].name],
    }


@case("experimental_mcp_client.call_openai_tool")
def call_openai_tool(litellm: Any, site: Site) -> Any:
    client = litellm.experimental_mcp_client
    mine = session()
    found = asyncio.run(client.call_openai_tool(session=mine, openai_tool=CALL))
    answer = litellm.completion("openai/gpt-4o", ASK, tools=_tools(client), **site.at("tools"))
    again = asyncio.run(client.call_openai_tool(session=mine, openai_tool=answer.choices[0].message.tool_calls[0]))
    return {"text": [found.content[0].text, again.content[0].text], "called": mine.called}


def _tools(client: Any) -> Any:
    return asyncio.run(client.load_mcp_tools(session=session(), format="openai"))


@case("experimental_mcp_client.tools.transform_mcp_tool_to_openai_tool")
def transform_tool(litellm: Any, site: Site) -> Any:
    tools = litellm.experimental_mcp_client.tools
    tool = asyncio.run(session().list_tools()).tools[0]
    made = tools.transform_mcp_tool_to_openai_tool(tool)
    function = made["function"]
    return {"type": made["type"], "name": function["name"], "properties": function["parameters"]["properties"]}


@case("experimental_mcp_client.tools.transform_openai_tool_call_request_to_mcp_tool_call_request")
def transform_call(litellm: Any, site: Site) -> Any:
    tools = litellm.experimental_mcp_client.tools
    transform = tools.transform_openai_tool_call_request_to_mcp_tool_call_request
    made = transform(openai_tool=CALL)
    broken = {**CALL, "function": {"name": "add", "arguments": "{not json"}}
    return {
        "name": made.name,
        "arguments": made.arguments,
        "arguments that are no JSON": raised(lambda: transform(openai_tool=broken))["raised"] is not None,
    }
