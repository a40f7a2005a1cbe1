"""What the commands of `tollbridge mcp` ask: the servers of a configuration, or a gateway that runs.

Both answer alike. The servers of a configuration are spoken to from here, as the admin: nothing is written into the
ledger, and no gateway needs to run. A gateway is asked over HTTP, and counts and enters what a key does.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from tollbridge.assemble.gateway import mcp_networks
from tollbridge.assemble.mcp import hub
from tollbridge.assemble.oauth import OAuth
from tollbridge.cli.gateway import Gateway, address, reached
from tollbridge.cli.place import AUDIT, place
from tollbridge.errors import APIError, NotFoundError
from tollbridge.mcp import resting
from tollbridge.mcp.absent import helped
from tollbridge.mcp.approving import approve, standings
from tollbridge.mcp.call import Call, Caller
from tollbridge.mcp.diagnosis import as_json, diagnose
from tollbridge.mcp.hub import Hub
from tollbridge.mcp.jsonrpc import RpcError
from tollbridge.mcp.lists import gathered
from tollbridge.mcp.many import DESCRIBE, SEARCH
from tollbridge.mcp.oauth.desk import shape_of
from tollbridge.mcp.oauth.errand import OAuthError
from tollbridge.mcp.oauth.sign_in import SignIns
from tollbridge.mcp.oauth.vault import SHARED
from tollbridge.mcp.pins import Pins
from tollbridge.mcp.rest import as_http, beside_its_server
from tollbridge.mcp.shape import shape
from tollbridge.model.json import JsonObject
from tollbridge.observe.audit import audited
from tollbridge.policy.principal import Principal
from tollbridge.store.database import Database
from tollbridge.store.mcp_pins import PinStore

T = TypeVar("T")
ADMIN = Principal("cli", admin=True)
"""In the audit log."""
MASTER = Principal("master", admin=True)
"""As a gateway knows its admin: at servers that want OAuth it is this one's sign-in that counts."""


class Listed(msgspec.Struct, frozen=True):
    """`tools`: each with its server in `mcp_info`. `absent`: what is told of servers that did not answer."""

    tools: list[JsonObject]
    absent: tuple[str, ...] = ()


class Desk(Protocol):
    """Raises APIError. `server`: one alone, by name, alias or id."""

    async def servers(self) -> list[JsonObject]: ...
    async def tools(self, server: str | None) -> Listed: ...
    def home_of(self, tool: str) -> str | None:
        """The server that the name says by itself; None where that is not known here."""

    async def call(self, tool: str, arguments: JsonObject, server: str | None) -> JsonObject: ...
    async def diagnoses(self, server: str | None) -> list[JsonObject]: ...
    async def standings(self, server: str) -> list[JsonObject]:
        """What waits for an admin's look, as `/v1/mcp/pins` shows it."""

    async def approve(self, server: str, tools: Mapping[str, str]) -> list[str]:
        """`tools`: what was looked at, by fingerprint."""


class Signing(Protocol):
    """Signing in at servers that want OAuth. Raises APIError."""

    async def begin_sign_in(self, server: str, redirect: str) -> JsonObject: ...
    async def finish_sign_in(self, said: JsonObject) -> JsonObject: ...
    async def sign_ins(self) -> list[JsonObject]: ...
    async def sign_out(self, server: str) -> bool: ...


class Safe(msgspec.Struct, frozen=True, eq=False):
    """`assemble.oauth.Safe`."""

    database: Database
    pepper: bytes


class ToldBesides(logging.Filter):
    """The ends of servers: the commands tell them by themselves."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.module != resting.__name__.rpartition(".")[2]


class Local:
    def __init__(self, servers: Hub, sign_ins: SignIns) -> None:
        self._hub = servers
        self._sign_ins = sign_ins
        self._caller = Caller(principal=MASTER, modern=False)

    async def servers(self) -> list[JsonObject]:
        return [shape(upstream, None, admin=True) for upstream in self._hub.upstreams.values()]

    async def tools(self, server: str | None) -> Listed:
        view = self._hub.view(self._caller, self._wanted(server))
        found, absent = await gathered(view, "tools/list", for_operator=True)
        tools = [beside_its_server(self._hub, upstream, tool) for upstream, tools in found for tool in tools]
        return Listed(tools, tuple(f"{name}: {why}" for name, why in absent.items()))

    def home_of(self, tool: str) -> str | None:
        placed = self._hub.view(self._caller).scope.placed("tools", tool)
        return None if placed is None else placed[0].name

    async def call(self, tool: str, arguments: JsonObject, server: str | None) -> JsonObject:
        view = self._hub.view(self._caller, self._wanted(server), alone=server is not None)
        call = Call("tools/call", {"name": tool, "arguments": arguments}, self._caller)
        try:
            if await view.meant(call) in (SEARCH, DESCRIBE):
                return await view.run(call)
            upstream, own = await view.target(call)
            return await helped(view, upstream, own["name"], view.at(upstream, call.with_params(own)))
        except RpcError as error:
            error.message = error.in_full
            raise as_http(error) from error

    async def diagnoses(self, server: str | None) -> list[JsonObject]:
        wanted = self._wanted(server)
        chosen = [one for one in self._hub.upstreams.values() if wanted is None or one.name in wanted]
        return [as_json(await diagnose(upstream, MASTER, hub=self._hub)) for upstream in chosen]

    async def standings(self, server: str) -> list[JsonObject]:
        return await standings(self._hub, ADMIN, server, all_of_them=False)

    async def approve(self, server: str, tools: Mapping[str, str]) -> list[str]:
        return await approve(self._hub, ADMIN, server, tools)

    async def begin_sign_in(self, server: str, redirect: str) -> JsonObject:
        upstream = self._sign_ins.signed_in_at(server, MASTER)
        begun = await as_api(self._sign_ins.begin(upstream, MASTER, redirect))
        return {"authorization_url": begun.url, "state": begun.state}

    async def finish_sign_in(self, said: JsonObject) -> JsonObject:
        return {"server": await as_api(self._sign_ins.finish(said, by=MASTER.id))}

    async def sign_ins(self) -> list[JsonObject]:
        return [shape_of(one) for one in await self._sign_ins.vault.list(None)]

    async def sign_out(self, server: str) -> bool:
        id = self._sign_ins.id(server)
        return any([await self._sign_ins.sign_out(id, owner, ADMIN.id) for owner in (MASTER.id, SHARED)])

    def _wanted(self, server: str | None) -> tuple[str, ...] | None:
        if server is None:
            return None
        found = self._hub.find(server)
        if found is None:
            known = ", ".join(self._hub.upstreams) or "none"
            raise NotFoundError(f"There is no MCP server {server!r} in this configuration; there is: {known}.")
        return (found.name,)


class Remote:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def servers(self) -> list[JsonObject]:
        found: list[JsonObject] = await self._gateway.ask("GET", "/v1/mcp/server")
        return found

    async def tools(self, server: str | None) -> Listed:
        query = "" if server is None else "?" + urlencode({"server_id": server})
        told = await self._gateway.ask("GET", f"/mcp-rest/tools/list{query}")
        if told.get("error") == "server_not_found":
            raise NotFoundError(str(told.get("message")))
        return Listed(told["tools"], (str(told["message"]),) if told.get("error") else ())

    def home_of(self, tool: str) -> str | None:
        return None

    async def call(self, tool: str, arguments: JsonObject, server: str | None) -> JsonObject:
        body: JsonObject = {"name": tool, "arguments": arguments}
        if server is not None:
            body["server_id"] = server
        found: JsonObject = await self._gateway.ask("POST", "/mcp-rest/tools/call", body)
        return found

    async def diagnoses(self, server: str | None) -> list[JsonObject]:
        query = "" if server is None else f"&server_ids={quote(server)}"
        found: list[JsonObject] = await self._gateway.ask("GET", f"/v1/mcp/server/health?tools=true{query}")
        if server is not None and not found:
            raise NotFoundError(f"There is no MCP server {server!r} there.")
        return found

    async def standings(self, server: str) -> list[JsonObject]:
        found: list[JsonObject] = await self._gateway.ask("GET", f"/v1/mcp/pins?server={quote(server, safe='')}")
        return found

    async def approve(self, server: str, tools: Mapping[str, str]) -> list[str]:
        told = await self._gateway.ask("POST", "/v1/mcp/pins", {"server": server, "tools": dict(tools)})
        approved: list[str] = told["approved"]
        return approved

    async def add(self, body: JsonObject) -> JsonObject:
        found: JsonObject = await self._gateway.ask("POST", "/v1/mcp/server", body)
        return found

    async def begin_sign_in(self, server: str, redirect: str) -> JsonObject:
        found: JsonObject = await self._gateway.ask(
            "POST", "/v1/mcp/sign-ins", {"server": server, "redirect_uri": redirect}
        )
        return found

    async def finish_sign_in(self, said: JsonObject) -> JsonObject:
        found: JsonObject = await self._gateway.ask("POST", "/v1/mcp/sign-ins/finish", said)
        return found

    async def sign_ins(self) -> list[JsonObject]:
        found: list[JsonObject] = (await self._gateway.ask("GET", "/v1/mcp/sign-ins"))["sign_ins"]
        return found

    async def sign_out(self, server: str) -> bool:
        told = await self._gateway.ask("DELETE", f"/v1/mcp/sign-ins/{quote(server)}")
        return bool(told["signed_out"])


@asynccontextmanager
async def local(config: Path, *, kept: bool = False) -> AsyncIterator[Local]:
    """`kept`: with what the gateway's database knows of tools; it is asked too where a server is held to that, and of
    sign-ins where one wants such.
    Raises ConfigError, StoreError."""
    found = place(config)
    networks = mcp_networks(found.config, found.environ)
    kept = kept or any(one.auth_type == "oauth2" or one.pin == "strict" for one in found.config.mcp_servers)
    database = await asyncio.to_thread(Database.open, found.database_url) if kept else None
    safe = None if database is None else Safe(database, found.home.pepper())
    oauth = OAuth(found.config, networks.operators, networks.others, safe)
    pins = Pins(None if database is None else PinStore(database))
    servers = hub(found.config, found.environ, networks.operators, oauth=oauth, pins=pins)
    besides = ToldBesides()
    resting.log.addFilter(besides)
    try:
        await pins.hear()
        with audited(found.home.path / AUDIT, sys.stderr) if kept else nullcontext():
            yield Local(servers, SignIns(servers, oauth.vault, oauth.notes))
        await pins.hear()
    finally:
        resting.log.removeFilter(besides)
        if database is not None:
            await asyncio.to_thread(database.close)
        await servers.close()
        await networks.operators.close()
        await networks.others.close()


async def as_api(work: Awaitable[T]) -> T:
    """Raises APIError where an authorization server says no."""
    try:
        return await work
    except OAuthError as error:
        raise APIError(error.in_full) from error


@asynccontextmanager
async def remote(url: str | None, key: str | None) -> AsyncIterator[Remote]:
    """Raises ConfigError."""
    async with reached(*address(url, key, os.environ)) as gateway:
        yield Remote(gateway)
