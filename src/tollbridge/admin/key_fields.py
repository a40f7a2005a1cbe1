"""What a request about a key may say, in LiteLLM's words (`GenerateKeyRequest`, `UpdateKeyRequest` of its
proxy/_types.py, seen 2026-11-25), and what becomes of each word.

1. It works: it is read into a field of `Key`.
2. It would restrict the key and is not built: the request is refused by name. A key that may do more than was asked for
   would be worse than none.
3. It promises something that is not built but restricts nothing: a named warning stands in the answer.
4. It is unknown: 422 with its name, so that nothing can be slipped in (`role`, `id`, `created_by`).

A word of the second and third kind with an empty value (null, [], {}, "", false, 0) says nothing: clients send whole
forms.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from tollbridge.admin.key_names import check_alias
from tollbridge.errors import UnprocessableEntityError
from tollbridge.model.json import NESTING_MAX, Json, JsonObject, too_deep
from tollbridge.model.money import read_dollars
from tollbridge.store.periods import Period

RESTRICTING = frozenset(
    {
        "team_id",
        "organization_id",
        "project_id",
        "agent_id",
        "budget_id",
        "budget_limits",
        "end_user_budget_id",
        "config",
    }
    | {"model_max_budget", "model_rpm_limit", "model_tpm_limit", "mcp_rpm_limit", "tag_rpm_limit", "tpd_limit"}
    | {"rpm_limit_type", "tpm_limit_type", "permissions", "access_group_ids", "enforced_params"}
    | {"allowed_routes", "allowed_passthrough_routes", "denied_passthrough_routes", "allowed_vector_store_indexes"}
    | {"allowed_cache_controls", "guardrails", "policies", "new_master_key"}
)
PROMISING = {
    "user_id": "there are no users here yet; it is not kept",
    "soft_budget": "there are no alerts yet",
    "tags": "keys have no tags yet; send them with requests",
    "prompts": "there are no stored prompts",
    "router_settings": "a key has no routing of its own",
    "budget_fallbacks": "a budget that is used up refuses",
    "throttle_on_budget_exceeded": "a budget that is used up refuses",
    "temp_budget_increase": "change `max_budget` instead",
    "temp_budget_expiry": "change `max_budget` instead",
    "auto_rotate": "keys are not rotated by themselves; call /key/regenerate",
    "rotation_interval": "keys are not rotated by themselves; call /key/regenerate",
    "grace_period": "the former key ends at once",
    "send_invite_email": "no mail is sent",
    "disable_global_guardrails": "there are no guardrails yet",
    "enable_prompt_caching": "prompts are cached as the request says",
}
GUARDS = ("guardrails", "policies")
"""In `metadata` they are LiteLLM's second way to guard a key."""
KEY_TYPES = ("default", "llm_api")
"""Of `key_type`: a key may ask for models and see itself, and that is what both mean."""

METADATA_BYTES_MAX = 16 * 1024
TEXT_MAX = 256
LIST_MAX = 1_000
COUNT_MAX = 2**53
TOKENS_MAX = 1_000_000_000
NEVER = "-1"
"""LiteLLM's word for a `duration` that takes the expiry away."""


class Wish(msgspec.Struct, frozen=True):
    """`fields`: of `Key`. `warnings`: what was asked for and is not done."""

    fields: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


def read_wish(body: JsonObject, now: float, *, beside: Collection[str] = ()) -> Wish:
    """`beside`: words that the caller reads itself. Raises UnprocessableEntityError with the word."""
    fields: dict[str, Any] = {}
    warnings: list[str] = []
    for name, value in body.items():
        if name in beside:
            continue
        reader = READERS.get(name)
        if reader is not None:
            try:
                fields.update(reader(value, now))
            except ValueError as error:
                raise UnprocessableEntityError(f"`{name}`: {error}", code="invalid_field", param=name) from error
        elif name in RESTRICTING or name == "key_type":
            if value and not (name == "key_type" and value in KEY_TYPES):
                raise UnprocessableEntityError(
                    f"`{name}` would restrict the key, and is not built here: nothing was changed. Leave it out.",
                    code="unsupported_field",
                    param=name,
                )
        elif name in PROMISING:
            if value:
                warnings.append(f"{name}: not built here: {PROMISING[name]}")
        else:
            raise unknown_field(name, {*READERS, *beside})
    return Wish(fields, tuple(warnings))


def unknown_field(name: str, known: Collection[str]) -> UnprocessableEntityError:
    near = difflib.get_close_matches(name[:100], known, n=1)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    return UnprocessableEntityError(f"`{name[:100]}` is not known here.{hint}", code="unknown_field", param=name[:100])


def text_of(value: Json) -> str:
    if not isinstance(value, str) or not value or not value.isprintable() or len(value) > TEXT_MAX:
        raise ValueError(f"must be a text of 1 to {TEXT_MAX} printable characters")
    return value


def _alias(value: Json, now: float) -> dict[str, Any]:
    if value is None or value == "":
        return {"alias": None}
    alias = text_of(value)
    check_alias(alias)
    return {"alias": alias}


def _duration(value: Json, now: float) -> dict[str, Any]:
    if value is None or value == "":
        return {}  # LiteLLM's: leaves the expiry as it is
    if value == NEVER:
        return {"expires_at": None}
    return {"expires_at": _period(value).ends(now)}


def _budget_duration(value: Json, now: float) -> dict[str, Any]:
    if value is None or value == "":
        return {"budget_duration": None, "budget_resets_at": None}
    return {"budget_duration": value, "budget_resets_at": _period(value).next_reset(now)}


def _period(value: Json) -> Period:
    if not isinstance(value, str):
        raise ValueError("must be a text like 30s, 30m, 12h, 7d, 1mo")
    return Period(value)


def _models(value: Json, now: float) -> dict[str, Any]:
    if value is None:
        return {"models": ()}
    if not isinstance(value, list) or len(value) > LIST_MAX:
        raise ValueError(f"must be a list of at most {LIST_MAX} names")
    if "all-team-models" in value:
        raise ValueError("all-team-models stands for a team's models, and there are no teams here")
    return {"models": tuple(text_of(name) for name in value)}


def _aliases(value: Json, now: float) -> dict[str, Any]:
    if value is None:
        return {"aliases": {}}
    if not isinstance(value, dict) or len(value) > LIST_MAX:
        raise ValueError(f"must be an object of at most {LIST_MAX} names")
    return {"aliases": {text_of(name): text_of(model) for name, model in value.items()}}


def _max_budget(value: Json, now: float) -> dict[str, Any]:
    return {"max_budget_nanousd": None if value is None or value == "" else dollars_of(value)}


def dollars_of(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number of dollars")
    return read_dollars(value)


def _count(field: str) -> Callable[[Json, float], dict[str, Any]]:
    def read(value: Json, now: float) -> dict[str, Any]:
        if value is None:
            return {field: None}
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= COUNT_MAX:
            raise ValueError("must be a whole number, not negative")
        return {field: value}

    return read


def _likely_output(value: Json, now: float) -> dict[str, Any]:
    return {"likely_output_tokens": None if value is None else _tokens(value)}


def _likely_output_by_model(value: Json, now: float) -> dict[str, Any]:
    if value is None:
        return {"likely_output_tokens_by_model": {}}
    if not isinstance(value, dict) or len(value) > LIST_MAX:
        raise ValueError(f"must be an object of at most {LIST_MAX} models")
    return {"likely_output_tokens_by_model": {text_of(model): _tokens(count) for model, count in value.items()}}


def _tokens(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= TOKENS_MAX:
        raise ValueError(f"must be a whole number of tokens from 1 to {TOKENS_MAX:,}")
    return value


def _blocked(value: Json, now: float) -> dict[str, Any]:
    if value is not None and not isinstance(value, bool):
        raise ValueError("must be true or false")
    return {} if value is None else {"blocked": value}


def _metadata(value: Json, now: float) -> dict[str, Any]:
    if value is None:
        return {"metadata": {}}
    if not isinstance(value, dict):
        raise ValueError("must be an object")
    if too_deep(value):
        raise ValueError(f"must not be nested deeper than {NESTING_MAX} levels")
    if len(msgspec.json.encode(value)) > METADATA_BYTES_MAX:
        raise ValueError(f"must not be larger than {METADATA_BYTES_MAX // 1024} KiB")
    if asked := [name for name in GUARDS if value.get(name)]:
        raise ValueError(f"{asked[0]!r} asks for guards, and there are none here: nothing was changed. Leave it out")
    return {"metadata": value}


def _permission(value: Json, now: float) -> dict[str, Any]:
    """LiteLLM's `object_permission`: of MCP, what is built. What would restrict something else is refused by name."""
    if value is None:
        return {"permission": {}}
    if not isinstance(value, dict):
        raise ValueError("must be an object")
    found: dict[str, Any] = {}
    for name, said in value.items():
        if name in PERMITTING:
            if said:
                found[name] = PERMITTING[name](name, said)
        elif said:
            raise ValueError(f"{name!r} is not built here; leave it out")
    return {"permission": found}


def _names(name: str, value: Json) -> list[str]:
    if not isinstance(value, list) or len(value) > LIST_MAX:
        raise ValueError(f"{name!r} must be a list of at most {LIST_MAX} names")
    return [text_of(one) for one in value]


def _names_by_server(name: str, value: Json) -> dict[str, list[str]]:
    if not isinstance(value, dict) or len(value) > LIST_MAX:
        raise ValueError(f"{name!r} must be an object: lists of tools by server")
    return {text_of(server): _names(f"{name}.{server}", tools) for server, tools in value.items()}


PERMITTING: Mapping[str, Callable[[str, Json], Any]] = {
    "mcp_servers": _names,
    "mcp_access_groups": _names,
    "mcp_tool_permissions": _names_by_server,
}

READERS: Mapping[str, Callable[[Json, float], dict[str, Any]]] = {
    "key_alias": _alias,
    "duration": _duration,
    "models": _models,
    "aliases": _aliases,
    "max_budget": _max_budget,
    "budget_duration": _budget_duration,
    "rpm_limit": _count("rpm"),
    "tpm_limit": _count("tpm"),
    "max_parallel_requests": _count("parallel"),
    "default_estimated_output_tokens": _likely_output,
    "default_estimated_output_tokens_per_model": _likely_output_by_model,
    "blocked": _blocked,
    "object_permission": _permission,
    "metadata": _metadata,
}
