"""The goals of the design, as data: what is held against what, and how far it may go.

Ratios and differences between targets of one run hold on any machine and are judged. Absolute figures (seconds,
megabytes, milliseconds of latency) depend on the machine: they are shown with their goal and marked, not judged.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from bench.figures import Figures, Key

OURS = "tollbridge"


class Goal(msgspec.Struct, frozen=True):
    """`how`: "ratio" is figure / against, "less" is against / figure (and must be at least `limit`), "more" is figure -
    against, "absolute" is the figure alone."""

    title: str
    figure: Key
    how: Literal["ratio", "less", "more", "absolute"]
    limit: float
    unit: str
    against: Key | None = None


class Judged(msgspec.Struct, frozen=True):
    goal: Goal
    value: float | None
    met: bool | None

    @property
    def strict(self) -> bool:
        return self.goal.how in ("ratio", "less")


def ours(scenario: str, metric: str = "cpu_ms") -> Key:
    return (scenario, OURS, metric)


def nginx(scenario: str, metric: str = "cpu_ms") -> Key:
    return (scenario, "nginx", metric)


PACED = "cpu_us_event"
RELAY, RELAY_4K, RELAYED_STREAM = ours("json-1k"), ours("json-4k"), ours("streams-paced", PACED)
FEW, FLAT = ours("few"), 1.1
TO_ANTHROPIC, TO_OPENAI = "streams-openai-to-anthropic", "streams-anthropic-to-openai"

GOALS: tuple[Goal, ...] = (
    Goal("CPU per relayed request, against nginx", RELAY, "ratio", 3.0, "x", nginx("json-1k")),
    Goal("60 ms upstream, 128 connections, against nginx", ours("json-60ms"), "ratio", 3.2, "x", nginx("json-60ms")),
    Goal("CPU per relayed SSE event, against nginx", RELAYED_STREAM, "ratio", 1.8, "x", nginx("streams-paced", PACED)),
    Goal("OpenAI to Anthropic, 4 kB, against relay", ours("openai-to-anthropic"), "ratio", 3.0, "x", RELAY_4K),
    Goal("Anthropic to OpenAI, 4 kB, against relay", ours("anthropic-to-openai"), "ratio", 3.0, "x", RELAY_4K),
    Goal("translated event, OpenAI client, above relay", ours(TO_ANTHROPIC, PACED), "more", 10.0, "us", RELAYED_STREAM),
    Goal("translated event, Anthropic client, above relay", ours(TO_OPENAI, PACED), "more", 10.0, "us", RELAYED_STREAM),
    Goal("100,000 keys, against 10", ours("many-keys"), "ratio", FLAT, "x", FEW),
    Goal("1,000,000 rows in the ledger, against none", ours("many-rows"), "ratio", FLAT, "x", FEW),
    Goal("1,000 deployments, against one", ours("many-models"), "ratio", FLAT, "x", FEW),
    Goal("added latency at 50/s, p50", ours("latency", "p50_ms"), "more", 0.4, "ms", ("latency", "direct", "p50_ms")),
    Goal("added latency at 50/s, p99", ours("latency", "p99_ms"), "more", 1.5, "ms", ("latency", "direct", "p99_ms")),
    Goal("start to first answer", ours("cold-start", "start_s"), "absolute", 0.5, "s"),
    Goal("memory after load", ours("memory", "rss_mb"), "absolute", 80.0, "MB"),
    Goal("import tollbridge", ours("import", "import_ms"), "absolute", 100.0, "ms"),
    Goal("memory of the import", ours("import", "import_mb"), "absolute", 40.0, "MB"),
    Goal("two workers, CPU per request against one", ours("two-workers"), "ratio", 1.15, "x", RELAY),
    Goal("CPU per relayed request, less than LiteLLM's", RELAY, "less", 150.0, "x", ("json-1k", "litellm", "cpu_ms")),
    Goal("CPU per relayed request, less than Portkey's", RELAY, "less", 20.0, "x", ("json-1k", "portkey", "cpu_ms")),
)


def judge(figures: Figures) -> list[Judged]:
    """Every goal; the value is None where it was not measured."""
    return [judge_one(goal, figures) for goal in GOALS]


def judge_one(goal: Goal, figures: Figures) -> Judged:
    value: float | None
    match goal:
        case Goal(how="absolute"):
            value = figures.value(*goal.figure)
        case Goal(how="ratio", against=against) if against:
            value = figures.ratio(goal.figure, against)
        case Goal(how="less", against=against) if against:
            value = figures.ratio(against, goal.figure)
        case Goal(against=against):
            value = figures.difference(goal.figure, against) if against else None
    if value is None:
        return Judged(goal, None, None)
    return Judged(goal, value, value >= goal.limit if goal.how == "less" else value <= goal.limit)
