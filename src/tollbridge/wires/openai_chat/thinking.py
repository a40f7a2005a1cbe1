"""How each vendor of this format wants to be told to think: the same wish, in a dozen spellings.

A row names its style (`prefers: {reasoning: STYLE}`). A style has up to three places in a body: a switch, a word for
the effort, a number of tokens; each is a field, or a field inside an object.

Rules
1. What a style has a place for goes there. An effort without a place is the switch alone, and a Caveat; tokens without
   a place are the nearest effort, else the switch, and a Caveat.
2. Off is the switch, else the effort `none`; `disabled` alone, in a style without a switch, is left out with a Caveat.
3. In a client's own body (`respell`) the vendor's own fields stay as they are, and count before what is said in others'
   words: OpenAI's `reasoning_effort`, Anthropic's and LiteLLM's `thinking`, OpenRouter's `reasoning`.

Where each style is from, the rows say. All seen 2026-11-26.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from tollbridge.model.json import Json, JsonObject
from tollbridge.model.request import Reasoning
from tollbridge.model.response import Caveat
from tollbridge.model.unsent import unsent_field
from tollbridge.wires.openai_chat.vocabulary import FIELD, approximated, take

Path = tuple[str, ...]

WORDS = frozenset({"reasoning_effort", "thinking", "reasoning"})
"""The fields that clients say it in."""


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """`words`: what the switch says for on and off. `either`: the vendor takes one of the three."""

    switch: Path = ()
    words: tuple[Json, Json] = (True, False)
    effort: Path = ()
    budget: Path = ()
    either: bool = False

    @property
    def places(self) -> tuple[Path, ...]:
        return tuple([path for path in (self.switch, self.effort, self.budget) if path])

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(path[0] for path in self.places)


_TYPE, _TYPES = ("thinking", "type"), ("enabled", "disabled")
_EFFORT = ("reasoning_effort",)

PLAIN = "reasoning_effort"
STYLES: Mapping[str, Style] = {
    PLAIN: Style(effort=_EFFORT),
    "reasoning_effort_max": Style(effort=_EFFORT),
    "reasoning": Style(
        switch=("reasoning", "enabled"),
        effort=("reasoning", "effort"),
        budget=("reasoning", "max_tokens"),
        either=True,
    ),
    "reasoning_switch": Style(switch=("reasoning", "enabled"), effort=_EFFORT),
    "thinking": Style(switch=_TYPE, words=_TYPES, effort=_EFFORT),
    "thinking_type": Style(switch=_TYPE, words=_TYPES),
    "enable_thinking": Style(switch=("enable_thinking",)),
    "enable_thinking_budget": Style(switch=("enable_thinking",), budget=("thinking_budget",)),
    "template_enable_thinking": Style(switch=("chat_template_kwargs", "enable_thinking")),
    "template_enable_thinking_effort": Style(
        switch=("chat_template_kwargs", "enable_thinking"), effort=_EFFORT, budget=("reasoning_budget",)
    ),
    "template_thinking": Style(switch=("chat_template_kwargs", "thinking")),
    "template_args_enable_thinking": Style(switch=("chat_template_args", "enable_thinking")),
}

# Efforts for a client that named a number of tokens, and for words that not every model knows
_EFFORT_UP_TO = ((2048, "low"), (10000, "medium"))
_NEAREST_EFFORT = {"max": "xhigh"}


def effort_for(tokens: int) -> str:
    """The word for thinking of about so many tokens."""
    return next((word for up_to, word in _EFFORT_UP_TO if tokens <= up_to), "high")


def read_reasoning(rest: JsonObject) -> Reasoning | None:
    """`reasoning_effort` (OpenAI), `reasoning` (OpenRouter) and `thinking` (DeepSeek, Z.ai, Anthropic's form), together
    or alone, out of `rest`. `extra["reasoning"]`, `extra["thinking"]` and `extra["reasoning_effort"]` tell that the
    object was there, and what else it held."""
    extra: JsonObject = {}
    if rest.get("reasoning_effort").__class__ is dict:  # LiteLLM's, with Responses' wishes beside the effort
        beside = dict(rest.pop("reasoning_effort"))
        effort = take(beside, "effort", str)
        extra["reasoning_effort"] = beside
    else:
        effort = take(rest, "reasoning_effort", str)
    budget: int | None = None
    mode: Literal["enabled", "disabled", "adaptive"] | None = None
    if rest.get("reasoning").__class__ is dict:
        inner = dict(rest.pop("reasoning"))
        if effort is None and (effort := take(inner, "effort", str)) is not None:
            extra[FIELD] = "reasoning"
        budget = take(inner, "max_tokens", int)
        if inner.get("enabled").__class__ is bool:
            mode = "enabled" if inner.pop("enabled") else "disabled"
        extra["reasoning"] = inner
    if rest.get("thinking").__class__ is dict and budget is None and mode is None:
        inner = dict(rest.pop("thinking"))
        budget = take(inner, "budget_tokens", int)
        if inner.get("type") in ("enabled", "disabled", "adaptive"):
            mode = inner.pop("type")
        extra["thinking"] = inner
    if effort is None and not extra:
        return None
    return Reasoning(effort=effort, budget_tokens=budget, mode=mode, extra=extra)


def spell(reasoning: Reasoning, style: Style, caveats: list[Caveat]) -> JsonObject:
    """The fields that say it."""
    said: dict[Path, Json] = {}
    effort, tokens, mode = reasoning.effort, reasoning.budget_tokens, reasoning.mode
    if mode == "disabled" or effort == "none":
        if style.switch and not (effort == "none" and style.either):
            said[style.switch] = style.words[1]
        elif effort == "none":
            said[style.effort] = effort
        else:
            caveats.append(unsent_field("reasoning", "the format cannot switch thinking off for every model"))
        return _nested(said)
    amount = _effort(reasoning, style, caveats)
    if amount is not None:
        said[style.effort] = amount
    if tokens is not None and style.budget and not (said and style.either):
        said[style.budget] = tokens
    if style.switch and (effort or tokens or mode) and not (said and style.either):
        said[style.switch] = style.words[0]
    elif not said and mode == "enabled":
        detail = "Thinking was asked for without an amount, which the format cannot say; the model decides."
        caveats.append(approximated("$.reasoning", detail))
    return _nested(said)


def respell(body: Mapping[str, Any], style: Style, caveats: list[Caveat]) -> JsonObject | None:
    """A client's own fields, as this style has them: those to set, and None for those to take out. None where they are
    so already."""
    asked = {name: body[name] for name in WORDS if body.get(name) is not None}
    if asked.keys() <= style.fields and not _asks_for_more(asked, style):
        return None
    try:
        reasoning = read_reasoning(dict(asked))
    except TypeError:
        return None  # of a shape that nobody knows: the vendor judges it
    if reasoning is None:
        return None
    said = spell(reasoning, style, caveats)
    changes: JsonObject = dict.fromkeys(asked.keys() - said.keys())
    for name, value in said.items():
        theirs = body.get(name)
        if isinstance(value, dict) and isinstance(theirs, dict):
            kept = theirs if name not in WORDS else reasoning.extra.get(name, {})
            changes[name] = {**value, **kept}
        elif theirs is None or name in asked:
            changes[name] = value
    return changes


def _asks_for_more(asked: Mapping[str, Any], style: Style) -> bool:
    """`thinking` in Anthropic's full form, at a vendor that knows only the switch in it; no effort at all, at one that
    has a switch for that."""
    if style.switch and not style.either and asked.get("reasoning_effort") == "none":
        return True
    thinking = asked.get("thinking")
    if not isinstance(thinking, dict) or style.budget[:1] == ("thinking",):
        return False
    return "budget_tokens" in thinking or thinking.get("type") == "adaptive"


def _effort(reasoning: Reasoning, style: Style, caveats: list[Caveat]) -> str | None:
    effort, tokens = reasoning.effort, reasoning.budget_tokens
    if effort is not None and not style.effort:
        detail = f"This vendor takes no effort; thinking is on, and how much of it `{effort}` is, the model decides."
        caveats.append(approximated("$.reasoning", detail))
        return None
    if effort is None and tokens is not None and not style.budget:
        if not style.effort:
            detail = f"This vendor counts no thinking tokens; thinking is on without the bound of {tokens}."
            caveats.append(approximated("$.reasoning", detail))
            return None
        effort = effort_for(tokens)
        detail = f"The format counts no thinking tokens; {tokens} became the effort `{effort}`."
        caveats.append(approximated("$.reasoning", detail))
    if effort in _NEAREST_EFFORT and style is STYLES[PLAIN]:
        nearest = _NEAREST_EFFORT[effort]
        detail = f"The effort `{effort}` is not known to the format; `{nearest}` is sent."
        caveats.append(approximated("$.reasoning", detail))
        return nearest
    return effort


def _nested(said: Mapping[Path, Json]) -> JsonObject:
    out: JsonObject = {}
    for path, value in said.items():
        inner = out
        for name in path[:-1]:
            inner = inner.setdefault(name, {})
        inner[path[-1]] = value
    return out
