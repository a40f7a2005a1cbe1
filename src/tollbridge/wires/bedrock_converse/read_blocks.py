"""Content blocks -> parts. A block is an object with one field that says what it is; one that we do not know is
Opaque."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Citation, Inline, Media, Opaque, Part, Source, Text, Thinking, ToolCall, Url
from tollbridge.wires.bedrock_converse.vocabulary import ANSWER_TOOL, MEDIA_TYPES, NAME, SERVER_TOOL

_encode = msgspec.json.Encoder().encode


def read_all(blocks: Json) -> tuple[Part, ...]:
    """Raises TypeError, KeyError or AttributeError where a block is not what the format promises."""
    if blocks.__class__ is not list:
        raise TypeError("content")
    return tuple([read_block(block) for block in blocks])


def read_block(block: JsonObject) -> Part:
    for name, read in _READERS.items():
        inner = block.get(name)
        if inner is not None:
            part = read(inner)
            return Opaque(wire=NAME, value=block) if part is None else part
    return Opaque(wire=NAME, value=block)


def _text(value: Json) -> Part:
    return Text(text=string(value))


def _cited(value: JsonObject) -> Part:
    """A text whose sources are told: it is text first of all."""
    said = "".join([string(item["text"]) for item in value.get("content") or () if "text" in item])
    return Text(text=said, citations=tuple([citation(item) for item in value.get("citations") or ()]))


def citation(value: JsonObject) -> Citation:
    """Its `location` is a place in the source, none in the text that cites: it stays in `raw`."""
    web = (value.get("location") or {}).get("web") or {}
    source, title = value.get("source"), value.get("title")
    url = web.get("url") or (source if source.__class__ is str and source.startswith(("http://", "https://")) else None)
    quoted = [item["text"] for item in value.get("sourceContent") or () if item.get("text").__class__ is str]
    return Citation(
        url=url if url.__class__ is str else None,
        title=title if title.__class__ is str else None,
        quoted="".join(quoted) or None,
        origin=NAME,
        raw=value,
    )


def _reasoning(value: JsonObject) -> Part | None:
    redacted = value.get("redactedContent")
    if redacted.__class__ is str:
        return Thinking(signature=redacted, redacted=True, origin=NAME)
    said = value.get("reasoningText")
    if said is None:
        return None
    signature = said.get("signature")
    return Thinking(text=string(said["text"]), signature=string(signature) if signature else None, origin=NAME)


def _call(value: JsonObject) -> Part:
    name, given = string(value["name"]), value.get("input")
    arguments = "{}" if given is None else _encode(given).decode()
    if name == ANSWER_TOOL:
        return Text(text=arguments)
    ran = value.get("type") == SERVER_TOOL
    return ToolCall(
        id=string(value["toolUseId"]), name=name, arguments=arguments, runs_on="provider" if ran else "client"
    )


def _picture(value: JsonObject) -> Part | None:
    source = _source(value.get("source"))
    if source is None:
        return None  # one that failed tells why, in `error`
    told = str(value.get("format"))
    return Media(media_type=MEDIA_TYPES.get(told, f"image/{told}"), source=source)


def _sound(value: JsonObject) -> Part | None:
    source = _source(value.get("source"))
    return None if source is None else Media(media_type=f"audio/{value.get('format')}", source=source)


def _source(value: Json) -> Source | None:
    match value:
        case {"bytes": str(data)}:
            return Inline(data=data)
        case {"s3Location": {"uri": str(uri)}}:
            return Url(url=uri)
        case _:
            return None


_READERS: Mapping[str, Callable[[Json], Part | None]] = {
    "text": _text,
    "toolUse": _call,
    "reasoningContent": _reasoning,
    "citationsContent": _cited,
    "image": _picture,
    "audio": _sound,
}


def string(value: Json) -> str:
    if value.__class__ is not str:
        raise TypeError("a text")
    return value


def calls_the_client(parts: Iterable[Part]) -> bool:
    return any(isinstance(part, ToolCall) and part.runs_on == "client" for part in parts)
