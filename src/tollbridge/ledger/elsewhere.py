"""What other processes let keys spend: their rows in the database say it, once entries are folded into them.

A process knows of its own spending at once, and of the others' by looking: each half second, at the rows of those keys
with a budget that asked here a moment ago. What a row says is believed where it is of one moment with what is not
folded yet (`folding.py`); else it is looked at the next time. So several processes together may pass a budget by what
the others let in within some two seconds, and what they hold.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from tollbridge.ledger.book import Book
from tollbridge.ledger.folding import Folding
from tollbridge.store.following import follow
from tollbridge.store.keys import KeyStore

USED_WITHIN_S = 5.0
AT_ONCE = 500

_log = logging.getLogger("tollbridge.ledger")


class Elsewhere:
    def __init__(self, book: Book, keys: KeyStore, folding: Folding) -> None:
        self._book = book
        self._keys = keys
        self._folding = folding

    async def follow(self) -> None:
        """Runs until it is cancelled."""
        await follow(self.look, _log, "budgets that other processes use", done="looked at")

    async def look(self) -> None:
        """Raises StoreUnavailable."""
        ids = self._book.used_since(self._book.clock() - USED_WITHIN_S)
        for at in range(0, len(ids), AT_ONCE):
            await self._look_at(ids[at : at + AT_ONCE])

    async def _look_at(self, ids: Sequence[str]) -> None:
        mark = await self._folding.rest()
        keys = await self._keys.get_all(ids)
        if self._folding.rested_since(mark):
            for key in keys:
                self._book.read(key)
