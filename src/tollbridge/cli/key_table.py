"""Keys as text for a terminal."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from tollbridge.cli import screen
from tollbridge.model.money import round_dollars, show_dollars
from tollbridge.store.key import Key

WIDTH_MAX = 32
HEADS = ("ID", "KEY", "ALIAS", "STATE", "SPENT", "BUDGET", "LIMITS", "MODELS", "EXPIRES")


def table(keys: Sequence[Key], now: float) -> str:
    if not keys:
        return "No key was made yet: tollbridge keys generate"
    return screen.table(HEADS, [_row(key, now) for key in keys], len(HEADS))


def card(key: Key, now: float, unpriced: int = 0) -> str:
    """One key, a line for each thing that was said about it. `unpriced`: requests since its budget last started whose
    cost is not known."""
    lines = {
        "id": key.id,
        "shown as": key.name,
        "alias": key.alias or "",
        "state": state(key, now),
        "models": ", ".join(key.models) or "all",
        "aliases": ", ".join(f"{name} = {model}" for name, model in key.aliases.items()),
        "mcp": _rights(key),
        "spent": show_dollars(key.spend_nanousd) + _beside(unpriced),
        "budget": _budget(key),
        "limits": _limits(key),
        "estimated": _estimates(key),
        "expires": _moment(key.expires_at),
        "metadata": json.dumps(key.metadata, ensure_ascii=False) if key.metadata else "",
        "made": f"{_moment(key.created_at)} by {key.minted_by}",
    }
    return "\n".join(f"{name:<10} {told}" for name, told in lines.items() if told)


def state(key: Key, now: float) -> str:
    if key.blocked:
        return "blocked"
    if key.expires_at is not None and key.expires_at <= now:
        return "expired"
    used_up = key.max_budget_nanousd is not None and key.spend_nanousd >= key.max_budget_nanousd
    return "spent" if used_up else "good"


def hindrance(key: Key, now: float) -> str | None:
    """Why a key that is not blocked does not work, and what to do."""
    match state(key, now):
        case "expired":
            return f"it expired on {_moment(key.expires_at)} (`keys update {key.id} --duration 30d`)"
        case "spent":
            return f"its budget of {_budget(key)} is used up (`keys update {key.id} --max-budget ...`)"
        case _:
            return None


def odd_limits(key: Key) -> list[str]:
    """Limits that are hardly meant as they stand: those that hold nothing, and those that let nothing in."""
    told = []
    if key.budget_duration and key.max_budget_nanousd is None:
        told.append(
            f"nothing limits what it spends: a budget that starts anew each {key.budget_duration} needs --max-budget"
        )
    if key.max_budget_nanousd == 0:
        told.append("a budget of 0 is used up from the beginning (`keys update --no-limit max_budget` takes it away)")
    for limit, option, name in (
        (key.rpm, "--rpm", "rpm_limit"),
        (key.tpm, "--tpm", "tpm_limit"),
        (key.parallel, "--parallel", "max_parallel_requests"),
    ):
        if limit == 0:
            told.append(f"{option} 0 lets no request in (`keys update --no-limit {name}` takes it away)")
    return told


def _row(key: Key, now: float) -> tuple[str, ...]:
    cells = (
        key.id,
        key.name,
        key.alias or "",
        state(key, now),
        round_dollars(key.spend_nanousd),
        _budget(key),
        _limits(key),
        ", ".join(key.models) or "all",
        _moment(key.expires_at),
    )
    return tuple(cell if len(cell) <= WIDTH_MAX else f"{cell[: WIDTH_MAX - 3]}..." for cell in cells)


def _beside(unpriced: int) -> str:
    if not unpriced:
        return ""
    return f", and what {unpriced:,} request{'' if unpriced == 1 else 's'} cost of which no price is known"


def _budget(key: Key) -> str:
    if key.max_budget_nanousd is None:
        return ""
    each = f" each {key.budget_duration}" if key.budget_duration else ""
    return show_dollars(key.max_budget_nanousd) + each


def _limits(key: Key) -> str:
    limits = ((key.rpm, "rpm"), (key.tpm, "tpm"), (key.parallel, "at once"))
    return ", ".join(f"{limit} {unit}" for limit, unit in limits if limit is not None)


def _rights(key: Key) -> str:
    """In the words of the options that give them. Nothing said gives nothing."""
    said = key.permission
    servers, groups, tools = (said.get(f"mcp_{name}") for name in ("servers", "access_groups", "tool_permissions"))
    told = [str(name) for name in servers or ()] if isinstance(servers, list) else []
    told += [f"group {name}" for name in groups] if isinstance(groups, list) else []
    if isinstance(tools, dict):
        told += [
            f"of {server} {', '.join(map(str, names))}" for server, names in tools.items() if isinstance(names, list)
        ]
    return "; ".join(told)


def _estimates(key: Key) -> str:
    told = [] if key.likely_output_tokens is None else [f"{key.likely_output_tokens:,}"]
    told += [f"{tokens:,} of {model}" for model, tokens in key.likely_output_tokens_by_model.items()]
    return f"tokens of an answer: {', '.join(told)}" if told else ""


def _moment(epoch_s: float | None) -> str:
    return "" if epoch_s is None else datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
