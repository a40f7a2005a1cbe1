"""What one caller may see of the servers behind one endpoint.

1. A view of one server that was asked for by its path passes requests on as they are. A view of the whole endpoint, as
   soon as more than one server is configured, gives everything a prefix (`names.py`), whatever the caller may see; a
   tool's bare name works where it is the name of one tool alone.
2. Lists are asked for in parallel; a server that does not answer soon (`Upstream.soon`) delays nobody, and its absence
   is said in `_meta`. Order: servers by name, what they list in their own order.
3. What may not be used is not listed, and calling it is refused as if it were not there.
"""

from __future__ import annotations

import asyncio
import logging
import shlex
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn

import msgspec

from tollbridge.mcp.absent import meant
from tollbridge.mcp.access import Rights, check_arguments, unknown
from tollbridge.mcp.call import Call, Caller
from tollbridge.mcp.capabilities import extensions_of
from tollbridge.mcp.cursors import Cursors
from tollbridge.mcp.eras import to_legacy, to_modern
from tollbridge.mcp.facts import discover, facts
from tollbridge.mcp.jsonrpc import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    QUARANTINED,
    RESOURCE_NOT_FOUND,
    RpcError,
    no_method,
)
from tollbridge.mcp.link import OURSELVES, Link
from tollbridge.mcp.lists import gathered, items_of, listed, merged
from tollbridge.mcp.many import CALL, DESCRIBE, SEARCH, answered, inner
from tollbridge.mcp.names import joined, uri_of, uri_parted, with_uris
from tollbridge.mcp.offered import ITEMS
from tollbridge.mcp.revisions import TASKS
from tollbridge.mcp.scope import Scope
from tollbridge.mcp.tasks import HOLDERS, OF_TASKS, TaskIds, lacks_tasks
from tollbridge.mcp.upstream import Upstream
from tollbridge.mcp.watching import TASK, UPDATED
from tollbridge.model.json import Json, JsonObject

if TYPE_CHECKING:
    from tollbridge.mcp.hub import Hub

log = logging.getLogger("tollbridge.mcp")


class View(msgspec.Struct, eq=False, dict=True):
    """A scope, and who looks into it. `upstreams`, `rights` and `prefixed` are the scope's."""

    hub: Hub
    scope: Scope
    caller: Caller
    upstreams: tuple[Upstream, ...]
    rights: Rights
    prefixed: bool
    _targeted: tuple[Call, Upstream, JsonObject] | None = None

    __repr__ = object.__repr__

    def narrowed(self, rights: Rights) -> View:
        """To what these reach as well, servers and tools."""
        scope = self.scope.narrowed(rights)
        return View(self.hub, scope, self.caller, scope.upstreams, scope.rights, scope.prefixed)

    @property
    def missing(self) -> tuple[str, ...]:
        """What was asked for and is not there for this caller."""
        return self.scope.missing

    @cached_property
    def tasks(self) -> TaskIds:
        return TaskIds(self.hub.key, self.caller.principal.id)

    @cached_property
    def where(self) -> str:
        """What tells it from other views of the same principal."""
        return f"{[one.name for one in self.upstreams]}"

    @cached_property
    def cursors(self) -> Cursors:
        return Cursors(self.hub.key, f"{self.caller.principal.id} {self.where}")

    async def run(self, call: Call) -> JsonObject:
        """The result as the caller's era has it. Raises RpcError."""
        method = call.method
        if method in ITEMS:
            return await listed(self, call)
        if method == "server/discover":
            return await discover(self)
        if self.hub.many.above is not None and (meant := await self.meant(call)) in (SEARCH, DESCRIBE):
            return self.told(method, await answered(self, meant, call.params.get("arguments")), None)
        upstream, own = await self.target(call)
        return await self.at(upstream, call.with_params(own))

    async def meant(self, call: Call) -> str | None:
        """Which of the tools that stand for many is called, where it is one of them (`many.py`)."""
        many = self.hub.many
        return (
            None
            if many.above is None or call.method != "tools/call"
            else await many.meant(self, call.params.get("name"))
        )

    async def at(self, upstream: Upstream, call: Call) -> JsonObject:
        """At the server that it is for, with that server's own names."""
        try:
            result, link = await upstream.call(call)
        except RpcError as error:
            if error.code != HEADER_MISMATCH or call.method != "tools/call":
                raise
            await self.learn(upstream)  # it was never listed, or is another tool by now; nothing was done
            result, link = await upstream.call(call)
        if self.prefixed:
            result = with_uris(upstream.definition.prefix, call.method, result)
        if not HOLDERS.isdisjoint(result) and (call.method == "tools/call" or call.method.startswith(OF_TASKS)):
            result = self.tasks.told(upstream.definition.prefix, result)
        if not self.caller.modern:
            return to_legacy(result)
        return to_modern(call.method, result, OURSELVES if self.prefixed else link.server_info)

    def told(self, method: str, result: JsonObject, link: Link | None) -> JsonObject:
        if self.caller.modern:
            return to_modern(method, result, link.server_info if link is not None and not self.prefixed else OURSELVES)
        return to_legacy(result)

    # whose it is

    async def target(self, call: Call) -> tuple[Upstream, JsonObject]:
        """The server that a request is for, and the parameters with its own names. Raises RpcError where there is none
        for this caller. It is looked for once for each call."""
        if self._targeted is None or self._targeted[0] is not call:
            self._targeted = (call, *await self._found(call))
        return self._targeted[1:]

    async def _found(self, call: Call) -> tuple[Upstream, JsonObject]:
        method, params = call.method, call.params
        match method:
            case "tools/call":
                if self.hub.many.above is not None and await self.meant(call) == CALL:
                    params = inner(params)
                upstream, shown = await self._named("tools", params.get("name"))
                name = upstream.definition.own_name(shown)
                if not self.rights.tool(upstream.definition, name):
                    called = self.name_of(upstream, shown)
                    raise unknown("tool", called, await meant(self, "tools", called))
                check_arguments(upstream.definition, name, params.get("arguments"))
                if upstream.definition.pin == "strict":
                    await self._check_pin(upstream, name)
                return upstream, {**params, "name": name}
            case "prompts/get":
                upstream, name = await self._named("prompts", params.get("name"))
                return upstream, {**params, "name": name}
            case "resources/read" | "resources/subscribe" | "resources/unsubscribe":
                upstream, uri = self.resource(params.get("uri"))
                return upstream, {**params, "uri": uri}
            case "completion/complete":
                return await self._completed(params)
            case "tasks/list":
                raise no_method(method)  # a server that is shared would tell everybody's
            case _ if method.startswith(OF_TASKS):
                upstream, id = self.task(params.get("taskId")) or await self._no_task(method)
                return upstream, {**params, "taskId": id}
            case _:
                if len(self.upstreams) == 1 and not self.prefixed and self.rights.whole(self.upstreams[0].definition):
                    return self.upstreams[0], params
                raise no_method(method)

    def task(self, told: Json) -> tuple[Upstream, str] | None:
        """The server of a task that this caller was told of, and its own id there."""
        found = self.tasks.opened(self.scope.by_prefix, told)
        return None if found is None else (self.scope.by_prefix[found[0]], found[1])

    def renamed_in(self, upstream: Upstream, method: str, params: JsonObject) -> JsonObject:
        """A notification of a server, with the names that this view has for what it is about."""
        prefix = upstream.definition.prefix
        if method == UPDATED and self.prefixed and isinstance(uri := params.get("uri"), str):
            return {**params, "uri": uri_of(prefix, uri)}
        return self.tasks.told(prefix, params) if method == TASK else params

    async def _no_task(self, method: str) -> NoReturn:
        """As a server would refuse it."""
        capabilities, _, _ = await facts(self)
        if TASKS not in extensions_of(capabilities) and not capabilities.get("tasks"):
            raise no_method(method)
        if self.caller.modern and TASKS not in extensions_of(self.caller.capabilities):
            raise lacks_tasks()
        raise RpcError(INVALID_PARAMS, "Unknown task.", status=400)

    async def _check_pin(self, upstream: Upstream, name: str) -> None:
        """Raises RpcError where its definition is not what was approved."""
        pins, definition = self.hub.pins, upstream.definition
        if not pins.fresh(definition):
            await self.learn(upstream)
        why = pins.barred(definition, name)
        if why and not pins.held_back(definition, name):
            shown = definition.shown_name(name)
            raise RpcError(QUARANTINED, f"The tool {shown[:300]!r} cannot be called: {why}.", status=403)
        if why:
            raise _waits(upstream, name, why)

    async def _named(self, kind: str, name: Json) -> tuple[Upstream, str]:
        if not isinstance(name, str) or not name:
            raise RpcError(INVALID_PARAMS, "`name` is missing.", status=400)
        placed = self.scope.placed(kind, name)
        if placed is not None:
            return placed
        if not self.prefixed:
            raise unknown(kind[:-1], name)
        having = self.having(kind)
        known = await asyncio.gather(*(self._known(upstream, kind) for upstream in having))
        owners = [upstream for upstream, names in zip(having, known, strict=True) if name in names]
        if len(owners) == 1:
            return owners[0], name
        if owners:
            forms = ", ".join(joined(one.definition.prefix, self.hub.separator, name) for one in owners)
            raise RpcError(INVALID_PARAMS, f"Several servers have {name!r}: say {forms}.", status=400)
        for upstream in having if kind == "tools" else ():
            self._check_held_back(upstream, upstream.definition.own_name(name))
        raise unknown(kind[:-1], name, await meant(self, kind, name))

    def _check_held_back(self, upstream: Upstream, name: str) -> None:
        """Raises RpcError where its server lists such a tool, and a pin keeps it out of the list."""
        definition = upstream.definition
        why = self.hub.pins.held_back(definition, name) if self.rights.tool(definition, name) else ""
        if why:
            raise _waits(upstream, name, why)

    def having(self, kind: str) -> tuple[Upstream, ...]:
        """Of these servers things of this kind may be used."""
        return self.scope.having(kind)

    async def _known(self, upstream: Upstream, kind: str) -> set[str]:
        """Their names there; none where they cannot be listed soon."""
        items = await upstream.soon(items_of(self, upstream, f"{kind}/list"))
        return set() if isinstance(items, RpcError) else {item["name"] for item in items}

    def resource(self, uri: Json) -> tuple[Upstream, str]:
        if not isinstance(uri, str) or not uri:
            raise RpcError(INVALID_PARAMS, "`uri` is missing.", status=400)
        upstreams = self.having("resources")
        if not self.prefixed and upstreams:
            return upstreams[0], uri
        found = uri_parted(uri, [one.definition.prefix for one in upstreams])
        if found is None:
            raise RpcError(RESOURCE_NOT_FOUND, f"Resource not found: {uri[:300]}", {"uri": uri[:1000]})
        return self.scope.by_prefix[found[0]], found[1]

    async def _completed(self, params: JsonObject) -> tuple[Upstream, JsonObject]:
        ref = params.get("ref")
        if not isinstance(ref, dict):
            raise RpcError(INVALID_PARAMS, "`ref` is missing.", status=400)
        if "uri" in ref:
            upstream, uri = self.resource(ref["uri"])
            return upstream, {**params, "ref": {**ref, "uri": uri}}
        upstream, name = await self._named("prompts", ref.get("name"))
        return upstream, {**params, "ref": {**ref, "name": name}}

    # lists

    async def gathered(self, method: str) -> tuple[list[tuple[Upstream, list[JsonObject]]], dict[str, str]]:
        """All that the caller may use, by server, under each server's own names; and the servers that did not answer,
        with the reason."""
        return await gathered(self, method)

    async def tools(self) -> list[JsonObject]:
        """All that the caller may use, under the names of this view."""
        if self.prefixed:
            return (await merged(self, "tools/list"))[0]
        found, _ = await gathered(self, "tools/list")
        return [tool for _, tools in found for tool in tools]

    def name_of(self, upstream: Upstream, name: str) -> str:
        """What a tool or a prompt of that server is called in this view."""
        return joined(upstream.definition.prefix, self.hub.separator, name) if self.prefixed else name

    def knows(self, upstream: Upstream) -> bool:
        """Its tools were listed for this view before."""
        return upstream.listed

    async def learn(self, upstream: Upstream) -> None:
        """The schemas of its tools. What cannot be listed is not known, and stays so."""
        try:
            await items_of(self, upstream, "tools/list")
        except RpcError as error:
            log.info("the tools of the MCP server %r cannot be listed: %s", upstream.name, error.message)


def _waits(upstream: Upstream, tool: str, why: str) -> RpcError:
    command = shlex.join(("tollbridge", "mcp", "approve", upstream.name, tool[:300]))
    shown = upstream.definition.shown_name(tool)
    told = f"The tool {shown[:300]!r} is quarantined and waits for an admin's approval (`{command}`): {why}."
    return RpcError(QUARANTINED, told, status=403)
