"""Any history, however odd, becomes one that keeps the rules at the head of `history.py`; or is refused in words."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tollbridge.errors import BadRequestError
from tollbridge.model.parts import Media, Part, Text, Thinking, ToolCall, ToolResult, Url
from tollbridge.model.request import Message, Request, Role
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES as WIRE
from tollbridge.wires.base import Target

IDS = st.sampled_from(["a", "b", "f.x:0", "f_x_0", ""])
TEXTS = st.sampled_from(["", " ", "hi", "there\n"]).map(lambda text: Text(text=text))
CALLS = IDS.map(lambda id: ToolCall(id=id, name="f", arguments="{}"))
RESULTS = IDS.map(lambda id: ToolResult(call_id=id, content=(Text(text="r"),)))
THOUGHT = st.just(Thinking(text="hm", signature="s", origin="anthropic_messages"))
SOUND = st.just(Media(media_type="audio/wav", source=Url(url="https://a.example/x")))


def said(role: Role, parts: st.SearchStrategy[Part]) -> st.SearchStrategy[Message]:
    return st.lists(parts, max_size=3).map(lambda some: Message(role=role, parts=tuple(some)))


MESSAGES = st.lists(
    said("system", TEXTS) | said("user", TEXTS | RESULTS | SOUND) | said("assistant", TEXTS | CALLS | THOUGHT),
    max_size=7,
)


def broken(messages: list[dict[str, Any]], modify: bool) -> list[str]:
    """The rules that these turns break."""
    found, ids, waiting = [], [], list[str]()
    for place, message in enumerate(messages):
        role, content = message["role"], message["content"]
        kinds = [block["type"] for block in content]
        if not content:
            found.append("an empty turn")
        if place == 0 and role != "user":
            found.append("the first turn is not the user's")
        if place and role == messages[place - 1]["role"]:
            found.append("two turns of one role")
        if role == "system" and messages[place - 1]["role"] != "user":
            found.append("a system message that follows no user turn")
        found += ["blank text" for block in content if block["type"] == "text" and not block["text"].strip()]
        results = [block["tool_use_id"] for block in content if block["type"] == "tool_result"]
        if kinds[: len(results)] != ["tool_result"] * len(results):
            found.append("a result that stands behind something else")
        if results != [call for call in waiting if call in results]:
            found.append("results without their calls, or out of order")
        if modify and waiting and len(results) < len(waiting):
            found.append("a call without a result")
        waiting = [block["id"] for block in content if block["type"] == "tool_use"]
        ids += waiting
    if len(set(ids)) != len(ids):
        found.append("an id twice")
    return found


@settings(max_examples=150, deadline=None)
@given(messages=MESSAGES, model=st.sampled_from(["claude-sonnet-4-5", "claude-opus-4-8"]), modify=st.booleans())
def test_any_history_keeps_the_rules_or_is_refused_in_words(messages: list[Message], model: str, modify: bool) -> None:
    request = Request(model="x", messages=tuple(messages), origin="openai_chat")
    try:
        body = WIRE.write_request(request, Target(model=model, modify=modify)).value.body
    except BadRequestError as error:
        body = {"messages": []}
        refused = error.message
    else:
        refused = ""
    assert not refused or (not modify and "modify_params" in refused)
    assert broken(body["messages"], modify) == []
