"""Reading along an answer that is relayed in this format."""

from __future__ import annotations

import re

import msgspec

from tollbridge.errors import BadGatewayError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Usage
from tollbridge.wires.anthropic_messages.usage import merged_usage, read_usage
from tollbridge.wires.tap import decode_object, pieces

_TELLING = re.compile(rb'"message_(?:start|delta|stop)"|"type"\s*:\s*"error"')


class MessagesTap:
    """`message_start` and `message_delta` tell the usage, `message_stop` is the end, an `error` event says so."""

    __slots__ = ("_raw", "ended", "error", "spoke")

    def __init__(self) -> None:
        self._raw: JsonObject = {}
        self.ended = False
        self.error: Json = None
        self.spoke = False

    @property
    def usage(self) -> Usage | None:
        return read_usage(self._raw) if self._raw else None

    def feed(self, block: bytes) -> bytes:
        if not self.spoke:
            self.spoke = b"data:" in block
        if _TELLING.search(block) is not None:
            for _, data in pieces(block):
                self._note(data)
        return block

    def _note(self, data: bytes) -> None:
        if _TELLING.search(data) is None:
            return
        event = decode_object(data)
        if event is None:
            return
        match event.get("type"):
            case "message_start":
                message = event.get("message")
                if isinstance(message, dict):
                    self._raw = merged_usage(self._raw, message.get("usage"))
            case "message_delta":
                self._raw = merged_usage(self._raw, event.get("usage"))
            case "message_stop":
                self.ended = True
            case "error":
                self.error = event


class _Told(msgspec.Struct):
    type: Json = None
    usage: Json = None
    error: Json = None


_told = msgspec.json.Decoder(_Told).decode


def read_along(body: bytes) -> Usage | None:
    """The usage of a relayed answer. Raises BadGatewayError where the body is not an answer of this format."""
    try:
        told = _told(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadGatewayError("The provider's answer is not the JSON that its format promises.") from error
    if told.type == "error" or told.error is not None:
        detail = told.error.get("message") if isinstance(told.error, dict) else told.error
        raise BadGatewayError(f"The provider answered 200 with an error: {detail}.", body=msgspec.json.decode(body))
    return read_usage(told.usage)
