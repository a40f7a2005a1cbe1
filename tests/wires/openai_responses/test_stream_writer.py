"""Streams written from other formats' streams: correct event by event, however the source interleaved its parts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from tests.wires import laws
from tests.wires.openai_responses.grammar import Machine, obeys, valid
from tests.wires.test_cross_wire import WIRES, exchanges_of
from tollbridge.errors import (
    APIError,
    BadGatewayError,
    BadRequestError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    NotFoundError,
    RateLimitError,
)
from tollbridge.model.events import Began, Cited, Closed, Event, Finished, Grew, Logprobs, Noted, Opened
from tollbridge.model.fold import fold
from tollbridge.model.parts import Citation, Inline, Media, Refusal, Text, Thinking, ToolCall
from tollbridge.model.response import Finish, Usage
from tollbridge.wires.base import Head
from tollbridge.wires.openai_responses import OPENAI_RESPONSES as WIRE
from tollbridge.wires.seal import Seals, is_seal

SEALS = Seals(b"k" * 32)
BEGAN = 1790000001


def head(origin: str = "openai_chat", **more: Any) -> Head:
    return Head(id="req_1", model="m", created=1790000000, origin=origin, account="acc", seals=SEALS, **more)


def written(events: Iterable[Event], origin: str = "openai_chat", **more: Any) -> bytes:
    writer = WIRE.stream_writer(head(origin, **more))
    return b"".join([*(writer.write(event) for event in events), writer.close()])


def kinds(stream: bytes) -> list[str]:
    return [event.event.removeprefix("response.") for event in laws.frame(stream)[:-1]]


@pytest.mark.parametrize("origin", ["openai_chat", "anthropic_messages", "gemini"])
def test_every_stream_of_another_format_is_written_as_the_state_machine_wants_it(origin: str) -> None:
    seen = 0
    for name, _, _, stream in exchanges_of(origin):
        if stream is None:
            continue
        try:
            events = laws.read_stream(WIRES[origin], stream)
        except APIError:
            continue
        try:
            obeys(written(events, origin))
        except Exception as error:
            raise AssertionError(f"{name}: {type(error).__name__}: {error}") from error
        seen += 1
    assert seen >= 20


@pytest.mark.parametrize("origin", ["openai_chat", "anthropic_messages", "gemini"])
def test_every_answer_of_another_format_is_one_that_the_sdk_and_the_specification_know(origin: str) -> None:
    for name, _, answer, _ in exchanges_of(origin):
        if answer is None:
            continue
        try:
            read = WIRES[origin].read_response(answer)
        except APIError:
            continue
        try:
            valid(laws.through_json(WIRE.write_response(read, SEALS).value))
        except Exception as error:
            raise AssertionError(f"{name}: {type(error).__name__}: {error}") from error


def test_a_plain_answer_in_full() -> None:
    events = [
        Began("a1", "m", 1790000001),
        Opened(0, 0, Text(text="")),
        Grew(0, 0, "Hi"),
        Grew(0, 0, " you"),
        Noted(Usage(input=3, output=2)),
        Finished(0, Finish(reason="stop", raw="stop")),
    ]
    stream = written(events)
    assert kinds(stream) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    final = obeys(stream)
    assert (final["id"], final["created_at"], final["model"]) == ("a1", 1790000001, "m")
    assert final["output"][0]["content"][0]["text"] == "Hi you"
    assert final["usage"]["total_tokens"] == 5


def test_a_citation_of_a_text_that_is_done_is_told_and_stands_in_the_response() -> None:
    """As Gemini grounds an answer: in its last chunk, after the signature behind the text."""
    events = [
        Opened(0, 0, Text(text="")),
        Grew(0, 0, "It is so."),
        Closed(0, 0),
        Opened(0, 1, Thinking(signature="c2ln", origin="gemini")),
        Noted(Cited(0, Citation(url="https://example.com/", title="Example"))),
        Closed(0, 1),
        Finished(0, Finish(reason="stop", raw="STOP")),
    ]
    final = obeys(written(events, "gemini"))
    (message,) = [item for item in final["output"] if item["type"] == "message"]
    (annotation,) = message["content"][0]["annotations"]
    assert (annotation["url"], annotation["start_index"], annotation["end_index"]) == ("https://example.com/", 0, 9)


def test_calls_that_grow_at_the_same_time_are_told_one_after_the_other() -> None:
    events = [
        Opened(0, 0, Text(text="")),
        Grew(0, 0, "Looking."),
        Opened(0, 1, ToolCall(id="c1", name="a")),
        Opened(0, 2, ToolCall(id="c2", name="b")),
        Grew(0, 1, '{"x":', "arguments"),
        Grew(0, 2, '{"y":', "arguments"),
        Grew(0, 1, "1}", "arguments"),
        Grew(0, 2, "2}", "arguments"),
        Finished(0, Finish(reason="tool_calls", raw="tool_calls")),
    ]
    output = obeys(written(events))["output"]
    assert [(item["type"], item.get("call_id"), item.get("arguments")) for item in output] == [
        ("message", None, None),
        ("function_call", "c1", '{"x":1}'),
        ("function_call", "c2", '{"y":2}'),
    ]


def test_text_that_goes_on_after_a_call_is_a_new_message() -> None:
    events = [
        Opened(0, 0, Text(text="")),
        Grew(0, 0, "One."),
        Opened(0, 1, ToolCall(id="c1", name="a")),
        Grew(0, 1, "{}", "arguments"),
        Grew(0, 0, "Two."),
        Finished(0, Finish(reason="tool_calls")),
    ]
    output = obeys(written(events))["output"]
    assert [item["type"] for item in output] == ["message", "function_call", "message"]


def test_a_call_without_arguments_has_an_empty_object() -> None:
    events = [Opened(0, 0, ToolCall(id="c1", name="a")), Finished(0, Finish(reason="tool_calls"))]
    stream = written(events)
    assert "function_call_arguments.delta" in kinds(stream)
    assert obeys(stream)["output"][0]["arguments"] == "{}"


def test_thinking_of_another_wire_is_a_summary_with_a_seal_that_opens() -> None:
    events = [
        Opened(0, 0, Thinking(origin="anthropic_messages")),
        Grew(0, 0, "Hm."),
        Grew(0, 0, "sig", "signature"),
        Closed(0, 0),
        Opened(0, 1, Text(text="")),
        Grew(0, 1, "Yes."),
        Closed(0, 1),
        Finished(0, Finish(reason="stop")),
    ]
    reasoning, _ = obeys(written(events, "anthropic_messages"))["output"]
    assert reasoning["summary"] == [{"type": "summary_text", "text": "Hm."}]
    sealed = SEALS.open(reasoning["encrypted_content"])
    assert sealed is not None
    assert (sealed.wire, sealed.account, sealed.payload) == ("anthropic_messages", "acc", "sig")


def test_thinking_that_nobody_signed_is_marked_as_not_the_providers() -> None:
    events = [Opened(0, 0, Thinking(text="Hm.")), Finished(0, Finish(reason="stop"))]
    (reasoning,) = obeys(written(events))["output"]
    assert is_seal(reasoning["encrypted_content"])


def test_a_tool_that_takes_free_text_is_called_with_free_text() -> None:
    asked = {"tools": [{"type": "custom", "name": "apply"}]}
    events = [
        Opened(0, 0, ToolCall(id="c1", name="apply")),
        Grew(0, 0, '{"input": "a\\n', "arguments"),
        Grew(0, 0, 'b"}', "arguments"),
        Finished(0, Finish(reason="tool_calls")),
    ]
    stream = written(events, asked=asked)
    (call,) = obeys(stream)["output"]
    assert (call["type"], call["input"], call["call_id"]) == ("custom_tool_call", "a\nb", "c1")
    whole = WIRE.write_response(fold(events, origin="openai_chat"), SEALS, asked).value["output"][0]
    assert (whole["type"], whole["input"]) == ("custom_tool_call", "a\nb")


def test_refusals_citations_and_pictures_have_their_places() -> None:
    page = Citation(url="https://example.com", title="E", start=0, end=2)
    events = [
        Opened(0, 0, Text(text="")),
        Grew(0, 0, "So"),
        Noted(Cited(0, page)),
        Closed(0, 0),
        Opened(0, 1, Refusal(text="")),
        Grew(0, 1, "No."),
        Opened(0, 2, Media(media_type="image/png", source=Inline(data="iVBORw0KGgo="))),
        Finished(0, Finish(reason="stop")),
    ]
    message, picture = obeys(written(events))["output"]
    text, refusal = message["content"]
    assert text["annotations"][0]["url"] == "https://example.com"
    assert refusal == {"type": "refusal", "refusal": "No."}
    assert (picture["type"], picture["result"]) == ("image_generation_call", "iVBORw0KGgo=")


def test_log_probabilities_stand_in_the_text_that_is_done() -> None:
    token = {"token": "Hi", "bytes": [72, 105], "logprob": -0.1, "top_logprobs": []}
    events = [
        Opened(0, 0, Text(text="")),
        Grew(0, 0, "Hi"),
        Noted(Logprobs({"content": [token]})),
        Finished(0, Finish(reason="stop")),
    ]
    assert obeys(written(events))["output"][0]["content"][0]["logprobs"] == [token]


def test_an_answer_that_was_cut_ends_incomplete() -> None:
    events = [Opened(0, 0, Text(text="")), Grew(0, 0, "Once"), Finished(0, Finish(reason="length", raw="length"))]
    stream = written(events)
    final = obeys(stream)
    assert kinds(stream)[-1] == "incomplete"
    assert (final["status"], final["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert final["output"][0]["status"] == "incomplete"


def test_an_empty_answer_has_no_items() -> None:
    events = [Opened(0, 0, Text(text="")), Finished(0, Finish(reason="stop"))]
    assert obeys(written(events))["output"] == []


def test_what_was_asked_is_repeated() -> None:
    asked = {"instructions": "Be kind.", "temperature": 0.2, "tools": [{"type": "function", "name": "a"}]}
    final = obeys(written([Opened(0, 0, Text(text="Hi")), Finished(0, Finish(reason="stop"))], asked=asked))
    assert {key: final[key] for key in asked} == asked


def test_a_failure_is_an_error_that_sdks_raise_and_an_end_that_state_machines_know() -> None:
    writer = WIRE.stream_writer(head())
    stream = writer.write(Opened(0, 0, Text(text=""))) + writer.write(Grew(0, 0, "Hi"))
    stream += writer.fail(RateLimitError("Slow down.", code="rate_limit_exceeded"))
    events = [(event.event, msgspec.json.decode(event.data)) for event in laws.frame(stream)]
    (_, error), (name, failed) = events[-2:]
    assert (error["type"], error["error"]["message"], error["message"]) == ("error", "Slow down.", "Slow down.")
    assert name == "response.failed"
    assert failed["response"]["error"] == {"code": "rate_limit_exceeded", "message": "Slow down."}
    assert [event["sequence_number"] for _, event in events] == list(range(len(events)))
    with pytest.raises(APIError, match="Slow down"):
        laws.read_stream(WIRE, stream)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadRequestError("No.", code="unsupported_parameter"), "invalid_prompt"),
        (ContentPolicyViolationError("Flagged."), "invalid_prompt"),
        (NotFoundError("No such model.", code="model_not_found"), "invalid_prompt"),
        (BadGatewayError("Gone.", code="bad_gateway"), "server_error"),
        (ContextWindowExceededError("Too long."), "context_length_exceeded"),
        (BadRequestError("No.", code="previous_response_not_found", wire=WIRE.name), "invalid_prompt"),
    ],
)
def test_a_response_that_failed_says_why_in_the_words_of_the_format(error: APIError, code: str) -> None:
    writer = WIRE.stream_writer(head())
    stream = writer.write(Opened(0, 0, Text(text=""))) + writer.fail(error)
    told, failed = [msgspec.json.decode(event.data) for event in laws.frame(stream)][-2:]
    assert failed["response"]["error"] == {"code": code, "message": error.message}
    assert told["code"] == (error.code or told["code"])


def test_a_failure_before_anything_was_told_is_an_error_alone() -> None:
    stream = WIRE.stream_writer(head()).fail(RateLimitError("Slow down."))
    assert [event.event for event in laws.frame(stream)] == ["error"]


def test_the_machine_sees_events_that_may_not_come() -> None:
    machine = Machine()
    with pytest.raises(AssertionError):
        machine.feed({"type": "response.output_text.delta", "sequence_number": 0, "output_index": 0, "delta": "x"})


@pytest.mark.parametrize(
    ("reason", "now", "told"),
    [
        ("stop", BEGAN + 7.9, BEGAN + 7),
        ("stop", BEGAN - 5.0, BEGAN),
        ("length", BEGAN + 7.9, None),
        ("stop", None, None),
    ],
)
def test_a_response_tells_when_it_was_completed_and_of_no_other_end(
    reason: Any, now: float | None, told: int | None
) -> None:
    """A provider's clock may be ahead of ours."""
    events = [
        Began("a1", "m", BEGAN),
        Opened(0, 0, Text(text="")),
        Grew(0, 0, "Hi"),
        Finished(0, Finish(reason=reason)),
    ]
    final = obeys(written(events, clock=None if now is None else lambda: now))
    assert final["completed_at"] == told
    assert WIRE.write_response(fold(events), now=now).value["completed_at"] == told
