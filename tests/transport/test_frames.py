"""WebSocket's frames: what is written reads back, split anywhere; what breaks the protocol is refused with its code."""

from __future__ import annotations

import asyncio

import pytest

from tollbridge.transport import frames
from tollbridge.transport.channel import FRAME_BYTES, HIGH_WATER, Channel, Closed
from tollbridge.transport.frames import (
    BINARY,
    CLOSE,
    NO_CODE,
    PING,
    PONG,
    TEXT,
    Frame,
    Frames,
    Malformed,
    accept_for,
    write_close,
    write_frame,
)

SIZES = (0, 1, 125, 126, 65535, 65536, 70001)


@pytest.mark.parametrize("masked", [True, False])
def test_what_is_written_reads_back(masked: bool) -> None:
    for size in SIZES:
        for kind in (TEXT, BINARY):
            reader = Frames(100_000, masked=masked)
            assert list(reader.feed(write_frame(kind, b"x" * size, masked=masked))) == [Frame(kind, b"x" * size)]
    reader = Frames(10, masked=masked)
    assert list(reader.feed(write_close(4000, "é" * 100, masked=masked))) == [Frame(CLOSE, b"\xc3\xa9" * 61, 4000)]
    assert list(Frames(10, masked=masked).feed(write_close(NO_CODE, "", masked=masked))) == [Frame(CLOSE, b"", NO_CODE)]


def test_the_examples_of_the_rfc() -> None:
    """RFC 6455, 1.3 and 5.7."""
    assert accept_for(b"dGhlIHNhbXBsZSBub25jZQ==") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    masked = bytes((0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58))
    assert list(Frames(10, masked=True).feed(masked)) == [Frame(TEXT, b"Hello")]
    cut = bytes((0x01, 0x03, 0x48, 0x65, 0x6C, 0x80, 0x02, 0x6C, 0x6F))
    assert list(Frames(10, masked=False).feed(cut)) == [Frame(TEXT, b"Hello")]


def test_it_reads_the_same_however_it_is_split() -> None:
    """With a ping within a message that is cut within a character."""
    stream = (
        bytes((0x01, 0x02))
        + b"a\xc3"
        + write_frame(PING, b"p", masked=False)
        + bytes((0x80, 0x01))
        + b"\xa9"
        + write_frame(BINARY, b"x" * 300, masked=False)
        + write_frame(PONG, b"", masked=False)
    )
    expected = [Frame(PING, b"p"), Frame(TEXT, "aé".encode()), Frame(BINARY, b"x" * 300), Frame(PONG)]
    for at in range(len(stream) + 1):
        reader = Frames(300, masked=False)
        assert [*reader.feed(stream[:at]), *reader.feed(stream[at:])] == expected, at
    reader = Frames(300, masked=False)
    assert [one for byte in stream for one in reader.feed(bytes((byte,)))] == expected


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (bytes((0xC1, 0)), frames.PROTOCOL),  # a reserved bit
        (bytes((0x83, 0)), frames.PROTOCOL),  # an unknown kind
        (bytes((0x80, 0)), frames.PROTOCOL),  # goes on from nothing
        (bytes((0x01, 0, 0x81, 0)), frames.PROTOCOL),  # begins within another
        (bytes((0x81, 0x80)), frames.PROTOCOL),  # a server masks nothing
        (bytes((0x09, 0)), frames.PROTOCOL),  # a control frame that is cut
        (bytes((0x89, 126, 0, 126)), frames.PROTOCOL),  # or long
        (bytes((0x81, 1, 0xFF)), frames.INVALID),  # no UTF-8
        (bytes((0x88, 1, 0)), frames.PROTOCOL),  # half a code
        (bytes((0x88, 2)) + (1005).to_bytes(2, "big"), frames.PROTOCOL),
        (bytes((0x88, 2)) + (999).to_bytes(2, "big"), frames.PROTOCOL),
        (bytes((0x88, 3)) + (1000).to_bytes(2, "big") + b"\xff", frames.INVALID),
        (bytes((0x82, 126)) + (101).to_bytes(2, "big"), frames.TOO_BIG),  # at its head
        (bytes((0x82, 127)) + (1 << 62).to_bytes(8, "big"), frames.TOO_BIG),
        (bytes((0x02, 60)) + b"x" * 60 + bytes((0x80, 41)), frames.TOO_BIG),  # all its frames together
    ],
)
def test_what_breaks_the_protocol_is_refused(data: bytes, code: int) -> None:
    with pytest.raises(Malformed) as refused:
        list(Frames(100, masked=False).feed(data))
    assert refused.value.code == code


def test_a_client_masks_its_frames() -> None:
    with pytest.raises(Malformed):
        list(Frames(100, masked=True).feed(write_frame(TEXT, b"x", masked=False)))


class Pipe(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.reading = True
        self.over = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += bytes(data)

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self.over

    def close(self) -> None:
        self.over = True

    abort = close


def opened(*, limit: int = 4 * HIGH_WATER) -> tuple[Channel, Pipe]:
    channel, pipe = Channel(asyncio.get_running_loop(), client=True, limit=limit), Pipe()
    channel.connection_made(pipe)
    return channel, pipe


async def test_what_nobody_takes_stops_the_socket() -> None:
    channel, pipe = opened()
    for _ in range(3):
        channel.data_received(write_frame(BINARY, b"x" * (HIGH_WATER // 2 - FRAME_BYTES), masked=False))
    assert not pipe.reading
    await channel.receive()
    await channel.receive()
    assert pipe.reading
    channel.connection_lost(None)


async def test_empty_messages_stop_the_socket_too() -> None:
    channel, pipe = opened()
    channel.data_received(write_frame(TEXT, b"", masked=False) * (HIGH_WATER // FRAME_BYTES))
    assert pipe.reading
    channel.data_received(write_frame(TEXT, b"", masked=False))
    assert not pipe.reading
    channel.connection_lost(None)


async def test_a_full_socket_stops_who_sends() -> None:
    channel, pipe = opened()
    channel.pause_writing()
    sending = asyncio.create_task(channel.send(b"x"))
    await asyncio.sleep(0)
    assert (sending.done(), pipe.sent) == (False, b"")
    channel.resume_writing()
    await sending
    assert pipe.sent
    channel.pause_writing()
    late = asyncio.create_task(channel.send(b"y"))
    await asyncio.sleep(0)
    channel.connection_lost(None)
    with pytest.raises(Closed):
        await late


async def test_a_ping_is_answered_and_a_close_returned() -> None:
    channel, pipe = opened()
    channel.data_received(write_frame(PING, b"p", masked=False) + write_close(4001, "bye", masked=False))
    assert list(Frames(10, masked=True).feed(pipe.sent)) == [Frame(PONG, b"p"), Frame(CLOSE, b"", 4001)]
    with pytest.raises(Closed) as closed:
        await channel.receive()
    assert (closed.value.code, closed.value.reason) == (4001, "bye")
    channel.connection_lost(None)


async def test_what_came_before_a_malformed_frame_is_given_out() -> None:
    channel, pipe = opened(limit=10)
    channel.data_received(write_frame(TEXT, b"x", masked=False) + write_frame(TEXT, b"x" * 11, masked=False))
    assert await channel.receive() == Frame(TEXT, b"x")
    with pytest.raises(Closed):
        await channel.receive()
    [told] = Frames(10, masked=True).feed(pipe.sent)
    assert told.code == frames.TOO_BIG
    channel.connection_lost(None)
