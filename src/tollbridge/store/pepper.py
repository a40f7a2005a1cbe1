"""Which pepper the keys of a database were digested under: one row that holds a fingerprint of it."""

from __future__ import annotations

import hmac

from sqlalchemy import delete, insert, select

from tollbridge.errors import ConflictError
from tollbridge.store.core_only import AsyncConnection
from tollbridge.store.database import Database
from tollbridge.store.key_tables import KEYS, PEPPER


def keep_fingerprint(database: Database, fingerprint: bytes) -> bool:
    """False where keys are there that are from under another pepper. Where there is no key yet, the fingerprint is kept
    in the place of any other. From a thread without an event loop; raises StoreUnavailable."""

    async def known(connection: AsyncConnection) -> bool:
        found = await _found(connection)
        return found is not None and hmac.compare_digest(found, fingerprint)

    async def kept(connection: AsyncConnection) -> bool:
        found = await _found(connection)
        if found is not None:
            if hmac.compare_digest(found, fingerprint):
                return True
            if await connection.scalar(select(KEYS.c.id).limit(1)) is not None:
                return False
            await connection.execute(delete(PEPPER))
        await connection.execute(insert(PEPPER).values(number=1, fingerprint=fingerprint))
        return True

    if database.read_sync(known):  # as ever: a database that is locked for now does not hold up a start
        return True
    try:
        return database.run_sync(kept)
    except ConflictError:  # another process starts just now, and was quicker
        return database.run_sync(kept)


async def _found(connection: AsyncConnection) -> bytes | None:
    found = await connection.scalar(select(PEPPER.c.fingerprint).where(PEPPER.c.number == 1))
    return None if found is None else bytes(found)
