"""The authorization request, and what the token endpoint is asked and says: OAuth 2.1 with PKCE (RFC 7636), resource
indicators (RFC 8707) and the issuer in answers (RFC 9207)."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import msgspec

from tollbridge.mcp.oauth.assertion import TYPE, Signer
from tollbridge.mcp.oauth.errand import ACCEPT, FORM, Ask, Errand, OAuthError, Told, form, text_of
from tollbridge.mcp.oauth.values import Client, Exchanging, Found, Server, Token
from tollbridge.model.json import Json

OFFLINE = "offline_access"
SECONDS_MAX = 10 * 365 * 24 * 3600


class Prover(msgspec.Struct, frozen=True):
    """As whom the token endpoint is asked, and with what that is proven where it is no secret."""

    client: Client
    signer: Signer | None = None

    def proof(self, issuer: str, now: float) -> dict[str, str]:
        """Raises OAuthError."""
        if self.signer is None:
            raise OAuthError("The key that the gateway signed with here is configured no more.")
        try:
            signed = self.signer.assertion(self.client.id, issuer, now)
        except ValueError as error:
            raise OAuthError(f"The gateway cannot prove who it is: {error}.") from error
        return {"client_assertion_type": TYPE, "client_assertion": signed}


def new_verifier() -> str:
    return secrets.token_urlsafe(48)


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def scopes_for(said: tuple[str, ...], demanded: tuple[str, ...], found: Found) -> tuple[str, ...]:
    """What to ask for: the operator's word, else the challenge's, else what the resource has; and a refresh token where
    the server gives one for asking."""
    scopes = said or demanded or found.scopes
    if scopes and OFFLINE in found.server.scopes and OFFLINE not in scopes:
        scopes += (OFFLINE,)
    return scopes


def authorization_url(
    found: Found, client: Client, *, redirect: str, state: str, verifier: str, scopes: tuple[str, ...]
) -> str:
    """Where a person goes. Raises OAuthError where the server does not check PKCE, or has no such place."""
    server = found.server
    if server.authorization_url is None:
        raise OAuthError("The authorization server names no `authorization_endpoint`.")
    if not server.pkce:
        raise OAuthError("The authorization server does not say that it checks PKCE (S256): nobody is sent there.")
    parts = urlsplit(server.authorization_url)
    asked = {
        "response_type": "code",
        "client_id": client.id,
        "redirect_uri": redirect,
        "state": state,
        "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
        "resource": found.resource,
        **({"scope": " ".join(scopes)} if scopes else {}),
        **({"prompt": "consent"} if OFFLINE in scopes else {}),
    }
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in asked]
    return parts._replace(query=urlencode([*kept, *asked.items()], quote_via=quote)).geturl()


def check_issuer(server: Server, told: str | None) -> None:
    """Of an answer. Raises OAuthError: it may be another server's (mix-up). Compared character by character."""
    if told is None and server.tells_issuer:
        raise OAuthError("The answer does not name its issuer, as this authorization server always does.")
    if told is not None and told != server.issuer:
        raise OAuthError("The answer is of another issuer than was asked.")


def redeem(
    found: Found,
    prover: Prover,
    code: str,
    verifier: str,
    redirect: str,
    asked: tuple[str, ...],
    now: float,
) -> Errand[Token]:
    """The token for a code. Raises OAuthError."""
    fields: dict[str, str | None] = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect,
        "code_verifier": verifier,
        "resource": found.resource,
    }
    told = yield _ask(found.server.token_url, prover, found.server.issuer, fields, now)
    return _token(told, found.server, found.resource, prover.client, asked, now)


def fetch(found: Found, prover: Prover, scopes: tuple[str, ...], now: float) -> Errand[Token]:
    """A token for the gateway itself. Raises OAuthError."""
    fields: dict[str, str | None] = {
        "grant_type": "client_credentials",
        "resource": found.resource,
        "scope": " ".join(scopes) or None,
    }
    told = yield _ask(found.server.token_url, prover, found.server.issuer, fields, now)
    return _token(told, found.server, found.resource, prover.client, scopes, now)


def exchange(
    found: Found, prover: Prover, subject: str, how: Exchanging, scopes: tuple[str, ...], now: float
) -> Errand[Token]:
    """A token for this resource on behalf of whoever `subject` is of (RFC 8693), or as Entra has it
    (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow, seen 2026-11-26). Raises
    OAuthError."""
    fields: dict[str, str | None]
    if how.profile == "entra_obo":
        fields = {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": subject,
            "requested_token_use": "on_behalf_of",
            "scope": " ".join(scopes) or (f"{how.audience}/.default" if how.audience else None),
        }
    else:
        fields = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": subject,
            "subject_token_type": how.subject_type,
            "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "audience": how.audience,
            "resource": found.resource if how.audience is None else None,
            "scope": " ".join(scopes) or None,
        }
    told = yield _ask(found.server.token_url, prover, found.server.issuer, fields, now)
    return _token(told, found.server, found.resource, prover.client, scopes, now)


def refresh(token: Token, signer: Signer | None, now: float) -> Errand[Token]:
    """A new one; the refresh token may be new too, and stays where none is told. Raises OAuthError."""
    fields: dict[str, str | None] = {
        "grant_type": "refresh_token",
        "refresh_token": token.refresh,
        "resource": token.resource,
    }
    told = yield _ask(token.token_url, Prover(token.client, signer), token.issuer, fields, now)
    server = Server(issuer=token.issuer, token_url=token.token_url, revocation_url=token.revocation_url)
    new = _token(told, server, token.resource, token.client, token.asked, now)
    return msgspec.structs.replace(
        new, refresh=new.refresh or token.refresh, scopes=new.scopes or token.scopes, since=token.since
    )


def revoke(token: Token, signer: Signer | None, now: float) -> Errand[None]:
    """RFC 7009; what the server says of it changes nothing."""
    if token.revocation_url is not None:
        which = ("refresh_token", token.refresh) if token.refresh else ("access_token", token.access)
        fields: dict[str, str | None] = {"token": which[1], "token_type_hint": which[0]}
        yield _ask(token.revocation_url, Prover(token.client, signer), token.issuer, fields, now)


def _ask(url: str, prover: Prover, issuer: str, fields: dict[str, str | None], now: float) -> Ask:
    client, headers = prover.client, [FORM, ACCEPT]
    if client.method == "private_key_jwt":
        fields = {**fields, "client_id": client.id, **prover.proof(issuer, now)}
    elif client.method == "client_secret_basic" and client.secret is not None:
        pair = f"{quote(client.id, safe='')}:{quote(client.secret, safe='')}"  # RFC 6749, 2.3.1
        headers.append(("authorization", "Basic " + base64.b64encode(pair.encode()).decode()))
    else:
        fields = {**fields, "client_id": client.id}
        if client.method == "client_secret_post":
            fields["client_secret"] = client.secret
    return Ask("POST", url, tuple(headers), form(fields))


def _token(told: Told, server: Server, resource: str, client: Client, asked: tuple[str, ...], now: float) -> Token:
    said: Mapping[str, Json] = told.object or {}
    if told.status != 200:
        error = text_of(said.get("error")) or ""
        about = text_of(said.get("error_description")) or told.why or f"HTTP status {told.status}"
        raise OAuthError(f"No token was given: {(error + ' ' + about).strip()[:300]}.", error, told.at)
    access, kind = text_of(said.get("access_token")), said.get("token_type", "Bearer")
    if access is None or " " in access or not isinstance(kind, str) or kind.lower() != "bearer":
        raise OAuthError("The authorization server gave no bearer token.")
    return Token(
        access=access,
        refresh=text_of(said.get("refresh_token")),
        expires_at=_until(said.get("expires_in"), now),
        asked=asked,
        scopes=tuple((text_of(said.get("scope")) or "").split()),
        issuer=server.issuer,
        token_url=server.token_url,
        revocation_url=server.revocation_url,
        resource=resource,
        client=client,
        since=now,
    )


def _until(told: Json, now: float) -> float | None:
    """None where it was not said. Some say it as a text."""
    if isinstance(told, str) and told.isdecimal():
        told = int(told)
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 < told < SECONDS_MAX:
        return None
    return now + told
