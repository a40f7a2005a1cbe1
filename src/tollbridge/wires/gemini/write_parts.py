"""Neutral parts -> the parts of a content of a request, and a Caveat for each that cannot be said.

`own`: the request came in this format, so that `extra` and `spelling` are ours to write and nothing is mended. Else
what the vendor's servers refuse is left out (empty texts) or said in another way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import (
    FileRef,
    Inline,
    Media,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Url,
)
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import mark_at, unsent_part, unsent_thing
from tollbridge.wires.dialects import format_of
from tollbridge.wires.gemini.read_parts import CODE_EXECUTION, ERROR, OUTPUT, fields_of_nobody
from tollbridge.wires.gemini.signature import may_be_seal
from tollbridge.wires.gemini.vocabulary import INNER, MADE_ID, NAME, ON, caveat

UNSIGNED = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
"""What the vendor has a call bear that another model made, where its own would need a signature, in base64 as the field
is bytes: https://ai.google.dev/gemini-api/docs/thought-signatures (FAQ, seen 2026-11-26)."""

INVALID_ARGUMENTS = "INVALID_JSON"
"""Arguments are an object here. Text that is none travels whole under this key."""

_MEDIA_TYPES = {
    **{"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp", "heic": "image/heic"},
    **{"gif": "image/gif", "pdf": "application/pdf", "txt": "text/plain", "html": "text/html", "csv": "text/csv"},
    **{"mp3": "audio/mp3", "wav": "audio/wav", "ogg": "audio/ogg", "flac": "audio/flac", "mp4": "video/mp4"},
    **{"mov": "video/mov", "webm": "video/webm"},
}
_ENDING = re.compile(r"\.(\w{2,5})(?:[?#]|$)")
_LINK = re.compile(r"(?:https?|gs)://")


class PartWriter:
    """Writes the parts of one request."""

    __slots__ = ("_warned", "account", "caveats", "lacks", "own", "signs_calls", "where")

    def __init__(self, *, own: bool, account: str, lacks: frozenset[str], signs_calls: bool = False) -> None:
        self.own = own
        self.account = account
        self.lacks = lacks
        self.signs_calls = signs_calls
        self.caveats: list[Caveat] = []
        self.where = "$"
        self._warned: set[str] = set()

    def write_all(self, parts: Iterable[Part]) -> list[Json]:
        written: list[Json] = []
        for part in parts:
            self.write(part, written)
        return written

    def write(self, part: Part, into: list[Json]) -> None:
        """One part, after those that stand in `into` already: a signature may belong to the last of them."""
        if getattr(part, "cache", None) is not None:
            what = "a cache mark; this format caches by itself, or by `cachedContent`"
            self._once("dropped_part", what, mark_at(self.where))
        match part:
            case Text(text=text):
                if part.citations:
                    self._once("dropped_part", "citations, which stand in answers only")
                if self.own or text:
                    into.append({**part.extra, "text": text} if self.own else {"text": text})
            case Refusal(text=text):
                if text:
                    into.append({"text": text})
            case Thinking():
                self._thinking(part, into)
            case ToolCall():
                self._call(part, into)
            case ToolResult():
                into.append(self.result(part, part.extra.get("name", "")))
            case Media():
                if (medium := self.medium(part)) is not None:
                    into.append(medium)
            case Opaque(wire=wire, value=value):
                if wire == NAME:
                    into.append(value)
                else:
                    self.dropped(f"a part that only {format_of(wire)} understands")

    def _thinking(self, part: Thinking, into: list[Json]) -> None:
        if "reasoning_history" in self.lacks:
            self.dropped("thinking of an earlier turn, which this target does not take back")
        elif part.origin != NAME or (part.signature is not None and may_be_seal(part.signature)):
            self.foreign("Thinking", part.origin)
        elif not self._at_home(part):
            self.foreign("Thinking of another account", part.origin)
        elif part.redacted:
            self._signature(part, into)
        elif self.own or part.signature is not None:
            said: JsonObject = {"text": part.text, "thought": True}
            if part.signature is not None:
                said["thoughtSignature"] = part.signature
            into.append({**part.extra, **said} if self.own else said)
        else:
            self.foreign("Thinking", "")

    def _signature(self, part: Thinking, into: list[Json]) -> None:
        """A signature without a thought: on the part before it, where that has none, or in a part of its own, where
        the vendor's own streams put it too."""
        last = into[-1] if into else None
        if self.own and ON not in part.extra:
            into.append({**part.extra, "thoughtSignature": part.signature})
        elif isinstance(last, dict) and "thoughtSignature" not in last and not last.get("thought"):
            into[-1] = {**last, "thoughtSignature": part.signature}
        else:
            into.append({"text": "", "thoughtSignature": part.signature})

    def _call(self, part: ToolCall, into: list[Json]) -> None:
        if part.runs_on == "provider":
            if part.origin != NAME or not self.own:
                self.dropped(f"the call of `{part.name}`, a tool that a provider ran")
                return
            said = provider_call(part)
        else:
            said = {"functionCall": function_call(part, self.own)}
        if self.own:
            said = {**{key: value for key, value in part.extra.items() if key != INNER}, **said}
        signature = part.signature
        if signature is not None and (part.origin != NAME or may_be_seal(signature)):
            self.foreign(f"The signature of the call of `{part.name}`", part.origin)
            signature = None
        elif signature is not None and not self._at_home(part):
            self.foreign(f"The signature of the call of `{part.name}` of another account", part.origin)
            signature = None
        if signature is not None:
            said["thoughtSignature"] = signature
        elif self.signs_calls and not any(isinstance(other, dict) and "functionCall" in other for other in into):
            said["thoughtSignature"] = UNSIGNED  # of parallel calls the first alone is looked at
        into.append(said)

    def result(self, part: ToolResult, name: str) -> JsonObject:
        """A result of the function `name`."""
        response: JsonObject = {"name": name}
        call_id = part.extra.get("id", part.call_id) if self.own else part.call_id
        if call_id and not call_id.startswith(MADE_ID):
            response["id"] = call_id
        text = "".join([inner.text for inner in part.content if isinstance(inner, Text | Refusal)])
        response["response"] = result_object(text, part)
        media = self._media_of_result(part)
        if media:
            response["parts"] = media
        if not self.own:
            return {"functionResponse": response}
        extra = {key: value for key, value in part.extra.items() if key not in ("name", "id", INNER)}
        return {**extra, "functionResponse": {**part.extra.get(INNER, {}), **response}}

    def _media_of_result(self, part: ToolResult) -> list[Json]:
        media: list[Json] = []
        for inner in part.content:
            match inner:
                case Text() | Refusal():
                    pass
                case Media():
                    if "tool_images" in self.lacks:
                        self.dropped(f"{inner.media_type} in a tool's result, which this target does not read there")
                    elif (written := self.medium(inner)) is not None:
                        media.append(written)
                case Opaque(wire=wire, value=value) if wire == NAME:
                    media.append(value)
                case _:
                    self.dropped("a part of a tool's result that is no text and no medium")
        return media

    def medium(self, part: Media) -> JsonObject | None:
        family = part.media_type.partition("/")[0]
        feature = {"image": "images", "audio": "audio", "video": "video"}.get(family, "files")
        if feature in self.lacks:
            self.dropped(f"{part.media_type}, which this target does not read")
            return None
        if part.name is not None and not self.own and "file_names" in self.lacks:
            self.caveats.append(unsent_thing(self.where, f"The name {part.name[:100]!r}", code="dropped_field"))
            part = msgspec.structs.replace(part, name=None)
        written = write_media(part, self.own)
        if written is None:
            self.dropped("a file of another provider's store")
        return written

    def _at_home(self, part: Thinking | ToolCall) -> bool:
        return not part.account or not self.account or part.account == self.account

    def dropped(self, what: str) -> None:
        self.caveats.append(unsent_part(self.where, what, "Gemini"))

    def _once(self, code: str, what: str, where: str = "") -> None:
        if what not in self._warned:
            self._warned.add(what)
            self.caveats.append(unsent_part(where or self.where, what, "Gemini", code))

    def foreign(self, what: str, origin: str) -> None:
        made = (
            f"was signed by {format_of(origin)}" if origin and origin != NAME else "bears no signature that counts here"
        )
        self.caveats.append(caveat("foreign_signature", self.where, f"{what} {made}; it is not replayed"))


def function_call(part: ToolCall, own: bool) -> JsonObject:
    call: JsonObject = {**part.extra.get(INNER, {})} if own else {}
    call["name"] = part.name
    if part.id and not part.id.startswith(MADE_ID):
        call["id"] = part.id
    if part.arguments or not own:
        call["args"] = arguments_object(part.arguments)
    return call


def provider_call(part: ToolCall) -> JsonObject:
    """A tool that Gemini ran, as it told of it."""
    has_id = part.id and not part.id.startswith(MADE_ID)
    call: JsonObject = {"id": part.id} if has_id else {}
    if part.name == CODE_EXECUTION:
        return {"executableCode": {**arguments_object(part.arguments), **call}}
    call = {**part.extra.get(INNER, {}), **call, "toolType": part.name}
    if part.arguments:
        call["args"] = arguments_object(part.arguments)
    return {"toolCall": call}


def arguments_object(text: str) -> JsonObject:
    if not text.strip():
        return {}
    try:
        return fields_of_nobody(msgspec.json.decode(text))
    except (ValueError, TypeError, RecursionError):
        return {INVALID_ARGUMENTS: text}


def result_object(text: str, part: ToolResult) -> JsonObject:
    """The object that a result is here: as it was spelled, where it still can be, else under `output` or `error`."""
    key = ERROR if part.is_error else part.spelling.get("key", OUTPUT)
    how = part.spelling.get("as")
    if how is not None:
        try:
            value = msgspec.json.decode(text)
            return fields_of_nobody(value) if how == "object" and not part.is_error else {key: value}
        except (ValueError, TypeError, RecursionError):
            pass  # rewritten since, into something that is no JSON
    return {key: text}


def write_media(part: Media, own: bool) -> JsonObject | None:
    """None where the file lies in another provider's store."""
    beside = {**part.extra.get(INNER, {})} if own else {}
    extra = {key: value for key, value in part.extra.items() if key != INNER} if own else {}
    if part.name is not None:
        beside["displayName"] = part.name
    match part.source:
        case Inline(data=data):
            if not own or part.media_type != "application/*":
                beside["mimeType"] = "image/jpeg" if part.media_type == "image/*" else part.media_type
            return {**extra, "inlineData": {**beside, "data": data}}
        case Url(url=uri) | FileRef(id=uri) if own or _LINK.match(uri):
            if not part.media_type.endswith("/*"):
                beside["mimeType"] = part.media_type
            elif not own and (guess := _guessed_type(uri, part.media_type)) is not None:
                beside["mimeType"] = guess
            return {**extra, "fileData": {**beside, "fileUri": uri}}
        case _:
            return None


def _guessed_type(uri: str, family: str) -> str | None:
    """Of a link of which only the family is known: Vertex wants to be told. A picture's bytes tell the rest."""
    ending = _ENDING.search(uri)
    known = _MEDIA_TYPES.get(ending[1].lower()) if ending is not None else None
    return known or ("image/jpeg" if family == "image/*" else None)
