"""The exceptions, beside the OpenAI SDK's, and where they travel."""

from __future__ import annotations

import copy
import json
import multiprocessing
import pickle
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest

from tollbridge import errors
from tollbridge.errors import APIError, RateLimitError, TollbridgeError, from_status


def _tree(root: type[TollbridgeError]) -> Iterator[type[TollbridgeError]]:
    yield root
    for kind in root.__subclasses__():
        yield from _tree(kind)


SHARED_NAMES = [kind for kind in _tree(APIError) if hasattr(openai, kind.__name__)]


def _full(kind: type[APIError]) -> APIError:
    return kind(
        "demo answered 429 for demo-1; retry after 2.1 s.",
        status_code=429,
        type="tokens",
        code="rate_limit_exceeded",
        param="max_tokens",
        provider="demo",
        model="demo-1",
        retry_after_s=2.1,
        headers=(("retry-after", "2.1"),),
        body={"message": "slow down"},
        request_id="req_1",
    )


@pytest.mark.parametrize("kind", list(_tree(TollbridgeError)))
def test_every_exception_survives_pickling_and_copying(kind: type[TollbridgeError]) -> None:
    error = _full(kind) if issubclass(kind, APIError) else kind("config.yaml:3:1: what to write instead")
    error.add_note("on the second try")
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):  # noqa: S301
        assert type(twin) is kind
        assert str(twin) == str(error) == twin.message
        assert vars(twin) == vars(error)


def _raise_in_child(_: int) -> None:
    raise _full(RateLimitError)


def test_an_exception_crosses_to_another_process_whole() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        with pytest.raises(RateLimitError) as caught:
            pool.map(_raise_in_child, [0])
    assert caught.value.retry_after_s == 2.1
    assert caught.value.llm_provider == caught.value.provider == "demo"


@pytest.mark.parametrize("kind", SHARED_NAMES)
def test_a_class_of_the_openai_sdks_name_has_its_attributes_status_and_ancestors(kind: type[APIError]) -> None:
    theirs = getattr(openai, kind.__name__)
    ours = _full(kind)
    request = httpx2.Request("POST", "https://api.example/v1")
    response = httpx2.Response(429, request=request, headers={"x-request-id": "req_1"})
    body = {"code": "rate_limit_exceeded", "param": "max_tokens", "type": "tokens", "message": "slow down"}
    if issubclass(theirs, openai.APIStatusError):
        example = theirs("slow down", response=response, body=body)
        for name in ("status_code", "code", "param", "type", "request_id"):
            assert getattr(ours, name) == getattr(example, name), name
    assert all(hasattr(ours, name) for name in ("message", "body", "code", "param", "type"))
    if "status_code" in vars(theirs):
        assert kind("m").status_code == theirs.status_code
    for ancestor in theirs.__mro__:
        if ancestor.__name__ in vars(errors):
            assert issubclass(kind, getattr(errors, ancestor.__name__)), ancestor


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [(429, {"error": {"message": "später"}}, '{"error": {"message": "später"}}'), (502, "<h1>no</h1>", "<h1>no</h1>")],
)
def test_what_was_answered_is_read_as_httpx_has_it(status: int, body: Any, text: str) -> None:
    headers = (("Retry-After", "2"), ("x-limit", "1"), ("X-Limit", "2"))
    theirs = httpx2.Response(status, headers=list(headers), content=text.encode())
    ours = from_status(status)("no", headers=headers, body=body).response
    for name in ("status_code", "text", "content", "reason_phrase", "is_success", "is_error"):
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("retry-after", "RETRY-AFTER", "x-limit"):
        assert ours.headers[name] == ours.headers.get(name) == theirs.headers[name]
    assert dict(ours.headers) == {"retry-after": "2", "x-limit": "1, 2"}
    assert "x-other" not in ours.headers
    assert ours.read() == ours.content
    assert repr(ours) == f"<Response [{status} {ours.reason_phrase}]>"
    if isinstance(body, dict):
        assert ours.json() == theirs.json() == body
    else:
        with pytest.raises(json.JSONDecodeError):
            ours.json()


def test_where_nobody_answered_there_is_no_response_and_one_of_the_programs_own_stays() -> None:
    assert errors.APITimeoutError("late").response is None
    assert repr(errors.OverloadedError("busy").response) == "<Response [529]>"
    assert errors.BadRequestError("no", "demo", "m", "mine").response == "mine"
    error = errors.APIConnectionError("no")
    error.response = "put there"
    assert error.response == "put there"


def test_the_openai_sdks_classes_that_concern_a_request_are_all_here() -> None:
    assert {kind.__name__ for kind in SHARED_NAMES} >= {
        "APIError",
        "APIConnectionError",
        "APITimeoutError",
        "APIStatusError",
        "BadRequestError",
        "AuthenticationError",
        "PermissionDeniedError",
        "NotFoundError",
        "ConflictError",
        "UnprocessableEntityError",
        "RateLimitError",
        "InternalServerError",
    }


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "BadRequestError"),
        (402, "PaymentRequiredError"),
        (418, "BadRequestError"),
        (429, "RateLimitError"),
        (500, "InternalServerError"),
        (504, "GatewayTimeoutError"),
        (529, "OverloadedError"),
    ],
)
def test_a_status_finds_its_class(status: int, name: str) -> None:
    assert from_status(status).__name__ == name
