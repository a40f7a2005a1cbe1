"""Whose requests a command is asked for, with a word where a key of that alias was deleted."""

from __future__ import annotations

from tollbridge.admin.keys import Keys
from tollbridge.admin.whose import ledger_id
from tollbridge.errors import NotFoundError
from tollbridge.store.spend import SpendReader

NAMED_MAX = 3


async def meant(name: str, keys: Keys, reader: SpendReader) -> str:
    """As the ledger names them. Raises NotFoundError, with the ids of deleted keys that had this alias."""
    try:
        return await ledger_id(name, keys, reader)
    except NotFoundError as error:
        gone = await reader.formerly(name)
        if not gone:
            raise
        ids = ", ".join(gone[:NAMED_MAX]) + (f" and {len(gone) - NAMED_MAX} more" if len(gone) > NAMED_MAX else "")
        one = (
            "A key that was deleted had this alias: name it"
            if len(gone) == 1
            else "Deleted keys had this alias: name one"
        )
        raise NotFoundError(f"{error} {one} by its id, {ids}.") from error
