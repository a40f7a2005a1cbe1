"""`/v1/mcp/*`, in LiteLLM's JSON: which servers there are, how they are, and adding them while the gateway serves.

1. Only the admin adds, changes and deletes, and sees where a server is; a key sees what it may use, and nothing else
   exists for it.
2. What is added is kept in the database (`kept.py`) and served at once, here and in every other process on it. Servers
   of the configuration are changed there.
3. A URL that comes this way leads to public addresses alone, and nothing is started, but for what the operator's file
   allows (`mcp_api_hosts`, `mcp_api_commands`). A trial is of HTTP alone, in any case.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence

from tollbridge.config.mcp import read_said
from tollbridge.errors import ConfigError, NotFoundError, UnprocessableEntityError
from tollbridge.mcp.access import rights_of
from tollbridge.mcp.approving import Approving
from tollbridge.mcp.call import Call, Caller
from tollbridge.mcp.diagnosis import LOOK_S, as_json, diagnose
from tollbridge.mcp.hub import Hub
from tollbridge.mcp.jsonrpc import RpcError
from tollbridge.mcp.kept import Kept, Make
from tollbridge.mcp.shape import TOLD, restored, shape, shape_of_unserved
from tollbridge.mcp.upstream import Upstream
from tollbridge.model.json import Json, JsonObject
from tollbridge.observe.audit import audit
from tollbridge.policy.principal import Principal
from tollbridge.server.managed import Call as Asked
from tollbridge.server.managed import Manager, Reply
from tollbridge.server.routes import READ, Route
from tollbridge.store.mcp_servers import KeptServer

HEALTH_OF_A_KEY = ("server_id", "server_name", "status", "latency_ms")
ID_CHARACTERS_MAX = 100


class Management:
    """One method per route. `make`: a server of what was said; raises ConfigError. `kept`: None where nothing is."""

    def __init__(self, hub: Hub, make: Make, kept: Kept | None) -> None:
        self._hub = hub
        self._make = make
        self._kept = kept

    def routes(self) -> Sequence[Route]:
        def seen(path: str, manager: Manager) -> Route:
            return Route(methods=READ, path=path, handler="managed", access="self", manager=manager)

        def changed(method: str, path: str, manager: Manager) -> Route:
            return Route(methods=(method,), path=path, handler="managed", access="admin", manager=manager)

        kept = self._kept
        return (
            seen("/v1/mcp/server", self.servers),
            seen("/v1/mcp/server/health", self.health),
            seen("/v1/mcp/server/{id}", self.server),
            seen("/v1/mcp/access_groups", self.groups),
            changed("POST", "/mcp-rest/test/connection", self.test_connection),
            changed("POST", "/mcp-rest/test/tools/list", self.test_tools),
            *Approving(self._hub).routes(),
            *(
                ()
                if kept is None
                else (
                    changed("POST", "/v1/mcp/server", Changes(self, self._hub, kept).add),
                    changed("PUT", "/v1/mcp/server", Changes(self, self._hub, kept).change),
                    changed("DELETE", "/v1/mcp/server/{id}", Changes(self, self._hub, kept).delete),
                )
            ),
        )

    async def servers(self, asked: Asked) -> Reply:
        admin = asked.principal.admin
        told = [self.shape(upstream, admin=admin) for upstream in self._usable(asked.principal)]
        if admin and self._kept is not None:
            problems = self._kept.problems
            told += [shape_of_unserved(self._kept.servers[id], why) for id, why in problems.items()]
        return Reply(told)

    async def server(self, asked: Asked) -> Reply:
        for upstream in self._usable(asked.principal):
            if asked.id in upstream.definition.names:
                return Reply(self.shape(upstream, admin=asked.principal.admin))
        kept = None if self._kept is None else self._kept.servers.get(asked.id)
        if asked.principal.admin and self._kept is not None and kept is not None:
            return Reply(shape_of_unserved(kept, self._kept.problems.get(kept.id, "it is not served yet")))
        raise no_such_server()

    async def groups(self, asked: Asked) -> Reply:
        usable = self._usable(asked.principal)
        return Reply({"access_groups": sorted({group for one in usable for group in one.definition.groups})})

    async def health(self, asked: Asked) -> Reply:
        """Each is greeted, or asked over the link that there is. `server_ids`: of those alone, with commas.
        `tools=true`: how many tools each has, and what is wrong with them."""
        wanted = {id for id in asked.query.get("server_ids", "").split(",") if id}
        usable = [one for one in self._usable(asked.principal) if not wanted or wanted & set(one.definition.names)]
        tools = asked.query.get("tools", "").lower() == "true"
        return Reply(await asyncio.gather(*(self._health(one, asked.principal, tools=tools) for one in usable)))

    async def test_connection(self, asked: Asked) -> Reply:
        why = await self._try(asked, "server/discover")
        return Reply({"status": "ok"} if not isinstance(why, str) else {"status": "error", "message": why})

    async def test_tools(self, asked: Asked) -> Reply:
        found = await self._try(asked, "tools/list")
        if isinstance(found, str):
            return Reply({"tools": [], "error": "server_error", "message": found})
        return Reply({"tools": found, "error": None, "message": "Successfully retrieved tools"})

    def shape(self, upstream: Upstream, *, admin: bool) -> JsonObject:
        id = upstream.definition.id
        kept = None if id is None or self._kept is None else self._kept.servers.get(id)
        return shape(upstream, kept, admin=admin)

    def _usable(self, principal: Principal) -> list[Upstream]:
        rights = rights_of(principal)
        return [upstream for upstream in self._hub.upstreams.values() if rights.server(upstream.definition)]

    async def _health(self, upstream: Upstream, principal: Principal, *, tools: bool) -> JsonObject:
        """Only the admin is told what is wrong: addresses may stand in it."""
        told = as_json(await diagnose(upstream, principal, tools=tools, hub=self._hub))
        return told if principal.admin else {name: told[name] for name in HEALTH_OF_A_KEY}

    async def _try(self, asked: Asked, method: str) -> Json:
        """The tools of the server that is described, or why it cannot be reached."""
        said = {"server_name": "trial", **_plain(asked.body), "alias": None}
        if said.get("command") or said.get("transport") == "stdio":
            raise UnprocessableEntityError(
                "Only servers over HTTP are tried: a command is not started.", code="invalid_field", param="command"
            )
        try:
            upstream = self._make(KeptServer(id="trial", name="trial", said=said))
        except ConfigError as error:
            raise invalid(error) from error
        caller = Caller(principal=asked.principal, modern=False)
        try:
            found = await diagnose(upstream, asked.principal, tools=False)
            if found.error is not None or method != "tools/list":
                return found.error
            view = Hub([upstream]).view(caller, alone=True)
            async with asyncio.timeout(LOOK_S):
                return (await view.run(Call(method, {}, caller))).get("tools") or []
        except (RpcError, TimeoutError) as error:
            return error.message if isinstance(error, RpcError) else "it did not answer in time"
        finally:
            await upstream.close()


class Changes:
    def __init__(self, management: Management, hub: Hub, kept: Kept) -> None:
        self._management = management
        self._hub = hub
        self._kept = kept

    async def add(self, asked: Asked) -> Reply:
        body = asked.body
        id = body.get("server_id") or str(uuid.uuid4())
        if not isinstance(id, str) or len(id) > ID_CHARACTERS_MAX or "/" in id or "," in id or not id.isprintable():
            raise UnprocessableEntityError("`server_id` is a short text.", code="invalid_field", param="server_id")
        said = _plain(body)
        if not (said.get("server_name") or said.get("name")):
            said["server_name"] = said.get("alias")
        name, warnings = self._checked(id, said)
        await self._kept.store.insert(id, name, said, asked.principal.id)
        audit("mcp_server.add", asked.principal.id, server=id, name=name)
        return await self._told(id, warnings, 201)

    async def change(self, asked: Asked) -> Reply:
        """Of what was said of it, what is said now. null takes away."""
        former = await self._found(asked.body.get("server_id"))
        upstream = self._kept.upstream(former)
        shown = {} if upstream is None else self._management.shape(upstream, admin=True)
        said = {**former.said, **restored(_plain(asked.body), former.said, shown)}
        name, warnings = self._checked(former.id, said)
        if await self._kept.store.update(former, name, said, asked.principal.id) is None:
            raise no_such_server()
        fields = sorted(name for name in asked.body if name != "server_id")
        audit("mcp_server.change", asked.principal.id, server=former.id, name=name, fields=fields)
        return await self._told(former.id, warnings, 202)

    async def delete(self, asked: Asked) -> Reply:
        former = await self._found(asked.id)
        if not await self._kept.store.delete(former.id):
            raise no_such_server()
        await self._kept.hear()
        await self._hub.pins.forget(former.name)
        audit("mcp_server.delete", asked.principal.id, server=former.id, name=former.name)
        return Reply({"server_id": former.id, "deleted": True}, 202)

    def _checked(self, id: str, said: JsonObject) -> tuple[str, tuple[str, ...]]:
        """Its name, and warnings. Raises UnprocessableEntityError."""
        try:
            server, warnings = read_said(said)
            self._kept.check(KeptServer(id=id, name=server.name, said=said))
        except ConfigError as error:
            raise invalid(error) from error
        return server.name, warnings

    async def _found(self, id: Json) -> KeptServer:
        await self._kept.hear()
        found = self._kept.servers.get(id) if isinstance(id, str) else None
        if found is not None:
            return found
        if isinstance(id, str) and self._hub.find(id) is not None:
            raise UnprocessableEntityError(
                "This server stands in the configuration: it is changed there.", code="configured", param="server_id"
            )
        raise no_such_server()

    async def _told(self, id: str, warnings: Sequence[str], status: int) -> Reply:
        await self._kept.hear()
        kept = self._kept.servers[id]
        upstream = self._kept.upstream(kept)
        if upstream is None:
            told = shape_of_unserved(kept, self._kept.problems.get(id, "it is not served"))
        else:
            told = shape(upstream, kept, admin=True)
        return Reply({**told, "warnings": list(warnings)} if warnings else told, status)


def no_such_server() -> NotFoundError:
    return NotFoundError("There is no such MCP server here.", code="mcp_server_not_found", param="server_id")


def invalid(error: ConfigError) -> UnprocessableEntityError:
    return UnprocessableEntityError(f"This is no MCP server: {error}", code="invalid_mcp_server")


def _plain(body: Mapping[str, Json]) -> JsonObject:
    """What is kept of a body."""
    return {name: value for name, value in body.items() if name not in TOLD and name != "server_id"}
