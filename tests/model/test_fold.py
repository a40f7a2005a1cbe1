"""Events -> Response -> events."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tollbridge.model.events import Began, Cited, Closed, Event, Extra, Finished, Grew, Logprobs, Noted, Opened
from tollbridge.model.fold import Folder, fold, unfold
from tollbridge.model.parts import Citation, Inline, Media, Opaque, Part, Refusal, Text, Thinking, ToolCall
from tollbridge.model.response import Choice, Finish, Response, Usage

STOP = Finish(reason="stop", raw="stop")


def test_pieces_of_each_kind_of_part_are_joined() -> None:
    events: list[Event] = [
        Began("r1", "m", 5, {"x": 1}),
        Opened(0, 0, Thinking(origin="w")),
        Grew(0, 0, "hm"),
        Grew(0, 0, "m"),
        Grew(0, 0, "si", "signature"),
        Grew(0, 0, "g", "signature"),
        Closed(0, 0),
        Opened(0, 1, Text(text="a")),
        Grew(0, 1, "b"),
        Noted(Cited(1, Citation(url="u"))),
        Opened(0, 2, ToolCall(id="c", name="f")),
        Grew(0, 2, '{"a"', "arguments"),
        Grew(0, 2, ":1}", "arguments"),
        Opened(0, 3, Refusal(text="")),
        Grew(0, 3, "no"),
        Noted(Usage(input=1)),
        Noted(Usage(input=1, output=2)),
        Finished(0, STOP),
    ]
    assert fold(events, origin="w") == Response(
        id="r1",
        model="m",
        created=5,
        origin="w",
        extra={"x": 1},
        usage=Usage(input=1, output=2),
        choices=(
            Choice(
                finish=STOP,
                parts=(
                    Thinking(text="hmm", signature="sig", origin="w"),
                    Text(text="ab", citations=(Citation(url="u"),)),
                    ToolCall(id="c", name="f", arguments='{"a":1}'),
                    Refusal(text="no"),
                ),
            ),
        ),
    )


def test_interleaved_choices_and_calls_never_mix() -> None:
    events: list[Event] = [
        Opened(1, 0, Text(text="")),
        Opened(0, 0, ToolCall(id="a", name="f")),
        Opened(0, 1, ToolCall(id="b", name="g")),
        Grew(0, 1, "B", "arguments"),
        Grew(1, 0, "one"),
        Grew(0, 0, "A", "arguments"),
        Grew(0, 1, "b", "arguments"),
        Grew(1, 0, "!"),
        Grew(0, 0, "a", "arguments"),
    ]
    zero, one = fold(events).choices
    assert [(part.id, part.arguments) for part in zero.parts if isinstance(part, ToolCall)] == [
        ("a", "Aa"),
        ("b", "Bb"),
    ]
    assert one.parts == (Text(text="one!"),)


def test_a_part_that_opened_later_but_stands_earlier_is_put_in_its_place() -> None:
    events: list[Event] = [Opened(0, 1, Text(text="b")), Opened(0, 0, Text(text="a"))]
    assert fold(events).choices[0].parts == (Text(text="a"), Text(text="b"))


def test_a_stream_that_was_cut_can_be_asked_at_any_time() -> None:
    folder = Folder(origin="w")
    assert folder.response() == Response(origin="w")
    folder.add(Opened(0, 0, Text(text="")))
    folder.add(Grew(0, 0, "so far"))
    assert folder.response().choices == (Choice(parts=(Text(text="so far"),)),)
    assert folder.response().choices[0].finish is None


def test_logprobs_are_appended_list_by_list() -> None:
    events: list[Event] = [
        Noted(Logprobs({"content": [1], "refusal": None})),
        Noted(Logprobs({"content": [2], "refusal": None})),
    ]
    assert fold(events).choices[0].logprobs == {"content": [1, 2], "refusal": None}


def test_unknown_fields_gather_where_they_belong_and_the_later_value_counts() -> None:
    events: list[Event] = [
        Began(extra={"a": 1}),
        Opened(0, 0, Text(text="x", extra={"p": 1})),
        Noted(Extra("response", {"a": 2, "b": {"c": 1}})),
        Noted(Extra("response", {"b": {"d": 2}})),
        Noted(Extra("choice", {"seed": 3})),
        Noted(Extra("message", {"m": 4})),
        Noted(Extra("part", {"q": 5}, 0)),
    ]
    response = fold(events)
    choice = response.choices[0]
    assert response.extra == {"a": 2, "b": {"c": 1, "d": 2}}
    assert (choice.extra, choice.message_extra) == ({"seed": 3}, {"m": 4})
    assert choice.parts == (Text(text="x", extra={"p": 1, "q": 5}),)


words = st.text(max_size=6)
extras = st.dictionaries(st.sampled_from(["x", "y"]), st.integers(), max_size=1)
citations = st.lists(st.builds(Citation, url=words), max_size=2).map(tuple)
parts: st.SearchStrategy[Part] = st.one_of(
    st.builds(
        Text, text=words, citations=st.lists(st.builds(Citation, url=words), max_size=2).map(tuple), extra=extras
    ),
    st.builds(Thinking, text=words, signature=st.none() | words, origin=words, extra=extras),
    st.builds(Thinking, text=st.just(""), signature=words, redacted=st.just(True), origin=words),
    st.builds(ToolCall, id=words, name=words, arguments=words, signature=st.none() | words),
    st.builds(Refusal, text=words, extra=extras),
    st.builds(Opaque, wire=words, value=extras),
    st.builds(Media, media_type=words, source=st.builds(Inline, data=words)),
)
choices = st.lists(
    st.builds(
        Choice,
        parts=st.lists(parts, max_size=4).map(tuple),
        finish=st.just(STOP),
        logprobs=st.none() | st.just({"content": [1]}),
        message_extra=extras,
        extra=extras,
    ),
    max_size=3,
)


@given(found=choices, usage=st.none() | st.builds(Usage, input=st.integers(0, 9)), extra=extras)
@settings(max_examples=150, deadline=None)
def test_unfolding_is_the_inverse_of_folding(found: list[Choice], usage: Usage | None, extra: dict[str, int]) -> None:
    numbered = tuple(
        Choice(
            index=index,
            parts=choice.parts,
            finish=choice.finish,
            logprobs=choice.logprobs,
            message_extra=choice.message_extra,
            extra=choice.extra,
        )
        for index, choice in enumerate(found)
    )
    response = Response(id="r", model="m", choices=numbered, usage=usage, origin="w", extra=extra)
    assert fold(unfold(response), origin="w") == response
