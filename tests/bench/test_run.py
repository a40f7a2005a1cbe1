"""The run as a whole: what counts against its time."""

from __future__ import annotations

import time

import pytest

from bench import run


class Slow:
    """A target that takes longer to install than the run may last."""

    name = "slow"

    def prepare(self) -> None:
        time.sleep(0.3)

    def missing(self) -> str:
        return ""


def test_what_is_installed_takes_none_of_the_runs_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(run.TARGETS, "slow", Slow())  # type: ignore[arg-type]
    clock = run.Clock(0.25)
    assert len(run.choose_targets(["slow"], clock)) == 1
    assert not clock.over
    time.sleep(0.3)
    assert clock.over
