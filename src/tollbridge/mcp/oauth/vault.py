"""Tokens of MCP servers: whose, at which server. In the database they are sealed (`store/oauth.py`).

1. A token belongs to one principal at one server; what was signed in once for all belongs to `SHARED`.
2. It is shown to no server but the one that it was given for: a server that took the name of another, or moved, does
   not get the other's.
3. What another process changed, or somebody revoked, is known within `FRESH_S`. While the database is away, what is
   here is good.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from tollbridge.errors import StoreUnavailable
from tollbridge.mcp.definition import Definition
from tollbridge.mcp.oauth.discovery import covers
from tollbridge.mcp.oauth.notes import Notes
from tollbridge.mcp.oauth.values import Client, Token
from tollbridge.store.oauth import Note

TOKEN, CLIENT = "token", "client"
SHARED = "*"
FRESH_S = 1.0
CACHED_MAX = 10_000


class SignedIn(msgspec.Struct, frozen=True):
    """`server`: its id, or its name."""

    server: str
    owner: str
    token: Token


class Vault:
    def __init__(self, notes: Notes, clock: Callable[[], float] = time.time) -> None:
        self._notes = notes
        self._clock = clock
        self._cached: dict[tuple[str, str], tuple[float, Token | None]] = {}

    async def get(self, definition: Definition, owner: str, *, anew: bool = False) -> Token | None:
        """`anew`: as it stands in the database now."""
        key = (id_of(definition), owner)
        read_at, token = self._cached.get(key, (0.0, None))
        if anew or time.monotonic() - read_at > FRESH_S:
            read_at = time.monotonic()
            try:
                note = await self._notes.get(TOKEN, _name(*key))
            except StoreUnavailable:
                if token is None:
                    raise
            else:
                token = None if note is None else msgspec.convert(note.content, Token)
                self._keep(key, read_at, token)
        if token is None or (url := url_of(definition)) is None or not covers(token.resource, url):
            return None
        return token

    async def put(self, definition: Definition, owner: str, token: Token) -> None:
        key = (id_of(definition), owner)
        note = Note(kind=TOKEN, owner=owner, about=key[0], content=msgspec.to_builtins(token))
        await self._notes.put(_name(*key), note)
        self._keep(key, time.monotonic(), token)

    async def forget(self, server: str, owner: str) -> Token | None:
        """The token that it was."""
        self._cached.pop((server, owner), None)
        note = await self._notes.take(TOKEN, _name(server, owner))
        return None if note is None else msgspec.convert(note.content, Token)

    async def list(self, owner: str | None) -> tuple[SignedIn, ...]:
        """None: everybody's."""
        notes = await self._notes.list(TOKEN, owner)
        return tuple(SignedIn(note.about, note.owner, msgspec.convert(note.content, Token)) for note in notes)

    # as whom we are known at an authorization server

    async def client(self, definition: Definition, issuer: str, redirect: str) -> Client | None:
        note = await self._notes.get(CLIENT, _name(id_of(definition), issuer, redirect))
        client = None if note is None else msgspec.convert(note.content, Client)
        return None if client is None or (client.expires_at or self._clock() + 1) <= self._clock() else client

    async def put_client(self, definition: Definition, issuer: str, redirect: str, client: Client) -> None:
        note = Note(kind=CLIENT, about=id_of(definition), content=msgspec.to_builtins(client))
        await self._notes.put(_name(id_of(definition), issuer, redirect), note)

    async def forget_client(self, definition: Definition, issuer: str, redirect: str) -> None:
        await self._notes.forget(CLIENT, _name(id_of(definition), issuer, redirect))

    def _keep(self, key: tuple[str, str], read_at: float, token: Token | None) -> None:
        self._cached.pop(key, None)
        if len(self._cached) >= CACHED_MAX:
            self._cached.pop(next(iter(self._cached)))
        self._cached[key] = (read_at, token)


def id_of(definition: Definition) -> str:
    return definition.id or definition.name


def url_of(definition: Definition) -> str | None:
    address = definition.address
    return None if address is None else f"{address.origin.scheme}://{address.origin.authority}{address.target}"


def _name(*parts: str) -> str:
    return "\0".join(parts)
