"""What earlier turns did with tools that are run here, given back to the model as calls and their results; and what the
client was asked to allow, with its answer.

    openai_responses     `mcp_call`, `mcp_list_tools`, `mcp_approval_request` and `mcp_approval_response` items
    anthropic_messages   `mcp_tool_use` and `mcp_tool_result` blocks

A provider of another format would be shown none of them, and the provider of the same one knows nothing of our servers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Opaque, Part, Text, ToolCall, ToolResult
from tollbridge.model.request import Message

REFUSED = "The user did not allow this call."


class Answered(msgspec.Struct, frozen=True):
    """A call that the client was asked to allow."""

    call: ToolCall
    allowed: bool


def remembered(messages: Iterable[Message]) -> tuple[tuple[Message, ...], list[Answered]]:
    """The messages, and what was answered since to calls that waited for it."""
    found: list[Message] = []
    waiting: dict[str, ToolCall] = {}
    answered: list[Answered] = []
    for message in messages:
        kept: list[Part] = []
        for part in message.parts:
            item = part.value if isinstance(part, Opaque) and isinstance(part.value, dict) else {}
            match item.get("type"):
                case "mcp_list_tools":
                    pass
                case "mcp_call":
                    found += [*_rest(message, kept), *_called(item)]
                case "mcp_approval_request":
                    waiting[str(item.get("id"))] = _call(item)
                case "mcp_approval_response":
                    call = waiting.pop(str(item.get("approval_request_id")), None)
                    if call is not None:
                        answered.append(Answered(call, item.get("approve") is True))
                case "mcp_tool_result":
                    found += [*_rest(message, kept), *_result(item)]
                case _ if isinstance(part, ToolCall) and part.runs_on == "provider" and "server_name" in part.extra:
                    kept.append(ToolCall(id=call_id(part.id), name=part.name, arguments=part.arguments))
                case _:
                    kept.append(part)
        found += _rest(message, kept, whole=len(kept) == len(message.parts))
    return tuple(found), answered


def _rest(message: Message, parts: list[Part], *, whole: bool = False) -> list[Message]:
    """What of a message came so far, as one; all of it stays as it is."""
    if whole:
        return [message]
    said = tuple(parts)
    parts.clear()
    return [msgspec.structs.replace(message, parts=said, spelling={}, extra={})] if said else []


def _called(item: JsonObject) -> list[Message]:
    call = _call(item)
    failed = item.get("error") is not None
    text = item.get("error") if failed else item.get("output")
    return [Message(role="assistant", parts=(call,)), _answer(call.id, text, failed)]


def _result(item: JsonObject) -> list[Message]:
    content = item.get("content")
    text = content if isinstance(content, str) else "\n".join(_texts(content))
    return [_answer(call_id(str(item.get("tool_use_id"))), text, item.get("is_error") is True)]


def _texts(content: Json) -> list[str]:
    blocks = content if isinstance(content, list) else []
    return [str(block.get("text", "")) for block in blocks if isinstance(block, dict)]


def _answer(id: str, text: Json, failed: bool) -> Message:
    said = text if isinstance(text, str) else msgspec.json.encode(text).decode()
    return Message(role="user", parts=(ToolResult(call_id=id, content=(Text(text=said),), is_error=failed),))


def _call(item: JsonObject) -> ToolCall:
    return ToolCall(
        id=call_id(str(item.get("id"))), name=str(item.get("name", "")), arguments=str(item.get("arguments") or "{}")
    )


def call_id(id: str) -> str:
    """Short enough for every provider (OpenAI takes 40 characters)."""
    return f"call_{hashlib.sha256(id.encode()).hexdigest()[:24]}"
