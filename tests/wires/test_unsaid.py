"""What only the client's own format has a field for is told when it is left behind."""

from __future__ import annotations

from typing import Any

import pytest

from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES
from tollbridge.wires.base import Wire
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.unsaid import unsaid


def told(wire: Wire, body: dict[str, Any]) -> list[str]:
    return [caveat.where for caveat in unsaid(wire.read_request(body).value)]


def image(**fields: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": "https://example.com/a.png", **fields}}


def test_how_closely_to_look_at_a_picture_is_told() -> None:
    said = {"model": "m", "messages": [{"role": "user", "content": [image(detail="high")]}]}
    assert told(OPENAI_CHAT, said) == ["$.messages[0]..image_url.detail"]


@pytest.mark.parametrize("fields", [{}, {"detail": "auto"}, {"detail": None}])
def test_what_wishes_for_nothing_goes_without_a_word(fields: dict[str, Any]) -> None:
    assert told(OPENAI_CHAT, {"model": "m", "messages": [{"role": "user", "content": [image(**fields)]}]}) == []


def test_documents_tools_and_results_are_looked_into_and_each_field_is_named_once() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "x"}
    document = {"type": "document", "source": source, "citations": {"enabled": True}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [document]}
    said = {
        "model": "m",
        "max_tokens": 5,
        "tools": [{"name": "f", "input_schema": {"type": "object"}, "defer_loading": True}],
        "messages": [
            {"role": "user", "content": [document]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
            {"role": "user", "content": [result]},
        ],
    }
    assert told(ANTHROPIC_MESSAGES, said) == ["$.messages[0]..citations", "$.tools[0].defer_loading"]
