"""A file on its way to a provider as a form, read as it goes: it is never all in memory, but where it came so.

Reading blocks, so each piece is read in a thread of its own. A file that was given open is read from where it stands
and stays open.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator, Mapping
from io import SEEK_END, BytesIO
from os import PathLike, fspath
from pathlib import Path
from typing import IO

from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json
from tollbridge.sdk.files import media_type
from tollbridge.server.multipart import Part, write_end, write_part

PIECE_BYTES = 256 * 1024
PART = "file"


class Form:
    """Open it once, send `next` piece by piece with `content_type` and `length`, then `close`. Making it raises
    BadRequestError that names the parameter; `next` where the file cannot be read to its end."""

    def __init__(self, fields: Mapping[str, Json], file: object) -> None:
        name, self._type, content = _described(file)
        self._name = name.encode("utf-8", "replace").decode()  # a path may hold any bytes
        self._boundary = b"tollbridge-" + secrets.token_hex(16).encode()
        self._ours = not callable(getattr(content, "read", None))
        self._stream = _opened(content)
        self._head = b"".join(self._heads(fields))
        self._end = b"\r\n" + write_end(self._boundary)
        self._left = _length(self._stream)
        self._state = "head"

    @property
    def content_type(self) -> str:
        return f"multipart/form-data; boundary={self._boundary.decode()}"

    @property
    def length(self) -> int | None:
        """To be asked before the first `next`. None of a file that cannot tell."""
        return None if self._left is None else len(self._head) + self._left + len(self._end)

    async def next(self) -> bytes:
        """`transport.base.Flow`."""
        if self._state == "head":
            self._state = "file"
            return self._head
        if self._state == "file":
            piece = await asyncio.to_thread(self._read)
            if piece:
                return piece
            self._state = "over"
            return self._end
        return b""

    def close(self) -> None:
        if self._ours:
            self._stream.close()

    def _read(self) -> bytes:
        wanted = PIECE_BYTES if self._left is None else min(PIECE_BYTES, self._left)
        if not wanted:  # what was written meanwhile is of another file
            return b""
        try:
            piece = self._stream.read(wanted)
        except (OSError, ValueError) as error:
            raise BadRequestError(f"`file` cannot be read: {error}.", param=PART) from error
        if not isinstance(piece, bytes):
            raise _unfit()
        if self._left is not None:
            if not piece:
                raise BadRequestError("`file` became shorter while it was sent.", param=PART)
            self._left -= len(piece)
        return piece

    def _heads(self, fields: Mapping[str, Json]) -> Iterator[bytes]:
        for name, value in fields.items():
            for inner, told in _told(name, value):
                yield write_part(self._boundary, Part(inner)) + told.encode() + b"\r\n"
        yield write_part(self._boundary, Part(PART, self._name, self._type))


def _described(file: object) -> tuple[str, str, object]:
    """(name, media type, content). As OpenAI's SDK takes a file: also a tuple of these, and of headers, which say
    nothing more."""
    match file:
        case (str(name), content, str(kind)) | (str(name), content, str(kind), _):
            return name, kind, content
        case (str(name), content):
            return name, media_type(name), content
        case str() | PathLike():
            name = Path(fspath(file)).name
            return name, media_type(name), Path(fspath(file))
        case content:
            named = getattr(content, "name", None)
            name = Path(named).name if isinstance(named, str) else PART
            return name, media_type(name), content


def _opened(content: object) -> IO[bytes]:
    match content:
        case bytes() | bytearray():
            return BytesIO(content)
        case PathLike():
            try:
                return open(content, "rb")  # `close` closes it
            except OSError as error:
                raise BadRequestError(f"`file` cannot be read: {error.strerror}.", param=PART) from error
        case _ if callable(getattr(content, "read", None)):
            return content  # type: ignore[return-value]  # what it reads is looked at when it comes
        case _:
            raise _unfit()


def _length(stream: IO[bytes]) -> int | None:
    """What is left of it, in bytes."""
    try:
        at = stream.tell()
        end = stream.seek(0, SEEK_END)
        stream.seek(at)
    except (OSError, ValueError, AttributeError):  # a pipe, an answer of somebody's, a file of texts
        return None
    return max(0, end - at)


def _told(name: str, value: Json) -> Iterator[tuple[str, str]]:
    """A field of a form; of an object, one for each of its members: `expires_after[seconds]`."""
    if isinstance(value, dict):
        for inner, one in value.items():
            yield from _told(f"{name}[{inner}]", one)
    elif isinstance(value, list):
        for one in value:
            yield from _told(f"{name}[]", one)
    elif isinstance(value, bool):
        yield name, "true" if value else "false"
    elif value is not None:
        yield name, str(value)


def _unfit() -> BadRequestError:
    return BadRequestError("`file` must be a path, bytes, or a file that was opened to read bytes.", param=PART)
