"""The normal forms of Ollama's requests: every difference between what a client of the format sent and what is written
for the same that the law of requests forgives."""

from __future__ import annotations

from typing import Any

from tests.wires.laws import NormalForm

_EMPTY = {"tools": [], "format": "", "options": {}, "keep_alive": None}


def _without_empty(body: Any) -> Any:
    return {key: value for key, value in body.items() if _EMPTY.get(key, body) != value}


def _without_ids(body: Any) -> Any:
    for message in body["messages"]:
        message.pop("tool_call_id", None)
        message.pop("tool_name", None)
        for call in message.get("tool_calls") or ():
            call.pop("id", None)
    return body


FORMS = (
    NormalForm("nothing_set", "a setting that is empty says what an absent one says", request=_without_empty),
    NormalForm(
        "calls_named",
        "calls have ids here and results name their call; servers that know neither pass over them",
        request=_without_ids,
    ),
)
