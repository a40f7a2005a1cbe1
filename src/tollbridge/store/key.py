"""A virtual key as it is kept: its digest, its rights, its limits. Never the key itself."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from tollbridge.model.json import Json
from tollbridge.store.purse import Purse


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """`id`: the public id, LiteLLM's `token`; for a key of the operator's own wording the digest in hex. `digest`:
    HMAC-SHA256 of the whole key under the pepper. `name`: how it is shown, `sk-...abcd`. `models`: names and patterns
    that it may ask for, empty for all. Money in nano-dollars, times in epoch seconds, `None` for no limit.
    `budget_duration`: LiteLLM's words (`30d`, `1mo`): the budget starts anew at `budget_resets_at`. `spend_nanousd`:
    since the budget last started, which was at `budget_began_at`, or when the key was made. `likely_output_tokens`:
    what an answer is taken to have, for `tpm`, where the request sets no limit; `likely_output_tokens_by_model` of one
    model. `permission`: what it may use besides models, LiteLLM's `object_permission`; nothing said gives nothing.
    `minted_by`: the id of the principal who made it."""

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
    likely_output_tokens: int | None = None
    likely_output_tokens_by_model: Mapping[str, int] = {}
    permission: Mapping[str, Json] = {}

    def at(self, moment: float) -> Key:
        """As it is then, if nothing is spent until then: where its period ends before, nothing is spent in the next."""
        purse = self.purse()
        purse.pass_to(moment)
        if purse.resets_at == self.budget_resets_at:
            return self
        return msgspec.structs.replace(
            self, spend_nanousd=purse.spend, budget_began_at=purse.began_at, budget_resets_at=purse.resets_at
        )

    def with_spend(self, nanousd: int, moment: float) -> Key:
        """So much is spent at that moment. What was settled before does not count any more, however late it is folded.
        Entries know milliseconds; those of this one count."""
        return msgspec.structs.replace(self, spend_nanousd=nanousd, budget_began_at=math.floor(moment * 1000) / 1000)

    def purse(self) -> Purse:
        return Purse(self.spend_nanousd, self.budget_duration, self.budget_began_at, self.budget_resets_at)

    def likely_output(self, model: str) -> int | None:
        return self.likely_output_tokens_by_model.get(model, self.likely_output_tokens)

    def __repr__(self) -> str:
        return f"<Key {self.name}>"
