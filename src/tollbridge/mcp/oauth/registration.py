"""As whom the gateway is known at an authorization server: a generator (`errand.py`).

In this order: what the operator registered; the URL of our own description (CIMD), where the server takes such and the
gateway has a public address; what we are told when we register (RFC 7591). A client is bound to the issuer that knows
it: at another one it is nobody.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from tollbridge.mcp.oauth.errand import ACCEPT, JSON, Ask, Errand, OAuthError, text_of
from tollbridge.mcp.oauth.values import METHODS, Client, Method, Server, Settings
from tollbridge.model.json import Json, JsonObject

NAME = "Tollbridge"
GRANTS = ("authorization_code", "refresh_token")


def known(settings: Settings, server: Server) -> Client | None:
    """The client that the operator registered."""
    if settings.client_id is None:
        return None
    if settings.signer is not None:
        return Client(id=settings.client_id, method="private_key_jwt")
    secret = None if settings.client_secret is None else settings.client_secret.reveal()
    return Client(id=settings.client_id, secret=secret, method=method_of(settings, server, secret))


def documented(server: Server, document_url: str | None) -> Client | None:
    """The client that our description is."""
    return Client(id=document_url) if server.takes_documents and document_url is not None else None


def method_of(settings: Settings, server: Server, secret: str | None) -> Method:
    """RFC 8414: where the server names no method, `client_secret_basic` is meant. Where the operator named the token
    endpoint and nothing was read, the secret is sent in the body, as LiteLLM does."""
    if secret is None:
        return "none"
    if settings.method is not None:
        return settings.method
    if server.methods is None:
        return "client_secret_post" if settings.token_url is not None else "client_secret_basic"
    for method in METHODS:
        if method in server.methods:
            return method
    return "client_secret_basic"


def description(redirects: tuple[str, ...], scopes: tuple[str, ...] = ()) -> JsonObject:
    """Ourselves, as RFC 7591 has it. `application_type`: since 2026-07-28, told by where answers are sent."""
    loopback = all((urlsplit(url).hostname or "") in ("127.0.0.1", "::1", "localhost") for url in redirects)
    told: JsonObject = {
        "client_name": NAME,
        "redirect_uris": list(redirects),
        "grant_types": list(GRANTS),
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native" if loopback else "web",
    }
    return {**told, "scope": " ".join(scopes)} if scopes else told


def register(server: Server, redirect: str, scopes: tuple[str, ...]) -> Errand[Client]:
    """Raises OAuthError."""
    if server.registration_url is None:
        raise OAuthError(
            "The authorization server registers nobody by itself: register the gateway there, and give `client_id` "
            f"(and `client_secret`); it sends its answers to {redirect}"
        )
    said = description((redirect,), scopes)
    preferred = ("none", "client_secret_basic", "client_secret_post")
    offered = server.methods if server.methods is not None else ("client_secret_basic",)
    said["token_endpoint_auth_method"] = next((one for one in preferred if one in offered), "client_secret_basic")
    told = yield Ask("POST", server.registration_url, (JSON, ACCEPT), msgspec.json.encode(said))
    found = told.object
    if told.status not in (200, 201) or found is None:
        why = told.why or f"HTTP status {told.status}"
        if found is not None and text_of(found.get("error")):
            why = f"{found['error']} {text_of(found.get('error_description')) or ''}".strip()[:300]
        raise OAuthError(f"The authorization server did not register the gateway: {why}.", at=told.at)
    return _read(found, said["token_endpoint_auth_method"])


def _read(told: JsonObject, wanted: str) -> Client:
    id, secret = text_of(told.get("client_id")), text_of(told.get("client_secret"))
    if id is None:
        raise OAuthError("The authorization server registered the gateway under no `client_id`.")
    method = _method(told.get("token_endpoint_auth_method"), wanted, secret)
    until = told.get("client_secret_expires_at")
    expires_at = float(until) if isinstance(until, int | float) and until > 0 and secret is not None else None
    return Client(id=id, secret=secret, method=method, expires_at=expires_at)


def _method(told: Json, wanted: str, secret: str | None) -> Method:
    if secret is None:
        return "none"
    for method in METHODS:
        if told == method or (told is None and wanted == method):
            return method
    return "client_secret_basic"
