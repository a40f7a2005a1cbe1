"""The table of a run, as plain text, Markdown or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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


def figure_rows(figures: Figures, scenarios: Sequence[Scenario], targets: Sequence[str]) -> Rows:
    """A row per scenario: the main figure of each target, times nginx, and what else it shows."""
    rows = [["scenario", "unit", *targets]]
    for scenario in scenarios:
        cells = [cell(figures, scenario, target) for target in targets]
        rows.append([f"{scenario.name}: {scenario.title}", UNITS[scenario.figure], *cells])
    return rows


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


def as_json(figures: Figures, judged: Sequence[Judged], facts: dict[str, str]) -> dict[str, Any]:
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
        "notes": [f"{target}, {scenario}: {note}" for (scenario, target), note in figures.notes.items()],
    }
