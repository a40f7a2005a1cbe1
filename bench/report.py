"""The table of a run, as plain text, Markdown or JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec

from bench.accounts import Sums
from bench.figures import UNITS, Figures
from bench.goals import Judged
from bench.scenarios import Scenario

Rows = list[list[str]]
LIMIT = "nginx"


def shown(value: float | None, metric: str = "") -> str:
    if value is None:
        return "-"
    match metric:
        case "rps":
            return f"{value:,.0f}"
        case "cpu_ms":
            return f"{value:.4f}" if value < 1 else f"{value:.2f}"
        case "start_s":
            return f"{value:.2f}"
        case _:
            return f"{value:.3g}" if value < 100 else f"{value:,.0f}"


Checked = Mapping[str, Sequence[Sums]]
"""What was found in the ledger as on the bill, by scenario: a sum for each time that they were compared."""


def figure_rows(figures: Figures, checked: Checked, scenarios: Sequence[Scenario], targets: Sequence[str]) -> Rows:
    """A row per scenario: the main figure of each target, times nginx, and what else it shows; last how many requests
    are in the ledger as on the bill."""
    rows = [["scenario", "unit", *targets, "ledger = bill"]]
    for scenario in scenarios:
        cells = [cell(figures, scenario, target) for target in targets]
        found = checked.get(scenario.name)
        entered = f"{sum(each.requests for each in found):,}" if found else "-"
        rows.append([f"{scenario.name}: {scenario.title}", UNITS[scenario.figure], *cells, entered])
    return rows


def sum_of(checked: Checked) -> str:
    total = sum(chain.from_iterable(checked.values()), Sums())
    return (
        f"ledger = bill: compared {sum(map(len, checked.values()))} times; each time equal by rows, by sums of days "
        f"and by what keys spent, nothing estimated: {total.requests:,} requests, {total.input_tokens:,} tokens in, "
        f"{total.output_tokens:,} out, {dollars(total.cost_nanousd)} dollars"
    )


def dollars(nanousd: int) -> str:
    """To the last nano-dollar."""
    return f"{nanousd // 10**9:,}.{nanousd % 10**9:09d}"


def cell(figures: Figures, scenario: Scenario, target: str) -> str:
    value = figures.value(scenario.name, target, scenario.figure)
    if value is None:
        return "-"
    text = shown(value, scenario.figure)
    times = figures.ratio((scenario.name, target, scenario.figure), (scenario.name, LIMIT, scenario.figure))
    if times is not None and target != LIMIT and scenario.figure.startswith("cpu"):
        text += f" ({times:.2f}x)"
    more = [
        f"{label} {shown(figures.value(scenario.name, target, metric), metric)}"
        for metric, label in (
            ("rps", "@"),
            ("p99_ms", "p99"),
            ("import_mb", "MB"),
            ("completion_ms", "with completion"),
            ("page_ms", "a page of rows, ms"),
            ("spend_ms", "all spend, ms"),
        )
        if figures.value(scenario.name, target, metric) is not None
    ]
    return "; ".join([text, *more]).replace("; @ ", " @ ")


def goal_rows(judged: Sequence[Judged]) -> Rows:
    rows = [["goal", "limit", "measured", ""]]
    for verdict in judged:
        goal = verdict.goal
        sign = ">=" if goal.how == "less" else "<="
        word = {None: "not measured", True: "met", False: "MISSED"}[verdict.met]
        if verdict.met is False and not verdict.strict:
            word = "over (depends on the machine)"
        measured = "-" if verdict.value is None else f"{shown(verdict.value)} {goal.unit}"
        rows.append([goal.title, f"{sign} {goal.limit:g} {goal.unit}", measured, word])
    return rows


def text_table(rows: Rows) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def markdown_table(rows: Rows) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines)


def as_json(figures: Figures, judged: Sequence[Judged], checked: Checked, facts: dict[str, str]) -> dict[str, Any]:
    """Every round's values; medians can be taken again."""
    return {
        "facts": facts,
        "figures": [
            {"scenario": scenario, "target": target, "metric": metric, "rounds": list(rounds.values())}
            for (scenario, target, metric), rounds in figures.rounds.items()
        ],
        "goals": [
            {"goal": verdict.goal.title, "limit": verdict.goal.limit, "value": verdict.value, "met": verdict.met}
            for verdict in judged
        ],
        "ledger": {scenario: [msgspec.to_builtins(sums) for sums in found] for scenario, found in checked.items()},
        "notes": [f"{target}, {scenario}: {note}" for (scenario, target), note in figures.notes.items()],
    }
