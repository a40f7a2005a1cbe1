"""A list of chunks becomes the answer that they told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from tests.shared import SHARED, recordings
from tollbridge.errors import APIError
from tollbridge.model.fold import unfold
from tollbridge.model.parts import Text, Thinking, ToolCall
from tollbridge.model.response import Choice, Finish, Response, Usage
from tollbridge.sdk.chunks import stream_chunk_builder
from tollbridge.sdk.objects import ChatCompletionMessageToolCall, ModelResponse, ModelResponseStream
from tollbridge.wires.base import Head
from tollbridge.wires.openai_chat import OPENAI_CHAT

USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}


def _chunk(
    delta: dict[str, Any] | None = None, index: int = 0, finish: str | None = None, **choice: Any
) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": "demo-1",
        "choices": [{"index": index, "delta": delta or {}, "finish_reason": finish, **choice}],
    }


def _call(index: int, arguments: str, name: str | None = None, id: str | None = None) -> dict[str, Any]:
    head = {} if id is None else {"id": id, "type": "function"}
    function = {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}
    return {"tool_calls": [{"index": index, **head, "function": function}]}


def test_text_grows_and_the_head_and_the_last_usage_count() -> None:
    chunks = [
        {**_chunk({"role": "assistant", "content": ""}), "system_fingerprint": "fp_1"},
        _chunk({"content": "Hel"}),
        {**_chunk({"content": "lo"}), "usage": None},
        _chunk(finish="stop"),
        {**_chunk(), "choices": [], "usage": USAGE},
    ]
    response = stream_chunk_builder(chunks, messages=[{"role": "user", "content": "Hi"}])
    assert isinstance(response, ModelResponse)
    assert response.choices[0].message.content == "Hello"
    assert response.choices[0].message.role == "assistant"
    assert response.choices[0].finish_reason == "stop"
    assert response.choices[0].message.tool_calls is None
    assert (response.id, response.object, response.model) == ("chatcmpl-1", "chat.completion", "demo-1")
    assert response.system_fingerprint == "fp_1"
    assert response.usage == USAGE


def test_interleaved_choices_do_not_mix() -> None:
    chunks = [
        _chunk({"role": "assistant", "content": "Not"}, 0),
        _chunk({"role": "assistant", "content": "Hello"}, 1),
        _chunk({"content": " much"}, 0),
        _chunk({"content": "!"}, 1),
        _chunk(index=1, finish="stop"),
        _chunk(index=0, finish="length"),
    ]
    response = stream_chunk_builder(chunks)
    assert [(c.index, c.message.content, c.finish_reason) for c in response.choices] == [
        (0, "Not much", "length"),
        (1, "Hello!", "stop"),
    ]


def test_tool_calls_are_kept_apart_by_choice_and_index() -> None:
    chunks = [
        _chunk(_call(0, "", "add", "call_a"), 0),
        _chunk(_call(0, "", "sub", "call_b"), 1),
        _chunk(_call(1, "", "mul", "call_c"), 0),
        _chunk(_call(0, '{"a"', None), 0),
        _chunk(_call(0, '{"b"', None), 1),
        _chunk(_call(1, '{"c"', None), 0),
        _chunk(_call(0, ": 1}", None), 0),
        _chunk(_call(1, ": 3}", None), 0),
        _chunk(_call(0, ": 2}", None), 1),
        _chunk(index=0, finish="tool_calls"),
        _chunk(index=1, finish="tool_calls"),
    ]
    response = stream_chunk_builder(chunks)
    first, second = (choice.message.tool_calls for choice in response.choices)
    assert first is not None
    assert second is not None
    assert all(isinstance(call, ChatCompletionMessageToolCall) for call in (*first, *second))
    told = [[(call.id, call.function.name, call.function.arguments) for call in calls] for calls in (first, second)]
    assert told == [[("call_a", "add", '{"a": 1}'), ("call_c", "mul", '{"c": 3}')], [("call_b", "sub", '{"b": 2}')]]


def test_logprobs_are_joined() -> None:
    def logprobs(token: str) -> dict[str, Any]:
        return {"content": [{"token": token, "logprob": -0.5, "bytes": None, "top_logprobs": []}], "refusal": None}

    response = stream_chunk_builder(
        [
            _chunk({"content": "a"}, logprobs=logprobs("a")),
            _chunk({"content": "b"}, logprobs=logprobs("b")),
            _chunk(finish="stop", logprobs=None),
        ]
    )
    found = response.choices[0].logprobs
    assert found is not None
    assert found.content is not None
    assert [entry.token for entry in found.content] == ["a", "b"]


def test_thinking_is_joined_and_keeps_its_signature() -> None:
    def thinking(text: str, signature: str = "") -> dict[str, Any]:
        block = {"type": "thinking", "thinking": text, "signature": signature}
        return {"reasoning_content": text, "thinking_blocks": [block]}

    response = stream_chunk_builder(
        [
            _chunk(thinking("Let me ")),
            _chunk(thinking("see.")),
            _chunk(thinking("", "c2ln")),
            _chunk({"content": "Yes."}),
            _chunk(finish="stop"),
        ]
    )
    message = response.choices[0].message
    assert message.reasoning_content == "Let me see."
    assert message.content == "Yes."
    assert message.thinking_blocks is not None
    assert [(b["type"], b["thinking"], b["signature"]) for b in message.thinking_blocks] == [
        ("thinking", "Let me see.", "c2ln")
    ]


def test_annotations_refusals_and_what_we_do_not_know_are_kept() -> None:
    note = {
        "type": "url_citation",
        "url_citation": {"url": "https://a.example", "title": "A", "start_index": 0, "end_index": 1},
    }
    response = stream_chunk_builder(
        [
            {**_chunk({"role": "assistant", "content": "A"}), "x_provider": {"queue_ms": 3}},
            _chunk({"annotations": [note]}),
            _chunk({"refusal": "I "}, 1),
            _chunk({"refusal": "won't."}, 1),
            _chunk(index=0, finish="stop"),
            _chunk(index=1, finish="stop"),
        ]
    )
    assert response.choices[0].message.annotations == [note]
    assert response.choices[1].message.refusal == "I won't."
    assert response.x_provider == {"queue_ms": 3}


@pytest.mark.parametrize(
    "kind", [ModelResponseStream, ChatCompletionChunk.model_validate], ids=["ours", "the OpenAI SDK's"]
)
def test_chunks_may_be_objects(kind: Any) -> None:
    chunks = [
        _chunk({"role": "assistant", "content": "Hi"}),
        _chunk(_call(0, "{}", "f", "call_1")),
        _chunk(finish="stop"),
    ]
    assert stream_chunk_builder(map(kind, chunks)) == stream_chunk_builder(chunks)


def test_of_a_cut_stream_what_arrived_is_built() -> None:
    response = stream_chunk_builder(
        [_chunk({"role": "assistant", "content": "Hel"}), _chunk(_call(0, '{"a', "f", "call_1"))]
    )
    message = response.choices[0].message
    assert message.content == "Hel"
    assert message.tool_calls is not None
    assert message.tool_calls[0].function.arguments == '{"a'
    assert response.choices[0].finish_reason is None
    assert response.usage is None


def test_no_chunks_make_an_answer_without_choices() -> None:
    assert stream_chunk_builder([]).choices == []


def test_an_error_among_the_chunks_is_raised() -> None:
    with pytest.raises(APIError, match="overloaded"):
        stream_chunk_builder(
            [_chunk({"content": "a"}), {"error": {"message": "overloaded", "type": "server_error", "code": 500}}]
        )


def test_an_answer_of_another_format_is_the_same_streamed_and_whole() -> None:
    answer = Response(
        id="msg_1",
        model="demo-1",
        created=1_790_000_000,
        origin="anthropic_messages",
        choices=(
            Choice(
                parts=(
                    Thinking(text="First this.", signature="c2ln", origin="anthropic_messages"),
                    Text(text="Let me look."),
                    ToolCall(id="toolu_1", name="look", arguments='{"at": "a"}'),
                    Thinking(signature="ZW5j", redacted=True, origin="anthropic_messages"),
                    ToolCall(id="toolu_2", name="look", arguments="{}"),
                ),
                finish=Finish(reason="tool_calls", raw="tool_use"),
            ),
        ),
        usage=Usage(input=10, output=20, cache_read=4),
    )
    head = Head(id="msg_1", model="demo-1", created=1_790_000_000, include_usage=True, origin="anthropic_messages")
    writer = OPENAI_CHAT.stream_writer(head)
    stream = b"".join([*map(writer.write, unfold(answer)), writer.close()])
    whole = OPENAI_CHAT.write_response(answer).value
    [choice] = whole["choices"]
    assert (choice.pop("logprobs"), choice["message"].pop("refusal")) == (None, None)
    assert stream_chunk_builder(_chunks(stream.decode())) == whole


def _chunks(text: str) -> list[dict[str, Any]]:
    data = [line[5:].strip() for line in text.splitlines() if line.startswith("data:")]
    return [msgspec.json.decode(item) for item in data if item != "[DONE]"]


def _told(response: Any) -> list[Any]:
    return [
        (
            choice.index,
            choice.message.content or None,  # a delta whose text is empty opens no part
            choice.message.refusal,
            [(call.id, call.function.name, call.function.arguments) for call in choice.message.tool_calls or ()],
            choice.finish_reason,
            [(entry.token, entry.logprob) for entry in (choice.logprobs and choice.logprobs.content) or ()],
        )
        for choice in sorted(response.choices, key=lambda choice: int(choice.index))
    ]


@pytest.mark.skipif(not SHARED.exists(), reason="the recordings lie beside the repository")
def test_recorded_streams_assemble_as_the_openai_sdk_assembles_them() -> None:
    compared = several = 0
    for exchange in recordings(provider="openai", endpoints=("chat.completions",)):
        if exchange.get("stream_format") != "sse" or exchange["status"] != 200:
            continue
        chunks = _chunks(exchange["response_text"])
        state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
        for chunk in chunks:
            state.handle_chunk(ChatCompletionChunk.construct(**chunk))
        theirs: ChatCompletion = state.current_completion_snapshot
        ours = stream_chunk_builder(chunks)
        assert _told(ours) == _told(theirs), exchange["id"]
        usages = [chunk["usage"] for chunk in chunks if chunk.get("usage")]
        assert ours.usage == (usages[-1] if usages else None), exchange["id"]
        compared += 1
        several += len(ours.choices) > 1
    assert compared > 30
    assert several > 0
