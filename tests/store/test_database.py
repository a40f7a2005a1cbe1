"""The database thread, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest
from sqlalchemy import create_engine, text

from tests.databases import fresh_postgresql, postgresql_server, rows
from tollbridge.errors import ConflictError, StoreError, StoreUnavailable
from tollbridge.store import database as module
from tollbridge.store.create import create
from tollbridge.store.database import Database
from tollbridge.store.keys import KeyStore
from tollbridge.store.migrate import migrate
from tollbridge.store.schema import METADATA, versions


async def _count(connection: Any) -> int:
    return int(await connection.scalar(text("SELECT count(*) FROM key_changes")))


async def _add(connection: Any, key: str = "k") -> None:
    await connection.execute(text("INSERT INTO key_changes (key_id, at) VALUES (:key, 1.0)"), {"key": key})


async def test_a_unit_of_work_is_done_whole_or_not_at_all(database: Database) -> None:
    async def fails(connection: Any) -> None:
        await _add(connection)
        raise ValueError("halfway")

    with pytest.raises(ValueError, match="halfway"):
        await database.run(fails)
    assert await database.read(_count) == 0
    await database.run(_add)
    assert await database.read(_count) == 1


async def test_nothing_of_it_runs_on_the_loop_that_asks(database: Database) -> None:
    async def where(connection: Any) -> str:
        return threading.current_thread().name

    assert await database.run(where) == "tollbridge-database"
    assert await asyncio.to_thread(database.run_sync, where) == "tollbridge-database"


async def test_writers_of_one_process_queue_and_readers_do_not_wait_for_them(database: Database) -> None:
    inside, go_on = threading.Event(), asyncio.Event()
    loop: list[asyncio.AbstractEventLoop] = []

    async def long(connection: Any) -> None:
        await _add(connection)
        loop.append(asyncio.get_running_loop())
        inside.set()
        await go_on.wait()

    writing = asyncio.ensure_future(database.run(long))
    await asyncio.to_thread(inside.wait)
    others = [asyncio.ensure_future(database.run(_add)) for _ in range(20)]
    assert await database.read(_count) <= 20  # and it returned
    loop[0].call_soon_threadsafe(go_on.set)
    await asyncio.gather(writing, *others)
    assert await database.read(_count) == 21


async def test_whoever_is_cancelled_leaves_nothing_behind(database: Database) -> None:
    inside = threading.Event()

    async def long(connection: Any) -> None:
        await _add(connection)
        inside.set()
        await asyncio.Event().wait()

    writing = asyncio.ensure_future(database.run(long))
    await asyncio.to_thread(inside.wait)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    await database.run(_add)
    assert await database.read(_count) == 1


async def test_a_unit_that_takes_too_long_is_undone(database: Database) -> None:
    async def hangs(connection: Any) -> None:
        await _add(connection)
        await asyncio.Event().wait()

    with pytest.raises(StoreUnavailable, match="does not answer in time"):
        await database.run(hangs, timeout_s=0.05)
    assert await database.read(_count) == 0


async def test_a_clash_is_a_conflict_and_a_wrong_statement_stays_what_it_is(database: Database) -> None:
    async def twice(connection: Any) -> None:
        for _ in range(2):
            await connection.execute(text("INSERT INTO key_changes (number, key_id, at) VALUES (7, 'k', 1.0)"))

    with pytest.raises(ConflictError):
        await database.run(twice)
    with pytest.raises(Exception, match="no_such_table") as caught:
        await rows(database, "SELECT * FROM no_such_table")
    assert not isinstance(caught.value, StoreUnavailable)


async def test_an_error_of_a_statement_holds_no_parameters(database: Database) -> None:
    """S35: it may stand in a traceback."""
    wrong = text("SELECT :secret FROM there_is_no_such_table")
    with pytest.raises(Exception) as caught:
        await database.run(lambda connection: connection.execute(wrong, {"secret": "can" + "ary"}))
    assert "there_is_no_such_table" in str(caught.value)
    assert "canary" not in "".join(traceback.format_exception(caught.value))


async def test_a_closed_database_is_unavailable(database: Database) -> None:
    database.close()
    database.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        await database.run(_add)


async def test_the_migrated_schema_is_the_one_that_the_stores_expect(database: Database) -> None:
    def differences(connection: Any) -> list[Any]:
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext

        return list(compare_metadata(MigrationContext.configure(connection), METADATA))

    async def work(connection: Any) -> list[Any]:
        return await connection.run_sync(differences)  # type: ignore[no-any-return]

    assert await database.run(work) == []


def test_a_new_sqlite_file_has_the_schema_that_all_migrations_give() -> None:
    def schema(make: Callable[[Any], None]) -> set[tuple[str, str]]:
        with create_engine("sqlite://").begin() as connection:
            make(connection)
            made = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
            return {(name, " ".join(sql.split())) for name, sql in made} | {
                ("version", row.version_num) for row in connection.execute(text("SELECT * FROM alembic_version"))
            }

    assert schema(create) == schema(migrate)


def test_the_files_names_are_the_versions_in_order() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "tollbridge.store:migrations")
    scripts = ScriptDirectory.from_config(config)
    assert tuple(reversed([script.revision for script in scripts.walk_revisions()])) == versions()


async def test_a_database_with_keys_of_before_periods_were_exact_is_brought_up_to_date(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic import command

    newest = command.upgrade
    with monkeypatch.context() as patched:
        patched.setattr("tollbridge.store.create.create", migrate)  # as if it had been there before
        patched.setattr(command, "upgrade", lambda config, to: newest(config, "0004_pepper"))
        old = Database.open(empty_database_url)
    await rows_without_result(
        old,
        "INSERT INTO keys (id, digest, name, alias, models, aliases, budget_duration, budget_resets_at, blocked, "
        "metadata, created_at, updated_at, minted_by, spend_nanousd) VALUES "
        "('old', '', 'sk-...old', 'a', '[]', '{}', '1d', 86400.0, 0, '{}', 1.0, 2.0, 'master', 7)".replace(
            "'',", "x''," if old.dialect == "sqlite" else "'',", 1
        ),
    )
    old.close()
    database = Database.open(empty_database_url)
    keys = KeyStore(database, clock=lambda: 86_399.0)
    found = await keys.get("old")
    assert found is not None
    assert (found.alias, found.spend_nanousd, found.budget_began_at) == ("a", 7, None)
    assert found.at(86_400.0).spend_nanousd == 0
    database.close()


async def test_a_database_of_a_newer_version_is_left_alone(database_url: str) -> None:
    first = Database.open(database_url)
    await rows_without_result(first, "UPDATE alembic_version SET version_num = '9999_future'")
    first.close()
    with pytest.raises(StoreError, match="of version 9999_future, which this Tollbridge does not know"):
        Database.open(database_url)


async def rows_without_result(database: Database, statement: str) -> None:
    async def work(connection: Any) -> None:
        await connection.execute(text(statement))

    await database.run(work)


async def test_one_that_is_up_to_date_is_opened_without_alembic(database_url: str) -> None:
    Database.open(database_url).close()
    program = (
        "import sys; from tollbridge.store.database import Database; "
        "Database.open(sys.argv[1]).close(); print('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program, database_url], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


async def test_processes_that_migrate_at_once_do_not_clash(empty_database_url: str) -> None:
    program = (
        "import sys; from tollbridge.store.database import Database; from tollbridge.store import migrate; "
        "print('ready', flush=True); sys.stdin.readline(); Database.open(sys.argv[1]).close()"
    )
    command = [sys.executable, "-c", program, empty_database_url]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    complaints = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        _, complaint = process.communicate(timeout=60)
        complaints.append(complaint)
    assert complaints == ["", "", ""]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mysql://h/d", "mysql:// is no database that can be used"),
        ("sqlite://", "is a file"),
        ("sqlite:///:memory:", "is a file"),
        ("no url", "cannot be read"),
        ("postgresql://<user>:<password>@<host>:<port>/<dbname>", "cannot be read"),
        ("postgresql://u:hush@h/d?schema=x", "says schema, which is not known"),
        ("postgresql://u:hush@127.0.0.1:1/d", "cannot be reached"),
    ],
)
def test_a_url_that_leads_nowhere_is_told_without_its_password(url: str, why: str) -> None:
    with pytest.raises(StoreError, match=why) as caught:
        Database.open(url)
    assert "hush" not in str(caught.value)


async def test_a_server_that_went_away_and_came_back_is_used_again() -> None:
    url = fresh_postgresql()
    database = Database.open(url)
    await database.run(_add)
    name = url.split("?")[0].rpartition("/")[2]
    postgresql_server().psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}';")
    assert await database.read(_count) == 1
    database.close()


@contextlib.contextmanager
def _stopped(pid: int) -> Iterator[None]:
    """A server that takes connections and answers nothing, with all its children."""
    processes = [psutil.Process(pid), *psutil.Process(pid).children()]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            if process.is_running():
                process.resume()


async def test_a_server_that_hangs_is_unavailable_in_time_and_used_again_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """R30."""
    monkeypatch.setattr(module, "CLOSE_S", 0.2)
    database = Database.open(fresh_postgresql())
    await database.run(_add)
    with _stopped(postgresql_server().get_pid()):
        asked = (database.read(_count, timeout_s=0.2) for _ in range(8))
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}
    assert await database.read(_count) == 1
    with _stopped(postgresql_server().get_pid()):
        await asyncio.to_thread(database.close)


async def test_what_is_under_way_when_it_closes_is_done_or_undone(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CLOSE_S", 0.3)
    inside = threading.Semaphore(0)
    loop: list[asyncio.AbstractEventLoop] = []
    go_on = asyncio.Event()

    def waits(for_what: asyncio.Event) -> asyncio.Task[int]:
        async def work(connection: Any) -> int:
            loop.append(asyncio.get_running_loop())
            inside.release()
            await for_what.wait()
            return await _count(connection)

        return asyncio.create_task(database.read(work))

    reading, hanging, left = waits(go_on), waits(asyncio.Event()), waits(asyncio.Event())
    for _ in range(3):
        await asyncio.to_thread(inside.acquire)
    left.cancel()
    loop[0].call_soon_threadsafe(go_on.set)
    await asyncio.to_thread(database.close)
    outcomes = await asyncio.gather(reading, hanging, left, return_exceptions=True)
    assert outcomes[0] == 0
    assert isinstance(outcomes[1], StoreUnavailable)
    assert isinstance(outcomes[2], asyncio.CancelledError)
    gc.collect()  # a task or a connection that was forgotten is an error of this test
