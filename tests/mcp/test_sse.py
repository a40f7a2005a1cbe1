"""Events of a stream, in whatever pieces they come."""

from __future__ import annotations

import pytest

from tollbridge.mcp.sse import EVENT_BYTES_MAX, Events, Framed, TooLarge

STREAM = b"id: 1\r\ndata: a\r\ndata: b\r\n\r\n: comment\n\nretry: 5\rid: 2\r\revent: x\ndata:  c\n\ndata: cut off\n"
EXPECTED = [Framed(data="a\nb", id="1"), Framed(id="2", retry_ms=5), Framed(event="x", data=" c")]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, len(STREAM)])
def test_events_are_the_same_in_pieces_of_any_size(size: int) -> None:
    events = Events()
    pieces = [STREAM[begin : begin + size] for begin in range(0, len(STREAM), size)]
    assert [event for piece in pieces for event in events.feed(piece)] == EXPECTED


def test_an_event_without_end_is_refused_where_it_gets_too_large() -> None:
    events, piece = Events(), b"x" * 2**20
    events.feed(b"data: ")
    with pytest.raises(TooLarge):
        for _ in range(EVENT_BYTES_MAX // len(piece) + 1):
            events.feed(piece)


def test_what_came_in_many_pieces_is_joined_once() -> None:
    events, piece = Events(), b"y" * 1000
    events.feed(b"data: ")
    for _ in range(8000):
        assert events.feed(piece) == []
    (event,) = events.feed(b"\n\n")
    assert event.data == "y" * 8_000_000
