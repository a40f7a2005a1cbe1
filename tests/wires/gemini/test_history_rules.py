"""Any history, however odd, becomes one that keeps the rules at the head of `history.py`; or is refused in words."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tollbridge.errors import BadRequestError
from tollbridge.model.parts import Inline, Media, Part, Text, Thinking, ToolCall, ToolResult
from tollbridge.model.request import Message, Request, Role
from tollbridge.wires.base import Target
from tollbridge.wires.gemini.wire import GEMINI as WIRE

IDS = st.sampled_from(["a", "b", "call_tb1", ""])
TEXTS = st.sampled_from(["", " ", "hi"]).map(lambda text: Text(text=text))
PICTURE = Media(media_type="image/png", source=Inline(data="AAAA"))
CALLS = IDS.map(lambda id: ToolCall(id=id, name="f", arguments="{}"))
RESULTS = st.tuples(IDS, st.sampled_from([(Text(text="r"),), (PICTURE,), ()])).map(
    lambda said: ToolResult(call_id=said[0], content=said[1])
)
THOUGHTS = st.sampled_from(
    [
        Thinking(text="hm", signature="s", origin="gemini"),
        Thinking(signature="s", redacted=True, origin="gemini"),
        Thinking(text="hm", origin="openai_chat"),
    ]
)


def said(role: Role, parts: st.SearchStrategy[Part]) -> st.SearchStrategy[Message]:
    return st.lists(parts, max_size=3).map(lambda some: Message(role=role, parts=tuple(some)))


MESSAGES = st.lists(
    said("system", TEXTS) | said("user", TEXTS | RESULTS) | said("assistant", TEXTS | CALLS | THOUGHTS), max_size=7
)


def broken(contents: list[dict[str, Any]], *, modify: bool, signed: bool) -> list[str]:
    """The rules that these contents break."""
    found, ids, waiting = [], [], 0
    for place, content in enumerate(contents):
        parts = content["parts"]
        calls = [part["functionCall"] for part in parts if "functionCall" in part]
        results = [part["functionResponse"] for part in parts if "functionResponse" in part]
        if not parts:
            found.append("a content without parts")
        if content["role"] not in ("user", "model"):
            found.append("an odd role")
        if any(part.get("text") == "" and "thoughtSignature" not in part for part in parts):
            found.append("an empty text")
        if calls and (place == 0 or contents[place - 1]["role"] != "user"):
            found.append("calls that follow no user's turn")
        if results and (len(results) < len(parts) or len(results) > waiting):
            found.append("results beside something else, or without their calls")
        if modify and waiting and len(results) < waiting and place < len(contents) - 1:
            found.append("a call without a result")
        if signed and calls and "thoughtSignature" not in next(part for part in parts if "functionCall" in part):
            found.append("an unsigned call")
        ids += [call["id"] for call in calls if "id" in call]
        waiting = len(calls)
    if len(set(ids)) != len(ids) or any(id.startswith("call_tb") for id in ids):
        found.append("an id twice, or one that is ours")
    return found


EARLY = (
    Message(role="user", parts=(ToolResult(call_id="a", content=(Text(text="x"),)),)),
    Message(role="assistant", parts=(ToolCall(id="a", name="f", arguments="{}"),)),
)
"""A result before its call."""


@settings(max_examples=200, deadline=None)
@example(messages=[Message(role="user", parts=(Text(text="Hi"),)), *EARLY], model="gemini-2.5-flash", modify=True)
@example(messages=list(EARLY), model="gemini-2.5-flash", modify=True)
@given(messages=MESSAGES, model=st.sampled_from(["gemini-2.5-flash", "gemini-3-flash"]), modify=st.booleans())
def test_any_history_keeps_the_rules_or_is_refused_in_words(messages: list[Message], model: str, modify: bool) -> None:
    request = Request(model="x", messages=tuple(messages), origin="openai_chat")
    try:
        body = WIRE.write_request(request, Target(model=model, modify=modify)).value.body
    except BadRequestError as error:
        body, refused = {"contents": []}, error.message
    else:
        refused = ""
        WIRE.read_request(body)
    assert not refused or (not modify and "modify_params" in refused)
    assert broken(body["contents"], modify=modify, signed=model.startswith("gemini-3")) == []
