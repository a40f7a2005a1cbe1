"""What the tests of a whole gateway do to it: ask in turn, and keep its database from it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import aiohttp
import msgspec

from bench.audit.clients import CHAT, Asked, Seen, ask
from bench.audit.house import House


@contextmanager
def locked(gateway: House) -> Iterator[None]:
    """Somebody else writes to the database meanwhile."""
    with closing(sqlite3.connect(gateway.home / "tollbridge.db", timeout=60, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


async def asked(gateway: House, key: str, *marks: str, model: str = "plain-openai", stream: bool = False) -> list[Seen]:
    """What a client sees that asks once for each mark, one after the other."""
    shape = Asked(mark="", key=key, path=CHAT, model=model, stream=stream, usage=True)
    async with aiohttp.ClientSession() as session:
        return [await ask(session, gateway.url, msgspec.structs.replace(shape, mark=mark)) for mark in marks]
