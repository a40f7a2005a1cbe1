"""The assistant's earlier messages, for a provider.

A signature goes back only to the wire and the account that made it. The text of thinking goes where the provider wants
it (`prefers["reasoning_field"]`), stays where our own client had put it, and else is left out.
"""

from __future__ import annotations

import msgspec

from tollbridge.model.json import JsonObject
from tollbridge.model.parts import Media, Opaque, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from tollbridge.model.request import Message
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import CACHES_ITSELF, mark_at, unsent_thing
from tollbridge.wires.base import Target
from tollbridge.wires.dialects import format_of
from tollbridge.wires.openai_chat import thinking_parts
from tollbridge.wires.openai_chat.content import mark_message, write_cache, write_own
from tollbridge.wires.openai_chat.reasoning import PLAIN, fields_of, write_block, write_detail
from tollbridge.wires.openai_chat.turn import (
    write_annotations,
    write_audio,
    write_call,
    write_function_call,
    write_own_content,
)
from tollbridge.wires.openai_chat.vocabulary import ANTHROPIC, FIELD, NAME, SPELLED, dropped_part, unsent_thoughts
from tollbridge.wires.seal import UNKEYED

_SIGNED_FIELDS = frozenset({"reasoning_details", "thinking_blocks", thinking_parts.REASONING})


class TurnWriter:
    def __init__(self, own: bool, to: Target, caveats: list[Caveat]) -> None:
        self._own = own
        self._to = to
        self._caveats = caveats

    def write(self, message: Message, where: str) -> JsonObject:
        own, parts = self._own, message.parts
        spelling = message.spelling if own else {}
        if len(parts) == 1 and isinstance(parts[0], Text) and not (spelling or message.extra or message.name):
            text = parts[0]
            if not (text.citations or text.cache or text.extra):
                return {"role": "assistant", "content": text.text}
        out: JsonObject = {"role": "assistant"}
        if spelling.get("cache") == "message":
            parts = mark_message(out, parts)
        thoughts = [part for part in parts if isinstance(part, Thinking)]
        if thoughts:
            parts = self._thinking(out, parts, thoughts, where)
        self._content(out, parts, spelling, where)
        refusals = [part.text for part in parts if isinstance(part, Refusal) and part.extra.get(SPELLED) != "part"]
        if refusals:
            out["refusal"] = "".join(refusals)
        calls = [self._call(out, part, where) for part in parts if isinstance(part, ToolCall)]
        kept = [call for call in calls if call is not None]
        if kept:
            out["tool_calls"] = kept
        if message.name is not None:
            out["name"] = message.name
        if own:
            for key, value in message.extra.items():
                out.setdefault(key, value)
        return out

    def _content(self, out: JsonObject, parts: tuple[Part, ...], spelling: dict[str, str], where: str) -> None:
        if not self._own:
            self._foreign_content(out, parts, where)
            return
        content = write_own_content(parts, spelling)
        if content is not None or spelling.get("content") != "absent":
            out["content"] = content
        audio = write_audio(parts)
        if audio is not None:
            out["audio"] = audio
        images = [part for part in parts if isinstance(part, Media) and part.extra.get(FIELD) == "images"]
        if images:
            out["images"] = [write_own(image) for image in images]
        annotations = write_annotations(parts)
        if annotations:
            out["annotations"] = annotations
        for part in parts:
            if isinstance(part, Opaque) and part.wire != NAME:
                self._drop_opaque(part, where)

    def _foreign_content(self, out: JsonObject, parts: tuple[Part, ...], where: str) -> None:
        texts, thoughts = [], []
        for part in parts:
            match part:
                case Thinking():
                    thoughts.append(write_own(part))  # where the provider wants them in the content
                case Text(text=text):
                    texts.append(text)
                    if part.citations:
                        self._drop(where, "The citations of a text have no place in a chat request.")
                    if part.cache is not None and "cache_control" not in self._to.prefers:
                        self._caveats.append(unsent_thing(mark_at(where), "A cache mark", CACHES_ITSELF))
                case Media() | ToolResult():
                    self._drop(where, f"A {type(part).__name__} has no place in an assistant's message.")
                case Opaque():
                    self._drop_opaque(part, where)
        calls = any(isinstance(part, ToolCall) and part.runs_on == "client" for part in parts)
        text = "".join(texts)
        if thoughts:
            out["content"] = [*thoughts, {"type": "text", "text": text}] if text else thoughts
        else:
            out["content"] = text or (None if calls else "")

    def _thinking(
        self, out: JsonObject, parts: tuple[Part, ...], thoughts: list[Thinking], where: str
    ) -> tuple[Part, ...]:
        """Write the thinking; what is left are the parts of the content."""
        field = self._to.prefers.get("reasoning_field")
        if "reasoning_history" in self._to.lacks:
            self._drop(where, "The model takes no thinking of earlier turns.")
            return tuple([part for part in parts if not isinstance(part, Thinking)])
        said = fields_of(thoughts) if self._own else set()
        if field is None and said and not said & {"thinking_blocks"}:
            return self._as_spelled(out, parts, thoughts, said, where)
        ours = [self._signed_for(part, field, where) for part in thoughts]
        rest = tuple([part for part in parts if not isinstance(part, Thinking)])
        text = "".join([part.text for part in ours])
        match field:
            case "reasoning_content" | "reasoning" if text:
                out[field] = text
            case "reasoning_details":
                details = [write_detail(_bare(part)) for part in ours if part.text or part.signature]
                if details:
                    out[field] = details
            case "thinking_blocks":
                out[field] = [write_block(part, UNKEYED, "", None) for part in ours if part.text or part.signature]
            case "thinking_parts" | "reasoning_parts":
                signed = field == thinking_parts.REASONING
                told = [part for part in ours if part.text or (signed and part.signature)]
                return (*(msgspec.structs.replace(part, extra={FIELD: field}) for part in told), *rest)
            case _ if any(part.text for part in thoughts) or not self._own:
                self._caveats.append(unsent_thoughts(where))
        return rest

    def _as_spelled(
        self, out: JsonObject, parts: tuple[Part, ...], thoughts: list[Thinking], said: set[str], where: str
    ) -> tuple[Part, ...]:
        if said and said <= thinking_parts.FIELDS:
            return tuple([self._own_thinking_part(part, where) for part in parts])
        ours = [self._signed_for(part, "reasoning_details", where) for part in thoughts]
        text = "".join([part.text for part in ours])
        for plain in PLAIN:
            if plain in said and text:
                out[plain] = text
        if "reasoning_details" in said:
            out["reasoning_details"] = [write_detail(part) for part in ours]
        return tuple([part for part in parts if not isinstance(part, Thinking)])

    def _own_thinking_part(self, part: Part, where: str) -> Part:
        return self._signed_for(part, part.extra.get(FIELD), where) if isinstance(part, Thinking) else part

    def _signed_for(self, part: Thinking, field: str | None, where: str) -> Thinking:
        """With its signature only where it goes to who made it."""
        if not part.signature:
            return part
        home = ANTHROPIC if field == "thinking_blocks" else NAME
        same_account = not part.account or not self._to.account or part.account == self._to.account
        if part.origin == home and same_account and field in _SIGNED_FIELDS:
            return part
        who = format_of(part.origin) or "somebody else"
        detail = f"A signature of thinking made by {who} is not replayed to this provider."
        self._caveats.append(Caveat(code="foreign_signature", where=where, detail=detail))
        return msgspec.structs.replace(part, signature=None)

    def _call(self, out: JsonObject, call: ToolCall, where: str) -> JsonObject | None:
        if call.runs_on == "provider":
            who = format_of(call.origin) or "a provider"
            self._caveats.append(unsent_thing(where, f"The call of `{call.name}`, which {who} ran itself,"))
            return None
        if call.signature:
            detail = f"The signature of the call `{call.name}` is not replayed to this provider."
            self._caveats.append(Caveat(code="foreign_signature", where=where, detail=detail))
        if not self._own:
            return write_call(call, call.id, False)
        if call.extra.get(FIELD) == "function_call":
            out["function_call"] = write_function_call(call)
            return None
        written = write_call(call, call.id, True)
        if call.extra.get(FIELD) == "without id":
            del written["id"]
        if call.cache is not None:
            written["cache_control"] = write_cache(call.cache)
        return written

    def _drop_opaque(self, part: Opaque, where: str) -> None:
        kind = part.value.get("type") if isinstance(part.value, dict) else None
        self._drop(where, f"A `{kind}` block of {format_of(part.wire)} means nothing elsewhere.")

    def _drop(self, where: str, detail: str) -> None:
        self._caveats.append(dropped_part(where, detail))


def _bare(part: Thinking) -> Thinking:
    """Without what only its own field's writer knows."""
    return part if part.origin == NAME else msgspec.structs.replace(part, extra={})
