"""A journal's lines, written and read: `<crc32 of the JSON, 8 hex digits> <JSON of a Record>\\n`.

What is read may be damaged:
- The last line may be *torn*: the process died within a write. Its client never had the end of its answer.
- A line whose checksum is wrong is *damaged*; those before and after it are read. Where a flipped bit made a line's end
  into something else, both lines are found nevertheless.
- A last line that lacks its end alone is whole. Empty lines are nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO
from zlib import crc32

import msgspec

from tollbridge.observe.record import Record

CHUNK_BYTES = 256 * 1024
LINE_MAX_BYTES = 8 * 1024 * 1024
"""Far above any record: what is longer is no line, whatever it is."""

_decode = msgspec.json.Decoder(Record).decode
_BEGINNING = re.compile(rb"[0-9a-f]{8} \{")


class Damage(msgspec.Struct, frozen=True):
    """Bytes that are no line. `torn`: they are the end of the file."""

    offset: int
    length: int
    torn: bool = False


def write_line(json: bytes) -> bytes:
    return b"%08x %b\n" % (crc32(json), json)


def read_line(line: bytes) -> Record | None:
    """The record of a line without its end; None where it is damaged."""
    json = line[9:]
    if line[:9] != b"%08x " % crc32(json):
        return None
    try:
        return _decode(json)
    except (msgspec.DecodeError, RecursionError):
        return None  # whole, but not of a version that we understand: kept aside like a damaged one


def read_lines(file: IO[bytes], length: int | None = None) -> Iterator[Record | Damage]:
    """All lines of a file, or of its first `length` bytes. Neighbouring damage is told as one."""
    found: Damage | None = None
    for offset, line, ended in _split(file, length):
        for piece in _whole(offset, line, ended):
            if isinstance(piece, Record):
                if found is not None:
                    yield found
                    found = None
                yield piece
            elif found is None:
                found = piece
            else:
                found = Damage(found.offset, piece.offset + piece.length - found.offset)
    if found is not None:
        yield found


def _split(file: IO[bytes], length: int | None) -> Iterator[tuple[int, bytes, bool]]:
    """Offset, line without its end, whether it had one."""
    offset, rest, left = 0, b"", length
    while chunk := file.read(CHUNK_BYTES if left is None else min(left, CHUNK_BYTES)):
        if left is not None:
            left -= len(chunk)
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line:
                yield offset, line, True
            offset += len(line) + 1
        if len(rest) > LINE_MAX_BYTES:
            yield offset, rest, True
            offset, rest = offset + len(rest), b""
    if rest:
        yield offset, rest, False


def _whole(offset: int, line: bytes, ended: bool) -> Iterator[Record | Damage]:
    """The record of a line; of a damaged one what can be told apart: two lines whose border was lost are two again."""
    record = read_line(line)
    if record is not None:
        yield record
        return
    for border in _BEGINNING.finditer(line, 1):
        second = read_line(line[border.start() :])
        if second is not None:
            first = read_line(line[: border.start() - 1])
            yield Damage(offset, border.start() - 1) if first is None else first
            yield second
            return
    yield Damage(offset, len(line), torn=not ended)
