"""A virtual key as it is kept: its digest, its rights, its limits. Never the key itself."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tollbridge.model.json import Json


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """`id`: the public id, LiteLLM's `token`; for a key of the operator's own wording the digest in hex. `digest`:
    HMAC-SHA256 of the whole key under the pepper. `name`: how it is shown, `sk-...abcd`. `models`: names and patterns
    that it may ask for, empty for all. Money in nano-dollars, times in epoch seconds, `None` for no limit.
    `budget_duration`: LiteLLM's words (`30d`, `1mo`): the budget starts anew at `budget_resets_at`. `spend_nanousd`:
    since the budget last started. `likely_output_tokens`: what an answer is taken to have, for `tpm`, where the request
    sets no limit; `likely_output_tokens_by_model` of one model. `minted_by`: the id of the principal who made it."""

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
    likely_output_tokens: int | None = None
    likely_output_tokens_by_model: Mapping[str, int] = {}

    def likely_output(self, model: str) -> int | None:
        return self.likely_output_tokens_by_model.get(model, self.likely_output_tokens)

    def __repr__(self) -> str:
        return f"<Key {self.name}>"
