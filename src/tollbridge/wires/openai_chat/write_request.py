"""Request -> the body that a provider of this format gets.

A request of our own dialect goes out as it came, but for what is ours alone: `thinking_blocks`, positions, server
tools. Another dialect's is written in the plainest form that everybody takes: strings where there is one text, no cache
marks, no vendor's fields; what cannot be said becomes a Caveat. `Target.lacks` and `Target.prefers` (see `wires.base`)
bend both.

Tool results
1. Each must follow a call with its id; else the provider would refuse the history with words that help nobody.
   `Target.modify` puts a call with that id before it.
2. The format takes text in tool messages, no pictures. A picture in a result follows in a user message after the turn's
   results, and the result says so.
"""

from __future__ import annotations

import msgspec

from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Media, Part, Text, ToolCall, ToolResult
from tollbridge.model.request import Message, Request, only_allowed
from tollbridge.model.response import Caveat
from tollbridge.wires.base import HttpRequest, Target, Written
from tollbridge.wires.calls_made import OR_RESTORED
from tollbridge.wires.openai_chat.content import mark_message, write_cache
from tollbridge.wires.openai_chat.settings import write_settings
from tollbridge.wires.openai_chat.vocabulary import NAME, PATH, SHOWN_AFTER, approximated, from_call
from tollbridge.wires.openai_chat.write_parts import PartWriter
from tollbridge.wires.openai_chat.write_turn import TurnWriter


def write_request(request: Request, to: Target) -> Written[HttpRequest]:
    """Raises BadRequestError where a tool result has no call and `to.modify` is off."""
    caveats: list[Caveat] = []
    if request.origin != NAME:
        request = only_allowed(request, caveats)
    messages = _Messages(request, to, caveats).write()
    body: JsonObject = {"model": to.model, "messages": messages}
    write_settings(body, request, to, caveats)
    return Written(HttpRequest(path=PATH, body=body), tuple(caveats))


class _Messages:
    def __init__(self, request: Request, to: Target, caveats: list[Caveat]) -> None:
        self._request = request
        self._own = request.origin == NAME
        self._to = to
        self._caveats = caveats
        self._parts = PartWriter(self._own, to, caveats)
        self._turns = TurnWriter(self._own, to, caveats)
        self._out: list[JsonObject] = []
        self._calls: set[str] = set()
        self._pictures: list[tuple[str, list[Part]]] = []  # of tool results, for the message that follows them

    def write(self) -> list[JsonObject]:
        for number, message in enumerate(self._request.messages):
            where = f"$.messages[{number}]"
            if self._pictures and not any(isinstance(part, ToolResult) for part in message.parts):
                self._show_pictures()
            match message.role:
                case "assistant":
                    self._calls.update([part.id for part in message.parts if isinstance(part, ToolCall)])
                    self._out.append(self._turns.write(message, where))
                case "system":
                    self._out.append(self._system(message, where))
                case "user":
                    self._user(message, where)
        self._show_pictures()
        self._parts.say_what_was_dropped()
        return self._out

    def _system(self, message: Message, where: str) -> JsonObject:
        role = message.spelling.get("role", "system") if self._own else "system"
        role = self._to.prefers.get("system_role", role)
        if "system" in self._to.lacks:
            self._caveats.append(approximated(where, "The model takes no system message; it is told as the user's."))
            role = "user"
        return self._plain(role, message, where)

    def _user(self, message: Message, where: str) -> None:
        results = [part for part in message.parts if isinstance(part, ToolResult)]
        for result in results:
            self._result(result, where)
        if not results:
            self._out.append(self._plain("user", message, where))
        elif len(results) < len(message.parts):
            self._show_pictures()
            rest = tuple([part for part in message.parts if not isinstance(part, ToolResult)])
            self._out.append(self._plain("user", msgspec.structs.replace(message, parts=rest), where))

    def _plain(self, role: str, message: Message, where: str) -> JsonObject:
        """A message that is content alone."""
        out: JsonObject = {"role": role}
        spelling = message.spelling if self._own else {}
        parts = message.parts
        if spelling.get("cache") == "message":
            parts = mark_message(out, parts)
        if spelling.get("content") != "absent" or parts:
            out["content"] = self._parts.content(parts, spelling, where)
        if message.name is not None:
            out["name"] = message.name
        if self._own:
            for key, value in message.extra.items():
                out.setdefault(key, value)
        return out

    def _result(self, result: ToolResult, where: str) -> None:
        spelling = result.spelling if self._own else {}
        legacy = spelling.get("role") == "function"
        if result.call_id not in self._calls:
            self._restore(result, where)
        out: JsonObject = {"role": "function" if legacy else "tool"}
        if spelling.get("tool_call_id") != "absent":
            out["tool_call_id"] = result.call_id
        content, pictures = result.content, list[Part]()
        if not self._own or "tool_images" in self._to.lacks:
            content, pictures = _without_pictures(result.content)
        if pictures:
            self._pictures.append((result.call_id, pictures))
            kinds = ", ".join(sorted({part.media_type for part in pictures if isinstance(part, Media)}))
            content = (*content, Text(text=f"[{kinds}: see the next user message]"))
            self._caveats.append(approximated(where, SHOWN_AFTER))
        if content or spelling.get("content") != "absent":
            out["content"] = self._parts.content(content, spelling, where, joined=True)
        if result.is_error:
            if "is_error" in spelling:
                out["is_error"] = True
            elif not self._own:
                detail = "The chat format cannot mark a tool result as an error; its text is sent as it is."
                self._caveats.append(approximated(where, detail))
        if result.cache is not None and self._parts.keeps_cache(where):
            out["cache_control"] = write_cache(result.cache)
        if self._own:
            for key, value in result.extra.items():
                out.setdefault(key, value)
        self._out.append(out)

    def _restore(self, result: ToolResult, where: str) -> None:
        if not self._to.modify:
            raise BadRequestError(
                f"The tool result for `{result.call_id}` has no tool call before it - at `{where}`. Send the "
                f"assistant's message with that call ahead of it{OR_RESTORED}",
                param=where.removeprefix("$."),
            )
        name = result.extra.get("name") if self._own else None
        call = {"name": name if isinstance(name, str) else "unknown_tool", "arguments": "{}"}
        self._calls.add(result.call_id)
        calls = [{"id": result.call_id, "type": "function", "function": call}]
        self._out.append({"role": "assistant", "content": None, "tool_calls": calls})
        detail = f"The call that `{result.call_id}` answers was missing; one without arguments was put before it."
        self._caveats.append(Caveat(code="restored_turn", where=where, detail=detail))

    def _show_pictures(self) -> None:
        if not self._pictures:
            return
        content: list[Json] = []
        for call_id, pictures in self._pictures:
            content.append(from_call(call_id))
            content += [part for part in (self._parts.part(picture, "$.messages") for picture in pictures) if part]
        self._pictures = []
        self._out.append({"role": "user", "content": content})


def _without_pictures(content: tuple[Part, ...]) -> tuple[tuple[Part, ...], list[Part]]:
    pictures: list[Part] = [part for part in content if isinstance(part, Media)]
    return tuple([part for part in content if not isinstance(part, Media)]), pictures
