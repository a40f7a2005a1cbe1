"""multipart/form-data (RFC 7578) as it arrives, and as it is sent on. Sans-IO.

    PREAMBLE -> HEAD -> DATA -> HEAD ... -> DATA -> OVER

Rules
- Strict where readers differ, because what is checked here is read again by somebody else: CRLF only, a part has one
  Content-Disposition with one plain `name`, a head and the number of parts have limits, nothing but white space after a
  boundary. What stands before the first boundary must be empty, what stands behind the last is dropped.
- A piece of a part's data is given out as soon as it is certain that no boundary begins in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from tollbridge.errors import BadRequestError

HEAD_BYTES_MAX = 8 * 1024
PARTS_MAX = 100

_BOUNDARY = re.compile(r"multipart/form-data\s*;.*?\bboundary=(?:\"([^\"]{1,70})\"|([^\s;\"]{1,70}))\s*(?:;.*)?", re.I)
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\r\n\0]*)")
_PARAMETER = re.compile(rb';[ \t]*([A-Za-z*]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))')


class Part(msgspec.Struct, frozen=True):
    """A part begins. `filename`: None where it is a plain field."""

    name: str
    filename: str | None = None
    content_type: str = ""


class Data(msgspec.Struct, frozen=True):
    data: bytes


class Ended(msgspec.Struct, frozen=True):
    """A part is whole."""


Event = Part | Data | Ended


def boundary_of(content_type: str) -> bytes:
    """Raises BadRequestError where this is no multipart form."""
    found = _BOUNDARY.fullmatch(content_type)
    boundary = "" if found is None else found[1] or found[2]
    if not boundary or not boundary.isascii() or not boundary.isprintable():
        raise BadRequestError("The body must be multipart/form-data, with its boundary in Content-Type.")
    return boundary.encode()


class MultipartReader:
    """`feed` bytes in order, then `close`. Both raise BadRequestError."""

    def __init__(self, boundary: bytes) -> None:
        self._mark = b"\r\n--" + boundary
        self._held = b"\r\n"  # the first boundary has no line before it
        self._state = "preamble"
        self._parts = 0

    @property
    def over(self) -> bool:
        return self._state == "over"

    def feed(self, data: bytes) -> Iterator[Event]:
        self._held += data
        while True:
            if self._state == "over":
                self._held = b""
                return
            if self._state == "head":
                end = self._held.find(b"\r\n\r\n")
                if end < 0:
                    if len(self._held) > HEAD_BYTES_MAX:
                        raise _malformed("the head of a part is too long")
                    return
                part, self._held = _read_part(self._held[:end]), self._held[end + 4 :]
                self._state = "data"
                # An empty part's boundary may follow at once: its CRLF is that of the head.
                if self._held.startswith(self._mark[2:]):
                    self._held = b"\r\n" + self._held
                yield part
            found = self._held.find(self._mark)
            if found < 0:
                keep = len(self._mark) - 1
                ready, self._held = self._held[:-keep], self._held[-keep:]
                if ready:
                    yield self._data(ready)
                return
            behind = self._held[found + len(self._mark) :]
            line = behind.find(b"\r\n")
            if not behind.startswith(b"--") and line < 0:
                if len(behind) > 256:
                    raise _malformed("a boundary's line does not end")
                if found:
                    yield self._data(self._held[:found])
                    self._held = self._held[found:]
                return
            if found:
                yield self._data(self._held[:found])
            if self._state == "data":
                yield Ended()
            if behind.startswith(b"--"):
                self._state, self._held = "over", b""
                return
            if behind[:line].strip(b" \t"):
                raise _malformed("something stands behind a boundary")
            self._parts += 1
            if self._parts > PARTS_MAX:
                raise _malformed(f"it has more than {PARTS_MAX} parts")
            self._state, self._held = "head", behind[line + 2 :]

    def close(self) -> None:
        if self._state != "over":
            raise _malformed("its last boundary is missing")

    def _data(self, data: bytes) -> Data:
        if self._state == "preamble":
            raise _malformed("it does not begin with its boundary")
        return Data(data)


def _read_part(head: bytes) -> Part:
    fields: dict[bytes, bytes] = {}
    for line in head.split(b"\r\n"):
        found = _FIELD.fullmatch(line)
        if found is None or found[1].lower() in fields:
            raise _malformed("the head of a part cannot be read")
        fields[found[1].lower()] = found[2].strip()
    disposition = fields.get(b"content-disposition", b"")
    kind, _, _ = disposition.partition(b";")
    said: dict[bytes, bytes] = {}
    rest = disposition[len(kind) :]
    for parameter in _PARAMETER.finditer(rest):
        name = parameter[1].lower()
        if name in said:
            raise _malformed("a part has two names")
        said[name] = re.sub(rb"\\(.)", rb"\1", parameter[2]) if parameter[2] is not None else parameter[3]
    if kind.strip().lower() != b"form-data" or b"name" not in said or _PARAMETER.sub(b"", rest).strip():
        raise _malformed("a part has no name")
    if b"content-transfer-encoding" in fields and fields[b"content-transfer-encoding"].lower() not in _PLAIN:
        raise _malformed("a part has a transfer encoding")
    try:
        filename = said.get(b"filename")
        return Part(
            said[b"name"].decode(),
            None if filename is None and b"filename*" not in said else (filename or b"file").decode(),
            fields.get(b"content-type", b"").decode("latin-1"),
        )
    except UnicodeDecodeError as error:
        raise _malformed("the name of a part is not UTF-8") from error


_PLAIN = frozenset({b"binary", b"8bit", b"7bit"})


def read_field(body: bytes, content_type: str, name: str) -> str:
    """The one value of a field of a form. Raises BadRequestError where there is none, or are several."""
    reader = MultipartReader(boundary_of(content_type))
    found: list[bytes] = []
    inside = False
    for event in reader.feed(body):
        if isinstance(event, Part):
            inside = event.name == name
            if inside:
                found.append(b"")
        elif inside and isinstance(event, Data):
            found[-1] += event.data
    reader.close()
    if len(found) != 1:
        raise BadRequestError(f"The form must say `{name}` once.", param=name)
    try:
        return found[0].decode()
    except UnicodeDecodeError as error:
        raise BadRequestError(f"`{name}` is not UTF-8.", param=name) from error


def write_part(boundary: bytes, part: Part) -> bytes:
    """The head of a part, boundary included. Its data follows, then a CRLF."""
    name = _quoted(part.name)
    file = "" if part.filename is None else f'; filename="{_quoted(part.filename)}"'
    kind = f"content-type: {part.content_type}\r\n" if part.content_type else ""
    head = f'content-disposition: form-data; name="{name}"{file}\r\n{kind}\r\n'
    return b"--" + boundary + b"\r\n" + head.encode()


def write_end(boundary: bytes) -> bytes:
    return b"--" + boundary + b"--\r\n"


def _quoted(text: str) -> str:
    """As browsers write it (WHATWG, "multipart/form-data encoding algorithm")."""
    return text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


def _malformed(why: str) -> BadRequestError:
    return BadRequestError(f"The multipart body is malformed: {why}.", code="malformed_multipart")
