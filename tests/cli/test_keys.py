"""`tollbridge keys` on a database of its own, and beside a gateway that serves on the same one."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.databases import fresh_postgresql
from tests.ledger.records import record
from tollbridge.admin.keys import Keys
from tollbridge.cli import main
from tollbridge.home import Home
from tollbridge.store.database import Database
from tollbridge.store.entries import EntryStore
from tollbridge.store.keys import KeyStore


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOLLBRIDGE_HOME", str(tmp_path / "home"))
    for name in ("TOLLBRIDGE_PEPPER", "TOLLBRIDGE_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def run(*arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(main, ["keys", *arguments], input=stdin)


def told(*arguments: str, stdin: str = "") -> Any:
    result = run(*arguments, "--json", stdin=stdin)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_key_whose_requests_have_no_price_says_so(home: Path) -> None:
    id = told("generate", "--alias", "team-a")["token"]
    database = Database.open(Home(home).database_url())
    EntryStore(database).fold([record(key_id=id, cost_nanousd=None), record(key_id=id, cost_nanousd=7)])
    database.close()
    said = run("info", "team-a").output
    assert "spent      $0.000000007, and what 1 request cost of which no price is known\n" in said


def test_a_key_from_its_making_to_its_end() -> None:
    assert run("list").output == "No key was made yet: tollbridge keys generate\n"
    options = ("--model", "openai/*", "--model", "fast", "--max-budget", "10.5", "--budget-duration", "30d")
    more = (
        "--alias",
        "team-a",
        "--rpm",
        "10",
        "--duration",
        "1h",
        "--metadata",
        '{"team": "a"}',
        "--model-alias",
        "g=fast",
    )
    made = told("generate", *options, *more)
    assert made["key"][6:14] == made["token"]
    assert (made["models"], made["max_budget"], made["aliases"]) == (["openai/*", "fast"], 10.5, {"g": "fast"})
    assert (made["metadata"], made["created_by"]) == ({"team": "a"}, "cli")
    secret = made.pop("key")
    for name in (made["token"], "team-a", secret):
        assert told("info", name) == made
    assert told("info", "-", stdin=secret + "\n") == made
    changed = told(
        "update", "team-a", "--tpm", "5", "--estimated-output", "9", "--no-limit", "rpm_limit", "--duration", "-1"
    )
    assert (changed["tpm_limit"], changed["rpm_limit"], changed["expires"]) == (5, None, None)
    assert changed["default_estimated_output_tokens"] == 9
    assert changed["models"] == made["models"]
    assert run("block", "team-a").stdout == f"{made['token']} (team-a) is blocked\n"
    assert "blocked" in run("list").output
    run("unblock", "team-a")
    again = told("regenerate", "team-a")
    assert again["token"] == made["token"]
    assert again["key"] != secret
    assert run("info", secret).exit_code == 1
    assert run("delete", "team-a", "nobody").exit_code == 1
    assert [key["token"] for key in told("list")] == [made["token"]], "all or none"
    assert run("delete", "team-a").stdout == f"{made['token']} (team-a) is deleted\n"
    assert told("list") == []


def test_each_change_is_told_in_the_audit_as_a_gateway_tells_it(home: Path) -> None:
    made = run("generate", "--alias", "ab", "--metadata", '{"password": "hush-hush"}', "--json")
    token = json.loads(made.stdout)["token"]
    commands = (("update", "--rpm", "5"), ("block",), ("unblock",), ("regenerate",), ("delete",))
    results = [made, *(run(command, token, *options) for command, *options in commands)]
    assert "".join(result.stderr for result in results) == ""
    file = home / "audit.log"
    assert file.stat().st_mode & 0o077 == 0
    lines = file.read_text()
    told = [json.loads(line) for line in lines.splitlines()]
    assert [(one["action"], one["by"], one["key"]) for one in told] == [
        (f"key.{action}", "cli", token) for action in ("generate", "update", "block", "unblock", "regenerate", "delete")
    ]
    assert told[1]["said"] == {"rpm": 5}
    assert all(one["ts"].endswith("Z") for one in told)
    assert "hush" not in lines
    secrets = [word for result in results for word in result.stdout.split() if word.strip('",').startswith("sk-tb-")]
    assert len(secrets) == 2
    assert not any(secret.strip('",')[14:57] in lines for secret in secrets)


def test_where_there_is_no_file_for_the_audit_it_is_told(home: Path) -> None:
    (home / "audit.log").mkdir(parents=True)
    assert '"action":"key.generate"' in run("generate").stderr


@pytest.mark.parametrize(
    "command", [("list",), ("info", "nobody"), ("update", "nobody", "--rpm", "1"), ("block", "nobody")]
)
def test_what_changed_nothing_is_not_told(command: tuple[str, ...], home: Path) -> None:
    run(*command)
    assert (home / "audit.log").read_text() == ""


def test_the_text_shows_the_key_once(tmp_path: Path) -> None:
    shown = run("generate", "--alias", "a", "--max-budget", "0.000000001").stdout
    secret = shown.split()[1]
    assert secret.startswith("sk-tb-")
    assert "shown once and kept nowhere" in shown
    assert "$0.000000001" in shown
    assert shown.count(secret) == 1
    for command in (("list",), ("info", "a"), ("list", "--json")):
        assert secret[14:] not in run(*command).output
    everything = b"".join(path.read_bytes() for path in (tmp_path / "home").iterdir())
    assert secret.encode() not in everything


def test_what_a_key_may_use_of_mcp_is_told() -> None:
    rights = ("--mcp-server", "files", "--mcp-group", "dev", "--mcp-tool", "git=log", "--mcp-tool", "git=diff")
    run("generate", "--alias", "a", *rights)
    assert "mcp        files; group dev; of git log, diff\n" in run("info", "a").output
    run("generate", "--alias", "b")
    assert "mcp " not in run("info", "b").output


def test_quiet_prints_the_key_alone_for_a_variable_of_a_shell() -> None:
    made = run("generate", "--alias", "a", "--quiet").output
    assert len(made.split()) == 1
    assert json.loads(run("info", made.strip(), "--json").output)["key_alias"] == "a"
    again = run("regenerate", "a", "-q").output
    assert run("info", made.strip()).exit_code == 1
    assert "alias      a" in run("info", again.strip()).output


def test_answers_are_estimated_for_each_model_by_itself() -> None:
    options = ("--estimated-output", "2048", "--estimated-output-of", "fast=500", "--estimated-output-of", "a=b=9")
    made = told("generate", "--alias", "a", *options)
    assert made["default_estimated_output_tokens_per_model"] == {"fast": 500, "a=b": 9}
    assert "tokens of an answer: 2,048, 500 of fast, 9 of a=b" in run("info", "a").stdout
    lifted = told("update", "a", "--no-limit", "default_estimated_output_tokens_per_model")
    assert lifted["default_estimated_output_tokens_per_model"] == {}
    assert lifted["default_estimated_output_tokens"] == 2048


def test_the_alias_is_taken_away_where_that_is_said() -> None:
    token = told("generate", "--alias", "a")["token"]
    assert told("update", "a", "--no-limit", "key_alias")["key_alias"] is None
    assert run("info", "a").exit_code == 1
    assert told("info", token)["token"] == token


def test_who_is_unblocked_and_still_does_not_work_is_told_why() -> None:
    """Never `works again` of what does not."""
    for alias, options in (("well", ()), ("late", ("--duration", "1s")), ("poor", ("--max-budget", "0"))):
        told("generate", "--alias", alias, *options)
        assert run("block", alias).stdout.endswith("is blocked\n")
    assert run("block", "well").stdout.endswith("was blocked already\n")
    connection = sqlite3.connect(Path("home") / "tollbridge.db")
    connection.execute("UPDATE keys SET expires_at = 1000000000 WHERE alias = 'late'")
    connection.commit()
    connection.close()
    assert run("unblock", "well").stdout.endswith("(well) works again\n")
    assert run("unblock", "well").stdout.endswith("(well) was not blocked, and works\n")
    late = run("unblock", "late").stdout
    assert "(late) is unblocked, and does not work: it expired on 2001-09-09" in late
    assert "was not blocked, and does not work: it expired" in run("unblock", "late").stdout
    assert "is unblocked, and does not work: its budget of $0.00 is used up" in run("unblock", "poor").stdout
    assert told("block", "well")["blocked"] is True
    tokens = [told("info", alias)["token"] for alias in ("well", "late")]
    assert told("delete", "well", "late") == {"deleted_keys": tokens}


def test_of_several_that_are_named_those_that_are_not_there_are_told() -> None:
    told("generate", "--alias", "a")
    gone = run("delete", "a", "nobody", "no-one")
    assert (gone.exit_code, "'nobody', 'no-one'" in gone.stderr, "'a'" in gone.stderr) == (1, True, False)


def test_an_alias_that_no_key_has_is_said() -> None:
    assert run("generate", "--alias", "a").exit_code == 0
    assert run("list", "--alias", "b").output == "No key has the alias 'b'.\n"


@pytest.mark.parametrize("place", ["TOLLBRIDGE_MASTER_KEY", "LITELLM_MASTER_KEY", "config.yaml", "master_key"])
def test_the_admins_key_is_nobody_elses(place: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, options = "sk-the-admins-own-0123456789", []
    if place == "config.yaml":
        Path(place).write_text(f"general_settings: {{master_key: {key}}}\n")
        options = ["--config", place]
    elif place == "master_key":
        home.mkdir()
        (home / place).write_text(key + "\n")
    else:
        monkeypatch.setenv(place, key)
    refused = run("generate", "--own", *options, stdin=key + "\n")
    assert refused.exit_code == 2
    assert key not in refused.output
    assert told("list", *options) == []


def test_a_budget_that_is_no_number_is_refused() -> None:
    refused = run("generate", "--max-budget", "nan")
    assert (refused.exit_code, "number of dollars" in refused.stderr) == (2, True)


def test_a_key_of_ones_own_comes_from_standard_input_and_not_from_the_list_of_processes() -> None:
    assert told("generate", "--own", stdin="sk-my-own-team-key-2026\n")["key"] == "sk-my-own-team-key-2026"
    assert run("generate", "--own", stdin="\n").exit_code == 2
    clash = run("generate", "--own", stdin="sk-my-own-team-key-2026\n")
    assert (clash.exit_code, "in use" in clash.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("generate", "--max-budget", "-1"), "`max_budget`: must not be negative"),
        (("generate", "--duration", "soon"), "30s, 30m, 12h"),
        (("generate", "--metadata", "{"), "is no JSON"),
        (("generate", "--metadata", "[]"), "must be an object"),
        (("generate", "--model-alias", "a"), "NAME=MODEL"),
        (("info", "\udcff"), "is no UTF-8"),
        (("delete", "x", "sk-\udcff"), "is no UTF-8"),
        (("generate", "--alias", "\udcff"), "is no UTF-8"),
        (("update", "x"), "Say what to change"),
        (("update", "x", "--alias", ""), "--no-limit key_alias takes it away"),
        (("update", "x", "--duration", ""), "is empty"),
        (("update", "x", "--rpm", "1", "--no-limit", "rpm_limit"), "either --rpm or --no-limit rpm_limit"),
        (("generate", "--alias", "master"), "the admin's own requests"),
        (("generate", "--estimated-output-of", "fast"), "MODEL=TOKENS"),
        (("generate", "--estimated-output-of", "fast=many"), "MODEL=TOKENS"),
        (("generate", "--estimated-output-of", "a=1", "--estimated-output-of", "a=2"), "stands there twice"),
        (("list", "--config", "nowhere.yaml"), "nowhere.yaml"),
    ],
)
def test_a_wrong_word_is_told(arguments: tuple[str, ...], why: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert why in result.output


def test_a_database_that_cannot_be_used_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "tollbridge.db").write_text("no database" * 100)
    result = run("list")
    assert result.exit_code == 1
    assert "is no SQLite database" in result.output
    monkeypatch.setenv("TOLLBRIDGE_DATABASE_URL", "postgresql://u:hush@127.0.0.1:1/d")
    result = run("list")
    assert "cannot be reached" in result.output
    assert "hush" not in result.output


def test_the_configuration_names_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_DATABASE", fresh_postgresql())
    (tmp_path / "config.yaml").write_text("general_settings:\n  database_url: os.environ/MY_DATABASE\n")
    made = told("generate", "--config", "config.yaml")
    assert [key["token"] for key in told("list", "-c", "config.yaml")] == [made["token"]]
    assert told("list") == []
    assert (tmp_path / "home" / "tollbridge.db").exists()
    monkeypatch.delenv("MY_DATABASE")
    assert run("list", "-c", "config.yaml").exit_code == 2, "not silently another database"


def test_no_master_key_is_needed_to_make_a_key_and_to_look_at_what_was_asked(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    url = f"sqlite:///{tmp_path / 'own.db'}"
    file.write_text(f"general_settings:\n  master_key: os.environ/NOT_SET_HERE\n  database_url: {url}\n")
    for command in (("keys", "generate", "--alias", "a"), ("keys", "list"), ("spend",), ("logs", "tail")):
        done = CliRunner().invoke(main, [*command, "--config", str(file)])
        assert done.exit_code == 0, done.output
        assert "warning: general_settings.master_key: NOT_SET_HERE is not set\n" in done.stderr
    assert run("info", "a", "--config", str(file)).stdout.startswith("id ")
    file.write_text("general_settings: {master_key: os.environ/NOT_SET_HERE, database_url: os.environ/NOR_THIS}\n")
    assert "error: general_settings.database_url: NOR_THIS is not set" in run("list", "--config", str(file)).output


def test_the_database_of_a_new_key_is_told(tmp_path: Path) -> None:
    assert run("generate").stdout.endswith(f"\ndatabase   {tmp_path / 'home' / 'tollbridge.db'}\n")


def test_s09_of_two_hundred_keys_none_is_in_what_a_thief_can_take(tmp_path: Path) -> None:
    """The database's file, its write-ahead log while it is open, and a dump."""
    home = Home(tmp_path / "home")
    database = Database.open(home.database_url())
    desk = Keys(KeyStore(database), home.pepper())

    async def make() -> list[str]:
        made = [await desk.generate({"key": f"sk-own-canary-{n:04}"} if n % 4 == 0 else {}, "test") for n in range(200)]
        return [one.minted.text.reveal() for one in made]

    secrets = asyncio.run(make())
    files = {path.name: path.read_bytes() for path in home.path.iterdir()}
    assert {"tollbridge.db", "tollbridge.db-wal"} <= set(files)
    connection = sqlite3.connect(home.path / "tollbridge.db")
    dump = "\n".join(connection.iterdump())
    connection.close()
    database.close()
    stolen = [*(raw for name, raw in files.items() if name != "pepper"), dump.encode()]
    assert dump.count("INSERT INTO") >= 400
    pepper = files["pepper"].strip()
    for raw in stolen:
        assert pepper not in raw
        assert home.pepper() not in raw
        for secret in secrets:
            body = secret[14:57] if secret.startswith("sk-tb-") else secret
            assert body.encode() not in raw


def test_a_pepper_that_is_not_the_keys_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told("generate")
    monkeypatch.setenv("TOLLBRIDGE_PEPPER", "ab" * 32)
    result = run("list")
    assert result.exit_code == 1
    assert "were digested under another pepper" in result.output


def test_a_right_to_what_is_not_there_is_told_and_given(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        """
model_list: [{model_name: good, litellm_params: {model: demo/a}, model_info: {access_groups: [beta]}}]
router_settings: {model_group_alias: {best: good}}
mcp_servers: {"my desk": {command: x, alias: front, access_groups: [staff]}}
"""
    )
    there = ("--model", "good", "--model", "best", "--model", "beta", "--model", "openai/*", "--model", "*")
    mcp = ("--mcp-server", "my_desk", "--mcp-server", "front", "--mcp-group", "staff", "--mcp-tool", "front=any")
    quiet = run("generate", "--config", "config.yaml", *there, *mcp)
    assert (quiet.exit_code, quiet.stderr) == (0, "")
    wrong = ("--model", "goood", "--mcp-server", "nosuch", "--mcp-group", "staf", "--alias", "a")
    made = run("generate", "--config", "config.yaml", *wrong, "--json")
    assert made.exit_code == 0
    assert json.loads(made.stdout)["models"] == ["goood"]
    assert made.stderr.splitlines() == [
        "warning: models: there is no model 'goood' here. Did you mean 'good'?",
        "warning: object_permission.mcp_servers: there is no MCP server 'nosuch' here",
        "warning: object_permission.mcp_access_groups: there is no access group of MCP servers 'staf' here. "
        "Did you mean 'staff'?",
    ]
    changed = run("update", "a", "--model", "bst", "--config", "config.yaml")
    assert changed.stderr == "warning: models: there is no model 'bst' here. Did you mean 'best'?\n"
    assert run("generate", "--model", "goood").stderr == ""


@pytest.mark.parametrize(
    ("said", "warned"),
    [
        (("--budget-duration", "1d"), "nothing limits what it spends: a budget that starts anew each 1d needs"),
        (("--max-budget", "0"), "a budget of 0 is used up from the beginning"),
        (("--rpm", "0"), "--rpm 0 lets no request in"),
        (("--tpm", "0"), "--tpm 0 lets no request in"),
        (("--parallel", "0"), "--parallel 0 lets no request in"),
    ],
)
def test_a_limit_that_is_hardly_meant_is_done_and_told(said: tuple[str, ...], warned: str) -> None:
    made = run("generate", "--alias", "odd", *said)
    assert made.exit_code == 0
    assert f"warning: {warned}" in made.stderr
    assert "warning" not in run("update", "odd", "--model", "fast").stderr
    assert f"warning: {warned}" in run("update", "odd", *said).stderr
    meant = run("generate", "--max-budget", "1", "--budget-duration", "1d", "--rpm", "1", "--tpm", "1")
    assert "warning" not in meant.stderr
