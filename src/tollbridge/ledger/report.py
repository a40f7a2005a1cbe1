"""The ledger in LiteLLM's words: `SpendLogsPayload` of its proxy/_types.py and the answers of its
spend_management_endpoints.py, seen 2026-11-25.

Where LiteLLM says 0 for what it does not know, null stands here: a cost that is unknown is no cost of nothing. In sums,
`unpriced` says of how many requests the cost is not known, and not in them. What LiteLLM has no word for stands under
`metadata.tollbridge`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from tollbridge.model.json import JsonObject
from tollbridge.model.money import write_dollars
from tollbridge.store.spend import Found, Tagged

CALL_TYPES = {
    "/messages": "anthropic_messages",
    "/chat/completions": "acompletion",
    "/responses": "aresponses",
    "/completions": "atext_completion",
    "/embeddings": "aembedding",
    "/rerank": "arerank",
    "/moderations": "amoderation",
    "/audio/speech": "aspeech",
    "/audio/transcriptions": "atranscription",
    "/images/generations": "aimage_generation",
    "/images/edits": "aimage_edit",
    ":generateContent": "agenerate_content",
    ":streamGenerateContent": "agenerate_content_stream",
}
"""LiteLLM's names for kinds of calls, by how a path ends (`CallTypes` in its types/utils.py, seen 2026-11-27)."""


def read_date(text: str, *, end: bool = False) -> float:
    """Epoch seconds of a day or a moment, UTC where no zone is said; a day as an `end` is meant with all its hours.
    Raises ValueError with what is expected."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a day like 2026-11-25, or a moment like 2026-11-25T13:00:00Z") from None
    if not 1970 < moment.year < 9999:  # so that no zone and no end of a day leads beyond what a clock can tell
        raise ValueError("must be later than 1970 and earlier than 9999")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if end and len(text) == len("2026-11-25"):
        moment += timedelta(days=1)
    return moment.timestamp()


def spend_log(row: Found) -> JsonObject:
    """One request."""
    started, ended = row["started_at"], row["started_at"] + row["duration_ms"] / 1000
    input_tokens, output_tokens = row["input_tokens"], row["output_tokens"]
    first = started + row["ttft_ms"] / 1000 if row["ttft_ms"] else ended
    failed = row["outcome"] != "ok"
    return {
        "request_id": row["answer_id"] or row["request_id"],
        "call_type": _call_type(row["endpoint"]),
        "api_key": row["key_id"],
        "spend": write_dollars(row["cost_nanousd"]),
        "total_tokens": (input_tokens or 0) + (output_tokens or 0),
        "prompt_tokens": input_tokens or 0,
        "completion_tokens": output_tokens or 0,
        "startTime": _moment(started),
        "endTime": _moment(ended),
        "completionStartTime": _moment(first),
        "model": row["model"] or row["model_requested"],
        "model_id": row["deployment"],
        "model_group": row["model_group"],
        "custom_llm_provider": row["provider"],
        "api_base": "",
        "user": "",
        "end_user": row["end_user"] or "",
        "team_id": None,
        "cache_hit": str(bool(row["cache_hit"])),
        "cache_key": "",
        "request_tags": list(row["tags"]),
        "requester_ip_address": row["peer"],
        "session_id": row["trace_id"] or row["request_id"],
        "status": "failure" if failed else "success",
        "messages": {},
        "response": {},
        "proxy_server_request": {},
        "metadata": {
            "user_api_key": row["key_id"],
            "user_api_key_alias": row["key_alias"],
            "status": "failure" if failed else "success",
            "spend_logs_metadata": row["metadata"],
            "additional_usage_values": row["parts"],
            "error_information": {"error_class": row["error_class"], "error_code": str(row["status"])}
            if failed
            else None,
            "tollbridge": _own(row),
        },
    }


def _call_type(endpoint: str) -> str:
    """Where LiteLLM has no name, the path."""
    way = endpoint.split("/")[1:]
    if "mcp" in way or "mcp-rest" in way:
        return "call_mcp_tool"
    if len(way) == 2 and way[1] == "{id}":
        return "pass_through_endpoint"
    return next((word for end, word in CALL_TYPES.items() if endpoint.endswith(end)), endpoint)


def _own(row: Found) -> JsonObject:
    return {
        "id": row["id"],
        "request_id": row["request_id"],
        "parent": row["parent"] or None,
        "outcome": row["outcome"],
        "status": row["status"],
        "endpoint": row["endpoint"],
        "model_requested": row["model_requested"],
        "stream": bool(row["stream"]),
        "relayed": bool(row["relayed"]),
        "cost_nanousd": row["cost_nanousd"],
        "estimated": bool(row["estimated"]),
        "priced": row["priced"] or None,
        "bill": row["bill"] or {},
        "attempts": row["attempts"],
        "fallbacks": row["fallbacks"],
        "upstream_ms": row["upstream_ms"],
        "overhead_ms": row["overhead_ms"],
        "client": row["client"],
        "caveats": list(row["caveats"]),
        "tried": [
            {
                "deployment": tried["deployment"],
                "provider": tried["provider"],
                "model": tried["model"],
                "status": tried["status"],
                "error_class": tried["error_class"] or None,
                "ms": tried["ms"],
                "prompt_tokens": tried["input_tokens"],
                "completion_tokens": tried["output_tokens"],
                "additional_usage_values": tried["parts"],
                "cost_nanousd": tried["cost_nanousd"],
                "estimated": bool(tried["estimated"]),
            }
            for tried in row["tried"]
        ],
    }


def by_day(sums: Iterable[Found], until: str) -> list[JsonObject]:
    """`/spend/logs` with dates: a day's spend in all, of each key under its own name, of each model. `sums` by day, key
    and model, in order; days without any follow up to `until`, as LiteLLM has it."""
    days: dict[str, _Day] = {}
    for row in sums:
        day = days.setdefault(row["day"], _Day())
        cost = row["cost_nanousd"]
        day.cost += cost
        day.unpriced += row["unpriced"]
        day.keys[row["key_id"]] = day.keys.get(row["key_id"], 0) + cost
        day.models[row["model"]] = day.models.get(row["model"], 0) + cost
    if days:
        days.update((empty, _Day()) for empty in _days_between(max(days), until))
    return [
        {
            "startTime": date,
            "spend": write_dollars(day.cost),
            "unpriced": day.unpriced,
            "users": {},
            "models": _in_dollars(day.models),
            **_in_dollars(day.keys),
        }
        for date, day in days.items()
    ]


class _Day(msgspec.Struct):
    """Nano-dollars. `unpriced`: requests."""

    cost: int = 0
    unpriced: int = 0
    keys: dict[str, int] = {}
    models: dict[str, int] = {}


def total(sums: Found) -> JsonObject:
    return {**_spend(sums), "max_budget": None}


def dates(sums: Sequence[Found]) -> list[JsonObject]:
    return [{"date": row["day"], **_spend(row)} for row in sums]


def by_key(sums: Sequence[Found]) -> list[JsonObject]:
    return [
        {
            "api_key": row["key_id"],
            "key_alias": row["key_alias"],
            "key_name": row["key_name"],
            **_spend(row, "total_spend"),
        }
        for row in sums
    ]


def by_model(sums: Sequence[Found]) -> list[JsonObject]:
    return [{"model": row["model"], **_spend(row, "total_spend")} for row in sums]


def by_provider(sums: Sequence[Found]) -> list[JsonObject]:
    return [{"provider": row["provider"], **_spend(row)} for row in sums]


def by_tag(sums: Mapping[str, Tagged], limit: int) -> list[JsonObject]:
    """The dearest first."""
    dearest = sorted(sums.items(), key=lambda one: (-one[1].cost_nanousd, one[0]))
    return [
        {
            "individual_request_tag": tag,
            "log_count": one.requests,
            "total_spend": write_dollars(one.cost_nanousd),
            "unpriced": one.unpriced,
        }
        for tag, one in dearest[:limit]
    ]


def tags_of(sums: Mapping[str, Tagged], limit: int) -> list[JsonObject]:
    """The same in other words, as `/global/spend/tags` has it."""
    return [
        {"name": one["individual_request_tag"], "spend": one["total_spend"], "log_count": one["log_count"]}
        for one in by_tag(sums, limit)
    ]


def activity(sums: Iterable[Found]) -> JsonObject:
    """`sums` by day, in order. A day is told as `Jan 22`, as LiteLLM has it, and in full."""
    days = [
        {
            "date": datetime.fromisoformat(row["day"]).strftime("%b %d"),
            "day": row["day"],
            "api_requests": row["requests"],
            "total_tokens": row["input_count"] + row["output_count"],
        }
        for row in sums
    ]
    return {
        "daily_data": days,
        "sum_api_requests": sum(day["api_requests"] for day in days),
        "sum_total_tokens": sum(day["total_tokens"] for day in days),
    }


def activity_by(name: str, sums: Iterable[Found], column: str) -> list[JsonObject]:
    """The same for each of what stands in `column`, the most asked for first."""
    apart: dict[str, list[Found]] = {}
    for row in sums:
        apart.setdefault(row[column], []).append(row)
    told = [{name: one, **activity(rows)} for one, rows in apart.items()]
    return sorted(told, key=lambda one: (-one["sum_api_requests"], one[name]))


def _spend(row: Found, name: str = "spend") -> JsonObject:
    return {name: write_dollars(row["cost_nanousd"]), "unpriced": row["unpriced"]}


def _in_dollars(costs: Mapping[str, int]) -> JsonObject:
    return {name: write_dollars(cost) for name, cost in costs.items()}


def _days_between(last: str, until: str) -> Iterable[str]:
    day = datetime.fromisoformat(last)
    while (shown := (day := day + timedelta(days=1)).strftime("%Y-%m-%d")) <= until:
        yield shown


def _moment(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
