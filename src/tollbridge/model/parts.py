"""The parts of a message. One union, `Part`; a wire maps each block of its own to one of these or to `Opaque`.

Rules
- `extra` keeps the fields a reader did not understand, verbatim. A writer emits it only where the value's origin
  (`Request.origin`, `Response.origin`) is its own wire; else it leaves a Caveat where the field meant something.
- `ToolCall.arguments` is JSON *text* as received: partial and malformed text survives.
- `origin` (a wire's name) and `account` say who signed. A signature goes back only to the wire that made it.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from tollbridge.model.json import Json, JsonObject


class CacheMark(msgspec.Struct, frozen=True, kw_only=True, tag="cache"):
    """A prompt-cache breakpoint after this part. `ttl`: "5m", "1h" or None for the provider's default."""

    ttl: str | None = None
    extra: JsonObject = {}


class Citation(msgspec.Struct, frozen=True, kw_only=True, tag="citation"):
    """Where a text comes from. `start`/`end`: offsets in the text that cites, where the wire gives them.
    `raw`: the whole object as its `origin` wire wrote it, so that it goes home unchanged."""

    url: str | None = None
    title: str | None = None
    quoted: str | None = None
    start: int | None = None
    end: int | None = None
    origin: str = ""
    raw: JsonObject = {}


class Inline(msgspec.Struct, frozen=True, kw_only=True, tag="inline"):
    """Bytes in the request, base64 as received."""

    data: str


class Url(msgspec.Struct, frozen=True, kw_only=True, tag="url"):
    """A link that the provider fetches. Never a `data:` URL: those are `Inline`."""

    url: str


class FileRef(msgspec.Struct, frozen=True, kw_only=True, tag="file"):
    """An id in the provider's own file store."""

    id: str


Source = Inline | Url | FileRef


class Text(msgspec.Struct, frozen=True, kw_only=True, tag="text"):
    text: str
    citations: tuple[Citation, ...] = ()
    cache: CacheMark | None = None
    extra: JsonObject = {}


class Media(msgspec.Struct, frozen=True, kw_only=True, tag="media"):
    """Image, PDF, audio, video: `media_type` decides ("image/*" where only the family is known)."""

    media_type: str
    source: Source
    name: str | None = None
    cache: CacheMark | None = None
    extra: JsonObject = {}


class Thinking(msgspec.Struct, frozen=True, kw_only=True, tag="thinking"):
    """Reasoning. `redacted`: the text is withheld and `signature` holds the encrypted form."""

    text: str = ""
    signature: str | None = None
    redacted: bool = False
    origin: str = ""
    account: str = ""
    extra: JsonObject = {}


class ToolCall(msgspec.Struct, frozen=True, kw_only=True, tag="tool_call"):
    """The model asks for a tool. `runs_on="provider"`: the provider runs it itself; never shown as a client's call."""

    id: str
    name: str
    arguments: str = ""
    runs_on: Literal["client", "provider"] = "client"
    signature: str | None = None
    origin: str = ""
    account: str = ""
    cache: CacheMark | None = None
    extra: JsonObject = {}


class ToolResult(msgspec.Struct, frozen=True, kw_only=True, tag="tool_result"):
    """The answer to a client's ToolCall; stands in a user message. `spelling`: as `Message.spelling`."""

    call_id: str
    content: tuple[Part, ...] = ()
    is_error: bool = False
    cache: CacheMark | None = None
    spelling: dict[str, str] = {}
    extra: JsonObject = {}


class Refusal(msgspec.Struct, frozen=True, kw_only=True, tag="refusal"):
    text: str
    extra: JsonObject = {}


class Opaque(msgspec.Struct, frozen=True, kw_only=True, tag="opaque"):
    """A block that only `wire` understands, verbatim. Goes back to that wire alone."""

    wire: str
    value: Json


Part = Text | Media | Thinking | ToolCall | ToolResult | Refusal | Opaque
