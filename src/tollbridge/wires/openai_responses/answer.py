"""What the whole answer and its stream have in common: items of an answer, both ways, and the object around them.

Reading: the contents of a message are parts in a row, the first of which has `extra[ITEM]`, the message's own fields.
Writing: an own answer's items as they came. Another wire's parts become items with ids of ours: texts in a row one
message, thinking a reasoning item with a seal, a call of the client's tool a `function_call`, a picture an
`image_generation_call`. What the provider ran itself has no item that a client would not take for OpenAI's own: it is
a Caveat.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.parts import Inline, Media, Opaque, Part, Refusal, Text, Thinking, ToolCall
from tollbridge.model.response import Caveat, Finish
from tollbridge.wires import free_text
from tollbridge.wires.dialects import format_of
from tollbridge.wires.openai_responses.citations import write_citation
from tollbridge.wires.openai_responses.content import read_part, write_part
from tollbridge.wires.openai_responses.items import ItemReader, write_call
from tollbridge.wires.openai_responses.reasoning import write_reasoning
from tollbridge.wires.openai_responses.vocabulary import (
    CALLS,
    FIELD,
    ITEM,
    LOGPROBS,
    NAME,
    approximated,
    dropped_part,
    made_id,
    without,
)
from tollbridge.wires.seal import Seals

STATUSES = frozenset({"completed", "failed", "in_progress", "cancelled", "queued", "incomplete"})
INCIDENTAL = frozenset(
    {"system_fingerprint", "object", "obfuscation", "time_info", "x_groq", "service_tier", "provider"}
)
"""Fields of other formats' answers that tell about the serving of an answer, not about the answer."""
_TIERS = ("auto", "default", "flex", "scale", "priority")
_REASONS = {"max_output_tokens": "length", "content_filter": "content_filter"}
_INCOMPLETE = {"length": "max_output_tokens", "context_window": "max_output_tokens", "content_filter": "content_filter"}

_ITEMS = ItemReader(None)


def read_output(item: JsonObject, logprobs: list[Json]) -> list[Part]:
    """The parts of one item. The log probabilities of its texts are added to `logprobs`."""
    kind = item["type"]
    if kind == "message":
        return _read_message(item, logprobs)
    if kind == "reasoning":
        return [_ITEMS.reasoning(item)]
    if kind in CALLS:
        return [_ITEMS.call(item)]
    if kind == "image_generation_call" and item.get("result") and item["result"].__class__ is str:
        format = item.get("output_format")
        media_type = f"image/{format if format.__class__ is str else 'png'}"
        return [Media(media_type=media_type, source=Inline(data=item["result"]), extra={ITEM: without(item, "result")})]
    return [Opaque(wire=NAME, value=dict(item))]


def _read_message(item: JsonObject, logprobs: list[Json]) -> list[Part]:
    parts = [read_part(part, "assistant") for part in item["content"]]
    if not parts or item.get("role") != "assistant" or not all(isinstance(part, Text | Refusal) for part in parts):
        return [Opaque(wire=NAME, value=dict(item))]
    read = [take_logprobs(part, logprobs) for part in parts]
    return [with_item(read[0], without(item, "type", "role", "content")), *read[1:]]


def with_item(part: Part, fields: JsonObject) -> Part:
    if not isinstance(part, Text | Refusal):
        return part
    return msgspec.structs.replace(part, extra={**part.extra, ITEM: fields})


def take_logprobs(part: Part, logprobs: list[Json]) -> Part:
    """A text without its log probabilities, which stand in the choice for everybody; it knows how many they were."""
    if not isinstance(part, Text):
        return part
    held = part.extra.get("logprobs")
    if not held or held.__class__ is not list:
        return part
    logprobs.extend(held)
    return msgspec.structs.replace(part, extra={**without(part.extra, "logprobs"), LOGPROBS: len(held)})


def read_finish(body: JsonObject, parts: Iterable[Part]) -> Finish | None:
    """How an answer ended: `raw` is its status, or why it is incomplete."""
    status = body.get("status")
    if status is None:
        return None
    if status.__class__ is not str:
        raise TypeError("status")
    if status == "incomplete":
        details = body.get("incomplete_details")
        reason = details.get("reason") if details.__class__ is dict else None
        raw = reason if reason.__class__ is str and reason not in STATUSES else status
        return Finish(reason=_REASONS.get(raw, "other"), raw=raw)  # type: ignore[arg-type]
    if status != "completed":
        return Finish(reason="other", raw=status)
    for part in parts:
        if isinstance(part, ToolCall) and part.runs_on == "client":
            return Finish(reason="tool_calls", raw=status)
        if isinstance(part, Refusal):
            return Finish(reason="refusal", raw=status)
    return Finish(reason="stop", raw=status)


def write_finish(finish: Finish | None, parts: Iterable[Part], own: bool, caveats: list[Caveat]) -> JsonObject:
    """`status`, and why where it is not complete."""
    if own:
        if finish is None:
            return {}
        raw = finish.raw or _INCOMPLETE.get(finish.reason, "completed")
        if raw in STATUSES:
            return {"status": raw}
        return {"status": "incomplete", "incomplete_details": {"reason": raw}}
    if finish is None:
        return {"status": "completed", "incomplete_details": None}
    shown = "tool_calls" if any(isinstance(part, ToolCall) and part.runs_on == "client" for part in parts) else "stop"
    if any(isinstance(part, Refusal) for part in parts):
        shown = "refusal"
    reason = finish.reason
    incomplete = _INCOMPLETE.get(reason)
    if reason == "context_window" or (incomplete is None and reason not in (shown, "stop", "other")):
        word = incomplete or "completed"
        detail = f"This format has no word for the end `{finish.raw or reason}`; it says `{word}`."
        caveats.append(approximated("$.status", detail))
    elif reason == "other" and shown == "stop":
        detail = f"The answer ended for the reason `{finish.raw or reason}`; this format says `completed`."
        caveats.append(approximated("$.status", detail))
    if incomplete is None:
        return {"status": "completed", "incomplete_details": None}
    return {"status": "incomplete", "incomplete_details": {"reason": incomplete}}


def skeleton(id: str, model: str, created: int, asked: JsonObject) -> JsonObject:
    """A response of ours before anything is known of it. `asked`: what it repeats of the request (see `asked`)."""
    return {
        "id": id,
        "object": "response",
        "created_at": created,
        "completed_at": None,
        "status": "in_progress",
        "background": False,
        "error": None,
        "frequency_penalty": 0.0,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "metadata": {},
        "model": model,
        "output": [],
        "parallel_tool_calls": True,
        "presence_penalty": 0.0,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "store": False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None,
        "user": None,
        **asked,
    }


def completion(end: JsonObject, created: int, now: float | None) -> JsonObject:
    """When a response of ours was completed, as `end` says of it; by the provider's clock not before it began."""
    if now is None or end.get("status") != "completed":
        return {}
    return {"completed_at": max(int(now), created)}


class AnswerWriter:
    """Parts of an answer -> items, for one client. `account`: whose credentials asked, for seals. `customs`: names of
    the client's tools that take free text."""

    def __init__(self, *, own: bool, account: str, seals: Seals, id: str, customs: frozenset[str]) -> None:
        self.own = own
        self.customs = customs
        self.caveats: list[Caveat] = []
        self._account = account
        self._seals = seals
        self.id = id

    def message(self, part: Part, number: int) -> JsonObject:
        """The message that begins with this part, without its content. `number`: the item's place."""
        if self.own and isinstance(part, Text | Refusal) and ITEM in part.extra:
            return {"type": "message", "role": "assistant", **part.extra[ITEM]}
        id = made_id("msg", self.id, number)
        return {"type": "message", "role": "assistant", "id": id, "status": "completed"}

    def content(self, part: Part, logprobs: list[Json]) -> JsonObject:
        """A Text or a Refusal inside a message. `logprobs`: those of the choice that are not written yet; its own are
        taken from there."""
        if self.own:
            out = write_part(part, "assistant")
            count = part.extra.get(LOGPROBS, 0) if isinstance(part, Text) else 0
            if count:
                out["logprobs"] = logprobs[:count]
                del logprobs[:count]
            return out
        if isinstance(part, Refusal):
            return {"type": "refusal", "refusal": part.text}
        if not isinstance(part, Text):
            raise TypeError(f"{type(part).__name__} is no content of a message")
        found = [shown for citation in part.citations if (shown := self.citation(citation, len(part.text))) is not None]
        out = {"type": "output_text", "text": part.text, "annotations": found, "logprobs": list(logprobs)}
        logprobs.clear()
        return out

    def citation(self, citation: Json, length: int) -> JsonObject | None:
        shown = write_citation(citation, length)
        if shown is None:
            self.dropped("a citation of something that is no web page")
        return shown

    def item(self, part: Part, number: int) -> JsonObject | None:
        """The item of a part that is no text; None, with a Caveat, where there is none for it."""
        match part:
            case Thinking():
                return self.reasoning(part, number)
            case ToolCall(runs_on="client"):
                return self.call(part, number)
            case Opaque(wire=wire, value=value) if wire == NAME:
                return value  # type: ignore[no-any-return]
            case Media(source=Inline(data=data), extra=extra) if self.own and ITEM in extra:
                return {**extra[ITEM], "result": data}
            case Media(source=Inline(data=data), media_type=media_type) if media_type.startswith("image/"):
                id, format = made_id("ig", self.id, number), media_type.removeprefix("image/")
                shown = {"type": "image_generation_call", "id": id, "status": "completed", "result": data}
                return shown if format == "*" else {**shown, "output_format": format}
            case ToolCall(name=name):
                self.dropped(f"the call of `{name}`, a tool that the provider ran itself")
            case Opaque(wire=wire):
                self.dropped(f"a block that only {format_of(wire)} understands")
            case Media(media_type=media_type):
                self.dropped(f"answers of this format hold no {media_type}")
            case _:
                self.dropped(f"a {type(part).__name__}, which has no place in an answer")
        return None

    def reasoning(self, part: Thinking, number: int) -> JsonObject:
        if self.own:
            return write_reasoning(part)
        summary = [{"type": "summary_text", "text": part.text}] if part.text else []
        return {
            "type": "reasoning",
            "id": made_id("rs", self.id, number),
            "summary": summary,
            "encrypted_content": self._seals.close(part.origin, part.account or self._account, part.signature or ""),
        }

    def call(self, part: ToolCall, number: int) -> JsonObject:
        if self.own:
            return write_call(part)
        id = part.id
        if part.signature is not None:
            id = f"{id}~{self._seals.close(part.origin, part.account or self._account, part.signature)}"
        if part.name in self.customs:
            text = free_text.unwrap(part.arguments)
            return {"type": "custom_tool_call", "id": made_id("ctc", self.id, number), "status": "completed"} | {
                "call_id": id,
                "name": part.name,
                "input": text,
            }
        return {
            "type": "function_call",
            "id": made_id("fc", self.id, number),
            "status": "completed",
            "call_id": id,
            "name": part.name,
            "arguments": part.arguments or "{}",
        }

    def dropped(self, what: str) -> None:
        self.caveats.append(dropped_part("$.output", f"{what[0].upper()}{what[1:]}; it was left out."))


def content_logprobs(value: Json) -> list[Json]:
    """Those of the text, out of OpenAI's object."""
    content = value.get("content") if isinstance(value, dict) else None
    return list(content) if isinstance(content, list) else []


def tier_of(extra: JsonObject) -> JsonObject:
    """The tier that another provider served at, where it is called as here."""
    tier = extra.get("service_tier")
    return {"service_tier": tier} if isinstance(tier, str) and tier in _TIERS else {}


def customs_of(asked: JsonObject) -> frozenset[str]:
    tools = asked.get("tools") or ()
    return frozenset(tool["name"] for tool in tools if tool.get("type") == free_text.CUSTOM)


def is_custom(part: ToolCall) -> bool:
    return part.extra.get(FIELD) == "custom_tool_call"
