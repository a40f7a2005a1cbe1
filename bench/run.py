"""Measure the gateway beside nginx, in one run.

    python -m bench.run                          nginx and tollbridge, three rounds, some eight minutes
    python -m bench.run --quick                  one short round, without large stocks: does it work?
    python -m bench.run --with litellm portkey   beside others, installed into a cache directory of their own
    python -m bench.run --scenarios json-1k latency --rounds 5 --markdown

It ends with tool calls (`bench.mcp.run`), unless scenarios are named.

The main figure is CPU-milliseconds per request: user + system time of the target's processes over the requests that
they answered. Between runs on a shared machine it moves by a few per cent, rates and latencies by a factor of two; and
what the machine does to one target it does to the others, which take turns within each round. So the ratio to nginx in
the same run is the figure to quote.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TypeVar

from bench.accounts import Sums
from bench.figures import Figures
from bench.goals import judge
from bench.load import wrk
from bench.mcp import run as mcp
from bench.mcp.targets import DEFAULT as MCP_DEFAULT
from bench.mcp.targets import TARGETS as MCP_TARGETS
from bench.measure import Bench, Times
from bench.processes import share_cores
from bench.report import Rows, as_json, figure_rows, goal_rows, markdown_table, shown, sum_of, text_table
from bench.scenarios import SCENARIOS, Scenario
from bench.stage import Failure
from bench.targets import DEFAULT, TARGETS
from bench.targets.target import Target

FULL = Times(saturate=2, streams=2.5, latency=3.0)
QUICK = Times(saturate=1, streams=1.5, latency=1.5)
TURNS = 5
"""So often each gateway with a stock is asked in a round: what is held against 1.1 must not hang on what the machine
did in two seconds."""

T = TypeVar("T")


class Clock:
    """How long the run has taken, and whether it may go on. What is installed before it begins takes none of its
    budget."""

    def __init__(self, budget_s: float) -> None:
        self._began = self._measures_since = time.perf_counter()
        self._budget_s = budget_s

    def begin(self) -> None:
        self._measures_since = time.perf_counter()

    @property
    def over(self) -> bool:
        return time.perf_counter() - self._measures_since > self._budget_s

    def say(self, text: str) -> None:
        print(f"bench [{time.perf_counter() - self._began:4.0f} s] {text}", file=sys.stderr, flush=True)


def choose_targets(names: Sequence[str], clock: Clock) -> list[Target]:
    chosen = []
    for name in names:
        target = TARGETS[name]
        target.prepare()
        lack = target.missing()
        if lack:
            clock.say(f"{name} is left out: {lack}")
        else:
            chosen.append(target)
    clock.begin()
    return chosen


def run_rounds(bench: Bench, targets: list[Target], rounds: int, clock: Clock) -> Figures:
    """Scenarios in the order of the table; within each, the targets take turns, and who begins changes by round. Those
    with a stock are held against each other: they come last, and take turns too, several times in a round."""
    figures = Figures()
    stocked = tuple(scenario for scenario in bench.scenarios if scenario.kind == "stocked")
    others = tuple(scenario for scenario in bench.scenarios if scenario.kind != "stocked")
    turns = [
        *((number, scenario) for number in range(rounds) for scenario in others),
        *((number, scenario) for number in range(rounds * TURNS) for scenario in rotated(stocked, number)),
    ]
    for number, scenario in turns:
        if clock.over:
            clock.say(f"out of time: round {number + 1} ends before {scenario.name}")
            return figures
        asked: dict[str, Callable[[], dict[str, float]]] = {
            target.name: partial(bench.measure, scenario, target)
            for target in rotated(targets, number)
            if able(target, scenario)
        }
        if scenario.kind == "latency":
            asked["direct"] = partial(bench.direct_latency, scenario)
        for name, measure in asked.items():
            if (scenario.name, name) not in figures.notes:
                measure_one(scenario.name, name, measure, number, figures, clock)
    return figures


def rotated(all_of_them: Sequence[T], number: int) -> Sequence[T]:
    """Another one is the first, each time."""
    first = number % (len(all_of_them) or 1)
    return [*all_of_them[first:], *all_of_them[:first]]


def able(target: Target, scenario: Scenario) -> bool:
    return target.can(scenario) and (target.accounts or scenario.kind != "stocked")


def measure_one(
    scenario: str, target: str, measure: Callable[[], dict[str, float]], number: int, figures: Figures, clock: Clock
) -> None:
    where = f"round {number + 1}, {scenario}, {target}: "
    try:
        values = measure()
    except Failure as failure:
        values = failure.values
        figures.notes[scenario, target] = str(failure)
        clock.say(where + f"missing: {failure}")
    except (OSError, sqlite3.Error) as error:
        values = {}
        figures.notes[scenario, target] = repr(error)
        clock.say(where + f"missing: {error!r}")
    if values:
        figures.add(scenario, target, number, values)
        clock.say(where + ", ".join(f"{metric} {shown(value, metric)}" for metric, value in values.items()))


def additions_ms() -> float:
    """What this build of Python takes for a loop, at best of five: one that was built without profile-guided
    optimization takes up to twice as long, on the same machine."""

    def once() -> float:
        began = time.perf_counter()
        total = 0
        for number in range(1_000_000):
            total += number
        return time.perf_counter() - began

    return min(once() for _ in range(5)) * 1000


def facts() -> dict[str, str]:
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_version()}, a million additions in {additions_ms():.0f} ms",
        "load": "wrk" if wrk.installed() else "bench.load (wrk is not installed: Debian: apt-get install wrk)",
    }


def read_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    names = [scenario.name for scenario in SCENARIOS]
    parser = argparse.ArgumentParser(prog="python -m bench.run", description="Measure the gateway beside nginx.")
    parser.add_argument("--scenarios", nargs="+", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--targets", nargs="+", choices=list(TARGETS), default=list(DEFAULT), help="instead of both")
    parser.add_argument("--with", nargs="+", choices=list(TARGETS), default=[], dest="more", help="besides these")
    parser.add_argument("--rounds", type=int, default=None, help="3; 1 with --quick")
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--budget", type=float, default=None, metavar="SECONDS", help="when no new scenario is begun")
    parser.add_argument("--strict", action="store_true", help="exit with 1 where a ratio misses its goal")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--markdown", action="store_true")
    shape.add_argument("--json", action="store_true")
    return parser.parse_args(argv)


def stop_on_sigterm(signum: int, frame: FrameType | None) -> None:
    """The way out of `with`: every child is ended."""
    raise SystemExit(128 + signum)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = read_arguments(argv)
    if not hasattr(os, "sched_setaffinity"):
        print("bench: needs Linux (cores are pinned, CPU times come from /proc)", file=sys.stderr)
        return 1
    names = list(dict.fromkeys([*arguments.targets, *arguments.more]))
    clock = Clock(arguments.budget or (90 if arguments.quick else 480 + 240 * len(arguments.more)))
    signal.signal(signal.SIGTERM, stop_on_sigterm)
    cores = share_cores()
    clock.say(cores.note)
    targets = choose_targets(names, clock)
    if not targets:
        clock.say("nothing to measure")
        return 1
    named = arguments.scenarios or [each.name for each in SCENARIOS if not (arguments.quick and each.kind == "stocked")]
    scenarios = tuple(scenario for scenario in SCENARIOS if scenario.name in named)
    rounds = arguments.rounds or (1 if arguments.quick else 3)
    os.sched_setaffinity(0, cores.load)
    times = QUICK if arguments.quick else FULL
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        with Bench(cores, Path(directory), scenarios, times) as bench:
            ready = start_all(bench, targets, clock)
            figures = run_rounds(bench, ready, rounds, clock)
            check_ledgers(bench, ready, figures, clock)
    known = {**facts(), "cores": cores.note}
    print_report(arguments, figures, bench.checked, scenarios, [target.name for target in ready], known)
    if not arguments.scenarios and not arguments.json:
        print()
        names = [*MCP_DEFAULT, *(name for name in arguments.more if name in MCP_TARGETS)]
        mcp.report(names, cores, rounds=rounds, times=0.4 if arguments.quick else 1.0, markdown=arguments.markdown)
    missed = any(verdict.met is False and verdict.strict for verdict in judge(figures))
    wrong = len(ready) < len(targets) or any(failed(target) for _, target in figures.notes)
    return 1 if wrong or (arguments.strict and missed) else 0


def failed(target: str) -> bool:
    """Whether a missing figure is a failure of the run: what others cannot do is theirs."""
    return target in DEFAULT


def check_ledgers(bench: Bench, targets: list[Target], figures: Figures, clock: Clock) -> None:
    """Once more at the end, each row: what came late, or twice, would be seen now."""
    for target in targets:
        try:
            bench.check_whole(target.name)
        except (Failure, OSError, sqlite3.Error) as failure:
            figures.notes["ledger", target.name] = str(failure)
            clock.say(f"{target.name}: {failure}")


def start_all(bench: Bench, targets: list[Target], clock: Clock) -> list[Target]:
    ready = []
    for target in targets:
        try:
            bench.start(target)
        except (Failure, OSError) as failure:
            clock.say(f"{target.name} is left out: {failure}")
        else:
            ready.append(target)
    return ready


def print_report(
    arguments: argparse.Namespace,
    figures: Figures,
    checked: Mapping[str, Sequence[Sums]],
    scenarios: Sequence[Scenario],
    targets: list[str],
    known: dict[str, str],
) -> None:
    judged = judge(figures)
    if arguments.json:
        print(json.dumps(as_json(figures, judged, checked, known), indent=1))
        return
    if any(scenario.kind == "latency" for scenario in scenarios):
        targets = ["direct", *targets]
    table = markdown_table if arguments.markdown else text_table
    measured = [verdict for verdict in judged if verdict.value is not None]
    tables: list[Rows] = [figure_rows(figures, checked, scenarios, targets)] + (
        [goal_rows(measured)] if measured else []
    )
    print("; ".join(f"{name}: {value}" for name, value in known.items()), end="\n\n")
    print("\n\n".join(table(rows) for rows in tables))
    print("\nIn brackets: times nginx in the same rounds. @: answers (or events) a second.")
    if checked:
        print(sum_of(checked))
    for name in targets:
        if name in TARGETS:
            slowness = TARGETS[name].slowness
            fewer = f" (pressed {slowness}x longer, with 1/{slowness**2} of the paced streams)" if slowness > 1 else ""
            print(f"{name}: {TARGETS[name].about}{fewer}")
    if len(measured) < len(judged):
        print("goals not measured:", "; ".join(verdict.goal.title for verdict in judged if verdict.value is None))
    for (scenario, target), note in figures.notes.items():
        print(f"{scenario}, {target}: {note}")


if __name__ == "__main__":
    sys.exit(main())
