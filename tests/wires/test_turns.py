"""Histories as turns, whatever they look like."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tollbridge.errors import BadRequestError
from tollbridge.model.parts import Part, Text, ToolCall, ToolResult
from tollbridge.model.request import Message
from tollbridge.wires.losses import Losses
from tollbridge.wires.turns import Turn, in_turns

IDS = st.sampled_from(["", "a", "b", "a_2"])
TEXTS = st.sampled_from(["x", " "]).map(lambda text: Text(text=text))
CALLS = IDS.map(lambda call_id: ToolCall(id=call_id, name="t"))
RESULTS = IDS.map(lambda call_id: ToolResult(call_id=call_id))


def message(role: str, *parts: st.SearchStrategy[Part]) -> st.SearchStrategy[Message]:
    some = st.lists(st.one_of(*parts), max_size=3)
    return some.map(lambda held: Message(role=role, parts=tuple(held)))  # type: ignore[arg-type]


HISTORIES = st.lists(
    st.one_of(message("system", TEXTS), message("user", TEXTS, RESULTS), message("assistant", TEXTS, CALLS)), max_size=7
)


def holds(turns: list[Turn], history: list[Message], *, modify: bool) -> None:
    ids = [call.sent_id for turn in turns for call in turn.calls]
    assert all(ids)
    assert len(set(ids)) == len(ids)
    for turn in turns:
        assert turn.parts
        assert not turn.calls or turn.role == "assistant"
        shown = [part.id for _, part in turn.parts if isinstance(part, ToolCall)]
        assert shown == [call.sent_id for call in turn.calls]
        answered = list(turn.results())
        if modify and (answered or turn is not turns[-1]):
            assert len(answered) == len(turn.calls)
    given_results = [part for one in history for part in one.parts if isinstance(part, ToolResult)]
    found = [result for turn in turns for _, _, result in turn.results()]
    assert all(result in found for result in given_results)
    texts = [part for one in history for part in one.parts if isinstance(part, Text)]
    assert [part for turn in turns for _, part in turn.parts if isinstance(part, Text)] == texts


@settings(max_examples=300, deadline=None)
@given(HISTORIES)
def test_any_history_is_turns_with_their_calls_answered(history: list[Message]) -> None:
    holds(in_turns(history, Losses("nobody"), modify=True), history, modify=True)
    try:
        holds(in_turns(history, Losses("nobody"), modify=False), history, modify=False)
        missing = None
    except BadRequestError as refused:
        missing = refused.code
    assert missing in (None, "tool_call_missing")


def test_what_follows_a_result_is_a_turn_of_its_own() -> None:
    history = [
        Message(role="assistant", parts=(ToolCall(id="a", name="t"),)),
        Message(role="user", parts=(ToolResult(call_id="a"),)),
        Message(role="assistant", parts=(Text(text="x"),)),
        Message(role="assistant", parts=(Text(text="y"),)),
    ]
    turns = in_turns(history, Losses("nobody"), modify=False)
    assert [len(turn.parts) for turn in turns] == [1, 2]


def test_cache_marks_are_counted_and_told_once() -> None:
    losses = Losses("nobody")
    for at in range(3):
        losses.mark(f"$.messages[{at}]")
    (caveat,) = losses.told()
    assert caveat.detail.startswith("3 cache marks")
    assert losses.told() == (caveat,)
