"""Reading along an answer that is relayed in this format."""

from __future__ import annotations

import msgspec

from tollbridge.errors import BadGatewayError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Usage
from tollbridge.wires.anthropic_messages.usage import merged_usage, read_usage, tells_output
from tollbridge.wires.tap import Along, Tail, decode_object, pieces, speaks, text_of


class MessagesTap:
    """`message_start` and `message_delta` tell the usage, `message_stop` is the end, an `error` event says so."""

    __slots__ = ("_id", "_start", "_tail", "ending", "spoke")

    def __init__(self) -> None:
        self._start: JsonObject | None = None
        self._tail = Tail()
        self._id = ""
        self.spoke = self.ending = False

    def feed(self, block: bytes) -> bytes:
        if not self.spoke:
            self.spoke = speaks(block)
        if self._start is None and b'"message_start"' in block:
            self._note_start(block)
        self._tail.add(block)
        self.ending = block.find(b"message_stop") >= 0
        return block

    @property
    def said(self) -> Along:
        return Along(self._usage(), self._id)

    @property
    def final(self) -> bool:
        return any(
            _is(data, "message_delta") and tells_output((decode_object(data) or {}).get("usage"))
            for data in self._tail.events()
        )

    def _usage(self) -> Usage | None:
        raw: JsonObject = {} if self._start is None else self._start
        stopped: Json = None
        for data in reversed(self._tail.events()):
            if data.find(b'"message_delta"') >= 0:
                event = decode_object(data)
                if event is not None and event.get("type") == "message_delta":
                    raw = merged_usage(raw, event.get("usage"))
                    delta = event.get("delta")
                    stopped = (delta.get("stop_reason") if isinstance(delta, dict) else None) or stopped
        return read_usage(raw, stopped) if raw else None

    @property
    def ended(self) -> bool:
        return any(_is(data, "message_stop") for data in self._tail.events())

    @property
    def marked(self) -> bool:
        return self.ended

    def _note_start(self, block: bytes) -> None:
        for _, data in pieces(block):
            if _is(data, "message_start"):
                message = (decode_object(data) or {}).get("message")
                if isinstance(message, dict):
                    self._start = merged_usage({}, message.get("usage"))
                    self._id = text_of(message.get("id"))


def _is(data: bytes, type: str) -> bool:
    return f'"{type}"'.encode() in data and (decode_object(data) or {}).get("type") == type


_ABSENT = msgspec.Raw()


class _Told(msgspec.Struct):
    id: Json = None
    type: Json = None
    usage: Json = None
    stop_reason: Json = None
    error: Json = None
    content: msgspec.Raw = _ABSENT


_told = msgspec.json.Decoder(_Told).decode


def read_along(body: bytes) -> Along:
    """What a relayed answer says of itself. Raises BadGatewayError where the body is not an answer of this format."""
    try:
        told = _told(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadGatewayError("The provider's answer is not the JSON that its format promises.") from error
    if told.type == "error" or told.error is not None:
        detail = told.error.get("message") if isinstance(told.error, dict) else told.error
        raise BadGatewayError(f"The provider answered 200 with an error: {detail}.", body=decode_object(body))
    if told.content == _ABSENT:
        raise BadGatewayError("The provider's answer is JSON, but no message.")
    return Along(read_usage(told.usage, told.stop_reason), text_of(told.id))
