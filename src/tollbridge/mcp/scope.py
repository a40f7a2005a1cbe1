"""What may be used at one address of the endpoint, by all who have the same rights: looked up once, and then a table.

It holds while the servers are the ones that it was made of, which the hub sees to; who has other rights, because a key
says something else by now, has another scope. What a call is allowed is in `offers` where its name alone says so. Where
its arguments, the pin of the tool or what a server lists just now have a word in it, each call is looked at anew
(`hub.View.target`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import msgspec

from tollbridge.mcp.access import Rights
from tollbridge.mcp.names import parted
from tollbridge.mcp.upstream import Upstream
from tollbridge.model.json import Json

OFFERS_MAX = 1024
NAME_CHARACTERS_MAX = 256


class Offer(msgspec.Struct, frozen=True, eq=False):
    """A tool that may be called. `name`: the server's own."""

    upstream: Upstream
    name: str
    cost_nanousd: int


class Scope(msgspec.Struct, frozen=True, eq=False, dict=True):
    """`upstreams`: in the order of the configuration. `prefixed`: their names stand before the names of what they have.
    `missing`: what was asked for and is not there. `direct`: no tool stands for others (`many.py`)."""

    upstreams: tuple[Upstream, ...]
    rights: Rights
    separator: str
    prefixed: bool = False
    missing: tuple[str, ...] = ()
    direct: bool = True
    offers: dict[str, Offer] = {}

    __repr__ = object.__repr__

    def narrowed(self, rights: Rights) -> Scope:
        """To what these reach as well, servers and tools."""
        upstreams = tuple(one for one in self.upstreams if rights.server(one.definition))
        return Scope(
            upstreams, self.rights.narrowed(rights), self.separator, self.prefixed, self.missing, direct=self.direct
        )

    @cached_property
    def by_prefix(self) -> Mapping[str, Upstream]:
        return {upstream.definition.prefix: upstream for upstream in self.upstreams}

    @cached_property
    def whole(self) -> tuple[Upstream, ...]:
        """Of which more than single tools may be used."""
        return tuple(one for one in self.upstreams if self.rights.whole(one.definition))

    def having(self, kind: str) -> tuple[Upstream, ...]:
        """Of these servers things of this kind may be used."""
        return self.upstreams if kind == "tools" else self.whole

    def placed(self, kind: str, name: str) -> tuple[Upstream, str] | None:
        """The server, and what it is called there, where the name says so by itself."""
        upstreams = self.having(kind)
        if not self.prefixed:
            return (upstreams[0], name) if upstreams else None
        found = parted(name, [one.definition.prefix for one in upstreams], self.separator)
        return None if found is None else (self.by_prefix[found[0]], found[1])

    def offer(self, name: Json) -> Offer | None:
        """The tool of this name, where every call of it is allowed."""
        if not isinstance(name, str) or not self.direct:
            return None
        return self.offers.get(name) or self._looked_up(name)

    def _looked_up(self, name: str) -> Offer | None:
        placed = self.placed("tools", name)
        if placed is None:
            return None
        upstream, shown = placed
        definition = upstream.definition
        own = definition.own_name(shown)
        if not self.rights.tool(definition, own) or own in definition.allowed_params or definition.pin == "strict":
            return None
        offer = Offer(upstream, own, definition.cost(own) or 0)
        if len(name) <= NAME_CHARACTERS_MAX:
            if len(self.offers) >= OFFERS_MAX:
                self.offers.clear()
            self.offers[name] = offer
        return offer
