"""A measurement of a real gateway: its ledger is compared with the bill, and a difference is a failure."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bench.accounts import PRICES
from bench.load import wrk
from bench.measure import Bench, Times
from bench.processes import Cores
from bench.scenarios import Scenario
from bench.stage import Failure
from bench.targets.tollbridge import Tollbridge

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="a bench needs Linux")

STAYS = Scenario(name="stays", title="asked by a key", kind="latency", rate=100.0)
CORE = Scenario(name="core", title="asked by the admin", kind="latency", rate=100.0, core=True)
STOCKED = Scenario(name="stocked", title="asked by keys in turn", kind="stocked", keys=7, rows=3, connections=3)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    cores = frozenset(os.sched_getaffinity(0))
    times = Times(saturate=1, streams=0.1, latency=0.1)
    with Bench(Cores(cores, cores, ""), tmp_path_factory.mktemp("bench"), (STAYS, CORE, STOCKED), times) as opened:
        opened.start(Tollbridge())
        yield opened


def database(bench: Bench) -> Path:
    """Of the target that stays."""
    log = bench.running["tollbridge"].child.log
    return log.parent / "state/tollbridge.db"


def alter(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file, timeout=10)) as connection, connection:
        assert connection.execute(statement).rowcount


def test_what_a_key_asks_is_counted_with_its_price_after_each_scenario(bench: Bench) -> None:
    values = bench.measure(STAYS, Tollbridge())
    assert values.keys() == {"p50_ms", "p99_ms"}
    sums = bench.checked["stays"][-1]
    assert sums.requests == 11  # ten in 0.1 s, and a sample before
    assert sums.cost_nanousd == sums.input_tokens * PRICES[0] + sums.output_tokens * PRICES[1] > 0
    bench.check_whole("tollbridge")


def test_what_the_admin_asks_has_no_price(bench: Bench) -> None:
    bench.measure(CORE, Tollbridge())
    sums = bench.checked["core"][-1]
    assert (sums.requests, sums.unpriced, sums.cost_nanousd) == (11, 11, 0)


def test_a_measurement_whose_ledger_differs_from_the_bill_fails(bench: Bench) -> None:
    times = len(bench.checked.get("core", []))
    alter(database(bench), "UPDATE daily SET cost_nanousd = cost_nanousd + 1 WHERE cost_nanousd > 0")
    with pytest.raises(Failure, match="the ledger is not as the bill"):
        bench.measure(CORE, Tollbridge())
    assert len(bench.checked.get("core", [])) == times
    alter(database(bench), "UPDATE daily SET cost_nanousd = cost_nanousd - 1 WHERE cost_nanousd > 0")
    bench.measure(CORE, Tollbridge())


def test_a_gateway_with_a_stock_is_pressed_by_all_its_keys_and_asked_for_its_spend(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wrk, "installed", lambda: False)
    values = bench.measure(STOCKED, Tollbridge())
    assert values.keys() == {"cpu_ms", "rps", "page_ms", "spend_ms"}
    assert min(values.values()) > 0
    [sums] = bench.checked["stocked"]
    assert sums.requests > 10
    assert sums.estimated == 0
