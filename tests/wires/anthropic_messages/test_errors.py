"""Errors, read and written."""

from __future__ import annotations

import msgspec
import pytest

from tollbridge import errors
from tollbridge.errors import APIError
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES as WIRE


def body(kind: str, message: str) -> bytes:
    return msgspec.json.encode({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"})


@pytest.mark.parametrize(
    ("status", "kind", "message", "raised"),
    [
        (400, "invalid_request_error", "messages: Field required", errors.BadRequestError),
        (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000", errors.ContextWindowExceededError),
        (
            400,
            "invalid_request_error",
            "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
            errors.ContextWindowExceededError,
        ),
        (
            400,
            "invalid_request_error",
            "Output blocked by content filtering policy",
            errors.ContentPolicyViolationError,
        ),
        (400, "invalid_request_error", "Your credit balance is too low to go on", errors.PaymentRequiredError),
        (401, "authentication_error", "invalid x-api-key", errors.AuthenticationError),
        (403, "permission_error", "no", errors.PermissionDeniedError),
        (404, "not_found_error", "model: x", errors.NotFoundError),
        (413, "request_too_large", "Request exceeds the maximum size", errors.RequestTooLargeError),
        (413, "invalid_request_error", "Prompt is too long", errors.ContextWindowExceededError),
        (429, "rate_limit_error", "slow down", errors.RateLimitError),
        (500, "api_error", "Internal server error", errors.InternalServerError),
        (504, "timeout_error", "took too long", errors.APITimeoutError),
        (529, "overloaded_error", "Overloaded", errors.OverloadedError),
    ],
)
def test_each_error_has_its_class(status: int, kind: str, message: str, raised: type[APIError]) -> None:
    error = WIRE.read_error(
        status, {"Retry-After": "2.5", "x-secret": "no", "request-id": "req_2"}, body(kind, message)
    )
    assert type(error) is raised
    assert error.message == message
    assert error.retry_after_s == 2.5
    assert error.request_id == "req_2"
    assert ("x-secret", "no") not in error.headers


def test_the_provider_may_say_whether_to_try_again() -> None:
    said = body("rate_limit_error", "never")
    assert WIRE.read_error(429, {"x-should-retry": "false"}, said).retryable is False
    assert WIRE.read_error(400, {"x-should-retry": "true"}, said).retryable is True
    assert WIRE.read_error(429, {}, said).retryable is True


def test_our_own_credentials_are_the_operators() -> None:
    assert WIRE.read_error(401, {}, body("authentication_error", "x")).fault == "operator"
    assert WIRE.read_error(404, {}, body("not_found_error", "x")).fault == "client"


@pytest.mark.parametrize("raw", [b"", b"<html>Bad gateway</html>", b"\xff\xfe", b"[]", b'"x"', b'{"error": {}}', b"{"])
def test_a_body_of_any_shape_is_read(raw: bytes) -> None:
    error = WIRE.read_error(502, {}, raw)
    assert isinstance(error, errors.BadGatewayError)
    assert "502" in error.message


def test_a_bare_message_is_read() -> None:
    assert WIRE.read_error(400, {}, b'{"message": "too bad"}').message == "too bad"
    assert WIRE.read_error(400, {}, b'{"error": "too bad"}').message == "too bad"


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (errors.BadRequestError("x"), 400, "invalid_request_error"),
        (errors.ContextWindowExceededError("x"), 400, "invalid_request_error"),
        (errors.PaymentRequiredError("x"), 402, "billing_error"),
        (errors.RequestTooLargeError("x"), 413, "request_too_large"),
        (errors.UnprocessableEntityError("x"), 422, "invalid_request_error"),
        (errors.RateLimitError("x"), 429, "rate_limit_error"),
        (errors.Truncated("x"), 502, "api_error"),
        (errors.ServiceUnavailableError("x"), 503, "api_error"),
        (errors.APITimeoutError("x"), 504, "timeout_error"),
        (errors.OverloadedError("x"), 529, "overloaded_error"),
    ],
)
def test_any_error_is_said_in_this_format(error: APIError, status: int, kind: str) -> None:
    assert WIRE.write_error(error) == (status, {"type": "error", "error": {"type": kind, "message": "x"}})
