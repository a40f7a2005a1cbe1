"""The nouns of OAuth, as the gateway's client side knows them."""

from __future__ import annotations

from typing import Literal

import msgspec

from tollbridge.mcp.oauth.assertion import Signer
from tollbridge.secret import Secret

Method = Literal["client_secret_basic", "client_secret_post", "none", "private_key_jwt"]
METHODS: tuple[Method, ...] = ("client_secret_basic", "client_secret_post", "none")
"""Those that need no key of ours."""


Profile = Literal["rfc8693", "entra_obo"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator said of a server's OAuth. `machine`: the gateway asks for itself (client credentials).
    `shared`: one sign-in, the admin's, is everybody's. `method`: how the client proves itself at the token endpoint;
    `signer`: with what it signs, where it shows no secret."""

    client_id: str | None = None
    client_secret: Secret | None = None
    scopes: tuple[str, ...] = ()
    authorization_url: str | None = None
    token_url: str | None = None
    registration_url: str | None = None
    issuer: str | None = None
    resource: str | None = None
    method: Method | None = None
    signer: Signer | None = None
    machine: bool = False
    shared: bool = False


class Exchanging(msgspec.Struct, frozen=True, kw_only=True):
    """How a caller's token is exchanged. `profile`: in whose words. `audience`: for whom the new one is, where that is
    not the server's address (`resource`)."""

    profile: Profile = "rfc8693"
    audience: str | None = None
    subject_type: str = "urn:ietf:params:oauth:token-type:access_token"


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """An authorization server. `tells_issuer`: its answers name it (RFC 9207). `takes_documents`: a client may be named
    by the URL of its description."""

    issuer: str
    authorization_url: str | None = None
    token_url: str
    registration_url: str | None = None
    revocation_url: str | None = None
    methods: tuple[str, ...] | None = None
    scopes: tuple[str, ...] = ()
    pkce: bool = False
    tells_issuer: bool = False
    takes_documents: bool = False


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What discovery found. `resource`: what tokens are for. `scopes`: what the resource says it has."""

    server: Server
    resource: str
    scopes: tuple[str, ...] = ()


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """As whom the gateway is known at an authorization server. `expires_at`: of the secret; None is never."""

    id: str
    secret: str | None = None
    method: Method = "none"
    expires_at: float | None = None

    def __repr__(self) -> str:
        return "<Client>"


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """With all that it takes to refresh it. `asked`: the scopes that it was asked for. Moments in epoch seconds."""

    access: str
    refresh: str | None = None
    expires_at: float | None = None
    asked: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    issuer: str
    token_url: str
    revocation_url: str | None = None
    resource: str
    client: Client
    since: float = 0.0

    def __repr__(self) -> str:
        return f"<Token of {self.issuer}>"
