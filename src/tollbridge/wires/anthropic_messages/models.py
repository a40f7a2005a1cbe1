"""What a generation of Claude accepts, told from the model's name, for where the `Target` does not say.

A `Target` that lists a feature in `lacks` has the last word. Facts, seen 2026-11-21, those on 5.5 on 2026-11-27:
- adaptive thinking from 4.6 on, the only kind from Opus 4.7 and version 5 on; effort levels with it:
  https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking
- no temperature, top_p, top_k from Opus 4.7 on; only one of temperature and top_p from Opus 4.1 on:
  https://platform.claude.com/docs/en/about-claude/models/whats-new-claude-4-7
- system messages inside the conversation from Opus 4.8 on:
  https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages
- thinking from 3.7 on: https://platform.claude.com/docs/en/build-with-claude/extended-thinking
- structured output from 4.5 on: https://platform.claude.com/docs/en/build-with-claude/structured-outputs
- how thinking is turned off, who cannot be made to call a tool, no schemas of Sonnet 5.5 on Bedrock, no system messages
  inside the conversation of Sonnet 5: https://platform.claude.com/docs/en/models/sonnet-5-5/migration-guide,
  https://platform.claude.com/docs/en/models/opus-5-5/whats-new-opus-5-5 (Opus 5 too),
  https://platform.claude.com/docs/en/models/haiku-5-5/whats-new-haiku-5-5,
  https://platform.claude.com/docs/en/models/fable-5-1/whats-new-fable-5-1,
  https://platform.claude.com/docs/en/models/fable-5/migration-guide
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec
from msgspec.structs import replace

# claude-opus-4-8, claude-sonnet-4-20250514, us.anthropic.claude-haiku-4-5-20251001-v1:0, claude-3-7-sonnet-20250219
_VERSION = re.compile(r"claude-(?:([a-z]+)-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")

Sampling = Literal["free", "one", "none"]
Off = Literal["unsaid", "disabled", "between_tools", "never"]


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """`adaptive`, `budget`: the ways to ask it to think; a model with neither does not. `sampling`: may temperature and
    top_p stand together, only one of them, or none. `efforts`: the levels known. `off`: the `thinking.type` that keeps
    it from thinking; "unsaid" where that is the default, "never" where nothing does. `forced`: a call may be forced."""

    adaptive: bool = False
    budget: bool = True
    efforts: tuple[str, ...] = ()
    sampling: Sampling = "free"
    mid_system: bool = False
    structured: bool = False
    usual_output: int = 8192
    off: Off = "unsaid"
    forced: bool = True


_FOUR = ("low", "medium", "high", "max")
_FIVE = ("low", "medium", "high", "xhigh", "max")

_NEWEST = Generation(
    adaptive=True, budget=False, efforts=_FIVE, sampling="none", mid_system=True, structured=True, off="disabled"
)
_SONNET_5_5 = replace(_NEWEST, off="between_tools", forced=False)
_ALWAYS_THINKS = replace(_NEWEST, off="never")
_OPUS_4_8 = replace(_NEWEST, off="unsaid")

# Family ("" is any) and version from which on; the first that fits counts. Opus runs ahead of its siblings.
_GENERATIONS: tuple[tuple[str, tuple[int, int], Generation], ...] = (
    *((family, (5, 1), replace(_ALWAYS_THINKS, forced=False)) for family in ("fable", "mythos")),
    *((family, (5, 0), _ALWAYS_THINKS) for family in ("fable", "mythos")),
    ("opus", (5, 5), replace(_ALWAYS_THINKS, forced=False)),
    ("sonnet", (5, 5), _SONNET_5_5),
    ("sonnet", (5, 0), replace(_NEWEST, mid_system=False)),
    ("", (5, 0), _NEWEST),
    ("opus", (4, 8), _OPUS_4_8),
    ("opus", (4, 7), replace(_OPUS_4_8, mid_system=False)),
    ("", (4, 6), Generation(adaptive=True, efforts=_FOUR, sampling="one", structured=True)),
    ("", (4, 5), Generation(sampling="one", structured=True)),
    ("", (4, 1), Generation(sampling="one")),
    ("", (3, 7), Generation()),
    ("", (3, 5), Generation(budget=False)),
    ("", (0, 0), Generation(budget=False, usual_output=4096)),
)
_UNKNOWN = Generation()


def generation(model: str) -> Generation:
    """What `model` accepts; for a name that shows no version, what every Messages server accepts."""
    found = _VERSION.search(model)
    if found is None:
        return _UNKNOWN
    family, major, minor = found.groups()
    version = (int(major), int(minor or 0))
    for name, start, facts in _GENERATIONS:
        if version >= start and name in ("", family):
            on_bedrock = model[: found.start()].endswith("anthropic.")
            return replace(facts, structured=False) if on_bedrock and facts is _SONNET_5_5 else facts
    return _UNKNOWN
