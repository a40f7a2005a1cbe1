"""Bad bodies: always a 400 (or 502) that names the path, never an exception of Python's own."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wires import laws
from tollbridge.errors import APIError, BadRequestError
from tollbridge.wires.base import Head, SseEvent, Target
from tollbridge.wires.openai_chat import OPENAI_CHAT as WIRE

HELLO = {"role": "user", "content": "hi"}


def body(**fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [HELLO], **fields}


def saying(*messages: Any) -> dict[str, Any]:
    return {"model": "m", "messages": list(messages)}


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (None, "Expected `object`, got `null` - at `$`"),
        ([], "Expected `object`, got `array` - at `$`"),
        ({"messages": [HELLO]}, "Object missing required field `model` - at `$`"),
        ({"model": "m"}, "Object missing required field `messages` - at `$`"),
        ({"model": None, "messages": []}, "Expected `str`, got `null` - at `$.model`"),
        ({"model": "m", "messages": None}, "Expected `array`, got `null` - at `$.messages`"),
        ({"model": "m", "messages": "hi"}, "Expected `array`, got `str` - at `$.messages`"),
        (saying(5), "Expected `object`, got `int` - at `$.messages[0]`"),
        (saying({"content": "hi"}), "Object missing required field `role` - at `$.messages[0]`"),
        (saying({"role": "wizard", "content": "hi"}), "Invalid enum value 'wizard' - at `$.messages[0].role`"),
        (saying(HELLO, {"role": "user", "content": 5}), "at `$.messages[1].content`"),
        (saying({"role": "user", "content": [{"text": "hi"}]}), "at `$.messages[0].content[0]`"),
        (
            saying({"role": "user", "content": [{"type": "text", "text": 5}]}),
            "Expected `str`, got `int` - at `$.messages[0].content[0].text`",
        ),
        (
            saying({"role": "user", "content": [{"type": "image_url", "image_url": {"link": 1}}]}),
            "Object missing required field `url` - at `$.messages[0].content[0].image_url`",
        ),
        (
            saying({"role": "assistant", "tool_calls": [{"id": "a", "function": {"arguments": "{}"}}]}),
            "Object missing required field `name` - at `$.messages[0].tool_calls[0].function`",
        ),
        (
            saying({"role": "assistant", "thinking_blocks": [{"type": "thinking"}]}),
            "Object missing required field `thinking` - at `$.messages[0].thinking_blocks[0]`",
        ),
        (body(temperature="hot"), "Expected `float | null`, got `str` - at `$.temperature`"),
        (body(max_tokens=1.5), "at `$.max_tokens`"),
        (body(stop=[1]), "Expected `str`, got `int` - at `$.stop[0]`"),
        (body(tools={"a": 1}), "at `$.tools`"),
        (body(tools=[{"type": "function"}]), "Object missing required field `function` - at `$.tools[0]`"),
        (body(tools=[{"type": "function", "function": {"name": 1}}]), "at `$.tools[0].function.name`"),
        (body(stream="yes"), "at `$.stream`"),
        (body(response_format="json"), "at `$.response_format`"),
    ],
)
def test_what_is_wrong_is_said_with_its_path(bad: Any, words: str) -> None:
    with pytest.raises(BadRequestError) as raised:
        WIRE.read_request(bad)
    assert words in raised.value.message


CASES = laws.load_cases(Path(__file__).resolve().parents[1] / "cases" / "openai_chat")
JUNK: list[Any] = [None, 0, -1, 1.5, True, "", "x", "\x00", [], {}, [None], {"type": None}, [[]], "data:,"]
HALF_A_PAIR = "\ud800"  # reaches us in values of the SDK's callers alone: a JSON decoder refuses it


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict):
        found += [place for key, held in value.items() for place in places(held, (*path, key))]
    elif isinstance(value, list):
        found += [place for index, held in enumerate(value) for place in places(held, (*path, index))]
    return found


def with_junk(value: Any, place: tuple[Any, ...], junk: Any) -> Any:
    if not place:
        return junk
    whole = copy.deepcopy(value)
    inner = whole
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = junk
    return whole


@st.composite
def spoiled(draw: st.DrawFn, key: str, *more: str) -> Any:
    case = draw(st.sampled_from([case for case in CASES if key in case]))
    value = case[key]
    for _ in range(draw(st.integers(1, 2))):
        value = with_junk(value, draw(st.sampled_from(places(value))), draw(st.sampled_from([*JUNK, *more])))
    return value


def told(act: Callable[[], None], *, client: bool) -> None:
    """Whatever is raised is an APIError with words: a 400 for the client's own body, anything else for a provider's."""
    try:
        act()
    except APIError as error:
        found: APIError | None = error
    else:
        found = None
    assert found is None or (found.message and (found.status_code == 400 or not client))


@given(bad=spoiled("request", HALF_A_PAIR))
@settings(max_examples=400, deadline=None)
def test_no_request_however_spoiled_escapes_as_a_python_error(bad: Any) -> None:
    def act() -> None:
        request = WIRE.read_request(bad).value
        for origin in (request.origin, "elsewhere"):
            WIRE.write_request(msgspec.structs.replace(request, origin=origin), Target(model="m", modify=True))

    told(act, client=True)


@given(bad=spoiled("response"))
@settings(max_examples=400, deadline=None)
def test_no_answer_however_spoiled_escapes_as_a_python_error(bad: Any) -> None:
    def act() -> None:
        answer = WIRE.read_response(bad)
        for origin in (answer.origin, "elsewhere"):
            WIRE.write_response(msgspec.structs.replace(answer, origin=origin))

    told(act, client=False)


@given(bad=spoiled("stream"))
@settings(max_examples=400, deadline=None)
def test_no_stream_however_spoiled_escapes_as_a_python_error(bad: Any) -> None:
    def act() -> None:
        reader, writer = WIRE.stream_reader(), WIRE.stream_writer(Head(id="r", model="m"))
        for chunk in bad if isinstance(bad, list) else ():
            for event in reader.feed(SseEvent(json.dumps(chunk))):
                writer.write(event)
        for event in reader.close():
            writer.write(event)

    told(act, client=False)
