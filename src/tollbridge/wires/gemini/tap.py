"""Reading along an answer that is relayed in this format."""

from __future__ import annotations

import msgspec

from tollbridge.errors import BadGatewayError
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.response import Usage
from tollbridge.wires.gemini.errors import error_in_stream
from tollbridge.wires.gemini.finish import blocked
from tollbridge.wires.gemini.usage import CANDIDATES, TOTAL, merged_usage, read_usage
from tollbridge.wires.gemini.vocabulary import fields
from tollbridge.wires.tap import Along, Tail, decode_object, first_object, speaks, text_of


class GeminiTap:
    """Each chunk may tell usage; the one with the reason of the end is the last."""

    __slots__ = ("_id", "_several", "_tail", "ending", "spoke")

    def __init__(self) -> None:
        self._tail = Tail()
        self._id = ""
        self.spoke = self.ending = self._several = False

    def feed(self, block: bytes) -> bytes:
        if not self.spoke and speaks(block):
            self.spoke = True
            self._id = text_of(_fields(first_object(block)).get("responseId"))
        self._several = self._several or block.find(b'"index":1') >= 0 or block.find(b'"index": 1') >= 0
        self._tail.add(block)
        self.ending = block.find(b"inish") >= 0 or block.find(b"lock") >= 0  # finishReason, blockReason, in both cases
        return block

    @property
    def said(self) -> Along:
        raw = self._usage()
        return Along(read_usage(raw) if raw else None, self._id, tier_of(raw))

    @property
    def final(self) -> bool:
        """The last chunk of all tells usage beside an end."""
        last = self._last()
        return _ends(last) and bool(last.get("usageMetadata"))

    @property
    def ended(self) -> bool:
        return any(_ends(_fields(decode_object(data) or {})) for data in self._tail.events() if _may_end(data))

    @property
    def marked(self) -> bool:
        """The last chunk ends every candidate that it has, and tells what the whole was. Of several candidates one may
        go on after another's end: then only the end of the connection is the end."""
        if self._several:
            return False
        last = self._last()
        usage = last.get("usageMetadata")
        return _ends(last) and isinstance(usage, dict) and not {CANDIDATES, TOTAL}.isdisjoint(_fields(usage))

    def _last(self) -> JsonObject:
        events = self._tail.events()
        return _fields(decode_object(events[0]) or {}) if events else {}

    def _usage(self) -> JsonObject:
        raw: JsonObject = {}
        for data in reversed(self._tail.events()):
            if data.find(b"sage") >= 0:
                raw = merged_usage(raw, _fields(decode_object(data) or {}).get("usageMetadata"))
        return raw


def _may_end(data: bytes) -> bool:
    return data.find(b"inish") >= 0 or data.find(b"lock") >= 0


def _ends(chunk: JsonObject) -> bool:
    candidates = chunk.get("candidates")
    if isinstance(candidates, list) and candidates:
        return all(isinstance(said, dict) and _fields(said).get("finishReason") is not None for said in candidates)
    return blocked(chunk.get("promptFeedback")) is not None


def _fields(value: JsonObject) -> JsonObject:
    try:
        return fields(value)
    except TypeError:
        return value


def tier_of(usage: JsonObject) -> str | None:
    """The service that answered, where usage tells it; the standard one is no news."""
    tier = text_of(usage.get("serviceTier")).lower()
    return tier if tier not in ("", "standard", "unspecified") else None


_ABSENT = msgspec.Raw()


class _Told(msgspec.Struct, rename="camel"):
    response_id: Json = None
    usage_metadata: Json = None
    error: Json = None
    candidates: msgspec.Raw = _ABSENT
    prompt_feedback: msgspec.Raw = _ABSENT


_told = msgspec.json.Decoder(_Told).decode


def read_along(body: bytes) -> Along:
    """What a relayed answer says of itself. Raises BadGatewayError where the body is not an answer of this format."""
    try:
        told = _told(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadGatewayError("The provider's answer is not the JSON that its format promises.") from error
    if told.error is not None:
        raise error_in_stream(decode_object(body) or {})
    if told.candidates == _ABSENT and told.prompt_feedback == _ABSENT and told.usage_metadata is None:
        raise BadGatewayError("The provider's answer is JSON, but no answer of Gemini's.")
    usage: Usage | None = read_usage(told.usage_metadata)
    return Along(usage, text_of(told.response_id), tier_of(told.usage_metadata if usage is not None else {}))
