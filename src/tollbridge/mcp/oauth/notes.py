"""Where what OAuth keeps is kept: in the database, or, where there is none, for as long as the process lives."""

from __future__ import annotations

import time
from typing import Protocol

import msgspec

from tollbridge.store.oauth import Note

MEMORY_MAX = 10_000


class Notes(Protocol):
    """As `store.oauth.OAuthStore`."""

    async def put(self, name: str, note: Note) -> None: ...
    async def swap(self, name: str, former: Note, note: Note) -> bool: ...
    async def get(self, kind: str, name: str) -> Note | None: ...
    async def take(self, kind: str, name: str) -> Note | None: ...
    async def forget(self, kind: str, name: str) -> bool: ...
    async def list(self, kind: str, owner: str | None = None, about: str | None = None) -> tuple[Note, ...]: ...


class MemoryNotes:
    def __init__(self) -> None:
        self._notes: dict[tuple[str, str], Note] = {}

    async def put(self, name: str, note: Note) -> None:
        self._notes.pop((note.kind, name), None)
        if len(self._notes) >= MEMORY_MAX:
            self._notes.pop(next(iter(self._notes)))
        self._notes[note.kind, name] = msgspec.structs.replace(note, changed_at=time.time())

    async def swap(self, name: str, former: Note, note: Note) -> bool:
        if self._notes.get((note.kind, name)) is not former:
            return False
        await self.put(name, note)
        return True

    async def get(self, kind: str, name: str) -> Note | None:
        note = self._notes.get((kind, name))
        return note if note is not None and (note.expires_at is None or note.expires_at > time.time()) else None

    async def take(self, kind: str, name: str) -> Note | None:
        note = await self.get(kind, name)
        self._notes.pop((kind, name), None)
        return note

    async def forget(self, kind: str, name: str) -> bool:
        return await self.take(kind, name) is not None

    async def list(self, kind: str, owner: str | None = None, about: str | None = None) -> tuple[Note, ...]:
        now = time.time()
        return tuple(
            note
            for note in self._notes.values()
            if note.kind == kind
            and owner in (None, note.owner)
            and about in (None, note.about)
            and (note.expires_at is None or note.expires_at > now)
        )
