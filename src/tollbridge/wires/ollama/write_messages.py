"""The messages of another dialect as Ollama takes them.

Rules (https://docs.ollama.com/api/chat, seen 2026-11-26)
1. A message's content is one text; images stand beside it, in base64 alone: a link is left out, nobody fetches it.
2. The arguments of a call are an object. A result names its tool; ids, which newer servers know, go along.
3. Thinking of earlier turns goes back as `thinking`, whoever thought it. Nothing marks a result as failed.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tollbridge.model.json import JsonObject
from tollbridge.model.parts import Inline, Media, Opaque, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from tollbridge.wires.base import Target
from tollbridge.wires.calls_made import CallMade
from tollbridge.wires.dialects import format_of
from tollbridge.wires.documents import text_of
from tollbridge.wires.losses import Losses
from tollbridge.wires.turns import Turn

_BETWEEN = "\n\n"
_UNREADABLE = "unreadable_arguments"


class MessageWriter:
    def __init__(self, to: Target, losses: Losses) -> None:
        self._lacks = to.lacks
        self._losses = losses

    def write(self, turns: Iterable[Turn]) -> list[JsonObject]:
        written: list[JsonObject] = []
        for turn in turns:
            message = self._message(turn)
            if message is not None:
                written.append(message)
            elif turn.parts:
                self._losses.part(turn.parts[0][0], "a message of nothing but blank text or parts without a place here")
            written += [self._result(where, call, result) for where, call, result in turn.results()]
        return written

    def _message(self, turn: Turn) -> JsonObject | None:
        said: JsonObject = {"role": turn.role, "content": ""}
        if turn.role == "system" and "system" in self._lacks:
            self._losses.moved(turn.parts[0][0], "this target takes no system message; it is told as the user's")
            said["role"] = "user"
        texts, images = self._content(turn.parts)
        said["content"] = _BETWEEN.join(texts)
        if images and turn.role != "user":
            self._losses.part(turn.parts[0][0], f"{len(images)} images outside of a message of the user's")
        elif images:
            said["images"] = images
        thoughts = [text for where, part in turn.parts if (text := self._thought(where, part))]
        if thoughts:
            said["thinking"] = _BETWEEN.join(thoughts)
        calls = [call for where, part in turn.parts if (call := self._call(where, part)) is not None]
        if calls:
            said["tool_calls"] = calls
        return said if said["content"] or len(said) > 2 else None

    def _content(self, parts: Iterable[tuple[str, Part]]) -> tuple[list[str], list[str]]:
        """The texts, and the images in base64."""
        texts: list[str] = []
        images: list[str] = []
        for where, part in parts:
            if getattr(part, "cache", None) is not None:
                self._losses.mark(where)
            match part:
                case Text(text=text) | Refusal(text=text):
                    if isinstance(part, Text) and part.citations:
                        self._losses.part(where, "the citations of a text")
                    if text.strip():
                        texts.append(text)
                case Media():
                    self._media(where, part, texts, images)
                case Opaque(wire=wire):
                    self._losses.part(where, f"a block that only {format_of(wire)} understands")
                case _:
                    pass
        return texts, images

    def _media(self, where: str, media: Media, texts: list[str], images: list[str]) -> None:
        text = text_of(media)
        if text is not None:
            texts.append(text)
        elif not media.media_type.startswith("image/"):
            self._losses.part(where, f"{media.media_type}, which is no image and no text")
        elif "images" in self._lacks:
            self._losses.part(where, "an image, which this target does not read")
        elif isinstance(media.source, Inline):
            images.append("".join(media.source.data.split()))
        else:
            self._losses.part(where, "an image that is only referred to; send it in the request, as base64")

    def _thought(self, where: str, part: Part) -> str:
        if not isinstance(part, Thinking):
            return ""
        if part.signature:
            self._losses.unsigned(where, "thinking", part.origin)
        if part.text.strip() and "reasoning_history" in self._lacks:
            self._losses.part(where, "thinking of an earlier turn, which this target does not take back")
            return ""
        return part.text

    def _call(self, where: str, part: Part) -> JsonObject | None:
        if not isinstance(part, ToolCall):
            return None
        if part.runs_on == "provider":
            self._losses.part(
                where, f"the call of `{part.name}`, which {format_of(part.origin) or 'a provider'} ran itself"
            )
            return None
        if part.signature:
            self._losses.unsigned(where, f"the call of `{part.name}`", part.origin)
        return {"id": part.id, "function": {"name": part.name, "arguments": self._arguments(where, part)}}

    def _arguments(self, where: str, call: ToolCall) -> JsonObject:
        try:
            value = msgspec.json.decode(call.arguments or "{}")
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            return value
        self._losses.moved(where, f"the arguments of `{call.name}` are no object; they are sent as a text inside one")
        return {_UNREADABLE: call.arguments}

    def _result(self, where: str, call: CallMade, result: ToolResult) -> JsonObject:
        if result.is_error:
            self._losses.moved(where, "a tool's result cannot be marked as failed; its text is sent as it is")
        if result.cache is not None:
            self._losses.mark(where)
        kept = [(where, part) for part in result.content if not self._is_lacked(where, part)]
        texts, images = self._content(kept)
        said: JsonObject = {"role": "tool", "content": _BETWEEN.join(texts)}
        if images:
            said["images"] = images
        return {**said, "tool_name": call.part.name, "tool_call_id": call.sent_id}

    def _is_lacked(self, where: str, part: Part) -> bool:
        if not isinstance(part, Media) or "tool_images" not in self._lacks:
            return False
        self._losses.part(where, f"{part.media_type} in a tool's result, which this target does not read")
        return True
