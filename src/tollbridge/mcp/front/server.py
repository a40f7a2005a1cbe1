"""The authorization server front: discovery, registration, consent, tokens. OAuth 2.1; RFC 7591, 7009, 8414, 8707,
9207, 9728.

    GET  /.well-known/oauth-protected-resource[/mcp...]    what this endpoint is, and who gives tokens for it
    GET  /.well-known/oauth-authorization-server           ourselves
    POST /register                                         a client says who it is
    GET  /authorize                                        a person is told who asks for what
    POST /authorize                                        and gives a gateway key, or says no
    POST /token                                            a code or a refresh token becomes an access token
    POST /revoke

1. Nothing is sent to a redirect URI before it is known to be the client's (`clients.py`): what is wrong before that is
   said on a page of ours.
2. There is no session and no remembered consent: a person gives their key each time, and the page says to whom. So no
   other page can agree in their name.
3. The master key is not taken: a client would have all that the gateway has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from tollbridge.errors import APIError, BadRequestError, PermissionDeniedError
from tollbridge.mcp.front import resource
from tollbridge.mcp.front.clients import Client, Clients, Descriptions, destination, is_document, may_go_to
from tollbridge.mcp.front.grants import Agreed, Grants, Issued, Refused
from tollbridge.mcp.front.issuers import Issuers
from tollbridge.mcp.guard import Guard
from tollbridge.mcp.oauth import driver
from tollbridge.mcp.oauth.errand import OAuthError
from tollbridge.mcp.oauth.forms import read_form, who
from tollbridge.mcp.oauth.pages import Form, headers, page
from tollbridge.model.json import Json, JsonObject
from tollbridge.observe import Record
from tollbridge.observe.audit import audit
from tollbridge.server.answers import JSON, NO_STORE
from tollbridge.server.identify import Authenticator
from tollbridge.server.inbound import Inbound, Responder
from tollbridge.server.managed import read_body
from tollbridge.server.routes import READ, Mount, Route

METADATA = "/.well-known/oauth-authorization-server"
OPENID = "/.well-known/openid-configuration"
"""Where clients look too, and find us where `public_url` has a path."""
BODY_BYTES_MAX = 16 * 1024
CHALLENGE_LENGTHS = range(43, 129)
ASKED = ("response_type", "client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method", "resource")

_encode = msgspec.json.Encoder().encode


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """An authorization request whose client and redirect URI are good."""

    client_id: str
    client: Client
    redirect: str
    state: str
    challenge: str
    resource: str


class Back(Exception):
    """What the client is told by way of its redirect URI."""

    def __init__(self, redirect: str, state: str, error: str, about: str) -> None:
        super().__init__(about)
        self.redirect = redirect
        self.state = state
        self.error = error


class Front:
    """`door`: who knows gateway keys; looked up at each use. `networks`: for descriptions of clients."""

    def __init__(
        self,
        grants: Grants,
        clients: Clients,
        guard: Guard,
        door: Callable[[], Authenticator],
        base: Callable[[Inbound], str],
        networks: driver.Networks,
        issuers: Issuers | None = None,
    ) -> None:
        self._grants = grants
        self._clients = clients
        self._guard = guard
        self._door = door
        self._base = base
        self._descriptions = Descriptions(networks)
        self._issuers = issuers

    def routes(self) -> Sequence[Route]:
        def mounted(path: str, methods: tuple[str, ...], mount: Mount) -> Route:
            return Route(methods=methods, path=path, handler="mounted", access="open", mount=mount)

        return (
            mounted(resource.METADATA, READ, self.describe_resource),
            mounted(resource.METADATA + "/{id}", READ, self.describe_resource),
            mounted(METADATA, READ, self.describe),
            mounted(METADATA + "/{id}", READ, self.describe),
            mounted(OPENID, READ, self.describe),
            mounted("/register", ("POST",), self.register),
            mounted("/authorize", ("GET", "POST"), self.authorize),
            mounted("/token", ("POST",), self.token),
            mounted("/revoke", ("POST",), self.revoke),
        )

    # what we are

    async def describe_resource(self, inbound: Inbound, responder: Responder, record: Record, id: str | None) -> None:
        path = resource.path_of("" if id is None else f"/{id}")
        base = self._base(inbound)
        if path is None:
            _reply(responder, record, 404, {"error": "not_found"})
            return
        issuers = () if self._issuers is None else self._issuers.names
        scopes = (resource.SCOPE,) if self._issuers is None else (resource.SCOPE, *self._issuers.scopes)
        _reply(responder, record, 200, resource.metadata(base, path, (*issuers, base), scopes))

    async def describe(self, inbound: Inbound, responder: Responder, record: Record, id: str | None) -> None:
        base = self._base(inbound)
        told: JsonObject = {
            "issuer": base,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "registration_endpoint": f"{base}/register",
            "revocation_endpoint": f"{base}/revoke",
            "scopes_supported": [resource.SCOPE],
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["none"],
            "revocation_endpoint_auth_methods_supported": ["none"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "client_id_metadata_document_supported": True,
        }
        _reply(responder, record, 200, told)

    async def register(self, inbound: Inbound, responder: Responder, record: Record, id: str | None) -> None:
        try:
            if len(inbound.body) > BODY_BYTES_MAX:
                raise ValueError("it is too large")
            told = self._clients.register(read_body(inbound.body))
        except (ValueError, BadRequestError) as error:
            error_code = "invalid_redirect_uri" if isinstance(error, ValueError) else "invalid_client_metadata"
            _reply(responder, record, 400, {"error": error_code, "error_description": str(error)})
            return
        _reply(responder, record, 201, told)

    # consent

    async def authorize(self, inbound: Inbound, responder: Responder, record: Record, id: str | None) -> None:
        to = ""
        try:
            self._guard.check(inbound)
            asked = _once(inbound.query)
            client = await self._client(asked)
            redirect = asked["redirect_uri"]
            to = destination(redirect)
            sought = self._sought(asked, client, redirect, inbound)
            if inbound.method == "GET":
                record.status, shown = 200, _consent(sought)
                responder.reply(200, headers(to), shown)
                return
            there = await self._agreed(inbound, sought)
            _send(responder, record, there)
        except Back as back:
            said = {"error": back.error, "error_description": str(back), "state": back.state}
            _send(responder, record, _with(back.redirect, {**said, "iss": self._base(inbound)}))
        except APIError as error:
            record.status = error.status_code
            responder.reply(record.status, headers(to), page("This did not work", [error.message]))
        except OAuthError as error:
            record.status = 400
            responder.reply(400, headers(), page("This did not work", [error.message]))

    async def _client(self, asked: Mapping[str, str]) -> Client:
        """The client, whose redirect URI is good. Raises BadRequestError, OAuthError."""
        id = asked.get("client_id", "")
        client = self._clients.known(id)
        if client is None and is_document(id):
            client = await self._descriptions.client(id)
        if client is None:
            raise BadRequestError("The program that sent you here is not known. Let it register anew.")
        if not may_go_to(client, asked.get("redirect_uri", "")):
            raise BadRequestError("The program that sent you here wants the answer where it is not known to be.")
        return client

    def _sought(self, asked: Mapping[str, str], client: Client, redirect: str, inbound: Inbound) -> Sought:
        """Raises Back."""
        state, challenge = asked.get("state", ""), asked.get("code_challenge", "")

        def wrong(error: str, about: str) -> Back:
            return Back(redirect, state, error, about)

        if asked.get("response_type") != "code":
            raise wrong("unsupported_response_type", "Only `code` is given.")
        if asked.get("code_challenge_method") != "S256" or len(challenge) not in CHALLENGE_LENGTHS:
            raise wrong("invalid_request", "PKCE is needed: `code_challenge` by S256.")
        base = self._base(inbound)
        wanted = asked.get("resource", base + resource.ALL).rstrip("/")
        path = resource.path_of(wanted[len(base) :]) if wanted.startswith(base) else None
        if path is None:
            raise wrong("invalid_target", "This `resource` is none of this gateway's.")
        return Sought(
            client_id=asked["client_id"],
            client=client,
            redirect=redirect,
            state=state,
            challenge=challenge,
            resource=base + path,
        )

    async def _agreed(self, inbound: Inbound, sought: Sought) -> str:
        """Where the person goes. Raises Back, APIError."""
        said = read_form(inbound.body)
        if said.get("answer") != "yes":
            raise Back(sought.redirect, sought.state, "access_denied", "The person said no.")
        shown = {name: value for name, value in inbound.headers.items() if name in (b"host", b"origin")}
        principal = await who(self._door(), shown, said.get("key", ""))
        if principal.key is None:
            raise PermissionDeniedError(
                "The master key is not given to programs. Make a key for this one: `tollbridge keys generate`.",
                code="master_key",
            )
        agreed = Agreed(
            client=sought.client_id,
            redirect=sought.redirect,
            challenge=sought.challenge,
            resource=sought.resource,
            key=principal.id,
            digest=principal.key.digest.hex(),
        )
        code = await self._grants.code(agreed)
        audit("mcp_authorize", principal.id, client=sought.client.name, redirect=destination(sought.redirect))
        return _with(sought.redirect, {"code": code, "state": sought.state, "iss": self._base(inbound)})

    # tokens

    async def token(self, inbound: Inbound, responder: Responder, record: Record, id: str | None) -> None:
        try:
            issued = await self._token(read_form(inbound.body))
        except Refused as refused:
            _reply(responder, record, 400, {"error": refused.error, "error_description": str(refused)})
        except BadRequestError as error:
            _reply(responder, record, 400, {"error": "invalid_request", "error_description": error.message})
        except APIError as error:
            _reply(responder, record, error.status_code, {"error": "temporarily_unavailable"})
        else:
            told: JsonObject = {
                "access_token": issued.access,
                "token_type": "Bearer",
                "expires_in": issued.seconds,
                "refresh_token": issued.refresh,
                "scope": resource.SCOPE,
            }
            _reply(responder, record, 200, told)

    async def _token(self, said: Mapping[str, str]) -> Issued:
        client, wanted = said.get("client_id", ""), said.get("resource")
        wanted = None if wanted is None else wanted.rstrip("/")
        match said.get("grant_type"):
            case "authorization_code":
                return await self._grants.redeem(
                    said.get("code", ""),
                    client=client,
                    redirect=said.get("redirect_uri", ""),
                    verifier=said.get("code_verifier", ""),
                    resource=wanted,
                )
            case "refresh_token":
                return await self._grants.refresh(said.get("refresh_token", ""), client, wanted)
        raise Refused("unsupported_grant_type", "A code or a refresh token is taken.")

    async def revoke(self, inbound: Inbound, responder: Responder, record: Record, id: str | None) -> None:
        try:
            await self._grants.revoke(read_form(inbound.body).get("token", ""))
        except APIError as error:
            _reply(responder, record, error.status_code, {"error": "invalid_request"})
        else:
            _reply(responder, record, 200, {})


def _consent(sought: Sought) -> bytes:
    host = destination(sought.redirect)
    where = "every MCP server that your key may use"
    path = urlsplit(sought.resource).path
    if path not in ("", resource.ALL):
        where = f"what is at {path}"
    lines = [
        f"A program that calls itself “{sought.client.name}” wants to use {where}, as you.",
        f"Its answer goes to {host}. Go on only if you began this, in that program.",
        "It is given short-lived tokens, not your key; they end when the key does.",
    ]
    return page("Let a program in?", lines, form=Form(submit="Let it in", refuse="No"))


def _once(query: str) -> Mapping[str, str]:
    """Raises BadRequestError where something is said twice."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=30)
    except ValueError as error:
        raise BadRequestError("The address cannot be read.") from error
    known = [name for name, _ in pairs if name in ASKED]
    if len(known) != len(set(known)):
        raise BadRequestError("The address says something twice.")
    return dict(pairs)


def _with(redirect: str, said: Mapping[str, str]) -> str:
    added = urlencode({name: value for name, value in said.items() if value})
    return f"{redirect}{'&' if urlsplit(redirect).query else '?'}{added}"


def _send(responder: Responder, record: Record, there: str) -> None:
    record.status = 303
    responder.reply(303, [*headers(destination(there)), (b"location", there.encode("latin-1"))], b"")


def _reply(responder: Responder, record: Record, status: int, body: Json) -> None:
    record.status = status
    responder.reply(status, [JSON, NO_STORE], _encode(body))
