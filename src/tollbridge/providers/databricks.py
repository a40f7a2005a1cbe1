"""Databricks: a workspace's own token, or one for a service principal (OAuth, machine to machine).

A personal access token, or any other bearer token, is `api_key`. Where there is none, `client_id` and `client_secret`
of a service principal are exchanged at the workspace itself, `/oidc/v1/token`, for an hour's token.

Source: https://docs.databricks.com/aws/en/dev-tools/auth/oauth-m2m (seen 2026-11-26).
"""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.model.json import Json, JsonObject
from tollbridge.providers.oauth import Exchange
from tollbridge.providers.said import Said

BUDGETS: Mapping[str, int] = {"minimal": 1024, "low": 1024, "medium": 2048, "high": 4096}
ANSWER_TOKENS = 4096


def claude_thinking(body: JsonObject) -> JsonObject:
    """Claude's models up to 4 think by a budget, which must be below `max_tokens`, and then take no temperature
    (https://docs.databricks.com/aws/en/machine-learning/model-serving/query-reason-models, seen 2026-11-26; the budgets
    are LiteLLM 1.106's)."""
    budget = BUDGETS.get(str(body.get("reasoning_effort")))
    if "reasoning_effort" not in body or body.get("thinking") is not None:
        return body
    rest = {name: value for name, value in body.items() if name != "reasoning_effort"}
    if budget is None:  # `none`, or a word that is no effort
        return rest if body["reasoning_effort"] in (None, "none") else body
    most = rest.get("max_tokens")
    room = (
        most if isinstance(most, int) and most > budget else budget + (most if isinstance(most, int) else ANSWER_TOKENS)
    )
    without = {name: value for name, value in rest.items() if name not in ("temperature", "top_k")}
    return {**without, "max_tokens": room, "thinking": {"type": "enabled", "budget_tokens": budget}}


def claude_turns(body: JsonObject) -> JsonObject:
    """Claude's turns alternate, and its thinking stands in the turn whose calls came of it: messages of the assistant
    that follow each other are one (https://platform.claude.com/docs/en/build-with-claude/extended-thinking, seen
    2026-11-26)."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        return body
    turns: list[Json] = []
    for message in messages:
        if turns and _is_assistants(message) and _is_assistants(turns[-1]):
            turns[-1] = _joined(turns[-1], message)
        else:
            turns.append(message)
    return body if len(turns) == len(messages) else {**body, "messages": turns}


def _is_assistants(message: Json) -> bool:
    """And of a shape that can be joined with another."""
    if not isinstance(message, dict) or message.get("role") != "assistant":
        return False
    return isinstance(message.get("tool_calls") or [], list) and isinstance(message.get("content") or "", str | list)


def _joined(before: JsonObject, after: JsonObject) -> JsonObject:
    content = [*_parts(before.get("content")), *_parts(after.get("content"))]
    calls = [*(before.get("tool_calls") or ()), *(after.get("tool_calls") or ())]
    return {**before, **after, "content": content or None, **({"tool_calls": calls} if calls else {})}


def _parts(content: Json) -> list[Json]:
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if isinstance(content, str) and content else []


def databricks_account(said: Said) -> Exchange | None:
    client = said.value("client_id", "DATABRICKS_CLIENT_ID")
    secret = said.secret("client_secret", "DATABRICKS_CLIENT_SECRET")
    if said.key or client is None or secret is None:
        return None
    return Exchange(
        provider=said.provider,
        office="the workspace",
        url=f"{said.base.origin}/oidc/v1/token",
        form=(("grant_type", "client_credentials"), ("scope", "all-apis")),
        client=(client, secret),
        mend="Look at `client_id` and `client_secret`, and whether that service principal is in the workspace.",
    )
