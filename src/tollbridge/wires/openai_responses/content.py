"""Content parts, both ways, as they came: `input_text`, `output_text`, `refusal`, images, files, audio, video.

- A field we do not understand, or one that is present and null, stays in `extra` and comes back as it was.
- A `data:` URL is Inline, another URL is Url. `extra[SPELLED]`: how a thing was spelled that has several spellings.
- A part of an unknown type, and a known one of an unknown form, is Opaque.
- OpenAI's mark for its prompt cache (`prompt_cache_breakpoint`) is a CacheMark; its own fields stay with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import CacheMark, Citation, FileRef, Inline, Media, Opaque, Part, Refusal, Source, Text, Url
from tollbridge.wires.openai_responses.vocabulary import FIELD, ITEM, LOGPROBS, NAME, SPELLED, string, take, without

DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,(.*)\Z", re.DOTALL)
CACHE = "prompt_cache_breakpoint"
TEXT_TYPE = {"assistant": "output_text"}
"""How a role's text is called; `input_text` for all others."""
_AUDIO_TYPE = {"mp3": "audio/mpeg"}
_AUDIO_FORMAT = {"audio/mpeg": "mp3", "audio/mp3": "mp3", "audio/x-wav": "wav", "audio/wave": "wav"}
_BY_SUFFIX = {"pdf": "application/pdf", "txt": "text/plain", "md": "text/markdown", "csv": "text/csv"}
_NOT_FIELDS = frozenset({ITEM, FIELD, SPELLED, LOGPROBS})


def read_part(part: JsonObject, role: str = "user") -> Part:
    kind = string(part["type"])
    if kind in ("input_text", "output_text"):
        return _text(part, kind, role)
    read = _READERS.get(kind)
    return Opaque(wire=NAME, value=dict(part)) if read is None else read(part)


def _text(part: JsonObject, kind: str, role: str) -> Part:
    text = string(part["text"])
    if len(part) == 2 and kind == TEXT_TYPE.get(role, "input_text"):
        return Text(text=text)
    rest = without(part, "type", "text")
    if kind != TEXT_TYPE.get(role, "input_text"):
        rest[SPELLED] = kind
    citations: tuple[Citation, ...] = ()
    if rest.get("annotations"):
        citations = tuple([read_citation(annotation) for annotation in take(rest, "annotations", list) or ()])
    return Text(text=text, citations=citations, cache=take_cache(rest), extra=rest)


def read_citation(annotation: JsonObject) -> Citation:
    """`start`, `end`: of the text that cites."""
    return Citation(
        url=_of(annotation, "url", str),
        title=_of(annotation, "title", str) or _of(annotation, "filename", str),
        start=_of(annotation, "start_index", int),
        end=_of(annotation, "end_index", int),
        origin=NAME,
        raw=dict(annotation),
    )


def _of(value: JsonObject, key: str, kind: type) -> Json:
    held = value.get(key)
    return held if held.__class__ is kind else None


def _refusal(part: JsonObject) -> Part:
    return Refusal(text=string(part["refusal"]), extra=without(part, "type", "refusal"))


def _image(part: JsonObject) -> Part:
    return _media(part, "input_image", "image_url", "image/*")


def _video(part: JsonObject) -> Part:
    return _media(part, "input_video", "video_url", "video/*")


def _media(part: JsonObject, kind: str, link: str, family: str) -> Part:
    """A part with a link or a file's id; with both or neither it is nobody's but this wire's."""
    rest = without(part, "type")
    url, id = rest.get(link), rest.get("file_id")
    source: Source | None = None
    media_type = family
    if url.__class__ is str and id is None:
        del rest[link]
        media_type, source = read_url(url, family)
    elif id.__class__ is str and url is None:
        source = FileRef(id=rest.pop("file_id"))
    if source is None:
        return Opaque(wire=NAME, value=dict(part))
    if media_type.partition("/")[0] != family.partition("/")[0]:
        rest[FIELD] = kind
    return Media(media_type=media_type, source=source, cache=take_cache(rest), extra=rest)


def read_url(url: str, family: str) -> tuple[str, Source | None]:
    """Media type and source; None where it is a `data:` URL in another encoding than base64."""
    if not url.startswith("data:"):
        return family, Url(url=url)
    match = DATA_URL.match(url)
    return (match[1], Inline(data=match[2])) if match else (family, None)


def _file(part: JsonObject) -> Part:
    rest = without(part, "type")
    name = take(rest, "filename", str)
    held = [key for key in ("file_data", "file_url", "file_id") if rest.get(key) is not None]
    if len(held) != 1:
        return Opaque(wire=NAME, value=dict(part))
    value = string(rest.pop(held[0]))
    path = name or (value if held[0] == "file_url" else "")
    media_type = _BY_SUFFIX.get(path.rpartition(".")[2].lower(), "application/*")
    source: Source | None = FileRef(id=value)
    if held[0] == "file_url":
        source = Url(url=value)
    elif held[0] == "file_data" and value.startswith("data:"):
        media_type, source = read_url(value, media_type)
    elif held[0] == "file_data":
        source = Inline(data=value)
        rest[SPELLED] = "bare"
    if source is None:
        return Opaque(wire=NAME, value=dict(part))
    if media_type.partition("/")[0] in ("image", "audio", "video"):
        rest[FIELD] = "input_file"
    return Media(media_type=media_type, source=source, name=name, cache=take_cache(rest), extra=rest)


def _audio(part: JsonObject) -> Part:
    inner = part["input_audio"]
    format = string(inner["format"])
    rest = without(part, "type", "input_audio")
    if len(inner) > 2:
        rest["input_audio"] = without(inner, "data", "format")
    media_type = _AUDIO_TYPE.get(format, f"audio/{format}")
    media = Media(media_type=media_type, source=Inline(data=string(inner["data"])), cache=take_cache(rest), extra=rest)
    return media if audio_format(media_type) == format else Opaque(wire=NAME, value=dict(part))


def audio_format(media_type: str) -> str:
    return _AUDIO_FORMAT.get(media_type, media_type.removeprefix("audio/"))


_READERS: dict[str, Callable[[JsonObject], Part]] = {
    "refusal": _refusal,
    "input_image": _image,
    "input_video": _video,
    "input_file": _file,
    "input_audio": _audio,
}


def take_cache(rest: JsonObject) -> CacheMark | None:
    mark = take(rest, CACHE, dict)
    return None if mark is None else CacheMark(extra={CACHE: mark})


def write_part(part: Part, role: str = "user") -> JsonObject:
    """A part that this wire read, as it was. Raises TypeError for one that stands in no content."""
    match part:
        case Text():
            out: JsonObject = {"type": part.extra.get(SPELLED, TEXT_TYPE.get(role, "input_text")), "text": part.text}
            if part.citations:
                out["annotations"] = [citation.raw for citation in part.citations]
        case Refusal():
            out = {"type": "refusal", "refusal": part.text}
        case Media():
            out = write_media(part)
        case Opaque():
            return part.value  # type: ignore[no-any-return]
        case _:
            raise TypeError(f"{type(part).__name__} is no content part of this format")
    if isinstance(part, Text | Media) and part.cache is not None:
        out.update(part.cache.extra)
    for key, value in part.extra.items():
        if key == "input_audio":
            out[key] = {**out[key], **value}
        elif key not in _NOT_FIELDS:
            out[key] = value
    return out


def write_media(media: Media) -> JsonObject:
    """The part for a Media, by what it was and else by what it is."""
    family = media.media_type.partition("/")[0]
    kind = media.extra.get(FIELD)
    if kind is None:
        kind = {"image": "input_image", "video": "input_video", "audio": "input_audio"}.get(family, "input_file")
    match media.source:
        case Inline(data=data) if kind == "input_audio":
            return {"type": kind, kind: {"data": data, "format": audio_format(media.media_type)}}
        case Inline(data=data):
            url = data if media.extra.get(SPELLED) == "bare" else f"data:{media.media_type};base64,{data}"
            field = {"input_image": "image_url", "input_video": "video_url"}.get(kind, "file_data")
        case Url(url=url):
            field = {"input_image": "image_url", "input_video": "video_url"}.get(kind, "file_url")
        case FileRef(id=url):
            field = "file_id"
    out: JsonObject = {"type": kind, field: url}
    if media.name is not None and kind == "input_file":
        out["filename"] = media.name
    return out
