"""AWS's event stream, incremental: frames out of bytes, and frames as server-sent events.

    | total length 4 | length of headers 4 | CRC of these 8 | headers | payload | CRC of all before it |     big-endian

A header is a name (its length in one byte), a type and a value; of the ten types, texts say what a frame is:
`:message-type` is `event`, `exception` or `error`, `:event-type` and `:exception-type` say which.
https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html, and botocore's service models of
bedrock-runtime and sagemaker-runtime (seen 2026-11-26).

Rules
1. Both checksums of a frame are compared before any of it counts; nothing is skipped to find the next frame.
2. A frame is bounded, and its lengths are judged as soon as they are there: no sender makes us wait for gigabytes.
3. A stream may end between two frames alone.
4. `chunk` (InvokeModel) holds bytes of the model's own format, which is one event of Anthropic's; `PayloadPart`
   (SageMaker) a piece of a stream, cut anywhere; every other event (Converse) its own JSON.
5. An exception becomes an `error` event that the readers of all formats know, and the last.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import crc32
from collections.abc import Mapping
from struct import Struct
from struct import error as StructError

import msgspec

from tollbridge.errors import BadGatewayError, Truncated
from tollbridge.wires import sse
from tollbridge.wires.aws_errors import error_event
from tollbridge.wires.failure import json_or_none

FRAME_BYTES_MAX = 24 * 1024 * 1024
HEADER_BYTES_MAX = 128 * 1024
_PRELUDE = 12
_LEAST = 16
_LENGTHS = Struct(">III")
_SHORT = Struct(">H")
_CRC = Struct(">I")
_FIXED: Mapping[int, int] = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""The length of a value by its type: true, false, byte, short, integer, long, timestamp, UUID. None of them says
anything to us."""
_BYTES, _TEXT = 6, 7

START = b"\x00"
"""How a frame begins, none being longer than 16 MiB: no text does."""


class Frame(msgspec.Struct, frozen=True):
    """`headers`: those that are texts."""

    headers: Mapping[str, str]
    payload: bytes


class FrameParser:
    """`feed` bytes as they come, then `close`. Raises BadGatewayError where they are no frames, Truncated where the
    last one is not whole."""

    __slots__ = ("_buffer", "_frame_bytes_max")

    def __init__(self, *, frame_bytes_max: int = FRAME_BYTES_MAX) -> None:
        self._buffer = bytearray()
        self._frame_bytes_max = frame_bytes_max

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are whole now."""
        buffer = self._buffer
        buffer += data
        frames: list[Frame] = []
        at = 0
        while len(buffer) - at >= _PRELUDE:
            total, headers, told = _LENGTHS.unpack_from(buffer, at)
            if crc32(buffer[at : at + 8]) != told:
                raise BadGatewayError("The provider's event stream is damaged: a frame's lengths fail their checksum.")
            if not _LEAST + headers <= total <= self._frame_bytes_max or headers > HEADER_BYTES_MAX:
                raise BadGatewayError(f"The provider's event stream has a frame of {total} bytes, which is no length.")
            if len(buffer) - at < total:
                break
            frames.append(_frame(bytes(buffer[at : at + total]), headers))
            at += total
        del buffer[:at]
        return frames

    def close(self) -> None:
        if self._buffer:
            raise Truncated("The provider's event stream ended inside a frame; what arrived is incomplete.")


def _frame(whole: bytes, headers: int) -> Frame:
    (told,) = _CRC.unpack_from(whole, len(whole) - 4)
    if crc32(memoryview(whole)[:-4]) != told:
        raise BadGatewayError("The provider's event stream is damaged: a frame fails its checksum.")
    border = _PRELUDE + headers
    return Frame(_texts(whole[_PRELUDE:border]), whole[border:-4])


def _texts(data: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    try:
        while at < len(data):
            end = at + 1 + data[at]
            name, kind = data[at + 1 : end].decode(), data[end]
            at = end + 1
            if kind in (_BYTES, _TEXT):
                (size,) = _SHORT.unpack_from(data, at)
                at += 2
            else:
                size = _FIXED[kind]
            if at + size > len(data):
                raise ValueError("a header is cut")
            if kind == _TEXT:
                found[name] = data[at : at + size].decode()
            at += size
    except (ValueError, LookupError, StructError) as error:
        raise BadGatewayError("The provider's event stream has a frame whose headers cannot be read.") from error
    return found


def as_events(frame: Frame) -> bytes:
    """The server-sent events that a frame is; of a SageMaker stream, the piece of one."""
    headers = frame.headers
    if headers.get(":message-type", "event") != "event":
        return _exception(frame)
    kind = headers.get(":event-type", "")
    if kind == "PayloadPart":
        return frame.payload
    if kind != "chunk":
        return sse.write(frame.payload or b"{}", kind.encode())
    try:
        said = b64decode(msgspec.json.decode(frame.payload)["bytes"])
        name = msgspec.json.decode(said).get("type")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadGatewayError("The provider's event stream has a chunk that holds no event.") from error
    return sse.write(said, name.encode() if isinstance(name, str) else b"")


def _exception(frame: Frame) -> bytes:
    """`error` frames tell in their headers what exceptions tell in their payload."""
    headers = frame.headers
    name = headers.get(":exception-type") or headers.get(":error-code") or "InternalServerException"
    said = json_or_none(frame.payload)
    message = headers.get(":error-message") or ""
    if isinstance(said, dict):
        told = said.get("message") or said.get("Message") or said.get("originalMessage")
        message = told if isinstance(told, str) else message
    return sse.write(msgspec.json.encode(error_event(name, message)), b"error")
