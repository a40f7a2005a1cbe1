from __future__ import annotations

import random
import statistics
from collections.abc import Iterator
from typing import Any

import pytest

from tests.shared import recordings
from tollbridge.catalog.tokens import EXACT_CHARACTERS_MAX, count_output, count_request, count_text
from tollbridge.errors import APIError
from tollbridge.model.fold import Folder
from tollbridge.model.parts import Inline, Media, Opaque, Refusal, Text, Thinking, ToolCall, ToolResult, Url
from tollbridge.model.request import Message, OutputFormat, Request, Tool
from tollbridge.model.response import Response
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES
from tollbridge.wires.base import Wire
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.sse import SseParser


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


def test_each_part_of_an_answer_counts_and_nothing_is_nothing() -> None:
    text, call = Text(text="hello world"), ToolCall(id="1", name="f", arguments='{"a": 1}')
    assert count_output((text,), "gpt-4o") == 2
    assert count_output((), "gpt-4o") == count_output((Text(text=""),), "gpt-4o") == 0
    for model in ("gpt-4o", "gpt-5", "claude-sonnet-4-5", "mistral-large", "llama3"):
        least = count_output((text,), model)
        assert count_output((text, call), model) > least
        assert count_output((text, call, call), model) > count_output((text, call), model)
        assert count_output((text, Thinking(text="hm hm hm")), model) > least
        assert count_output((text, Opaque(wire="x", value={"a": "b"})), model) > least


def test_a_call_that_was_cut_counts_as_far_as_it_came() -> None:
    whole = ToolCall(id="1", name="weather", arguments='{"city": "Oslo", "days": [1, 2, 3]}')
    part = ToolCall(id="1", name="weather", arguments='{"city": "Os')
    assert 0 < count_output((part,), "claude-sonnet-4-5") < count_output((whole,), "claude-sonnet-4-5")


def test_answers_are_counted_within_ten_per_cent_of_what_their_providers_billed() -> None:
    """R13: 200 recorded answers, text and calls of tools, of which nothing was hidden: no reasoning, no sound, no
    forced call or format, a part of which vendors write themselves. None has less than 10 tokens."""
    corpus = [
        (recorded["provider"], billed, count_output(response.choices[0].parts, response.model or recorded["model"]))
        for recorded, response in _answers()
        if _is_free(recorded["request_body"]) and (billed := _visible(response)) is not None and billed >= 10
    ]
    sample = random.Random(13).sample(corpus, 200)
    errors: dict[str, list[float]] = {}
    for provider, billed, ours in sample:
        errors.setdefault(provider, []).append(abs(ours - billed) / billed)
    for provider, found in sorted(errors.items()):
        print(f"{provider}: {len(found)} answers, median error {statistics.median(found):.0%}")
    every = [error for found in errors.values() for error in found]
    whole = sum(ours for *_, ours in sample) / sum(billed for _, billed, _ in sample)
    print(f"all: mean {statistics.mean(every):.1%}, median {statistics.median(every):.1%}, together {whole - 1:+.1%}")
    assert abs(whole - 1) < 0.1
    assert statistics.mean(every) < 0.1
    assert statistics.median(every) < 0.05


def _answers() -> Iterator[tuple[dict[str, Any], Response]]:
    for wire, endpoint in ((OPENAI_CHAT, "chat.completions"), (ANTHROPIC_MESSAGES, "messages")):
        for recorded in recordings(endpoints=(endpoint,)):
            if recorded["status"] != 200:
                continue
            try:
                if isinstance(recorded.get("response_body"), dict):
                    yield recorded, wire.read_response(recorded["response_body"])
                elif recorded.get("response_text"):
                    yield recorded, _folded(wire, recorded["response_text"])
            except APIError:
                continue


def _folded(wire: Wire, text: str) -> Response:
    reader, folder = wire.stream_reader(), Folder(origin=wire.name)
    for event in SseParser().feed(text.encode()):
        for said in reader.feed(event):
            folder.add(said)
    return folder.response()


def _is_free(body: Any) -> bool:
    forced = {"response_format", "output_format", "output_config", "plugins", "web_search_options"}
    return (
        isinstance(body, dict)
        and body.get("tool_choice") in (None, "auto", {"type": "auto"})
        and not forced & body.keys()
    )


def _visible(response: Response) -> int | None:
    """The output tokens, where all that they are can be seen."""
    usage = response.usage
    if usage is None or usage.reasoning or usage.audio_output or len(response.choices) != 1:
        return None
    seen = all(
        isinstance(part, (Text, Refusal)) or (isinstance(part, ToolCall) and part.runs_on == "client")
        for part in response.choices[0].parts
    )
    return usage.output if seen else None


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
