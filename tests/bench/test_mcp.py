"""The bench of tool calls: what it measures is answered rightly, and stands in the ledger."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from bench.figures import Figures
from bench.mcp import run
from bench.mcp.calls import latencies_ms
from bench.mcp.targets import PRICE_NANOUSD, TARGETS
from bench.processes import Cores

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="a bench needs Linux")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[run.Bench]:
    cores = frozenset(os.sched_getaffinity(0))
    with run.Bench(Cores(cores, cores, ""), tmp_path_factory.mktemp("bench"), 0.1) as opened:
        yield opened


@pytest.fixture(scope="module")
def relay(bench: run.Bench) -> run.Running:
    return bench.start(TARGETS["relay"])


def test_calls_through_the_relay_are_answered(relay: run.Running) -> None:
    assert len(latencies_ms(relay.caller, 100.0, 0.1)) == 10


def test_each_call_through_the_gateway_is_in_its_ledger_at_its_price(
    bench: run.Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = bench.start(TARGETS["tollbridge"])
    latencies_ms(running.caller, 100.0, 0.1)
    running.settled()
    home = running.caller.way.home
    assert home is not None
    assert run.entered(home) == (30, 30 * PRICE_NANOUSD)  # with those that warmed it
    with closing(sqlite3.connect(home / "tollbridge.db", timeout=10)) as connection, connection:
        connection.execute("DELETE FROM entries WHERE id = (SELECT max(id) FROM entries)")
    monkeypatch.setattr(run, "FOLDED_WITHIN_S", 0.0)
    with pytest.raises(run.Failure, match=r"answered 30 calls; in the ledger are 29"):
        running.settled()


def test_memory_is_watched_while_slow_calls_wait(
    bench: run.Bench, relay: run.Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "SLOW", 20)
    monkeypatch.setattr(run, "SLOW_S", 0.2)
    assert bench.slow(relay)["slow_mb"] > 5


def test_the_table_has_a_row_for_each_and_the_goals() -> None:
    figures = Figures()
    for name, cpu, p50 in (("direct", 0.01, 0.1), ("relay", 0.02, 0.2), ("tollbridge", 0.1, 0.5)):
        figures.add("mcp", name, 0, {"cpu_ms": cpu, "p50_ms": p50, "p99_ms": 1.0, "rps": 10.0})
    figures.add("mcp", "tollbridge", 1, {"slow_mb": 100.0})
    assert run.rows_of(figures, ["relay", "tollbridge"])[2][2] == "5.00"
    assert [row[-1] for row in run.goals_of(figures)[1:]] == ["MISSED", "met", "met"]
