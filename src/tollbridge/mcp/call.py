"""One request of a caller on its way to an MCP server, and who the caller is."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from tollbridge.mcp.jsonrpc import encode
from tollbridge.mcp.revisions import CLIENT_CAPABILITIES, loud_enough
from tollbridge.model.json import Json, JsonObject
from tollbridge.policy.principal import Principal
from tollbridge.server.identify import KEY_HEADERS, OWN_HEADER

Tell = Callable[[str, JsonObject], None]
"""Of a notification: method and parameters."""
Ask = Callable[[str, str, JsonObject], Awaitable[JsonObject]]
"""A request of a server to the client: the server's name, method and parameters. Raises RpcError."""
Room = Callable[[], asyncio.Future[None] | None]


UNNAMED_LEVEL = "info"
_JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")


class Credentials(msgspec.Struct, frozen=True):
    """What a caller brought for MCP servers: `common` for all, `own` by server, names of headers in lower case.
    `headers`: all that the request said, for those that the operator lets through; never one of `private`. `base`: the
    address under which the caller knows the gateway, "" where that is not known. `barred`: by server, the header for it
    that may not be brought, and why."""

    common: tuple[tuple[str, str], ...] = ()
    own: Mapping[str, tuple[tuple[str, str], ...]] = {}
    headers: Mapping[bytes, bytes] = {}
    private: frozenset[bytes] = frozenset()
    base: str = ""
    barred: Mapping[str, tuple[str, str]] = {}

    def brought(self, name: str) -> str | None:
        header = name.encode()
        value = None if header in self.private else self.headers.get(header)
        return None if value is None else value.decode("latin-1")

    @property
    def token(self) -> str | None:
        """The token by which the caller was let in, where another issuer gave it: a JWT, which no key of ours is."""
        scheme, _, shown = self.headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        alone = self.headers.keys().isdisjoint((OWN_HEADER, *KEY_HEADERS))
        return shown if alone and scheme.lower() == "bearer" and _JWT.fullmatch(shown) else None

    def __repr__(self) -> str:
        return "<Credentials>"


NO_CREDENTIALS = Credentials()


class Caller(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """`capabilities`: as the client declared them, passed on as they are. `session`: the legacy session that it is in,
    or "". `modern`: the era that it speaks."""

    principal: Principal
    modern: bool
    capabilities: JsonObject = {}
    client_info: JsonObject | None = None
    session: str = ""
    credentials: Credentials = NO_CREDENTIALS

    @property
    def answers(self) -> JsonObject:
        """What a server may ask of it, as capabilities."""
        found = self.capabilities
        if not found:
            return found
        return {name: found[name] for name in CLIENT_CAPABILITIES if found.get(name) is not None}

    def without(self, capabilities: Sequence[str]) -> Caller:
        """As one that does not declare these."""
        if not any(name in self.capabilities for name in capabilities):
            return self
        kept = {name: value for name, value in self.capabilities.items() if name not in capabilities}
        return msgspec.structs.replace(self, capabilities=kept)

    @property
    def alike(self) -> str:
        """Callers that a legacy server cannot tell apart."""
        return f"{self.principal.id} {encode([self.answers, self.client_info]).decode()}"


def _nobody(method: str, params: JsonObject) -> None:
    """Nobody wants to be told."""


class Call(msgspec.Struct, eq=False):
    """`params`: without what belongs to the protocol. `tell`: gets the notifications about it; `ask`: answers what the
    server asks meanwhile, None where the caller answers nothing. `log_level`: from which on it wants to be told.
    `room`: None, or what to wait for before the caller is told more, where it is behind with reading."""

    method: str
    params: JsonObject
    caller: Caller
    tell: Tell = _nobody
    ask: Ask | None = None
    progress_token: str | int | None = None
    log_level: str | None = None
    room: Room | None = None

    def __repr__(self) -> str:
        """Shows no arguments."""
        return f"<Call of {self.method}>"

    def hears(self, level: Json) -> bool:
        """A log line of this level. A legacy client that named no level hears what its server says."""
        if self.log_level is None:
            return not self.caller.modern
        return loud_enough(level, self.log_level)

    @property
    def wanted_level(self) -> str | None:
        """As a modern server is told: it says nothing to who names no level."""
        return UNNAMED_LEVEL if self.log_level is None and not self.caller.modern else self.log_level

    def with_params(self, params: JsonObject) -> Call:
        told = self.tell, self.ask, self.progress_token, self.log_level, self.room
        return Call(self.method, params, self.caller, *told)
