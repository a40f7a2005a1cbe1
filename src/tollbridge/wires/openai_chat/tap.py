"""Reading along a relayed chat stream. Only blocks in which a few patterns are found are parsed: inside a JSON string
the quotes of a pattern would be escaped, so that text never looks like one.
"""

from __future__ import annotations

import re

from tollbridge.errors import BadGatewayError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Usage
from tollbridge.wires.openai_chat.errors import read_inner_error
from tollbridge.wires.openai_chat.usage import read_usage
from tollbridge.wires.tap import decode_object, pieces

_USAGE = re.compile(rb'"usage"\s*:\s*\{')
_FINISH = re.compile(rb'"finish_reason"\s*:\s*"[^"]')
_SPOKE = re.compile(rb"^data:", re.MULTILINE)


class ChatTap:
    """See `wires.tap.Tap`. `ended` after `[DONE]`, or a finish reason where a provider sends no `[DONE]`."""

    def __init__(self, hides_usage: bool) -> None:
        self._hides_usage = hides_usage
        self.usage: Usage | None = None
        self.ended = False
        self.error: Json = None
        self.spoke = False

    def feed(self, block: bytes) -> bytes:
        if not self.spoke and _SPOKE.search(block):
            self.spoke = True
        if b"[DONE]" in block or _FINISH.search(block):
            self.ended = True
        if b'"error"' in block:
            self._find_error(block)
        if _USAGE.search(block):
            return self._read_usage(block)
        return block

    def _find_error(self, block: bytes) -> None:
        for _, data in pieces(block):
            if b'"error"' in data and self.error is None:
                chunk = decode_object(data)
                if chunk is not None and chunk.get("error"):
                    self.error = chunk

    def _read_usage(self, block: bytes) -> bytes:
        kept = []
        for event, data in pieces(block):
            chunk = decode_object(data) if _USAGE.search(data) else None
            if chunk is not None:
                usage = usage_of(chunk)
                if usage is not None:
                    self.usage = usage
                    if self._hides_usage and chunk.get("choices") == []:
                        continue
            kept.append(event)
        return b"".join(kept)


def usage_of(chunk: JsonObject) -> Usage | None:
    """Where a chunk tells its usage: at the top, or in Groq's corner."""
    usage = chunk.get("usage")
    if usage is None and isinstance(chunk.get("x_groq"), dict):
        usage = chunk["x_groq"].get("usage")
    return read_usage(usage)


def read_along(body: bytes) -> Usage | None:
    answer = decode_object(body)
    if answer is None:
        raise BadGatewayError("The provider's answer is not the JSON of a chat completion.")
    if answer.get("error") and not answer.get("choices"):
        raise read_inner_error(answer)
    if "choices" not in answer:
        raise BadGatewayError("The provider's answer is JSON, but no chat completion.")
    return read_usage(answer.get("usage"))
