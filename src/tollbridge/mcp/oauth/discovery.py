"""Who gives tokens for an MCP server, found out from what the server says: a generator (`errand.py`).

1. The protected resource's metadata (RFC 9728) is where the challenge says, else at the server's path below
   `/.well-known`, else at its root. It must be about this server: the same origin, and its path or one above it.
2. The authorization server's metadata (RFC 8414, or OpenID's) must name the very issuer that it was asked for,
   character by character: a document that names another is another's.
3. A server without resource metadata is taken to be its own authorization server, as revision 2025-03-26 has it.
4. One that does not say that it checks PKCE by S256 is refused. What the operator said is believed.
5. Every URL in these documents is somebody else's word: http or https with a host, or it is not there.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from tollbridge.mcp.oauth.errand import Ask, Errand, OAuthError, text_of, texts_of
from tollbridge.mcp.oauth.values import Found, Server, Settings
from tollbridge.model.json import Json, JsonObject
from tollbridge.transport.egress import split_url

RESOURCE = "/.well-known/oauth-protected-resource"
OAUTH = "/.well-known/oauth-authorization-server"
OPENID = "/.well-known/openid-configuration"


def discover(url: str, metadata_url: str | None, settings: Settings) -> Errand[Found]:
    """`url`: the MCP server's. Raises OAuthError."""
    resource = settings.resource or canonical(url)
    if settings.token_url is not None and (settings.machine or settings.authorization_url is not None):
        return Found(server=_said(settings, url), resource=resource)
    issuer, scopes = settings.issuer, texts_of(None)
    told = yield from _resource_metadata(url, metadata_url)
    if told is not None:
        named = text_of(told.get("resource"))
        if named is None or not covers(named, url):
            raise OAuthError("What the MCP server says of its tokens is about another server: it is not believed.")
        resource, scopes = settings.resource or named, texts_of(told.get("scopes_supported"))
        servers = texts_of(told.get("authorization_servers"))
        if issuer is None and servers:
            issuer = servers[0]
        elif servers and issuer not in servers:
            raise OAuthError("The MCP server does not name the `issuer` that the operator did.")
    if issuer is None:
        issuer = origin_of(url)
    server = yield from _server_metadata(issuer)
    return Found(server=_with(settings, server), resource=resource, scopes=scopes)


def canonical(url: str) -> str:
    """What a token for this server is for: without the query, in which keys may stand."""
    parts = urlsplit(url)
    return f"{origin_of(url)}{'' if parts.path == '/' else parts.path}"


def origin_of(url: str) -> str:
    origin, _ = split_url(url)
    return f"{origin.scheme}://{origin.authority}"


def covers(resource: str, url: str) -> bool:
    """The server at `url` is this resource, or lies below it."""
    try:
        if origin_of(resource) != origin_of(url):
            return False
    except ValueError:
        return False
    above, path = urlsplit(resource).path.rstrip("/") + "/", urlsplit(url).path.rstrip("/") + "/"
    return path.startswith(above)


def resource_candidates(url: str, metadata_url: str | None) -> tuple[str, ...]:
    if metadata_url is not None:
        return (metadata_url,)
    origin, path = origin_of(url), urlsplit(url).path.rstrip("/")
    return tuple(dict.fromkeys((f"{origin}{RESOURCE}{path}", f"{origin}{RESOURCE}")))


def server_candidates(issuer: str) -> tuple[str, ...]:
    """Raises ValueError where the issuer is no URL."""
    origin, path = origin_of(issuer), urlsplit(issuer).path.rstrip("/")
    if not path:
        return f"{origin}{OAUTH}", f"{origin}{OPENID}"
    return f"{origin}{OAUTH}{path}", f"{origin}{OPENID}{path}", f"{origin}{path}{OPENID}"


def _resource_metadata(url: str, metadata_url: str | None) -> Errand[JsonObject | None]:
    for candidate in resource_candidates(url, metadata_url):
        told = yield Ask("GET", candidate)
        if told.status == 200 and told.object is not None:
            return told.object
        if metadata_url is not None:
            raise OAuthError(
                f"The MCP server names metadata that cannot be read: {told.why or told.status}.", at=told.at
            )
    return None


def _server_metadata(issuer: str) -> Errand[Server]:
    why = at = ""
    try:
        candidates = server_candidates(issuer)
    except ValueError as error:
        raise OAuthError("The MCP server names an authorization server that is no URL.") from error
    for candidate in candidates:
        told = yield Ask("GET", candidate)
        if told.status == 200 and told.object is not None:
            return read_server(issuer, told.object)
        why, at = told.why or f"HTTP status {told.status}", told.at
    raise OAuthError(f"The authorization server of the MCP server says nothing of itself: {why}.", at=at)


def read_server(issuer: str, told: JsonObject) -> Server:
    """Raises OAuthError."""
    if told.get("issuer") != issuer:
        raise OAuthError("The authorization server's metadata names another issuer: it is not believed.")
    token_url = _url(told.get("token_endpoint"))
    if token_url is None:
        raise OAuthError("The authorization server names no `token_endpoint`.")
    methods = told.get("token_endpoint_auth_methods_supported")
    return Server(
        issuer=issuer,
        authorization_url=_url(told.get("authorization_endpoint")),
        token_url=token_url,
        registration_url=_url(told.get("registration_endpoint")),
        revocation_url=_url(told.get("revocation_endpoint")),
        methods=None if methods is None else texts_of(methods),
        scopes=texts_of(told.get("scopes_supported")),
        pkce="S256" in texts_of(told.get("code_challenge_methods_supported")),
        tells_issuer=told.get("authorization_response_iss_parameter_supported") is True,
        takes_documents=told.get("client_id_metadata_document_supported") is True,
    )


def _url(told: Json) -> str | None:
    """Never `javascript:` or `file:`, nothing that a shell or a header would read otherwise."""
    url = text_of(told)
    if url is None or any(mark in url for mark in "\"'<>`$|;"):
        return None
    try:
        split_url(url)
    except ValueError:
        return None
    return url


def _said(settings: Settings, url: str) -> Server:
    assert settings.token_url is not None
    return Server(
        issuer=settings.issuer or origin_of(settings.token_url),
        authorization_url=settings.authorization_url,
        token_url=settings.token_url,
        registration_url=settings.registration_url,
        pkce=True,
    )


def _with(settings: Settings, server: Server) -> Server:
    """The operator's word before the document's."""
    return Server(
        issuer=server.issuer,
        authorization_url=settings.authorization_url or server.authorization_url,
        token_url=settings.token_url or server.token_url,
        registration_url=settings.registration_url or server.registration_url,
        revocation_url=server.revocation_url,
        methods=server.methods,
        scopes=server.scopes,
        pkce=server.pkce or settings.authorization_url is not None,
        tells_issuer=server.tells_issuer,
        takes_documents=server.takes_documents,
    )
