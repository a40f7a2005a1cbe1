"""Content parts: text, images, files, audio, video, and what vendors add to them.

- A field we do not understand, or one that is present and null, stays in `extra` and comes back as it was.
- A `data:` URL is Inline, another URL is Url. `extra[FIELD]` and `extra[SPELLED]` tell how a Media was spelled that has
  more than one spelling; `extra[<object>]` holds the unknown fields of the part's inner object.
- A part of an unknown type, and a known one of an unknown form, is Opaque.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import CacheMark, FileRef, Inline, Media, Opaque, Part, Refusal, Source, Text, Thinking, Url
from tollbridge.wires.documents import GOOGLES_FILES
from tollbridge.wires.openai_chat.thinking_parts import read_reasoning_part, read_thinking_part, write_thinking_part
from tollbridge.wires.openai_chat.vocabulary import FIELD, NAME, SPELLED, string, take

DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,(.*)\Z", re.DOTALL)
_AUDIO_TYPE = {"mp3": "audio/mpeg"}
_AUDIO_FORMAT = {"audio/mpeg": "mp3", "audio/mp3": "mp3", "audio/x-wav": "wav", "audio/wave": "wav"}
_MEDIA_PART = {"image": "image_url", "video": "video_url", "audio": "input_audio"}
_BY_SUFFIX = {"pdf": "application/pdf", "txt": "text/plain", "md": "text/markdown", "csv": "text/csv"}


def read_content(content: Json) -> tuple[list[Part], str]:
    """The parts of a `content`, and how it was spelled where the parts do not say it: "" for a string, and for a list
    that could not be one."""
    if content.__class__ is str:
        return ([Text(text=content)], "") if content else ([], "empty")
    if content.__class__ is list:
        parts = [read_part(part) for part in content]
        return parts, "list" if all(is_plain(part) for part in parts) else ""
    if content is None:
        return [], "null"
    if content.__class__ is dict:  # structured output that was not put into a string: Cloudflare
        return [Text(text=msgspec.json.encode(content).decode())], "object"
    raise TypeError("content")


def is_plain(part: Part) -> bool:
    """A text that could stand in a string."""
    return isinstance(part, Text) and part.cache is None and not part.extra


def read_part(part: Json) -> Part:
    if part.__class__ is str:
        return Text(text=string(part), extra={SPELLED: "string"})
    read = READERS.get(part["type"]) if part.__class__ is dict else None
    if part.__class__ is not dict or part["type"].__class__ is not str:
        raise TypeError("part")
    return Opaque(wire=NAME, value=part) if read is None else read(part)


def _text(part: JsonObject) -> Part:
    if len(part) == 2:
        return Text(text=string(part["text"]))
    rest = _rest(part, "text")
    return Text(text=string(part["text"]), cache=take_cache(rest), extra=rest)


def _refusal(part: JsonObject) -> Part:
    return Refusal(text=string(part["refusal"]), extra={SPELLED: "part", **_rest(part, "refusal")})


def _image(part: JsonObject) -> Part:
    return _linked(part, "image_url", "image/*")


def _video(part: JsonObject) -> Part:
    return _linked(part, "video_url", "video/*")


def _document(part: JsonObject) -> Part:
    return _linked(part, "document_url", "application/pdf")


def _linked(part: JsonObject, kind: str, family: str) -> Part:
    """A part whose inner object, or string, holds a URL."""
    inner = part[kind]
    rest = _rest(part, kind)
    cache = take_cache(rest)
    if inner.__class__ is dict:
        inner = dict(inner)
        url = string(inner.pop("url"))
        if inner:
            rest[kind] = inner
    else:
        url = string(inner)
        rest[SPELLED] = "string"
    media_type, source = read_url(url, _told(inner, family))
    if source is None:
        return Opaque(wire=NAME, value=part)
    if kind == "document_url" or media_type.partition("/")[0] != family.partition("/")[0]:
        rest[FIELD] = kind
    return Media(media_type=media_type, source=source, cache=cache, extra=rest)


def _told(inner: Json, family: str) -> str:
    """The media type as LiteLLM's clients say it beside a link or a file's id (`format`)."""
    told = inner.get("format") if inner.__class__ is dict else None
    return told if told.__class__ is str and "/" in told else family


def read_url(url: str, family: str) -> tuple[str, Source | None]:
    """Media type and source; None where it is a `data:` URL in another encoding than base64."""
    if not url.startswith("data:"):
        return family, Url(url=url)
    match = DATA_URL.match(url)
    return (match[1], Inline(data=match[2])) if match else (family, None)


def _audio(part: JsonObject) -> Part:
    inner = dict(part["input_audio"])
    rest = _rest(part, "input_audio")
    format = string(inner.pop("format"))
    media = Media(
        media_type=_AUDIO_TYPE.get(format, f"audio/{format}"),
        source=Inline(data=string(inner.pop("data"))),
        cache=take_cache(rest),
        extra={**rest, "input_audio": inner} if inner else rest,
    )
    return media if audio_format(media.media_type) == format else Opaque(wire=NAME, value=part)


def audio_format(media_type: str) -> str:
    return _AUDIO_FORMAT.get(media_type, media_type.removeprefix("audio/"))


def _file(part: JsonObject) -> Part:
    inner = dict(part["file"])
    rest = _rest(part, "file")
    cache = take_cache(rest)
    name = take(inner, "filename", str)
    data, id = inner.get("file_data"), inner.get("file_id")
    by_link = id if id.__class__ is str else ""
    family = _told(inner, _BY_SUFFIX.get((name or by_link).rpartition(".")[2].lower(), "application/*"))
    source: Source | None
    if data.__class__ is str and id is None:
        del inner["file_data"]
        if data.startswith(("https://", "http://", "data:")):
            media_type, source = read_url(data, family)
        else:
            media_type, source = family, Inline(data=data)
            rest[SPELLED] = "bare"
    elif id.__class__ is str and data is None:
        del inner["file_id"]
        media_type, source = family, FileRef(id=id)
        if id.startswith(("https://", "http://")) and not id.startswith(GOOGLES_FILES):
            source = Url(url=id)  # as LiteLLM's clients name a document that anybody can fetch
            rest[SPELLED] = "id"
    else:
        return Opaque(wire=NAME, value=part)
    if source is None:
        return Opaque(wire=NAME, value=part)
    if inner:
        rest["file"] = inner
    if media_type.partition("/")[0] in _MEDIA_PART:
        rest[FIELD] = "file"
    return Media(media_type=media_type, source=source, name=name, cache=cache, extra=rest)


READERS: dict[str, Callable[[JsonObject], Part]] = {
    "text": _text,
    "refusal": _refusal,
    "image_url": _image,
    "video_url": _video,
    "document_url": _document,
    "input_audio": _audio,
    "file": _file,
    "thinking": read_thinking_part,
    "reasoning": read_reasoning_part,
}


def write_own(part: Part) -> JsonObject | str:
    """A part that this wire read, as it was."""
    match part:
        case Text():
            if part.extra.get(SPELLED) == "string":
                return part.text
            out: JsonObject = {"type": "text", "text": part.text}
        case Refusal():
            out = {"type": "refusal", "refusal": part.text}
        case Thinking():
            out = write_thinking_part(part)
        case Media():
            out = write_media(part)
        case Opaque():
            return part.value  # type: ignore[no-any-return]
        case _:
            raise TypeError(f"{type(part).__name__} is no content part of this format")
    if isinstance(part, Text | Media) and part.cache is not None:
        out["cache_control"] = write_cache(part.cache)
    for key, value in part.extra.items():
        if key in out and value.__class__ is dict and out[key].__class__ is dict:
            out[key] = {**out[key], **value}
        elif key not in (FIELD, SPELLED):
            out[key] = value
    return out


def write_media(media: Media) -> JsonObject:
    """The part for a Media, by what it was and else by what it is."""
    family = media.media_type.partition("/")[0]
    match media.source:
        case Inline(data=data):
            url = data if media.extra.get(SPELLED) == "bare" else f"data:{media.media_type};base64,{data}"
        case Url(url=url):
            pass
        case FileRef(id=id):
            return {"type": "file", "file": {"file_id": id, **({"filename": media.name} if media.name else {})}}
    kind = _MEDIA_PART.get(family)
    if media.extra.get(FIELD) in READERS:
        kind = media.extra[FIELD]
    if kind == "input_audio" and isinstance(media.source, Inline):
        return {"type": kind, kind: {"data": media.source.data, "format": audio_format(media.media_type)}}
    if kind in ("image_url", "video_url", "document_url"):
        return {"type": kind, kind: url if media.extra.get(SPELLED) == "string" else {"url": url}}
    named = {"filename": media.name} if media.name is not None else {}
    if media.extra.get(SPELLED) == "id":
        return {"type": "file", "file": {**named, "file_id": url}}
    return {"type": "file", "file": {**named, "file_data": url}}


def write_document(media: Media) -> JsonObject:
    """Mistral's part for a document, where a link may hold the whole of it."""
    url = write_media(Media(media_type=media.media_type, source=media.source))["file"]["file_data"]
    return {"type": "document_url", "document_url": url, **({"document_name": media.name} if media.name else {})}


def text_of(media: Media) -> str | None:
    """The text of an inline text document; None where it is none."""
    if not media.media_type.startswith("text/") or not isinstance(media.source, Inline):
        return None
    try:
        return b64decode(media.source.data, validate=True).decode()
    except ValueError:
        return None


def take_cache(rest: JsonObject) -> CacheMark | None:
    """The cache mark out of `rest`."""
    mark = rest.get("cache_control")
    if mark is None:
        return None
    if mark.__class__ is not dict:
        raise TypeError("cache_control")
    del rest["cache_control"]
    unknown = dict(mark)
    if unknown.get("type") == "ephemeral":
        del unknown["type"]
    return CacheMark(ttl=take(unknown, "ttl", str), extra=unknown)


def write_cache(mark: CacheMark) -> JsonObject:
    out: JsonObject = {"type": "ephemeral"}
    if mark.ttl is not None:
        out["ttl"] = mark.ttl
    return {**out, **mark.extra}


def _rest(part: JsonObject, known: str) -> JsonObject:
    return {key: value for key, value in part.items() if key != "type" and key != known}


def mark_message(out: JsonObject, parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """A cache mark that stood on the message itself goes back there; what is returned are the parts without it."""
    held: list[Part] = []
    for part in parts:
        if isinstance(part, Text | Media) and part.cache is not None and "cache_control" not in out:
            out["cache_control"] = write_cache(part.cache)
            part = msgspec.structs.replace(part, cache=None)
        held.append(part)
    return tuple(held)
