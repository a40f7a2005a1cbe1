"""What a generation of Claude accepts, told from the model's name, for where the `Target` does not say.

A `Target` that lists a feature in `lacks` has the last word. Facts, seen 2026-11-21:
- adaptive thinking from 4.6 on, the only kind from Opus 4.7 and version 5 on; effort levels with it:
  https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking
- no temperature, top_p, top_k from Opus 4.7 on; only one of temperature and top_p from Opus 4.1 on:
  https://platform.claude.com/docs/en/about-claude/models/whats-new-claude-4-7
- system messages inside the conversation from Opus 4.8 on:
  https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages
- thinking from 3.7 on: https://platform.claude.com/docs/en/build-with-claude/extended-thinking
- structured output from 4.5 on: https://platform.claude.com/docs/en/build-with-claude/structured-outputs
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

# claude-opus-4-8, claude-sonnet-4-20250514, us.anthropic.claude-haiku-4-5-20251001-v1:0, claude-3-7-sonnet-20250219
_VERSION = re.compile(r"claude-(?:([a-z]+)-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")

Sampling = Literal["free", "one", "none"]


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """`adaptive`, `budget`: the ways to ask it to think; a model with neither does not. `sampling`: may temperature and
    top_p stand together, only one of them, or none. `efforts`: the levels known."""

    adaptive: bool = False
    budget: bool = True
    efforts: tuple[str, ...] = ()
    sampling: Sampling = "free"
    mid_system: bool = False
    structured: bool = False
    usual_output: int = 8192


_FOUR = ("low", "medium", "high", "max")
_FIVE = ("low", "medium", "high", "xhigh", "max")

# From this version on; the newest that fits counts. Opus runs ahead of its siblings.
_GENERATIONS: tuple[tuple[tuple[int, int], Generation], ...] = (
    ((5, 0), Generation(adaptive=True, budget=False, efforts=_FIVE, sampling="none", mid_system=True, structured=True)),
    ((4, 6), Generation(adaptive=True, efforts=_FOUR, sampling="one", structured=True)),
    ((4, 5), Generation(sampling="one", structured=True)),
    ((4, 1), Generation(sampling="one")),
    ((3, 7), Generation()),
    ((3, 5), Generation(budget=False)),
    ((0, 0), Generation(budget=False, usual_output=4096)),
)
_OPUS: tuple[tuple[tuple[int, int], Generation], ...] = (
    ((4, 8), Generation(adaptive=True, budget=False, efforts=_FIVE, sampling="none", mid_system=True, structured=True)),
    ((4, 7), Generation(adaptive=True, budget=False, efforts=_FIVE, sampling="none", structured=True)),
)
_UNKNOWN = Generation()


def generation(model: str) -> Generation:
    """What `model` accepts; for a name that shows no version, what every Messages server accepts."""
    found = _VERSION.search(model)
    if found is None:
        return _UNKNOWN
    family, major, minor = found.groups()
    version = (int(major), int(minor or 0))
    for start, facts in (*(_OPUS if family == "opus" and version[0] < 5 else ()), *_GENERATIONS):
        if version >= start:
            return facts
    return _UNKNOWN
