"""Converse's event stream -> events. The frames are unpacked before (`wires.aws_events`); an event's name says what it
is.

    messageStart  (contentBlockStart? contentBlockDelta* contentBlockStop)*  messageStop  metadata

- Blocks have an index; one begins with its first delta where nothing is to be told before, as with texts.
- Texts, thinking and calls grow; every other block (results of the provider's tools, pictures, thinking that is
  withheld) is put together here and told when it is whole.
- `messageStop` is the end of the answer, and `metadata`, with the usage, follows it: the end marker is the latter, and
  a stream that has the first alone is whole and uncounted.
- An exception is an `error` event, and the last.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping

import msgspec

from tollbridge.errors import BadGatewayError, Truncated
from tollbridge.model.events import Began, Cited, Closed, Event, Extra, Finished, Grew, Noted, Opened
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Part, Text, Thinking, ToolCall
from tollbridge.wires.base import SseEvent
from tollbridge.wires.bedrock_converse.errors import error_in_stream
from tollbridge.wires.bedrock_converse.read_blocks import citation, read_block, string
from tollbridge.wires.bedrock_converse.response import read_extra, read_finish
from tollbridge.wires.bedrock_converse.usage import read_usage
from tollbridge.wires.bedrock_converse.vocabulary import ANSWER_TOOL, NAME, SERVER_TOOL
from tollbridge.wires.stumble import STUMBLES
from tollbridge.wires.stumble import said as told_of

_NOTHING: tuple[Event, ...] = ()


class _Block:
    """`part`: as it was told when it began; None where it is held until it is whole: then `kind` and `held` say what
    there is of it, and `pieces` the bytes of what is withheld. `answers`: the call of our own tool."""

    __slots__ = ("answers", "held", "kind", "part", "pieces", "place")

    def __init__(self, place: int) -> None:
        self.place = place
        self.part: Part | None = None
        self.answers = False
        self.kind = ""
        self.held: JsonObject = {}
        self.pieces: list[bytes] = []


class ConverseReader:
    def __init__(self) -> None:
        self._open: dict[int, _Block] = {}
        self._places = 0
        self._told: list[Part] = []
        self._additional: Json = None
        self._stopped = False
        self.ended = False

    def feed(self, event: SseEvent) -> Iterable[Event]:
        """Raises APIError for an `error` event, BadGatewayError for what cannot be read."""
        said: Json = None
        try:
            said = msgspec.json.decode(event.data)
            if event.event == "error" or said.get("type") == "error":
                raise error_in_stream(said)
            handle = _HANDLERS.get(event.event)
            return _NOTHING if handle is None else handle(self, said)
        except (msgspec.DecodeError, RecursionError, *STUMBLES) as error:
            raise BadGatewayError(
                f"The provider sent an event `{event.event}` that cannot be read: {told_of(said, error)}.", body=said
            ) from error

    def close(self) -> Iterable[Event]:
        """Raises Truncated where `messageStop` never came."""
        if not self._stopped:
            raise Truncated("The stream ended before `messageStop`; what came until then is not a whole answer.")
        return _NOTHING

    def _message_start(self, said: JsonObject) -> Iterable[Event]:
        return (Began(),)

    def _block_start(self, said: JsonObject) -> Iterable[Event]:
        block = self._begun(said["contentBlockIndex"])
        start = said["start"]
        call = start.get("toolUse")
        if call is None:
            ((block.kind, block.held),) = ((kind, dict(inner)) for kind, inner in start.items())
            return _NOTHING
        name = string(call["name"])
        if name == ANSWER_TOOL:
            block.answers = True
            return self._opened(block, Text(text=""))
        ran = call.get("type") == SERVER_TOOL
        part = ToolCall(id=string(call["toolUseId"]), name=name, runs_on="provider" if ran else "client")
        return self._opened(block, part)

    def _block_delta(self, said: JsonObject) -> Iterable[Event]:
        index, delta = said["contentBlockIndex"], said["delta"]
        block = self._open.get(index) or self._begun(index)
        if "text" in delta:
            return self._grown(block, Text(text=""), string(delta["text"]))
        if "toolUse" in delta:
            piece = string(delta["toolUse"].get("input") or "")
            if block.part is None:
                raise KeyError("a call that never began")
            aspect = "text" if block.answers else "arguments"
            return (Grew(0, block.place, piece, aspect),) if piece else _NOTHING  # type: ignore[arg-type]
        if "reasoningContent" in delta:
            return self._thought(block, delta["reasoningContent"])
        if "citation" in delta:
            begun = self._grown(block, Text(text=""), "")
            return (*begun, Noted(Cited(block.place, citation(delta["citation"]))))
        for kind, piece in delta.items():
            block.kind = block.kind or kind
            _join(block.held, piece)
        return _NOTHING

    def _thought(self, block: _Block, delta: JsonObject) -> Iterable[Event]:
        withheld = delta.get("redactedContent")
        if withheld.__class__ is str:
            block.pieces.append(b64decode(withheld))
            return _NOTHING
        if "signature" in delta:
            begun = self._grown(block, Thinking(origin=NAME), "")
            return (*begun, Grew(0, block.place, string(delta["signature"]), "signature"))
        return self._grown(block, Thinking(origin=NAME), string(delta.get("text") or ""))

    def _block_stop(self, said: JsonObject) -> Iterable[Event]:
        index = said["contentBlockIndex"]
        block = self._open.pop(index, None) or self._begun(index)
        self._open.pop(index, None)
        if block.part is not None:
            return (Closed(0, block.place),)
        part: Part
        if block.pieces:
            part = Thinking(signature=b64encode(b"".join(block.pieces)).decode(), redacted=True, origin=NAME)
        elif block.kind:
            part = read_block({block.kind: block.held})
        else:
            part = Text(text="")  # one that held nothing
        return (*self._opened(block, part), Closed(0, block.place))

    def _message_stop(self, said: JsonObject) -> Iterable[Event]:
        self._stopped = True
        self._additional = said.get("additionalModelResponseFields")
        finish = read_finish(said["stopReason"], self._told)
        events: list[Event] = []
        if extra := read_extra(said):
            events.append(Noted(Extra("response", extra)))
        if finish is not None:
            events.append(Finished(0, finish))
        return events

    def _metadata(self, said: JsonObject) -> Iterable[Event]:
        self.ended = self._stopped
        extra = read_extra(said)
        events: list[Event] = [Noted(Extra("response", extra))] if extra else []
        usage = read_usage(said.get("usage"), self._additional)
        if usage is not None:
            events.append(Noted(usage))
        return events

    def _begun(self, index: int) -> _Block:
        block = self._open[index] = _Block(self._places)
        self._places += 1
        return block

    def _opened(self, block: _Block, part: Part) -> tuple[Event, ...]:
        block.part = part
        self._told.append(part)
        return (Opened(0, block.place, part),)

    def _grown(self, block: _Block, empty: Part, text: str) -> tuple[Event, ...]:
        """The piece, after the beginning of its part where it is the first."""
        begun = _NOTHING if block.part is not None else self._opened(block, empty)
        return (*begun, Grew(0, block.place, text)) if text else begun


_HANDLERS: Mapping[str, Callable[[ConverseReader, JsonObject], Iterable[Event]]] = {
    "contentBlockDelta": ConverseReader._block_delta,
    "contentBlockStart": ConverseReader._block_start,
    "contentBlockStop": ConverseReader._block_stop,
    "messageStart": ConverseReader._message_start,
    "messageStop": ConverseReader._message_stop,
    "metadata": ConverseReader._metadata,
}


def _join(held: JsonObject, piece: Json) -> None:
    """A delta of a block that is held: a list is more of its content, an object more of its fields."""
    if isinstance(piece, list):
        held["content"] = [*held.get("content", ()), *piece]
    elif isinstance(piece, dict):
        for key, value in piece.items():
            old = held.get(key)
            if isinstance(old, dict) and isinstance(value, dict):
                held[key] = {**old, **value}
            elif isinstance(old, str) and isinstance(value, str):
                held[key] = old + value
            else:
                held[key] = value
    else:
        raise TypeError("a delta")
