"""`tollbridge db`, on a real SQLite file and a real PostgreSQL."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.databases import fresh_postgresql
from tollbridge.cli import main
from tollbridge.store.schema import versions


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOLLBRIDGE_DATABASE_URL", raising=False)
    monkeypatch.setenv("TOLLBRIDGE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["db", *words])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def set_version(file: Path, version: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))


def test_looking_makes_nothing_and_an_upgrade_does(home: Path) -> None:
    found = json.loads(run("status", "--json").output)
    assert list(found) == ["database", "dialect", "state", "version", "newest", "bytes"]
    assert (found["state"], found["version"], found["bytes"]) == ("absent", None, 0)
    assert not home.exists()
    assert f"nothing -> {versions()[-1]}" in run("upgrade").output
    assert "is current" in run("upgrade").output
    assert json.loads(run("status", "--json").output)["state"] == "current"


def test_a_newer_one_is_told_and_left_alone(home: Path) -> None:
    run("upgrade")
    set_version(home / "tollbridge.db", "9999_of_tomorrow")
    assert "is newer than" in run("status", code=1).output
    assert "does not know" in run("upgrade", code=1).stderr
    set_version(home / "tollbridge.db", versions()[0])
    assert "is older than" in run("status", code=1).output


def test_a_backup_is_whole_its_owners_alone_and_overwrites_nothing(home: Path, tmp_path: Path) -> None:
    assert "There is no database" in run("backup", "copy.db", code=1).stderr
    run("upgrade")
    with closing(sqlite3.connect(home / "tollbridge.db")) as writer:
        writer.execute("BEGIN IMMEDIATE")  # somebody is writing
        told = json.loads(run("backup", "copy.db", "--json").output)
        writer.rollback()
    copy = tmp_path / "copy.db"
    assert told["bytes"] == copy.stat().st_size > 0
    assert copy.stat().st_mode & 0o077 == 0
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (versions()[-1],)
    assert "is there already" in run("backup", "copy.db", code=2).stderr
    assert "cannot be written" in run("backup", "nowhere/copy.db", code=1).stderr


def test_damage_is_found(home: Path) -> None:
    run("upgrade")
    assert run("check").output.endswith("is whole\n")
    file = home / "tollbridge.db"
    content = bytearray(file.read_bytes())
    content[4096 * 3 : 4096 * 5] = b"\xff" * 8192
    file.write_bytes(content)
    found = json.loads(run("check", "--json", code=1).output)
    assert found["damage"]
    file.write_bytes(b"this is no database at all" * 99)
    assert "is DAMAGED" in run("check", code=1).output


def test_a_postgresql_has_a_status_and_programs_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLBRIDGE_DATABASE_URL", fresh_postgresql())
    assert json.loads(run("status", "--json").output)["state"] == "absent"
    assert json.loads(run("upgrade", "--json").output)["state"] == "current"
    assert "pg_dump" in run("backup", "copy.db", code=2).stderr
    assert "pg_amcheck" in run("check", code=2).stderr
    monkeypatch.setenv("TOLLBRIDGE_DATABASE_URL", "postgresql://me:hunter22@127.0.0.1:1/none")
    said = run("status", code=1).stderr
    assert "cannot be reached" in said
    assert "hunter22" not in said
