"""A file on its way to a provider: a form that is read as it comes, and written anew.

What is for us (who shall keep it) stands before the file, or in the query or a header; what is for the log may stand
anywhere. A file of requests is read line
by line (`lines.py`), so its `purpose` must be known before its first byte goes on: where it stands behind the file, as
much as `HELD_BYTES_MAX` of the file waits for it.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Iterator, Mapping

from tollbridge.errors import BadRequestError
from tollbridge.files.bracketed import read_bracketed, root
from tollbridge.files.lines import Lines
from tollbridge.model.json import JsonObject
from tollbridge.server.controls import NOTES
from tollbridge.server.guards import GUARDS
from tollbridge.server.multipart import Data, Ended, Event, MultipartReader, Part, write_end, write_part
from tollbridge.transport.base import Flow

HELD_BYTES_MAX = 8 * 1024 * 1024
FIELD_BYTES_MAX = 64 * 1024
OURS = ("custom_llm_provider", "target_model_names", "model", "provider")
"""Fields that tell who shall keep the file; they stay here."""
HEARD = NOTES | {GUARDS}
"""Fields, and what is written in brackets behind their names, that go no further."""

Hear = Callable[[JsonObject], None]
"""Takes what a form says for the log, or of guards. Raises APIError."""


class Form:
    """`begin`, look at `fields`, then send `next`, piece by piece, with `content_type`. All raise APIError. `hear` is
    called by `begin`, and again where more stands behind the file."""

    def __init__(self, flow: Flow, boundary: bytes, *, wants_purpose: bool, hear: Hear) -> None:
        self._flow = flow
        self._hear = hear
        self._reader = MultipartReader(boundary)
        self._wants_purpose = wants_purpose
        self._events: deque[Event] = deque()
        self._boundary = b"tollbridge-" + secrets.token_hex(16).encode()
        self._file: Part | None = None
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._file_over = self._over = False
        self._lines: Lines | None = None
        self._began = False
        self._heard: list[tuple[str, str]] = []
        self.fields: dict[str, str] = {}

    @property
    def content_type(self) -> str:
        return f"multipart/form-data; boundary={self._boundary.decode()}"

    async def begin(self) -> None:
        """Until it is known what the form says of its file."""
        while not (self._file and (not self._wants_purpose or "purpose" in self.fields)):
            if not await self._read():
                break
        if self._file is None:
            raise BadRequestError("The form lacks `file`.", param="file")
        if self._wants_purpose and "purpose" not in self.fields:
            raise BadRequestError("The form lacks `purpose`.", param="purpose")
        self._hear(read_bracketed(self._heard))

    def looks_into(self, lines: Lines) -> None:
        self._lines = lines

    async def next(self) -> bytes:
        """`transport.base.Flow`."""
        if not self._began:
            self._began = True
            return b"".join(self._head())
        while not self._over:
            if self._held:
                held, self._held = b"".join(self._held), []
                self._held_bytes = 0
                if told := (held if self._lines is None else self._lines.feed(held)):
                    return told
            if self._file_over and not self._held:
                self._over = True
                last = b"" if self._lines is None else self._lines.close()
                return last + b"\r\n" + await self._rest() + write_end(self._boundary)
            await self._read()
        return b""

    def _head(self) -> Iterator[bytes]:
        yield from self._fields(self.fields)
        assert self._file is not None
        yield write_part(self._boundary, self._file)

    def _fields(self, fields: Mapping[str, str]) -> Iterator[bytes]:
        for name, value in fields.items():
            if name not in OURS:
                yield write_part(self._boundary, Part(name)) + value.encode() + b"\r\n"

    async def _rest(self) -> bytes:
        """What stands behind the file; what is for us must have been known before it."""
        known, heard = set(self.fields), len(self._heard)
        while await self._read():
            pass
        if len(self._heard) > heard:
            self._hear(read_bracketed(self._heard))
        late = {name: value for name, value in self.fields.items() if name not in known}
        for name in OURS:
            if name in late:
                raise BadRequestError(f"`{name}` must stand before `file`.", param=name)
        return b"".join(self._fields(late))

    async def _read(self) -> bool:
        """The next event; False where there is none."""
        while not self._events:
            if self._reader.over:
                return False
            data = await self._flow()
            if not data:
                self._reader.close()
                return False
            self._events.extend(self._reader.feed(data))
        event = self._events.popleft()
        match event:
            case Part(name="file"):
                if self._file is not None:
                    raise BadRequestError("The form has several files; send one.", param="file")
                self._file = event
            case Part(filename=None):
                await self._field(event.name)
            case Part():
                raise BadRequestError(f"`{event.name[:100]}` is a file; the one that is wanted is `file`.")
            case Data(data):
                self._held.append(data)
                self._held_bytes += len(data)
                if self._held_bytes > HELD_BYTES_MAX and not self._began:
                    raise BadRequestError("`purpose` must stand before a large `file`.", param="purpose")
            case Ended():
                self._file_over = True
        return True

    async def _field(self, name: str) -> None:
        if name in self.fields:
            raise BadRequestError(f"The form says `{name[:100]}` twice.", param=name[:100])
        value = b""
        while True:
            while not self._events:
                data = await self._flow()
                if not data:
                    self._reader.close()
                self._events.extend(self._reader.feed(data))
            event = self._events.popleft()
            if isinstance(event, Ended):
                break
            if isinstance(event, Data):
                value += event.data
            if len(value) > FIELD_BYTES_MAX:
                raise BadRequestError(f"`{name[:100]}` is too long.", param=name[:100])
        try:
            text = value.decode()
        except UnicodeDecodeError as error:
            raise BadRequestError(f"`{name[:100]}` is not UTF-8.", param=name[:100]) from error
        if root(name) in HEARD:
            self._heard.append((name, text))
        else:
            self.fields[name] = text
