"""Answers that are odd, errors, and streams that break off."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tollbridge.errors import (
    APIError,
    AuthenticationError,
    BadGatewayError,
    BadRequestError,
    ContextWindowExceededError,
    InternalServerError,
    NotFoundError,
    OverloadedError,
    Truncated,
    UnsupportedParamsError,
)
from tollbridge.model.fold import fold
from tollbridge.model.parts import ToolCall
from tollbridge.wires.base import SseEvent
from tollbridge.wires.ollama import OLLAMA


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "invalid options: num_ctx", BadRequestError),
        (400, "registry.ollama.ai/library/llama2:latest does not support tools", UnsupportedParamsError),
        (400, '"qwen2" does not support thinking', UnsupportedParamsError),
        (400, "the prompt exceeds the context window", ContextWindowExceededError),
        (401, "unauthorized", AuthenticationError),
        (404, "model 'x' not found", NotFoundError),
        (500, "llama runner process has terminated", InternalServerError),
        (503, "server busy, please try again.  maximum pending requests exceeded", APIError),
    ],
)
def test_an_error_has_the_class_that_its_words_mean(status: int, message: str, kind: type[APIError]) -> None:
    error = OLLAMA.read_error(status, {"retry-after": "2"}, json.dumps({"error": message}).encode())
    assert isinstance(error, kind)
    assert (error.message, error.status_code, error.retry_after_s) == (message, status, 2.0)


@pytest.mark.parametrize("body", [b"", b"404 page not found", b"<html>", b'{"error": {"message": "no"}}', b"[]"])
def test_an_error_of_any_shape_has_words(body: bytes) -> None:
    assert OLLAMA.read_error(502, {}, body).message


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("model runner has crashed", BadGatewayError),
        ("input length exceeds the context length", ContextWindowExceededError),
        ("model 'x' not found", NotFoundError),
        ("server busy, please try again.  maximum pending requests exceeded", OverloadedError),
    ],
)
def test_an_error_in_a_200_has_the_class_that_its_words_mean(message: str, kind: type[APIError]) -> None:
    with pytest.raises(kind) as whole:
        OLLAMA.read_response({"error": message})
    with pytest.raises(kind) as streamed:
        list(OLLAMA.stream_reader().feed(SseEvent(json.dumps({"error": message}))))
    assert whole.value.message == streamed.value.message == message


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"message": "text", "done": True}, "message"),
        ({"message": {"tool_calls": [{"id": "a"}]}, "done": True}, r"tool_calls\[0\]"),
        ({"message": {"content": "x"}, "logprobs": [{"token": "x"}]}, r"logprobs\[0\]"),
        ([], "object"),
        ("text", "object"),
    ],
)
def test_what_cannot_be_read_names_the_place(body: Any, place: str) -> None:
    with pytest.raises(BadGatewayError, match=place):
        OLLAMA.read_response(body)
    with pytest.raises(BadGatewayError, match=place):
        list(OLLAMA.stream_reader().feed(SseEvent(json.dumps(body))))


def test_a_line_that_is_no_json_is_the_providers_fault() -> None:
    with pytest.raises(BadGatewayError, match="A line of the provider's stream"):
        list(OLLAMA.stream_reader().feed(SseEvent("{")))


def test_a_stream_without_its_end_is_cut() -> None:
    reader = OLLAMA.stream_reader()
    list(reader.feed(SseEvent('{"message": {"content": "Hi"}, "done": false}')))
    assert not reader.ended
    with pytest.raises(Truncated):
        reader.close()


def test_calls_without_ids_get_some_that_no_other_answer_has() -> None:
    def ids(at: str) -> list[str]:
        call = {"function": {"name": "now", "arguments": {}}}
        body = {"created_at": at, "message": {"tool_calls": [call, call]}, "done": True}
        whole = OLLAMA.read_response(body).choices[0].parts
        reader = OLLAMA.stream_reader()
        streamed = fold(reader.feed(SseEvent(json.dumps(body)))).choices[0].parts
        assert whole == streamed
        return [part.id for part in whole if isinstance(part, ToolCall)]

    assert len({*ids("2026-08-07T06:08:07Z"), *ids("2026-08-07T06:08:08Z")}) == 4
    assert ids("2026-08-07T06:08:07Z") == ids("2026-08-07T06:08:07Z")


def test_thinking_and_text_that_take_turns_are_one_part_each() -> None:
    reader, events = OLLAMA.stream_reader(), []
    for message in ({"thinking": "a"}, {"content": "x"}, {"thinking": "b", "content": "y"}):
        events += reader.feed(SseEvent(json.dumps({"message": message, "done": False})))
    events += reader.feed(SseEvent(json.dumps({"message": {"content": "z"}, "done": True})))
    thinking, text = fold(events).choices[0].parts
    assert (thinking.text, text.text) == ("ab", "xyz")  # type: ignore[union-attr]


@pytest.mark.parametrize("said", [None, "", "soon", 5, "99999-01-01"])
def test_a_moment_that_is_none_is_not_said(said: Any) -> None:
    assert OLLAMA.read_response({"created_at": said, "message": {"content": "x"}, "done": True}).created is None
