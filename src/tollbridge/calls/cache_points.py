"""Where the operator, or a caller in Python, wants prompts cached: LiteLLM's `cache_control_injection_points`.

    {"location": "message", "role": "system"}                        each message of that role
    {"location": "message", "index": -1, "control": {"ttl": "1h"}}   one message, counted from the end where below 0;
                                                                     what stands beside them (`system`) is none
    {"location": "tool_config"}                                      the tools

https://docs.litellm.ai/docs/tutorials/prompt_caching. A mark goes on the last thing in the message that can bear one.
Anthropic and Bedrock take four in a request: the client's own stay, and the last of the others get what is left.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from tollbridge.model.json import Json
from tollbridge.model.parts import CacheMark, Media, Part, Text, ToolCall, ToolResult
from tollbridge.model.request import Message, Request, Tool

MOST, POINTS_MAX = 4, 16
_INDEX = re.compile(r"-?[0-9]{1,6}")
_ROLES = ("system", "user", "assistant", "tool")


class CachePoint(msgspec.Struct, frozen=True):
    """`role`, or `index` of a message as the client counts them; neither: the tools."""

    role: str | None = None
    index: int | None = None
    mark: CacheMark = CacheMark()


def read_points(value: Json) -> tuple[CachePoint, ...]:
    """Raises ValueError that says what is wrong, and where: `[0].role: ...`."""
    if not isinstance(value, list) or len(value) > POINTS_MAX:
        raise ValueError(f"expected at most {POINTS_MAX} points, such as `{{location: message, role: system}}`")
    return tuple([_point(one, f"[{at}]") for at, one in enumerate(value)])


def _point(value: Json, where: str) -> CachePoint:
    if not isinstance(value, dict):
        raise ValueError(f"{where}: expected an object, such as `{{location: message, role: system}}`")
    mark = _mark(value.get("control"), where)
    location = value.get("location", "message")
    if location == "tool_config":
        return CachePoint(mark=mark)
    if location != "message":
        raise ValueError(f"{where}.location: expected `message` or `tool_config`")
    role, index = value.get("role"), value.get("index")
    if index is not None:
        said = str(index) if index.__class__ in (int, str) else ""
        if not _INDEX.fullmatch(said):
            raise ValueError(f"{where}.index: expected a whole number, -1 for the last message")
        return CachePoint(index=int(said), mark=mark)
    role = "system" if role == "developer" else role
    if role not in _ROLES:
        raise ValueError(f"{where}.role: expected one of {', '.join(_ROLES)}, or an `index`")
    return CachePoint(role=role, mark=mark)


def _mark(control: Json, where: str) -> CacheMark:
    if control is None:
        return CacheMark()
    said = control if isinstance(control, dict) else {"type": None}
    ttl = said.get("ttl")
    if said.get("type", "ephemeral") != "ephemeral" or ttl not in (None, "5m", "1h"):
        raise ValueError(f'{where}.control: expected {{"type": "ephemeral"}}, with "ttl" "5m" or "1h"')
    return CacheMark(ttl=ttl)


def with_points(request: Request, points: Sequence[CachePoint]) -> Request:
    """The request with marks at these places, as many as still may be."""
    messages, tools = list(request.messages), list(request.tools)
    left = MOST - sum(map(_marks, messages)) - sum(isinstance(tool, Tool) and tool.cache is not None for tool in tools)
    for point in points:
        if point.role is None and point.index is None and left > 0 and tools:
            last = tools[-1]
            if isinstance(last, Tool) and last.cache is None:
                tools[-1] = msgspec.structs.replace(last, cache=point.mark)
                left -= 1
    for at, mark in sorted(_wanted(messages, points).items(), reverse=True):
        if left <= 0:
            break
        marked = _marked(messages[at], mark)
        left -= marked is not messages[at]
        messages[at] = marked
    return msgspec.structs.replace(request, messages=tuple(messages), tools=tuple(tools))


def _wanted(messages: list[Message], points: Sequence[CachePoint]) -> dict[int, CacheMark]:
    found: dict[int, CacheMark] = {}
    counted = [at for at, message in enumerate(messages) if message.spelling.get("at") is None]
    for point in points:
        if point.index is not None:
            if -len(counted) <= point.index < len(counted):
                found.setdefault(counted[point.index], point.mark)
        elif point.role is not None:
            for at, message in enumerate(messages):
                if _role(message) == point.role:
                    found.setdefault(at, point.mark)
    return found


def _role(message: Message) -> str:
    of_tool = message.role == "user" and any(isinstance(part, ToolResult) for part in message.parts)
    return "tool" if of_tool else message.role


def _marks(message: Message) -> int:
    return sum(getattr(part, "cache", None) is not None for part in message.parts)


def _marked(message: Message, mark: CacheMark) -> Message:
    """The message itself where it has a mark at its end, or nothing that can bear one."""
    parts = list(message.parts)
    for at in reversed(range(len(parts))):
        part = parts[at]
        if not _can_bear(part):
            continue
        if part.cache is not None:  # type: ignore[union-attr]
            return message
        parts[at] = msgspec.structs.replace(part, cache=mark)
        return msgspec.structs.replace(message, parts=tuple(parts))
    return message


def _can_bear(part: Part) -> bool:
    return isinstance(part, Media | ToolCall | ToolResult) or (isinstance(part, Text) and bool(part.text.strip()))
