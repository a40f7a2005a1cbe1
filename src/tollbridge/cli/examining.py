"""What `doctor` looks at: each a function that says what it found. Nothing is changed by looking."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import shutil
import socket
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal

import msgspec

from tollbridge.errors import ConfigError, StoreError, TollbridgeError
from tollbridge.home import Home
from tollbridge.ledger.estate import Known, waiting
from tollbridge.ledger.ledger import DIRECTORY
from tollbridge.observe.record import Record
from tollbridge.store import sqlite_file
from tollbridge.store.address import Address
from tollbridge.store.ledger_tables import ENTRIES
from tollbridge.store.schema import versions
from tollbridge.transport.base import Origin, Outgoing, Timeouts, Transport
from tollbridge.transport.proxy import proxy_for

State = Literal["good", "warning", "error"]
SKEW_S = 60.0
"""A clock that is more wrong than this ends budgets on the wrong day; requests that are signed are soon refused."""
SPACE_BYTES, SPACE_BYTES_MIN = 1024**3, 100 * 1024**2
"""Of free disk: below the first it is told, below the second the journal may soon not be written."""
DATABASE_S = 5.0
ANOTHER_FILE = "Name another file in general_settings.database_url, or restore a backup (docs/ledger.md)."
_ASKED = re.compile(r"([\w.-]+)(?:\[[^\]]*\])?([^;]*)(;.*)?")
_BOUND = re.compile(r"(>=|<|==)\s*([\d.]+)")
SECRET_FILES = ("master_key", "seal_key", "pepper", "reply_key", "tollbridge.db")


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints of each thing; this shape is kept. `about`: what was looked at. `mend`: what to do, "" where
    nothing is."""

    about: str
    state: State
    said: str
    mend: str = ""


def libraries() -> Iterator[Found]:
    """Python, and what Tollbridge's own metadata asks for; extras are not missed."""
    yield Found(
        about="versions", state="good", said=f"Python {sys.version.split()[0]}, tollbridge {version('tollbridge')}"
    )
    for asked in requires("tollbridge") or ():
        found = _ASKED.match(asked)
        if found is None or (found[3] and ("extra" in found[3] or sys.platform in found[3])):
            continue
        name, bounds = found[1], found[2]
        try:
            there = version(name)
        except PackageNotFoundError:
            yield Found(about="versions", state="error", said=f"{name} is not installed", mend=f"pip install '{asked}'")
            continue
        if not all(_holds(there, sign, bound) for sign, bound in _BOUND.findall(bounds)):
            told = f"{name} is {there}; Tollbridge is made for {bounds.strip(' ()')}"
            yield Found(about="versions", state="warning", said=told, mend=f"pip install '{name}{bounds.strip(' ()')}'")


def _holds(there: str, sign: str, bound: str) -> bool:
    numbers = tuple(map(int, re.findall(r"\d+", there)))
    wanted = tuple(map(int, bound.strip(".").split(".")))
    match sign:
        case ">=":
            return numbers >= wanted
        case "<":
            return numbers < wanted
        case _:
            return numbers[: len(wanted)] == wanted


def state_directory(home: Home) -> Iterator[Found]:
    """Who may read and write it, and how much room there is."""
    path, about = home.path, "state directory"
    there = next(one for one in (path, *path.absolute().parents) if one.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        said = f"{path} cannot be {'written' if there == path else 'made'}"
        yield Found(
            about=about, state="error", said=said, mend="Set TOLLBRIDGE_HOME to a directory that can be written."
        )
        return
    if there != path:
        yield Found(about=about, state="good", said=f"{path} is made at the first start")
    elif path.stat().st_mode & 0o077:
        yield Found(about=about, state="warning", said=f"{path} is open to others", mend=f"chmod 700 {path}")
    else:
        yield Found(about=about, state="good", said=str(path))
    for name in SECRET_FILES:
        file = path / name
        if there == path and file.is_file() and file.stat().st_mode & 0o077:
            yield Found(about=about, state="warning", said=f"{file} is open to others", mend=f"chmod 600 {file}")
    free = shutil.disk_usage(there).free
    state: State = "good" if free >= SPACE_BYTES else "warning" if free >= SPACE_BYTES_MIN else "error"
    mend = "" if state == "good" else "Make room: without any, requests are refused (docs/ledger.md)."
    yield Found(about="disk", state=state, said=f"{free / 1024**3:.1f} GiB are free at {there}", mend=mend)


def journal(home: Home, known: Known | None) -> Iterator[Found]:
    """What a process that was killed had not told the database yet. `known`: None where nobody can say what that has
    by now. Raises what `known` does."""
    count = waiting(home.path / DIRECTORY, known or (lambda records: set()))
    if count:
        entries = "1 entry waits" if count == 1 else f"{count:,} entries wait"
        told = f"{entries} that a process left when it was killed; no sum has them yet"
        if known is None:
            told = f"{count:,} entries stand in the journal of a process that was killed; the database may have some"
        yield Found(
            about="journal",
            state="warning",
            said=told,
            mend="Nothing is lost: the next `tollbridge serve` on this state directory puts them into the database.",
        )


def known_at(url: str) -> Known | None:
    """Which entries a file has, without making or changing it; one that cannot be read has none, of which `database`
    tells. None for a server."""
    try:
        file = Address.read(url).file
    except StoreError:
        return None
    return None if file is None else partial(_known_in, file)


def _known_in(file: Path, records: Sequence[Record]) -> set[str]:
    ids = msgspec.json.encode([record.id for record in records]).decode()
    try:
        with sqlite_file.read_only(file, DATABASE_S) as connection:
            found = connection.execute(
                f"SELECT id FROM {ENTRIES.name} WHERE id IN (SELECT value FROM json_each(?))", (ids,)
            )
            return {id for (id,) in found}
    except sqlite3.Error:
        return set()


def database(url: str) -> Found:
    """A file is read, and not made or changed; of a server it is only seen whether somebody listens."""
    about = "database"
    try:
        address = Address.read(url)
    except StoreError as error:
        return Found(about=about, state="error", said=str(error), mend="Mend general_settings.database_url.")
    if address.file is not None:
        return _file(address.file)
    host, port = address.engine_url.host or "localhost", address.engine_url.port or 5432
    try:
        socket.create_connection((host, port), DATABASE_S).close()
    except OSError as error:
        said = f"{address.name} does not answer: {error.strerror or error}"
        return Found(about=about, state="error", said=said, mend="Start it, or mend general_settings.database_url.")
    return Found(about=about, state="good", said=f"{address.name}: somebody listens there")


def _file(file: Path) -> Found:
    about = "database"
    if not file.exists():
        return Found(about=about, state="good", said=f"{file} is made at the first start")
    try:
        with sqlite_file.read_only(file, DATABASE_S) as connection:
            (damage,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
            ours = tables.issuperset(sqlite_file.VITAL)
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if ours else None
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
            return Found(about=about, state="error", said=f"{file} is not a SQLite database", mend=ANOTHER_FILE)
        return Found(about=about, state="error", said=f"{file}: {error}", mend="Restore a backup (docs/ledger.md).")
    if damage == "ok" and not tables:
        return Found(about=about, state="good", said=f"{file} is new: the first start makes its tables")
    if damage == "ok" and not ours:
        said = f"{file} is not a Tollbridge database: the tables in it are another program's"
        return Found(about=about, state="error", said=said, mend=ANOTHER_FILE)
    if damage != "ok":
        return Found(about=about, state="error", said=f"{file} is damaged: {damage}", mend="Restore a backup.")
    known = versions()
    if row is None or row[0] not in known:
        said = f"{file} is of a version that this Tollbridge does not know"
        return Found(about=about, state="error", said=said, mend="Start the newer Tollbridge that made it.")
    older = "" if row[0] == known[-1] else "; the next start brings it up to date"
    return Found(about=about, state="good", said=f"{file}, version {row[0]}{older}")


def port(host: str, number: int) -> Found:
    """Whether it is free to be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, number))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            said = f"{host}:{number} is {'in use' if taken else f'no place to listen: {error.strerror}'}"
            mend = "Where that is no gateway of yours, choose another: --port, or PORT." if taken else "Choose another."
            return Found(about="port", state="warning" if taken else "error", said=said, mend=mend)
    return Found(about="port", state="good", said=f"{host}:{number} is free")


async def network(
    origins: Mapping[Origin, Sequence[str]], transport: Transport, environ: Mapping[str, str], timeout_s: float
) -> list[Found]:
    """`origins`: with the models behind each. Asked without a credential: whatever it answers, it was reached. Its Date
    tells how right the clock is here."""
    asked = await asyncio.gather(*(_reach(origin, transport, timeout_s) for origin in origins))
    found = [_reached(origin, origins[origin], said, environ) for origin, said in zip(origins, asked, strict=True)]
    skews = [said for said in asked if isinstance(said, float)]
    if skews:
        skew = sorted(skews)[len(skews) // 2]
        right = abs(skew) <= SKEW_S
        told = "agrees with theirs" if right else f"is {abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} theirs"
        mend = "" if right else "Let it be set by the network: timedatectl set-ntp true."
        found.append(Found(about="clock", state="good" if right else "warning", said=f"the clock {told}", mend=mend))
    return found


async def _reach(origin: Origin, transport: Transport, timeout_s: float) -> float | str | None:
    """By how many seconds its clock is before ours; None where it does not say; a text is why it was not reached."""
    limits = Timeouts(connect_s=timeout_s, first_byte_s=timeout_s, total_s=timeout_s)
    try:
        async with asyncio.timeout(timeout_s):
            answer = await transport.send(Outgoing(origin=origin, method="GET", target="/"), limits)
            at = time.time()
            told = answer.header(b"date")
            answer.abort()
    except TimeoutError:
        return f"no answer within {timeout_s:g} s"
    except TollbridgeError as error:
        return error.message
    try:
        return None if told is None else parsedate_to_datetime(told.decode("latin-1")).timestamp() - at
    except ValueError:
        return None


def _reached(origin: Origin, models: Sequence[str], said: float | str | None, environ: Mapping[str, str]) -> Found:
    through = " through the proxy" if _proxied(origin, environ) else ""
    who = ", ".join(models[:3]) + (f" and {len(models) - 3} more" if len(models) > 3 else "")
    if not isinstance(said, str):
        return Found(about="network", state="good", said=f"{origin} is reached{through} ({who})")
    mend = "Mend its name in the configuration, the network, or HTTPS_PROXY and NO_PROXY."
    return Found(about="network", state="error", said=f"{origin}{through} ({who}): {said}", mend=mend)


def _proxied(origin: Origin, environ: Mapping[str, str]) -> bool:
    try:
        return bool(proxy_for(origin, environ))
    except ConfigError:
        return True


def worst(found: Iterable[Found]) -> int:
    """An exit code: 0 all is good, 1 warnings, 2 errors."""
    states = {one.state for one in found}
    return 2 if "error" in states else 1 if "warning" in states else 0
