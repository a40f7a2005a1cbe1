"""Parts -> content blocks that the service accepts, and a Caveat for each part that it would refuse."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import blake2b

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import (
    CacheMark,
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
from tollbridge.model.unsent import mark_at, unsent_part
from tollbridge.wires.anthropic_messages.vocabulary import NAME as CLAUDES
from tollbridge.wires.bedrock_converse.models import Family
from tollbridge.wires.bedrock_converse.vocabulary import (
    DOCUMENTS,
    IMAGES,
    INVALID_JSON,
    NAME,
    SOUNDS,
    VIDEOS,
    caveat,
)
from tollbridge.wires.dialects import format_of
from tollbridge.wires.seal import is_seal

_UNFIT_ID = re.compile(r"[^a-zA-Z0-9_.:-]")
_UNFIT_NAME = re.compile(r"[^a-zA-Z0-9\s()\[\]-]")
_SPACES = re.compile(r"\s+")
_ID_CHARS_MAX = 64
_NAME_CHARS_MAX = 200
_S3 = "s3://"
NO_OUTPUT = "(no output)"
_OF_DOCUMENTS: Mapping[str, type] = {"context": str, "citations": dict}
"""Fields of a document that Anthropic's format has by the same names."""
_STARTS = (("iVBORw0KGgo", "png"), ("/9j/", "jpeg"), ("R0lGOD", "gif"), ("UklGR", "webp"))
"""How pictures begin, in base64."""

_decode = msgspec.json.Decoder().decode


class PartWriter:
    """Writes the parts of one request. `where`: the message that is being written, for Caveats."""

    __slots__ = ("_account", "_family", "_lacks", "_names", "caveats", "took", "where")

    def __init__(self, family: Family, *, account: str, lacks: frozenset[str]) -> None:
        self._family = family
        self._account = account
        self._lacks = lacks
        self._names: set[str] = set()
        self.caveats: list[Caveat] = []
        self.took: set[str] = set()
        self.where = "$"

    def write_all(self, parts: tuple[Part, ...]) -> list[JsonObject]:
        return [block for part in parts for block in self.write(part)]

    def write(self, part: Part) -> list[JsonObject]:
        """The block of a part, and the cache point behind it; nothing where it was left out."""
        match part:
            case Text():
                block = self._text(part)
            case Media():
                block = self.medium(part)
            case Thinking():
                block = self._thinking(part)
            case ToolCall():
                block = self._call(part)
            case ToolResult():
                block = self.result(part)
            case Refusal(text=text):
                return [{"text": text}] if text.strip() else []
            case Opaque():
                block = self._opaque(part)
        if block is None:
            return []
        mark = getattr(part, "cache", None)
        return [block] if mark is None else [block, *self.cache_point(mark, "messages")]

    def cache_point(self, mark: CacheMark, place: str) -> list[JsonObject]:
        if place not in self._family.caches:
            self.dropped("a cache mark, which this model does not take here", mark_at(self.where))
            return []
        point: JsonObject = {"type": "default"}
        if mark.ttl == "1h" and self._family.hour:
            point["ttl"] = "1h"
        elif mark.ttl == "1h":
            self.caveats.append(caveat("approximated", self.where, "this model caches for five minutes, not an hour"))
        return [{"cachePoint": point}]

    def _text(self, part: Text) -> JsonObject | None:
        if not part.text.strip():
            return None  # a blank text is refused
        own = [citation.raw for citation in part.citations if citation.origin == NAME]
        if len(own) < len(part.citations):
            self.dropped("a citation that this service did not make")
        if own:
            return {"citationsContent": {"content": [{"text": part.text}], "citations": own}}
        return {"text": part.text}

    def _opaque(self, part: Opaque) -> JsonObject | None:
        value = part.value
        if part.wire == NAME and isinstance(value, dict):
            return value
        if isinstance(value, dict) and value.get("type") == "guarded_text" and isinstance(value.get("text"), str):
            return {"guardContent": {"text": {"text": value["text"]}}}  # LiteLLM's word in a chat message's content
        self.dropped(f"a block that only {format_of(part.wire)} understands")
        return None

    # Media

    def medium(self, part: Media, *, in_result: bool = False) -> JsonObject | None:
        family, _, kind = part.media_type.partition("/")
        feature = {"image": "images", "audio": "audio", "video": "video"}.get(family, "files")
        if feature in self._lacks:
            self.dropped(f"{part.media_type}, which this target does not read")
            return None
        source = self._source(part)
        if source is None:
            return None
        if family == "image":
            told = IMAGES.get(kind) or _told_by_bytes(part)
            return self._formatted("image", told, source, part)
        if family == "video":
            return self._formatted("video", VIDEOS.get(kind), source, part)
        if family == "audio":
            if in_result:
                self.dropped("sound in a tool's result")
                return None
            return self._formatted("audio", SOUNDS.get(kind), source, part)
        return self._document(part, source)

    def _formatted(self, block: str, told: str | None, source: JsonObject, part: Media) -> JsonObject | None:
        if told is None:
            self.dropped(f"{part.media_type} is none of the formats that this service reads")
            return None
        return {block: {"format": told, "source": source}}

    def _document(self, part: Media, source: JsonObject) -> JsonObject | None:
        told = DOCUMENTS.get(part.media_type.partition(";")[0].lower())
        if told is None and part.media_type.startswith("text/"):
            told = "txt"
        if told is None:
            self.dropped(f"{part.media_type} is none of the documents that this service reads")
            return None
        document: JsonObject = {"format": told, "name": self._document_name(part.name), "source": source}
        for name, kind in _OF_DOCUMENTS.items():
            if isinstance(part.extra.get(name), kind):
                document[name] = part.extra[name]
                self.took.add(name)
        return {"document": document}

    def _document_name(self, name: str | None) -> str:
        """Within the characters that the service allows, and unique in the request, as it wants."""
        fit = _SPACES.sub(" ", _UNFIT_NAME.sub("-", name or "document")).strip(" ")[: _NAME_CHARS_MAX - 8] or "document"
        found, number = fit, 2
        while found in self._names:
            found, number = f"{fit} ({number})", number + 1
        self._names.add(found)
        return found

    def _source(self, part: Media) -> JsonObject | None:
        match part.source:
            case Inline(data=data):
                return {"bytes": data}
            case Url(url=url) | FileRef(id=url) if url.startswith(_S3):
                return {"s3Location": {"uri": url}}
            case Url():
                self.dropped(f"a link to {part.media_type}: this service fetches from S3 alone")
            case FileRef():
                self.dropped(f"{part.media_type} in another provider's store")
        return None

    # Thinking and tools

    def _thinking(self, part: Thinking) -> JsonObject | None:
        """Claude's signatures hold on every platform that has it
        (https://platform.claude.com/docs/en/build-with-claude/extended-thinking, seen 2026-11-21)."""
        if "reasoning_history" in self._lacks:
            self.dropped("thinking of an earlier turn, which this target does not take back")
            return None
        claudes = self._family.claude is not None and part.origin == CLAUDES and not part.redacted
        if not (part.origin == NAME or claudes) or not part.signature or is_seal(part.signature):
            self._foreign("thinking", part.origin)
            return None
        if part.account and self._account and part.account != self._account:
            self._foreign("thinking of another account", part.origin)
            return None
        if part.redacted:
            return {"reasoningContent": {"redactedContent": part.signature}}
        return {"reasoningContent": {"reasoningText": {"text": part.text, "signature": part.signature}}}

    def _call(self, part: ToolCall) -> JsonObject | None:
        if part.runs_on == "provider":
            self.dropped(f"the call of `{part.name}`, a tool that a provider ran itself")
            return None
        if part.signature is not None:
            self._foreign(f"the signature of the call of `{part.name}`", part.origin)
        return {"toolUse": {"toolUseId": fit_id(part.id), "name": part.name, "input": call_input(part.arguments)}}

    def result(self, part: ToolResult) -> JsonObject:
        content: list[JsonObject] = []
        marks: list[CacheMark] = []
        for item in part.content:
            match item:
                case Media() if "tool_images" in self._lacks:
                    self.dropped(f"{item.media_type} in a tool's result, which this target does not read there")
                case Media():
                    block = self.medium(item, in_result=True)
                    content += [] if block is None else [block]
                case Text(text=text) | Refusal(text=text):
                    content += [{"text": text}] if text.strip() else []
                case Opaque(wire=wire, value=value) if wire == NAME and isinstance(value, dict):
                    content.append(value)
                case _:
                    self.dropped(f"a {type(item).__name__} in a tool's result")
            mark = getattr(item, "cache", None)
            marks += [] if mark is None else [mark]
        said: JsonObject = {"toolUseId": fit_id(part.call_id), "content": content or [{"text": NO_OUTPUT}]}
        if part.is_error and self._family.status:
            said["status"] = "error"
        elif part.is_error:
            self.caveats.append(
                caveat("approximated", self.where, "this model is not told that a tool failed, except by the result")
            )
        if marks:
            self.dropped("a cache mark inside a tool's result", mark_at(self.where))
        return {"toolResult": said}

    def dropped(self, what: str, where: str = "") -> None:
        self.caveats.append(unsent_part(where or self.where, what, "Bedrock"))

    def _foreign(self, what: str, origin: str) -> None:
        made = (
            f"was signed by {format_of(origin)}" if origin and origin != NAME else "bears no signature that counts here"
        )
        self.caveats.append(caveat("foreign_signature", self.where, f"{what} {made}; it is not replayed"))


def fit_id(call_id: str) -> str:
    """Within the characters and the length that the service takes; what is too long is told by its hash."""
    fit = _UNFIT_ID.sub("_", call_id) or "call"
    if len(fit) <= _ID_CHARS_MAX:
        return fit
    return f"{fit[:40]}_{blake2b(call_id.encode(), digest_size=10).hexdigest()}"


def call_input(arguments: str) -> Json:
    """`input` is an object; text that is none is wrapped, whole."""
    if not arguments.strip():
        return {}
    try:
        value = _decode(arguments)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {INVALID_JSON: arguments}


def _told_by_bytes(part: Media) -> str | None:
    """Of a picture of which only the family is known."""
    if part.media_type != "image/*" or not isinstance(part.source, Inline):
        return None
    return next((name for start, name in _STARTS if part.source.data.startswith(start)), None)
