"""What callers pass for a file, as an Upload: a path, bytes, an open file, or (name, content) as OpenAI's SDK."""

from __future__ import annotations

import mimetypes
from os import PathLike, fspath
from pathlib import Path
from typing import IO

from tollbridge.errors import BadRequestError
from tollbridge.model.tasks.task import Upload

Content = bytes | bytearray | IO[bytes]
File = str | PathLike[str] | Content | tuple[str, Content] | tuple[str, Content, str]


def upload(file: object, field: str) -> Upload:
    """Reads it. Raises BadRequestError that names the parameter."""
    match file:
        case (str(name), content):
            return Upload(name, media_type(name), _bytes(content, field))
        case (str(name), content, str(kind)):
            return Upload(name, kind, _bytes(content, field))
        case str() | PathLike():
            path = Path(fspath(file))
            try:
                return Upload(path.name, media_type(path.name), path.read_bytes())
            except OSError as error:
                raise BadRequestError(f"`{field}` cannot be read: {error.strerror}.", param=field) from error
        case content:
            named = getattr(content, "name", None)
            name = Path(named).name if isinstance(named, str) else field
            return Upload(name, media_type(name), _bytes(content, field))


def _bytes(content: object, field: str) -> bytes:
    if isinstance(content, bytes | bytearray):
        return bytes(content)
    read = getattr(content, "read", None)
    data = read() if callable(read) else None
    if isinstance(data, bytes):
        return data
    raise BadRequestError(f"`{field}` must be a path, bytes, or a file that was opened to read bytes.", param=field)


def media_type(name: str) -> str:
    """By the name of a file."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
