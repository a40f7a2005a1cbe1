"""Anthropic's event stream -> events.

    message_start  (content_block_start  content_block_delta*  content_block_stop)*  message_delta  message_stop
    with `ping` anywhere, and `error` instead of the rest.   https://platform.claude.com/docs/en/build-with-claude/streaming

- One block at a time, with an index; indexes may have gaps (a block we emit late keeps its place in order).
- A block of a kind that we stream (`_STREAMED`) is Opened at once and grows. Every other block is put together here,
  from its start and its deltas, and Opened when it is whole: nobody else could follow its deltas.
- `input` of a tool call: the deltas replace what the start said; no delta at all means what the start said.
- Usage is cumulative; the last valid figure of each field counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from tollbridge.errors import Truncated
from tollbridge.model.events import Began, Cited, Closed, Event, Extra, Finished, Grew, Noted, Opened
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import ToolCall
from tollbridge.model.response import Finish
from tollbridge.wires.anthropic_messages.errors import error_in_stream
from tollbridge.wires.anthropic_messages.finish import read_finish
from tollbridge.wires.anthropic_messages.read_blocks import READERS, BlockReader, arguments_text, copied, string
from tollbridge.wires.anthropic_messages.response import without_constants
from tollbridge.wires.anthropic_messages.shapes import explain_event
from tollbridge.wires.anthropic_messages.usage import merged_usage, read_usage
from tollbridge.wires.base import SseEvent
from tollbridge.wires.stumble import STUMBLES

_STREAMED = frozenset(("text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "mcp_tool_use"))
_NOTHING: tuple[Event, ...] = ()


class _Block:
    """The block under way. `held`: one that is put together here, `json` its pieces of input. `awaits_input`: a tool
    call that had no delta yet; `given`: the input that its start said."""

    __slots__ = ("awaits_input", "given", "held", "json", "place")

    def __init__(self, place: int) -> None:
        self.place = place
        self.held: JsonObject | None = None
        self.given: Json = None
        self.awaits_input = False
        self.json: list[str] = []


class MessagesReader:
    def __init__(self) -> None:
        self._blocks = BlockReader(None)
        self._open: dict[int, _Block] = {}
        self._places = 0
        self._usage: JsonObject = {}
        self._finish: Finish | None = None
        self.ended = False

    def feed(self, event: SseEvent) -> Iterable[Event]:
        """Raises APIError for an `error` event, BadGatewayError for what cannot be read."""
        said: Json = None
        try:
            said = msgspec.json.decode(event.data)
            handle = _HANDLERS.get(said.get("type") or event.event)
            return _NOTHING if handle is None else handle(self, said)
        except STUMBLES as cause:
            if self.ended and event.data == "[DONE]":
                return _NOTHING  # the habit of another format, met at servers that imitate this one
            explain_event(said, cause)

    def close(self) -> Iterable[Event]:
        """Raises Truncated where `message_stop` never came."""
        if not self.ended:
            raise Truncated("The stream ended before `message_stop`; what came until then is not a whole answer.")
        return _NOTHING

    def _message_start(self, said: JsonObject) -> Iterable[Event]:
        rest = copied(said["message"])
        answer_id, model = rest.pop("id", None), rest.pop("model", None)
        rest.pop("content", None)
        usage = rest.pop("usage", None)
        began = Began(
            answer_id if answer_id.__class__ is str else "",
            model if model.__class__ is str else "",
            None,
            without_constants(rest),
        )
        return (began, *self._noted(usage))

    def _noted(self, usage: Json) -> tuple[Event, ...]:
        self._usage = merged_usage(self._usage, usage)
        stopped = None if self._finish is None else self._finish.raw
        known = read_usage(self._usage, stopped) if self._usage else None
        return () if known is None else (Noted(known),)

    def _block_start(self, said: JsonObject) -> Iterable[Event]:
        block = said["content_block"]
        kind = block["type"]
        under_way = self._open[said["index"]] = _Block(self._places)
        self._places += 1
        if kind not in _STREAMED:
            under_way.held = dict(block)
            return _NOTHING
        if kind == "thinking":
            block = {"thinking": "", **block}
        elif kind == "text":
            block = {"text": "", **block}
            if block.get("citations") == []:
                del block["citations"]  # room for those that follow
        part = READERS[kind](self._blocks, block)
        if isinstance(part, ToolCall):
            under_way.awaits_input = True
            under_way.given = block.get("input")
            part = msgspec.structs.replace(part, arguments="")
        return (Opened(0, under_way.place, part),)

    def _block_delta(self, said: JsonObject) -> Iterable[Event]:
        delta = said["delta"]
        block = self._open[said["index"]]
        kind = delta["type"]
        if block.held is not None:
            _grow(block, block.held, delta)
            return _NOTHING
        match kind:
            case "text_delta":
                text = string(delta["text"])
                return (Grew(0, block.place, text),) if text else _NOTHING
            case "input_json_delta":
                text = string(delta["partial_json"])
                if not text:
                    return _NOTHING
                block.awaits_input = False
                return (Grew(0, block.place, text, "arguments"),)
            case "thinking_delta":
                text = string(delta["thinking"])
                return (Grew(0, block.place, text),) if text else _NOTHING
            case "signature_delta":
                return (Grew(0, block.place, string(delta["signature"]), "signature"),)
            case "citations_delta":
                return (Noted(Cited(block.place, self._blocks.citation(delta["citation"]))),)
            case _:
                unknown = {key: value for key, value in delta.items() if key != "type"}
                return (Noted(Extra("part", unknown, block.place)),)

    def _block_stop(self, said: JsonObject) -> Iterable[Event]:
        block = self._open.pop(said["index"])
        place = block.place
        if block.held is not None:
            (part,) = self._blocks.read_all([_assembled(block.held, "".join(block.json))])
            return (Opened(0, place, part), Closed(0, place))
        if block.awaits_input:
            return (Grew(0, place, arguments_text(block.given), "arguments"), Closed(0, place))
        return (Closed(0, place),)

    def _message_delta(self, said: JsonObject) -> Iterable[Event]:
        delta = copied(said["delta"])
        finish = read_finish(delta.pop("stop_reason", None), delta.pop("stop_sequence", None))
        if finish is not None:
            self._finish = finish
        extra = {key: value for key, value in said.items() if key not in ("type", "delta", "usage")}
        extra.update(delta)
        noted = self._noted(said.get("usage"))
        return (*noted, Noted(Extra("response", extra))) if extra else noted

    def _message_stop(self, said: JsonObject) -> Iterable[Event]:
        self.ended = True
        metrics = {key: value for key, value in said.items() if key != "type"}
        events: list[Event] = [Noted(Extra("response", metrics))] if metrics else []
        if self._finish is not None:
            events.append(Finished(0, self._finish))
        return events

    def _error(self, said: JsonObject) -> Iterable[Event]:
        raise error_in_stream(said)


_HANDLERS: dict[str, Callable[[MessagesReader, JsonObject], Iterable[Event]]] = {
    "content_block_delta": MessagesReader._block_delta,
    "content_block_start": MessagesReader._block_start,
    "content_block_stop": MessagesReader._block_stop,
    "message_start": MessagesReader._message_start,
    "message_delta": MessagesReader._message_delta,
    "message_stop": MessagesReader._message_stop,
    "error": MessagesReader._error,
}


def _grow(block: _Block, held: JsonObject, delta: JsonObject) -> None:
    """A delta into a block that is put together here: text is appended to the field of the same name, lists are
    joined, everything else replaces."""
    for key, value in delta.items():
        if key == "type":
            continue
        if key == "partial_json":
            block.json.append(string(value))
            continue
        key = "citations" if key == "citation" else key
        value = [value] if key == "citations" else value
        old = held.get(key)
        if isinstance(old, str) and isinstance(value, str):
            held[key] = old + value
        elif isinstance(old, list) and isinstance(value, list):
            held[key] = [*old, *value]
        else:
            held[key] = value


def _assembled(held: JsonObject, json: str) -> JsonObject:
    return {**held, "input": msgspec.json.decode(json)} if json else held
