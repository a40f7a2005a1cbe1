"""The operator's own code after a tool call: it may set what the call cost, and change what the client is told.

Classes and names are LiteLLM's (`CustomLogger.async_post_mcp_tool_call_hook`, `MCPPostCallResponseObject`, seen
2026-11-26), so that its hooks work as they are. A hook that returns nothing changes nothing; one that fails, or takes
longer than `HOOK_S`, is told in the log and loses neither the call nor its cost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import msgspec

from tollbridge.model.json import JsonObject
from tollbridge.model.money import NANO
from tollbridge.policy.principal import Principal

log = logging.getLogger("tollbridge.mcp.hooks")

HOOK_S = 30.0
NAME = "async_post_mcp_tool_call_hook"


class CustomLogger:
    """What hooks derive from."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """LiteLLM's takes options that mean nothing here."""

    async def async_post_mcp_tool_call_hook(
        self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
    ) -> Any:
        return None


class HiddenParams:
    """`response_cost`: dollars; None leaves the configured cost."""

    def __init__(self, response_cost: float | None = None) -> None:
        self.response_cost = response_cost


class Block(dict[str, Any]):
    """A block of the result, its fields readable and writable as attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(name) from error

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


class MCPPostCallResponseObject:
    def __init__(self, mcp_tool_call_response: Any = None, hidden_params: HiddenParams | None = None) -> None:
        self.mcp_tool_call_response = mcp_tool_call_response
        self.hidden_params = hidden_params or HiddenParams()


class Called(msgspec.Struct, frozen=True):
    """`arguments`: as the client gave them. Moments in epoch seconds."""

    server: str
    tool: str
    arguments: JsonObject
    principal: Principal
    began_at: float
    ended_at: float


async def after(hooks: Sequence[Any], called: Called, result: JsonObject) -> tuple[JsonObject, int | None]:
    """The result as the hooks left it, and its cost in nano-dollars where one of them set it."""
    content = result.get("content")
    told = MCPPostCallResponseObject([Block(one) for one in content] if isinstance(content, list) else content)
    said = {
        "name": called.tool,
        "server_name": called.server,
        "arguments": called.arguments,
        "user_api_key_hash": called.principal.id,
        "principal": called.principal,
    }
    moments = [datetime.fromtimestamp(at, UTC) for at in (called.began_at, called.ended_at)]
    for hook in hooks:
        try:
            async with asyncio.timeout(HOOK_S):
                changed = await getattr(hook, NAME)(
                    kwargs=dict(said), response_obj=told, start_time=moments[0], end_time=moments[1]
                )
        except Exception:
            log.exception("the hook %s failed after a call of %s", type(hook).__name__, called.tool)
            continue
        told = told if changed is None else changed
    try:
        blocks = told.mcp_tool_call_response
        if isinstance(blocks, list):
            result = {**result, "content": [_plain(block) for block in blocks]}
        cost = told.hidden_params.response_cost
        return result, None if cost is None else round(Fraction(str(cost)) * NANO)
    except Exception:
        log.exception("what the hooks left of a call of %s cannot be read", called.tool)
        return result, None


def _plain(block: Any) -> JsonObject:
    """A block of ours, or one of the `mcp` package."""
    if isinstance(block, dict):
        return dict(block)
    dumped: JsonObject = block.model_dump(by_alias=True, exclude_none=True, mode="json")
    return dumped
