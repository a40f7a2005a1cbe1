"""The wish to think, in each vendor's words."""

from __future__ import annotations

from typing import Any

import pytest

from tollbridge.model.request import Reasoning
from tollbridge.model.response import Caveat
from tollbridge.wires.openai_chat.thinking import STYLES, respell, spell

HIGH = Reasoning(effort="high")
TOKENS = Reasoning(budget_tokens=4000, mode="enabled")
ON = Reasoning(mode="enabled")
OFF = Reasoning(mode="disabled")
NONE = Reasoning(effort="none")

SPELLED: dict[str, dict[str, Any]] = {
    "reasoning_effort": {
        "high": {"reasoning_effort": "high"},
        "tokens": {"reasoning_effort": "medium"},
        "on": {},
        "off": {},
        "none": {"reasoning_effort": "none"},
    },
    "reasoning_effort_max": {
        "high": {"reasoning_effort": "high"},
        "tokens": {"reasoning_effort": "medium"},
        "on": {},
        "off": {},
        "none": {"reasoning_effort": "none"},
    },
    "reasoning": {
        "high": {"reasoning": {"effort": "high"}},
        "tokens": {"reasoning": {"max_tokens": 4000}},
        "on": {"reasoning": {"enabled": True}},
        "off": {"reasoning": {"enabled": False}},
        "none": {"reasoning": {"effort": "none"}},
    },
    "reasoning_switch": {
        "high": {"reasoning": {"enabled": True}, "reasoning_effort": "high"},
        "tokens": {"reasoning": {"enabled": True}, "reasoning_effort": "medium"},
        "on": {"reasoning": {"enabled": True}},
        "off": {"reasoning": {"enabled": False}},
        "none": {"reasoning": {"enabled": False}},
    },
    "thinking": {
        "high": {"thinking": {"type": "enabled"}, "reasoning_effort": "high"},
        "tokens": {"thinking": {"type": "enabled"}, "reasoning_effort": "medium"},
        "on": {"thinking": {"type": "enabled"}},
        "off": {"thinking": {"type": "disabled"}},
        "none": {"thinking": {"type": "disabled"}},
    },
    "thinking_type": {
        "high": {"thinking": {"type": "enabled"}},
        "tokens": {"thinking": {"type": "enabled"}},
        "on": {"thinking": {"type": "enabled"}},
        "off": {"thinking": {"type": "disabled"}},
        "none": {"thinking": {"type": "disabled"}},
    },
    "enable_thinking": {
        "high": {"enable_thinking": True},
        "tokens": {"enable_thinking": True},
        "on": {"enable_thinking": True},
        "off": {"enable_thinking": False},
        "none": {"enable_thinking": False},
    },
    "enable_thinking_budget": {
        "high": {"enable_thinking": True},
        "tokens": {"enable_thinking": True, "thinking_budget": 4000},
        "on": {"enable_thinking": True},
        "off": {"enable_thinking": False},
        "none": {"enable_thinking": False},
    },
    "template_enable_thinking": {
        "high": {"chat_template_kwargs": {"enable_thinking": True}},
        "tokens": {"chat_template_kwargs": {"enable_thinking": True}},
        "on": {"chat_template_kwargs": {"enable_thinking": True}},
        "off": {"chat_template_kwargs": {"enable_thinking": False}},
        "none": {"chat_template_kwargs": {"enable_thinking": False}},
    },
    "template_enable_thinking_effort": {
        "high": {"chat_template_kwargs": {"enable_thinking": True}, "reasoning_effort": "high"},
        "tokens": {"chat_template_kwargs": {"enable_thinking": True}, "reasoning_budget": 4000},
        "on": {"chat_template_kwargs": {"enable_thinking": True}},
        "off": {"chat_template_kwargs": {"enable_thinking": False}},
        "none": {"chat_template_kwargs": {"enable_thinking": False}},
    },
    "template_thinking": {
        "high": {"chat_template_kwargs": {"thinking": True}},
        "tokens": {"chat_template_kwargs": {"thinking": True}},
        "on": {"chat_template_kwargs": {"thinking": True}},
        "off": {"chat_template_kwargs": {"thinking": False}},
        "none": {"chat_template_kwargs": {"thinking": False}},
    },
    "template_args_enable_thinking": {
        "high": {"chat_template_args": {"enable_thinking": True}},
        "tokens": {"chat_template_args": {"enable_thinking": True}},
        "on": {"chat_template_args": {"enable_thinking": True}},
        "off": {"chat_template_args": {"enable_thinking": False}},
        "none": {"chat_template_args": {"enable_thinking": False}},
    },
}
WISHES = {"high": HIGH, "tokens": TOKENS, "on": ON, "off": OFF, "none": NONE}


def test_each_style_is_tried() -> None:
    assert set(SPELLED) == set(STYLES)


@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize("style", SPELLED)
def test_a_wish_is_told_in_the_vendors_words_and_what_they_leave_out_is_a_caveat(style: str, wish: str) -> None:
    caveats: list[Caveat] = []
    assert spell(WISHES[wish], STYLES[style], caveats) == SPELLED[style][wish]
    spelled = STYLES[style]
    lost = (
        (wish == "high" and not spelled.effort)
        or (wish == "tokens" and not spelled.budget)
        or (wish in ("on", "off") and not spelled.switch)
    )
    assert len(caveats) == lost
    assert {caveat.where for caveat in caveats} <= {"$.reasoning"}


def test_the_most_is_told_by_the_nearest_word_where_it_is_not_known() -> None:
    caveats: list[Caveat] = []
    assert spell(Reasoning(effort="max"), STYLES["reasoning_effort"], caveats) == {"reasoning_effort": "xhigh"}
    assert len(caveats) == 1
    assert spell(Reasoning(effort="max"), STYLES["reasoning_effort_max"], caveats) == {"reasoning_effort": "max"}
    assert len(caveats) == 1


RESPELLED: list[tuple[str, dict[str, Any], dict[str, Any] | None]] = [
    # the vendor's own words stay
    ("thinking_type", {"thinking": {"type": "disabled", "clear_thinking": False}}, None),
    ("reasoning_effort", {"reasoning_effort": "low"}, None),
    ("reasoning", {"reasoning": {"effort": "low", "exclude": True}}, None),
    ("enable_thinking_budget", {"enable_thinking": True, "thinking_budget": 5}, None),
    # others' words become its own
    (
        "thinking_type",
        {"reasoning_effort": "low"},
        {"reasoning_effort": None, "thinking": {"type": "enabled"}},
    ),
    (
        "reasoning_effort",
        {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        {"thinking": None, "reasoning_effort": "low"},
    ),
    ("reasoning_effort", {"reasoning": {"effort": "low"}}, {"reasoning": None, "reasoning_effort": "low"}),
    (
        "enable_thinking_budget",
        {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        {"thinking": None, "enable_thinking": True, "thinking_budget": 1024},
    ),
    (
        "template_enable_thinking",
        {"reasoning_effort": "none", "chat_template_kwargs": {"tools_in": "system"}},
        {"reasoning_effort": None, "chat_template_kwargs": {"enable_thinking": False, "tools_in": "system"}},
    ),
    # a switch in Anthropic's full form loses what the vendor does not know, and keeps what is the vendor's own
    (
        "thinking_type",
        {"thinking": {"type": "enabled", "budget_tokens": 1024, "clear_thinking": True}},
        {"thinking": {"type": "enabled", "clear_thinking": True}},
    ),
    ("thinking_type", {"thinking": {"type": "adaptive"}}, {"thinking": {"type": "enabled"}}),
    # what is said in both counts in the vendor's words
    ("enable_thinking", {"reasoning_effort": "high", "enable_thinking": False}, {"reasoning_effort": None}),
    (
        "template_thinking",
        {"reasoning_effort": "high", "chat_template_kwargs": {"thinking": False}},
        {"reasoning_effort": None, "chat_template_kwargs": {"thinking": False}},
    ),
    # an effort of none is the vendor's switch, where it has one
    ("thinking", {"reasoning_effort": "none"}, {"reasoning_effort": None, "thinking": {"type": "disabled"}}),
    ("thinking", {"reasoning_effort": "low"}, None),
    ("reasoning", {"reasoning": {"effort": "none"}}, None),
    # of another shape: the vendor judges
    ("thinking_type", {"reasoning_effort": 5}, None),
    ("reasoning_effort", {"thinking": False}, None),
    ("thinking_type", {"reasoning_effort": None}, None),
    ("thinking_type", {}, None),
]


@pytest.mark.parametrize(("style", "body", "changes"), RESPELLED)
def test_a_clients_own_fields_are_respelled_where_they_are_anothers(
    style: str, body: dict[str, Any], changes: dict[str, Any] | None
) -> None:
    assert respell(body, STYLES[style], []) == changes


@pytest.mark.parametrize(("style", "body", "changes"), RESPELLED)
def test_what_was_respelled_is_left_alone_the_second_time(
    style: str, body: dict[str, Any], changes: dict[str, Any] | None
) -> None:
    once = {**body, **(changes or {})}
    assert not respell({name: value for name, value in once.items() if value is not None}, STYLES[style], [])
