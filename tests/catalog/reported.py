"""The usage that recorded exchanges report: the vendor's own words, and what our readers make of it.

Formats without a wire here (Responses, Bedrock) are read in a few lines of this file, so that prices are tried
on their counts too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.shared import recordings
from tollbridge.catalog.facts import ModelFacts, facts
from tollbridge.model.response import Usage
from tollbridge.sdk.usages import as_chat_usage
from tollbridge.wires.anthropic_messages.usage import merged_usage
from tollbridge.wires.anthropic_messages.usage import read_usage as read_anthropic
from tollbridge.wires.cohere.usage import read_usage as read_cohere
from tollbridge.wires.gemini.usage import read_usage as read_gemini
from tollbridge.wires.openai_chat.usage import read_usage as read_chat

PROVIDERS = {"vertex": "vertex_ai", "together": "together_ai"}


class Reported(NamedTuple):
    """`raw`: the vendor's usage object; `form`: whose words it is in; `tier`: told beside it."""

    id: str
    provider: str
    model: str
    form: str
    raw: dict[str, Any]
    usage: Usage
    tier: str | None
    known: ModelFacts


def all_reported() -> Iterator[Reported]:
    for recorded in recordings():
        if recorded["status"] != 200:
            continue
        read = _FORMS.get(recorded["endpoint"])
        found = None if read is None else read(recorded)
        if found is None:
            continue
        form, raw, usage, model, tier = found
        provider = PROVIDERS.get(recorded["provider"], recorded["provider"])
        for name in dict.fromkeys([model, recorded["model"]]):
            known = None if not name else facts(provider, name)
            if known is not None and known.prices:
                yield Reported(recorded["id"], provider, name, form, raw, usage, tier, known)
                break


def _events(recorded: dict[str, Any]) -> list[dict[str, Any]]:
    body = recorded.get("response_body")
    if isinstance(body, dict):
        return [body]
    if isinstance(body, list):
        return [item for item in body if isinstance(item, dict)]
    found = []
    for line in (recorded.get("response_text") or "").splitlines():
        if line.startswith("data:"):
            try:
                event = json.loads(line[5:])
            except ValueError:
                continue
            if isinstance(event, dict):
                found.append(event)
    return found


_Found = tuple[str, dict[str, Any], Usage, str, str | None]


def _chat(recorded: dict[str, Any]) -> _Found | None:
    told = [event for event in _events(recorded) if isinstance(event.get("usage"), dict)]
    for event in reversed(told):
        usage = read_chat(event["usage"])
        if usage is not None:
            return "chat", event["usage"], usage, event.get("model") or "", event.get("service_tier")
    return None


def _messages(recorded: dict[str, Any]) -> _Found | None:
    raw: dict[str, Any] = {}
    model = ""
    for event in _events(recorded):
        message = event.get("message") if event.get("type") == "message_start" else event
        if isinstance(message, dict):
            model = message.get("model") or model
            raw = merged_usage(raw, message.get("usage"))
    usage = read_anthropic(raw) if raw else None
    if usage is None or not raw.get("output_tokens"):
        return None
    return "messages", raw, usage, model, None


def _responses(recorded: dict[str, Any]) -> _Found | None:
    for event in reversed(_events(recorded)):
        answer = event.get("response") if isinstance(event.get("response"), dict) else event
        assert isinstance(answer, dict)
        if isinstance(answer.get("usage"), dict) and "input_tokens" in answer["usage"]:
            usage = read_chat(as_chat_usage(answer["usage"]))
            if usage is not None:
                return "responses", answer["usage"], usage, answer.get("model") or "", answer.get("service_tier")
    return None


def _gemini(recorded: dict[str, Any]) -> _Found | None:
    for event in reversed(_events(recorded)):
        raw = event.get("usageMetadata")
        if isinstance(raw, dict) and "promptTokenCount" in raw:
            usage = read_gemini(raw)
            assert usage is not None
            return "gemini", raw, usage, event.get("modelVersion") or "", None
    return None


def _converse(recorded: dict[str, Any]) -> _Found | None:
    for event in reversed(_events(recorded)):
        raw = event.get("usage")
        if isinstance(raw, dict) and "inputTokens" in raw:
            read, write = raw.get("cacheReadInputTokens", 0), raw.get("cacheWriteInputTokens", 0)
            usage = Usage(
                input=raw["inputTokens"] + read + write,
                output=raw["outputTokens"],
                cache_read=read,
                cache_write=write,
            )
            return "converse", raw, usage, "", None
    return None


def _cohere(recorded: dict[str, Any]) -> _Found | None:
    for event in reversed(_events(recorded)):
        raw = event.get("usage") or event.get("delta", {}).get("usage")
        usage = read_cohere(raw)
        if usage is not None:
            return "cohere", raw, usage, "", None
    return None


_FORMS = {
    "chat.completions": _chat,
    "messages": _messages,
    "responses": _responses,
    "generateContent": _gemini,
    "streamGenerateContent": _gemini,
    "converse": _converse,
    "v2.chat": _cohere,
}
