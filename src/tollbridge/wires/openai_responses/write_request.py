"""`Request` -> the body for a server of the Responses format.

Two ways through, because they owe different things. A request that came in this format goes back as it came: nothing
is mended, the provider judges. A request of another dialect becomes items (`history`); what cannot be carried is a
Caveat. It asks the provider to keep nothing (`store: false`), where keeping is the default, and to hand out
its reasoning encrypted, so that it can come back on the next turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from msgspec.structs import replace

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Opaque, Part, Text, Thinking, ToolCall, ToolResult
from tollbridge.model.request import Message, Request
from tollbridge.model.response import Caveat
from tollbridge.wires.base import HttpRequest, Target, Written
from tollbridge.wires.openai_responses.content import write_part
from tollbridge.wires.openai_responses.history import History
from tollbridge.wires.openai_responses.items import write_call, write_output
from tollbridge.wires.openai_responses.lacking import Lacking, foreign_signature
from tollbridge.wires.openai_responses.reasoning import write_reasoning
from tollbridge.wires.openai_responses.settings import write_settings
from tollbridge.wires.openai_responses.vocabulary import NAME, PATH


def write_request(request: Request, to: Target) -> Written[HttpRequest]:
    """Raises BadRequestError where a tool result has no call and `to.modify` is off."""
    caveats: list[Caveat] = []
    body: JsonObject = {"model": to.model}
    if request.origin == NAME:
        _OwnItems(to, caveats).write(body, request)
    else:
        body["input"] = History(to, caveats).write(request.messages)
    write_settings(body, request, to, caveats)
    return Written(HttpRequest(path=PATH, body=body), tuple(caveats))


class _OwnItems:
    """Items as they came, less what somebody else signed."""

    def __init__(self, to: Target, caveats: list[Caveat]) -> None:
        self._to = to
        self._caveats = caveats
        self._lacking = Lacking(to, caveats)

    def write(self, body: JsonObject, request: Request) -> None:
        items: list[JsonObject] = []
        for index, message in enumerate(request.messages):
            if message.spelling.get("at") == "instructions":
                body["instructions"] = "".join([part.text for part in message.parts if isinstance(part, Text)])
                continue
            for one in _items(message):
                item = self._item(one, f"$.messages[{index}]")
                if item is not None:
                    items.append(item)
        spelled = request.spelling.get("input")
        if spelled == "string" and len(items) == 1 and items[0].keys() == {"type", "role", "content"}:
            (part,) = items[0]["content"]
            body["input"] = part["text"]
        elif items or spelled != "absent":
            body["input"] = items

    def _item(self, message: Message, where: str) -> JsonObject | None:
        part = message.parts[0] if len(message.parts) == 1 else None
        match part:
            case Opaque(value=value) if message.spelling.get("item") == "whole":
                return value  # type: ignore[no-any-return]
            case Thinking():
                return self._reasoning(part, where)
            case ToolCall():
                if part.signature is not None:
                    self._caveats.append(foreign_signature(where, f"The signature of the call of `{part.name}`"))
                return write_call(part)
            case ToolResult():
                return write_output(part)
            case _:
                return self._message(message, where)

    def _reasoning(self, thinking: Thinking, where: str) -> JsonObject | None:
        if "reasoning_history" in self._to.lacks:
            self._lacking.drop(where, "thinking of an earlier turn, which this target does not take back")
            return None
        if thinking.origin != NAME or (thinking.account and self._to.account and thinking.account != self._to.account):
            self._caveats.append(foreign_signature(where, "Thinking", thinking.origin))
            return None
        return write_reasoning(thinking)

    def _message(self, message: Message, where: str) -> JsonObject:
        spelling = message.spelling
        role = self._to.prefers.get("system_role", "") if message.role == "system" else ""
        parts: list[Part] = [part for part in message.parts if not self._lacking.lacks(part, where)]
        content: Json = [write_part(part, message.role) for part in parts]
        if spelling.get("content") == "string" and len(content) == 1 and content[0].keys() == {"type", "text"}:
            content = content[0]["text"]
        out: JsonObject = {"role": role or spelling.get("role", message.role), "content": content, **message.extra}
        if spelling.get("type") != "absent":
            out["type"] = "message"
        return out


def _items(message: Message) -> Iterator[Message]:
    """A message as it was read is one item. One that was added since (a round of tools) may hold several: content
    stays together, all else is an item of its own."""
    if len(message.parts) < 2 or not any(isinstance(part, Thinking | ToolCall | ToolResult) for part in message.parts):
        yield message
        return
    for single, parts in groupby(
        message.parts, lambda part: isinstance(part, Thinking | ToolCall | ToolResult | Opaque)
    ):
        for group in [(part,) for part in parts] if single else [tuple(parts)]:
            yield replace(message, parts=group, spelling={"item": "whole"} if isinstance(group[0], Opaque) else {})
