"""A virtual key as it is kept: its digest, its rights, its limits. Never the key itself."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tollbridge.model.json import Json
from tollbridge.store.periods import next_reset, period_around


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """`id`: the public id, LiteLLM's `token`; for a key of the operator's own wording the digest in hex. `digest`:
    HMAC-SHA256 of the whole key under the pepper. `name`: how it is shown, `sk-...abcd`. `models`: names and patterns
    that it may ask for, empty for all. Money in nano-dollars, times in epoch seconds, `None` for no limit.
    `budget_duration`: LiteLLM's words (`30d`, `1mo`): the budget starts anew at `budget_resets_at`. `spend_nanousd`:
    since the budget last started, which was at `budget_began_at`, or when the key was made. `minted_by`: the id of the
    principal who made it."""

    id: str
    digest: bytes
    name: str
    alias: str | None = None
    models: tuple[str, ...] = ()
    aliases: Mapping[str, str] = {}
    max_budget_nanousd: int | None = None
    budget_duration: str | None = None
    budget_resets_at: float | None = None
    rpm: int | None = None
    tpm: int | None = None
    parallel: int | None = None
    expires_at: float | None = None
    blocked: bool = False
    metadata: Mapping[str, Json] = {}
    created_at: float = 0.0
    updated_at: float = 0.0
    minted_by: str = ""
    spend_nanousd: int = 0
    budget_began_at: float | None = None

    def at(self, moment: float) -> Key:
        """As it is then, if nothing is spent until then: where its period ends before, nothing is spent in the next."""
        duration, end = self.budget_duration, self.budget_resets_at
        if duration is None:
            return self
        if end is None:
            return msgspec.structs.replace(self, budget_resets_at=next_reset(duration, moment))
        if moment < end:
            return self
        began, end = period_around(duration, moment, end)
        return msgspec.structs.replace(self, spend_nanousd=0, budget_began_at=began, budget_resets_at=end)

    def __repr__(self) -> str:
        return f"<Key {self.name}>"
