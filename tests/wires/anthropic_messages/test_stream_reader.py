"""Anthropic's event stream, read."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tollbridge.errors import (
    APIError,
    APITimeoutError,
    BadGatewayError,
    BadRequestError,
    InternalServerError,
    OverloadedError,
    RateLimitError,
    Truncated,
)
from tollbridge.model.events import Event
from tollbridge.model.fold import Folder
from tollbridge.model.parts import Opaque, Text, ToolCall
from tollbridge.model.response import Response
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES as WIRE
from tollbridge.wires.base import SseEvent

START = {
    "type": "message_start",
    "message": {"id": "m1", "model": "m", "usage": {"input_tokens": 5, "output_tokens": 1}},
}
STOP = {"type": "message_stop"}


def sse(said: Any) -> SseEvent:
    return SseEvent(msgspec.json.encode(said).decode(), said["type"])


def read(*said: Any, close: bool = True) -> Response:
    reader, folder = WIRE.stream_reader(), Folder()
    for one in said:
        for event in reader.feed(sse(one)):
            folder.add(event)
    if close:
        for event in reader.close():
            folder.add(event)
    return folder.response()


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[Any]:
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def ended(reason: str = "end_turn", **usage: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage}


def test_a_cut_stream_is_an_error_and_what_came_can_be_asked_for() -> None:
    reader, folder = WIRE.stream_reader(), Folder()
    text = block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Hal"})[:-1]
    for one in (START, *text):
        for event in reader.feed(sse(one)):
            folder.add(event)
    with pytest.raises(Truncated):
        reader.close()
    response = folder.response()
    assert response.choices[0].parts == (Text(text="Hal"),)
    assert response.usage is not None
    assert response.usage.input == 5
    assert response.choices[0].finish is None


def test_a_stream_cut_after_message_delta_has_not_finished() -> None:
    assert read(START, ended(), close=False).choices == ()


@pytest.mark.parametrize(
    ("kind", "raised"),
    [
        ("overloaded_error", OverloadedError),
        ("rate_limit_error", RateLimitError),
        ("api_error", InternalServerError),
        ("timeout_error", APITimeoutError),
        ("invalid_request_error", BadRequestError),
        ("never_seen_error", InternalServerError),
    ],
)
def test_an_error_event_is_raised(kind: str, raised: type[APIError]) -> None:
    with pytest.raises(raised, match="Sorry") as caught:
        read(START, {"type": "error", "error": {"type": kind, "message": "Sorry"}, "request_id": "req_1"})
    assert caught.value.request_id == "req_1"
    assert caught.value.type == kind


def test_usage_is_cumulative_and_the_last_valid_figure_counts() -> None:
    start = {**START, "message": {"usage": {"input_tokens": 5, "cache_read_input_tokens": 20, "output_tokens": 1}}}
    response = read(
        start,
        ended(output_tokens=4, input_tokens=None),
        ended(output_tokens=-1, cache_read_input_tokens="many"),
        ended(output_tokens=9),
        STOP,
    )
    usage = response.usage
    assert usage is not None
    assert (usage.input, usage.cache_read, usage.output) == (25, 20, 9)


def test_a_tool_call_without_deltas_has_the_input_of_its_start() -> None:
    tool = {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}}
    assert read(START, *block(0, tool), STOP).choices[0].parts == (ToolCall(id="t", name="f", arguments='{"x":1}'),)


def test_deltas_replace_the_input_of_the_start() -> None:
    tool = {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1}}
    deltas = ({"type": "input_json_delta", "partial_json": piece} for piece in ("", '{"x":', "2}"))
    assert read(START, *block(0, tool, *deltas), STOP).choices[0].parts == (
        ToolCall(id="t", name="f", arguments='{"x":2}'),
    )


def test_a_tool_call_without_arguments_has_an_empty_object() -> None:
    tool = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    (part,) = read(START, *block(0, tool, {"type": "input_json_delta", "partial_json": ""}), STOP).choices[0].parts
    assert part == ToolCall(id="t", name="f", arguments="{}")


def test_server_tools_are_the_providers() -> None:
    tool = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "bash_code_execution", "input": {}}
    (part,) = read(START, *block(0, tool), STOP).choices[0].parts
    assert isinstance(part, ToolCall)
    assert part.runs_on == "provider"


def test_a_block_of_an_unknown_kind_is_put_together() -> None:
    deltas = ({"type": "novel_delta", "content": piece, "level": n, "tags": [n]} for n, piece in enumerate(("a", "b")))
    said = block(0, {"type": "novel", "content": "", "tags": []}, *deltas)
    text = block(1, {"type": "text", "text": ""}, {"type": "text_delta", "text": "x"})
    assert read(START, *said, *text, STOP).choices[0].parts == (
        Opaque(wire=WIRE.name, value={"type": "novel", "content": "ab", "level": 1, "tags": [0, 1]}),
        Text(text="x"),
    )


def test_pings_and_unknown_events_say_nothing() -> None:
    reader = WIRE.stream_reader()
    said: list[Event] = [*reader.feed(sse({"type": "ping"})), *reader.feed(sse({"type": "novel", "x": 1}))]
    assert said == []


def test_a_done_marker_of_another_format_after_the_end_says_nothing() -> None:
    reader = WIRE.stream_reader()
    assert list(reader.feed(sse(STOP))) == []
    assert list(reader.feed(SseEvent("[DONE]"))) == []


def test_the_name_of_the_event_stands_in_for_a_missing_type() -> None:
    reader = WIRE.stream_reader()
    assert list(reader.feed(SseEvent("{}", "message_stop"))) == []
    assert list(reader.close()) == []


@pytest.mark.parametrize(
    "data",
    [
        "not json",
        "[]",
        "null",
        '{"type": "message_start"}',
        '{"type": "content_block_start", "index": 0, "content_block": {}}',
        '{"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use"}}',
        '{"type": "content_block_delta", "index": 7, "delta": {"type": "text_delta", "text": "x"}}',
        '{"type": "content_block_stop", "index": 7}',
        '{"type": "message_delta", "delta": 3}',
        '{"type": {"a": 1}}',
    ],
)
def test_garbage_is_a_gateway_error(data: str) -> None:
    with pytest.raises(BadGatewayError):
        WIRE.stream_reader().feed(SseEvent(data))
