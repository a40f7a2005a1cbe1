"""Which servers and tools a caller may use: looked at when they are listed, and again when one is called.

The admin may use all. A key may use the servers that the operator opened to every key, and those that its
`object_permission` names: servers, access groups, and of a server single tools (of a server that is named so alone, its
tools and nothing else). Rights never add up from two sources: whoever comes between (a team, an organization) can only
take away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from tollbridge.catalog.near import did_you_mean
from tollbridge.mcp.definition import Definition
from tollbridge.mcp.jsonrpc import INVALID_PARAMS, RpcError
from tollbridge.model.json import Json
from tollbridge.policy.principal import Principal


class Rights(msgspec.Struct, frozen=True):
    """`servers`: names or ids; `groups`: access groups; `tools` by server: those alone, where it is named here.
    `within`: what these do not reach either is not reached."""

    servers: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    tools: Mapping[str, frozenset[str]] = {}
    everything: bool = False
    within: Rights | None = None

    def narrowed(self, by: Rights) -> Rights:
        within = by if self.within is None else self.within.narrowed(by)
        return msgspec.structs.replace(self, within=within)

    def server(self, definition: Definition) -> bool:
        """Something of it may be used."""
        if self.within is not None and not self.within.server(definition):
            return False
        return self._whole(definition) or not self.tools.keys().isdisjoint(definition.names)

    def whole(self, definition: Definition) -> bool:
        """The server, and not tools of it alone: its resources and prompts too."""
        return self._whole(definition) and (self.within is None or self.within.whole(definition))

    def _whole(self, definition: Definition) -> bool:
        if self.everything or definition.for_all:
            return True
        return not self.servers.isdisjoint(definition.names) or not self.groups.isdisjoint(definition.groups)

    def tool(self, definition: Definition, tool: str) -> bool:
        if not definition.offers(tool) or (self.within is not None and not self.within.tool(definition, tool)):
            return False
        if self.everything or not self.tools:
            return True
        named = [self.tools[name] for name in definition.names if name in self.tools]
        return not named or any(tool in tools for tools in named)


class Unknown(RpcError):
    """What was named is not there for this caller."""


def unknown(kind: str, name: str, near: Sequence[str] = ()) -> Unknown:
    """`near`: names that the caller may have meant."""
    hint = f". {did_you_mean(near)}" if near else ""
    return Unknown(INVALID_PARAMS, f"Unknown {kind}: {name[:300]}{hint}")


def check_arguments(definition: Definition, tool: str, arguments: Json) -> None:
    """Raises RpcError where one is given that the operator does not let through."""
    allowed = definition.allowed_params.get(tool)
    if allowed is not None and isinstance(arguments, dict):
        more = sorted(set(arguments) - allowed)
        if more:
            told = f"The argument {more[0]!r} of {definition.shown_name(tool)!r} may not be given here."
            raise RpcError(INVALID_PARAMS, told)


ALL, NONE = Rights(everything=True), Rights()


def rights_of(principal: Principal) -> Rights:
    key = principal.key
    if key is None:
        return ALL if principal.admin else NONE
    return read_rights(key.permission)


def read_rights(said: Any) -> Rights:
    """LiteLLM's `object_permission`: `mcp_servers`, `mcp_access_groups`, `mcp_tool_permissions`. What cannot be read
    gives nothing."""
    if not isinstance(said, dict):
        return Rights()
    tools = said.get("mcp_tool_permissions")
    found = {
        str(server): frozenset(map(str, names))
        for server, names in (tools.items() if isinstance(tools, dict) else ())
        if isinstance(names, list)
    }
    return Rights(_names(said.get("mcp_servers")), _names(said.get("mcp_access_groups")), found)


def _names(said: Iterable[Any] | None) -> frozenset[str]:
    return frozenset(map(str, said)) if isinstance(said, list) else frozenset()
