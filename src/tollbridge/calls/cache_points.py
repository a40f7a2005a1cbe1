"""Where the operator, or a caller in Python, wants prompts cached: LiteLLM's `cache_control_injection_points`.

    {"location": "message", "role": "system"}                        each message of that role
    {"location": "message", "index": -1, "control": {"ttl": "1h"}}   one message, counted from the end where below 0;
                                                                     what stands beside them (`system`) is none
    {"location": "tool_config"}                                      the tools

https://docs.litellm.ai/docs/tutorials/prompt_caching. A mark goes on the last thing in the message that can bear one.
Anthropic and Bedrock take four in a request: the client's own stay, and the last of the others get what is left.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

import msgspec

from tollbridge.model.json import Json
from tollbridge.model.parts import CacheMark, Media, Part, Text, ToolCall, ToolResult
from tollbridge.model.request import Message, Request, Tool

MOST, POINTS_MAX = 4, 16
_INDEX = re.compile(r"-?[0-9]{1,6}")
_KEYS = ("location", "role", "index", "control")
_ROLES = ("system", "user", "assistant", "tool")


class CachePoint(msgspec.Struct, frozen=True):
    """`role`, or `index` of a message as the client counts them; neither: the tools."""

    role: str | None = None
    index: int | None = None
    mark: CacheMark = CacheMark()


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a point: `at` counts from 0, `key` is one of it; None and "" where it is all of it."""

    told: str
    at: int | None = None
    key: str = ""

    def __str__(self) -> str:
        where = "" if self.at is None else f"[{self.at}]" + (f".{self.key}" if self.key else "")
        return f"{where}: {self.told}" if where else self.told


def read_points(value: Json) -> tuple[CachePoint, ...]:
    """Raises ValueError that says what is wrong first, and where: `[0].role: ...`."""
    points, faults = examine_points(value)
    if faults:
        raise ValueError(str(faults[0]))
    return points


def examine_points(value: Json) -> tuple[tuple[CachePoint, ...], tuple[Fault, ...]]:
    """The points that can be read, and what is wrong with each of the others."""
    if not isinstance(value, list) or len(value) > POINTS_MAX:
        return (), (Fault(f"expected at most {POINTS_MAX} points, such as `{{location: message, role: system}}`"),)
    read = [_point(one, at) for at, one in enumerate(value)]
    return (
        tuple([one for one in read if isinstance(one, CachePoint)]),
        tuple([one for one in read if isinstance(one, Fault)]),
    )


def near_key(name: str) -> str | None:
    """The key of a point that was meant by one that is none."""
    return None if name in _KEYS else next(iter(difflib.get_close_matches(name.lower()[:40], _KEYS, 1, 0.7)), None)


def _point(value: Json, at: int) -> CachePoint | Fault:
    if not isinstance(value, dict):
        return Fault("expected an object, such as `{location: message, role: system}`", at)
    mark = _mark(value.get("control"))
    if mark is None:
        return Fault('expected {"type": "ephemeral"}, with "ttl" "5m" or "1h"', at, "control")
    location = value.get("location", "message")
    if location == "tool_config":
        return CachePoint(mark=mark)
    if location != "message":
        return Fault("expected `message` or `tool_config`", at, "location")
    role, index = value.get("role"), value.get("index")
    if index is not None:
        said = str(index) if index.__class__ in (int, str) else ""
        if not _INDEX.fullmatch(said):
            return Fault("expected a whole number, -1 for the last message", at, "index")
        return CachePoint(index=int(said), mark=mark)
    if role is None:
        for name in value:
            near = near_key(name)
            if near is not None and value.get(near) is None:
                return Fault(f"is not a known key; did you mean `{near}`?", at, name)
    role = "system" if role == "developer" else role
    if role not in _ROLES:
        return Fault(f"expected one of {', '.join(_ROLES)}, or an `index`", at, "role")
    return CachePoint(role=role, mark=mark)


def _mark(control: Json) -> CacheMark | None:
    """None: it is not readable."""
    if control is None:
        return CacheMark()
    said = control if isinstance(control, dict) else {"type": None}
    ttl = said.get("ttl")
    if said.get("type", "ephemeral") != "ephemeral" or ttl not in (None, "5m", "1h"):
        return None
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
