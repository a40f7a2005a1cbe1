"""A key as LiteLLM's JSON shows it. Dollars are numbers, moments ISO 8601 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from tollbridge.model.json import JsonObject
from tollbridge.model.money import write_dollars
from tollbridge.store.key import Key

_NOT_BUILT: JsonObject = {
    "user_id": None,
    "team_id": None,
    "organization_id": None,
    "soft_budget": None,
    "permissions": {},
    "config": {},
}
"""Read by LiteLLM's clients; empty here."""


def shape(key: Key) -> JsonObject:
    return {
        **_NOT_BUILT,
        "token": key.id,
        "key_name": key.name,
        "key_alias": key.alias,
        "models": list(key.models),
        "aliases": dict(key.aliases),
        "spend": write_dollars(key.spend_nanousd),
        "max_budget": write_dollars(key.max_budget_nanousd),
        "budget_duration": key.budget_duration,
        "budget_reset_at": moment(key.budget_resets_at),
        "rpm_limit": key.rpm,
        "tpm_limit": key.tpm,
        "max_parallel_requests": key.parallel,
        "default_estimated_output_tokens": key.likely_output_tokens,
        "default_estimated_output_tokens_per_model": dict(key.likely_output_tokens_by_model),
        "object_permission": dict(key.permission) or None,
        "expires": moment(key.expires_at),
        "blocked": key.blocked,
        "metadata": dict(key.metadata),
        "created_at": moment(key.created_at),
        "created_by": key.minted_by,
        "updated_at": moment(key.updated_at),
    }


def moment(epoch_s: float | None) -> str | None:
    return None if epoch_s is None else datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds")
