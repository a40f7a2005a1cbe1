from __future__ import annotations

import statistics
from typing import Any

import pytest

from tests.shared import recordings
from tollbridge.catalog.tokens import EXACT_CHARACTERS_MAX, count_request, count_text
from tollbridge.errors import APIError
from tollbridge.model.parts import Inline, Media, Opaque, Text, Thinking, ToolCall, ToolResult, Url
from tollbridge.model.request import Message, OutputFormat, Request, Tool
from tollbridge.wires.anthropic_messages import ANTHROPIC_MESSAGES
from tollbridge.wires.base import Wire
from tollbridge.wires.openai_chat import OPENAI_CHAT


def asked(*parts: Any, model: str = "gpt-4o", **more: Any) -> int:
    return count_request(Request(model=model, messages=(Message(role="user", parts=parts),), **more))


def test_text_of_openais_models_is_counted_exactly() -> None:
    assert count_text("hello world", "gpt-4o") == 2
    assert count_text("hello world", "gpt-4") == 2
    assert count_text("", "gpt-4o") == 0


def test_other_vendors_text_counts_for_more() -> None:
    text = "The quick brown fox jumps over the lazy dog. " * 20
    assert count_text(text, "claude-opus-4-5") > count_text(text, "gpt-4o")
    assert count_text(text, "bedrock/anthropic.claude-3") == count_text(text, "claude-opus-4-5")


def test_a_request_costs_a_little_more_than_its_text() -> None:
    assert asked(Text(text="hello world")) == 2 + 4 + 3


def test_each_kind_of_part_counts() -> None:
    least = asked()
    picture = Media(media_type="image/png", source=Url(url="https://x/y.png"))
    pdf = Media(media_type="application/pdf", source=Inline(data="A" * 200_000))
    sound = Media(media_type="audio/wav", source=Inline(data="A" * 200_000))
    for part in (
        Text(text="a b c"),
        Thinking(text="a b c"),
        ToolCall(id="1", name="f", arguments='{"a": 1}'),
        ToolResult(call_id="1", content=(Text(text="a b c"), picture)),
        Opaque(wire="x", value={"a": ["b"]}),
        picture,
        pdf,
        sound,
    ):
        assert asked(part) > least, part
    assert asked(picture) == asked(Media(media_type="image/*", source=Inline(data="A" * 10**6)))
    assert asked(pdf) - least == 3 * 1500


def test_thinking_of_earlier_turns_does_not_count() -> None:
    thought = Message(role="assistant", parts=(Thinking(text="hm " * 100), ToolCall(id="1", name="f", arguments="{}")))
    result = Message(role="user", parts=(ToolResult(call_id="1", content=(Text(text="1"),)),))
    spoken = Message(role="user", parts=(Text(text="go"),))

    def count(*messages: Message) -> int:
        return count_request(Request(model="claude-opus-4-5", messages=messages))

    assert count(spoken, thought, result) > 100
    assert count(spoken, thought, result, spoken) < 60


def test_tools_and_a_schema_count() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string", "description": "Where"}}}
    tool = Tool(name="weather", description="The weather of a city.", schema=schema)
    assert asked(tools=(tool,)) > asked()
    assert asked(tools=(tool, tool)) > asked(tools=(tool,))
    assert asked(tools=(Opaque(wire="x", value={"type": "web_search"}),)) > asked()
    assert asked(output=OutputFormat(kind="schema", schema=schema)) > asked(output=OutputFormat(kind="json"))


@pytest.mark.parametrize("text", ["The quick brown fox. ", "a", "!", "日本語 ", "QUJDREVG/+z9x"])
def test_a_long_text_is_sampled_and_comes_out_near(text: str) -> None:
    long = text * (2 * EXACT_CHARACTERS_MAX // len(text))
    part = count_text(long[: EXACT_CHARACTERS_MAX // 2], "gpt-4o")
    assert count_text(long, "gpt-4o") == pytest.approx(4 * part, rel=0.02)


def test_many_short_messages_are_sampled_too() -> None:
    parts = tuple(Text(text="The quick brown fox. " * 100) for _ in range(400))
    assert asked(*parts) == pytest.approx(400 * asked(parts[0]), rel=0.05)


def test_counts_are_near_what_recorded_providers_counted() -> None:
    """Requests without media and server tools: the provider's own input tokens against ours."""
    errors: dict[str, list[float]] = {}
    wires: tuple[tuple[Wire, tuple[str, ...]], ...] = (
        (OPENAI_CHAT, ("chat.completions",)),
        (ANTHROPIC_MESSAGES, ("messages", "messages.count_tokens")),
    )
    for wire, endpoints in wires:
        for recorded in recordings(endpoints=endpoints):
            counted = _told(recorded)
            if counted is None or not _is_plain(recorded["request_body"]):
                continue
            try:
                request = wire.read_request(recorded["request_body"]).value
            except APIError:
                continue
            family = "openai" if recorded["provider"] in ("openai", "azure") else recorded["provider"]
            kind = f"{family}{' with tools' if request.tools else ''}"
            errors.setdefault(kind, []).append(abs(count_request(request) - counted) / counted)
    for kind, found in sorted(errors.items()):
        if len(found) >= 8:
            print(f"{kind}: {len(found)} requests, median error {statistics.median(found):.0%}")
    assert statistics.median(errors["openai"]) < 0.02
    assert statistics.median(errors["anthropic"]) < 0.15
    assert statistics.median(errors["openai with tools"]) < 0.15
    assert statistics.median(errors["anthropic with tools"]) < 0.15


def _told(recorded: dict[str, Any]) -> int | None:
    answer = recorded.get("response_body")
    if recorded["status"] != 200 or not isinstance(answer, dict):
        return None
    usage = answer.get("usage") or answer
    cached = (usage.get("cache_read_input_tokens") or 0) + (usage.get("cache_creation_input_tokens") or 0)
    counted = usage.get("prompt_tokens") or usage.get("input_tokens")
    return counted + cached if counted and counted + cached >= 10 else None


def _is_plain(body: Any) -> bool:
    text = str(body)
    marks = ("'image", "'document'", "'file'", "input_audio", "web_search", "code_execution", "mcp_servers", "advisor")
    return isinstance(body, dict) and bool(body.get("messages")) and not any(mark in text for mark in marks)
