"""A state directory that is filled for a bench, and the comparison of a ledger with a bill."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from bench.accounts import Asked, check_ledger
from bench.stock import Stock, fill
from tollbridge.home import Home
from tollbridge.policy.minting import digest_of


@pytest.fixture
def folded_port() -> Iterator[int]:
    """Something that says that nothing waits to be folded."""

    class Metrics(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"tollbridge_ledger_journal_pending 0.0\n")

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the test's output is its own."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Metrics) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def rows(home: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(home / "tollbridge.db")) as connection:
        return connection.execute(statement).fetchall()


def test_a_stock_has_keys_that_may_ask_and_a_ledger_whose_sums_are_right(tmp_path: Path) -> None:
    keys = fill(tmp_path, Stock(keys=3, rows=2500), ("m",))
    pepper = Home.of({"TOLLBRIDGE_HOME": str(tmp_path)}).pepper()
    assert {digest for (digest,) in rows(tmp_path, "SELECT digest FROM keys")} == {
        digest_of(pepper, key.encode()) for key in keys
    }
    assert rows(tmp_path, "SELECT count(*), sum(cost_nanousd) FROM entries") == rows(
        tmp_path, "SELECT sum(requests), sum(cost_nanousd) FROM daily"
    )
    assert rows(tmp_path, "SELECT count(*), count(DISTINCT id) FROM entries") == [(2500, 2500)]
    assert rows(tmp_path, "SELECT sum(spend_nanousd) FROM keys") == rows(
        tmp_path, "SELECT sum(cost_nanousd) FROM entries"
    )


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (Asked(10, 10, 0), None),
        (Asked(12, 9, 2), None),
        (Asked(11, 10, 0), "10 rows, 11 requests on the bill"),
        (Asked(9, 9, 0), "10 rows, 9 requests on the bill"),
        (Asked(11, 11, 1), "10 rows with the provider's usage, 11 answers"),
        (Asked(10, 10, 0, {(1, 2)}), "the bill [(1, 2)]"),
    ],
)
def test_a_row_too_many_or_too_few_is_seen_and_a_token_too(
    tmp_path: Path, folded_port: int, asked: Asked, problem: str | None
) -> None:
    fill(tmp_path, Stock(rows=70), ())
    same = {(900, 100)}
    with closing(sqlite3.connect(tmp_path / "tollbridge.db")) as connection, connection:
        connection.execute("UPDATE entries SET input_tokens = 900, output_tokens = 100")
    asked.charged = asked.charged or same
    found = check_ledger(folded_port, tmp_path, {"stock-3": asked})
    assert (found == []) if problem is None else (len(found) == 1 and problem in found[0])
