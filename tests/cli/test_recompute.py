"""`tollbridge spend recompute` on a database of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.ledger.records import record
from tests.server.faults import configuration
from tollbridge.cli import main
from tollbridge.home import Home
from tollbridge.observe import Record
from tollbridge.observe.ulid import Ulids
from tollbridge.store.database import Database
from tollbridge.store.entries import EntryStore

NOON_NS = 1_767_268_800 * 10**9  # 2026-01-01T12:00:00Z
DAY_NS = 86_400 * 10**9


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOLLBRIDGE_HOME", str(tmp_path / "home"))
    for name in ("TOLLBRIDGE_PEPPER", "TOLLBRIDGE_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["spend", *arguments])


def told(*arguments: str) -> Any:
    result = run("recompute", *arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def kept(tmp_path: Path, *records: Record) -> None:
    database = Database.open(Home(tmp_path / "home").database_url())
    EntryStore(database).fold(records)
    database.close()


def unknown(day: int, **changes: Any) -> Record:
    said = {"provider": "openai", "model": "house", "group": "house", "cost_nanousd": None, "priced": "", **changes}
    return record(id=Ulids(lambda: NOON_NS + day * DAY_NS).next(), **said)


def config(directory: Path, **prices: float) -> str:
    params = {"model": "openai/house", "api_key": "os.environ/NOT_SET_HERE", **prices}
    path = directory / "config.yaml"
    path.write_text(configuration({"model_name": "house", "litellm_params": params}))
    return str(path)


def test_it_is_told_what_would_change_then_done_and_then_there_is_nothing_to_do(tmp_path: Path) -> None:
    kept(tmp_path, unknown(0), unknown(1), unknown(1, model="mystery"), unknown(2, cost_nanousd=9))
    where = ("--config", config(tmp_path, input_cost_per_token=0.000001, output_cost_per_token=0.000002))
    house = {"provider": "openai", "model": "house", "requests": 2, "unknown": 0, "before_nanousd": 0}
    after = {"repriced": 2, "after_nanousd": 2 * (10_000 + 10_000)}
    assert told(*where)[0] == {**house, **after, "written": False}
    dry = run("recompute", *where)
    assert [line.split() for line in dry.stdout.splitlines()] == [
        ["PROVIDER", "MODEL", "REQUESTS", "REPRICED", "UNKNOWN", "BEFORE", "AFTER"],
        ["openai", "house", "2", "2", "0", "$0.00", "$0.00004"],
        ["openai", "mystery", "1", "0", "1", "$0.00", "$0.00"],
        ["all", "3", "2", "1", "$0.00", "$0.00004"],
    ]
    assert dry.stderr.splitlines()[-1] == "Nothing was changed; --write does it."
    assert dry.stderr.startswith("No price is known for 1 request: say `input_cost_per_token`")
    assert told("--write", *where)[0] == {**house, **after, "written": True}
    assert [one["model"] for one in told("--write", *where)] == ["mystery"]
    [row] = json.loads(run("--since", "2026-01-01", "--by", "group", "--format", "json").stdout)
    assert (row["cost_nanousd"], row["unpriced"]) == (40_009, 1)


def test_what_was_written_is_said(tmp_path: Path) -> None:
    kept(tmp_path, unknown(0), unknown(1))
    where = ("--config", config(tmp_path, input_cost_per_token=0.000001, output_cost_per_token=0.000002))
    done = run("recompute", "--write", *where)
    assert done.stderr == "Written: 2 requests got another cost, and so did the sums by day and what keys spent.\n"


def test_where_no_price_is_known_it_is_said_that_nothing_was_changed(tmp_path: Path) -> None:
    kept(tmp_path, unknown(0), unknown(1))
    for options in ((), ("--write",)):
        said = run("recompute", *options).stderr.splitlines()
        assert said[0].startswith("No price is known for 2 requests: say `input_cost_per_token`")
        assert said[1:] == ["Nothing was changed."]


def test_days_model_and_what_has_a_price_are_chosen(tmp_path: Path) -> None:
    kept(
        tmp_path,
        *(unknown(day) for day in range(4)),
        unknown(1, cost_nanousd=7),
        unknown(1, model="gpt-4.1", group="gpt"),
    )
    where = ("--config", config(tmp_path, input_cost_per_token=0.000001, output_cost_per_token=0))
    days = ("--since", "2026-01-02", "--until", "2026-01-03")
    assert [(one["model"], one["requests"]) for one in told(*where, *days)] == [("gpt-4.1", 1), ("house", 2)]
    [one] = told(*where, *days, "--model", "house", "--priced", "--write")
    assert (one["requests"], one["repriced"], one["before_nanousd"], one["after_nanousd"]) == (3, 3, 7, 30_000)
    assert [one["requests"] for one in told(*where, "--model", "house")] == [2]


def test_where_all_has_a_price_it_says_so(tmp_path: Path) -> None:
    kept(tmp_path, unknown(0, cost_nanousd=1))
    result = run("recompute", "--write")
    assert (result.exit_code, result.output) == (0, "Every request has a price.\n")
    dated = run("recompute", "--since", "2026-01-01", "--model", "house")
    assert (dated.exit_code, dated.output) == (0, "Every request of 'house' of that time has a price.\n")


def test_a_model_that_nothing_was_asked_of_is_told_from_one_whose_requests_all_have_a_price(tmp_path: Path) -> None:
    kept(tmp_path, unknown(0, cost_nanousd=1))
    for options in ((), ("--priced",), ("--json",)):
        nobody = run("recompute", "--model", "nope", *options)
        assert nobody.exit_code == 1
        assert nobody.output == ("[]\n" if options == ("--json",) else "No request of 'nope' is kept.\n")
    late = run("recompute", "--since", "2027-01-01")
    assert (late.exit_code, late.output) == (0, "No request of that time is kept.\n")


def test_before_and_after_are_of_all_that_was_looked_at(tmp_path: Path) -> None:
    """What has today's price already is part of what the requests cost."""
    kept(tmp_path, unknown(0, cost_nanousd=10_000), unknown(1, cost_nanousd=7), unknown(2))
    where = ("--config", config(tmp_path, input_cost_per_token=0.000001, output_cost_per_token=0), "--priced")
    for write in ((), ("--write",)):
        [one] = told(*where, *write)
        assert (one["requests"], one["repriced"]) == (3, 2)
        assert (one["before_nanousd"], one["after_nanousd"]) == (10_007, 30_000)
    [one] = told(*where)
    assert (one["repriced"], one["before_nanousd"], one["after_nanousd"]) == (0, 30_000, 30_000)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("recompute", "--since", "yesterday"), "must be a day like"),
        (("recompute", "--since", "2026-01-02", "--until", "2026-01-01"), "before --since"),
        (("--since", "2026-01-01", "recompute"), "Write the options behind `recompute`."),
        (("recompute", "--config", "nowhere.yaml"), "nowhere.yaml"),
        (("recompute", "--model", "\udcff"), "is no UTF-8"),
        (("--key", "\udcff"), "is no UTF-8"),
        (("recomptue",), "No such command"),
    ],
)
def test_a_wrong_word_is_told(arguments: tuple[str, ...], why: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert why in result.output
