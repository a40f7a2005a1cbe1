import random

import pytest

from tollbridge.errors import BadGatewayError
from tollbridge.wires.base import Wire
from tollbridge.wires.gemini.wire import GEMINI
from tollbridge.wires.openai_chat import OPENAI_CHAT
from tollbridge.wires.tap import EVENT_BYTES_MAX, Boundary, event_around, pieces, speaks

STREAM = b'data: {"a":1}\n\n: note\r\n\r\nevent: x\ndata: {"b":2}\ndata: 3\n\ndata: [DONE]\r\r'


def fed(boundary: Boundary, *parts: bytes) -> list[bytes]:
    return [block for part in parts if (block := boundary.feed(part))]


def test_whole_events_go_on_at_once():
    assert Boundary().feed(b"data: 1\n\ndata: 2\n\n") == b"data: 1\n\ndata: 2\n\n"


def test_what_follows_the_last_border_waits():
    boundary = Boundary()
    assert boundary.feed(b"data: 1\n\ndata: 2") == b"data: 1\n\n"
    assert boundary.rest() == b"data: 2"
    assert boundary.feed(b"\n\n") == b"data: 2\n\n"


@pytest.mark.parametrize("seed", range(20))
def test_however_it_is_cut_nothing_is_lost_and_blocks_end_at_borders(seed: int):
    chance = random.Random(seed)
    cuts = sorted(chance.sample(range(1, len(STREAM)), chance.randint(1, len(STREAM) - 1)))
    boundary = Boundary()
    blocks = fed(boundary, *(STREAM[i:j] for i, j in zip([0, *cuts], [*cuts, len(STREAM)], strict=True)))
    assert b"".join(blocks) + boundary.rest() == STREAM
    assert all(block.endswith((b"\n\n", b"\r\n\r\n", b"\r\r")) for block in blocks)


def test_a_border_that_is_cut_in_two_is_found():
    for border in (b"\n\n", b"\r\n\r\n", b"\r\r"):
        for at in range(1, len(border)):
            assert fed(Boundary(), b"data: 1" + border[:at], border[at:]) == [b"data: 1" + border]


def test_an_endless_event_is_refused():
    boundary = Boundary()
    with pytest.raises(BadGatewayError, match="16 MiB"):
        for _ in range(EVENT_BYTES_MAX // 65536 + 2):
            boundary.feed(b"x" * 65536)


def test_pieces_are_events_with_their_data():
    assert [data for _, data in pieces(STREAM)] == [b'{"a":1}', b"", b'{"b":2}\n3', b"[DONE]"]
    assert b"".join(event for event, _ in pieces(STREAM)) == STREAM


def test_an_event_is_found_around_a_place_in_it():
    start, end = event_around(STREAM, STREAM.index(b'{"b"'))
    assert STREAM[start:end] == b'event: x\ndata: {"b":2}\ndata: 3\n\n'


def test_comments_are_not_speech():
    assert not speaks(b": keep-alive\n\n")
    assert speaks(b": keep-alive\n\ndata: 1\n\n")


@pytest.mark.parametrize("wire", [OPENAI_CHAT, GEMINI], ids=lambda wire: wire.name)
def test_a_mark_of_the_encoding_before_the_first_event_hides_nothing_of_it(wire: Wire):
    told = {
        OPENAI_CHAT.name: b'{"id":"c1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}',
        GEMINI.name: b'{"responseId":"c1","usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2}}',
    }[wire.name]
    tap = wire.stream_tap(False)
    stream = b"\xef\xbb\xbfdata: " + told + b"\n\n"
    assert tap.feed(stream) == stream
    assert tap.spoke
    usage = tap.said.usage
    assert usage is not None
    assert (usage.input, usage.output, tap.said.id) == (3, 2, "c1")
