"""Content blocks -> parts, for requests and answers alike.

- A field we do not understand, or one that is present and null, stays in `extra` and comes back as it was.
- A block of an unknown type, and a known one of an unknown form, is `Opaque`.
- A block whose substance is text but which is no plain text (search results, documents made of text blocks) becomes
  Text, so that other wires can say it; the whole block waits in `extra[WHOLE]`.
- In a request, a signature that is a seal of ours is opened: the thinking goes home to whoever signed it. In an answer
  (another gateway's) a seal stays closed.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import (
    CacheMark,
    Citation,
    FileRef,
    Inline,
    Media,
    Opaque,
    Part,
    Source,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Url,
)
from tollbridge.model.response import Caveat
from tollbridge.wires.anthropic_messages.vocabulary import (
    CALL_SEAL,
    INVALID_JSON,
    NAME,
    PROVIDER_CALL_ID,
    SOURCE,
    WHOLE,
)
from tollbridge.wires.seal import Sealed, Seals, is_seal


class BlockReader:
    """Reads blocks; collects the Caveats of seals that did not open. `seals`: None where seals stay closed."""

    __slots__ = ("caveats", "seals", "where")

    def __init__(self, seals: Seals | None) -> None:
        self.seals = seals
        self.caveats: list[Caveat] = []
        self.where = "$"

    def read_all(self, blocks: list[JsonObject]) -> tuple[Part, ...]:
        parts: list[Part] = []
        call_signatures: dict[str, tuple[str, str, str]] = {}
        for block in blocks:
            kind = block["type"]
            if kind == "redacted_thinking" and self.seals is not None and is_seal(block["data"]):
                self._open_redacted(self.seals.open(block["data"]), parts, call_signatures)
                continue
            read = READERS.get(kind)
            parts.append(read(self, block) if read is not None else Opaque(wire=NAME, value=_object(block)))
        if call_signatures:
            parts = [_signed(part, call_signatures) for part in parts]
        return tuple(parts)

    def read_content(self, content: Json) -> tuple[tuple[Part, ...], str]:
        """The parts of a `content` that may be a string or a list of blocks, and which of the two it was."""
        if content.__class__ is str:
            return (Text(text=content),), "string"
        if content.__class__ is not list:
            raise TypeError("content")
        return self.read_all(content), "list"

    def _open_redacted(self, sealed: Sealed | None, parts: list[Part], calls: dict[str, tuple[str, str, str]]) -> None:
        if sealed is None:
            self._foreign("a redacted_thinking block")
        elif sealed.payload.startswith(CALL_SEAL):
            call_id, _, signature = sealed.payload[len(CALL_SEAL) :].partition("\n")
            calls[call_id] = (signature, sealed.wire, sealed.account)
        else:
            parts.append(
                Thinking(signature=sealed.payload or None, redacted=True, origin=sealed.wire, account=sealed.account)
            )

    def _foreign(self, what: str) -> None:
        self.caveats.append(
            Caveat(
                code="foreign_signature",
                where=self.where,
                detail=f"The seal of {what} was made under another key or changed on the way; it is not replayed.",
            )
        )

    def thinking(self, block: JsonObject) -> Part:
        text, signature = string(block["thinking"]), block.get("signature")
        if signature is None:
            return Thinking(text=text, origin=NAME, extra=_rest(block, "thinking"))
        extra = _rest(block, "thinking", "signature") if len(block) > 3 else {}
        if self.seals is None or not is_seal(signature):
            return Thinking(text=text, signature=string(signature), origin=NAME, extra=extra)
        sealed = self.seals.open(signature)
        if sealed is None:
            self._foreign("a thinking block")
            return Thinking(text=text)
        return Thinking(text=text, signature=sealed.payload or None, origin=sealed.wire, account=sealed.account)

    def tool_result(self, block: JsonObject) -> Part:
        extra = _rest(block, "tool_use_id")
        cache = take_cache(extra)
        content: tuple[Part, ...] = ()
        spelling = {}
        if extra.get("content") is not None:
            content, how = self.read_content(extra.pop("content"))
            if how == "string":
                spelling = {"content": "string"}
        else:
            spelling = {"content": "absent"}
        is_error = extra.get("is_error") is True
        if is_error:
            del extra["is_error"]
        return ToolResult(
            call_id=string(block["tool_use_id"]),
            content=content,
            is_error=is_error,
            cache=cache,
            spelling=spelling,
            extra=extra,
        )

    def text(self, block: JsonObject) -> Part:
        if len(block) == 2:
            return Text(text=string(block["text"]))
        extra = _rest(block, "text")
        return Text(
            text=string(block["text"]), cache=take_cache(extra), citations=self._take_citations(extra), extra=extra
        )

    def _take_citations(self, extra: JsonObject) -> tuple[Citation, ...]:
        """The citations out of `extra`; an empty list and null stay there."""
        citations = extra.get("citations")
        if not citations or citations.__class__ is not list:
            return ()
        del extra["citations"]
        return tuple([self.citation(citation) for citation in citations])

    def citation(self, value: JsonObject) -> Citation:
        if self.seals is not None and is_seal(value.get("encrypted_index")):
            return self._open_citation(value, self.seals.open(value["encrypted_index"]))
        url = value.get("url")
        title = value.get("title", value.get("document_title"))
        quoted = value.get("cited_text")
        return Citation(
            url=url if url.__class__ is str else None,
            title=title if title.__class__ is str else None,
            quoted=quoted if quoted.__class__ is str else None,
            origin=NAME,
            raw=_object(value),
        )

    def _open_citation(self, value: JsonObject, sealed: Sealed | None) -> Citation:
        """A citation of another wire that we showed as a web search's (see `response.shown_citation`)."""
        if sealed is not None:
            return msgspec.json.decode(sealed.payload, type=Citation)
        self._foreign("a citation")
        return Citation(url=value.get("url"), title=value.get("title"))

    def search_result(self, block: JsonObject) -> Part:
        whole = dict(block)
        cache = take_cache(whole)
        return Text(text=joined_text(whole["content"]), cache=cache, extra={WHOLE: whole})

    def image(self, block: JsonObject) -> Part:
        return self._media(block, "image/*")

    def document(self, block: JsonObject) -> Part:
        source = block["source"]
        if source.get("type") == "content":
            content = source["content"]
            if content.__class__ is str or all(item["type"] == "text" for item in content):
                whole = dict(block)
                cache = take_cache(whole)
                return Text(text=joined_text(content), cache=cache, extra={WHOLE: whole})
            return Opaque(wire=NAME, value=block)
        return self._media(block, "application/pdf" if source.get("type") == "url" else "application/*")

    def _media(self, block: JsonObject, family: str) -> Part:
        source = copied(block["source"])
        extra = _rest(block, "source")
        cache = take_cache(extra)
        name = extra.pop("title") if extra.get("title").__class__ is str and family != "image/*" else None
        kept: Source
        match source.pop("type", None):
            case "base64":
                media_type, kept = string(source.pop("media_type")), Inline(data=string(source.pop("data")))
            case "text":
                media_type = string(source.pop("media_type"))
                kept = Inline(data=b64encode(string(source.pop("data")).encode()).decode())
            case "url":
                media_type, kept = family, Url(url=string(source.pop("url")))
            case "file":
                media_type, kept = family, FileRef(id=string(source.pop("file_id")))
            case _:
                return Opaque(wire=NAME, value=block)
        if source:
            extra[SOURCE] = source
        return Media(media_type=media_type, source=kept, name=name, cache=cache, extra=extra)

    def tool_use(self, block: JsonObject) -> Part:
        extra: JsonObject = {}
        cache = None
        if len(block) > 4:
            extra = _rest(block, "id", "name", "input")
            cache = take_cache(extra)
        return ToolCall(
            id=string(block["id"]),
            name=string(block["name"]),
            arguments=arguments_text(block.get("input")),
            cache=cache,
            extra=extra,
        )

    def provider_tool_use(self, block: JsonObject) -> Part:
        extra = _rest(block, "id", "name", "input")
        call_id = string(block["id"])
        if block["type"] != "server_tool_use":
            extra["type"] = block["type"]
        return ToolCall(
            id=call_id,
            name=string(block["name"]),
            arguments=arguments_text(block.get("input")),
            runs_on="provider",
            origin=NAME if PROVIDER_CALL_ID.match(call_id) else "",
            cache=take_cache(extra),
            extra=extra,
        )

    def redacted_thinking(self, block: JsonObject) -> Part:
        return Thinking(
            signature=string(block["data"]),
            redacted=True,
            origin=NAME,
            extra=_rest(block, "data") if len(block) > 2 else {},
        )


READERS: dict[str, Callable[[BlockReader, JsonObject], Part]] = {
    "text": BlockReader.text,
    "image": BlockReader.image,
    "document": BlockReader.document,
    "search_result": BlockReader.search_result,
    "tool_use": BlockReader.tool_use,
    "server_tool_use": BlockReader.provider_tool_use,
    "mcp_tool_use": BlockReader.provider_tool_use,
    "tool_result": BlockReader.tool_result,
    "thinking": BlockReader.thinking,
    "redacted_thinking": BlockReader.redacted_thinking,
}


def arguments_text(value: Json) -> str:
    """`input` as JSON text; the text itself where it was wrapped because it is no JSON object."""
    if not value:
        return "{}" if value is None or value.__class__ is dict else msgspec.json.encode(value).decode()
    if value.__class__ is dict and len(value) == 1 and value.get(INVALID_JSON).__class__ is str:
        text: str = value[INVALID_JSON]
        if parsed_object(text) is None:
            return text
    return msgspec.json.encode(value).decode()


def parsed_object(text: str) -> JsonObject | None:
    try:
        value = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return None
    return value if value.__class__ is dict else None


def take_cache(extra: JsonObject) -> CacheMark | None:
    mark = extra.get("cache_control")
    if mark is None:
        return None
    rest = copied(extra.pop("cache_control"))
    if rest.get("type") == "ephemeral":
        del rest["type"]
    ttl = rest.pop("ttl") if rest.get("ttl").__class__ is str else None
    return CacheMark(ttl=ttl, extra=rest)


def joined_text(content: Json) -> str:
    """The text of a string or of a list of text blocks, a blank line between blocks."""
    if content.__class__ is str:
        return str(content)
    return "\n\n".join([string(block["text"]) for block in content])


def _signed(part: Part, signatures: dict[str, tuple[str, str, str]]) -> Part:
    if isinstance(part, ToolCall) and part.id in signatures:
        signature, origin, account = signatures[part.id]
        return msgspec.structs.replace(part, signature=signature, origin=origin, account=account)
    return part


def _rest(block: JsonObject, *known: str) -> JsonObject:
    rest = dict(block)
    del rest["type"]
    for key in known:
        rest.pop(key, None)
    return rest


def string(value: Json) -> str:
    if value.__class__ is not str:
        raise TypeError("expected a string")
    return value


def _object(value: Json) -> JsonObject:
    if value.__class__ is not dict:
        raise TypeError("expected an object")
    return value


def copied(value: Json) -> JsonObject:
    return dict(_object(value))
