"""Events of other providers, written as Anthropic's event stream."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from tests.wires import laws
from tollbridge.errors import RateLimitError
from tollbridge.model.events import Began, Cited, Closed, Event, Extra, Finished, Grew, Logprobs, Noted, Opened
from tollbridge.model.fold import fold
from tollbridge.model.parts import Citation, Media, Part, Refusal, Text, Thinking, ToolCall, Url
from tollbridge.model.response import Finish, Usage
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES as WIRE
from tollbridge.wires.base import Head
from tollbridge.wires.seal import Seals

SEALS = Seals(b"k" * 32)
HEAD = Head(id="r1", model="m", origin="openai_chat", account="acc", seals=SEALS)


def written(*events: Event) -> tuple[list[dict[str, Any]], list[str]]:
    writer = WIRE.stream_writer(HEAD)
    stream = b"".join([*(writer.write(event) for event in events), writer.close()])
    return said(stream), [caveat.code for caveat in writer.caveats]


def said(stream: bytes) -> list[dict[str, Any]]:
    events = laws.frame(stream)
    decoded = [msgspec.json.decode(event.data) for event in events]
    assert [event.event for event in events] == [one["type"] for one in decoded]
    return decoded


def blocks(events: Iterable[dict[str, Any]]) -> list[str]:
    """The shape of a stream: a block's type at its start, `.` for its end. Blocks never overlap."""
    shape, open_index, last = [], None, -1
    for event in events:
        match event["type"]:
            case "content_block_start":
                assert open_index is None
                assert event["index"] == last + 1
                open_index = last = event["index"]
                shape.append(event["content_block"]["type"])
            case "content_block_delta":
                assert event["index"] == open_index
            case "content_block_stop":
                assert event["index"] == open_index
                open_index = None
                shape.append(".")
    assert open_index is None
    return shape


def opened(index: int, part: Part) -> Opened:
    return Opened(0, index, part)


STOP = Finished(0, Finish(reason="stop", raw="stop"))


def test_an_answer_is_started_once_and_ended_once() -> None:
    events, caveats = written(Began("r9", "m9"), opened(0, Text(text="")), Grew(0, 0, "Hi"), STOP)
    assert [event["type"] for event in events] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    message = events[0]["message"]
    assert (message["id"], message["model"], message["content"]) == ("r9", "m9", [])
    assert (message["type"], message["role"], message["stop_reason"]) == ("message", "assistant", None)
    assert caveats == []


def test_an_answer_of_nothing_is_still_a_message() -> None:
    events, _ = written(Began())
    assert [event["type"] for event in events] == ["message_start", "message_delta", "message_stop"]
    assert events[0]["message"]["id"] == "r1"
    assert events[1]["delta"]["stop_reason"] == "end_turn"


def test_usage_told_at_once_stands_at_the_start_and_the_last_one_at_the_end() -> None:
    early, late = Usage(input=7, cache_read=2), Usage(input=7, cache_read=2, output=3, reasoning=1)
    events, _ = written(Began(), Noted(early), opened(0, Text(text="x")), STOP, Noted(late))
    assert events[0]["message"]["usage"]["input_tokens"] == 5
    assert events[-2]["usage"] == {
        "input_tokens": 5,
        "cache_read_input_tokens": 2,
        "output_tokens": 3,
        "output_tokens_details": {"thinking_tokens": 1},
    }


def test_usage_after_the_finish_is_in_time() -> None:
    events, _ = written(Began(), STOP, Noted(Usage(input=7, output=3)))
    assert events[0]["message"]["usage"] == {"input_tokens": 0, "output_tokens": 0}
    assert events[-2]["usage"] == {"input_tokens": 7, "output_tokens": 3}


def test_interleaved_tool_calls_are_put_in_a_row() -> None:
    events, _ = written(
        Began(),
        opened(0, Text(text="")),
        Grew(0, 0, "Looking."),
        opened(1, ToolCall(id="a", name="f")),
        Grew(0, 1, '{"x"', "arguments"),
        opened(2, ToolCall(id="b", name="g")),
        Grew(0, 2, '{"y":', "arguments"),
        Grew(0, 1, ":1}", "arguments"),
        Grew(0, 2, "2}", "arguments"),
        Finished(0, Finish(reason="tool_calls")),
    )
    assert blocks(events) == ["text", ".", "tool_use", ".", "tool_use", "."]
    inputs: dict[int, str] = {}
    for event in events:
        if event["type"] == "content_block_delta" and event["delta"]["type"] == "input_json_delta":
            inputs[event["index"]] = inputs.get(event["index"], "") + event["delta"]["partial_json"]
    assert inputs == {1: '{"x":1}', 2: '{"y":2}'}
    assert events[-2]["delta"] == {"stop_reason": "tool_use", "stop_sequence": None}


def test_foreign_thinking_is_sealed_when_it_ends() -> None:
    events, _ = written(
        Began(),
        opened(0, Thinking(origin="openai_responses")),
        Grew(0, 0, "hm"),
        Grew(0, 0, "e", "signature"),
        Grew(0, 0, "nc", "signature"),
        opened(1, Text(text="So")),
        STOP,
    )
    assert blocks(events) == ["thinking", ".", "text", "."]
    (signature,) = [e["delta"]["signature"] for e in events if e.get("delta", {}).get("type") == "signature_delta"]
    sealed = SEALS.open(signature)
    assert sealed is not None
    assert (sealed.wire, sealed.account, sealed.payload) == ("openai_responses", "acc", "enc")


def test_redacted_thinking_is_written_when_it_is_whole() -> None:
    hidden = Thinking(redacted=True, origin="gemini")
    events, _ = written(Began(), opened(0, hidden), Grew(0, 0, "enc", "signature"), Closed(0, 0), STOP)
    assert blocks(events) == ["redacted_thinking", "."]
    sealed = SEALS.open(events[1]["content_block"]["data"])
    assert sealed is not None
    assert sealed.payload == "enc"


def test_a_tool_calls_signature_stands_before_it_or_after_it() -> None:
    early = ToolCall(id="a", name="f", signature="s", origin="gemini")
    late = ToolCall(id="b", name="g", origin="gemini")
    events, _ = written(
        Began(),
        opened(0, early),
        Grew(0, 0, "{}", "arguments"),
        Closed(0, 0),
        opened(1, late),
        Grew(0, 1, "{}", "arguments"),
        Grew(0, 1, "t", "signature"),
        Closed(0, 1),
        Finished(0, Finish(reason="tool_calls")),
    )
    assert blocks(events) == ["redacted_thinking", ".", "tool_use", ".", "tool_use", ".", "redacted_thinking", "."]


def test_a_late_citation_is_said_and_an_early_one_is_written() -> None:
    citation = Citation(url="https://a.example", title="A", origin="openai_chat")
    events, caveats = written(
        Began(),
        opened(0, Text(text="")),
        Grew(0, 0, "Calm"),
        Noted(Cited(0, citation)),
        Closed(0, 0),
        Noted(Cited(0, citation)),
        STOP,
    )
    cited = [e["delta"]["citation"]["url"] for e in events if e.get("delta", {}).get("type") == "citations_delta"]
    assert cited == ["https://a.example"]
    assert caveats == ["dropped_part"]


def test_a_refusal_is_text_and_a_reason() -> None:
    events, _ = written(Began(), opened(0, Refusal(text="")), Grew(0, 0, "No."), STOP)
    assert blocks(events) == ["text", "."]
    assert events[-2]["delta"]["stop_reason"] == "refusal"


def test_what_has_no_place_is_said_once_and_leaves_no_gap() -> None:
    picture = Media(media_type="image/png", source=Url(url="https://a.example/x.png"))
    events, caveats = written(
        Began(extra={"system_fingerprint": "fp"}),
        Noted(Extra("response", {"service_tier": "x"})),
        opened(0, picture),
        Closed(0, 0),
        opened(1, Text(text="x")),
        Noted(Logprobs({"content": []})),
        Opened(1, 0, Text(text="other choice")),
        Grew(1, 0, "more"),
        STOP,
    )
    assert blocks(events) == ["text", "."]
    assert sorted(caveats) == ["dropped_choice", "dropped_field", "dropped_part", "dropped_part"]


def test_text_that_goes_on_after_a_tool_call_is_a_new_block() -> None:
    events, _ = written(
        Began(),
        opened(0, Text(text="")),
        Grew(0, 0, "A"),
        opened(1, ToolCall(id="a", name="f", arguments="{}")),
        Grew(0, 0, "B"),
        STOP,
    )
    assert blocks(events) == ["text", ".", "tool_use", ".", "text", "."]


def test_a_failing_stream_ends_with_an_error_event_and_no_stop() -> None:
    writer = WIRE.stream_writer(HEAD)
    stream = writer.write(Began()) + writer.write(opened(0, Text(text="Hal")))
    stream += writer.fail(RateLimitError("Slow down.", request_id="req_1"))
    events = said(stream)
    assert events[-1] == {
        "type": "error",
        "error": {"type": "rate_limit_error", "message": "Slow down."},
        "request_id": "req_1",
    }
    assert "message_stop" not in [event["type"] for event in events]


def test_what_was_written_reads_as_the_same_answer() -> None:
    events: list[Event] = [
        Began("r1", "m"),
        opened(0, Thinking(origin="gemini")),
        Grew(0, 0, "hm"),
        opened(1, Text(text="")),
        Grew(0, 1, "Hi"),
        opened(2, ToolCall(id="a", name="f", arguments='{"x":1}')),
        Finished(0, Finish(reason="tool_calls")),
        Noted(Usage(input=5, output=2)),
    ]
    wanted = fold(events)
    writer = WIRE.stream_writer(HEAD)
    stream = b"".join([*(writer.write(event) for event in events), writer.close()])
    got = fold(laws.read_stream(WIRE, stream))
    assert [type(part) for part in got.choices[0].parts] == [type(part) for part in wanted.choices[0].parts]
    assert got.choices[0].parts[1:] == wanted.choices[0].parts[1:]
    assert got.usage is not None
    assert (got.usage.input, got.usage.output) == (5, 2)


def test_no_block_is_empty() -> None:
    events, _ = written(
        Began(),
        opened(0, Thinking()),
        opened(1, Text(text="")),
        Closed(0, 1),
        opened(2, Refusal(text="")),
        opened(3, Text(text="")),
        Grew(0, 3, "x"),
        STOP,
    )
    assert blocks(events) == ["text", "."]


def test_thinking_without_text_keeps_its_signature() -> None:
    encrypted = Thinking(signature="enc", origin="openai_responses")
    events, _ = written(Began(), opened(0, encrypted), Closed(0, 0), opened(1, Thinking(origin="gemini")),
                        Grew(0, 1, "late", "signature"), STOP)  # fmt: skip
    assert blocks(events) == ["thinking", ".", "thinking", "."]


def test_arguments_that_are_free_text_are_wrapped_whole() -> None:
    events, _ = written(
        Began(),
        opened(0, ToolCall(id="a", name="run")),
        Grew(0, 0, " ", "arguments"),
        Grew(0, 0, "print(", "arguments"),
        Grew(0, 0, "1)", "arguments"),
        Closed(0, 0),
        opened(1, ToolCall(id="b", name="f")),
        Grew(0, 1, ' {"x":1}', "arguments"),
        Finished(0, Finish(reason="tool_calls")),
    )
    assert blocks(events) == ["tool_use", ".", "tool_use", "."]
    pieces = [event["delta"]["partial_json"] for event in events if event["type"] == "content_block_delta"]
    assert [msgspec.json.decode(piece) for piece in pieces] == [{"INVALID_JSON": "print(1)"}, {"x": 1}]
