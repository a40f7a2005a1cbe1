"""The ledger against the provider's bill, after load.

All requests of a scenario are the same, and so are their answers: what the bill says of one of them, that finished, it
says of all. So it is enough to count the ledger's rows by model, and to look at what is the least and the most in them.
"""

from __future__ import annotations

import http.client
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

FOLDED_WITHIN_S = 60.0
PENDING = b"tollbridge_ledger_journal_pending "


class Asked(msgspec.Struct):
    """Of one model. `billed`: requests that the mock worked on; `answered`: those that a client counted as answered;
    `cut`: at most so many clients left in the middle, when the time was over. `charged`: input and output tokens of
    those that the mock finished."""

    billed: int = 0
    answered: int = 0
    cut: int = 0
    charged: set[tuple[int, int]] = msgspec.field(default_factory=set)

    def note(self, answered: int, cut: int) -> None:
        self.answered += answered
        self.cut += cut

    def read(self, model: str, lines: Sequence[Mapping[str, Any]]) -> None:
        """`lines`: the last ones of the bill."""
        self.charged |= {
            (line["input_tokens"], line["output_tokens"])
            for line in lines
            if line["state"] == "finished" and line["model"] == model
        }


def check_ledger(port: int, home: Path, asked: Mapping[str, Asked]) -> list[str]:
    """What differs."""
    if not folded(port):
        return [f"the journal was not folded within {FOLDED_WITHIN_S:.0f} s"]
    with closing(sqlite3.connect(f"file:{home / 'tollbridge.db'}?mode=ro", uri=True)) as connection:
        return [
            f"{model}: {problem}" for model, told in asked.items() for problem in _differences(connection, model, told)
        ]


def folded(port: int) -> bool:
    """Waits until all that was entered is in the database."""
    deadline = time.perf_counter() + FOLDED_WITHIN_S
    while time.perf_counter() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        with closing(connection):
            connection.request("GET", "/metrics")
            lines: list[bytes] = connection.getresponse().read().splitlines()
        if any(line.startswith(PENDING) and float(line.split()[1]) == 0 for line in lines):
            return True
        time.sleep(0.05)
    return False


def _differences(connection: sqlite3.Connection, model: str, asked: Asked) -> list[str]:
    rows, exact = connection.execute(
        "SELECT count(*), coalesce(sum(estimated = 0), 0) FROM entries WHERE model = ?", (model,)
    ).fetchone()
    used = set(
        connection.execute(
            "SELECT DISTINCT input_tokens, output_tokens FROM entries WHERE model = ? AND estimated = 0", (model,)
        )
    )
    problems = []
    if not asked.billed - asked.cut <= rows <= asked.billed + asked.cut:
        problems.append(f"{rows} rows, {asked.billed} requests on the bill")
    if not asked.answered <= exact <= rows:
        problems.append(f"{exact} rows with the provider's usage, {asked.answered} answers were counted")
    if used != asked.charged:
        problems.append(f"rows have {sorted(used)[:3]} tokens, the bill {sorted(asked.charged)[:3]}")
    return problems
