"""`tollbridge spend` on a database of its own."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from tests.databases import fresh_postgresql
from tests.ledger.records import record
from tollbridge.cli import main
from tollbridge.cli.examining import journal, known_at
from tollbridge.home import Home
from tollbridge.ledger.lines import write_line
from tollbridge.ledger.segment import SUFFIX
from tollbridge.observe import Record
from tollbridge.observe.ulid import Ulids
from tollbridge.store.database import Database
from tollbridge.store.entries import EntryStore
from tollbridge.store.key import Key
from tollbridge.store.keys import KeyStore

NOON_NS = 1_767_268_800 * 10**9  # 2026-01-01T12:00:00Z
DAY_NS = 86_400 * 10**9
SINCE = ("--since", "2026-01-01")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOLLBRIDGE_HOME", str(tmp_path / "home"))
    for name in ("TOLLBRIDGE_PEPPER", "TOLLBRIDGE_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["spend", *arguments])


def told(*arguments: str) -> Any:
    result = run(*arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def dated(day: int, **fields: Any) -> Record:
    return record(id=Ulids(lambda: NOON_NS + day * DAY_NS).next(), **fields)


def kept(tmp_path: Path, *records: Record, url: str | None = None) -> None:
    database = Database.open(url or Home(tmp_path / "home").database_url())
    EntryStore(database).fold(records)
    database.close()


def test_an_empty_ledger_says_so() -> None:
    assert run("--since", "2026-01-01", "--until", "2026-01-02").output == (
        "Nothing was asked from 2026-01-01 to 2026-01-02 (UTC).\n"
    )
    assert told() == []


def test_models_are_summed_and_what_is_unknown_is_told_apart(tmp_path: Path) -> None:
    kept(
        tmp_path,
        dated(0, cost_nanousd=1_250_000_000, tokens={"input": 1000, "output": 5, "cache_read": 3}),
        dated(1, cost_nanousd=1, tokens={"input": 1, "output": 1}),
        dated(1, model="mystery", cost_nanousd=None, outcome="upstream_error", estimated=True),
    )
    table = run(*SINCE).output.splitlines()
    assert table[0].split() == ["MODEL", "REQUESTS", "FAILED", "INPUT", "OUTPUT", "COST", "UNPRICED"]
    assert table[1].split() == ["gpt-4.1", "2", "0", "1,001", "6", "$1.25"]
    assert table[2].split() == ["mystery", "1", "1", "10", "5", "unknown", "1"]
    assert table[3].split() == ["all", "3", "1", "1,011", "11", "$1.25", "1"]
    assert told(*SINCE)[0] == {
        "by": {"model": "gpt-4.1"},
        "requests": 2,
        "failures": 0,
        "tokens": {"input": 1001, "output": 6, "cache_read": 3},
        "cost_nanousd": 1_250_000_001,
        "unpriced": 0,
        "estimated": 0,
    }


def test_a_cost_of_which_nothing_is_known_is_no_number(tmp_path: Path) -> None:
    kept(
        tmp_path,
        dated(0, model="half", cost_nanousd=7, tags=("x",), user="ann"),
        dated(0, model="half", cost_nanousd=None),
        dated(0, model="free", cost_nanousd=0),
        dated(1, model="mystery", cost_nanousd=None, tags=("y",), user="ben"),
    )
    costs = {row["by"]["model"]: row["cost_nanousd"] for row in told(*SINCE)}
    assert costs == {"half": 7, "free": 0, "mystery": None}
    rows = csv.DictReader(io.StringIO(run(*SINCE, "--csv").output))
    assert {row["model"]: row["cost_usd"] for row in rows} == {"half": "0.000000007", "free": "0.00", "mystery": ""}
    for by, known, unknown in (("tag", "x", "y"), ("user", "ann", "ben")):
        assert {row["by"][by]: row["cost_nanousd"] for row in told(*SINCE, "--by", by)} == {known: 7, unknown: None}
        assert f"{unknown},1,,1" in run(*SINCE, "--by", by, "--csv").output.splitlines()


def test_tools_of_the_same_name_are_told_apart_by_their_servers(tmp_path: Path) -> None:
    tool = {"model": "add", "provider": "mcp", "tokens": None}
    kept(
        tmp_path,
        dated(0, group="mcp/one", cost_nanousd=1, **tool),
        dated(0, group="mcp/one", cost_nanousd=2, **tool),
        dated(0, group="mcp/two", cost_nanousd=9, **tool),
        dated(0, group="a", cost_nanousd=5),
        dated(1, group="b", cost_nanousd=5),
    )
    found = [(row["by"], row["requests"], row["cost_nanousd"]) for row in told(*SINCE)]
    names = [("gpt-4.1", 2, 10), ("mcp/two/add", 1, 9), ("mcp/one/add", 2, 3)]
    assert found == [({"model": name}, requests, cost) for name, requests, cost in names]


def test_users_are_summed_and_stand_alone(tmp_path: Path) -> None:
    kept(
        tmp_path,
        dated(0, user="ann", cost_nanousd=10**9),
        dated(1, user="ann", cost_nanousd=None),
        dated(1, user="ben", cost_nanousd=2 * 10**9),
        dated(1, cost_nanousd=5 * 10**9),
        dated(2, user="late", cost_nanousd=5),
    )
    until = (*SINCE, "--until", "2026-01-02", "--by", "user")
    found = [(row["by"], row["requests"], row["unpriced"]) for row in told(*until)]
    assert found == [({"user": "ben"}, 1, 0), ({"user": "ann"}, 2, 1)]
    assert run(*until).output.splitlines()[0].split() == ["USER", "REQUESTS", "COST", "UNPRICED"]
    assert run(*until, "--csv").output == run(*until, "--format", "csv").output
    assert run(*until, "--csv").output.startswith("user,requests,cost_usd,unpriced\nben,1,2.00,0\n")
    assert run(*until, "--by", "tag").exit_code == 2
    assert "`user` stands alone" in run(*until, "--by", "day").output
    assert run(*until, "--csv", "--json").exit_code == 2


def test_a_deleted_key_is_still_told_by_the_alias_that_it_had(tmp_path: Path) -> None:
    database = Database.open(Home(tmp_path / "home").database_url())
    store = KeyStore(database)

    async def one_gone_and_one_in_its_place() -> None:
        for id, alias in (("aaaaaaaa", "team"), ("bbbbbbbb", None)):
            await store.insert(Key(id=id, digest=id.encode() * 4, name="sk-...x", alias=alias, created_at=1.0))
        await store.delete(["aaaaaaaa", "bbbbbbbb"])
        await store.insert(Key(id="cccccccc", digest=b"c" * 32, name="sk-...c", alias="team", created_at=1.0))

    asyncio.run(one_gone_and_one_in_its_place())
    database.close()
    kept(tmp_path, *(dated(0, key_id=id * 8) for id in "abc"))
    rows = {row["by"]["key"]: row["by"].get("alias") for row in told(*SINCE, "--by", "key")}
    assert rows == {"aaaaaaaa": "team", "bbbbbbbb": None, "cccccccc": "team"}


def test_who_names_a_deleted_key_by_its_alias_is_told_its_id(tmp_path: Path) -> None:
    for _ in range(2):
        CliRunner().invoke(main, ["keys", "generate", "--alias", "gone"])
        deleted = CliRunner().invoke(main, ["keys", "delete", "gone", "--json"])
    (id,) = json.loads(deleted.stdout)["deleted_keys"]
    refused = run("--key", "gone", *SINCE)
    assert (refused.exit_code, "Deleted keys had this alias: name one by its id" in refused.output) == (1, True)
    assert id in refused.output
    assert id in CliRunner().invoke(main, ["logs", "tail", "--key", "gone"]).output


def test_tags_are_summed_and_stand_alone(tmp_path: Path) -> None:
    kept(
        tmp_path,
        dated(0, tags=("team-a", "=x"), cost_nanousd=10**9),
        dated(1, tags=("team-a",), cost_nanousd=None),
        dated(2, tags=("late",), cost_nanousd=5),
    )
    until = (*SINCE, "--until", "2026-01-02", "--by", "tag")
    assert [(row["by"]["tag"], row["requests"], row["unpriced"]) for row in told(*until)] == [
        ("=x", 1, 0),
        ("team-a", 2, 1),
    ]
    assert run(*until).output.splitlines()[2].split() == ["team-a", "2", "$1.00", "1"]
    assert run(*until, "--format", "csv").output.splitlines() == [
        "tag,requests,cost_usd,unpriced",
        "'=x,1,1.00,0",
        "team-a,2,1.00,1",
    ]
    refused = run(*until, "--by", "day")
    assert (refused.exit_code, "`tag` stands alone" in refused.output) == (2, True)


def test_entries_that_wait_in_a_journal_are_told(tmp_path: Path) -> None:
    folded, first, second = dated(0, cost_nanousd=1), dated(1), dated(2)
    kept(tmp_path, folded)
    folder = tmp_path / "home" / "journal"
    folder.mkdir()

    def left(*entries: Record) -> tuple[str, list[str]]:
        """What is told of them, by `spend` and by `doctor`."""
        lines = b"".join(write_line(msgspec.json.encode(one)) for one in entries)
        (folder / f"dead.0001{SUFFIX}").write_bytes(lines)
        doctor = CliRunner().invoke(main, ["doctor", "--offline", "--json"])
        return run(*SINCE).stderr, [
            one["said"] for one in json.loads(doctor.stdout)["found"] if one["about"] == "journal"
        ]

    two = "2 entries wait that a process left when it was killed; no sum has them yet"
    by_spend, by_doctor = left(folded, first, second, first)
    assert (by_spend.startswith(f"{two}. "), by_doctor) == (True, [two])
    (of_a_server,) = journal(Home(tmp_path / "home"), known_at("postgresql://127.0.0.1:9/x"))
    assert of_a_server.said.startswith("3 entries stand in the journal of a process that was killed; the database may ")
    assert left(folded, folded) == ("", []), "a file is kept when its entries are folded"


def test_days_keys_and_spans_are_chosen(tmp_path: Path) -> None:
    kept(
        tmp_path,
        dated(0, key_id="a", cost_nanousd=1),
        dated(1, key_id="b", cost_nanousd=2),
        dated(2, key_id="a", cost_nanousd=4),
    )

    def sums(*arguments: str) -> list[tuple[Any, ...]]:
        return [(*row["by"].values(), row["cost_nanousd"]) for row in told(*arguments)]

    assert sums("--by", "day", *SINCE) == [("2026-01-01", 1), ("2026-01-02", 2), ("2026-01-03", 4)]
    assert sums("--by", "key", *SINCE) == [("a", 5), ("b", 2)]
    assert sums("--by", "key", *SINCE, "--limit", "1") == [("a", 5)]
    assert sums("--by", "day", "--by", "key", "--since", "2026-01-02", "--until", "2026-01-02") == [
        ("2026-01-02", "b", 2)
    ]
    assert sums("--by", "provider", "--key", "a", *SINCE) == [("openai", 5)]
    assert sums("--by", "day") == []


def test_a_key_is_named_by_its_id_or_its_alias_also_when_it_is_deleted(tmp_path: Path) -> None:
    made = json.loads(CliRunner().invoke(main, ["keys", "generate", "--alias", "team-a", "--json"]).output)
    kept(tmp_path, dated(0, key_id=made["token"], cost_nanousd=1), dated(0, key_id="of-old", cost_nanousd=2))
    for name, cost in (("team-a", 1), (made["token"], 1), (made["key"], 1), ("of-old", 2)):
        assert [row["cost_nanousd"] for row in told("--key", name, *SINCE)] == [cost]
    assert run("--key", "team-a", "--since", "2026-02-01").output.startswith("Nothing was asked from 2026-02-01 to ")
    piped = CliRunner().invoke(main, ["spend", "--key", "-", "--json", *SINCE], input=made["key"] + "\n")
    assert [row["cost_nanousd"] for row in json.loads(piped.stdout)] == [1]
    nobody = run("--key", "team-b", *SINCE)
    assert (nobody.exit_code, nobody.output[:35]) == (1, "error: There is no key 'team-b' her")
    idle = run("--key", "team-a", "--since", "2026-02-01", "--json")
    assert (idle.exit_code, idle.output) == (0, "[]\n")


def test_of_some_rows_the_sum_is_still_of_all_and_the_others_are_counted(tmp_path: Path) -> None:
    kept(tmp_path, *(dated(0, model=f"m{n}", cost_nanousd=(n + 1) * 10**9) for n in range(4)))
    some = run(*SINCE, "--limit", "2")
    lines = [line.split() for line in some.stdout.splitlines()]
    assert [(line[0], line[1], line[-1]) for line in lines[1:]] == [
        ("m3", "1", "$4.00"),
        ("m2", "1", "$3.00"),
        ("all", "4", "$10.00"),
    ]
    for form in ("table", "json", "csv"):
        assert run(*SINCE, "--limit", "3", "--format", form).stderr == "1 more row is not shown: leave --limit out.\n"
    assert len(json.loads(run(*SINCE, "--limit", "2", "--json").stdout)) == 2
    assert run(*SINCE, "--limit", "4").stderr == ""


def test_thirty_days_are_shown_of_which_the_last_may_be_said(tmp_path: Path) -> None:
    kept(tmp_path, dated(0, cost_nanousd=1), dated(-31, cost_nanousd=2))
    assert [row["cost_nanousd"] for row in told("--until", "2026-01-30")] == [1]


def test_a_spreadsheet_takes_no_name_for_a_formula(tmp_path: Path) -> None:
    names = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\tx", 'a "quoted", name', "plain"]
    kept(tmp_path, *(dated(0, model=name, cost_nanousd=1_500_000_000 - n) for n, name in enumerate(names)))
    result = run(*SINCE, "--by", "model", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.output)))
    assert [row["model"] for row in rows] == [f"'{name}" if n < 5 else name for n, name in enumerate(names)]
    assert (rows[0]["cost_usd"], rows[1]["cost_usd"]) == ("1.50", "1.499999999")
    assert (rows[0]["input_tokens"], rows[0]["cache_read_tokens"], rows[0]["web_searches_count"]) == ("10", "0", "0")


def test_a_terminal_is_told_nothing_by_a_name(tmp_path: Path) -> None:
    kept(tmp_path, dated(0, model="a\x1b[31mb\nc"))
    assert "a?[31mb?c" in run(*SINCE).output


def test_the_configuration_names_the_database(tmp_path: Path) -> None:
    url = fresh_postgresql()
    kept(tmp_path, dated(0, cost_nanousd=7), url=url)
    config = tmp_path / "config.yaml"
    config.write_text(f"general_settings:\n  database_url: {json.dumps(url)}\n")
    assert [row["cost_nanousd"] for row in told(*SINCE, "--config", str(config))] == [7]


def test_what_cannot_be_done_is_told_in_a_line(tmp_path: Path) -> None:
    for options in (("--since", "yesterday"), ("--since", "2026-01-01T10:00"), ("--since", "2026-02-30")):
        wrong = run(*options)
        assert (wrong.exit_code, "--since" in wrong.output, "must be a day" in wrong.output) == (2, True, True)
    back = run("--since", "2026-01-02", "--until", "2026-01-01")
    assert (back.exit_code, "before --since" in back.output) == (2, True)
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "tollbridge.db").write_bytes(b"no database" * 100)
    result = run()
    assert result.exit_code == 1
    assert "error: The database" in result.output
    assert "Traceback" not in result.output
