"""Where people sign in at MCP servers, and what is told over the API of who did.

GET  /mcp/sign-in/{invitation}      says what is asked, and asks for the gateway key of who was invited
POST /mcp/sign-in/{invitation}      says whereto the person goes
GET  /mcp/callback                  where the authorization server sends the person back to
GET  /client-metadata.json          ourselves, for authorization servers that read descriptions of clients
POST /v1/mcp/sign-ins               begins one for who shows the key: {"server", "redirect_uri"} on loopback
POST /v1/mcp/sign-ins/finish        the answer that came there: {"state", "code", "iss"}
GET  /v1/mcp/sign-ins               where the key is signed in; the admin is told of all
DELETE /v1/mcp/sign-ins/{server}    signs out; the admin may say whom: ?owner=
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl, urlsplit

import msgspec

from tollbridge.errors import APIError, AuthenticationError, BadGatewayError, BadRequestError, PermissionDeniedError
from tollbridge.mcp.guard import Guard
from tollbridge.mcp.oauth.errand import OAuthError
from tollbridge.mcp.oauth.forms import FIELDS_MAX, read_form, who
from tollbridge.mcp.oauth.invitations import PATH, Invitation, Invitations
from tollbridge.mcp.oauth.pages import Form, headers, page
from tollbridge.mcp.oauth.registration import description
from tollbridge.mcp.oauth.sign_in import SignIns
from tollbridge.mcp.oauth.vault import SHARED, SignedIn
from tollbridge.model.json import Json, JsonObject
from tollbridge.observe import Record
from tollbridge.observe.line import spelled
from tollbridge.policy.principal import Principal
from tollbridge.server.answers import JSON
from tollbridge.server.identify import Authenticator, OpenDoor
from tollbridge.server.inbound import Inbound, Responder
from tollbridge.server.managed import Call, Manager, Reply
from tollbridge.server.routes import READ, Route

CALLBACK = "/mcp/callback"
DOCUMENT = "/client-metadata.json"
COOKIE = "tollbridge-sign-in"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Where the answer to a sign-in that a program began may be sent."""

_encode = msgspec.json.Encoder().encode

Base = Callable[[Inbound], str]
"""The address under which whoever asks knows us."""


class Desk:
    """`door`: who knows keys; looked up at each use."""

    def __init__(
        self,
        sign_ins: SignIns,
        invitations: Invitations,
        guard: Guard,
        door: Callable[[], Authenticator],
        base: Base,
    ) -> None:
        self._sign_ins = sign_ins
        self._invitations = invitations
        self._guard = guard
        self._door = door
        self._base = base

    def routes(self) -> Sequence[Route]:
        def shown(path: str, *methods: str) -> Route:
            return Route(methods=methods, path=path, handler="mounted", access="open", mount=self.handle)

        def asked(method: str, path: str, manager: Manager) -> Route:
            return Route(methods=(method,), path=path, handler="managed", access="self", manager=manager)

        return (
            shown(PATH + "{id}", "GET", "POST"),
            shown(CALLBACK, "GET"),
            Route(methods=READ, path=DOCUMENT, handler="mounted", access="open", mount=self.describe),
            asked("POST", "/v1/mcp/sign-ins", self.begin),
            asked("POST", "/v1/mcp/sign-ins/finish", self.finish),
            asked("GET", "/v1/mcp/sign-ins", self.list),
            asked("DELETE", "/v1/mcp/sign-ins/{id}", self.sign_out),
        )

    # the pages

    async def handle(self, inbound: Inbound, responder: Responder, record: Record, id: str | None) -> None:
        cookies: list[tuple[bytes, bytes]] = []
        try:
            self._guard.check(inbound)
            if id is None:
                record.status, shown = 200, await self._called_back(inbound)
            elif inbound.method == "GET":
                record.status, shown = 200, self._invited(self._invitations.read(id))
            else:
                shown, cookie = await self._agreed(inbound, self._invitations.read(id))
                record.status = 200
                cookies.append((b"set-cookie", cookie))
        except AuthenticationError as error:
            record.status = 401
            shown = page("This key will not do", [error.message, "Go back and try again."])
        except APIError as error:
            record.status = error.status_code
            shown = page("This did not work", [error.message])
        except OAuthError as error:
            record.status, shown = 502, page("You are not signed in", [error.message])
        responder.reply(record.status, [*headers(), *cookies], shown)

    def _invited(self, told: Invitation) -> bytes:
        whose = "for everybody who uses this gateway" if told.owner == SHARED else f"for the key {told.owner}"
        lines = [
            f"Somebody who uses this gateway {whose} was asked to sign in at the MCP server {told.server}.",
            "The gateway keeps what the server gives it, encrypted, and acts there in your name for that key alone.",
            "Go on only if it was you who asked.",
        ]
        if told.scopes:
            lines.insert(1, f"What is asked for: {', '.join(told.scopes)}.")
        return page(f"Sign in at {told.server}", lines, form=Form(submit="Go on", key=not self._open))

    @property
    def _open(self) -> bool:
        return isinstance(self._door(), OpenDoor)

    async def _agreed(self, inbound: Inbound, told: Invitation) -> tuple[bytes, bytes]:
        principal = await self._who(inbound)
        if told.owner != SHARED and principal.id != told.owner:
            raise PermissionDeniedError("This invitation is for another key than yours.", code="not_invited")
        upstream = self._sign_ins.signed_in_at(told.server, principal)
        base = self._base(inbound)
        browser = cookie_of(inbound.headers, base) or secrets.token_urlsafe(32)
        begun = await self._sign_ins.begin(
            upstream,
            principal,
            base + CALLBACK,
            browser=browser,
            scopes=told.scopes,
            metadata_url=told.metadata_url,
        )
        host = urlsplit(begun.url).netloc
        lines = [f"{told.server} lets people in at {host}. There you sign in, and are sent back here."]
        return page(f"Sign in at {told.server}", lines, link=(begun.url, f"Go to {host}")), set_cookie(browser, base)

    async def _who(self, inbound: Inbound) -> Principal:
        fields = read_form(inbound.body)
        shown = {name: value for name, value in inbound.headers.items() if name in (b"host", b"origin")}
        return await who(self._door(), shown, fields.get("key", ""))

    async def _called_back(self, inbound: Inbound) -> bytes:
        said = dict(parse_qsl(inbound.query, keep_blank_values=True, max_num_fields=FIELDS_MAX))
        browser = cookie_of(inbound.headers, self._base(inbound))
        if not browser:
            raise BadRequestError("This browser began no sign-in here.", code="no_sign_in_under_way")
        name = await self._sign_ins.finish(said, browser=browser)
        return page("You are signed in", [f"The gateway may act for you at {name} now. You may close this page."])

    async def describe(self, inbound: Inbound, responder: Responder, record: Record, id: str | None) -> None:
        """A document that says who we are (CIMD): its address is our client id."""
        base = self._base(inbound)
        told = {"client_id": base + DOCUMENT, "client_uri": base, **description((base + CALLBACK,))}
        record.status = 200
        responder.reply(200, [JSON, (b"cache-control", b"max-age=3600")], _encode(told))

    # the API

    async def begin(self, asked: Call) -> Reply:
        server, redirect = _text(asked.body, "server"), _text(asked.body, "redirect_uri")
        parts = urlsplit(redirect)
        if parts.scheme != "http" or parts.hostname not in LOOPBACK or parts.username is not None:
            raise BadRequestError(
                "`redirect_uri` leads to this machine: http://127.0.0.1:PORT/...", code="invalid_redirect_uri"
            )
        upstream = self._sign_ins.signed_in_at(server, asked.principal)
        try:
            begun = await self._sign_ins.begin(upstream, asked.principal, redirect)
        except OAuthError as error:
            raise BadGatewayError(error.message, code="sign_in_failed") from error
        return Reply({"authorization_url": begun.url, "state": begun.state})

    async def finish(self, asked: Call) -> Reply:
        said = {name: value for name, value in asked.body.items() if isinstance(value, str)}
        try:
            name = await self._sign_ins.finish(said, by=asked.principal.id)
        except OAuthError as error:
            raise BadGatewayError(error.message, code="sign_in_failed") from error
        return Reply({"server": name, "signed_in": True})

    async def list(self, asked: Call) -> Reply:
        principal = asked.principal
        found = await self._sign_ins.vault.list(None if principal.admin else principal.id)
        return Reply({"sign_ins": [shape_of(one) for one in found]})

    async def sign_out(self, asked: Call) -> Reply:
        principal = asked.principal
        owner = asked.query.get("owner", principal.id)
        if owner != principal.id and not principal.admin:
            raise PermissionDeniedError("Only the admin signs others out.")
        server = self._sign_ins.id(asked.id)
        gone = await self._sign_ins.sign_out(server, owner, principal.id)
        if not gone and principal.admin and "owner" not in asked.query:
            gone = await self._sign_ins.sign_out(server, SHARED, principal.id)
        return Reply({"server": asked.id, "signed_out": gone})


def shape_of(one: SignedIn) -> JsonObject:
    """What is told of a sign-in: never a token."""
    token = one.token
    return {
        "server_id": one.server,
        "owner": one.owner,
        "issuer": token.issuer,
        "scopes": list(token.scopes or token.asked),
        "signed_in_at": spelled(token.since),
        "expires_at": None if token.expires_at is None else spelled(token.expires_at),
        "refreshable": token.refresh is not None,
    }


def cookie_of(headers: Mapping[bytes, bytes], base: str) -> str:
    wanted = _cookie(base)
    for pair in headers.get(b"cookie", b"").decode("latin-1").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == wanted and value.isascii() and 32 <= len(value) <= 64:
            return value
    return ""


def set_cookie(value: str, base: str) -> bytes:
    secure = "; Secure" if base.startswith("https:") else ""
    return f"{_cookie(base)}={value}; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax{secure}".encode()


def _cookie(base: str) -> str:
    """A name that only a page of this very host can set, where it is served over TLS."""
    return f"__Host-{COOKIE}" if base.startswith("https:") else COOKIE


def _text(body: JsonObject, name: str) -> str:
    value: Json = body.get(name)
    if not isinstance(value, str) or not value:
        raise BadRequestError(f"`{name}` is missing.", code="missing_field", param=name)
    return value
