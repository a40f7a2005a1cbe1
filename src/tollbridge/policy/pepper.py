"""That the keys of a database were digested under the pepper that is here.

Under another one every key would be unknown, and nobody would be told why. So the database keeps a fingerprint of the
pepper: an HMAC of a constant under it, from which neither it nor any key can be had.
"""

from __future__ import annotations

import hmac

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from tollbridge.errors import ConflictError, StoreError
from tollbridge.store.database import Database
from tollbridge.store.key_tables import KEYS, PEPPER

_CONSTANT = b"tollbridge: which pepper is this"


def check_pepper(database: Database, pepper: bytes) -> None:
    """Notes the pepper where there is no key yet. Raises StoreError where the keys are from under another one."""
    fingerprint = hmac.digest(pepper, _CONSTANT, "sha256")

    async def known(connection: AsyncConnection) -> bool:
        found = await connection.scalar(select(PEPPER.c.fingerprint).where(PEPPER.c.number == 1))
        return found is not None and hmac.compare_digest(bytes(found), fingerprint)

    async def noted(connection: AsyncConnection) -> bool:
        found = await connection.scalar(select(PEPPER.c.fingerprint).where(PEPPER.c.number == 1))
        if found is not None:
            if hmac.compare_digest(bytes(found), fingerprint):
                return True
            if await connection.scalar(select(KEYS.c.id).limit(1)) is not None:
                return False
            await connection.execute(delete(PEPPER))
        await connection.execute(insert(PEPPER).values(number=1, fingerprint=fingerprint))
        return True

    if database.read_sync(known):  # as ever: a database that is locked for now does not hold up a start
        return
    try:
        same = database.run_sync(noted)
    except ConflictError:  # another process starts just now, and was quicker
        same = database.run_sync(noted)
    if not same:
        raise StoreError(
            f"The keys in {database.name} were digested under another pepper: none of them would be known. Bring that "
            "one here: the file `pepper` of the state directory in which they were made, or TOLLBRIDGE_PEPPER."
        )
