"""Parts in a row, as screenplays: what comes in, and what may be written at once."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tollbridge.model.events import Cited, Closed, Event, Extra, Finished, Grew, Noted, Opened
from tollbridge.model.fold import Sequencer, fold
from tollbridge.model.parts import Citation, Opaque, Part, Refusal, Text, Thinking, ToolCall
from tollbridge.model.response import Finish

STOP = Finish(reason="stop")
TEXT = Text(text="")
THOUGHT = Thinking()
END = Finished(0, STOP)


def call(id: str) -> ToolCall:
    return ToolCall(id=id, name="f")


def opened(index: int, part: Part) -> Opened:
    return Opened(0, index, part)


def text(index: int, piece: str) -> Grew:
    return Grew(0, index, piece)


def arguments(index: int, piece: str) -> Grew:
    return Grew(0, index, piece, "arguments")


def closed(index: int) -> Closed:
    return Closed(0, index)


def play(*events: Event) -> list[list[Event]]:
    """For each event that comes in, the events that go out."""
    row = Sequencer()
    return [list(row.feed(event)) for event in events]


def in_a_row(events: Iterable[Event]) -> None:
    """Each part is closed once, before the next opens, and grows only while it is open."""
    current: int | None = None
    for event in events:
        match event:
            case Opened(_, index):
                assert current is None, event
                current = index
            case Grew(_, index):
                assert current == index, event
            case Closed(_, index):
                assert current == index, event
                current = None
            case Finished():
                assert current is None, event


def test_a_lone_part_passes_through_at_once() -> None:
    events = [opened(0, TEXT), text(0, "a"), closed(0), END]
    assert play(*events) == [[event] for event in events]


def test_a_part_left_open_is_closed_by_the_finish() -> None:
    assert play(opened(0, TEXT), text(0, "a"), END)[-1] == [closed(0), END]


def test_text_makes_room_for_a_call() -> None:
    assert play(opened(0, TEXT), text(0, "a"), opened(1, call("c"))) == [
        [opened(0, TEXT)],
        [text(0, "a")],
        [closed(0), opened(1, call("c"))],
    ]


def test_a_second_call_waits_until_the_first_is_whole() -> None:
    assert play(
        opened(0, call("a")),
        arguments(0, '{"x"'),
        opened(1, call("b")),
        arguments(1, '{"y"'),
        arguments(0, ":1}"),
        arguments(1, ":2}"),
        END,
    ) == [
        [opened(0, call("a"))],
        [arguments(0, '{"x"')],
        [],
        [],
        [arguments(0, ":1}")],
        [closed(0), opened(1, call("b")), arguments(1, '{"y"'), arguments(1, ":2}")],
        [closed(1), END],
    ]


def test_a_call_that_is_whole_makes_room_at_once() -> None:
    assert play(opened(0, call("a")), arguments(0, "{}"), opened(1, call("b")))[-1] == [closed(0), opened(1, call("b"))]


def test_a_number_is_not_yet_whole_because_it_can_grow() -> None:
    assert play(opened(0, call("a")), arguments(0, "1"), opened(1, call("b")), arguments(0, "2"))[2:] == [
        [],
        [arguments(0, "2")],
    ]


def test_closing_a_call_releases_what_waits_even_where_it_is_malformed() -> None:
    assert play(opened(0, call("a")), arguments(0, "{"), opened(1, TEXT), text(1, "t"), closed(0))[-1] == [
        closed(0),
        opened(1, TEXT),
        text(1, "t"),
    ]


def test_parts_that_wait_are_released_in_index_order_and_each_is_closed() -> None:
    out = play(
        opened(0, call("a")),
        opened(2, TEXT),
        text(2, "t"),
        opened(1, call("b")),
        arguments(1, "{}"),
        closed(1),
        END,
    )
    assert out[:-1] == [[opened(0, call("a"))], [], [], [], [], []]
    assert out[-1] == [
        closed(0),
        opened(1, call("b")),
        arguments(1, "{}"),
        closed(1),
        opened(2, TEXT),
        text(2, "t"),
        closed(2),
        END,
    ]


def test_among_those_that_wait_an_unfinished_call_holds_up_the_next() -> None:
    out = play(
        opened(0, call("a")),
        opened(1, call("b")),
        arguments(1, "{"),
        opened(2, TEXT),
        closed(0),
        arguments(1, "}"),
        text(2, "t"),
        END,
    )
    assert out[4:] == [
        [closed(0), opened(1, call("b")), arguments(1, "{")],
        [arguments(1, "}")],
        [closed(1), opened(2, TEXT), text(2, "t")],
        [closed(2), END],
    ]


def test_text_that_grows_again_goes_on_in_a_new_block() -> None:
    out = play(opened(0, TEXT), text(0, "a"), opened(1, THOUGHT), text(1, "h"), text(0, "b"))
    assert out[-1] == [closed(1), opened(0, TEXT), text(0, "b")]


def test_a_new_block_of_thinking_keeps_who_signs_it() -> None:
    signed = Thinking(origin="w", account="k")
    out = play(opened(0, signed), text(0, "a"), opened(1, TEXT), Grew(0, 0, "sig", "signature"))
    assert out[-1] == [closed(1), opened(0, signed), Grew(0, 0, "sig", "signature")]


def test_text_that_grows_again_during_a_call_waits_for_it() -> None:
    out = play(
        opened(0, TEXT), opened(1, call("c")), arguments(1, '{"a'), text(0, "b"), text(0, "c"), arguments(1, '":1}')
    )
    assert out[3:] == [[], [], [arguments(1, '":1}')]]


def test_white_space_after_a_whole_call_is_nothing() -> None:
    out = play(opened(0, call("a")), arguments(0, "{}"), opened(1, TEXT), arguments(0, "\n"))
    assert out[-1] == []


@pytest.mark.parametrize("note", [Cited(1, Citation(url="u")), Extra("part", {"x": 1}, 1)])
def test_notes_for_a_part_that_waits_wait_with_it(note: Cited | Extra) -> None:
    out = play(opened(0, call("a")), opened(1, TEXT), text(1, "t"), Noted(note), closed(0))
    assert out[3] == []
    assert out[4] == [closed(0), opened(1, TEXT), text(1, "t"), Noted(note)]


def test_other_notes_pass_at_once() -> None:
    note = Noted(Extra("choice", {"x": 1}))
    assert play(opened(0, call("a")), opened(1, TEXT), note)[-1] == [note]


def test_an_opaque_part_and_a_refusal_make_room_like_text() -> None:
    opaque = Opaque(wire="w", value={})
    out = play(opened(0, opaque), opened(1, Refusal(text="")), text(1, "no"), opened(2, TEXT))
    assert out == [
        [opened(0, opaque)],
        [closed(0), opened(1, Refusal(text=""))],
        [text(1, "no")],
        [closed(1), opened(2, TEXT)],
    ]


@st.composite
def streams(draw: st.DrawFn) -> list[Event]:
    """Up to four parts that interleave as they like."""
    kinds = draw(st.lists(st.sampled_from(["text", "thinking", "call"]), min_size=1, max_size=4))
    scripts: list[list[Event]] = []
    for index, kind in enumerate(kinds):
        part: Part = {"text": TEXT, "thinking": THOUGHT, "call": call(str(index))}[kind]
        pieces = ['{"a"', ":1", "}"] if kind == "call" else draw(st.lists(st.sampled_from(["x", "y"]), max_size=3))
        grown = [arguments(index, piece) if kind == "call" else text(index, piece) for piece in pieces]
        scripts.append([opened(index, part), *grown, *([closed(index)] if draw(st.booleans()) else [])])
    events: list[Event] = []
    begun = 0
    while any(scripts):
        able = [n for n, script in enumerate(scripts) if script and (n < begun or n == begun)]
        choice = draw(st.sampled_from(able))
        begun = max(begun, choice + 1)
        events.append(scripts[choice].pop(0))
    return [*events, END]


@given(events=streams())
@settings(max_examples=300, deadline=None)
def test_any_interleaving_comes_out_in_a_row_with_nothing_lost(events: list[Event]) -> None:
    row = Sequencer()
    out = [now for event in events for now in row.feed(event)]
    in_a_row(out)
    whole = fold(events).choices[0].parts
    said: dict[int, str] = {}
    for event in out:
        if isinstance(event, Grew):
            said[event.index] = said.get(event.index, "") + event.text
    for index, part in enumerate(whole):
        wanted = part.arguments if isinstance(part, ToolCall) else getattr(part, "text", "")
        assert said.get(index, "") == wanted
    assert {event.index for event in out if isinstance(event, Opened)} == set(range(len(whole)))
