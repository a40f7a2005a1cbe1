"""Measure a tool call through the gateway, beside a plain relay in front of the same server, in one run.

    python -m bench.mcp.run                          the server alone, a plain relay, tollbridge; about a minute
    python -m bench.mcp.run --with fastmcp litellm   others too, installed into a cache directory of their own

`make bench` ends with it. The figure to read is CPU time of a call as a ratio to the relay's in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import quantiles

from bench import ask
from bench.figures import Figures
from bench.load import wrk
from bench.load.jobs import Saturate
from bench.mcp.calls import Caller, latencies_ms, many_slow
from bench.mcp.targets import DEFAULT, PRICE_NANOUSD, TARGETS, Target
from bench.processes import Child, Cores, cpu_s, free_port, rss_mb, share_cores
from bench.report import Rows, markdown_table, shown, text_table

CONNECTIONS, SATURATE_S = 32, 3
RATE, LATENCY_S = 50.0, 3.0
SLOW, SLOW_S = 1000, 4.0
FOLDED_WITHIN_S = 30.0
CPU_MAX, ADDED_MS_MAX, SLOW_MB_MAX = 2.0, 1.0, 150.0
METRICS = ("cpu_ms", "rps", "p50_ms", "p99_ms", "slow_mb")


class Failure(Exception):
    """A measurement that gives no figure; the text says why."""


class Running:
    """A target that answers, with a server of its own behind it. `cut`: calls that may have been under way when the
    time of a measurement was over."""

    def __init__(self, target: Target, child: Child, caller: Caller, server: int) -> None:
        self.name, self.about = target.name, target.about
        self.caller, self.server = caller, server
        self.pids = child.pids()
        self.cut = 0

    def settled(self) -> None:
        """Waits until what was called is in the ledger: each call that the server answered, at its price. Raises
        Failure."""
        home = self.caller.way.home
        if home is None:
            return
        deadline = time.perf_counter() + FOLDED_WITHIN_S
        while True:
            found, cost = entered(home)
            answered = int(ask.get(self.server, "/", {})[1])
            if 0 <= found - answered <= self.cut and cost == found * PRICE_NANOUSD:
                return
            if time.perf_counter() > deadline:
                raise Failure(
                    f"the server answered {answered} calls; in the ledger are {found}, at {cost} nano-dollars"
                )
            time.sleep(0.1)


class Bench:
    """`times`: of the usual length of a measurement."""

    def __init__(self, cores: Cores, directory: Path, times: float) -> None:
        self._cores, self._directory, self._times = cores, directory, times
        self._stack = ExitStack()

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self, target: Target) -> Running:
        directory = self._directory / target.name
        directory.mkdir()
        server, port = free_port(), free_port()
        if target.name != "direct":
            argv = [sys.executable, "-m", "bench.mcp.server", str(server)]
            behind = self._stack.enter_context(Child(argv, self._cores.load, directory / "server.log"))
            until_open(server, behind, 15.0)
        way = target.way(port, server, directory)
        cores = self._cores.load if target.name == "direct" else self._cores.gateway
        child = self._stack.enter_context(Child(way.argv, cores, directory / "output.log", way.env))
        until_open(port, child, way.start_within_s)
        caller = Caller(port, target.ready(port, way)).begun()
        connection = caller.connected()
        for _ in range(20):
            wrong = caller.once(connection, "echo", {"text": "hello"})
            if wrong:
                raise Failure(wrong)
        connection.close()
        return Running(target, child, caller, server)

    def measure(self, running: Running) -> dict[str, float]:
        """From rest to rest: what follows the answers is in the figure."""
        running.settled()
        aim = running.caller.aim("echo", {"text": "hello"})
        before = cpu_s(running.pids)
        job = Saturate(aim=aim, connections=CONNECTIONS, seconds=max(1.0, SATURATE_S * self._times))
        outcome = wrk.saturate(job, self._directory)
        running.cut += CONNECTIONS
        running.settled()
        if outcome.errors or not outcome.requests:
            raise Failure(f"{outcome.requests} calls were answered, and {outcome.errors}")
        used = cpu_s(running.pids) - before
        cuts = quantiles(latencies_ms(running.caller, RATE, LATENCY_S * self._times), n=100, method="inclusive")
        return {
            "cpu_ms": used / outcome.requests * 1000,
            "rps": outcome.requests / outcome.seconds,
            "p50_ms": cuts[49],
            "p99_ms": cuts[98],
        }

    def slow(self, running: Running) -> dict[str, float]:
        """Memory while a thousand calls wait."""
        most = 0.0

        def watch() -> None:
            nonlocal most
            most = max(most, rss_mb(running.pids))

        asyncio.run(many_slow(running.caller, SLOW, SLOW_S, watch))
        return {"slow_mb": most}


def entered(home: Path) -> tuple[int, int]:
    """Calls in the ledger, and what they cost."""
    with closing(sqlite3.connect(f"file:{home / 'tollbridge.db'}?mode=ro", uri=True, timeout=10)) as connection:
        found = connection.execute(
            "SELECT count(*), coalesce(sum(cost_nanousd), 0) FROM entries WHERE provider = 'mcp'"
        ).fetchone()
    return int(found[0]), int(found[1])


def until_open(port: int, child: Child, within_s: float) -> None:
    """Raises Failure."""
    deadline = time.perf_counter() + within_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError as error:
            if not child.alive or time.perf_counter() > deadline:
                raise Failure(f"did not start: {child.last_words()}") from error
            time.sleep(0.05)


def say(text: str) -> None:
    print(f"bench mcp: {text}", file=sys.stderr, flush=True)


def run(names: Sequence[str], cores: Cores, rounds: int, times: float) -> tuple[Figures, dict[str, str]]:
    """The figures, and who was measured (name -> what it is)."""
    figures, measured = Figures(), dict[str, str]()
    with tempfile.TemporaryDirectory(prefix="bench-mcp-") as directory, ExitStack() as stack:
        bench = stack.enter_context(Bench(cores, Path(directory), times))
        os.sched_setaffinity(0, cores.load)
        running = []
        for name in names:
            lack = TARGETS[name].missing()
            try:
                if lack:
                    raise Failure(lack)
                running.append(bench.start(TARGETS[name]))
                measured[name] = TARGETS[name].about
            except (Failure, OSError, RuntimeError) as error:
                figures.notes["mcp", name] = str(error)
                say(f"{name} is left out: {error}")
        steps = [(number, bench.measure) for number in range(rounds)] + [(rounds, bench.slow)]
        for number, step in steps:
            for one in running:
                if ("mcp", one.name) in figures.notes or (step == bench.slow and one.name not in DEFAULT):
                    continue
                try:
                    values = step(one)
                except (Failure, OSError, RuntimeError, sqlite3.Error) as error:
                    figures.notes["mcp", one.name] = str(error)
                    say(f"{one.name}: missing: {error}")
                    continue
                figures.add("mcp", one.name, number, values)
                say(f"{one.name}: " + ", ".join(f"{metric} {shown(value, metric)}" for metric, value in values.items()))
    return figures, measured


def rows_of(figures: Figures, names: Sequence[str]) -> Rows:
    rows = [
        ["tools/call", "CPU-ms a call", "times the relay", "calls a second", "p50, p99 ms at 50/s", "1,000 slow calls"]
    ]
    for name in names:
        told = {metric: figures.value("mcp", name, metric) for metric in METRICS}
        times = figures.ratio(("mcp", name, "cpu_ms"), ("mcp", "relay", "cpu_ms"))
        rows.append(
            [
                name,
                shown(told["cpu_ms"], "cpu_ms"),
                "-" if times is None else f"{times:.2f}",
                shown(told["rps"], "rps"),
                f"{shown(told['p50_ms'])}, {shown(told['p99_ms'])}",
                "-" if told["slow_mb"] is None else f"{told['slow_mb']:.0f} MB",
            ]
        )
    return rows


def goals_of(figures: Figures) -> Rows:
    ours = "tollbridge"
    found = (
        (
            "CPU of a call, against the relay",
            CPU_MAX,
            "x",
            figures.ratio(("mcp", ours, "cpu_ms"), ("mcp", "relay", "cpu_ms")),
            True,
        ),
        (
            "added to a call at 50/s, p50",
            ADDED_MS_MAX,
            "ms",
            figures.difference(("mcp", ours, "p50_ms"), ("mcp", "direct", "p50_ms")),
            False,
        ),
        ("memory with 1,000 slow calls", SLOW_MB_MAX, "MB", figures.value("mcp", ours, "slow_mb"), False),
    )
    rows = [["goal", "limit", "measured", ""]]
    for title, limit, unit, value, strict in found:
        if value is not None:
            word = "met" if value <= limit else "MISSED" if strict else "over (depends on the machine)"
            rows.append([title, f"<= {limit:g} {unit}", f"{shown(value)} {unit}", word])
    return rows


def report(names: Sequence[str], cores: Cores, *, rounds: int, times: float, markdown: bool) -> int:
    """Measures and prints. 1 where one of ours has no figure."""
    figures, measured = run(names, cores, rounds, times)
    table = markdown_table if markdown else text_table
    print(table(rows_of(figures, list(measured))), end="\n\n")
    print(table(goals_of(figures)), end="\n\n")
    for name, about in measured.items():
        print(f"{name}: {about}")
    for (_, name), note in figures.notes.items():
        print(f"{name}: {note}")
    return 1 if any(name in DEFAULT for _, name in figures.notes) else 0


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.mcp.run", description="Measure a tool call.")
    parser.add_argument("--with", nargs="+", choices=list(TARGETS), default=[], dest="more", help="besides ours")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--markdown", action="store_true")
    arguments = parser.parse_args(argv)
    if not hasattr(os, "sched_setaffinity") or not wrk.installed():
        say("needs Linux and wrk (Debian: apt-get install wrk)")
        return 1
    names = list(dict.fromkeys([*DEFAULT, *arguments.more]))
    rounds, times = (1, 0.4) if arguments.quick else (arguments.rounds, 1.0)
    return report(names, share_cores(), rounds=rounds, times=times, markdown=arguments.markdown)


if __name__ == "__main__":
    sys.exit(main())
