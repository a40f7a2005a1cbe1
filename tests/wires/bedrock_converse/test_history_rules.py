"""Any history, however odd, becomes one that keeps the rules at the head of `history.py`; or is refused in words."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wires.bedrock_converse import valid
from tollbridge.errors import BadRequestError
from tollbridge.model.parts import CacheMark, Inline, Media, Part, Text, Thinking, ToolCall, ToolResult
from tollbridge.model.request import Message, Request, Role
from tollbridge.wires.base import Target
from tollbridge.wires.bedrock_converse import BEDROCK_CONVERSE as WIRE
from tollbridge.wires.bedrock_converse.vocabulary import NAME

IDS = st.sampled_from(["a", "b", "über/1", "x" * 80, ""])
TEXTS = st.sampled_from(["", " ", "hi", "hi "]).map(lambda text: Text(text=text))
PICTURE = Media(media_type="image/png", source=Inline(data="AAAA"))
PAPER = Media(media_type="application/pdf", source=Inline(data="AAAA"), name="a/b.pdf", cache=CacheMark())
CALLS = IDS.map(lambda id: ToolCall(id=id, name="f", arguments="{}"))
RESULTS = st.tuples(IDS, st.sampled_from([(Text(text="r"),), (PICTURE,), (PAPER,), ()])).map(
    lambda said: ToolResult(call_id=said[0], content=said[1])
)
MEDIA = st.sampled_from([PICTURE, PAPER])
THOUGHTS = st.sampled_from(
    [
        Thinking(text="hm", signature="c2ln", origin=NAME),
        Thinking(signature="c2ln", redacted=True, origin=NAME),
        Thinking(text="hm", origin="openai_chat"),
    ]
)


def said(role: Role, parts: st.SearchStrategy[Part]) -> st.SearchStrategy[Message]:
    return st.lists(parts, max_size=3).map(lambda some: Message(role=role, parts=tuple(some)))


MESSAGES = st.lists(
    said("system", TEXTS) | said("user", TEXTS | RESULTS | MEDIA) | said("assistant", TEXTS | CALLS | THOUGHTS),
    max_size=7,
)


def broken(body: dict[str, Any], *, modify: bool, rich: bool) -> list[str]:
    """The rules that this body breaks."""
    found, ids, names, waiting = [], [], [], list[str]()
    turns = body["messages"]
    for place, turn in enumerate(turns):
        blocks = turn["content"]
        calls = [block["toolUse"]["toolUseId"] for block in blocks if "toolUse" in block]
        results = [block["toolResult"] for block in blocks if "toolResult" in block]
        answered = [result["toolUseId"] for result in results]
        inner = [item for result in results for item in result["content"]]
        papers = [block["document"] for block in blocks if "document" in block]
        if turn["role"] != ("user", "assistant")[place % 2]:
            found.append("turns that do not alternate, or do not begin with the user's")
        if not blocks or any(not block.get("text", "x").strip() for block in blocks):
            found.append("a turn or a text of nothing")
        in_order = answered == [call for call in waiting if call in answered]
        if not in_order or any("toolResult" not in block for block in blocks[: len(results)]):
            found.append("results out of order, without their calls, or behind something else")
        if modify and set(waiting) - set(answered) and place < len(turns) - 1:
            found.append("a call without a result")
        if papers and not any("text" in block for block in blocks):
            found.append("a document without a text")
        if not rich and any("image" in item or "document" in item for item in inner):
            found.append("media in a result")
        ids += calls
        names += [paper["name"] for paper in (*papers, *(item["document"] for item in inner if "document" in item))]
        waiting = calls
    if len(set(ids)) != len(ids) or len(set(names)) != len(names):
        found.append("an id or a document's name twice")
    if ids and "toolConfig" not in body:
        found.append("calls beside no tools")
    return found


MODELS = ["anthropic.claude-sonnet-4-5-20250929-v1:0", "amazon.nova-pro-v1:0", "meta.llama3-8b-instruct-v1:0"]


@settings(max_examples=150, deadline=None)
@given(messages=MESSAGES, model=st.sampled_from(MODELS), modify=st.booleans())
def test_any_history_keeps_the_rules_or_is_refused_in_words(messages: list[Message], model: str, modify: bool) -> None:
    request = Request(model="x", messages=tuple(messages), origin="openai_chat")
    try:
        body = WIRE.write_request(request, Target(model=model, modify=modify)).value.body
    except BadRequestError as error:
        body, refused = {}, error.message
    else:
        refused = ""
    if refused:
        assert not modify
        assert "modify_params" in refused
        return
    assert not valid.faults(body), valid.faults(body)
    assert broken(body, modify=modify, rich="llama" not in model) == []
