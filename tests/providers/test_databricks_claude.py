"""Claude behind Databricks' chat format: what goes out, and what is said of what does not."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from tollbridge.calls.ask import Ask, peek
from tollbridge.calls.build import WIRES, Wanted, build
from tollbridge.calls.prepare import prepare
from tollbridge.errors import UnsupportedParamsError
from tollbridge.providers.databricks_claude import as_claude_takes_it
from tollbridge.providers.resolve import Given
from tollbridge.providers.table import ROWS

SONNET_4, SONNET_4_5 = "databricks-claude-sonnet-4", "databricks-claude-sonnet-4-5"
OPUS_4_7, CLAUDE_3 = "databricks-claude-opus-4-7", "databricks-claude-3-5-haiku"
LOW = {"type": "enabled", "budget_tokens": 1024}
SIGNED = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm", "signature": "s"}]}
CALLS = [{"id": name, "type": "function", "function": {"name": name, "arguments": "{}"}} for name in "ab"]
RESULTS = [{"role": "tool", "tool_call_id": name, "content": name} for name in "ab"]


def changed(body: dict[str, Any], model: str = SONNET_4) -> tuple[dict[str, Any], list[str]]:
    """(the body as it goes out, where something was lost); the given one stays as it is, and twice is once."""
    before = {"model": model, "messages": [{"role": "user", "content": "Hi"}], **body}
    kept = copy.deepcopy(before)
    changes, caveats = as_claude_takes_it(before)
    assert before == kept
    after = {name: value for name, value in {**before, **changes}.items() if value is not None or name not in changes}
    assert as_claude_takes_it(after) == ({}, ())
    return after, [caveat.where for caveat in caveats]


@pytest.mark.parametrize(
    ("body", "sent", "lost"),
    [
        ({"reasoning_effort": "low"}, {"max_tokens": 5120, "thinking": LOW}, []),
        (
            {"reasoning_effort": "high", "max_tokens": 8000, "temperature": 0.2, "top_k": 3},
            {"max_tokens": 8000, "thinking": {"type": "enabled", "budget_tokens": 4096}},
            ["$.temperature", "$.top_k"],
        ),
        (
            {"reasoning_effort": "medium", "max_tokens": 100, "temperature": 1, "top_p": 0.95},
            {
                "max_tokens": 2148,
                "thinking": {"type": "enabled", "budget_tokens": 2048},
                "temperature": 1,
                "top_p": 0.95,
            },
            [],
        ),
        ({"reasoning_effort": "low", "top_p": 0.9}, {"max_tokens": 5120, "thinking": LOW}, ["$.top_p"]),
        ({"reasoning_effort": "none", "temperature": 1}, {"temperature": 1}, []),
        ({"reasoning_effort": None}, {}, []),
        ({"reasoning_effort": "hugely"}, {"reasoning_effort": "hugely"}, []),
        ({"reasoning_effort": "low", "tool_choice": "required"}, {"tool_choice": "required"}, ["$.reasoning_effort"]),
        ({"temperature": 0.5, "top_p": 0.5}, {"temperature": 0.5, "top_p": 0.5}, []),
    ],
)
def test_it_thinks_by_a_budget_and_then_takes_less(body: dict[str, Any], sent: dict[str, Any], lost: list[str]) -> None:
    out, where = changed(body)
    assert {name: value for name, value in out.items() if name not in ("model", "messages")} == sent
    assert where == lost


@pytest.mark.parametrize(
    ("model", "sent", "lost"),
    [
        (SONNET_4_5, {"temperature": 0.2}, ["$.top_p"]),
        (OPUS_4_7, {}, ["$.temperature", "$.top_p"]),
        (CLAUDE_3, {"temperature": 0.2, "top_p": 0.9}, []),
    ],
)
def test_a_generation_takes_the_sampling_that_it_takes(model: str, sent: dict[str, Any], lost: list[str]) -> None:
    out, where = changed({"temperature": 0.2, "top_p": 0.9}, model)
    assert {name: out[name] for name in ("temperature", "top_p") if name in out} == sent
    assert where == lost


def test_newer_ones_decide_how_much_they_think_and_older_ones_do_not() -> None:
    out, where = changed({"reasoning_effort": "high"}, OPUS_4_7)
    assert out["thinking"] == {"type": "adaptive"}
    assert "reasoning_effort" not in out
    assert where == ["$.reasoning_effort"]
    out, where = changed({"reasoning_effort": "high"}, CLAUDE_3)
    assert not {"thinking", "reasoning_effort"} & set(out)
    assert where == ["$.reasoning_effort"]


def test_a_clients_own_thinking_is_its_own_affair() -> None:
    own = {"thinking": {"type": "enabled", "budget_tokens": 2000}, "reasoning_effort": "low", "max_tokens": 9}
    assert changed(own) == ({"model": SONNET_4, "messages": [{"role": "user", "content": "Hi"}], **own}, [])


def test_thinking_that_it_signed_goes_back_in_its_own_place() -> None:
    """What other gateways call it is refused, and so is the reply of OpenAI's SDK with all its empty fields."""
    said = {
        "role": "assistant",
        "content": "So.",
        "refusal": None,
        "annotations": [],
        "function_call": None,
        "tool_calls": None,
        "reasoning_content": "hm",
        "thinking_blocks": [
            {"type": "thinking", "thinking": "hm", "signature": "s", "position": 0},
            {"type": "redacted_thinking", "data": "d"},
        ],
        "provider_specific_fields": {},
    }
    out, lost = changed({"messages": [said]})
    hidden = {"type": "reasoning", "summary": [{"type": "summary_encrypted_text", "data": "d"}]}
    assert out["messages"] == [{"role": "assistant", "content": [SIGNED, hidden, {"type": "text", "text": "So."}]}]
    assert lost == []


@pytest.mark.parametrize(
    "thought",
    [
        {"reasoning_content": "hm"},
        {"reasoning": "hm"},
        {"thinking_blocks": [{"type": "thinking", "thinking": "hm"}], "reasoning_content": "hm"},
        {"content": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}]},
    ],
)
def test_thinking_that_nobody_signed_is_left_out_with_a_word(thought: dict[str, Any]) -> None:
    said = {"role": "assistant", "content": None, "tool_calls": CALLS, **thought}
    out, lost = changed({"messages": [said, *RESULTS], "reasoning_effort": "low"})
    assert out["messages"] == [{"role": "assistant", "content": None, "tool_calls": CALLS}, *RESULTS]
    assert lost == ["$.messages[0]", "$.reasoning_effort"]  # which would be refused beside the calls it led to


def test_a_turn_of_nothing_but_such_thinking_is_no_turn() -> None:
    user = {"role": "user", "content": "Hi"}
    unsigned = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}
    out, lost = changed({"messages": [user, {"role": "assistant", "content": [unsigned]}, user]})
    assert out["messages"] == [user, user]
    assert lost == ["$.messages[1]"]


def test_a_tool_turn_that_begins_with_its_thinking_may_think_on() -> None:
    said = {"role": "assistant", "content": [SIGNED], "tool_calls": CALLS}
    out, lost = changed({"messages": [said, *RESULTS], "reasoning_effort": "low"})
    assert out["thinking"] == LOW
    assert out["messages"] == [said, *RESULTS]
    assert lost == []


def test_messages_that_follow_each_other_are_one_turn() -> None:
    said = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [SIGNED]},
        {"role": "assistant", "content": None, "tool_calls": CALLS[:1]},
        {"role": "assistant", "content": "And", "tool_calls": CALLS[1:]},
        *RESULTS,
        {"role": "assistant", "content": "Done"},
    ]
    out, lost = changed({"messages": said})
    joined = {"role": "assistant", "content": [SIGNED, {"type": "text", "text": "And"}], "tool_calls": CALLS}
    assert out["messages"] == [said[0], joined, *said[4:]]
    assert lost == []


def test_what_no_message_has_there_is_left_out_and_a_mark_goes_to_the_text() -> None:
    mark = {"type": "ephemeral"}
    said = [
        {"role": "user", "content": "Hi", "name": "Ann", "cache_control": mark},
        {"role": "assistant", "content": "x", "tool_calls": [{**CALLS[0], "index": 0, "provider_specific_fields": {}}]},
    ]
    out, lost = changed({"messages": said})
    assert out["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": mark}]},
        {"role": "assistant", "content": "x", "tool_calls": CALLS[:1]},
    ]
    assert lost == ["$.messages[0]"]


@pytest.mark.parametrize(
    "messages",
    [
        "x",
        None,
        [5],
        [{"role": "assistant", "content": 5}, {"role": "assistant", "tool_calls": "x"}],
        [{"role": "assistant", "content": [5], "tool_calls": [5]}],
        [{"role": "user", "content": {"a": 1}}],
    ],
)
def test_what_has_no_shape_that_is_known_stays(messages: Any) -> None:
    assert changed({"messages": messages}) == ({"model": SONNET_4, "messages": messages}, [])


@pytest.mark.parametrize("strict", [False, True])
def test_a_caveat_tells_of_it_and_strict_refuses(strict: bool) -> None:
    wanted = Wanted(id="d", group="m", model=f"databricks/{SONNET_4}", given=Given(api_key="k"), strict=strict)
    asked = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "reasoning_effort": "low", "top_k": 3}
    body = msgspec.json.encode(asked)
    ask = Ask(WIRES["openai_chat"], body, peek(body), "m", stream=False)
    deployment = build(wanted, {"DATABRICKS_HOST": "w.example"}, ROWS).for_dialect("openai_chat")
    if strict:
        with pytest.raises(UnsupportedParamsError, match="top_k"):
            prepare(ask, deployment)
        return
    made = prepare(ask, deployment)
    assert [caveat.where for caveat in made.caveats] == ["$.top_k"]
    assert msgspec.json.decode(made.outgoing.body)["thinking"] == LOW
