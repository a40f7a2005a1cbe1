"""The normal forms of Cohere's requests: every difference between what a client of the format sent and what is written
for the same that the law of requests forgives."""

from __future__ import annotations

from typing import Any

from tests.wires.laws import NormalForm

_BLANK = (None, "", [], [{"type": "text", "text": ""}])


def _single_text(body: Any) -> Any:
    for message in body["messages"]:
        match message.get("content"):
            case [{"type": "text", "text": text}] if text:
                message["content"] = text
    return body


def _no_blank_beside_calls(body: Any) -> Any:
    for message in body["messages"]:
        if message.get("tool_calls") and message.get("content", "absent") in _BLANK:
            del message["content"]
    return body


FORMS = (
    NormalForm("single_text", "a list of one text says what the text alone says", request=_single_text),
    NormalForm("no_blank", "blank content beside calls says what none says", request=_no_blank_beside_calls),
)
