"""Responses' event stream -> events.

Rules
1. An item gets its place among the parts when it is added, and the parts of each item open when something is in them:
   `stream_item` has what becomes of one.
2. What an item is in the end stands in `output_item.done`. Words that were not streamed until then are told from there,
   and so are signatures, log probabilities and unknown fields.
3. The end is `response.completed` or `response.incomplete`: it tells the usage, and the items too where none was
   streamed. `response.failed` and `error` are raised. Anything else is Truncated; a `[DONE]` that some send after the
   end says nothing.
4. Events that nobody here knows are passed over: what they lead to stands in their item.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tollbridge.errors import BadGatewayError, Truncated
from tollbridge.model.events import Began, Event, Extra, Finished, Noted
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Part
from tollbridge.wires.base import SseEvent
from tollbridge.wires.openai_responses.answer import read_finish
from tollbridge.wires.openai_responses.errors import is_failure, read_inner_error
from tollbridge.wires.openai_responses.response import head_fields, take_created
from tollbridge.wires.openai_responses.shapes import explain_event
from tollbridge.wires.openai_responses.stream_item import ItemUnderWay, Places
from tollbridge.wires.openai_responses.usage import read_usage
from tollbridge.wires.openai_responses.vocabulary import string, take
from tollbridge.wires.stumble import STUMBLES

_decode = msgspec.json.Decoder().decode
_BEGINS = frozenset({"response.created", "response.in_progress", "response.queued"})
_ENDS = frozenset({"response.completed", "response.incomplete"})


class ResponsesReader:
    """See `wires.base.StreamReader`."""

    def __init__(self) -> None:
        self.ended = False
        self._began = False
        self._places = Places()
        self._items: dict[int, ItemUnderWay] = {}

    def feed(self, event: SseEvent) -> list[Event]:
        data = event.data
        if self.ended or not data or data.strip() == "[DONE]":
            return []
        try:
            told = _decode(data)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as failure:
            if event.event == "error":
                raise read_inner_error(data) from failure
            raise BadGatewayError("The provider's stream holds an event that is not JSON.") from failure
        try:
            kind = told.get("type") or event.event
            if kind in ("error", "response.failed") or (event.event == "error" and not is_failure(told)):
                raise read_inner_error(told)
            return self._read(kind, told)
        except STUMBLES as failure:
            raise explain_event(told, failure) from failure

    def close(self) -> list[Event]:
        if not self.ended:
            raise Truncated("The provider's stream ended before its end marker; what arrived is incomplete.")
        return []

    def _read(self, kind: str, told: JsonObject) -> list[Event]:
        events: list[Event] = []
        handle = _EVENTS.get(kind)
        if handle is not None:
            handle(self._item(told["output_index"]), told, events)
        elif kind == "response.output_item.added" and told["item"] is not None:
            self._item(told["output_index"]).added(told["item"], events)
        elif kind == "response.output_item.done" and told["item"] is not None:
            self._item(told["output_index"]).done(told["item"], events)
        elif kind in _BEGINS:
            self._begin(told["response"], events)
        elif kind in _ENDS:
            self._end(told["response"], events)
        elif kind == "" and told.get("error"):
            raise read_inner_error(told)
        return events

    def _item(self, at: Json) -> ItemUnderWay:
        if at.__class__ is not int:
            raise TypeError("output_index")
        item = self._items.get(at)
        if item is None:
            item = self._items[at] = ItemUnderWay(self._places)
        return item

    def _begin(self, response: JsonObject, events: list[Event]) -> None:
        if self._began:
            return
        self._began = True
        rest = head_fields(response)
        events.append(Began(take(rest, "id", str) or "", take(rest, "model", str) or "", take_created(rest)))

    def _end(self, response: JsonObject, events: list[Event]) -> None:
        self._begin(response, events)
        output = response.get("output") or []
        for at in list(self._items) or range(len(output)):
            if at < len(output):
                self._item(at).done(output[at], events)  # where nobody said so yet
            self._item(at).close(events)
        extra = head_fields(response)
        take(extra, "id", str)
        take(extra, "model", str)
        take_created(extra)
        if extra:
            events.append(Noted(Extra("response", extra)))
        usage = read_usage(response.get("usage"))
        if usage is not None:
            events.append(Noted(usage))
        parts: list[Part] = self._places.opened
        finish = read_finish({"status": "completed", **response}, parts)
        if finish is not None:
            events.append(Finished(0, finish))
        self.ended = True


def _delta(kind: str, at: str) -> Callable[[ItemUnderWay, JsonObject, list[Event]], None]:
    def grow(item: ItemUnderWay, told: JsonObject, events: list[Event]) -> None:
        item.grow(kind, told[at] if at else 0, string(told["delta"]), events)

    return grow


def _cited(item: ItemUnderWay, told: JsonObject, events: list[Event]) -> None:
    if told["annotation"] is not None:
        item.cite(told["content_index"], told["annotation"], events)


def _part(item: ItemUnderWay, told: JsonObject, events: list[Event]) -> None:
    item.part(told["content_index"], told["part"], events)


def _part_done(item: ItemUnderWay, told: JsonObject, events: list[Event]) -> None:
    item.part_done(told["content_index"], told["part"], events)


_EVENTS: dict[str, Callable[[ItemUnderWay, JsonObject, list[Event]], None]] = {
    "response.output_text.delta": _delta("text", "content_index"),
    "response.refusal.delta": _delta("refusal", "content_index"),
    "response.function_call_arguments.delta": _delta("arguments", ""),
    "response.custom_tool_call_input.delta": _delta("input", ""),
    "response.reasoning_summary_text.delta": _delta("summary", "summary_index"),
    "response.reasoning_text.delta": _delta("content", "content_index"),
    "response.reasoning.delta": _delta("content", "content_index"),  # so called by the specification
    "response.output_text.annotation.added": _cited,
    "response.content_part.added": _part,
    "response.content_part.done": _part_done,
}
