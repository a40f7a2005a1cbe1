"""No name of Python's is told to anybody: each field of each own case, left out or of another type, is read all the
same or refused in words of JSON, with its place."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tollbridge.errors import APIError, BadGatewayError, BadRequestError
from tollbridge.wires import dialects
from tollbridge.wires.base import ProviderWire, SseEvent, Target
from tollbridge.wires.bedrock_converse import BEDROCK_CONVERSE
from tollbridge.wires.cohere import COHERE
from tollbridge.wires.ollama import OLLAMA
from tollbridge.wires.replicate import REPLICATE

CASES = Path(__file__).parent / "cases"
TWO_WAY = {name: dialects.load(name) for name in dialects.DIALECTS}
ONE_WAY: dict[str, ProviderWire] = {
    "cohere": COHERE,
    "ollama": OLLAMA,
    "replicate": REPLICATE,
}
PYTHONS = re.compile(
    r"Error\b|NoneType|Traceback|subscriptable|has no attribute|unhashable|not iterable|indices must|\bdict\b|argument "
)
VALUES: tuple[Any, ...] = (None, True, 7, 1.5, "x", [], {}, [7], [None], {"x": 1}, [[]], [{}])
LEFT_OUT = object()


def cases(wire: str) -> list[tuple[str, dict[str, Any]]]:
    return [(path.name, json.loads(path.read_text())) for path in sorted((CASES / wire).glob("*.json"))]


def spots(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from spots(inner, (*path, key))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    key, *rest = path
    out = dict(value) if isinstance(value, dict) else list(value)
    if rest:
        out[key] = put(value[key], tuple(rest), new)
    elif new is LEFT_OUT:
        del out[key]
    else:
        out[key] = new
    return out


def broken(body: Any) -> Iterator[tuple[tuple[Any, ...], Any, Any]]:
    """(where, what stands there, the whole)."""
    for path in spots(body):
        for new in (LEFT_OUT, *VALUES):
            yield path, new, put(body, path, new)


def refusal(read: Callable[[], object], of: type[APIError]) -> str | None:
    try:
        read()
    except of as error:
        return error.message
    except APIError:
        return None  # what a provider's own error says
    return None


@pytest.mark.parametrize("name", TWO_WAY)
def test_a_broken_request_is_refused_in_words_of_json_with_its_place(name: str) -> None:
    wire, refused = TWO_WAY[name], 0
    for case, one in cases(name):
        for path, new, body in broken(one.get("request", {})):
            told = refusal(lambda body=body: wire.read_request(body), BadRequestError)  # type: ignore[misc]
            if told is not None:
                refused += 1
                assert not PYTHONS.search(told), (case, path, new, told)
                assert " - at `$" in told, (case, path, new, told)
    assert refused > 1000


@pytest.mark.parametrize("name", [*TWO_WAY, *ONE_WAY])
def test_so_is_a_broken_answer(name: str) -> None:
    wire = {**TWO_WAY, **ONE_WAY}[name]
    for case, one in cases(name):
        for path, new, body in broken(one.get("response", {})):
            told = refusal(lambda body=body: wire.read_response(body), BadGatewayError)  # type: ignore[misc]
            assert told is None or not PYTHONS.search(told), (case, path, new, told)


@pytest.mark.parametrize("name", [*TWO_WAY, *ONE_WAY])
def test_so_is_a_broken_event_of_a_stream(name: str) -> None:
    wire = {**TWO_WAY, **ONE_WAY}[name]
    for case, one in cases(name):
        stream = [item if isinstance(item, list) else ["", item] for item in one.get("stream", ())]
        whole = [said(event, data) for event, data in stream]
        for at, (event, data) in enumerate(stream):
            for path in spots(data):
                for new in (LEFT_OUT, 7, [None]):
                    events = [*whole[:at], said(event, put(data, path, new)), *whole[at + 1 : at + 2]]
                    told = refusal(lambda events=events: fed(wire, events), BadGatewayError)  # type: ignore[misc]
                    assert told is None or not PYTHONS.search(told), (case, at, path, new, told)


def said(event: str, data: Any) -> SseEvent:
    return SseEvent(data if isinstance(data, str) else json.dumps(data), event)


def fed(wire: ProviderWire, events: list[SseEvent]) -> None:
    reader = wire.stream_reader()
    for event in events:
        for _ in reader.feed(event):
            pass


@pytest.mark.parametrize("name", TWO_WAY)
def test_what_could_be_read_can_be_written_or_is_refused(name: str) -> None:
    """However odd a value is that no reader minds: no writer of another format breaks over it."""
    wire = TWO_WAY[name]
    others = [one for one in (*TWO_WAY.values(), *ONE_WAY.values(), BEDROCK_CONVERSE) if one.name != name]
    models = {
        "anthropic_messages": "claude-sonnet-4-5",
        "gemini": "gemini-3-pro",
        "bedrock_converse": "amazon.nova-2-lite-v1:0",
    }
    turn = 0
    for case, one in cases(name):
        for path, new, body in broken(one.get("request", {})):
            try:
                request = wire.read_request(body).value
            except BadRequestError:
                continue
            turn += 1
            to = others[turn % len(others)]
            target = Target(model=models.get(to.name, "gpt-5"), modify=turn % 2 == 0)
            try:
                told = refusal(
                    lambda to=to, request=request, target=target: to.write_request(request, target), BadRequestError
                )  # type: ignore[misc]
            except Exception as error:
                raise AssertionError((case, path, new, to.name)) from error
            assert told is None or not PYTHONS.search(told), (case, path, new, told)


@pytest.mark.parametrize(
    ("dialect", "body", "message"),
    [
        (
            "anthropic_messages",
            {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url"}}]}]},
            "Object missing required field `url` - at `$.messages[0].content[0].source`",
        ),
        (
            "gemini",
            {"contents": [{"parts": [{"text": "x"}, {"inlineData": {"mimeType": "image/png", "data": 7}}]}]},
            "Expected `str`, got `int` - at `$.contents[0].parts[1].inlineData.data`",
        ),
        (
            "openai_chat",
            {"model": "m", "messages": [{"role": "assistant", "audio": {"id": 7}}]},
            "Unexpected number - at `$.messages[0].audio.id`",
        ),
        (
            "openai_responses",
            {"model": "m", "input": [{"type": [], "id": "x"}]},
            "Expected `str` - at `$.input[0].type`",
        ),
        ("openai_chat", [7], "Expected `object`, got `array` - at `$`"),
    ],
)
def test_a_refusal_names_the_place(dialect: str, body: Any, message: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        TWO_WAY[dialect].read_request(body)
    assert refused.value.message == message
    assert refused.value.param == (message.rpartition("$")[2].rstrip("`").removeprefix(".") or None)


def test_what_a_provider_of_converse_left_out_is_named() -> None:
    answer: dict[str, Any] = {"output": {"message": {"role": "assistant", "content": [{"text": "hi"}]}}}
    with pytest.raises(BadGatewayError, match=r"Missing field `message` - at `\$\.output`"):
        BEDROCK_CONVERSE.read_response(put(answer, ("output", "message"), LEFT_OUT))
