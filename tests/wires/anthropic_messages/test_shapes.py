"""Bodies that are wrong: the place is named, and nothing but our own errors comes out."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wires.anthropic_messages.test_laws import CASES
from tollbridge.errors import APIError, BadRequestError
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES as WIRE
from tollbridge.wires.base import SseEvent, Target


def ask(content: Any, **more: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": content}], **more}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (ask([{"type": "text", "text": 5}]), "Expected `str`, got `int` - at `$.messages[0].content[0].text`"),
        (ask([{"text": "x"}]), "Object missing required field `type` - at `$.messages[0].content[0]`"),
        (ask(None), "$.messages[0].content"),
        (ask("x", max_tokens="9"), "Expected `int | null`, got `str` - at `$.max_tokens`"),
        (ask("x", temperature="hot"), "$.temperature"),
        (ask("x", stop_sequences=[1]), "$.stop_sequences[0]"),
        (ask("x", tools=[{"name": 3}]), "$.tools[0].name"),
        (ask([{"type": "image", "source": "x.png"}]), "$.messages[0].content[0].source"),
        (ask([{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text"}]}]), "content[0].content[0]"),
        ({"model": "m", "messages": [{"role": "wizard", "content": "x"}]}, "$.messages[0].role"),
        ({"model": "m"}, "missing required field `messages`"),
        (ask("x", system=[{"type": "text", "text": None}]), "$.system[0].text"),
        (None, "Expected `object`"),
        ([["model", "m"], ["messages", []]], "Expected `object`"),
        ([], "Expected `object`"),
    ],
)
def test_the_place_of_a_wrong_value_is_named(body: Any, said: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        WIRE.read_request(body)
    assert said in caught.value.message


KEYS = ["type", "text", "content", "source", "role", "id", "name", "input", "tool_use_id", "citations", "cache_control"]
LEAF = (
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3) | st.sampled_from(["text", "tool_use", "user"])
)
JSON = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_no_request_breaks_the_reader_or_the_writer(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from([case["request"] for case in CASES if "request" in case]))
    body = replaced(case, data.draw(st.sampled_from(places(case))), data.draw(JSON))
    try:
        read = WIRE.read_request(body).value
    except BadRequestError:
        return
    target = Target(model="claude-sonnet-4-5")
    msgspec.json.encode(WIRE.write_request(read, target).value.body)
    try:
        written = WIRE.write_request(msgspec.structs.replace(read, origin="openai_chat"), target)
    except BadRequestError:
        return
    msgspec.json.encode(written.value.body)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_no_answer_breaks_the_reader_or_the_writer(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from([case["response"] for case in CASES if "response" in case]))
    body = replaced(case, data.draw(st.sampled_from(places(case))), data.draw(JSON))
    try:
        read = WIRE.read_response(body)
    except APIError:
        return
    msgspec.json.encode(WIRE.write_response(read).value)
    msgspec.json.encode(WIRE.write_response(msgspec.structs.replace(read, origin="openai_chat")).value)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_no_stream_breaks_the_reader(data: st.DataObject) -> None:
    chunks = list(data.draw(st.sampled_from([case["stream"] for case in CASES if "stream" in case])))
    at = data.draw(st.integers(0, len(chunks) - 1))
    chunks[at] = [
        chunks[at][0],
        replaced(chunks[at][1], data.draw(st.sampled_from(places(chunks[at][1]))), data.draw(JSON)),
    ]
    reader = WIRE.stream_reader()
    try:
        for name, said in chunks:
            list(reader.feed(SseEvent(msgspec.json.encode(said).decode(), name)))
        list(reader.close())
    except APIError:
        return
