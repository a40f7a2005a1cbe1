"""The parent of several workers, in a process of its own. Signals: tests/server/test_faults_processes.py."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
from tollbridge.cli import workers
from tollbridge.errors import ConfigError

workers.RESTART_PAUSE_S = 0.0

def work(lifeline):
    raise {error}

raise SystemExit(workers.supervise(1, work))
"""


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("ConfigError('the certificate is missing')", "error: the certificate is missing"),
        ("OSError(98, 'in use')", "error: [Errno 98] in use"),
        ("ZeroDivisionError('a fault of ours')", "ZeroDivisionError: a fault of ours"),
    ],
)
def test_a_worker_that_cannot_start_says_why_and_the_parent_gives_up(error: str, told: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(error=error)], capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 1
    assert told in run.stderr
    assert "ended with 1; starting another" in run.stderr
    assert "giving up" in run.stderr
