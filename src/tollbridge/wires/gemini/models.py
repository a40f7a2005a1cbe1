"""What a Gemini model accepts, told by its name, for requests that another dialect wrote.

Sources: https://ai.google.dev/gemini-api/docs/thinking, .../docs/openai (how the vendor itself maps efforts),
.../docs/thought-signatures, .../docs/function-calling, .../docs/structured-output, and the table of levels at
https://docs.cloud.google.com/vertex-ai/generative-ai/docs/thinking (seen 2026-11-26). A model that this file does not
know is taken for one of the newest generation, of which every one takes the levels low, medium and high.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

BUDGET: dict[str, int] = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576, "max": 24576}
"""Tokens to think, by effort, where the model wants a number: the vendor's own figures."""

_LEVELS: Mapping[str, str] = MappingProxyType(
    {"minimal": "LOW", "low": "LOW", "medium": "MEDIUM", "high": "HIGH", "xhigh": "HIGH", "max": "HIGH"}
)
_WITH_MINIMAL = MappingProxyType({**_LEVELS, "minimal": "MINIMAL"})
_WITHOUT_MEDIUM = MappingProxyType({**_LEVELS, "medium": "HIGH"})


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """`thinks`: how it is told how much to think: a level, a budget, or not at all. `levels`: its word for each effort.
    `always_thinks`: it cannot be told not to; `least`: the smallest budget or level then. `signs_calls`: refuses a call
    of its history without a signature. `media_in_results`: a function's result may hold pictures. `tools_and_json`:
    structured output beside tools."""

    thinks: str = "level"
    levels: Mapping[str, str] = _LEVELS
    always_thinks: bool = True
    least_budget: int = 0
    signs_calls: bool = True
    media_in_results: bool = True
    tools_and_json: bool = True


_OLDER = Generation(thinks="no", always_thinks=False, signs_calls=False, media_in_results=False, tools_and_json=False)
_BUDGETED = Generation(
    thinks="budget", always_thinks=False, signs_calls=False, media_in_results=False, tools_and_json=False
)

_BY_NAME: tuple[tuple[re.Pattern[str], Generation], ...] = (
    (re.compile(r"gemini-(?:1\.|2\.0|pro$|pro-vision|ultra)|gemma|learnlm|text-|chat-"), _OLDER),
    (re.compile(r"gemini-2\.5-(?:flash-(?:image|native)|.*tts)"), _OLDER),
    (re.compile(r"gemini-2\.5-pro"), msgspec.structs.replace(_BUDGETED, always_thinks=True, least_budget=128)),
    (re.compile(r"gemini-2\.5-flash-lite"), msgspec.structs.replace(_BUDGETED, least_budget=512)),
    (re.compile(r"gemini-2\.5"), _BUDGETED),
    (re.compile(r"gemini-3-pro"), Generation(levels=_WITHOUT_MEDIUM)),
    (re.compile(r"gemini-3(?:\.[1-6])?-flash|gemini-3[\d.]*-flash-lite"), Generation(levels=_WITH_MINIMAL)),
)
_NEWEST = Generation()


def generation(model: str) -> Generation:
    name = model.rpartition("/")[2].lower()
    return next((facts for pattern, facts in _BY_NAME if pattern.match(name)), _NEWEST)
