"""What a client is shown of tools that were run here, in its dialect's own words.

openai_responses     `mcp_list_tools`, `mcp_call` and `mcp_approval_request` items
anthropic_messages   `mcp_tool_use` and `mcp_tool_result` blocks, as of tools that the provider runs
openai_chat          `message.provider_specific_fields.server_tools`; a call that the client must run or allow is an
                     ordinary tool call there, as it is in every other dialect but the first
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from tollbridge.model.json import JsonObject
from tollbridge.model.parts import Opaque, Part, ToolCall
from tollbridge.server.toolbox import Listing, Ran
from tollbridge.wires.anthropic_messages.vocabulary import NAME as MESSAGES
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.openai_responses.vocabulary import NAME as RESPONSES


def flat(dialect: str) -> bool:
    """It has one text for all that was said."""
    return dialect == OPENAI_CHAT.name


def shown_listings(dialect: str, listings: Sequence[Listing]) -> list[Part]:
    if dialect != RESPONSES:
        return []
    return [Opaque(wire=RESPONSES, value=_listing(number, listing)) for number, listing in enumerate(listings)]


def _listing(number: int, listing: Listing) -> JsonObject:
    tools = [
        {
            "name": tool.get("name"),
            "description": tool.get("description"),
            "input_schema": tool.get("inputSchema") or {},
            "annotations": tool.get("annotations"),
        }
        for tool in listing.tools
    ]
    return {
        "id": _id("mcpl", f"{number} {listing.label}"),
        "type": "mcp_list_tools",
        "server_label": listing.label,
        "tools": tools,
        "error": listing.error,
    }


def shown_call(dialect: str, call: ToolCall, ran: Ran) -> list[Part]:
    if dialect == RESPONSES:
        item: JsonObject = {
            "id": _id("mcp", call.id),
            "type": "mcp_call",
            "server_label": ran.label,
            "name": ran.name,
            "arguments": call.arguments or "{}",
            "output": None if ran.failed else ran.text,
            "error": ran.text if ran.failed else None,
            "status": "failed" if ran.failed else "completed",
            "approval_request_id": None,
        }
        return [Opaque(wire=RESPONSES, value=item)]
    if dialect == MESSAGES:
        id = _id("mcptoolu", call.id)
        use: JsonObject = {
            "type": "mcp_tool_use",
            "id": id,
            "name": ran.name,
            "server_name": ran.label,
            "input": _arguments(call),
        }
        result: JsonObject = {
            "type": "mcp_tool_result",
            "tool_use_id": id,
            "is_error": ran.failed,
            "content": [{"type": "text", "text": ran.text}],
        }
        return [Opaque(wire=MESSAGES, value=use), Opaque(wire=MESSAGES, value=result)]
    if dialect == OPENAI_CHAT.name:
        return [ToolCall(id=call.id, name=ran.name, arguments=call.arguments or "{}", runs_on="provider")]
    return []


def unrun_call(dialect: str, call: ToolCall, label: str) -> Part:
    if dialect != RESPONSES:
        return call
    item = {
        "id": _id("mcpr", call.id),
        "type": "mcp_approval_request",
        "server_label": label,
        "name": call.name,
        "arguments": call.arguments or "{}",
    }
    return Opaque(wire=RESPONSES, value=item)


def _arguments(call: ToolCall) -> JsonObject:
    try:
        value = msgspec.json.decode(call.arguments or "{}")
    except (msgspec.DecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _id(prefix: str, of: str) -> str:
    return f"{prefix}_{hashlib.sha256(of.encode()).hexdigest()[:48]}"
