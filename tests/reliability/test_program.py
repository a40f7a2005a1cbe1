"""Random programs of faults against the whole gateway. `make soak` runs hundreds.

Faults of the provider, clients that leave, kills, a frozen process, a locked database and limits at their edge overlap
as they like. After each program: ledger = bill wherever the final usage arrived, estimates within their bound, counters
= sums of rows, nothing held, one line and one outcome for each request. At each step: as much is held as is under way.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from bench.audit.clients import PATHS
from bench.audit.house import House
from bench.audit.models import WIRES
from bench.audit.program import KEYS, MODELS, Program, Shape

pytestmark = pytest.mark.timeout(300)
_number = itertools.count()

SHAPES = st.builds(
    Shape,
    model=st.integers(0, len(MODELS) - 1),
    key=st.integers(0, len(KEYS) - 1),
    path=st.sampled_from(PATHS),
    wire=st.sampled_from(WIRES),
    stream=st.booleans(),
    usage=st.booleans(),
    retries=st.sampled_from([0, 0, 1]),
    leaves_after_s=st.sampled_from([None, None, None, None, 0.0, 0.01, 0.03]),
    leaves_reading=st.sampled_from([False, False, True]),
)


class FaultProgram(RuleBasedStateMachine):
    def __init__(self, runner: asyncio.Runner, house: House) -> None:
        super().__init__()
        self._run: Any = runner.run
        self._program: Program = self._run(Program.begin(house, f"p{next(_number)}"))

    @rule(shapes=st.lists(SHAPES, min_size=1, max_size=8))
    def send(self, shapes: list[Shape]) -> None:
        self._run(self._program.send(shapes))

    @rule(count=st.integers(1, 8))
    def some_answers(self, count: int) -> None:
        self._run(self._program.some_answers(count))

    @rule()
    def kill(self) -> None:
        self._run(self._program.kill())

    @rule()
    def freeze(self) -> None:
        self._run(self._program.freeze())

    @rule()
    def lock(self) -> None:
        self._run(self._program.lock())

    @rule()
    def unlock(self) -> None:
        self._run(self._program.unlock())

    @rule()
    def walk_out(self) -> None:
        self._run(self._program.walk_out())

    @rule(key=st.integers(0, len(KEYS) - 1), rpm=st.sampled_from([0, 5, 1_000_000]))
    def squeeze(self, key: int, rpm: int) -> None:
        self._run(self._program.squeeze(key, rpm))

    @invariant()
    def as_much_is_held_as_is_under_way(self) -> None:
        self._run(self._program.glance())

    def teardown(self) -> None:
        assert self._run(self._program.end()) == []


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as running:
        yield running


def test_after_any_program_of_faults_the_ledger_is_the_bill(runner: asyncio.Runner, tmp_path: Path) -> None:
    house = House(tmp_path, MODELS)
    few = settings(
        max_examples=6,
        stateful_step_count=14,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    try:
        runner.run(house.open())
        run_state_machine_as_test(lambda: FaultProgram(runner, house), settings=few)
    finally:
        runner.run(house.close())
