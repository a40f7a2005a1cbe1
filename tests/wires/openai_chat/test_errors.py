"""Errors as everybody writes them, and as we do."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tollbridge.errors import (
    APIError,
    AuthenticationError,
    BadGatewayError,
    BadRequestError,
    ContentPolicyViolationError,
    ContextWindowExceededError,
    InternalServerError,
    NotFoundError,
    OverloadedError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    RequestTooLargeError,
    ServiceUnavailableError,
    UnprocessableEntityError,
)
from tollbridge.wires.openai_chat import OPENAI_CHAT as WIRE


def read(status: int, body: Any, **headers: str) -> APIError:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return WIRE.read_error(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "no", "type": "t", "param": "p", "code": "c"}}, "no"),
        ({"error": "no"}, "no"),
        ({"message": "no"}, "no"),
        ({"detail": "no"}, "no"),
        ({"detail": [{"loc": ["body", "model"], "msg": "field required"}]}, "body.model: field required"),
        ({"detail": [{"msg": "bad"}, "odd"]}, "bad; odd"),
        ({"message": {"detail": [{"loc": ["a"], "msg": "b"}]}}, "a: b"),
        ({"detail": {"message": "no"}}, "no"),
        ({"error": {"detail": "no"}}, "no"),
        ({"error": {"reason": 7}}, '{"reason":7}'),
        ({"errors": [{"message": "no"}]}, "no"),
        ([{"error": {"message": "no"}}], "no"),
        ("no", "no"),
        (b"plain no\n", "plain no"),
        (
            b"<html><head><title>502 Bad Gateway</title></head></html>",
            "A web page instead of an answer: 502 Bad Gateway",
        ),
        (b"<!doctype html>", "A web page instead of an answer"),
        (b"", "The provider answered 400 without a message."),
        (b"\xff\xfe", "\ufffd\ufffd"),
        ({}, "The provider answered 400 without a message."),
        (None, "The provider answered 400 without a message."),
        ({"error": None}, "The provider answered 400 without a message."),
    ],
)
def test_the_message_is_found_wherever_it_stands(body: Any, message: str) -> None:
    error = read(400, body)
    assert error.message == message
    assert type(error) is BadRequestError


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (401, AuthenticationError, False),
        (402, PaymentRequiredError, False),
        (403, PermissionDeniedError, False),
        (404, NotFoundError, False),
        (413, RequestTooLargeError, False),
        (418, BadRequestError, False),
        (422, UnprocessableEntityError, False),
        (429, RateLimitError, True),
        (500, InternalServerError, True),
        (503, ServiceUnavailableError, True),
        (529, OverloadedError, True),
        (599, InternalServerError, True),
    ],
)
def test_the_status_decides_the_class(status: int, kind: type[APIError], retryable: bool) -> None:
    error = read(status, {"error": {"message": "no", "code": 7, "param": "p"}})
    assert (type(error), error.status_code, error.retryable) == (kind, status, retryable)
    assert (error.code, error.param) == (7, "p")


def test_a_refused_key_is_the_operators_fault() -> None:
    assert read(401, {"error": {"message": "Invalid API key"}}).fault == "operator"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, {"message": "x", "code": "context_length_exceeded"}),
        (400, {"message": "This model's maximum context length is 8192 tokens."}),
        (400, {"message": "prompt is too long: 210000 tokens"}),
        (413, {"message": "Request exceeds the model's context window"}),
        (422, {"message": "The context length of 4096 tokens was exceeded."}),
        (400, {"message": "Please reduce the length of your prompt."}),
    ],
)
def test_too_long_a_prompt_has_a_class_of_its_own(status: int, error: dict[str, Any]) -> None:
    found = read(status, {"error": error})
    assert type(found) is ContextWindowExceededError
    assert found.status_code == status


@pytest.mark.parametrize(
    "error",
    [
        {"message": "x", "code": "content_filter"},
        {"message": "x", "code": "content_policy_violation"},
        {"message": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}},
        {"message": "The prompt triggered the content management policy."},
        {"message": "Your request was rejected by our safety system."},
    ],
)
def test_a_filtered_prompt_has_a_class_of_its_own(error: dict[str, Any]) -> None:
    assert type(read(400, {"error": error})) is ContentPolicyViolationError


def test_a_token_rate_limit_is_no_context_window() -> None:
    assert type(read(429, {"error": {"message": "Too many tokens per minute"}})) is RateLimitError


def test_an_exhausted_quota_is_not_retried() -> None:
    assert read(429, {"error": {"message": "x", "code": "insufficient_quota"}}).retryable is False


def test_retry_after_is_read_in_seconds_and_milliseconds_and_a_date_is_left_to_the_caller() -> None:
    body = {"error": {"message": "slow down"}}
    assert read(429, body, retry_after="2.5").retry_after_s == 2.5
    assert read(429, body, retry_after_ms="250", retry_after="9").retry_after_s == 0.25
    assert read(429, body, Retry_After="3").retry_after_s == 3
    assert read(429, body, retry_after="-3").retry_after_s == 0
    assert read(429, body, retry_after="Sat, 21 Nov 2026 08:00:00 GMT").retry_after_s is None


def test_a_message_of_any_length_is_cut() -> None:
    assert len(read(400, {"error": {"message": "x" * 10_000}}).message) == 2000


def test_our_errors_are_written_as_openai_writes_them() -> None:
    error = RateLimitError("slow down", code="rate_limit", param="model")
    assert WIRE.write_error(error) == (
        429,
        {"error": {"message": "slow down", "type": "rate_limit_error", "param": "model", "code": "rate_limit"}},
    )


def test_a_providers_body_in_this_format_goes_on_as_it_is() -> None:
    body = {
        "error": {"message": "no", "type": "t", "param": None, "code": "c", "metadata": {"raw": "x"}},
        "user_id": "u",
    }
    assert WIRE.write_error(read(400, body)) == (400, body)


def test_a_body_in_another_form_is_written_anew() -> None:
    status, written = WIRE.write_error(read(422, {"detail": "no"}))
    assert (status, written["error"]["message"]) == (422, "no")


@pytest.mark.parametrize("body", [[], "text", 5, None, {"choices": "x"}, {"choices": [5]}, {"object": "list"}])
def test_garbage_with_200_is_a_bad_gateway_that_does_not_echo_it(body: Any) -> None:
    with pytest.raises(BadGatewayError) as raised:
        WIRE.read_response(body)
    assert "text" not in raised.value.message
    assert raised.value.type == "upstream_invalid_response"


def test_an_error_in_a_200_keeps_the_status_that_it_names() -> None:
    with pytest.raises(RateLimitError, match="slow"):
        WIRE.read_response({"error": {"message": "slow", "code": 429}})
    with pytest.raises(BadGatewayError, match="odd"):
        WIRE.read_response({"error": "odd"})
    with pytest.raises(RateLimitError, match="upstream is busy"):
        WIRE.read_response({"choices": [{"message": None, "error": {"message": "upstream is busy", "code": 429}}]})
    with pytest.raises(BadGatewayError):
        WIRE.read_along(b'{"error": {"message": "odd"}}')


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b"\xff", b'{"object": "list"}'])
def test_reading_along_garbage_is_a_bad_gateway(body: bytes) -> None:
    with pytest.raises(RateLimitError, match="upstream is busy"):
        WIRE.read_response({"choices": [{"message": None, "error": {"message": "upstream is busy", "code": 429}}]})
    with pytest.raises(BadGatewayError):
        WIRE.read_along(body)


@pytest.mark.parametrize(
    ("status", "body", "error", "code"),
    [
        (
            403,
            {
                "errors": [{"code": "token_quota_reached", "message": "No tokens left"}],
                "trace": "t",
                "status_code": 403,
            },
            PermissionDeniedError,
            "token_quota_reached",
        ),
        (
            401,
            {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}]},
            AuthenticationError,
            10000,
        ),
        (429, {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "QPS"}, RateLimitError, "REQUEST_LIMIT_EXCEEDED"),
        (401, {"code": "390144", "message": "JWT token is invalid."}, AuthenticationError, "390144"),
        (400, {"error": "no", "error_code": "x"}, BadRequestError, None),
        (404, {"errors": ["no such model"]}, NotFoundError, None),
        (404, {"errors": []}, NotFoundError, None),
    ],
)
def test_the_code_is_found_where_clouds_keep_it(
    status: int, body: Any, error: type[APIError], code: str | int | None
) -> None:
    found = read(status, body)
    assert (type(found), found.status_code, found.code) == (error, status, code)
    assert found.message
