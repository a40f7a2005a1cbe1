"""What `drops`, `renames`, `lacks` and `prefers` cannot say: rewrites of a body that is about to be sent.

A patch is pure, changes nothing that it is given, is harmless when run twice, and takes a body of any shape: what it
does not understand it leaves to the provider's own judgement. Each names where its rule is from. A row with patches
costs a full decode of each body, so the busiest rows have none.
"""

from __future__ import annotations

import re
from base64 import b32encode
from collections.abc import Callable, Container, Mapping
from hashlib import blake2b

import msgspec

from tollbridge.model.json import Json, JsonObject

_MessagePatch = Callable[[JsonObject], JsonObject]
_MESSAGE_FIELDS = frozenset({"role", "content", "tool_calls", "tool_call_id"})


class Lent(msgspec.Struct, frozen=True):
    """The patch by which a body has these fields where it does not say them (`Place.lends`)."""

    fields: Mapping[str, Json]

    def __call__(self, body: JsonObject) -> JsonObject:
        return {**body, **{name: value for name, value in self.fields.items() if body.get(name) is None}}


def developer_is_system(body: JsonObject) -> JsonObject:
    """`developer` is OpenAI's name for the system role of its reasoning models; most others know only `system`."""
    return _with_messages(
        body, lambda message: {**message, "role": "system"} if message.get("role") == "developer" else message
    )


def vertex_messages(body: JsonObject) -> JsonObject:
    """On Vertex, Claude's model stands in the path and the version of the format in the body
    (https://docs.cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude, seen 2026-11-26)."""
    rest = {key: value for key, value in body.items() if key != "model"}
    return {"anthropic_version": "vertex-2023-10-16", **rest}


def vertex_mistral(body: JsonObject) -> JsonObject:
    """On Vertex, Mistral's model stands in the path with its version, and in the body without its maker and version
    (https://docs.cloud.google.com/vertex-ai/generative-ai/docs/partner-models/mistral, seen 2026-11-26)."""
    model = body.get("model")
    return {**body, "model": model.rpartition("/")[2].partition("@")[0]} if isinstance(model, str) else body


def texts_as_strings(body: JsonObject) -> JsonObject:
    """Content that is a list of texts becomes one string (DeepSeek's models without vision take no lists; what LiteLLM
    1.109 does for the same reason)."""

    def plain(message: JsonObject) -> JsonObject:
        items = message.get("content")
        if not isinstance(items, list) or not items or not all(_is_text(item) for item in items):
            return message
        return {**message, "content": "\n".join(item["text"] for item in items)}

    return _with_messages(body, plain)


def standard_messages(body: JsonObject) -> JsonObject:
    """Leave only what every provider knows in a message. Strict ones refuse `name`, `reasoning_content`,
    `thinking_blocks`, `annotations` (Groq: https://console.groq.com/docs/openai; Cerebras the same; seen
    2026-11-21)."""
    return _with_messages(body, lambda message: _only(message, _MESSAGE_FIELDS))


def keep_reasoning_of_tool_turns(body: JsonObject) -> JsonObject:
    """DeepSeek, thinking: each assistant message with tool calls must carry `reasoning_content`, an empty one if need
    be, else 400 (https://api-docs.deepseek.com/guides/thinking_mode, seen 2026-11-21). `thinking_blocks` of another
    provider give their text for it."""

    def kept(message: JsonObject) -> JsonObject:
        blocks = message.get("thinking_blocks")
        if message.get("role") != "assistant" or (blocks is None and not message.get("tool_calls")):
            return message
        out = {name: value for name, value in message.items() if name != "thinking_blocks"}
        if out.get("reasoning_content") is None and (blocks or out.get("tool_calls")):
            out["reasoning_content"] = _thought(blocks)
        return out

    return _with_messages(body, kept)


def perplexity_agent(body: JsonObject) -> JsonObject:
    """Perplexity's Responses: a preset stands in a field of its own (`preset/fast` is its name here, as LiteLLM has
    it), each item of the input says its type, and a format stands where chat has it: elsewhere it is refused
    (https://docs.perplexity.ai/docs/agent-api/openai-compatibility, seen 2026-11-27). `include` is none of its fields,
    and each field that it does not know is a 400 (`perplexity.py` has the source)."""
    if "input" not in body:
        return body
    made = {name: value for name, value in body.items() if name != "include"}
    model, items, text = made.get("model"), made["input"], made.get("text")
    if isinstance(model, str) and model.startswith("preset/"):
        del made["model"]
        made.setdefault("preset", model.removeprefix("preset/"))
    if isinstance(items, list):
        made["input"] = [{"type": "message", **item} if isinstance(item, dict) else item for item in items]
    form = text.get("format") if isinstance(text, dict) else None
    if isinstance(text, dict) and isinstance(form, dict):
        del made["text"]
        rest = {name: value for name, value in text.items() if name != "format"}
        if rest:
            made["text"] = rest
        if form.get("type") != "text":  # which is what it is without any
            made.setdefault("response_format", _chats_format(form))
    return made


def _chats_format(form: JsonObject) -> JsonObject:
    if form.get("type") != "json_schema":
        return form
    return {"type": "json_schema", "json_schema": {name: value for name, value in form.items() if name != "type"}}


def short_tool_ids(body: JsonObject) -> JsonObject:
    """Mistral takes tool call ids of exactly nine letters and digits (error 3280,
    https://github.com/anomalyco/opencode/issues/1680, seen 2026-11-21). The same id always gives the same short one."""

    def short(message: JsonObject) -> JsonObject:
        calls, answered = message.get("tool_calls"), message.get("tool_call_id")
        changes: JsonObject = {}
        if isinstance(calls, list):
            changes["tool_calls"] = [
                {**call, "id": short_id(call["id"])}
                if isinstance(call, dict) and isinstance(call.get("id"), str)
                else call
                for call in calls
            ]
        if isinstance(answered, str) and answered:
            changes["tool_call_id"] = short_id(answered)
        return {**message, **changes} if changes else message

    return _with_messages(body, short)


def short_id(id: str) -> str:
    if _NINE.fullmatch(id):
        return id
    return b32encode(blake2b(id.encode(), digest_size=6).digest()).decode()[:9]


_NINE = re.compile(r"[a-zA-Z0-9]{9}")


def mistral_messages(body: JsonObject) -> JsonObject:
    """Mistral answers 422 to any field that it does not know (https://github.com/charmbracelet/crush/issues/1590, seen
    2026-11-21), its own `prefix` and the `name` of a tool's answer aside. A file in the request is to it a link that
    holds it; its own `file` names one of its store (mistralai 3.7.0, `ContentChunk`, seen 2026-11-26)."""

    def strict(message: JsonObject) -> JsonObject:
        known = _MESSAGE_FIELDS | ({"name"} if message.get("role") == "tool" else {"prefix"})
        out = _only(message, known)
        if out.get("tool_calls") is None:
            out = {name: value for name, value in out.items() if name != "tool_calls"}
        if isinstance(content := out.get("content"), list):
            out["content"] = [_as_document(part) for part in content]
        return out

    return _with_messages(body, strict)


def _as_document(part: Json) -> Json:
    match part:
        case {"type": "file", "file": {"file_data": str(url), **rest}}:
            named = {"document_name": rest["filename"]} if isinstance(rest.get("filename"), str) else {}
            return {"type": "document_url", "document_url": url, **named}
        case {"type": "file", "file": {"file_id": str(id)}}:
            return {"type": "file", "file_id": id}
    return part


def thinking_as_parts(body: JsonObject) -> JsonObject:
    """Magistral takes its earlier thinking back as parts of the content
    (https://docs.mistral.ai/capabilities/reasoning, seen 2026-11-21)."""

    def with_parts(message: JsonObject) -> JsonObject:
        thought = message.get("reasoning_content")
        if message.get("role") != "assistant" or not isinstance(thought, str) or not thought:
            return message
        content = message.get("content")
        if content and not isinstance(content, (str, list)):
            return message
        if isinstance(content, list) and any(isinstance(i, dict) and i.get("type") == "thinking" for i in content):
            return message
        said = [{"type": "text", "text": content}] if isinstance(content, str) and content else content or []
        part = {"type": "thinking", "thinking": [{"type": "text", "text": thought}]}
        out = {name: value for name, value in message.items() if name not in ("reasoning_content", "thinking_blocks")}
        return {**out, "content": [part, *said]}

    return _with_messages(body, with_parts)


def _with_messages(body: JsonObject, patch: _MessagePatch) -> JsonObject:
    messages = body.get("messages")
    if not isinstance(messages, list):
        return body
    return {**body, "messages": [patch(message) if isinstance(message, dict) else message for message in messages]}


def _only(message: JsonObject, known: Container[str]) -> JsonObject:
    return {name: message[name] for name in message if name in known}


def _is_text(item: Json) -> bool:
    return isinstance(item, dict) and item.get("type") == "text" and isinstance(item.get("text"), str)


def _thought(blocks: Json) -> str:
    known = blocks if isinstance(blocks, list) else ()
    texts = (block.get("thinking") for block in known if isinstance(block, Mapping))
    return "".join(text for text in texts if isinstance(text, str))
