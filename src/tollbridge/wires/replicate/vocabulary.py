"""The words of Replicate's predictions: https://replicate.com/docs/reference/http,
https://replicate.com/docs/topics/predictions/lifecycle, .../streaming (seen 2026-11-26).

Each model has inputs of its own. What it has none for would be passed over there without a word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec.structs import replace

NAME = "replicate"
PATH = "/v1/predictions"

UNDER_WAY = frozenset({"starting", "processing"})
SUCCEEDED = frozenset({"succeeded", "successful"})

_SHARED = {
    name: name
    for name in ("max_tokens", "temperature", "top_p", "top_k", "seed", "presence_penalty", "frequency_penalty", "stop")
}


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """What the models of one maker take. `settings`: the neutral model's name -> the input's. `least_tokens`: fewer are
    refused. `pictures`: the input for a list of them; where there is none, one alone goes as `image`. `thinks`: the
    input that says how much; `efforts`: the only words for it."""

    settings: Mapping[str, str]
    least_tokens: int = 1
    pictures: str = ""
    thinks: Literal["", "reasoning_effort", "effort", "thinking_budget_tokens"] = ""
    efforts: tuple[str, ...] = ()


_CLAUDE = Inputs(settings={"max_tokens": "max_tokens"}, least_tokens=1024)
_GPT = {"max_tokens": "max_completion_tokens"}
_MORE = {name: name for name in ("temperature", "top_p", "presence_penalty", "frequency_penalty")}
_OPENAI = Inputs(
    settings=_GPT,
    pictures="image_input",
    thinks="reasoning_effort",
)
_MAKERS: tuple[tuple[re.Pattern[str], Inputs], ...] = (
    (re.compile(r"anthropic/claude-3\.7|anthropic/claude-4-"), replace(_CLAUDE, thinks="thinking_budget_tokens")),
    (re.compile(r"anthropic/claude-3"), replace(_CLAUDE, least_tokens=1)),
    (
        re.compile(r"anthropic/claude-[a-z]+-[5-9]"),
        replace(_CLAUDE, thinks="effort", efforts=("low", "medium", "high")),
    ),
    (re.compile(r"anthropic/"), _CLAUDE),
    (re.compile(r"openai/(?:gpt-[5-9]|o\d)"), _OPENAI),
    (re.compile(r"openai/gpt-(?:3|4)"), replace(_OPENAI, settings={**_GPT, **_MORE}, thinks="")),
    (re.compile(r"openai/"), replace(_OPENAI, settings={**_SHARED, **_GPT})),
)
"""By the model's name, the first that fits: what its page lists, https://replicate.com/OWNER/NAME/versions/VERSION/api
(claude-4-sonnet, claude-3.5-sonnet, claude-sonnet-5, gpt-5.1; seen 2026-11-26).
That of gpt-4o was not read."""
_OTHERS = Inputs(settings=_SHARED)
"""What the models of most have in common: https://replicate.com/meta/meta-llama-3-70b-instruct (seen 2026-11-26)."""


def inputs_of(model: str) -> Inputs:
    return next((inputs for names, inputs in _MAKERS if names.match(model)), _OTHERS)


OWN_INPUTS = frozenset(
    {
        "extended_thinking",
        "length_penalty",
        "max_image_resolution",
        "max_new_tokens",
        "min_new_tokens",
        "min_tokens",
        "prompt_template",
        "repetition_penalty",
        "stop_sequences",
        "thinking_budget_tokens",
        "verbosity",
    }
)
"""Inputs that no dialect has a word for, and that go on under their own names."""
