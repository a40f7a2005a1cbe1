"""Streams as providers send them, and as they break."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.wires import laws
from tollbridge.errors import BadGatewayError, ContextWindowExceededError, RateLimitError, Truncated
from tollbridge.model.events import Event, Finished, Opened
from tollbridge.model.fold import Folder, fold
from tollbridge.model.parts import Part, Text, ToolCall
from tollbridge.model.response import Usage
from tollbridge.wires.base import SseEvent
from tollbridge.wires.openai_chat import OPENAI_CHAT as WIRE


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {} if delta is None else delta, "finish_reason": finish}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **fields}


def read(*chunks: Any, done: bool = True) -> list[Event]:
    return laws.read_stream(WIRE, laws.framed(list(chunks), b"data: [DONE]\n\n" if done else b""))


def parts(*chunks: Any, done: bool = True) -> tuple[Part, ...]:
    return fold(read(*chunks, done=done)).choices[0].parts


def test_a_stream_that_stops_before_its_end_is_truncated_and_what_came_is_kept() -> None:
    reader, folder = WIRE.stream_reader(), Folder()
    for event in reader.feed(SseEvent(msgspec.json.encode(chunk({"content": "so far"})).decode())):
        folder.add(event)
    with pytest.raises(Truncated, match="before its end marker"):
        reader.close()
    assert folder.response().choices[0].parts == (Text(text="so far"),)


def test_an_empty_stream_is_truncated() -> None:
    with pytest.raises(Truncated):
        WIRE.stream_reader().close()


def test_a_finish_reason_ends_a_stream_without_done() -> None:
    assert isinstance(read(chunk({"content": "a"}), chunk({}, "stop"), done=False)[-1], Finished)


def test_one_choice_without_a_finish_reason_keeps_the_stream_open() -> None:
    other = chunk({"content": "b"})
    other["choices"][0]["index"] = 1
    with pytest.raises(Truncated):
        read(chunk({"content": "a"}, "stop"), other, done=False)


def test_done_without_a_finish_reason_ends_as_the_parts_say() -> None:
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
    finishes = [read(chunk(delta))[-1] for delta in ({"content": "a"}, {"tool_calls": [call]})]
    assert [event.finish.reason for event in finishes if isinstance(event, Finished)] == ["stop", "tool_calls"]


def test_what_comes_after_the_finish_reason_is_read() -> None:
    response = fold(read(chunk({"content": "a"}, "stop"), chunk({"content": "b"}), chunk({}, "stop", service_tier="x")))
    assert response.choices[0].parts == (Text(text="ab"),)
    assert response.extra == {"service_tier": "x"}


def test_nothing_after_done_is_read() -> None:
    reader = WIRE.stream_reader()
    reader.feed(SseEvent("[DONE]"))
    assert reader.feed(SseEvent("junk")) == []
    assert reader.close() == []


def test_an_error_in_the_stream_is_raised_with_its_class_and_code() -> None:
    with pytest.raises(ContextWindowExceededError) as raised:
        read(chunk({"content": "a"}), {"error": {"message": "Token limit reached", "code": 400, "metadata": {"a": 1}}})
    assert raised.value.code == 400
    assert raised.value.body == {"error": {"message": "Token limit reached", "code": 400, "metadata": {"a": 1}}}
    with pytest.raises(RateLimitError, match="slow"):
        read(chunk({"content": "a"}), ["error", {"error": {"message": "slow", "code": 429}}])
    with pytest.raises(BadGatewayError, match="overloaded"):
        read(["error", {"message": "overloaded"}])
    broken = chunk({"content": ""}, "error")
    broken["choices"][0]["error"] = {"message": "upstream is busy", "code": 429}
    with pytest.raises(RateLimitError, match="upstream is busy"):
        read(chunk({"content": "a"}), broken)


def test_an_error_event_that_is_no_json_keeps_its_words() -> None:
    with pytest.raises(BadGatewayError, match="out of memory"):
        WIRE.stream_reader().feed(SseEvent("out of memory", "error"))


@pytest.mark.parametrize("data", ["{", "[]", "5", '"x"', '{"choices":[5]}', '{"choices":[{"delta":5}]}', "<html>"])
def test_garbage_in_a_stream_is_a_bad_gateway(data: str) -> None:
    with pytest.raises(BadGatewayError):
        WIRE.stream_reader().feed(SseEvent(data))


def test_the_last_usable_usage_counts() -> None:
    usable = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    bad = [{"prompt_tokens": -1, "completion_tokens": 2}, {"prompt_tokens": "5", "completion_tokens": 2}, {}, "x", None]
    events = read(*(chunk({"content": "a"}, usage=usage) for usage in [usable, *bad]))
    assert laws.usage_of(events) == Usage(input=5, output=2, origin="openai_chat")


def test_calls_without_an_index_are_told_apart_by_their_ids() -> None:
    def call(id: str, **function: str) -> dict[str, Any]:
        return {"id": id, "function": function} if id else {"function": function}

    found = parts(
        chunk({"tool_calls": [call("a", name="f", arguments="{"), call("b", name="g", arguments="[")]}),
        chunk({"tool_calls": [call("a", arguments="}")]}),
        chunk({"tool_calls": [call("b", arguments="]")]}, "tool_calls"),
    )
    assert found == (ToolCall(id="a", name="f", arguments="{}"), ToolCall(id="b", name="g", arguments="[]"))


def test_calls_that_share_an_index_are_told_apart_by_their_ids() -> None:
    def call(id: str, arguments: str) -> dict[str, Any]:
        return {"index": 0, "id": id, "type": "function", "function": {"name": "f", "arguments": arguments}}

    found = parts(chunk({"tool_calls": [call("a", "{}")]}), chunk({"tool_calls": [call("b", "{}")]}, "tool_calls"))
    assert [part.id for part in found if isinstance(part, ToolCall)] == ["a", "b"]


def test_a_provider_may_repeat_id_and_name_in_each_piece() -> None:
    def call(arguments: str) -> dict[str, Any]:
        return {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": arguments}}

    found = parts(chunk({"tool_calls": [call("{")]}), chunk({"tool_calls": [call("}")]}, "tool_calls"))
    assert found == (ToolCall(id="a", name="f", arguments="{}"),)


def test_calls_without_ids_get_ids_that_differ() -> None:
    def call(index: int) -> dict[str, Any]:
        return {"index": index, "function": {"name": "f", "arguments": "{}"}}

    found = parts(chunk({"tool_calls": [call(0), call(1)]}, "tool_calls"))
    assert [part.id for part in found if isinstance(part, ToolCall)] == ["call_c1_0_0", "call_c1_0_1"]


def test_a_message_in_the_place_of_a_delta_is_read() -> None:
    whole = chunk(finish="stop")
    del whole["choices"][0]["delta"]
    whole["choices"][0]["message"] = {"role": "assistant", "content": "Hi"}
    assert parts(whole) == (Text(text="Hi"),)


def test_a_message_beside_a_delta_repeats_and_is_left_out() -> None:
    both = chunk({"content": "Hi"}, "stop")
    both["choices"][0]["message"] = {"role": "assistant", "content": "Hi"}
    assert parts(both) == (Text(text="Hi"),)


def test_interleaved_text_and_thinking_are_one_text_and_one_thinking() -> None:
    found = parts(
        chunk({"reasoning_content": "a"}),
        chunk({"content": "1"}),
        chunk({"reasoning_content": "b"}),
        chunk({"content": "2"}, "stop"),
    )
    assert [getattr(part, "text", "") for part in found] == ["ab", "12"]


def test_parts_open_with_their_first_piece() -> None:
    events = read(chunk({"role": "assistant", "content": ""}), chunk({"content": "a"}, "stop"))
    assert [type(event.part) for event in events if isinstance(event, Opened)] == [Text]


def test_the_head_is_taken_from_the_first_chunk_that_has_an_id() -> None:
    filtered = {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": [1]}
    response = fold(read(filtered, chunk({"content": "a"}, "stop")))
    assert (response.id, response.model, response.created) == ("c1", "m", 1)
    assert response.extra == {"prompt_filter_results": [1]}


def test_a_stream_that_says_nothing_ends_with_a_finish() -> None:
    assert fold(read(chunk({"role": "assistant", "content": ""}), chunk({}, "stop"))).choices[0].parts == ()
