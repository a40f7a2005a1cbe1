"""What clients of chat say beyond the common, where Anthropic has a word for it."""

from __future__ import annotations

from typing import Any

import pytest

from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES
from tollbridge.wires.base import Target
from tollbridge.wires.openai_chat import OPENAI_CHAT


def written(**fields: Any) -> tuple[dict[str, Any], list[str]]:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **fields}
    made = ANTHROPIC_MESSAGES.write_request(
        OPENAI_CHAT.read_request(body).value, Target(model="claude-sonnet-4-5", max_output_tokens=64000)
    )
    return made.value.body, [f"{caveat.code} {caveat.where}" for caveat in made.caveats]


def test_a_search_of_the_web_is_the_vendors_own_tool_beside_the_clients() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    place = {"type": "approximate", "approximate": {"city": "Oslo", "country": "NO"}}
    body, caveats = written(tools=[tool], web_search_options={"search_context_size": "low", "user_location": place})
    assert body["tools"][1] == {
        "type": "web_search_20250305",
        "name": "web_search",
        "max_uses": 1,
        "user_location": {"type": "approximate", "city": "Oslo", "country": "NO"},
    }
    assert caveats == []


def test_a_search_without_wishes_has_none() -> None:
    assert written(web_search_options={})[0]["tools"] == [{"type": "web_search_20250305", "name": "web_search"}]


@pytest.mark.parametrize(
    ("said", "sent"), [("auto", None), ("default", "standard_only"), ("standard_only", "standard_only")]
)
def test_a_service_tier_is_said_in_the_vendors_words(said: str, sent: str | None) -> None:
    body, caveats = written(service_tier=said)
    assert body.get("service_tier") == sent
    assert caveats == []


def test_the_vendors_own_fields_go_out_as_they_are_and_the_rest_is_told() -> None:
    body, caveats = written(context_management={"edits": []}, logit_bias={"1": 2}, service_tier="flex")
    assert body["context_management"] == {"edits": []}
    assert caveats == ["dropped_param $.logit_bias", "dropped_param $.service_tier"]


def test_a_field_of_the_same_name_and_another_shape_is_not_the_vendors() -> None:
    """OpenAI's Responses have a list there."""
    body, caveats = written(context_management=[{"type": "compaction", "compact_threshold": 1000}], inference_geo=None)
    assert body.keys().isdisjoint({"context_management", "inference_geo"})
    assert caveats == ["dropped_param $.context_management"]
