"""Parts -> blocks of a request: what Anthropic's servers accept, and a Caveat for each part they would refuse."""

from __future__ import annotations

import re

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import (
    FileRef,
    Media,
    Opaque,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import unsent_part
from tollbridge.wires.anthropic_messages.vocabulary import NAME, PROVIDER_CALL_ID
from tollbridge.wires.anthropic_messages.write_blocks import image_or_document, text_block, tool_use_block, with_cache
from tollbridge.wires.dialects import format_of
from tollbridge.wires.documents import ELSEWHERE
from tollbridge.wires.seal import is_seal

_UNFIT = re.compile(r"[^a-zA-Z0-9_-]")


class PartWriter:
    """Writes the parts of one request. `own`: it was read from this wire, and goes back as it came."""

    __slots__ = ("_in_result", "account", "caveats", "lacks", "own", "sent_files", "verbatim", "where")

    def __init__(self, *, own: bool, account: str, lacks: frozenset[str]) -> None:
        self.own = own
        self.lacks = lacks
        self._in_result = False
        self.account = account
        self.caveats: list[Caveat] = []
        self.sent_files = False  # a file was referred to by its id
        self.verbatim = False  # something went as it came, which nobody looked into
        self.where = "$"

    def write_all(self, parts: tuple[Part, ...]) -> list[JsonObject]:
        return [block for part in parts if (block := self.write(part)) is not None]

    def write(self, part: Part) -> JsonObject | None:
        match part:
            case Text():
                return self.text(part)
            case ToolCall():
                return self.tool_call(part, fit_id(part.id))
            case ToolResult():
                return self.tool_result(part, fit_id(part.call_id))
            case Thinking():
                return self._thinking(part)
            case Media():
                return self._media(part)
            case Opaque(wire=wire, value=value):
                if wire == NAME:
                    self.verbatim = True
                    return value  # type: ignore[no-any-return]
                self.dropped(f"a block that only {format_of(wire)} understands")
                return None
            case Refusal(text=text):
                return {"type": "text", "text": text} if text.strip() else None

    def text(self, part: Text) -> JsonObject | None:
        if not self.own and not part.text.strip():
            return None  # Anthropic refuses blank text
        citations: list[JsonObject] = []
        for citation in part.citations:
            if citation.origin == NAME:
                citations.append(citation.raw)
            else:
                self.dropped("a citation that Anthropic did not make")
        return text_block(part, self.own, citations)

    def tool_call(self, part: ToolCall, call_id: str) -> JsonObject | None:
        if part.runs_on == "provider" and not PROVIDER_CALL_ID.match(call_id):
            self.dropped(f"the call of `{part.name}`, a tool that another provider ran")
            return None
        if part.signature is not None and part.origin != NAME:
            self._foreign(f"The signature of the call of `{part.name}`", part.origin)
        return tool_use_block(part, self.own, call_id)

    def tool_result(self, part: ToolResult, call_id: str) -> JsonObject:
        block: JsonObject = {"type": "tool_result", "tool_use_id": call_id}
        self._in_result = True
        content = self.write_all(part.content)
        self._in_result = False
        how = part.spelling.get("content") if self.own else None
        if content or (self.own and how != "absent"):
            block["content"] = own_content(content, how)
        if part.is_error:
            block["is_error"] = True
        if self.own and part.extra:
            block = {**part.extra, **block}
        return with_cache(block, part.cache, self.own)

    def _media(self, part: Media) -> JsonObject | None:
        feature = "images" if part.media_type.startswith("image/") else "files"
        if feature in self.lacks or (self._in_result and "tool_images" in self.lacks):
            self.dropped(f"{part.media_type}, which this target does not read here")
            return None
        block = image_or_document(part, self.own)
        if block is None and isinstance(part.source, FileRef):
            self.dropped(ELSEWHERE)
        elif block is None:
            self.dropped(f"{part.media_type} is no image, PDF or text, the media that Claude reads")
        elif isinstance(part.source, FileRef):
            self.sent_files = True
        return block

    def _thinking(self, part: Thinking) -> JsonObject | None:
        signature = part.signature
        if "reasoning_history" in self.lacks:
            self.dropped("thinking of an earlier turn, which this target does not take back")
            return None
        if part.origin != NAME or signature is None or is_seal(signature):
            self._foreign("Thinking", part.origin)
            return None
        if part.account and self.account and part.account != self.account:
            self._foreign("Thinking of another account", part.origin)
            return None
        if part.redacted:
            block = {"type": "redacted_thinking", "data": signature}
        else:
            block = {"type": "thinking", "thinking": part.text, "signature": signature}
        return {**part.extra, **block} if self.own and part.extra else block

    def dropped(self, what: str) -> None:
        self.caveats.append(unsent_part(self.where, what, "Anthropic"))

    def _foreign(self, what: str, origin: str) -> None:
        made = (
            f"was signed by {format_of(origin)}" if origin and origin != NAME else "bears no signature of Anthropic's"
        )
        self.caveats.append(
            Caveat(code="foreign_signature", where=self.where, detail=f"{what} {made}; it is not replayed.")
        )


def fit_id(call_id: str) -> str:
    """`call_id` within ^[a-zA-Z0-9_-]+$, the ids that Anthropic takes: other providers' may hold dots and colons."""
    return _UNFIT.sub("_", call_id) or "call"


def own_content(blocks: list[JsonObject], spelled: Json) -> Json:
    """`content` as a string where it was one and still is a single plain text, else the blocks."""
    if spelled == "string" and len(blocks) == 1 and len(blocks[0]) == 2 and "text" in blocks[0]:
        return blocks[0]["text"]
    return blocks
