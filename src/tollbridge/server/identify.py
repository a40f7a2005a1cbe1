"""Who asks. `authenticate` returns a Principal or raises: there is no anonymous one, and no second try after a
failure.

Where a key may stand (decision 19)
1. `x-litellm-api-key`, with or without "Bearer ": when present it is the gateway's key, and whatever else the request
   carries is somebody else's: unless it is another key that was made here, which is an error.
2. Otherwise `Authorization: Bearer`, `x-api-key`, `api-key`, `x-goog-api-key`, and the header the operator named. Two
   that differ are an error: never "the first wins". On Gemini's routes `?key=` counts as `x-goog-api-key`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Awaitable, Mapping
from copy import copy
from typing import Protocol
from urllib.parse import unquote_plus

from tollbridge.errors import AuthenticationError, BadRequestError, PermissionDeniedError
from tollbridge.policy.minting import public_id
from tollbridge.policy.principal import Principal
from tollbridge.server.inbound import Inbound

OWN_HEADER = b"x-litellm-api-key"
KEY_HEADERS = (b"x-api-key", b"api-key", b"x-goog-api-key")
_KEY_HEADERS = frozenset(KEY_HEADERS)
KEY_BYTES_MAX = 4096
CONFIRMED_S = 0.25
"""For so long it holds what was found out when the head of a request came."""


class Authenticator(Protocol):
    def authenticate(
        self, headers: Mapping[bytes, bytes], known: Principal | None = None
    ) -> Principal | Awaitable[Principal]:
        """At once where the answer is in memory. Either way, a principal or APIError. `known`: who these very headers
        were found to be before."""

    def with_keys(self, others: Finder) -> Authenticator:
        """One that also knows the keys that were made."""

    def is_admins(self, key: str) -> bool:
        """This is the admin's own key."""


OPERATOR = Principal("open", admin=True)

_LOOPBACK = rb"127(?:\.[0-9]{1,3}){3}"
_LOCAL = rb"(?:(?:[a-z0-9-]+\.)*localhost\.?|%b|\[(?:::1|::ffff:%b)\])(?::[0-9]{1,5})?" % (_LOOPBACK, _LOOPBACK)
_LOCAL_HOST = re.compile(_LOCAL, re.IGNORECASE)
_LOCAL_ORIGIN = re.compile(rb"https?://" + _LOCAL, re.IGNORECASE)


class Finder(Protocol):
    """Who knows the other keys: a `Keyring`."""

    def find(self, presented: bytes) -> Principal | Awaitable[Principal]: ...
    def still(self, known: Principal) -> bool: ...


class MasterKey:
    """The admin's key, and with `others` those that were made. Compared in constant time, as digests but for the header
    that nearly every request has."""

    def __init__(self, key: str, header_name: str | None = None, others: Finder | None = None) -> None:
        self._keys = others
        self._master = Principal("master", admin=True)
        self._digest = hashlib.sha256(key.encode()).digest()
        self._usual = b"Bearer " + key.encode()
        self._extra = header_name.lower().encode() if header_name else None
        self._others = frozenset({OWN_HEADER, *KEY_HEADERS} | ({self._extra} if self._extra else set()))

    def with_keys(self, others: Finder) -> MasterKey:
        """The same door, which also lets in those whose keys were made."""
        twin = copy(self)
        twin._keys = others
        return twin

    def is_admins(self, key: str) -> bool:
        return hmac.compare_digest(hashlib.sha256(key.encode()).digest(), self._digest)

    def authenticate(
        self, headers: Mapping[bytes, bytes], known: Principal | None = None
    ) -> Principal | Awaitable[Principal]:
        if known is not None and (known is self._master or (self._keys is not None and self._keys.still(known))):
            return known
        usual = headers.get(b"authorization")
        if usual is not None and self._others.isdisjoint(headers) and hmac.compare_digest(usual, self._usual):
            return self._master
        key = presented_key(headers, self._extra)
        if hmac.compare_digest(hashlib.sha256(key).digest(), self._digest):
            return self._master
        if self._keys is not None:
            return self._keys.find(key)
        raise AuthenticationError(
            "This key is not known here. Use the gateway's own key, not a provider's.", code="invalid_api_key"
        )


async def confirm(authenticator: Authenticator, inbound: Inbound) -> None:
    """Asks again who asks, where that was found out a while ago: a key that was revoked while the body was on its way
    is revoked. Raises APIError."""
    known = inbound.principal
    if known is not None:
        found = authenticator.authenticate(inbound.headers, known)
        inbound.principal = found if isinstance(found, Principal) else await found


def take_query_key(inbound: Inbound) -> None:
    """`?key=`, as Gemini's clients may send it, becomes the header that it stands for. Of two that differ neither is
    taken: BadRequestError. The query itself is never told to anybody."""
    for pair in inbound.query.split("&"):
        name, _, value = pair.partition("=")
        if name == "key":
            key = unquote_plus(value).encode()
            if inbound.headers.setdefault(b"x-goog-api-key", key) != key:
                raise ambiguous()


PROTOCOL_KEY = b"openai-insecure-api-key."


def take_protocol_key(inbound: Inbound) -> None:
    """A page's WebSocket has no headers of its own: OpenAI's clients put the key among the protocols that they offer.
    It becomes the header that it stands for, and is no protocol. Of two that differ neither is taken: BadRequestError.
    """
    offered = [one.strip() for one in inbound.headers.get(b"sec-websocket-protocol", b"").split(b",")]
    for one in offered:
        if one.startswith(PROTOCOL_KEY):
            value = b"Bearer " + one.removeprefix(PROTOCOL_KEY)
            if inbound.headers.setdefault(b"authorization", value) != value:
                raise ambiguous()
    others = [one for one in offered if one and not one.startswith(PROTOCOL_KEY)]
    if others:
        inbound.headers[b"sec-websocket-protocol"] = b", ".join(others)
    else:
        inbound.headers.pop(b"sec-websocket-protocol", None)


class OpenDoor:
    """`--open`: whoever reaches the loopback listener is the operator. Never bound elsewhere. A page of another site in
    the operator's browser reaches it too, and would spend their money and change their keys: it is known by its
    `Origin`, and where it made its own name lead here, by `Host`."""

    def with_keys(self, others: Finder) -> OpenDoor:
        return self

    def is_admins(self, key: str) -> bool:
        return False

    def authenticate(self, headers: Mapping[bytes, bytes], known: Principal | None = None) -> Principal:
        for name, local in ((b"origin", _LOCAL_ORIGIN), (b"host", _LOCAL_HOST)):
            value = headers.get(name)
            if value is not None and local.fullmatch(value) is None:
                raise PermissionDeniedError(
                    f"An open gateway (--open) is for this machine alone: its {name.decode().title()} header names "
                    "another. Serve with a key instead.",
                    code="foreign_" + name.decode(),
                )
        return OPERATOR


def presented_key(headers: Mapping[bytes, bytes], extra: bytes | None = None) -> bytes:
    """The one key of a request. Raises AuthenticationError where there is none, BadRequestError where two differ."""
    own = headers.get(OWN_HEADER)
    if own is not None:
        key = _checked(bare(own))
        for name in (b"authorization", *KEY_HEADERS, *(() if extra is None else (extra,))):
            other = bare(headers.get(name, b""))
            if other != key and public_id(other) is not None:
                raise ambiguous()
        return key
    found: bytes | None = None
    authorization = headers.get(b"authorization")
    if authorization is not None:
        found = bare(authorization)
    others: tuple[bytes, ...] = () if _KEY_HEADERS.isdisjoint(headers) else KEY_HEADERS
    for name in others if extra is None else (extra, *others):
        value = headers.get(name)
        if value is None:
            continue
        value = bare(value)
        if found is not None and found != value:
            raise ambiguous()
        found = value
    if not found:
        raise AuthenticationError(
            "No key was sent. Send `Authorization: Bearer <key>` or `x-api-key: <key>`.", code="missing_api_key"
        )
    return _checked(found)


def ambiguous() -> BadRequestError:
    return BadRequestError(
        "The request carries two different keys. Send the gateway's key once, or in `x-litellm-api-key`.",
        code="ambiguous_credentials",
    )


def bare(value: bytes) -> bytes:
    """Without the word `Bearer`."""
    return value[7:].strip() if value[:7].lower() == b"bearer " else value.strip()


def _checked(key: bytes) -> bytes:
    if not key:
        raise AuthenticationError("The key is empty. Send `Authorization: Bearer <key>`.", code="missing_api_key")
    if len(key) > KEY_BYTES_MAX:
        raise AuthenticationError("This key is too long to be one of ours.", code="invalid_api_key")
    return key
