"""`tollbridge db`: the database's version and size, its migration, a backup, and whether it is damaged."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import click
import msgspec
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from tollbridge.cli.ending import FAILED, UNUSABLE, errors_told
from tollbridge.cli.indented import indented
from tollbridge.cli.place import configured, place
from tollbridge.errors import NotFoundError, StoreError
from tollbridge.store import sqlite_file
from tollbridge.store.address import Address, check_driver
from tollbridge.store.core_only import create_async_engine
from tollbridge.store.database import Database
from tollbridge.store.failures import told
from tollbridge.store.schema import versions

CONNECT_S = 5.0
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints; this shape is kept. `version`: of the schema, null where nothing was made yet; `newest`:
    what this Tollbridge knows. `state`: absent, current, older (a start, or `upgrade`, mends it) or newer. `bytes`: its
    size."""

    database: str
    dialect: str
    state: str
    version: str | None
    newest: str
    bytes: int


@click.group()
def db() -> None:
    """Look after the database.

    A gateway brings it up to date when it starts; nothing here needs to run for that.

    Exit codes: 0 done, 1 not as it should be, 2 it cannot be used as was asked.

    Example:

    \b
      tollbridge db status --config config.yaml
      tollbridge db backup tollbridge-2026-11-26.db
    """


@db.command()
@configured
@as_json
def status(config: Path | None, as_json: bool) -> None:
    """Show where it is, how large, and of which version. Nothing is made or changed.

    Exit codes: 0 current, or not made yet; 1 older, newer, or it does not answer.

    Example: tollbridge db status --json
    """
    with errors_told():
        found = _status(_address(config))
    if as_json:
        click.echo(indented(found))
    else:
        words = {
            "absent": "is not made yet: the first start, or `tollbridge db upgrade`, makes it",
            "current": "is current",
            "older": f"is older than {found.newest}: the next start, or `tollbridge db upgrade`, brings it up to date",
            "newer": f"is newer than {found.newest}, the newest that this Tollbridge knows",
        }[found.state]
        click.echo(f"{found.database}\n  version  {found.version or '-'}, {words}\n  size     {found.bytes:,} bytes")
    sys.exit(0 if found.state in ("absent", "current") else FAILED)


@db.command()
@configured
@as_json
def upgrade(config: Path | None, as_json: bool) -> None:
    """Bring it to the newest version, as a start does: whole, or not at all. Make a backup before.

    Exit codes: 0 done, or there was nothing to do; 1 it is newer, damaged, or does not answer.

    Example: tollbridge db upgrade --config config.yaml
    """
    with errors_told():
        url = place(config).database_url
        address = Address.read(url)
        check_driver(address)
        before = _status(address)
        Database.open(url).close()
        after = _status(address)
    if as_json:
        click.echo(indented(after))
    elif before.version == after.version:
        click.echo(f"{after.database} is current: {after.version}")
    else:
        click.echo(f"{after.database}: {before.version or 'nothing'} -> {after.version}")


@db.command()
@click.argument("file", type=click.Path(path_type=Path))
@configured
@as_json
def backup(file: Path, config: Path | None, as_json: bool) -> None:
    """Copy it into FILE, as it is at one moment; a gateway may run meanwhile. Of SQLite alone: PostgreSQL has pg_dump.

    Whoever has FILE has the digests of keys and the ledger: it is readable by its owner alone. What is still in the
    journal, the last second, is not in it. The pepper is a file of its own, without which no key is known: keep it too.

    Exit codes: 0 done, 1 it cannot be read or FILE not be written, 2 there is such a FILE, or it is PostgreSQL.

    Example: tollbridge db backup tollbridge-2026-11-26.db
    """
    with errors_told():
        address = _address(config)
        if address.file is None:
            click.echo(f"error: {address.name} is PostgreSQL: pg_dump backs it up.", err=True)
            sys.exit(UNUSABLE)
        with _opened(address.file) as source:
            try:
                os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            except FileExistsError:
                click.echo(f"error: {file} is there already.", err=True)
                sys.exit(UNUSABLE)
            except OSError as error:
                raise StoreError(f"{file} cannot be written: {error.strerror or error}.") from error
            try:
                with closing(sqlite3.connect(file)) as target:
                    source.backup(target)
            except sqlite3.Error as error:
                file.unlink()
                raise StoreError(f"{address.name} cannot be copied: {error}.") from error
    size = file.stat().st_size
    copied = {"database": address.name, "file": str(file), "bytes": size}
    click.echo(indented(copied) if as_json else f"{address.name} is copied into {file}: {size:,} bytes")


@db.command()
@configured
@as_json
def check(config: Path | None, as_json: bool) -> None:
    """Read all of it and say what is damaged. Of SQLite alone.

    Exit codes: 0 nothing, 1 it is damaged or not there, 2 it is PostgreSQL.

    Example: tollbridge db check
    """
    with errors_told():
        address = _address(config)
        if address.file is None:
            click.echo(f"error: {address.name} is PostgreSQL: its pg_amcheck looks for damage.", err=True)
            sys.exit(UNUSABLE)
        with _opened(address.file) as connection:
            try:
                found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
                found += [f"{table}: a row of {parent} is missing" for table, _, parent, _ in
                          connection.execute("PRAGMA foreign_key_check")]  # fmt: skip
            except sqlite3.Error as error:
                found = [str(error)]
    damage = [one for one in found if one != "ok"]
    if as_json:
        click.echo(indented({"database": address.name, "damage": damage}))
    else:
        click.echo(
            "\n".join([f"{address.name} is {'DAMAGED' if damage else 'whole'}", *(f"  {one}" for one in damage)])
        )
    sys.exit(FAILED if damage else 0)


def _address(config: Path | None) -> Address:
    """Raises ConfigError, StoreError."""
    address = Address.read(place(config).database_url)
    check_driver(address)
    return address


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    """To be read. Raises NotFoundError, StoreError."""
    if not file.exists():
        raise NotFoundError(f"There is no database {file}: the first start makes it.")
    try:
        with sqlite_file.read_only(file, CONNECT_S) as connection:
            yield connection
    except sqlite3.Error as error:
        raise StoreError(f"The database {file} cannot be read: {error}.") from error


def _status(address: Address) -> Status:
    known = versions()
    if address.file is not None:
        version, size = _of_file(address.file)
    else:
        version, size = _of_server(address)
    if version is None:
        state = "absent"
    elif version == known[-1]:
        state = "current"
    else:
        state = "older" if version in known else "newer"
    return Status(
        database=address.name, dialect=address.dialect, state=state, version=version, newest=known[-1], bytes=size
    )


def _of_file(file: Path) -> tuple[str | None, int]:
    if not file.exists():
        return None, 0
    with _opened(file) as connection:
        there = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'alembic_version'").fetchone()
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if there else None
    size = sum(one.stat().st_size for one in (file, Path(f"{file}-wal")) if one.exists())
    return None if row is None else str(row[0]), size


def _of_server(address: Address) -> tuple[str | None, int]:
    """Raises StoreError."""
    try:
        return asyncio.run(_asked(address))
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        raise StoreError(told(error, address)) from error


async def _asked(address: Address) -> tuple[str | None, int]:
    engine = create_async_engine(
        address.engine_url, hide_parameters=True, connect_args={"timeout": CONNECT_S, **address.connect}
    )
    try:
        async with engine.connect() as connection:
            size = await connection.scalar(text("SELECT pg_database_size(current_database())"))
            there = await connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
            version = await connection.scalar(text("SELECT version_num FROM alembic_version")) if there else None
    finally:
        await engine.dispose()
    return version, int(size or 0)
