"""What of an MCP server can be read and is hardly meant so, each where it stands."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from tollbridge.config.document import Node, Scalar, Table
from tollbridge.config.kinds import At, map_of, number
from tollbridge.config.schema import nearest

COSTS = "mcp_server_cost_info"
DEFAULT_COST, COST_BY_TOOL = "default_cost_per_query", "tool_name_to_cost_per_query"
SENT_AS = ("api_key", "bearer_token", "basic", "authorization", "token")
"""Words of `auth_type` that say how a credential is sent, and have none."""
_CREDENTIALS = frozenset({"authorization", "x-api-key", "api-key", "x-auth-token"})


def tell_doubts(server: Table, at: At) -> None:
    """Costs that are none are errors: they would not be charged."""
    said = {name: entry.node for name, entry in server.entries.items()}
    _command(said, at)
    _credential(said, at)
    info = said.get("mcp_info")
    if isinstance(info, Table):
        _costs(info, at.key("mcp_info"))


def _command(said: Mapping[str, Node], at: At) -> None:
    command, args = said.get("command"), said.get("args")
    if isinstance(command, Scalar) and isinstance(command.value, str):
        words = command.value.split()
        if len(words) > 1 and not Path(command.value).is_file() and shutil.which(command.value) is None:
            told = (
                f"no shell reads it, and there is no program of this whole name: say `{words[0]}`, the rest in `args`"
            )
            at.key("command").warning(command.place, told)
    if isinstance(args, Scalar) and isinstance(args.value, str) and len(args.value.split()) > 1:
        at.key("args").warning(args.place, "is one argument, spaces and all; several are a list, `[-m, server]`")


def _credential(said: Mapping[str, Node], at: At) -> None:
    """One whose variable is not set was told already."""
    kind = said.get("auth_type")
    if not isinstance(kind, Scalar) or kind.value not in SENT_AS:
        return
    if "auth_value" in said or "authentication_token" in said or _in_headers(said):
        return
    told = "there is no `auth_value`: nothing is sent, but for clients that bring a credential of their own"
    at.key("auth_type").warning(kind.place, told)


def _in_headers(said: Mapping[str, Node]) -> bool:
    headers = said.get("static_headers")
    names = set(headers.entries) if isinstance(headers, Table) else set()
    brought = said.get("extra_headers")
    if brought is not None:
        items = (brought,) if isinstance(brought, Scalar) else getattr(brought, "items", ())
        names |= {item.text for item in items if isinstance(item, Scalar)}
    return any(name.lower() in _CREDENTIALS for name in names)


def _costs(info: Table, at: At) -> None:
    for name, entry in info.entries.items():
        if name != COSTS and nearest(name, [COSTS]) is not None:
            at.key(name).warning(
                entry.place, f"is free-form, and no call costs anything by it; did you mean `{COSTS}`?"
            )
    if COSTS not in info.entries:
        return
    at, costs = at.key(COSTS), info.entries[COSTS].node
    if not isinstance(costs, Table):
        if not (isinstance(costs, Scalar) and costs.value is None):
            at.expected("a table", costs)
        return
    for name, entry in costs.entries.items():
        at_key = at.key(name)
        if isinstance(entry.node, Scalar) and entry.node.value is None:
            continue
        if name == DEFAULT_COST:
            number(entry.node, at_key)
        elif name == COST_BY_TOOL:
            map_of(number)(entry.node, at_key)
        else:
            near = nearest(name, [DEFAULT_COST, COST_BY_TOOL])
            hint = f"did you mean `{near}`?" if near else f"what is: `{DEFAULT_COST}`, `{COST_BY_TOOL}`"
            at_key.warning(entry.place, f"is no cost that is known, and has no effect; {hint}")
