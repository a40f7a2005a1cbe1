"""One MCP server as the operator configured it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Literal

import msgspec

from tollbridge.config.mcp import spelled
from tollbridge.mcp.http import Address
from tollbridge.mcp.openapi.source import Source
from tollbridge.model.json import JsonObject

Transport = Literal["http", "sse", "stdio"]
TOOL_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
Pinning = Literal["alert", "strict", "none"]


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """`env`: what the child is given besides the little that every program needs."""

    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = {}
    cwd: str | None = None

    def __repr__(self) -> str:
        return f"<Command {self.command}>"


class Definition(msgspec.Struct, frozen=True, kw_only=True, eq=False, dict=True):
    """`address` or `command`: where it is; `api`: what is there is no MCP server but an API, and this describes it.
    `transport`: None finds out which kind of HTTP it speaks; `version`: None finds out its revision. `alias`: another
    name that it goes by, and the one that stands before its tools. `id`: that of one that was added over
    the API.

    `fixed`: names of headers of the address that no client replaces, in lower case; `brings`: of those of the client
    that go along. `auth_type`: how a credential that the client
    brings is spelled. `allowed`, `disallowed`: tools by their own names; None allows all. `allowed_params`: of a tool,
    the arguments that may be given. `display`, `descriptions`: what a tool is called and said to be. `groups`: access
    groups. `for_all`: every key may use it. Costs in nano-dollars a call: `cost_nanousd`, by tool `costs_nanousd`.
    `parallel`, `rpm`: of all callers together. `info`: free-form, told with its tools. `pin`: what becomes of a
    definition that changes (`pins.py`).
    """

    name: str
    alias: str | None = None
    id: str | None = None
    address: Address | None = None
    command: Command | None = None
    api: Source | None = None
    transport: Transport | None = None
    version: str | None = None
    description: str = ""
    info: JsonObject = {}
    instructions: str | None = None
    auth_type: str = "none"
    fixed: frozenset[str] = frozenset()
    brings: tuple[str, ...] = ()
    allowed: frozenset[str] | None = None
    disallowed: frozenset[str] = frozenset()
    allowed_params: Mapping[str, frozenset[str]] = {}
    display: Mapping[str, str] = {}
    descriptions: Mapping[str, str] = {}
    groups: frozenset[str] = frozenset()
    for_all: bool = False
    timeout_s: float = 60.0
    cost_nanousd: int | None = None
    costs_nanousd: Mapping[str, int] = {}
    parallel: int | None = None
    rpm: int | None = None
    sampling: bool = True
    elicitation: bool = True
    pin: Pinning = "alert"

    @cached_property
    def prefix(self) -> str:
        return spelled(self.alias or self.name)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All that it may be addressed by."""
        found = [name for name in (self.name, self.alias, self.id) if name is not None]
        return tuple(dict.fromkeys((*found, *map(spelled, found))))

    @cached_property
    def barred(self) -> tuple[str, ...]:
        """What it may not ask of a caller."""
        return (() if self.sampling else ("sampling",)) + (() if self.elicitation else ("elicitation",))

    def offers(self, tool: str) -> bool:
        return (self.allowed is None or tool in self.allowed) and tool not in self.disallowed

    def shown_name(self, tool: str) -> str:
        """What a tool is listed as: what the operator calls it, where that can be a tool's name."""
        said = self.display.get(tool, tool)
        return said if TOOL_NAME.fullmatch(said) else tool

    def own_name(self, shown: str) -> str:
        """What the server calls a tool that is listed so, or by its own name."""
        return next((own for own in self.display if self.shown_name(own) == shown), shown)

    def cost(self, tool: str) -> int | None:
        """Nano-dollars of a call; None where the operator said nothing."""
        return self.costs_nanousd.get(tool, self.cost_nanousd)
