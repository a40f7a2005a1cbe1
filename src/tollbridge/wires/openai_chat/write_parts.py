"""Content parts for a provider. An own part goes out as it came; another dialect's in the form everybody takes."""

from __future__ import annotations

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import FileRef, Inline, Media, Opaque, Part, Text, Thinking, Url
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import CACHES_ITSELF, unsent_marks, unsent_part, unsent_thing
from tollbridge.wires.base import Target
from tollbridge.wires.dialects import format_of
from tollbridge.wires.documents import ELSEWHERE, OPENAIS_FILE
from tollbridge.wires.openai_chat.content import audio_format, text_of, write_cache, write_document, write_media
from tollbridge.wires.openai_chat.turn import write_own_content
from tollbridge.wires.openai_chat.vocabulary import NAME, dropped_part

_LACKED = {"image": "images", "audio": "audio", "video": "video"}


class PartWriter:
    """Writes content. Cache marks are counted and mentioned once, by `say_what_was_dropped`."""

    def __init__(self, own: bool, to: Target, caveats: list[Caveat]) -> None:
        self._own = own
        self._to = to
        self._caveats = caveats
        self._marks = own or "cache_control" in to.prefers
        self._unmarked: list[str] = []

    def content(self, parts: tuple[Part, ...], spelling: dict[str, str], where: str, *, joined: bool = False) -> Json:
        """`joined`: several texts become one string, where their dialect is another."""
        if self._own:
            kept = tuple([part for part in parts if not self._is_lacked(part, where)]) if self._to.lacks else parts
            return write_own_content(kept, spelling)
        written = [item for item in (self.part(part, where) for part in parts) if item is not None]
        if all(item.keys() == {"type", "text"} for item in written) and (len(written) < 2 or joined):
            return "\n\n".join([item["text"] for item in written])
        if self._to.prefers.get("content") == "string" and all(item["type"] == "text" for item in written):
            return "\n\n".join([item["text"] for item in written])
        return written

    def part(self, part: Part, where: str) -> JsonObject | None:
        """None where the format, or this provider, cannot say it: with a Caveat."""
        if self._is_lacked(part, where):
            return None
        match part:
            case Text(text=text):
                out: JsonObject = {"type": "text", "text": text}
                if part.citations:
                    self._drop(where, "The citations of a text have no place in a chat request.")
            case Media():
                media = self._media(part, where)
                if media is None:
                    return None
                out = media
            case Opaque(wire=wire, value=value) if wire == NAME:
                return value  # type: ignore[no-any-return]
            case Opaque(wire=wire, value=value):
                kind = value.get("type") if isinstance(value, dict) else None
                self._drop(where, f"A `{kind}` block of {format_of(wire)} means nothing elsewhere.")
                return None
            case Thinking():
                return None
            case _:
                self._drop(where, f"A {type(part).__name__} has no place here in a chat request.")
                return None
        if part.cache is not None and self.keeps_cache(where):
            out["cache_control"] = write_cache(part.cache)
        return out

    def keeps_cache(self, where: str) -> bool:
        if not self._marks:
            self._unmarked.append(where)
        return self._marks

    def say_what_was_dropped(self) -> None:
        if self._unmarked:
            self._caveats.append(unsent_marks(self._unmarked[0], len(self._unmarked), CACHES_ITSELF))

    def _media(self, media: Media, where: str) -> JsonObject | None:
        family = media.media_type.partition("/")[0]
        match media.source:
            case FileRef(id=id) if not OPENAIS_FILE.match(id):
                self._caveats.append(unsent_part(where, ELSEWHERE))
                return None
            case FileRef() if family == "image":
                self._drop(where, "A picture must stand in the request or be linked to; a file's id names documents.")
                return None
            case Inline() if (text := text_of(media)) is not None:
                return {"type": "text", "text": f"{media.name}\n\n{text}" if media.name else text}
            case Url() if family == "audio":
                self._drop(where, "Audio must stand in the request; a link to it cannot be sent.")
                return None
            case Inline() if family == "audio" and audio_format(media.media_type) not in ("wav", "mp3"):
                self._drop(where, f"The format takes wav and mp3 audio, not {media.media_type}.")
                return None
            case Url() | Inline() if family not in ("image", "video", "audio") and "document_url" in self._to.prefers:
                return write_document(media)
            case Url() if family not in ("image", "video") and "file_url" not in self._to.prefers:
                self._drop(where, "A document must stand in the request; a link to it cannot be sent.")
                return None
        if media.name is None and not isinstance(media.source, FileRef) and family not in ("image", "video", "audio"):
            suffix = "pdf" if media.media_type == "application/pdf" else "bin"
            media = Media(media_type=media.media_type, source=media.source, name=f"document.{suffix}")
        return write_media(media)

    def _is_lacked(self, part: Part, where: str) -> bool:
        if not self._to.lacks or not isinstance(part, Media):
            return False
        feature = _LACKED.get(part.media_type.partition("/")[0], "files")
        if feature not in self._to.lacks:
            return False
        thing = f"The model takes no {feature}; a part of type {part.media_type}"
        self._caveats.append(unsent_thing(where, thing))
        return True

    def _drop(self, where: str, detail: str) -> None:
        self._caveats.append(dropped_part(where, detail))
