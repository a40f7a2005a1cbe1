"""Whose requests are meant, as the ledger names them."""

from __future__ import annotations

from tollbridge.admin.key_names import ADMIN, ADMINS
from tollbridge.admin.keys import Keys
from tollbridge.errors import NotFoundError
from tollbridge.store.spend import SpendReader


async def ledger_id(name: str, keys: Keys, reader: SpendReader) -> str:
    """Of the admin (by the master key too), of a key, or by its id of a key that was deleted. Raises NotFoundError."""
    if name in ADMINS:
        return name
    if keys.taken(name):
        return ADMIN
    try:
        return (await keys.named(name)).id
    except NotFoundError:
        [sums] = await reader.sums((), key_id=name)
        if not sums["requests"]:
            raise
        return name
