"""Where the operator wants prompts cached, marks are set, in whatever format is spoken."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.build import Wanted, build
from tollbridge.calls.cache_points import read_points
from tollbridge.calls.prepare import Prepared, prepare
from tollbridge.providers.location import Given
from tollbridge.providers.table import ROWS
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES
from tollbridge.wires.base import Wire
from tollbridge.wires.openai_chat import OPENAI_CHAT

CLAUDE = "anthropic/claude-sonnet-4-5"
MARK = {"type": "ephemeral"}
TURNS: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "one"},
    {"role": "assistant", "content": "two"},
    {"role": "user", "content": [{"type": "text", "text": "three"}, {"type": "text", "text": "four"}]},
]


def test_a_client_may_say_it_with_its_request() -> None:
    body = json.dumps({"model": "m", "messages": TURNS}).encode()
    deployment = build(Wanted(id="d", group="m", model=CLAUDE, given=Given(api_key="k")), {}, ROWS)
    ask = Ask(OPENAI_CHAT, body, peek(body), "m", stream=False, cache_points=read_points([{"index": 0}]))
    assert marked(prepare(ask, deployment)) == ["Be brief."]


def prepared(points: Any, model: str = CLAUDE, dialect: Wire = OPENAI_CHAT, **fields: Any) -> Prepared:
    body = json.dumps({"model": "m", **fields}).encode()
    wanted = Wanted(id="d", group="m", model=model, given=Given(api_key="k"), cache_points=read_points(points))
    return prepare(Ask(dialect, body, peek(body), "m", stream=False), build(wanted, {}, ROWS))


def marked(made: Prepared) -> list[str]:
    """The texts that bear a mark, and the names of tools."""
    found: list[str] = []

    def look(value: Any) -> None:
        if isinstance(value, dict):
            if "cache_control" in value:
                found.append(
                    value.get("text") or value.get("name") or value.get("tool_use_id") or str(value.get("content"))
                )
            for inner in value.values():
                look(inner)
        elif isinstance(value, list):
            for inner in value:
                look(inner)

    look(json.loads(made.outgoing.body))
    return found


@pytest.mark.parametrize(
    ("point", "texts"),
    [
        ({"location": "message", "role": "system"}, ["Be brief."]),
        ({"location": "message", "role": "user"}, ["one", "four"]),
        ({"location": "message", "index": -1}, ["four"]),
        ({"location": "message", "index": "2"}, ["two"]),
        ({"index": 9}, []),
        ({"location": "tool_config"}, ["f"]),
    ],
)
def test_a_point_marks_what_it_names(point: Any, texts: list[str]) -> None:
    function = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    made = prepared([point], messages=TURNS, tools=[function])
    assert marked(made) == texts
    assert made.caveats == ()


def test_how_long_is_said_by_its_control() -> None:
    made = prepared([{"role": "system", "control": {"type": "ephemeral", "ttl": "1h"}}], messages=TURNS)
    assert json.loads(made.outgoing.body)["system"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}


def test_no_more_than_four_and_the_clients_own_stay() -> None:
    own = {"role": "user", "content": [{"type": "text", "text": "mine", "cache_control": MARK}]}
    turns = [own] + [
        turn
        for number in range(6)
        for turn in ({"role": "assistant", "content": "x"}, {"role": "user", "content": f"u{number}"})
    ]
    assert marked(prepared([{"role": "user"}], messages=turns)) == ["mine", "u3", "u4", "u5"]


def test_a_tools_message_is_marked_by_its_role() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    turns = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
    ]
    assert marked(prepared([{"role": "tool"}], messages=turns)) == ["c1"]


def test_a_client_of_anthropics_format_is_served_likewise_and_answered_as_before() -> None:
    body = {"max_tokens": 9, "system": "Be brief.", "messages": [{"role": "user", "content": "hi"}]}
    made = prepared([{"role": "system"}], dialect=ANTHROPIC_MESSAGES, **body)
    sent = json.loads(made.outgoing.body)
    assert sent["system"] == [{"type": "text", "text": "Be brief.", "cache_control": MARK}]
    assert (sent["messages"], made.relayed) == ([{"role": "user", "content": "hi"}], True)


def test_who_caches_by_itself_gets_no_marks() -> None:
    made = prepared([{"role": "system"}], model="openai/gpt-4.1", messages=TURNS)
    assert (marked(made), made.caveats, made.relayed) == ([], (), True)


def test_who_takes_marks_in_the_chat_format_gets_them_there() -> None:
    made = prepared([{"role": "system"}], model="openrouter/anthropic/claude-sonnet-4.5", messages=TURNS)
    assert (marked(made), made.relayed) == (["Be brief."], True)


@pytest.mark.parametrize(
    ("points", "told"),
    [
        ({"role": "system"}, "points"),
        (["system"], r"\[0\]: expected an object"),
        ([{"location": "system"}], r"\[0\]\.location"),
        ([{"role": "robot"}], r"\[0\]\.role"),
        ([{"index": "last"}], r"\[0\]\.index"),
        ([{"index": float("inf")}], r"\[0\]\.index"),
        ([{"index": 1.7}], r"\[0\]\.index"),
        ([{"index": True}], r"\[0\]\.index"),
        ([{"role": "user"}] * 17, "at most 16"),
        ([{"role": "user"}, {"role": "user", "control": {"ttl": "2h"}}], r"\[1\]\.control"),
    ],
)
def test_what_is_no_point_is_told_by_its_place(points: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_points(points)


def test_what_stands_beside_the_messages_is_not_counted() -> None:
    body = {"max_tokens": 9, "system": "Be brief.", "messages": [{"role": "user", "content": "hi"}]}
    assert marked(prepared([{"index": 0}], dialect=ANTHROPIC_MESSAGES, **body)) == ["hi"]
