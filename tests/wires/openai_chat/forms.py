"""The normal forms of the chat format: what the laws forgive, and why."""

from __future__ import annotations

from typing import Any

from tests.wires.laws import NormalForm
from tollbridge.wires.openai_chat.vocabulary import FINISH_WORD


def _messages(body: Any) -> list[Any]:
    asked = body.get("messages") or []
    return [*asked, *(choice.get("message") or {} for choice in body.get("choices") or [])]


def _calls(body: Any) -> list[Any]:
    return [call for message in _messages(body) for call in message.get("tool_calls") or []]


def _typed_calls(body: Any) -> Any:
    for call in _calls(body):
        call.setdefault("type", "function")
    return body


def _object_arguments(body: Any) -> Any:
    for call in _calls(body):
        function = call.get("function", {})
        function["arguments"] = function.get("arguments") or "{}"
    return body


def _object_arguments_told(answer: Any) -> Any:
    for choice in answer["choices"]:
        for part in choice["parts"]:
            if part["type"] == "tool_call":
                part["arguments"] = part["arguments"] or "{}"
    return answer


def _complete(body: Any) -> Any:
    for key, value in (("id", ""), ("object", "chat.completion"), ("created", 0), ("model", "")):
        body.setdefault(key, value)
    for index, choice in enumerate(body.get("choices") or []):
        choice.setdefault("index", index)
        for key in ("message", "delta"):
            if isinstance(choice.get(key), dict):
                choice[key].setdefault("role", "assistant")
    return body


def _unspelled(answer: Any) -> Any:
    for choice in answer["choices"]:
        choice["spelling"] = {}
    return answer


def _told(value: Any) -> bool:
    return value not in (None, "", [], {}) and value != {"content": None, "refusal": None}


def _without_nothings(answer: Any) -> Any:
    answer["extra"] = {key: value for key, value in answer["extra"].items() if _told(value)}
    for choice in answer["choices"]:
        choice["logprobs"] = choice["logprobs"] if _told(choice["logprobs"]) else None
        for name in ("extra", "message_extra"):
            choice[name] = {key: value for key, value in choice[name].items() if _told(value)}
    return answer


def _finished(answer: Any) -> Any:
    for choice in answer["choices"]:
        if choice["finish"] is not None and not choice["finish"]["raw"]:
            choice["finish"]["raw"] = FINISH_WORD[choice["finish"]["reason"]]
    return answer


def _chunked(answer: Any) -> Any:
    extra = answer["extra"]
    if str(extra.get("object", "")).startswith("chat.completion"):
        del extra["object"]
    return answer


FORMS = (
    NormalForm(
        "call_type",
        "a tool call without `type` is a function call, and is written as one",
        request=_typed_calls,
        response=_typed_calls,
    ),
    NormalForm(
        "empty_arguments",
        "clients parse `arguments` as JSON: no arguments are written `{}`",
        request=_object_arguments,
        response=_object_arguments,
        answer=_object_arguments_told,
    ),
    NormalForm(
        "complete_answer",
        "clients rely on id, object, created, model, index and role: an answer without one gets it",
        response=_complete,
    ),
    NormalForm("unspelled", "a stream does not tell how its answer would be spelled when whole", answer=_unspelled),
    NormalForm(
        "nothings",
        "fields that are null or empty in each chunk, or in the whole answer alone, say nothing",
        answer=_without_nothings,
    ),
    NormalForm(
        "finish_word",
        "an answer that ended without a finish reason is written with the word for how it ended",
        answer=_finished,
    ),
)
