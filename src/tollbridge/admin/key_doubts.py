"""Names in what a key may do that nothing here has: it is made as it was said, and they are told.

A model may be configured later, and a server be added: so none of it is an error.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from typing import Any

import msgspec

from tollbridge.catalog.near import did_you_mean, near
from tollbridge.policy.access import EVERY, NONE


class Known(msgspec.Struct, frozen=True):
    """What there is. `is_model`: what answers to a name; None where that cannot be told. `models`: names that may have
    been meant. `servers`, `groups`: of MCP; None where they are not known."""

    is_model: Callable[[str], bool] | None = None
    models: Collection[str] = ()
    servers: Collection[str] | None = None
    groups: Collection[str] | None = None


Knowing = Callable[[], Awaitable[Known]]


async def nothing_known() -> Known:
    return Known()


def doubts(fields: Mapping[str, Any], known: Known) -> Iterator[str]:
    """`fields`: of `Key`, those that are said."""
    if known.is_model is not None:
        for word, names in (
            ("models", fields.get("models") or ()),
            ("aliases", (fields.get("aliases") or {}).values()),
        ):
            for name in names:
                if "*" not in name and name not in EVERY and name != NONE and not known.is_model(name):
                    yield f"{word}: {_none('model', name, known.models)}"
    permission = fields.get("permission") or {}
    for word, names, there, what in (
        ("mcp_servers", permission.get("mcp_servers"), known.servers, "MCP server"),
        ("mcp_tool_permissions", permission.get("mcp_tool_permissions"), known.servers, "MCP server"),
        ("mcp_access_groups", permission.get("mcp_access_groups"), known.groups, "access group of MCP servers"),
    ):
        if there is not None:
            strange = [name for name in names or () if name not in there]
            yield from (f"object_permission.{word}: {_none(what, name, there)}" for name in strange)


def _none(what: str, name: str, there: Collection[str]) -> str:
    meant = near(name, there)
    return f"there is no {what} {name[:100]!r} here{f'. {did_you_mean(meant)}' if meant else ''}"
