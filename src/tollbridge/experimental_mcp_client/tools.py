"""What LiteLLM's `litellm.experimental_mcp_client.tools` has, by its names (seen 2026-11-26).

Nothing of the `mcp` package is imported: what a session needs to go on to a next page is made from its own module.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Literal, overload

from tollbridge.errors import BadRequestError
from tollbridge.model.json import JsonObject
from tollbridge.sdk.mcp.formats import (
    called,
    chat_tool,
    messages_tool,
    prompt_messages,
    resource_parts,
    responses_tool,
    wire_form,
)
from tollbridge.sdk.mcp.values import CallToolRequestParams

log = logging.getLogger(__name__)

PAGES_MAX = 200


def transform_mcp_tool_to_openai_tool(mcp_tool: Any) -> JsonObject:
    """`mcp.types.Tool` -> a tool of a chat request."""
    return chat_tool(wire_form(mcp_tool))


def transform_mcp_tool_to_openai_responses_api_tool(mcp_tool: Any) -> JsonObject:
    return responses_tool(wire_form(mcp_tool))


def transform_mcp_tool_to_anthropic_tool(mcp_tool: Any) -> JsonObject:
    return messages_tool(wire_form(mcp_tool))


def transform_openai_tool_call_request_to_mcp_tool_call_request(openai_tool: Any) -> CallToolRequestParams:
    """A model's call -> `.name` and `.arguments`, a dictionary. Raises BadRequestError where the arguments are no JSON
    object."""
    return called(openai_tool)


@overload
async def load_mcp_tools(session: Any, format: Literal["mcp"] = "mcp") -> list[Any]: ...
@overload
async def load_mcp_tools(session: Any, format: Literal["openai"]) -> list[JsonObject]: ...
async def load_mcp_tools(session: Any, format: Literal["mcp", "openai"] = "mcp") -> list[Any]:
    """All tools of a server, from all pages: as `mcp.types.Tool`, or as tools of a chat request."""
    if format not in ("mcp", "openai"):
        raise BadRequestError(f"`format` is 'mcp' or 'openai', not {format!r}.", param="format")
    tools = await list_tools_with_pagination(session)
    return [transform_mcp_tool_to_openai_tool(tool) for tool in tools] if format == "openai" else tools


async def list_tools_with_pagination(session: Any) -> list[Any]:
    """A server that gives the same cursor again has said all it has to say."""
    page = await session.list_tools()
    tools = list(page.tools)
    seen: set[str] = set()
    while (cursor := _next_cursor(page)) is not None:
        if cursor in seen or len(seen) == PAGES_MAX:
            log.warning("the MCP server does not come to an end of its tools; %d were listed", len(tools))
            break
        seen.add(cursor)
        page = await session.list_tools(**_page(session, cursor))
        tools.extend(page.tools)
    return tools


def _next_cursor(page: Any) -> str | None:
    cursor = getattr(page, "nextCursor", None) or getattr(page, "next_cursor", None)
    return cursor if isinstance(cursor, str) else None


def _page(session: Any, cursor: str) -> dict[str, Any]:
    """As this session is asked for a page: 1.x and `Client` take a `cursor`, a session of 2.x an object with it."""
    if "cursor" in inspect.signature(session.list_tools).parameters:
        return {"cursor": cursor}
    package = type(session).__module__.partition(".")[0]
    return {"params": import_module(f"{package}.types").PaginatedRequestParams(cursor=cursor)}


async def call_mcp_tool(session: Any, call_tool_request_params: Any) -> Any:
    """`mcp.types.CallToolResult`."""
    return await session.call_tool(
        name=call_tool_request_params.name, arguments=call_tool_request_params.arguments or {}
    )


async def call_openai_tool(session: Any, openai_tool: Any) -> Any:
    """Makes the call that a model asked for: `choices[0].message.tool_calls[0]`, as a dictionary, an object of the
    OpenAI SDK or ours. Returns `mcp.types.CallToolResult`; raises BadRequestError where it is no call."""
    return await call_mcp_tool(session, called(openai_tool))


async def load_mcp_resource(session: Any, uri: str) -> list[JsonObject]:
    """A resource as parts of a message: text, images, audio, files."""
    return resource_parts(wire_form(await session.read_resource(_uri(session, uri))))


async def load_mcp_prompt(session: Any, name: str, arguments: Mapping[str, str] | None = None) -> Sequence[JsonObject]:
    """A prompt as messages."""
    return prompt_messages(wire_form(await session.get_prompt(name, dict(arguments or {}))))


def _uri(session: Any, uri: str) -> Any:
    """1.x wants pydantic's type for it, 2.x a text."""
    wanted = inspect.signature(session.read_resource).parameters["uri"].annotation
    if wanted in (str, "str"):
        return uri
    return import_module("pydantic").AnyUrl(uri)
