"""Answers and streams of Converse that the recordings do not show."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import msgspec
import pytest

from tests.wires import frames
from tests.wires.bedrock_converse.recorded import read_in_pieces
from tollbridge.errors import (
    APIError,
    AuthenticationError,
    BadGatewayError,
    ContextWindowExceededError,
    InternalServerError,
    RateLimitError,
    ServiceUnavailableError,
    Truncated,
)
from tollbridge.model.events import Grew
from tollbridge.model.fold import fold
from tollbridge.model.parts import Inline, Media, Opaque, Part, Text, Thinking, ToolCall
from tollbridge.model.response import Finish, Response
from tollbridge.wires.bedrock_converse import BEDROCK_CONVERSE as WIRE
from tollbridge.wires.bedrock_converse.vocabulary import ANSWER_TOOL, NAME

USAGE = {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}


def answer(*content: Any, stop: str = "end_turn", **said: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": list(content)}
    return {"output": {"message": message}, "stopReason": stop, "usage": USAGE, "metrics": {"latencyMs": 1}, **said}


def streamed(*blocks: list[tuple[str, Any]], stop: str = "end_turn", **metadata: Any) -> Response:
    """`blocks`: for each, its events without the index."""
    data = [frames.event("messageStart", {"role": "assistant"})]
    for index, events in enumerate(blocks):
        data += [frames.event(kind, {"contentBlockIndex": index, **value}) for kind, value in events]
        data.append(frames.event("contentBlockStop", {"contentBlockIndex": index}))
    data.append(frames.event("messageStop", {"stopReason": stop}))
    data.append(frames.event("metadata", {"usage": USAGE, "metrics": {"latencyMs": 1}, **metadata}))
    return fold(read_in_pieces(data), origin=NAME)


def delta(**value: Any) -> tuple[str, Any]:
    return "contentBlockDelta", {"delta": value}


def start(**value: Any) -> tuple[str, Any]:
    return "contentBlockStart", {"start": value}


CALL = {"toolUseId": "t1", "name": "look"}
RESULT = {"toolUseId": "t1", "type": "nova_grounding_result", "status": "success"}
HIDDEN = b64encode(b"hidden thoughts").decode()

TWINS: list[tuple[Any, list[tuple[str, Any]], Part]] = [
    ({"text": "Hello"}, [delta(text="Hel"), delta(text="lo")], Text(text="Hello")),
    (
        {"toolUse": {**CALL, "input": {"a": 1}}},
        [start(toolUse=CALL), delta(toolUse={"input": '{"a"'}), delta(toolUse={"input": ":1}"})],
        ToolCall(id="t1", name="look", arguments='{"a":1}'),
    ),
    (
        {"toolUse": {**CALL, "type": "server_tool_use", "input": {}}},
        [start(toolUse={**CALL, "type": "server_tool_use"}), delta(toolUse={"input": "{}"})],
        ToolCall(id="t1", name="look", arguments="{}", runs_on="provider"),
    ),
    (
        {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}},
        [delta(reasoningContent={"text": "Hm."}), delta(reasoningContent={"signature": "c2ln"})],
        Thinking(text="Hm.", signature="c2ln", origin=NAME),
    ),
    (
        {"reasoningContent": {"redactedContent": HIDDEN}},
        [
            delta(reasoningContent={"redactedContent": b64encode(b"hidden").decode()}),
            delta(reasoningContent={"redactedContent": b64encode(b" thoughts").decode()}),
        ],
        Thinking(signature=HIDDEN, redacted=True, origin=NAME),
    ),
    (
        {"toolResult": {**RESULT, "content": [{"text": "a"}, {"json": {"b": 1}}]}},
        [start(toolResult=RESULT), delta(toolResult=[{"text": "a"}]), delta(toolResult=[{"json": {"b": 1}}])],
        Opaque(wire=NAME, value={"toolResult": {**RESULT, "content": [{"text": "a"}, {"json": {"b": 1}}]}}),
    ),
    (
        {"image": {"format": "png", "source": {"bytes": "AAAA"}}},
        [start(image={"format": "png"}), delta(image={"source": {"bytes": "AAAA"}})],
        Media(media_type="image/png", source=Inline(data="AAAA")),
    ),
    (
        {"novelty": {"of": "tomorrow"}},
        [start(novelty={}), delta(novelty={"of": "tomorrow"})],
        Opaque(wire=NAME, value={"novelty": {"of": "tomorrow"}}),
    ),
    (
        {"toolUse": {"toolUseId": "t1", "name": ANSWER_TOOL, "input": {"a": 1}}},
        [start(toolUse={"toolUseId": "t1", "name": ANSWER_TOOL}), delta(toolUse={"input": '{"a":1}'})],
        Text(text='{"a":1}'),
    ),
]


@pytest.mark.parametrize(("block", "events", "part"), TWINS, ids=lambda one: type(one).__name__)
def test_a_block_is_the_same_part_whole_and_streamed(block: Any, events: list[tuple[str, Any]], part: Part) -> None:
    (whole,) = WIRE.read_response(answer(block)).choices[0].parts
    (folded,) = streamed(events).choices[0].parts
    assert whole == folded == part


def test_blocks_may_come_interleaved_and_keep_their_places() -> None:
    data = [
        frames.event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "a"}}),
        frames.event("contentBlockStart", {"contentBlockIndex": 1, "start": {"toolUse": CALL}}),
        frames.event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "b"}}),
        frames.event("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": "{}"}}}),
        frames.event("contentBlockStop", {"contentBlockIndex": 1}),
        frames.event("contentBlockStop", {"contentBlockIndex": 0}),
        frames.event("messageStop", {"stopReason": "tool_use"}),
    ]
    text, call = fold(read_in_pieces(data)).choices[0].parts
    assert (text, call) == (Text(text="ab"), ToolCall(id="t1", name="look", arguments="{}"))


def test_a_citation_joins_the_text_that_it_supports() -> None:
    said = {"title": "t", "sourceContent": [{"text": "q"}], "location": {"web": {"url": "https://x.example/"}}}
    (whole,) = (
        WIRE.read_response(answer({"citationsContent": {"content": [{"text": "a"}], "citations": [said]}}))
        .choices[0]
        .parts
    )
    (folded,) = streamed([delta(text="a"), delta(citation=said)]).choices[0].parts
    assert whole == folded
    assert isinstance(whole, Text)
    (citation,) = whole.citations
    assert (citation.url, citation.title, citation.quoted, citation.raw) == ("https://x.example/", "t", "q", said)


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("model_context_window_exceeded", "context_window"),
        ("malformed_tool_use", "other"),
        ("of_tomorrow", "other"),
    ],
)
def test_an_end_is_told_by_the_nearest_word_and_its_own(stop: str, reason: Any) -> None:
    finish = Finish(reason=reason, raw=stop)
    assert WIRE.read_response(answer({"text": "x"}, stop=stop)).choices[0].finish == finish
    assert streamed([delta(text="x")], stop=stop).choices[0].finish == finish


def test_an_answer_by_our_own_tool_ends_as_any_other_unless_other_tools_are_called() -> None:
    ours = {"toolUse": {"toolUseId": "t0", "name": ANSWER_TOOL, "input": {}}}
    theirs = {"toolUse": {**CALL, "input": {}}}
    for blocks, reason in (([ours], "stop"), ([ours, theirs], "tool_calls"), ([theirs], "tool_calls")):
        finish = WIRE.read_response(answer(*blocks, stop="tool_use")).choices[0].finish
        assert finish is not None
        assert finish.reason == reason


def test_usage_counts_the_cache_and_what_was_thought() -> None:
    usage = {
        "inputTokens": 3,
        "outputTokens": 50,
        "totalTokens": 173,
        "cacheReadInputTokens": 100,
        "cacheReadInputTokenCount": 100,
        "cacheWriteInputTokens": 20,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 15}, {"ttl": "5m", "inputTokens": 5}],
    }
    thought = {"usage": {"output_tokens_details": {"thinking_tokens": 40}}}
    whole = WIRE.read_response({**answer({"text": "x"}), "usage": usage, "additionalModelResponseFields": thought})
    assert whole.usage is not None
    assert (whole.usage.input, whole.usage.output) == (123, 50)
    assert (whole.usage.cache_read, whole.usage.cache_write, whole.usage.cache_write_1h) == (100, 20, 15)
    assert whole.usage.reasoning == 40
    assert whole.extra == {}


@pytest.mark.parametrize("count", [-1, "3", None, 10**15, True])
def test_a_count_that_cannot_be_is_not_counted(count: Any) -> None:
    usage = WIRE.read_response({**answer({"text": "x"}), "usage": {**USAGE, "inputTokens": count}}).usage
    assert usage is not None
    assert (usage.input, usage.extra["inputTokens"]) == (0, count)


def test_the_tier_and_what_a_guardrail_did_are_kept() -> None:
    trace = {"guardrail": {"actionReason": "x"}}
    for found in (
        WIRE.read_response(answer({"text": "x"}, serviceTier={"type": "flex"}, trace=trace)),
        streamed([delta(text="x")], serviceTier={"type": "flex"}, trace=trace, p="abc"),
    ):
        assert found.extra == {"service_tier": "flex", "trace": trace}


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        None,
        {"output": {}},
        {"output": {"message": {"content": "text"}}},
        answer({"text": 3}),
        answer({"toolUse": {"name": "x"}}),
        answer("text"),
        {**answer(), "stopReason": 3},
    ],
)
def test_what_is_no_answer_is_an_error_and_no_crash(body: Any) -> None:
    with pytest.raises(BadGatewayError, match="Converse"):
        WIRE.read_response(body)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("contentBlockDelta", {}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": 3}}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": "{"}}}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"odd": 3}}),
        ("contentBlockStart", {"contentBlockIndex": 0, "start": {}}),
        ("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": {}}}),
        ("messageStop", {}),
        ("messageStop", []),
    ],
)
def test_an_event_that_cannot_be_read_is_an_error_that_names_it(kind: str, value: Any) -> None:
    with pytest.raises(BadGatewayError, match=kind):
        read_in_pieces([frames.event(kind, value)])


def test_an_event_of_tomorrow_is_passed_over() -> None:
    data = [frames.event("ofTomorrow", {"a": 1}), frames.converse("Hello")]
    assert fold(read_in_pieces(data)).choices[0].parts == (Text(text="Hello"),)


def test_a_stream_without_its_end_is_cut_and_one_without_its_count_is_whole() -> None:
    whole = frames.converse("Hello")
    metadata = frames.event("metadata", {"usage": USAGE, "metrics": {"latencyMs": 1}})
    uncounted = whole[: -len(metadata)]
    assert fold(read_in_pieces([uncounted])).usage is None
    stop = frames.event("messageStop", {"stopReason": "end_turn"})
    with pytest.raises(Truncated):
        read_in_pieces([uncounted[: -len(stop)]])


@pytest.mark.parametrize(
    ("name", "status", "found"),
    [
        ("throttlingException", 429, RateLimitError),
        ("modelStreamErrorException", 424, InternalServerError),
        ("internalServerException", 500, InternalServerError),
        ("serviceUnavailableException", 503, ServiceUnavailableError),
        ("ofTomorrowException", 500, InternalServerError),
    ],
)
def test_an_exception_in_a_stream_has_the_status_that_it_would_have_had(
    name: str, status: int, found: type[APIError]
) -> None:
    data = [frames.event("messageStart", {"role": "assistant"}), frames.exception(name, "It broke.")]
    with pytest.raises(found, match="It broke") as caught:
        read_in_pieces(data)
    assert (caught.value.status_code, caught.value.code, caught.value.retryable) == (status, name, True)


@pytest.mark.parametrize(
    ("status", "headers", "body", "found", "code"),
    [
        (429, {"x-amzn-errortype": "ThrottlingException"}, b'{"message": "Slow."}', RateLimitError,
         "ThrottlingException"),
        (400, {}, b'{"__type": "com.amazon#ValidationException", "message": "prompt is too long: 1 > 0"}',
         ContextWindowExceededError, "ValidationException"),
        (403, {}, b'{"message": "The security token included in the request is expired"}', AuthenticationError,
         "ExpiredTokenException"),
        (403, {}, b'{"message": "The security token included in the request is invalid."}', AuthenticationError,
         "UnrecognizedClientException"),
        (424, {"X-Amzn-ErrorType": "ModelErrorException:http://x/"}, b'{"message": "Odd."}', InternalServerError,
         "ModelErrorException"),
        (503, {}, b"<html>busy</html>", ServiceUnavailableError, None),
        (500, {}, b"", InternalServerError, None),
    ],
)  # fmt: skip
def test_an_error_is_told_by_the_name_that_aws_gives_it(
    status: int, headers: dict[str, str], body: bytes, found: type[APIError], code: str | None
) -> None:
    error = WIRE.read_error(status, headers, body)
    assert isinstance(error, found)
    assert (error.status_code, error.code) == (status, code)
    assert error.message


def test_credentials_are_the_operators_to_mend() -> None:
    body = b'{"message": "The security token included in the request is expired"}'
    error = WIRE.read_error(403, {"x-amzn-errortype": "ExpiredTokenException", "x-amzn-requestid": "r1"}, body)
    assert error.fault == "operator"
    assert error.request_id == "r1"
    assert "Renew the AWS credentials" in error.message


def test_a_time_to_wait_is_told() -> None:
    assert WIRE.read_error(429, {"retry-after": "7"}, b"{}").retry_after_s == 7


def test_pieces_of_text_are_told_as_they_come() -> None:
    events = read_in_pieces([frames.converse("Hel", "lo")])
    assert [event.text for event in events if isinstance(event, Grew)] == ["Hel", "lo"]
    assert msgspec.json.encode(events)
