"""Errors: bodies with a status, events in a stream, responses that failed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.wires import laws
from tollbridge.errors import (
    APIError,
    BadRequestError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    InternalServerError,
    RateLimitError,
    Truncated,
)
from tollbridge.wires.openai_responses import OPENAI_RESPONSES as WIRE


def read(status: int, body: Any, headers: dict[str, str] | None = None) -> APIError:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return WIRE.read_error(status, headers or {}, raw)


def test_a_body_keeps_its_words() -> None:
    error = read(400, {"error": {"message": "No.", "type": "invalid_request_error", "param": "input", "code": "x"}})
    assert (error.message, error.type, error.param, error.code) == ("No.", "invalid_request_error", "input", "x")
    assert isinstance(error, BadRequestError)


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, {"code": "context_length_exceeded", "message": "x"}, ContextWindowExceededError),
        (
            400,
            {"code": None, "message": "Your input exceeds the context window of this model."},
            ContextWindowExceededError,
        ),
        (400, {"code": "content_filter", "message": "x"}, ContentPolicyViolationError),
        (429, {"code": "rate_limit_exceeded", "message": "x"}, RateLimitError),
        (500, {"code": "server_error", "message": "x"}, InternalServerError),
    ],
)
def test_finer_reasons_have_classes(status: int, error: Any, kind: type[APIError]) -> None:
    assert type(read(status, {"error": error})) is kind


def test_a_quota_that_is_used_up_is_not_tried_again() -> None:
    assert read(429, {"error": {"code": "insufficient_quota", "message": "x"}}).retryable is False
    assert read(429, {"error": {"code": "rate_limit_exceeded", "message": "x"}}).retryable is True


def test_waiting_is_read_from_the_headers() -> None:
    assert read(429, {}, {"Retry-After-Ms": "1500"}).retry_after_s == 1.5
    assert read(429, {}, {"retry-after": "2"}).retry_after_s == 2.0
    assert read(429, {}, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}).retry_after_s is None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html><title>Oops</title>", "web page"),
        (b"just text", "just text"),
        (b"", "answered 503"),
        ({"detail": "not here"}, "not here"),
        ({"detail": [{"loc": ["body"], "msg": "bad"}]}, "bad"),
        ({"error": "flat"}, "flat"),
        ({"message": "bare"}, "bare"),
    ],
)
def test_others_bodies_have_words_too(body: Any, words: str) -> None:
    assert words in read(503, body).message


STREAMED = [
    ({"type": "error", "code": "rate_limit_exceeded", "message": "Slow.", "param": None}, 429),
    ({"type": "error", "error": {"type": "invalid_request_error", "code": "x", "message": "Slow."}}, 400),
    ({"type": "response.failed", "response": {"error": {"code": "server_error", "message": "Slow."}}}, 500),
    ({"type": "response.failed", "response": {"error": {"code": "invalid_image", "message": "Slow."}}}, 400),
    ({"type": "response.failed", "response": {"error": {"code": "vector_store_timeout", "message": "Slow."}}}, 504),
    ({"error": {"code": 503, "message": "Slow."}}, 503),
    ({"error": {"code": "whatever_failed_server_side", "message": "Slow."}}, 502),
    ({"error": {"message": "Slow."}}, 502),
]


@pytest.mark.parametrize(("event", "status"), STREAMED)
def test_an_error_in_a_stream_has_the_status_of_its_code(event: Any, status: int) -> None:
    with pytest.raises(APIError, match="Slow") as raised:
        laws.read_stream(WIRE, laws.framed([[event.get("type", ""), event]]))
    assert raised.value.status_code == status


def test_an_error_event_that_is_no_json_is_told() -> None:
    with pytest.raises(APIError, match="broken pipe"):
        laws.read_stream(WIRE, b"event: error\ndata: broken pipe\n\n")


def test_a_stream_without_its_end_is_truncated() -> None:
    created = {"type": "response.created", "response": {"id": "r", "model": "m", "output": []}}
    with pytest.raises(Truncated):
        laws.read_stream(WIRE, laws.framed([["response.created", created]]))


def test_a_whole_answer_that_failed_is_raised() -> None:
    with pytest.raises(InternalServerError, match="Boom"):
        WIRE.read_response({"status": "failed", "output": [], "error": {"code": "server_error", "message": "Boom"}})


def test_another_formats_error_is_written_as_openais() -> None:
    error = RateLimitError("Slow.", code="c", param="p", type="t", body={"type": "error"}, wire="anthropic_messages")
    assert WIRE.write_error(error) == (
        429,
        {"error": {"message": "Slow.", "type": "t", "param": "p", "code": "c"}},
    )
