"""Calls in a text, found as it grows."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from tollbridge.wires.tools_in_words import finding
from tollbridge.wires.tools_in_words.finding import Call, Finder, Found

NAMES = frozenset({"weather", "now"})
OSLO = Call("weather", '{"city":"Oslo"}')
NOW = Call("now", "{}")
TAGGED = '<tool_call>{"name": "weather", "arguments": {"city": "Oslo"}}</tool_call>'

FOUND: dict[str, tuple[str, list[Found]]] = {
    "tag alone": (TAGGED, [OSLO]),
    "tag with white space": (f"\n {TAGGED} \n", [OSLO]),
    "tag over lines": ('<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>', [NOW]),
    "text before a tag": (f"Let me look.\n\n{TAGGED}", ["Let me look.", OSLO]),
    "text between and after tags": (f"One {TAGGED} two\n{TAGGED}\nthree.", ["One", OSLO, "two", OSLO, "three."]),
    "several tags": (f"{TAGGED}\n{TAGGED.replace('Oslo', 'Rome')}", [OSLO, Call("weather", '{"city":"Rome"}')]),
    "no closing tag": ('Look. <tool_call>{"name": "now", "arguments": {}}', ["Look.", NOW]),
    "no arguments": ('<tool_call>{"name": "now"}</tool_call>', [NOW]),
    "parameters": ('<tool_call>{"name": "weather", "parameters": {"city": "Oslo"}}</tool_call>', [OSLO]),
    "bare object": (' {"name": "weather", "arguments": {"city": "Oslo"}}\n', [OSLO]),
    "bare objects": ('{"name": "now"}\n{"name": "now"}', [NOW, NOW]),
    "bare object, then text": ('{"name": "now"}\nThat is it.', [NOW, "That is it."]),
    "object in a fence": ('```json\n{"name": "now", "arguments": {}}\n```\n', [NOW]),
    "object in a fence without a word": ('```\n{"name": "now"}\n```', [NOW]),
    "object in a fence, then text": ('```json\n{"name": "now"}\n```\nDone.', [NOW, "Done."]),
    "braces and quotes in a text": (
        '{"name": "weather", "arguments": {"city": "a}\\"{b\\\\"}}',
        [Call("weather", '{"city":"a}\\"{b\\\\"}')],
    ),
    "a tag inside of arguments": (
        '<tool_call>{"name": "weather", "arguments": {"city": "<tool_call>"}}</tool_call>',
        [Call("weather", '{"city":"<tool_call>"}')],
    ),
}

TEXTS = {
    "plain": "It is 5 degrees.",
    "nothing but white space": " \n ",
    "white space around": "  Well.  \n",
    "an unknown tool": '<tool_call>{"name": "rm", "arguments": {}}</tool_call>',
    "arguments that are no object": '<tool_call>{"name": "now", "arguments": [1]}</tool_call>',
    "arguments that are text": '<tool_call>{"name": "now", "arguments": "{}"}</tool_call>',
    "no JSON": "<tool_call>now()</tool_call>",
    "an empty tag": "<tool_call></tool_call>",
    "a tag that is talked about": "Write <tool_call> and </tool_call> around it.",
    "a tag that is not finished": "a < b, <tool, <tool_",
    "an open tag at the end": "See <tool_call>",
    "another object": '{"name": "Ann", "arguments": {}}',
    "an object with more in it": '{"name": "now", "arguments": {}, "age": 3}',
    "an object that is not finished": '{"name": "now", "argum',
    "an object after text": 'Use {"name": "now", "arguments": {}} for it.',
    "code in a fence": "```python\nprint({})\n```",
    "a fence that is not finished": "```js",
    "JSON that was asked for": '{"a": [1, {"b": "}"}]}\n',
    "half a call": '<tool_call>{"name": "now", "arguments": {',
}


def found(pieces: list[str], names: frozenset[str] = NAMES) -> list[Found]:
    """Texts next to each other as one."""
    finder, joined = Finder(names), list[Found]()
    for one in [*(one for piece in pieces for one in finder.feed(piece)), *finder.close()]:
        if isinstance(one, str) and joined and isinstance(joined[-1], str):
            joined[-1] += one
        else:
            joined.append(one)
    return joined


@pytest.mark.parametrize("case", FOUND)
def test_a_call_is_found(case: str) -> None:
    text, expected = FOUND[case]
    assert found([text]) == expected


@pytest.mark.parametrize("case", TEXTS)
def test_a_text_that_only_looks_like_a_call_stays_as_it_is(case: str) -> None:
    assert found([TEXTS[case]]) == [TEXTS[case]]


@pytest.mark.parametrize("text", [*(text for text, _ in FOUND.values()), *TEXTS.values()])
def test_where_a_text_is_cut_makes_no_difference(text: str) -> None:
    whole = found([text])
    assert found(list(text)) == whole
    for cut in range(1, len(text)):
        assert found([text[:cut], text[cut:]]) == whole, cut


def test_texts_of_any_pieces_are_found_the_same_however_they_are_cut() -> None:
    chance = random.Random(11)
    pieces = [
        TAGGED,
        '{"name": "now"}',
        "```json\n",
        "```",
        " ",
        "\n",
        "<tool_call>",
        "</tool_call>",
        "word",
        "<",
        "{",
        "}",
        '"',
    ]
    for _ in range(600):
        text = "".join(chance.choices(pieces, k=chance.randint(1, 7)))
        whole = found([text])
        cuts = [0, *sorted(chance.randint(0, len(text)) for _ in range(4)), len(text)]
        assert found([text[a:b] for a, b in pairwise(cuts)]) == whole, text
        assert found(list(text)) == whole, text
        kept = "".join(one for one in whole if isinstance(one, str))
        if not any(isinstance(one, Call) for one in whole):
            assert kept == text


def test_text_is_not_held_back_longer_than_it_may_become_a_call() -> None:
    finder = Finder(NAMES)
    assert list(finder.feed("Well")) == ["Well"]
    assert list(finder.feed(", a <b")) == [", a <b"]
    assert list(finder.feed("> c <tool")) == ["> c"]
    assert list(finder.feed("s are")) == [" <tools are"]
    assert list(finder.feed(' <tool_call>{"name": "now"}</tool_call')) == []
    assert list(finder.feed(">")) == [NOW]
    assert list(finder.close()) == []


def test_what_is_held_back_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "HELD_MAX", 100)
    for start in ("<tool_call>", "{", '{"'):
        finder = Finder(NAMES)
        pieces = [start, *(["x" * 10] * 30)]
        told = [one for piece in pieces for one in finder.feed(piece)]
        assert "".join(map(str, told)).startswith(start)
        assert len(finder._held) <= 100


def test_without_tools_everything_is_text() -> None:
    assert found([TAGGED], frozenset()) == [TAGGED]
