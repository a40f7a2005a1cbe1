"""Answers that are odd, errors, and streams that break off."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.wires import laws
from tollbridge.errors import (
    APIError,
    APITimeoutError,
    AuthenticationError,
    BadGatewayError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    InternalServerError,
    RateLimitError,
    Truncated,
)
from tollbridge.model.events import Event, Noted
from tollbridge.model.response import Usage
from tollbridge.wires.base import SseEvent
from tollbridge.wires.cohere import COHERE

BEGAN = {"type": "message-start", "id": "c", "delta": {"message": {"role": "assistant"}}}
OPENED = {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}}
SAID = {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "Hi"}}}}
USAGE = {"billed_units": {"input_tokens": 1, "output_tokens": 2}, "tokens": {"input_tokens": 3, "output_tokens": 4}}


def ended(reason: str, **more: Any) -> dict[str, Any]:
    return {"type": "message-end", "delta": {"finish_reason": reason, "usage": USAGE, **more}}


def fed(*events: Any) -> tuple[list[Event], APIError | None]:
    reader, told = COHERE.stream_reader(), list[Event]()
    try:
        for event in events:
            for one in reader.feed(SseEvent(json.dumps(event))):
                told.append(one)
        told.extend(reader.close())
    except APIError as error:
        return told, error
    return told, None


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"message": "invalid request"}, APIError),
        (
            400,
            {"message": "too many tokens: size limit exceeded", "error_type": "TOO_MANY_TOKENS"},
            ContextWindowExceededError,
        ),
        (401, {"message": "invalid api token"}, AuthenticationError),
        (429, {"message": "trial key limited"}, RateLimitError),
        (498, {"message": "blocked input"}, ContentPolicyViolationError),
        (500, {"message": "internal"}, InternalServerError),
        (502, "<html>", APIError),
        (503, "", APIError),
    ],
)
def test_an_error_has_the_class_and_the_words_of_its_status(status: int, body: Any, kind: type[APIError]) -> None:
    raw = body.encode() if isinstance(body, str) else json.dumps({**body, "id": "r-1"}).encode()
    error = COHERE.read_error(status, {"Retry-After": "3"}, raw)
    assert isinstance(error, kind)
    assert (error.status_code, error.retry_after_s) == (status, 3.0)
    assert error.message
    if isinstance(body, dict):
        assert (error.message, error.request_id) == (body["message"], "r-1")
    assert error.fault == ("operator" if status == 401 else error.fault)


@pytest.mark.parametrize(("reason", "kind"), [("ERROR", BadGatewayError), ("TIMEOUT", APITimeoutError)])
def test_an_answer_that_broke_off_is_an_error_after_its_usage(reason: str, kind: type[APIError]) -> None:
    told, error = fed(BEGAN, OPENED, SAID, ended(reason))
    assert isinstance(error, kind)
    assert [event.note.output for event in told if isinstance(event, Noted) and isinstance(event.note, Usage)] == [4]
    with pytest.raises(kind):
        COHERE.read_response({"id": "c", "message": {"content": []}, "finish_reason": reason})


def test_the_words_of_an_error_at_the_end_are_kept() -> None:
    _, error = fed(BEGAN, OPENED, SAID, ended("ERROR", error="the model fell over"))
    assert error is not None
    assert error.message == "the model fell over"


@pytest.mark.parametrize(
    "event", [{"type": "error", "message": "gone"}, {"message": "gone"}, {"error": {"message": "gone"}}]
)
def test_an_error_in_place_of_an_event_is_raised(event: dict[str, Any]) -> None:
    _, error = fed(BEGAN, event)
    assert isinstance(error, BadGatewayError)
    assert error.message == "gone"


def test_an_error_in_a_200_is_raised() -> None:
    with pytest.raises(BadGatewayError, match="model is down"):
        COHERE.read_response({"id": "x", "message": "model is down"})
    with pytest.raises(ContextWindowExceededError):
        COHERE.read_response({"message": "too many tokens: ..."})


def test_a_stream_without_its_end_is_cut() -> None:
    told, error = fed(BEGAN, OPENED, SAID)
    assert isinstance(error, Truncated)
    assert len(told) == 3


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"message": {"content": [{"text": "x"}]}}, r"content\[0\]"),
        ({"message": {"content": 3}}, r"\$\.message\.content"),
        ({"message": {"tool_calls": [{"id": "a"}]}}, r"tool_calls\[0\]"),
        ({"message": {"citations": [3]}}, r"citations\[0\]"),
        ({"message": {"content": []}, "finish_reason": 4}, r"finish_reason"),
        ([], "object"),
        (None, "object"),
    ],
)
def test_an_answer_that_cannot_be_read_names_the_place(body: Any, place: str) -> None:
    with pytest.raises(BadGatewayError, match=place):
        COHERE.read_response(body)


@pytest.mark.parametrize(
    "event",
    [
        {"type": "content-delta", "index": 4, "delta": {"message": {"content": {"text": "x"}}}},
        {"type": "tool-call-delta", "index": 0, "delta": {"message": {"tool_calls": {"function": {"arguments": "x"}}}}},
        {"type": "content-start", "index": 0, "delta": {}},
        {"type": "message-end"},
        [],
        "text",
    ],
)
def test_an_event_that_cannot_be_read_is_the_providers_fault(event: Any) -> None:
    _, error = fed(BEGAN, event)
    assert type(error) is BadGatewayError


def test_calls_that_never_end_have_arguments() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "now", "arguments": ""}}
    start = {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": call}}}
    told, error = fed(BEGAN, start, ended("TOOL_CALL"))
    assert error is None
    assert laws.fold(told).choices[0].parts[0].arguments == "{}"  # type: ignore[union-attr]
