"""The same stream in other words: framed as the format of events allows, its JSON spelled as JSON allows, told in other
pieces. It reads as the same answer, and who reads along hears the same usage.

Every own case in every way; every recording in one, which its id chooses."""

from __future__ import annotations

import copy
import json
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.wires import laws
from tests.wires.test_cross_wire import CASES, WIRES, exchanges_of
from tollbridge.errors import APIError
from tollbridge.model.fold import fold
from tollbridge.wires.base import Wire
from tollbridge.wires.tap import Boundary

Event = tuple[bytes, bytes]
"""Name, or nothing, and data."""
PIECE = 57


def events_of(stream: bytes) -> list[Event]:
    found = []
    for block in re.split(rb"\r\n\r\n|\n\n|\r\r", stream):
        lines = block.splitlines()
        data = [line[5:].removeprefix(b" ") for line in lines if line.startswith(b"data:")]
        name = next((line[6:].strip() for line in lines if line.startswith(b"event:")), b"")
        if data:
            found.append((name, b"\n".join(data)))
    return found


def framed(events: list[Event], end: bytes = b"\n", space: bytes = b" ", more: bytes = b"") -> bytes:
    out = b""
    for name, data in events:
        out += more + (b"event:" + space + name + end if name else b"")
        out += b"".join(b"data:" + space + line + end for line in data.split(b"\n")) + end
    return out


def commented(events: list[Event]) -> bytes:
    return b": hi\n\n" + b"".join(framed([event]) + b": still there\n\n" for event in events)


def spelled(spell: Callable[[Any], str]) -> Callable[[list[Event]], bytes]:
    def made(events: list[Event]) -> bytes:
        return framed([(name, spell(value).encode() if (value := parsed(data)) else data) for name, data in events])

    return made


def parsed(data: bytes) -> Any:
    try:
        value = json.loads(data)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def turned(value: dict[str, Any]) -> str:
    return json.dumps({key: value[key] for key in reversed(value)})


def told(change: Callable[[dict[str, Any]], list[dict[str, Any]]]) -> Callable[[list[Event]], bytes]:
    """Each chunk as others."""

    def made(events: list[Event]) -> bytes:
        out: list[Event] = []
        for name, data in events:
            value = parsed(data)
            chunks = [] if value is None else [json.dumps(one).encode() for one in change(value)]
            out += [(name, one) for one in chunks or [data]]
        return framed(out)

    return made


def halved(chunk: dict[str, Any]) -> list[dict[str, Any]]:
    choices = chunk.get("choices") or []
    text = (choices[0].get("delta") or {}).get("content") if len(choices) == 1 else None
    if not isinstance(text, str) or len(text) < 2 or choices[0].get("logprobs"):
        return [chunk]
    first, second = copy.deepcopy(chunk), copy.deepcopy(chunk)
    first["choices"][0] = {"index": choices[0].get("index", 0), "delta": {"content": text[:1]}, "finish_reason": None}
    second["choices"][0]["delta"]["content"] = text[1:]
    for name in ("usage", "x_groq"):
        first.pop(name, None)
    return [first, second]


def after_nothing(chunk: dict[str, Any]) -> list[dict[str, Any]]:
    choices = chunk.get("choices") or []
    nothing = [{"index": choice.get("index", 0), "delta": {}, "finish_reason": None} for choice in choices]
    return [{**chunk, "choices": nothing, "usage": None}, chunk] if choices and "x_groq" not in chunk else [chunk]


def with_nulls(chunk: dict[str, Any]) -> list[dict[str, Any]]:
    for choice in chunk.get("choices") or []:
        delta = choice.get("delta")
        if isinstance(delta, dict):
            for name in ("tool_calls", "refusal", "function_call", "content"):
                delta.setdefault(name, None)
            delta.setdefault("role", "assistant")
        choice.setdefault("logprobs", None)
    return [chunk]


def pinged(events: list[Event]) -> bytes:
    ping = (b"ping", b'{"type": "ping"}')
    return framed([one for event in events for one in (ping, event)])


def with_news(events: list[Event]) -> bytes:
    news = (b"something_new", b'{"type": "something_new", "x": 1}')
    return framed([*events[:1], news, *events[1:]])


ANY: dict[str, Callable[[list[Event]], bytes]] = {
    "lines that end in CR LF": lambda events: framed(events, b"\r\n"),
    "lines that end in CR": lambda events: framed(events, b"\r"),
    "no space after the colon": lambda events: framed(events, space=b""),
    "ids and retries": lambda events: framed(events, more=b"id: 7\nretry: 100\n"),
    "a mark of the encoding": lambda events: b"\xef\xbb\xbf" + framed(events),
    "no end of the last event": lambda events: framed(events)[:-1],
    "comments": commented,
    "JSON with spaces and escapes": spelled(lambda value: json.dumps(value, separators=(" , ", " : "))),
    "JSON over several lines": spelled(lambda value: json.dumps(value, indent=1, ensure_ascii=False)),
    "JSON whose keys are turned": spelled(turned),
}
ONE: dict[str, dict[str, Callable[[list[Event]], bytes]]] = {
    "openai_chat": {
        "text in halves": told(halved),
        "chunks that say nothing": told(after_nothing),
        "nulls for what is not said": told(with_nulls),
    },
    "anthropic_messages": {
        "pings": pinged,
        "events without names": lambda events: framed([(b"", data) for _, data in events]),
        "an event that nobody knows": with_news,
    },
    "openai_responses": {},
    "gemini": {},
}


def read(wire: Wire, stream: bytes) -> Any:
    return laws.builtins(fold(laws.read_stream(wire, stream), origin=wire.name))


def heard(wire: Wire, stream: bytes) -> tuple[Any, bool]:
    """What who reads along a relay hears; and that it is passed on as it is."""
    tap, boundary = wire.stream_tap(False), Boundary()
    blocks = [boundary.feed(stream[at : at + PIECE]) for at in range(0, len(stream), PIECE)] + [boundary.rest()]
    assert b"".join(tap.feed(block) for block in blocks if block) == stream
    return laws.builtins(tap.said), tap.ended


def streams(name: str) -> Iterator[tuple[str, bytes, list[str]]]:
    """(id, stream, in which other words)"""
    ways = [*ANY, *ONE[name]]
    own = {case["name"] for case in laws.load_cases(CASES / name)}
    for id, _, _, stream in exchanges_of(name):
        if stream is not None:
            yield id, stream, ways if id in own else [ways[zlib.crc32(id.encode()) % len(ways)]]


@pytest.mark.parametrize("name", WIRES)
def test_a_stream_says_the_same_in_other_words(name: str) -> None:
    wire, looked_at = WIRES[name], Counter[str]()
    for id, stream, ways in streams(name):
        try:
            wanted = read(wire, stream)
        except APIError:
            continue  # a stream that is an error, or ends too early
        events, along = events_of(stream), heard(wire, stream)
        for way in ways:
            other = {**ANY, **ONE[name]}[way](events)
            assert read(wire, other) == wanted, f"{id}: {way}"
            assert heard(wire, other) == along, f"{id}: {way}"
            looked_at[way] += 1
    assert looked_at.keys() == {*ANY, *ONE[name]}
