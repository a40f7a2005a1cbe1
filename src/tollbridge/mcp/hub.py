"""The servers behind one endpoint, as they come and go.

    view = hub.view(caller, wanted)          the servers that are asked for and that the caller may use
    result = await view.run(call)            one request, at the server that it is for, or at all of them

What a view shows, and under which names, is in `view.py`.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tollbridge.mcp.access import Rights, rights_of
from tollbridge.mcp.call import Caller
from tollbridge.mcp.many import Many
from tollbridge.mcp.pins import Pins
from tollbridge.mcp.scope import Scope
from tollbridge.mcp.upstream import Upstream
from tollbridge.mcp.view import View
from tollbridge.policy.principal import Principal

RIGHTS_MAX = SCOPES_MAX = 1024


class Hub:
    """`separator`: between a server's name and a tool's. `key`: signs the cursors of merged lists. `pins`: what tools
    were trusted as. `many`: what is shown where there are too many."""

    def __init__(
        self,
        upstreams: Sequence[Upstream],
        *,
        separator: str = "-",
        key: bytes = b"",
        pins: Pins | None = None,
        many: Many | None = None,
    ) -> None:
        self.upstreams: Mapping[str, Upstream] = {upstream.name: upstream for upstream in upstreams}
        self._by_name = _by_name(self.upstreams)
        self.separator = separator
        self.pins = Pins() if pins is None else pins
        self.many = Many() if many is None else many
        self.arrivals: set[Callable[[Upstream], None]] = set()
        """Told of each server that is served from now on, by those who watch."""
        self._retiring: set[asyncio.Task[None]] = set()
        self._rights: dict[int, tuple[Any, Rights]] = {}
        self._scopes: dict[tuple[int, tuple[str, ...] | None, bool], Scope] = {}
        self.key = key or hashlib.sha256(repr(sorted(self.upstreams)).encode()).digest()

    def put(self, upstream: Upstream) -> None:
        """From now on it is served, in the place of one of that name. What that one has under way ends undisturbed."""
        former = self.upstreams.get(upstream.name)
        self._replace({**self.upstreams, upstream.name: upstream}, former)
        if former is not None:
            for watch in former.watching.watches:
                if self._rights_of(watch.caller.principal).server(upstream.definition):
                    former.watching.hand_over(watch, upstream.watching)
        for arrived in tuple(self.arrivals):
            arrived(upstream)

    def take(self, name: str) -> None:
        """It is served no more."""
        rest = {other: upstream for other, upstream in self.upstreams.items() if other != name}
        self._replace(rest, self.upstreams.get(name))

    def _replace(self, upstreams: Mapping[str, Upstream], former: Upstream | None) -> None:
        watched, self.upstreams = self.upstreams, upstreams
        self._by_name = _by_name(upstreams)
        self._scopes.clear()
        for upstream in watched.values():
            upstream.watching.all_new()
        if former is not None:
            retiring = asyncio.ensure_future(former.retire())
            self._retiring.add(retiring)
            retiring.add_done_callback(self._retiring.discard)

    def find(self, name: str) -> Upstream | None:
        """By its name, its alias, either with `_` for spaces, or its id."""
        return self._by_name.get(name)

    def in_group(self, group: str) -> list[Upstream]:
        return [upstream for upstream in self.upstreams.values() if group in upstream.definition.groups]

    def named(self, name: str) -> list[Upstream]:
        """The server that is called so, and those of the access group."""
        one = self.find(name)
        return [*(() if one is None else (one,)), *self.in_group(name)]

    def reaches(self, principal: Principal, names: Sequence[str]) -> bool:
        """Something of these servers and access groups may be used."""
        rights = self._rights_of(principal)
        return any(rights.server(one.definition) for name in names for one in self.named(name))

    def view(self, caller: Caller, wanted: Sequence[str] | None = None, *, alone: bool = False) -> View:
        """`wanted`: servers, aliases or access groups; None is everything. `alone`: one server, by its path, under its
        own names."""
        rights = self._rights_of(caller.principal)
        asked = None if wanted is None else tuple(wanted)
        scope = self._scopes.get((id(rights), asked, alone))
        if scope is None or scope.rights is not rights:
            scope = self._scope(rights, asked, alone=alone)
            if not scope.missing:  # so the names are the operator's
                if len(self._scopes) >= SCOPES_MAX:
                    self._scopes.clear()
                self._scopes[id(rights), asked, alone] = scope
        return View(self, scope, caller, scope.upstreams, scope.rights, scope.prefixed)

    def _scope(self, rights: Rights, wanted: tuple[str, ...] | None, *, alone: bool) -> Scope:
        one = self.find(wanted[0]) if alone and wanted is not None and len(wanted) == 1 else None
        if one is not None and rights.server(one.definition):
            return Scope((one,), rights, self.separator, direct=self.many.above is None)
        usable = [upstream for upstream in self.upstreams.values() if rights.server(upstream.definition)]
        missing: list[str] = []
        if wanted is not None:
            chosen: dict[str, Upstream] = {}
            for name in wanted:
                found = [one for one in self.named(name) if one in usable]
                if not found:
                    missing.append(name)
                chosen.update({one.name: one for one in found})
            usable = [upstream for upstream in usable if upstream.name in chosen]
        prefixed = not alone and len(self.upstreams) > 1
        direct = self.many.above is None
        return Scope(tuple(usable), rights, self.separator, prefixed, tuple(missing), direct=direct)

    def _rights_of(self, principal: Principal) -> Rights:
        """As `rights_of`; what a key says of them is read once, for as long as it says the same."""
        if principal.key is None:
            return rights_of(principal)
        said = principal.key.permission
        known = self._rights.get(id(said))
        if known is not None and known[0] is said:
            return known[1]
        if len(self._rights) >= RIGHTS_MAX:
            self._rights.clear()
        rights = rights_of(principal)
        self._rights[id(said)] = (said, rights)  # kept with it: no other has its `id` meanwhile
        return rights

    async def close(self) -> None:
        for retiring in tuple(self._retiring):
            retiring.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)
        await asyncio.gather(*(upstream.close() for upstream in self.upstreams.values()), return_exceptions=True)


def _by_name(upstreams: Mapping[str, Upstream]) -> Mapping[str, Upstream]:
    """By all that they may be addressed by; of two the first counts."""
    found: dict[str, Upstream] = {}
    for upstream in upstreams.values():
        for name in upstream.definition.names:
            found.setdefault(name, upstream)
    return found
