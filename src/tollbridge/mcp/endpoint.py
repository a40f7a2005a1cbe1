"""The MCP endpoint: who asks, in which era, for which servers; then `modern.py` or `legacy.py`.

Paths: `/mcp` (all that the caller may use), `/mcp/{server}` and `/{server}/mcp` (servers, aliases and access groups,
with commas between several; one server alone is served under its own names), `/sse` and `/sse/messages` for HTTP+SSE.
`x-mcp-servers` (and `x-mcp-access-groups`) choose among all. Credentials for servers: `x-mcp-auth`, or the name that
the operator gave it; `x-mcp-{server}-{header}` for one of them; `Authorization`, where the gateway's key stands
elsewhere. `/mcp-rest/...` and `/mcp/tools/...` are in `rest.py`."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial

import msgspec

from tollbridge.errors import APIError, BadRequestError, NotFoundError
from tollbridge.mcp.call import Credentials
from tollbridge.mcp.guard import Guard
from tollbridge.mcp.hub import Hub
from tollbridge.mcp.jsonrpc import INVALID_REQUEST, Id, RpcError, decode, encode, failure, id_of
from tollbridge.mcp.legacy import Legacy
from tollbridge.mcp.management import Management
from tollbridge.mcp.modern import Modern
from tollbridge.mcp.outbound import why_not
from tollbridge.mcp.outflow import JSON_TYPE
from tollbridge.mcp.rest import Rest
from tollbridge.mcp.revisions import is_modern
from tollbridge.mcp.run import Runner
from tollbridge.mcp.toolbox import McpToolboxes
from tollbridge.mcp.upstream import Upstream
from tollbridge.mcp.vigil import Vigil
from tollbridge.observe import Record
from tollbridge.policy.minting import ACCESS_PREFIX, public_id
from tollbridge.policy.principal import Principal
from tollbridge.server.forwarded import public_base
from tollbridge.server.identify import KEY_HEADERS, OWN_HEADER, Authenticator, bare
from tollbridge.server.inbound import Inbound, Responder
from tollbridge.server.routes import Door, Route
from tollbridge.transport.base import Transport

CLIENT_AUTH = "x-mcp-auth"
_NAMES_ONE = re.compile(rb"x-mcp-(?!servers$|access-groups$)").match
"""Of a header that may be for one server."""
METHODS = ("POST", "GET", "DELETE")
MEANINGS_MAX = 1024
HEAD_BYTES_MAX = 4096
"""Of values of headers, in a request whose meaning is kept."""


_NOBODY = object()


class Meant(msgspec.Struct, eq=False):
    """What the head of a request says. `wanted`: servers, None for all; `alone`: one of them alone is meant. `modern`:
    the era. `reached_by`: the rights that were last seen to reach something of what the path names."""

    credentials: Credentials
    wanted: tuple[str, ...] | None
    alone: bool
    modern: bool
    reached_by: object = _NOBODY


class Endpoint:
    """`client_auth`: the header by which a client brings a credential for servers, in lower case. `public_url`: as the
    operator says, or "". `more`: routes beside these (`oauth/desk.py`, `front/`). `door`: who says who asks.
    `transports`: of the servers, closed after them. `is_admins`: whether this is the admin's own key."""

    def __init__(
        self,
        hub: Hub,
        runner: Runner,
        guard: Guard,
        *,
        is_admins: Callable[[str], bool],
        client_auth: str = CLIENT_AUTH,
        public_url: str = "",
        management: Management | None = None,
        more: Sequence[Route] = (),
        door: Door | None = None,
        transports: Sequence[Transport] = (),
    ) -> None:
        self._hub = hub
        self._is_admins = is_admins
        self._management = management
        self._transports = transports
        self._runner = runner
        self._guard = guard
        self._client_auth = client_auth.lower().encode()
        self._public_url = public_url
        self._more = more
        self._door = door
        # `Authorization` too, where it is the gateway's own key
        self._private = frozenset({OWN_HEADER, self._client_auth, *KEY_HEADERS, b"authorization"})
        self._rest = Rest(self, hub, runner)
        self._modern = Modern(hub, runner)
        self._legacy = Legacy(hub, runner)
        self._meanings: dict[tuple[object, ...], Meant] = {}
        self._meanings_of: Mapping[str, Upstream] = hub.upstreams
        self._vigil = Vigil(self._who, self._holds, self._end, self._changed)

    @property
    def hub(self) -> Hub:
        return self._hub

    def routes(self) -> Sequence[Route]:
        def mounted(path: str, methods: Sequence[str] = METHODS) -> Route:
            return Route(
                methods=tuple(methods), path=path, handler="mounted", access="key", mount=self.handle, door=self._door
            )

        return (
            *self._more,
            *(mounted(path) for path in ("/mcp", "/mcp/", "/mcp/{id}", "/{id}/mcp")),
            mounted("/sse", ("GET",)),
            mounted("/sse/messages", ("POST",)),
            *self._rest.routes(),
            *(() if self._management is None else self._management.routes()),
        )

    async def handle(self, inbound: Inbound, responder: Responder, record: Record, id: str | None) -> None:
        principal = inbound.principal
        if principal is None:
            raise TypeError("an MCP endpoint is open to nobody")
        watched = None
        if principal.key is not None:
            responder = watched = self._vigil.begin(inbound, responder, principal, principal.key.permission)
        try:
            meant = self._meant(inbound, id)
            said = principal.admin if principal.key is None else principal.key.permission
            if id is not None and meant.reached_by is not said:
                self._check_reach(principal, meant.wanted or ())
                meant.reached_by = said
            if meant.credentials.barred:
                self.check_brought(principal, meant.credentials)
            era = self._modern if meant.modern else self._legacy
            await era.handle(inbound, responder, record, meant.credentials, meant.wanted, alone=meant.alone)
        except RpcError as error:
            record.status = error.status if error.status >= 400 else 400
            responder.reply(record.status, [JSON_TYPE], encode(failure(_asked(inbound), error)))
        except APIError as error:
            record.status = error.status_code
            told = RpcError(INVALID_REQUEST, error.message)
            responder.reply(error.status_code, [JSON_TYPE], encode(failure(_asked(inbound), told)))
        finally:
            if watched is not None:
                self._vigil.end(watched)

    def _who(self, inbound: Inbound) -> Principal | Awaitable[Principal]:
        if self._door is not None:
            return self._door.authenticate(inbound)
        return self._runner.authenticator.authenticate(inbound.headers, inbound.principal)

    def _holds(self, principal: str) -> bool:
        return self._legacy.holds(principal) or self._modern.holds(principal)

    def _end(self, principal: str) -> None:
        self._legacy.end(principal)
        self._modern.end(principal)

    def _changed(self, principal: Principal) -> None:
        self._legacy.changed(principal)
        self._modern.changed(principal)

    def _meant(self, inbound: Inbound, id: str | None) -> Meant:
        """Read once of a head that comes again and again. Raises APIError."""
        headers = inbound.headers.copy()
        headers.pop(b"content-length", None)
        said: tuple[object, ...] = (inbound.path, inbound.scheme, inbound.host, inbound.peer, *headers.items())
        if self._meanings_of is not self._hub.upstreams:
            self._meanings_of = self._hub.upstreams
            self._meanings.clear()
        known = self._meanings.get(said)
        if known is not None:
            return known
        self.check(inbound)
        wanted, alone = self.wanted(inbound, id)
        credentials = self.credentials(headers, self.base(inbound))
        legacy = inbound.path in ("/sse", "/sse/messages") or not is_modern(_version(inbound))
        meant = Meant(credentials, wanted, alone, not legacy)
        if sum(map(len, headers.values())) <= HEAD_BYTES_MAX:
            if len(self._meanings) >= MEANINGS_MAX:
                self._meanings.clear()
            self._meanings[said] = meant
        return meant

    def check(self, inbound: Inbound) -> None:
        """Raises PermissionDeniedError where it comes from a page or under a name that is not served."""
        self._guard.check(inbound)

    def wanted(self, inbound: Inbound, id: str | None) -> tuple[tuple[str, ...] | None, bool]:
        """(servers, whether one alone is meant). The path comes before the headers."""
        if id is not None:
            if self._hub.find(id) is not None:
                return (id,), True
            names = _items(id)
            alone = len(names) == 1 and self._hub.find(names[0]) is not None
            if not any(self._hub.named(name) for name in names):
                raise _unknown(names)
            return names, alone
        chosen: list[str] = []
        named = False
        for header in (b"x-mcp-servers", b"x-mcp-access-groups"):
            value = inbound.headers.get(header)
            if value is not None:
                named = True
                chosen += _items(value.decode("latin-1"))
        return (tuple(chosen) if named else None), False

    def _check_reach(self, principal: Principal, wanted: Sequence[str]) -> None:
        """Whoever may not use what a path names does not learn that it is there. Raises NotFoundError."""
        if not self._hub.reaches(principal, wanted):
            raise _unknown(wanted)

    def base(self, inbound: Inbound) -> str:
        """The address under which whoever asks knows us."""
        return public_base(self._public_url, inbound.scheme, inbound.host, "")

    def is_key(self, shown: bytes) -> bool:
        """This, with or without a scheme before it, is a key of the gateway's: nobody else may see it."""
        key = bare(shown)
        if public_id(key) is not None or key.startswith(ACCESS_PREFIX.encode()):
            return True
        return self._is_admins(key.decode("utf-8", "replace"))

    def credentials(self, headers: Mapping[bytes, bytes], base: str = "", *, let_in: bool = False) -> Credentials:
        """What a request with these headers, which came to `base`, brings for servers. `let_in`: by something else
        than these, so that an `Authorization` that is no key of ours is for servers."""
        common: list[tuple[str, str]] = []
        brought, authorization = headers.get(self._client_auth), self._foreign(headers, let_in)
        if brought is not None:
            common.append(("authorization", brought.decode("latin-1")))
        elif authorization is not None:
            common.append(("authorization", authorization.decode("latin-1")))
        own: dict[str, dict[str, str]] = {}
        barred: dict[str, tuple[str, str]] = {}
        for server, header, name, value in self._for_one(headers):
            why = why_not(name)
            if why is None:
                own.setdefault(server, {})[name] = value
            else:
                barred[server] = (header, why)
        private = self._private if authorization is None else self._private - {b"authorization"}
        return Credentials(
            tuple(common),
            {server: tuple(found.items()) for server, found in own.items()},
            headers,
            private,
            base or self._public_url.rstrip("/"),
            barred,
        )

    def _for_one(self, headers: Mapping[bytes, bytes]) -> Iterator[tuple[str, str, str, str]]:
        """What is for one server: (the server, the header, what it is there, its value). It is for the one of the
        longest name: `x-mcp-one-two-token` is not for `one` where there is a `one-two`."""
        named = [header for header in headers if _NAMES_ONE(header)]
        if not named:
            return
        prefixes: dict[bytes, str] = {}
        for upstream in self._hub.upstreams.values():
            for name in upstream.definition.names:
                prefixes.setdefault(f"x-mcp-{name}-".lower().encode("latin-1", "replace"), upstream.name)
        for header in named:
            fit = [prefix for prefix in prefixes if header.startswith(prefix) and len(header) > len(prefix)]
            if fit:
                prefix = max(fit, key=len)
                there = header[len(prefix) :].decode("latin-1")
                yield prefixes[prefix], header.decode("latin-1"), there, headers[header].decode("latin-1")

    def check_brought(self, principal: Principal, credentials: Credentials) -> None:
        """Raises BadRequestError for a header that may not be brought, for a server that is there for this caller."""
        for server, (header, why) in credentials.barred.items():
            if self._hub.reaches(principal, (server,)):
                raise BadRequestError(
                    f"The header {header[:200]!r} may not be brought for an MCP server: {why}. Leave it out.",
                    code="header_not_allowed",
                    param=header[:200],
                )

    def brought(
        self, principal: Principal, headers: Mapping[bytes, bytes], base: str = "", *, let_in: bool = False
    ) -> Credentials:
        """As `credentials`, checked for who asks. Raises BadRequestError."""
        found = self.credentials(headers, base, let_in=let_in)
        self.check_brought(principal, found)
        return found

    def _foreign(self, headers: Mapping[bytes, bytes], let_in: bool) -> bytes | None:
        """An `Authorization` that is not for us: the gateway's key stands elsewhere, and is another."""
        own, authorization = headers.get(OWN_HEADER), headers.get(b"authorization")
        if authorization is None or (own is None and not let_in):
            return None
        same = own is not None and bare(own) == bare(authorization)
        return None if same or self.is_key(authorization) else authorization

    def toolboxes(self, authenticator: Authenticator, hosts: frozenset[str] = frozenset()) -> McpToolboxes:
        """The same servers as tools of models."""
        brought = partial(self.brought, let_in=True)
        return McpToolboxes(self._hub, self._runner, authenticator, brought, self.is_key, hosts=hosts)

    async def close(self) -> None:
        await self._vigil.close()
        self._legacy.close()
        await self._modern.close()
        await self._hub.close()
        for transport in self._transports:
            await transport.close()


def _unknown(names: Sequence[str]) -> NotFoundError:
    return NotFoundError(f"There is no MCP server {', '.join(names)[:200]!r} here.", code="unknown_mcp_server")


def _asked(inbound: Inbound) -> Id | None:
    """The id of the request that is refused as a whole, where it can be read."""
    try:
        return id_of(decode(inbound.body))
    except RpcError:
        return None


def _version(inbound: Inbound) -> str | None:
    value = inbound.headers.get(b"mcp-protocol-version")
    return None if value is None else value.decode("latin-1").strip()


def _items(said: str) -> tuple[str, ...]:
    return tuple(item for part in said.strip("/").split(",") if (item := part.strip()))
