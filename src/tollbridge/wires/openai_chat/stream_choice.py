"""One choice of a chat stream: its deltas -> events. The rules stand at the head of `stream_reader`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tollbridge.model.events import Cited, Event, Extra, Finished, Grew, Logprobs, Noted, Opened
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Inline, Media, Opaque, Part, Refusal, Text, Thinking, ToolCall
from tollbridge.model.response import Finish
from tollbridge.wires import free_text
from tollbridge.wires.openai_chat.citations import CITED_NOW, from_start, is_claudes, read_citation
from tollbridge.wires.openai_chat.content import read_part
from tollbridge.wires.openai_chat.reasoning import DETAIL_TYPES, FIELDS, PLAIN, read_block, read_detail
from tollbridge.wires.openai_chat.response import made_up_id
from tollbridge.wires.openai_chat.turn import TurnReader, read_server_tool
from tollbridge.wires.openai_chat.vocabulary import (
    FIELD,
    FINISH,
    PROVIDER_FIELDS,
    SERVER_TOOLS,
    SPELLED,
    TEXT_BREAKS,
    string,
)

_CHOICE = frozenset({"index", "delta", "message", "text", "finish_reason", "logprobs"})
_CALL = frozenset({"index", "id", "type", "function", "custom", "position"})
_MISSING: Any = object()


class _Call:
    """A tool call under way: which part it is. `custom`: it is free text."""

    __slots__ = ("custom", "id", "part")

    def __init__(self, part: int, id: str, custom: bool = False) -> None:
        self.part = part
        self.id = id
        self.custom = custom


class ChoiceReader:
    """One choice under way."""

    __slots__ = (
        "_audio",
        "_calls",
        "_claudes",
        "_detail",
        "_early",
        "_index",
        "_last_call",
        "_next",
        "_parts_field",
        "_refusal",
        "_seen",
        "_start",
        "_stop",
        "_text",
        "_thinking",
        "_thinking_field",
        "_transcript",
        "answer_id",
        "called",
        "ids",
        "raw",
    )

    def __init__(self, index: int, answer_id: str) -> None:
        self._index = index
        self.answer_id = answer_id
        self.raw = ""
        self.called = False
        self.ids: set[str] = set()
        self._next = 0
        self._text = self._thinking = self._refusal = self._transcript = -1
        self._thinking_field = ""
        self._parts_field = False
        self._start = 0  # of the text under way, in the whole content
        self._claudes = False  # it cites by Anthropic's objects, which stand in the delta once more
        self._detail: Json = None
        self._early: list[Json] = []  # annotations that came before any text
        self._calls: dict[int, _Call] = {}
        self._last_call = -1
        self._seen: JsonObject = {}
        self._audio: JsonObject = {}
        self._stop: str | None = None

    def read(self, choice: JsonObject, events: list[Event]) -> None:
        delta = choice.get("delta")
        if delta is None:
            delta = choice.get("message") or ({"content": choice["text"]} if choice.get("text") else None)
        if delta:
            if not FIELDS.isdisjoint(delta):
                self._reason(delta, events)
            for key, value in delta.items():
                if value:
                    read = _DELTA.get(key)
                    if read is not None:
                        read(self, value, events)
                    elif self._is_news(key, value):
                        events.append(Noted(Extra("message", {key: value}), self._index))
        raw = choice.get("finish_reason")
        if raw and not self.raw:
            self.raw = string(raw)
        logprobs = choice.get("logprobs")
        if logprobs is not None:
            events.append(Noted(Logprobs(logprobs), self._index))
        if choice.keys() - _CHOICE:
            self._unknown(choice, events)

    def _unknown(self, choice: JsonObject, events: list[Event]) -> None:
        for key, value in choice.items():
            if key == "stop_reason" and value.__class__ is str:
                self._stop = value
            elif value and key not in _CHOICE and self._is_news(key, value):
                events.append(Noted(Extra("choice", {key: value}), self._index))

    def _is_news(self, key: str, value: Json) -> bool:
        if self._seen.get(key, _MISSING) == value:
            return False
        self._seen[key] = value
        return True

    def end(self) -> list[Event]:
        events: list[Event] = []
        if self._early:
            events.append(Noted(Extra("message", {"annotations": self._early}), self._index))
        if self._audio:
            inner = {key: value for key, value in self._audio.items() if key != "data"}
            source = Inline(data=self._audio.get("data", ""))
            self._open(Media(media_type="audio/*", source=source, extra={FIELD: "audio", "audio": inner}), events)
        for call in self._calls.values():
            if call.custom:
                events.append(Grew(self._index, call.part, free_text.ENDS, "arguments"))
        reason = FINISH.get(self.raw, "other") if self.raw else ("tool_calls" if self.called else "stop")
        if reason == "stop" and self._refusal >= 0:
            reason = "refusal"
        events.append(Finished(self._index, Finish(reason=reason, raw=self.raw or None, stop=self._stop)))
        return events

    def _open(self, part: Part, events: list[Event]) -> int:
        at = self._next
        self._next += 1
        events.append(Opened(self._index, at, part))
        return at

    def _content(self, content: Json, events: list[Event]) -> None:
        if content.__class__ is str:
            if self._text < 0:
                self._text = self._open(Text(text=""), events)
                self._annotations(self._early, events)
                self._early = []
            events.append(Grew(self._index, self._text, content))
            return
        if content.__class__ is dict:  # structured output that was not put into a string: Cloudflare
            self._content(msgspec.json.encode(content).decode(), events)
            return
        for piece in content:
            part = read_part(piece)
            match part:
                case Text(text=text):
                    if text:
                        self._content(text, events)
                case Thinking(redacted=True):
                    self._open(part, events)
                case Thinking(text=text, signature=signature):
                    if not self._parts_field:
                        self._parts_field = True
                        self._thinking = self._open(msgspec.structs.replace(part, text="", signature=None), events)
                    if text:
                        events.append(Grew(self._index, self._thinking, text))
                    if signature:
                        events.append(Grew(self._index, self._thinking, signature, "signature"))
                case Opaque(value=value) if value.get("type") == "thinking" and value.get("thinking") == []:
                    pass  # the first of a row of pieces, still empty
                case _:
                    self._open(part, events)

    def _refuse(self, text: Json, events: list[Event]) -> None:
        if self._refusal < 0:
            self._refusal = self._open(Refusal(text=""), events)
        events.append(Grew(self._index, self._refusal, string(text)))

    def _reason(self, delta: JsonObject, events: list[Event]) -> None:
        blocks, details = delta.get("thinking_blocks"), delta.get("reasoning_details")
        told = [plain for plain in PLAIN if delta.get(plain)]
        if blocks:
            for block in blocks:
                self._block(block, told, events)
        elif details and all(detail.get("type") in DETAIL_TYPES for detail in details):
            for detail in details:
                self._read_detail(detail, told, events)
        elif details:
            events.append(Noted(Extra("message", {"reasoning_details": details}), self._index))
        elif told:
            if self._thinking < 0:
                fields = ",".join([plain for plain in told if delta[plain] == delta[told[0]]])
                extra = {FIELD: fields} if fields != "reasoning_content" else {}
                self._thinking = self._open(Thinking(extra=extra), events)
            events.append(Grew(self._index, self._thinking, string(delta[told[0]])))

    def _block(self, block: JsonObject, told: list[str], events: list[Event]) -> None:
        placed = read_block(block, None, [])
        if placed is None:
            return
        position, part = placed
        if self._thinking < 0 or position is not None or self._thinking_field != "thinking_blocks" or part.redacted:
            first = self._thinking < 0
            note = {FIELD: ",".join([*told, "thinking_blocks"])} if first else {}
            opened = part if part.redacted else msgspec.structs.replace(part, text="", signature=None)
            at = self._open(msgspec.structs.replace(opened, extra={**note, **part.extra}), events)
            self._thinking, self._thinking_field = at, "" if part.redacted else "thinking_blocks"
            if part.redacted:
                return
        if part.text:
            events.append(Grew(self._index, self._thinking, part.text))
        if part.signature:
            events.append(Grew(self._index, self._thinking, part.signature, "signature"))
            self._thinking_field = "signed"

    def _read_detail(self, detail: JsonObject, told: list[str], events: list[Event]) -> None:
        part = read_detail(detail)
        part.extra.pop(SPELLED, None)  # a piece need not have a text
        key = (detail["type"], detail.get("index", detail.get("id")))
        if part.redacted or self._detail != key:
            first = self._detail is None
            self._detail = key
            note = {FIELD: ",".join([*told, "reasoning_details"])} if first else {}
            opened = part if part.redacted else msgspec.structs.replace(part, text="", signature=None)
            self._thinking = self._open(msgspec.structs.replace(opened, extra={**note, **part.extra}), events)
            if part.redacted:
                return
        elif part.extra and self._is_news("(detail)", part.extra):
            events.append(Noted(Extra("part", part.extra, self._thinking), self._index))
        if part.text:
            events.append(Grew(self._index, self._thinking, part.text))
        if part.signature:
            events.append(Grew(self._index, self._thinking, part.signature, "signature"))

    def _annotations(self, annotations: Json, events: list[Event]) -> None:
        if self._text < 0:
            self._early.extend(annotations)
            return
        for annotation in annotations:
            citation = from_start(read_citation(annotation), self._start)
            self._claudes = self._claudes or is_claudes(citation)
            events.append(Noted(Cited(self._text, citation), self._index))

    def _tool_calls(self, calls: Json, events: list[Event]) -> None:
        for number, call in enumerate(calls):
            self._tool_call(call, number, events)

    def _tool_call(self, call: JsonObject, number: int, events: list[Event]) -> None:
        function = call.get("function") or call.get("custom") or {}
        index, id = call.get("index"), call.get("id") or ""
        if index is None:
            index = self._last_call if not id and self._last_call >= 0 else self._call_with(id, number)
        known = self._calls.get(index)
        if known is not None and id and id != known.id and function.get("name"):
            known = None
        self._last_call = index
        text = function.get("input" if "custom" in call and "function" not in call else "arguments")
        if text is not None and text.__class__ is not str:
            text = msgspec.json.encode(text).decode()
        if known is None:
            known = self._calls[index] = self._open_call(call, function, id, events)
        elif len(call) > 1 and call.keys() - _CALL:
            extra = {key: value for key, value in call.items() if key not in _CALL and value is not None}
            if extra:
                events.append(Noted(Extra("part", extra, known.part), self._index))
        if text:
            text = free_text.wrap_piece(text) if known.custom else text
            events.append(Grew(self._index, known.part, text, "arguments"))

    def _open_call(self, call: JsonObject, function: JsonObject, id: str, events: list[Event]) -> _Call:
        self.called = True
        key = "custom" if "custom" in call and "function" not in call else "function"
        text = "input" if key == "custom" else "arguments"
        whole = {**call, key: {**function, "name": function.get("name") or "", text: ""}, "id": id}
        whole.pop("index", None)
        _, part = TurnReader(None).read_call(whole)
        if not isinstance(part, ToolCall):
            raise TypeError("tool_calls")
        if not part.id or part.id in self.ids:
            part = msgspec.structs.replace(part, id=made_up_id(self.answer_id, self._index, len(self.ids)))
        self.ids.add(part.id)
        if key == "function":
            return _Call(self._open(part, events), id)
        opened = _Call(self._open(msgspec.structs.replace(part, arguments=""), events), id, custom=True)
        events.append(Grew(self._index, opened.part, free_text.BEGINS, "arguments"))
        return opened

    def _call_with(self, id: str, number: int) -> int:
        """The index of the call with this id, or the next free one."""
        found = next((index for index, known in self._calls.items() if id and known.id == id), None)
        return len(self._calls) if found is None else found

    def _function_call(self, call: Json, events: list[Event]) -> None:
        known = self._calls.get(-1)
        if known is None:
            part = ToolCall(
                id=made_up_id(self.answer_id, self._index, 0),
                name=call.get("name") or "",
                extra={FIELD: "function_call"},
            )
            self.called = True
            known = self._calls[-1] = _Call(self._open(part, events), "")
        if call.get("arguments"):
            events.append(Grew(self._index, known.part, string(call["arguments"]), "arguments"))

    def _sound(self, audio: Json, events: list[Event]) -> None:
        for key, value in audio.items():
            if key == "transcript" and value:
                if self._transcript < 0:
                    self._transcript = self._open(Text(text="", extra={FIELD: "audio"}), events)
                events.append(Grew(self._index, self._transcript, string(value)))
            elif key == "data" and value:
                self._audio["data"] = self._audio.get("data", "") + string(value)
            elif value:
                self._audio[key] = value

    def _images(self, images: Json, events: list[Event]) -> None:
        for image in images:
            part = read_part(image)
            if isinstance(part, Media):
                part = msgspec.structs.replace(part, extra={**part.extra, FIELD: "images"})
            self._open(part, events)

    def _provider_fields(self, fields: Json, events: list[Event]) -> None:
        for item in fields.get(SERVER_TOOLS) or ():
            self._open(read_server_tool(item)[1], events)
        if breaks := fields.get(TEXT_BREAKS):
            self._text = self._open(Text(text=""), events)
            offset = breaks[-1]["offset"]
            self._start = offset if offset.__class__ is int else 0
        told = (SERVER_TOOLS, TEXT_BREAKS, CITED_NOW) if self._claudes else (SERVER_TOOLS, TEXT_BREAKS)
        left = {key: value for key, value in fields.items() if key not in told}
        if left:
            events.append(Noted(Extra("message", {PROVIDER_FIELDS: left}), self._index))


def _skip(choice: ChoiceReader, value: Json, events: list[Event]) -> None:
    """Known, and told elsewhere."""


_DELTA: dict[str, Callable[[ChoiceReader, Any, list[Event]], None]] = {
    "role": _skip,
    "content": ChoiceReader._content,
    "refusal": ChoiceReader._refuse,
    "annotations": ChoiceReader._annotations,
    "tool_calls": ChoiceReader._tool_calls,
    "function_call": ChoiceReader._function_call,
    "audio": ChoiceReader._sound,
    "images": ChoiceReader._images,
    PROVIDER_FIELDS: ChoiceReader._provider_fields,
    **dict.fromkeys(FIELDS, _skip),
}
