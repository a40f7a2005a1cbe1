"""Reading along a relayed stream: all of it goes on, and the last event tells what it used."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tollbridge.errors import APIError, BadGatewayError, RateLimitError
from tollbridge.model.response import Usage
from tollbridge.wires import sse
from tollbridge.wires.openai_responses.tap import ResponsesTap, read_along

COUNTS = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
USAGE = Usage(input=5, output=2, origin="openai_responses")


def event(kind: str, **fields: Any) -> bytes:
    return sse.write(msgspec.json.encode({"type": kind, **fields}), kind.encode())


CREATED = event("response.created", response={"id": "resp_1", "usage": None, "service_tier": "auto"})
DELTA = event("response.output_text.delta", delta='say "type":"response.completed"')


def ended(kind: str = "response.completed") -> bytes:
    return event(kind, response={"id": "resp_1", "usage": COUNTS, "service_tier": "flex"})


@pytest.mark.parametrize("kind", ["response.completed", "response.incomplete", "response.failed"])
def test_the_last_event_tells_usage_and_tier_and_is_the_end(kind: str) -> None:
    tap = ResponsesTap()
    assert tap.feed(CREATED) == CREATED
    tap.feed(DELTA)
    assert (tap.spoke, tap.ended, tap.final, tap.said.usage) == (True, False, False, None)
    tap.feed(ended(kind))
    assert (tap.ending, tap.ended, tap.marked, tap.final) == (True, True, True, True)
    assert (tap.said.usage, tap.said.id, tap.said.service_tier) == (USAGE, "resp_1", "flex")


def test_until_then_the_first_event_tells_who_it_is() -> None:
    tap = ResponsesTap()
    tap.feed(CREATED + DELTA)
    assert (tap.said.id, tap.said.service_tier) == ("resp_1", "auto")


def test_text_that_looks_like_an_end_is_none() -> None:
    tap = ResponsesTap()
    tap.feed(CREATED + DELTA)
    assert (tap.ending, tap.marked) == (True, False)


def test_what_comes_after_the_end_goes_on_and_changes_nothing() -> None:
    tap = ResponsesTap()
    tap.feed(CREATED + ended())
    assert tap.marked
    assert tap.feed(b"data: [DONE]\n\n") == b"data: [DONE]\n\n"
    assert (tap.ended, tap.said.usage) == (True, USAGE)


def test_the_head_says_nothing_yet() -> None:
    tap = ResponsesTap()
    tap.feed(CREATED)
    tap.feed(event("response.in_progress", response={"id": "resp_1"}))
    assert (tap.spoke, tap.said.id) == (False, "resp_1")
    tap.feed(event("response.output_item.added", item={"text": "response.created"}))
    assert tap.spoke


def test_comments_are_no_words() -> None:
    tap = ResponsesTap()
    tap.feed(b": keepalive\n\n")
    assert not tap.spoke


def test_a_whole_answer_tells_the_same() -> None:
    along = read_along(msgspec.json.encode({"id": "r", "output": [], "usage": COUNTS, "service_tier": "flex"}))
    assert (along.id, along.usage, along.service_tier) == ("r", USAGE, "flex")


@pytest.mark.parametrize("body", [b"<html>", b"{", b"[]", b"{}", b'{"choices": []}', b'{"output": []'])
def test_what_is_no_response_is_a_bad_gateway(body: bytes) -> None:
    with pytest.raises(BadGatewayError):
        read_along(body)


def test_a_response_that_failed_is_its_error() -> None:
    failed = {"status": "failed", "output": [], "error": {"code": "rate_limit_exceeded", "message": "Slow."}}
    with pytest.raises(RateLimitError, match="Slow"):
        read_along(msgspec.json.encode(failed))
    with pytest.raises(APIError):
        read_along(msgspec.json.encode({"status": "failed", "output": [], "error": None}))
