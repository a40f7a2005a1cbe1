"""The parts of a content -> neutral parts, for requests and answers alike.

- A field that we do not understand, or one that is null, stays in `extra` and comes back as it was.
- A part of an unknown kind, and one that holds two kinds, is `Opaque`; so are the results of tools that Gemini ran.
- A signature belongs to a thought or a call, which have room for it. One that stands on anything else (a text, a
  picture) is a redacted Thinking right behind it, marked `ON`: so it survives a client of any dialect, and goes home.
- A call without an id gets one (`MADE_ID`); a result without one answers the first call of its name that waits, else
  the first that waits. Ids that we gave are never told to a server of this format.
- A result is an object here and text elsewhere: one key that says no more than "this is it" is left away, and what is
  no string then is JSON text. `ToolResult.spelling` tells how it was; the function's name waits in `extra`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import FileRef, Inline, Media, Opaque, Part, Text, Thinking, ToolCall, ToolResult, Url
from tollbridge.model.response import Caveat
from tollbridge.wires.documents import GOOGLES_FILES
from tollbridge.wires.gemini.signature import Signed, open_signature
from tollbridge.wires.gemini.vocabulary import INNER, MADE_ID, NAME, ON, fields, listed, string, take
from tollbridge.wires.seal import Seals

CODE_EXECUTION = "code_execution"
OUTPUT, RESULT, ERROR = "output", "result", "error"
OUTPUT_KEYS = frozenset((OUTPUT, RESULT, ERROR))
"""Keys of a result that mean nothing but "this is it": https://ai.google.dev/api/caching#FunctionResponse (seen
2026-11-26) names `output` and `error`; its examples write `result`."""

_encode = msgspec.json.encode


class PartReader:
    """Reads the parts of one request or answer, in order. `salt`: makes ids of this answer differ from those of
    others; "" in a request, which sees all calls. `seals`: None where seals stay closed."""

    __slots__ = ("_calls", "_salt", "_seals", "_waiting", "caveats", "where")

    def __init__(self, seals: Seals | None, salt: str = "") -> None:
        self._seals = seals
        self._salt = salt
        self._calls = 0
        self._waiting: list[tuple[str, str]] = []
        self.caveats: list[Caveat] = []
        self.where = "$"

    def read_all(self, parts: Json) -> tuple[Part, ...]:
        read: list[Part] = []
        for part in listed(parts):
            self.read(part, read)
        return tuple(read)

    def read(self, value: Json, into: list[Part]) -> None:
        if len(value) == 1 and value.get("text").__class__ is str:  # most parts are that
            into.append(Text(text=value["text"]))
            return
        rest = fields(value)
        kinds = [kind for kind in rest if kind in _KINDS and rest[kind] is not None]
        if len(kinds) != 1 and (kinds or "thoughtSignature" not in rest or len(rest) > 1 + ("thought" in rest)):
            into.append(Opaque(wire=NAME, value=value))
            return
        if kinds and kinds[0] not in READERS:
            into.append(Opaque(wire=NAME, value=value))
            return
        signed = self._signed(rest)
        if not kinds:
            if signed is None:
                into.append(Opaque(wire=NAME, value=value))
            elif signed.signature is not None:
                into.append(_alone(signed, rest))
            return
        part = READERS[kinds[0]](self, rest.pop(kinds[0]), rest)
        match part:
            case Thinking() | ToolCall() if signed is not None:
                into.append(_with(part, signed))
            case _:
                into.append(part)
                if signed is not None and signed.signature is not None:
                    into.append(_beside(signed))

    def _signed(self, rest: JsonObject) -> Signed | None:
        text = take(rest, "thoughtSignature", str)
        if text is None:
            return None
        signed = open_signature(text, self._seals)
        if signed is None:
            self.caveats.append(
                Caveat(
                    code="foreign_signature",
                    where=self.where,
                    detail="The seal in `thoughtSignature` was made under another key or changed on the way; it is "
                    "not replayed.",
                )
            )
            return Signed("", "", None)
        return signed

    def text(self, value: Json, rest: JsonObject) -> Part:
        if rest.get("thought") is True:
            del rest["thought"]
            return Thinking(text=string(value), origin=NAME, extra=rest)
        return Text(text=string(value), extra=rest)

    def function_call(self, value: Json, rest: JsonObject) -> Part:
        call = fields(value)
        name = string(call.pop("name"))
        call_id = take(call, "id", str) or self._made_id(name)
        arguments = call.get("args")
        if arguments is not None:
            arguments = _encode(fields_of_nobody(call.pop("args"))).decode()
        self._waiting.append((call_id, name))
        if call:
            rest[INNER] = call
        return ToolCall(id=call_id, name=name, arguments=arguments or "", origin=NAME, extra=rest)

    def executable_code(self, value: Json, rest: JsonObject) -> Part:
        code = fields(value)
        call_id = take(code, "id", str) or self._made_id(CODE_EXECUTION)
        return ToolCall(
            id=call_id,
            name=CODE_EXECUTION,
            arguments=_encode(code).decode(),
            runs_on="provider",
            origin=NAME,
            extra=rest,
        )

    def tool_call(self, value: Json, rest: JsonObject) -> Part:
        call = fields(value)
        name = take(call, "toolType", str) or ""
        call_id = take(call, "id", str) or self._made_id(name)
        arguments = _encode(fields_of_nobody(call.pop("args"))).decode() if call.get("args") is not None else ""
        if call:
            rest[INNER] = call
        return ToolCall(id=call_id, name=name, arguments=arguments, runs_on="provider", origin=NAME, extra=rest)

    def function_response(self, value: Json, rest: JsonObject) -> Part:
        result = fields(value)
        name, said_id = string(result.pop("name")), take(result, "id", str)
        call_id = self._answered(said_id, name)
        spelling: dict[str, str] = {}
        text, is_error = result_text(fields_of_nobody(result.pop("response")), spelling)
        media: tuple[Part, ...] = ()
        if result.get("parts").__class__ is list:
            media = tuple([_medium_of_result(part) for part in result.pop("parts")])
        rest["name"] = name
        if said_id is not None and said_id != call_id:
            rest["id"] = said_id
        if result:
            rest[INNER] = result
        return ToolResult(
            call_id=call_id,
            content=(Text(text=text), *media),
            is_error=is_error,
            spelling=spelling,
            extra=rest,
        )

    def inline_data(self, value: Json, rest: JsonObject) -> Part:
        return inline_media(value, rest)

    def file_data(self, value: Json, rest: JsonObject) -> Part:
        return linked_media(value, rest)

    def _made_id(self, name: str) -> str:
        self._calls += 1
        if not self._salt:
            return f"{MADE_ID}{self._calls}"
        salted = f"{self._salt}\n{self._calls}\n{name}".encode()
        return MADE_ID + hashlib.blake2b(salted, digest_size=12).hexdigest()

    def _answered(self, said: str | None, name: str) -> str:
        """The id of the call that a result answers."""
        waiting = self._waiting
        rules: tuple[Callable[[tuple[str, str]], bool], ...] = (
            lambda call: call[0] == said,
            lambda call: call[1] == name and (said is None or call[0].startswith(MADE_ID)),
            lambda call: said is None,
        )
        for rule in rules:
            found = next((call for call in waiting if rule(call)), None)
            if found is not None:
                waiting.remove(found)
                return found[0]
        return said or self._made_id(name)


def _alone(signed: Signed, rest: JsonObject) -> Thinking:
    """A signature in a part of its own."""
    return Thinking(signature=signed.signature, redacted=True, origin=signed.origin, account=signed.account, extra=rest)


def _beside(signed: Signed) -> Thinking:
    return _alone(signed, {ON: True} if signed.origin == NAME else {})


def _with(part: Thinking | ToolCall, signed: Signed) -> Part:
    redacted: dict[str, bool] = {"redacted": True} if isinstance(part, Thinking) and signed.redacted else {}
    return msgspec.structs.replace(
        part, signature=signed.signature, origin=signed.origin, account=signed.account, **redacted
    )


def inline_media(value: Json, rest: JsonObject) -> Media:
    data = fields(value)
    media_type = take(data, "mimeType", str) or "application/*"
    source = Inline(data=string(data.pop("data")))
    name = take(data, "displayName", str)
    if data:
        rest[INNER] = data
    return Media(media_type=media_type, source=source, name=name, extra=rest)


def linked_media(value: Json, rest: JsonObject) -> Media:
    """Gemini's own store and the operator's buckets are files; anything else is a link that is fetched."""
    data = fields(value)
    said = take(data, "mimeType", str)
    media_type = said or "application/*"
    if said and said.endswith("/*"):
        data["mimeType"] = said  # a family alone is what others guess, and do not say
    uri = string(data.pop("fileUri"))
    name = take(data, "displayName", str)
    if data:
        rest[INNER] = data
    source = FileRef(id=uri) if uri.startswith(GOOGLES_FILES) else Url(url=uri)
    return Media(media_type=media_type, source=source, name=name, extra=rest)


def _medium_of_result(value: Json) -> Part:
    rest = fields(value)
    if rest.get("inlineData") is not None:
        return inline_media(rest.pop("inlineData"), rest)
    if rest.get("fileData") is not None:
        return linked_media(rest.pop("fileData"), rest)
    return Opaque(wire=NAME, value=value)


def result_text(response: JsonObject, spelling: dict[str, str]) -> tuple[str, bool]:
    """The text of a result, and whether it tells of a failure; how it was said goes into `spelling`."""
    if len(response) == 1:
        ((key, value),) = response.items()
        if key in OUTPUT_KEYS:
            if key == RESULT:
                spelling["key"] = key
            if value.__class__ is str:
                return value, key == ERROR
            spelling["as"] = "json"
            return _encode(value).decode(), key == ERROR
    spelling["as"] = "object"
    return _encode(response).decode(), False


def fields_of_nobody(value: Json) -> JsonObject:
    """An object whose keys are the client's own."""
    if value.__class__ is not dict:
        raise TypeError("expected an object")
    return value


READERS: dict[str, Callable[[PartReader, Json, JsonObject], Part]] = {
    "text": PartReader.text,
    "functionCall": PartReader.function_call,
    "functionResponse": PartReader.function_response,
    "inlineData": PartReader.inline_data,
    "fileData": PartReader.file_data,
    "executableCode": PartReader.executable_code,
    "toolCall": PartReader.tool_call,
}
_KINDS = frozenset((*READERS, "codeExecutionResult", "toolResponse"))
"""The fields of which a part has one."""
