"""Reading along an answer that is relayed in this format. Its last event has the whole response in it."""

from __future__ import annotations

import msgspec

from tollbridge.errors import BadGatewayError
from tollbridge.model.json import Json, JsonObject
from tollbridge.wires.openai_responses.errors import is_failure, read_inner_error
from tollbridge.wires.openai_responses.usage import read_usage
from tollbridge.wires.tap import Along, Tail, decode_object, first_object, pieces, speaks, text_of

ENDS = (b"response.completed", b"response.incomplete", b"response.failed")
_HEAD = (b"response.created", b"response.in_progress", b"response.queued")
_HEAD_TYPES = frozenset({"response.created", "response.in_progress", "response.queued"})
_TYPES = frozenset({"response.completed", "response.incomplete", "response.failed"})


class ResponsesTap:
    """`response.completed`, `incomplete` and `failed` tell the usage and are the end; a `[DONE]` may follow. The head
    (`response.created`, `in_progress`) says nothing yet: until an item comes, the request may be tried elsewhere."""

    __slots__ = ("_first", "_last", "_tail", "ending", "spoke")

    def __init__(self) -> None:
        self._tail = Tail()
        self._first = b""
        self._last: JsonObject | None = None
        self.spoke = self.ending = False

    def feed(self, block: bytes) -> bytes:
        if not self.spoke and speaks(block):
            self._first = self._first or block
            self.spoke = any(data and not _is_head(data) for _, data in pieces(block))
        self.ending = False
        if self._last is None:
            self._tail.add(block)
            self.ending = any(block.find(word) >= 0 for word in ENDS)
        return block

    @property
    def said(self) -> Along:
        response = self._response()
        told = first_object(self._first).get("response") if response is None else response
        return _along(told if isinstance(told, dict) else {})

    @property
    def final(self) -> bool:
        return self.ended

    @property
    def ended(self) -> bool:
        return self._response() is not None

    @property
    def marked(self) -> bool:
        return self.ended

    def _response(self) -> JsonObject | None:
        """That of the last event, once it came."""
        if self._last is None:
            for data in self._tail.events():
                if any(data.find(word) >= 0 for word in ENDS):
                    event = decode_object(data) or {}
                    if event.get("type") in _TYPES and isinstance(event.get("response"), dict):
                        self._last = event["response"]
                        break
        return self._last


def _is_head(data: bytes) -> bool:
    return any(word in data for word in _HEAD) and (decode_object(data) or {}).get("type") in _HEAD_TYPES


def _along(response: JsonObject) -> Along:
    tier = text_of(response.get("service_tier")) or None
    return Along(read_usage(response.get("usage")), text_of(response.get("id")), tier)


_ABSENT = msgspec.Raw()


class _Told(msgspec.Struct):
    id: Json = None
    status: Json = None
    usage: Json = None
    error: Json = None
    service_tier: Json = None
    output: msgspec.Raw = _ABSENT


_told = msgspec.json.Decoder(_Told).decode


def read_along(body: bytes) -> Along:
    """What a relayed answer says of itself. Raises APIError where the response failed, BadGatewayError where it is
    none."""
    try:
        told = _told(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadGatewayError("The provider's answer is not the JSON of a response.") from error
    if told.error is not None or is_failure({"status": told.status}):
        raise read_inner_error(decode_object(body))
    if told.output == _ABSENT:
        raise BadGatewayError("The provider's answer is JSON, but no response.")
    return Along(read_usage(told.usage), text_of(told.id), text_of(told.service_tier) or None)
