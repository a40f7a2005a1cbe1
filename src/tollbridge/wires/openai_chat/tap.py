"""Reading along an answer that is relayed in this format."""

from __future__ import annotations

import re

import msgspec

from tollbridge.errors import BadGatewayError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Usage
from tollbridge.wires.openai_chat.usage import read_usage
from tollbridge.wires.tap import decode_object, pieces

_TELLING = re.compile(rb'"usage"\s*:\s*\{|\[DONE\]|"finish_reason"\s*:\s*"|"error"\s*:\s*[{"]')


class ChatTap:
    """Usage is in the last chunk, in each, or in `x_groq`; the end is `[DONE]`, or a finish reason and the end of the
    body (some providers send no `[DONE]`)."""

    __slots__ = ("_hides_usage", "ended", "error", "spoke", "usage")

    def __init__(self, hides_usage: bool) -> None:
        self._hides_usage = hides_usage
        self.usage: Usage | None = None
        self.ended = False
        self.error: Json = None
        self.spoke = False

    def feed(self, block: bytes) -> bytes:
        if not self.spoke:
            self.spoke = b"data:" in block
        if _TELLING.search(block) is None:
            return block
        kept = []
        for event, data in pieces(block):
            if _TELLING.search(data) is None or not self._note(data):
                kept.append(event)
        return b"".join(kept)

    def _note(self, data: bytes) -> bool:
        """Learn from one event. True where only we asked for it."""
        if data.strip() == b"[DONE]":
            self.ended = True
            return False
        chunk = decode_object(data)
        if chunk is None:
            return False
        if chunk.get("error"):
            self.error = chunk
        choices = chunk.get("choices")
        if isinstance(choices, list) and any(isinstance(c, dict) and c.get("finish_reason") for c in choices):
            self.ended = True
        usage = read_usage(_usage_of(chunk))
        if usage is not None:
            self.usage = usage
        return self._hides_usage and usage is not None and choices == []


def _usage_of(chunk: JsonObject) -> Json:
    usage = chunk.get("usage")
    if usage is None and isinstance(chunk.get("x_groq"), dict):
        return chunk["x_groq"].get("usage")
    return usage


class _Told(msgspec.Struct):
    choices: msgspec.Raw | None = None
    usage: Json = None
    error: Json = None


_told = msgspec.json.Decoder(_Told).decode


def read_along(body: bytes) -> Usage | None:
    """The usage of a relayed answer. Raises BadGatewayError where the body is not an answer of this format."""
    try:
        told = _told(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadGatewayError("The provider's answer is not the JSON that its format promises.") from error
    if told.error and told.choices is None:
        detail = told.error.get("message") if isinstance(told.error, dict) else told.error
        raise BadGatewayError(f"The provider answered 200 with an error: {detail}.", body=msgspec.json.decode(body))
    return read_usage(told.usage)
