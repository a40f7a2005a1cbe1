"""Rows of keys, held by a transaction until it ends.

Whoever changes several keys holds them all before it changes one, in the order of their ids as the database compares
them: two who do so wait for one another, and neither for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, bindparam, select

from tollbridge.store.core_only import AsyncConnection
from tollbridge.store.key_tables import KEYS

_COLUMNS = ("id", "updated_at", "spend_nanousd", "budget_duration", "budget_began_at", "budget_resets_at")
_HELD = (
    select(*(KEYS.c[name] for name in _COLUMNS))
    .where(KEYS.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(KEYS.c.id)
    .with_for_update()
)


async def hold(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, Row[Any]]:
    """By id, those that are there."""
    found = await connection.execute(_HELD, {"ids": list(ids)})
    return {row.id: row for row in found.all()}
