"""Google's errors become ours, and ours become Google's."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tollbridge import errors
from tollbridge.wires.gemini.wire import GEMINI

INFO, RETRY = "type.googleapis.com/google.rpc.ErrorInfo", "type.googleapis.com/google.rpc.RetryInfo"


def body(code: int, status: str, message: str = "No.", *details: dict[str, Any]) -> bytes:
    return msgspec.json.encode(
        {"error": {"code": code, "message": message, "status": status, **({"details": details} if details else {})}}
    )


@pytest.mark.parametrize(
    ("status", "raw", "kind", "fault"),
    [
        (400, body(400, "INVALID_ARGUMENT"), errors.BadRequestError, "client"),
        (
            400,
            body(
                400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed (8)."
            ),
            errors.ContextWindowExceededError,
            "client",
        ),
        (
            400,
            body(400, "INVALID_ARGUMENT", "API key not valid.", {"@type": INFO, "reason": "API_KEY_INVALID"}),
            errors.AuthenticationError,
            "operator",
        ),
        (401, body(401, "UNAUTHENTICATED"), errors.AuthenticationError, "operator"),
        (403, body(403, "PERMISSION_DENIED"), errors.PermissionDeniedError, "operator"),
        (404, body(404, "NOT_FOUND"), errors.NotFoundError, "client"),
        (429, body(429, "RESOURCE_EXHAUSTED"), errors.RateLimitError, "client"),
        (
            429,
            body(429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."),
            errors.PaymentRequiredError,
            "operator",
        ),
        (500, body(500, "INTERNAL"), errors.InternalServerError, "provider"),
        (503, body(503, "UNAVAILABLE", "The model is overloaded."), errors.ServiceUnavailableError, "provider"),
        (504, body(504, "DEADLINE_EXCEEDED"), errors.APITimeoutError, "provider"),
        (502, b"<html>Bad gateway</html>", errors.BadGatewayError, "provider"),
        (500, b"", errors.InternalServerError, "provider"),
        (404, b'{"error": "model not found"}', errors.NotFoundError, "client"),
        (400, b"[" + body(400, "INVALID_ARGUMENT") + b"]", errors.BadRequestError, "client"),
    ],
)
def test_an_error_gets_its_class_and_keeps_its_status(
    status: int, raw: bytes, kind: type[errors.APIError], fault: str
) -> None:
    error = GEMINI.read_error(status, {}, raw)
    assert type(error) is kind
    assert (error.status_code, error.fault) == (status, fault)
    assert error.message
    assert str(error) == error.message


def test_the_time_to_wait_stands_in_the_details_or_in_a_header() -> None:
    told = body(429, "RESOURCE_EXHAUSTED", "Slow.", {"@type": RETRY, "retryDelay": "34.5s"})
    assert GEMINI.read_error(429, {"Retry-After": "7"}, told).retry_after_s == 34.5
    assert GEMINI.read_error(429, {"Retry-After": "7"}, body(429, "RESOURCE_EXHAUSTED")).retry_after_s == 7.0
    odd = body(429, "RESOURCE_EXHAUSTED", "Slow.", {"@type": RETRY, "retryDelay": "soon"})
    assert GEMINI.read_error(429, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, odd).retry_after_s is None


def test_our_errors_are_googles_with_what_to_do_in_the_details() -> None:
    error = errors.RateLimitError("Slow down.", code="rate_limit_exceeded", param="model", retry_after_s=2.5)
    status, written = GEMINI.write_error(error)
    assert status == 429
    assert written["error"] | {"details": None} == {
        "code": 429, "message": "Slow down.", "status": "RESOURCE_EXHAUSTED", "details": None,
    }  # fmt: skip
    info, retry = written["error"]["details"]
    assert (info["reason"], info["metadata"]) == ("RATE_LIMIT_EXCEEDED", {"param": "model"})
    assert retry == {"@type": RETRY, "retryDelay": "2.5s"}


@pytest.mark.parametrize("kind", [kind for kind in vars(errors).values() if isinstance(kind, type)])
def test_every_error_of_ours_reads_back_with_its_status(kind: type) -> None:
    if not issubclass(kind, errors.APIError):
        return
    error = kind("No.")
    status, written = GEMINI.write_error(error)
    assert status == error.status_code
    assert GEMINI.read_error(status, {}, msgspec.json.encode(written)).status_code == status
    assert isinstance(written["error"]["status"], str)


def test_a_providers_own_body_goes_on_as_it_is() -> None:
    raw = body(429, "RESOURCE_EXHAUSTED", "Slow.", {"@type": RETRY, "retryDelay": "1s"}, {"@type": "x/QuotaFailure"})
    assert GEMINI.write_error(GEMINI.read_error(429, {}, raw)) == (429, msgspec.json.decode(raw))
