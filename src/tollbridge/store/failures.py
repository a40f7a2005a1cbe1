"""What the databases' own errors mean, in words that say what to do. Translated here, once."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from tollbridge.errors import APIError, ConflictError, StoreUnavailable
from tollbridge.store.address import Address

RECOVERY = (
    "Stop the gateway, keep a copy of the file, then restore a backup or save what can be read with "
    "`sqlite3 FILE .recover | sqlite3 new.db`."
)

# The first that begins the error's name; https://www.sqlite.org/rescode.html, seen 2026-11-25.
_SQLITE = {
    "SQLITE_BUSY": "is locked by another process. End whatever else has it open.",
    "SQLITE_LOCKED": "is locked by another process. End whatever else has it open.",
    "SQLITE_FULL": "cannot grow: the disk is full. Free some space; nothing that was there is lost.",
    "SQLITE_IOERR": "cannot be read or written: an error of the disk, or a limit on the size of files.",
    "SQLITE_READONLY": "cannot be written: the file, its directory or the file system is read-only. "
    "Set TOLLBRIDGE_HOME to a directory that can be written.",
    "SQLITE_CANTOPEN": "cannot be opened: the directory is missing, or may not be written. "
    "Set TOLLBRIDGE_HOME to a directory that can be written.",
    "SQLITE_PERM": "may not be opened by this user.",
    "SQLITE_AUTH": "may not be opened by this user.",
    "SQLITE_CORRUPT": f"is damaged. {RECOVERY}",
    "SQLITE_NOTADB": f"is no SQLite database. {RECOVERY}",
}


# By class of SQLSTATE; https://www.postgresql.org/docs/16/errcodes-appendix.html, seen 2026-11-25.
_POSTGRESQL = (
    "08",  # the connection
    "25006",  # a standby, or a server that was made read-only
    "40",  # undone for another transaction's sake: a deadlock, a serialization failure
    "53",  # out of disk, memory, connections
    "55",  # locked, or not in a state to be used
    "57",  # shutting down, a statement's time is up
    "58",  # the disk or the system
    "XX",  # damaged, or a fault of its own
)


def transient(error: BaseException) -> bool:
    """The database, not the statement, is at fault."""
    if isinstance(error, DBAPIError):
        code = getattr(error.orig, "sqlite_errorname", None)
        if code is not None:
            return bool(code.startswith(tuple(_SQLITE)))
        state = getattr(error.orig, "sqlstate", None)
        if state is not None and state.startswith(_POSTGRESQL):
            return True
        return isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated
    # asyncpg is optional: its errors of connecting, which nobody wraps, are known by the room that they come from.
    return isinstance(error, PoolTimeout | OSError | sqlite3.Error) or type(error).__module__.startswith("asyncpg.")


def told(error: BaseException, address: Address) -> str:
    """One line: which database, what is the matter, what to do. Never a statement's parameters."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    code = getattr(cause, "sqlite_errorname", "")
    for prefix, words in _SQLITE.items():
        if code.startswith(prefix):
            return f"The database {address.name} {words.replace('FILE', address.name)}"
    if isinstance(error, PoolTimeout):
        return f"The database {address.name} is too busy: no connection became free in time."
    if isinstance(error, TimeoutError):
        return f"The database {address.name} does not answer in time."
    reason = str(cause).splitlines()[0][:200] if str(cause) else type(cause).__name__
    return f"The database {address.name} cannot be reached or used: {reason}"


def raised(error: BaseException, address: Address) -> APIError | None:
    """The error of ours for a foreign one, or None where it is a fault of the statement, to be seen as it is."""
    if isinstance(error, IntegrityError):
        return ConflictError("Somebody else changed the same thing just now. Look at it, then ask again.")
    if transient(error):
        return StoreUnavailable(told(error, address), retry_after_s=1.0)
    return None
