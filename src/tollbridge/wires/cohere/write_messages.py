"""The messages of another dialect as Cohere takes them.

Rules (https://docs.cohere.com/v2/docs/tool-use-overview, .../docs/reasoning, and what the API answers, seen 2026-11-26)
1. Roles are system, user, assistant, tool. A message holds something; blank text is left out.
2. A turn that calls tools has no text. What was said or thought before its calls goes into `tool_plan`, or, where the
   model reasons, into a block of thinking, which takes the plan's place there.
3. Thinking of a turn without calls goes back to models that reason, while they do.
4. A result is text or documents; its media follow in a message of the user's. Nothing marks it as failed.
5. Citations of Cohere's own go back with the text that they are of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import (
    Citation,
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
from tollbridge.wires.base import Target
from tollbridge.wires.calls_made import CallMade, only_system
from tollbridge.wires.cohere.citations import write_citations
from tollbridge.wires.cohere.vocabulary import NAME
from tollbridge.wires.dialects import format_of
from tollbridge.wires.documents import text_of
from tollbridge.wires.losses import Losses
from tollbridge.wires.turns import Turn


class MessageWriter:
    """`reasons`: the model thinks, and is not told not to."""

    def __init__(self, to: Target, *, reasons: bool, losses: Losses) -> None:
        self._lacks = to.lacks
        self._thinks_back = reasons and "reasoning_history" not in to.lacks
        self._reasons = reasons
        self._losses = losses

    def write(self, turns: Sequence[Turn]) -> list[JsonObject]:
        written: list[JsonObject] = []
        for turn in turns:
            message = self._assistant(turn) if turn.role == "assistant" else self._plain(turn)
            if message is not None:
                written.append(message)
            elif turn.parts:
                self._losses.part(turn.parts[0][0], "a message of nothing but blank text or parts without a place here")
            pictures: list[JsonObject] = []
            for where, call, result in turn.results():
                written.append(self._result(where, call, result, pictures))
            if pictures:
                written.append({"role": "user", "content": pictures})
        spoken = ((turn.role, [part for _, part in turn.parts]) for turn in turns)
        if written and all(message["role"] == "system" for message in written) and only_system(spoken):
            # A system prompt alone is a whole request elsewhere; here somebody must speak.
            self._losses.moved("$.messages", "there are only system messages; the last one is sent as the user's")
            written[-1]["role"] = "user"
        return written

    def _plain(self, turn: Turn) -> JsonObject | None:
        role = turn.role
        if role == "system" and "system" in self._lacks:
            self._losses.moved(turn.parts[0][0], "this target takes no system message; it is told as the user's")
            role = "user"
        blocks = [block for where, part in turn.parts if (block := self._block(where, part)) is not None]
        return {"role": role, "content": _as_string(blocks)} if blocks else None

    def _block(self, where: str, part: Part) -> JsonObject | None:
        self._mark(where, part)
        match part:
            case Text(text=text):
                if part.citations:
                    self._losses.part(where, "the citations of a text that is not the assistant's")
                return _text(text)
            case Refusal(text=text):
                return _text(text)
            case Media():
                return self._media(where, part)
            case Opaque(wire=wire, value=value):
                return self._opaque(where, wire, value)
            case _:
                self._losses.part(where, f"a {type(part).__name__}, which has no place in this message")
                return None

    def _opaque(self, where: str, wire: str, value: Json) -> JsonObject | None:
        if wire == NAME and isinstance(value, dict):
            return value
        self._losses.part(where, f"a block that only {format_of(wire)} understands")
        return None

    def _media(self, where: str, media: Media) -> JsonObject | None:
        text = text_of(media)
        if text is not None:
            return _text(text)
        if not media.media_type.startswith("image/"):
            self._losses.part(where, f"{media.media_type}, which is no image and no text")
            return None
        if "images" in self._lacks:
            self._losses.part(where, "an image, which this target does not read")
            return None
        match media.source:
            case FileRef():
                self._losses.part(where, "a file's id, which means something only to the provider that gave it")
                return None
            case Url(url=url):
                image: JsonObject = {"url": url}
            case Inline(data=data):
                image = {"url": f"data:{media.media_type};base64,{''.join(data.split())}"}
        detail = _detail(media)
        if detail is not None:
            image["detail"] = detail
        return {"type": "image_url", "image_url": image}

    def _assistant(self, turn: Turn) -> JsonObject | None:
        thoughts: list[str] = []
        blocks: list[JsonObject] = []
        cited: list[tuple[int, Citation]] = []
        calls = [part for _, part in turn.parts if isinstance(part, ToolCall) and part.runs_on == "client"]
        for where, part in turn.parts:
            match part:
                case Thinking():
                    self._thought(where, part, bool(calls), thoughts)
                case Text(text=text) if calls:
                    self._mark(where, part)
                    if text.strip():
                        self._losses.moved(where, "text beside calls is not taken here; it is sent as the plan of them")
                        thoughts.append(text)
                case Text(text=text, citations=citations) if text.strip():
                    cited += [(len(blocks), citation) for citation in citations]
                    self._foreign_citations(where, citations)
                    self._mark(where, part)
                    blocks.append({"type": "text", "text": text})
                case Text():
                    pass
                case ToolCall():
                    self._called(where, part)
                case _:
                    block = self._block(where, part)
                    if block is not None and block["type"] in ("text", "thinking"):
                        blocks.append(block)
                    elif block is not None:
                        self._losses.part(where, f"a {type(part).__name__}, which has no place in this message")
        return self._said(calls, thoughts, blocks, cited)

    def _said(
        self, calls: list[ToolCall], thoughts: list[str], blocks: list[JsonObject], cited: list[tuple[int, Citation]]
    ) -> JsonObject | None:
        message: JsonObject = {"role": "assistant"}
        thinking = [{"type": "thinking", "thinking": thought} for thought in thoughts]
        if calls and not self._reasons:
            if thoughts:
                message["tool_plan"] = "\n\n".join(thoughts)
        elif thinking and (blocks or calls):
            message["content"] = [*thinking, *blocks]
        if blocks and not calls:
            message.setdefault("content", _as_string(blocks))
        if calls:
            message["tool_calls"] = [_call(call) for call in calls]
        citations = write_citations((index + len(thinking), citation) for index, citation in cited)
        if citations:
            message["citations"] = citations
        return message if len(message) > 1 else None

    def _thought(self, where: str, part: Thinking, calls: bool, thoughts: list[str]) -> None:
        if part.signature:
            self._losses.unsigned(where, "thinking", part.origin)
        if not part.text.strip():
            return
        if "reasoning_history" in self._lacks or not (self._thinks_back or calls):
            self._losses.part(where, "thinking of an earlier turn, which goes back to models that reason alone")
            return
        thoughts.append(part.text)

    def _called(self, where: str, part: ToolCall) -> None:
        if part.runs_on == "provider":
            self._losses.part(
                where, f"the call of `{part.name}`, which {format_of(part.origin) or 'a provider'} ran itself"
            )
        elif part.signature:
            self._losses.unsigned(where, f"the call of `{part.name}`", part.origin)
        self._mark(where, part)

    def _foreign_citations(self, where: str, citations: Iterable[Citation]) -> None:
        if any(citation.origin != NAME for citation in citations):
            self._losses.part(where, "citations that Cohere did not make")

    def _result(self, where: str, call: CallMade, result: ToolResult, pictures: list[JsonObject]) -> JsonObject:
        if result.is_error:
            self._losses.moved(where, "a tool's result cannot be marked as failed; its text is sent as it is")
        self._mark(where, result)
        written = [self._block(where, part) for part in result.content if not self._is_lacked(where, part)]
        blocks = [block for block in written if block is not None and block["type"] != "image_url"]
        images = [block for block in written if block is not None and block["type"] == "image_url"]
        if images:
            self._losses.moved(where, "media of a tool's result follow in a message of the user's")
            pictures += [{"type": "text", "text": f"From the result of tool call {call.sent_id}:"}, *images]
            blocks.append({"type": "text", "text": "(The media of this result follow.)"})
        content: Json = _as_string(blocks) if blocks else ""
        return {"role": "tool", "tool_call_id": call.sent_id, "content": content}

    def _is_lacked(self, where: str, part: Part) -> bool:
        if not isinstance(part, Media) or "tool_images" not in self._lacks:
            return False
        self._losses.part(where, f"{part.media_type} in a tool's result, which this target does not read")
        return True

    def _mark(self, where: str, part: Part) -> None:
        if getattr(part, "cache", None) is not None:
            self._losses.mark(where)


def _text(text: str) -> JsonObject | None:
    return {"type": "text", "text": text} if text.strip() else None


def _as_string(blocks: list[JsonObject]) -> Json:
    """A single text as what it is."""
    return blocks[0]["text"] if len(blocks) == 1 and blocks[0]["type"] == "text" else blocks


def _call(call: ToolCall) -> JsonObject:
    function = {"name": call.name, "arguments": call.arguments or "{}"}
    return {"id": call.id, "type": "function", "function": function}


def _detail(media: Media) -> str | None:
    """How closely to look: OpenAI's two formats keep it where they say it."""
    inner = media.extra.get("image_url")
    detail = inner.get("detail") if isinstance(inner, dict) else media.extra.get("detail")
    return detail if detail in ("auto", "low", "high") else None
