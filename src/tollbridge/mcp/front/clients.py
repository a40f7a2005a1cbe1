"""Clients of the authorization server front, and where answers may be sent.

1. A client registers (RFC 7591) and is told an id that holds what it said, signed: nothing is kept, strangers fill no
   table, and a restart forgets nobody. Or its id is the URL of a document that says it (CIMD), which is fetched by way
   of the egress guard when somebody is asked.
2. What a client says of itself proves nothing: a person is shown it, and where the answer goes, each time.
3. A redirect URI is compared as a whole, but for the port of a loopback address, which a client may choose anew each
   time (RFC 8252, 7.3). It is https, loopback, or an app's own scheme; never one that a browser runs or reads from
   disk.
4. Clients are public: none has a secret, all prove themselves by PKCE.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import time
from urllib.parse import urlsplit

import msgspec

from tollbridge.errors import ServiceUnavailableError
from tollbridge.mcp.oauth import driver
from tollbridge.mcp.oauth.errand import Ask, Errand, OAuthError, texts_of
from tollbridge.model.json import Json, JsonObject
from tollbridge.transport.egress import split_url

PREFIX = "tbc-"
MAC_BYTES = 16
REDIRECTS_MAX = 10
TEXT_MAX = 500
ID_MAX = 4096
FETCHES_MAX = 8
KNOWN_S, KNOWN_MAX = 60.0, 1000
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
NEVER = frozenset(
    {"http", "javascript", "data", "file", "vbscript", "blob", "about", "view-source", "filesystem", "ws", "wss"}
)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")


class Client(msgspec.Struct, frozen=True, array_like=True):
    name: str
    redirects: tuple[str, ...]


class Clients:
    """`key`: signs ids."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def register(self, said: JsonObject) -> JsonObject:
        """What the client is told. Raises ValueError where its redirect URIs will not do."""
        client = read_client(said)
        body = msgspec.msgpack.encode(client)
        id = PREFIX + base64.urlsafe_b64encode(self._mac(body) + body).rstrip(b"=").decode()
        return {
            "client_id": id,
            "client_name": client.name,
            "redirect_uris": list(client.redirects),
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        }

    def known(self, id: str) -> Client | None:
        """One that registered here."""
        try:
            raw = base64.urlsafe_b64decode(id[len(PREFIX) :] + "=" * (-len(id[len(PREFIX) :]) % 4))
        except (binascii.Error, ValueError):
            return None
        mac, body = raw[:MAC_BYTES], raw[MAC_BYTES:]
        if not id.startswith(PREFIX) or len(id) > ID_MAX or not hmac.compare_digest(mac, self._mac(body)):
            return None
        return msgspec.msgpack.decode(body, type=Client)

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:MAC_BYTES]


class Descriptions:
    """Clients that are named by the address of their description. Strangers can have the gateway fetch one: at most
    `FETCHES_MAX` at once, and what was read is believed for `KNOWN_S`."""

    def __init__(self, networks: driver.Networks) -> None:
        self._networks = networks
        self._known: dict[str, tuple[float, Client]] = {}
        self._fetching = 0

    async def client(self, id: str) -> Client:
        """Raises OAuthError, ServiceUnavailableError."""
        read_at, client = self._known.get(id, (float("-inf"), None))
        if client is not None and time.monotonic() - read_at < KNOWN_S:
            return client
        if self._fetching >= FETCHES_MAX:
            raise ServiceUnavailableError("Too many descriptions of clients are being read. Try again.")
        self._fetching += 1
        try:
            client = await driver.run(described(id), self._networks)
        finally:
            self._fetching -= 1
        self._known.pop(id, None)
        if len(self._known) >= KNOWN_MAX:
            self._known.pop(next(iter(self._known)))
        self._known[id] = (time.monotonic(), client)
        return client


def described(id: str) -> Errand[Client]:
    """The client that the document at `id` is about. Raises OAuthError."""
    told = yield Ask("GET", id)
    if told.status != 200 or told.object is None:
        raise OAuthError(f"The client's description cannot be read: {told.why or told.status}.")
    if told.object.get("client_id") != id:
        raise OAuthError("The client's description is about another client.")
    try:
        return read_client(told.object)
    except ValueError as error:
        raise OAuthError(f"The client's description will not do: {error}.") from error


def is_document(id: str) -> bool:
    parts = urlsplit(id)
    return parts.scheme == "https" and bool(parts.netloc) and len(parts.path) > 1 and len(id) <= TEXT_MAX


def read_client(said: JsonObject) -> Client:
    """Raises ValueError."""
    redirects = texts_of(said.get("redirect_uris"))
    if not redirects or len(redirects) > REDIRECTS_MAX:
        raise ValueError(f"`redirect_uris` names 1 to {REDIRECTS_MAX} addresses")
    for redirect in redirects:
        check_redirect(redirect)
    name: Json = said.get("client_name")
    shown = "".join(c for c in name if c.isprintable())[:80].strip() if isinstance(name, str) else ""
    return Client(shown or "A client without a name", redirects)


def check_redirect(redirect: str) -> None:
    """Raises ValueError."""
    if len(redirect) > TEXT_MAX or not redirect.isascii() or not redirect.isprintable() or " " in redirect:
        raise ValueError("a redirect URI is short, printable ASCII")
    parts = urlsplit(redirect)
    if parts.fragment or "#" in redirect or "@" in parts.netloc or "\\" in redirect:
        raise ValueError("a redirect URI has no fragment and no credentials")
    if parts.scheme in ("http", "https"):
        origin, _ = split_url(redirect)  # strict: the host stands in the policy of a page
        if origin.scheme == "http" and origin.host not in LOOPBACK:
            raise ValueError("a redirect URI over http is on loopback")
    elif _SCHEME.fullmatch(parts.scheme) is None or parts.scheme in NEVER:
        raise ValueError("a redirect URI is https, http on loopback, or an app's own scheme")


def may_go_to(client: Client, redirect: str) -> bool:
    return redirect in client.redirects or any(_alike(redirect, one) for one in client.redirects)


def _alike(redirect: str, registered: str) -> bool:
    """Loopback addresses that differ in their port alone."""
    one, other = urlsplit(redirect), urlsplit(registered)
    if one.scheme != "http" or one.hostname not in LOOPBACK or "@" in one.netloc or "#" in redirect:
        return False
    try:
        check_redirect(redirect)
    except ValueError:
        return False
    return (one.scheme, one.hostname, one.path, one.query) == (other.scheme, other.hostname, other.path, other.query)


def destination(redirect: str) -> str:
    """What a page's policy calls the place, and a person reads. Of a redirect URI that is good."""
    scheme = urlsplit(redirect).scheme
    if scheme not in ("http", "https"):
        return f"{scheme}:"
    origin, _ = split_url(redirect)
    return f"{origin.scheme}://{origin.authority}"
