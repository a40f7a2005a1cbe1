from __future__ import annotations

import struct
from binascii import crc32

import msgspec
import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from tests.wires import frames
from tollbridge.errors import BadGatewayError, RateLimitError, Truncated
from tollbridge.wires.anthropic_messages.wire import ANTHROPIC_MESSAGES
from tollbridge.wires.aws_events import START, Frame, FrameParser, as_events
from tollbridge.wires.base import ProviderWire
from tollbridge.wires.bedrock_converse import BEDROCK_CONVERSE
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.sse import SseParser

STREAM = frames.converse("Hello, ", "wörld", "") + frames.exception("throttlingException", "Too many.")


def read(data: bytes) -> list[Frame]:
    parser = FrameParser()
    found = parser.feed(data)
    parser.close()
    return found


def test_frames_are_the_same_wherever_their_bytes_are_cut() -> None:
    whole = read(STREAM)
    assert len(whole) == 8
    for cut in range(1, len(STREAM)):
        parser = FrameParser()
        assert [*parser.feed(STREAM[:cut]), *parser.feed(STREAM[cut:])] == whole, cut
    parser = FrameParser()
    assert [found for at in range(len(STREAM)) for found in parser.feed(STREAM[at : at + 1])] == whole


headers = st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=40), max_size=4)


@given(st.lists(st.tuples(headers, st.binary(max_size=200)), max_size=4))
def test_what_is_read_is_what_the_vendors_parser_reads(said: list[tuple[dict[str, str], bytes]]) -> None:
    data = b"".join(frames.frame(names, payload) for names, payload in said)
    theirs = EventStreamBuffer()
    theirs.add_data(data)
    assert read(data) == [Frame(message.headers, message.payload) for message in theirs]


def test_a_header_of_any_type_is_passed_over_to_the_next() -> None:
    kinds = (
        (b"\x00", b""),
        (b"\x01", b""),
        (b"\x02", b"\x05"),
        (b"\x03", b"\x00\x05"),
        (b"\x04", b"\x00" * 4),
        (b"\x05", b"\x00" * 8),
        (b"\x06", b"\x00\x03abc"),
        (b"\x08", b"\x00" * 8),
        (b"\x09", b"\x00" * 16),
        (b"\x07", b"\x00\x04text"),
    )
    packed = b"".join(b"\x01" + chr(97 + at).encode() + kind + value for at, (kind, value) in enumerate(kinds))
    (found,) = read(frames.raw_frame(packed, b"{}"))
    assert found == Frame({"j": "text"}, b"{}")


@pytest.mark.parametrize("at", range(0, 40, 3))
def test_a_byte_that_changed_on_the_way_is_noticed(at: int) -> None:
    data = bytearray(frames.event("messageStart", {"role": "assistant"}))
    data[at] ^= 0x40
    with pytest.raises(BadGatewayError, match="checksum"):
        read(bytes(data))


@pytest.mark.parametrize(
    "packed", [b"\x05ab", b"\x01a\x07\x00\x09abc", b"\x01a\x0b\x00", b"\x01\xff\x00", b"\x01a\x07\x00"]
)
def test_headers_that_are_none_are_an_error_and_no_crash(packed: bytes) -> None:
    with pytest.raises(BadGatewayError, match="headers cannot be read"):
        read(frames.raw_frame(packed, b""))


@pytest.mark.parametrize(("total", "headers"), [(15, 0), (2**31, 0), (200, 190), (300_000, 200_000)])
def test_a_length_that_cannot_be_is_refused_before_more_is_waited_for(total: int, headers: int) -> None:
    prelude = struct.pack(">II", total, headers)
    with pytest.raises(BadGatewayError, match="no length"):
        FrameParser().feed(prelude + struct.pack(">I", crc32(prelude)))


def test_a_stream_that_ends_inside_a_frame_is_cut() -> None:
    parser = FrameParser()
    parser.feed(STREAM[:-1])
    with pytest.raises(Truncated):
        parser.close()


def test_every_stream_of_frames_begins_as_no_text_does() -> None:
    assert STREAM.startswith(START)


def test_a_chunk_of_invoke_is_the_event_that_it_holds() -> None:
    (found,) = read(frames.chunk({"type": "message_stop"}))
    assert as_events(found) == b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


@pytest.mark.parametrize("payload", [{"bytes": "%"}, {}, [], {"bytes": "W10="}, {"bytes": 3}])
def test_a_chunk_that_holds_no_event_is_an_error_and_no_crash(payload: object) -> None:
    (found,) = read(frames.event("chunk", payload))
    with pytest.raises(BadGatewayError, match="holds no event"):
        as_events(found)


def test_pieces_of_a_sagemaker_stream_are_joined_wherever_they_were_cut() -> None:
    said = b'data: {"choices":[]}\n\ndata: [DONE]\n\n'
    data = b"".join(frames.piece(said[at : at + 5]) for at in range(0, len(said), 5))
    assert b"".join(map(as_events, read(data))) == said


@pytest.mark.parametrize("wire", [BEDROCK_CONVERSE, ANTHROPIC_MESSAGES, OPENAI_CHAT], ids=lambda wire: wire.name)
def test_an_exception_inside_a_stream_is_its_own_error_for_readers_of_every_format(wire: ProviderWire) -> None:
    (found,) = read(frames.exception("throttlingException", "Too many requests, please wait."))
    (event,) = SseParser().feed(as_events(found))
    with pytest.raises(RateLimitError, match="Too many requests") as caught:
        list(wire.stream_reader().feed(event))
    assert (caught.value.status_code, caught.value.retryable) == (429, True)


def test_an_error_frame_tells_in_its_headers() -> None:
    names = {":message-type": "error", ":error-code": "InternalServerException", ":error-message": "It broke."}
    (found,) = read(frames.frame(names))
    said = msgspec.json.decode(as_events(found).partition(b"data: ")[2])
    assert (said["error"]["code"], said["error"]["message"]) == ("InternalServerException", "It broke.")
