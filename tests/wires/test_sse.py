"""R18: framing, in every form that the standard and the providers know."""

from __future__ import annotations

import random

import pytest

from tollbridge.errors import BadGatewayError
from tollbridge.wires import sse
from tollbridge.wires.base import SseEvent
from tollbridge.wires.sse import SseParser


def parse(*pieces: bytes, strict: bool = False) -> list[SseEvent]:
    parser = SseParser()
    events = [event for piece in pieces for event in parser.feed(piece)]
    return events + parser.close(strict=strict)


def data(*values: str) -> list[SseEvent]:
    return [SseEvent(value) for value in values]


GOLDEN: list[tuple[str, bytes, list[SseEvent]]] = [
    ("one event", b"data: a\n\n", data("a")),
    ("two events", b"data: a\n\ndata: b\n\n", data("a", "b")),
    ("CR LF", b"data: a\r\n\r\ndata: b\r\n\r\n", data("a", "b")),
    ("CR alone", b"data: a\r\rdata: b\r\r", data("a", "b")),
    ("line ends mixed", b"data: a\r\n\ndata: b\r\rdata: c\n\r\n", data("a", "b", "c")),
    ("CR then LF ends an event once", b"data: a\r\n\r\n\r\ndata: b\r\n\r\n", data("a", "b")),
    ("no space after the colon", b"data:a\n\n", data("a")),
    ("one space is dropped, not two", b"data:  a\n\n", data(" a")),
    ("a tab is kept", b"data:\ta\n\n", data("\ta")),
    ("several data lines", b"data: a\ndata: b\n\n", data("a\nb")),
    ("data lines with an empty one", b"data: a\ndata:\ndata: b\n\n", data("a\n\nb")),
    ("an empty data line", b"data:\n\n", data("")),
    ("data without a colon", b"data\n\n", data("")),
    ("a named event", b"event: ping\ndata: {}\n\n", [SseEvent("{}", "ping")]),
    ("the name after the data", b"data: {}\nevent: ping\n\n", [SseEvent("{}", "ping")]),
    ("the last name counts", b"event: a\nevent: b\ndata: 1\n\n", [SseEvent("1", "b")]),
    ("the name does not last", b"event: a\ndata: 1\n\ndata: 2\n\n", [SseEvent("1", "a"), SseEvent("2")]),
    ("an event without data is nothing", b"event: ping\n\ndata: a\n\n", data("a")),
    ("an id", b"id: 7\ndata: a\n\n", [SseEvent("a", "", "7")]),
    ("an id with a NUL is ignored", b"id: 7\x00\ndata: a\n\n", data("a")),
    ("retry is ignored", b"retry: 10\ndata: a\n\n", data("a")),
    ("unknown fields are ignored", b"colour: red\ndata: a\n\n", data("a")),
    ("a field name is case sensitive", b"Data: a\n\ndata: b\n\n", data("b")),
    ("a space before the colon is no data", b"data : a\n\ndata: b\n\n", data("b")),
    ("a comment before an event", b": hello\n\ndata: a\n\n", data("a")),
    ("a comment inside an event", b"data: a\n: hello\ndata: b\n\n", data("a\nb")),
    ("a comment in the same block", b": OPENROUTER PROCESSING\ndata: a\n\n", data("a")),
    ("an empty comment", b":\n\ndata: a\n\n", data("a")),
    ("only comments", b": a\n\n: b\n\n", []),
    ("nothing", b"", []),
    ("only line ends", b"\n\n\n\r\n\r\r", []),
    ("many empty lines between", b"data: a\n\n\n\n\ndata: b\n\n", data("a", "b")),
    ("empty lines first", b"\n\ndata: a\n\n", data("a")),
    ("a byte order mark", b"\xef\xbb\xbfdata: a\n\n", data("a")),
    ("a byte order mark later is data", b"data: \xef\xbb\xbfa\n\n", data("\ufeffa")),
    ("a part of a byte order mark", b"\xef\xbbdata: a\n\ndata: b\n\n", data("b")),
    ("characters of two, three and four bytes", "data: é世👋\n\n".encode(), data("é世👋")),
    ("no UTF-8", b"data: a\xffb\n\n", data("a\ufffdb")),
    ("colons in the data", b'data: {"a": "b:c"}\n\n', data('{"a": "b:c"}')),
    ("a line separator is no line end", "data: a\u2028b\x0bc\n\n".encode(), data("a\u2028b\x0bc")),
    ("the end mark", b"data: [DONE]\n\n", data("[DONE]")),
    ("no empty line at the end", b"data: a\n\ndata: b", data("a", "b")),
    ("one line end at the end", b"data: a\n\ndata: b\n", data("a", "b")),
    ("a name alone at the end", b"data: a\n\nevent: x", data("a")),
]


@pytest.mark.parametrize(("stream", "events"), [pytest.param(s, e, id=name) for name, s, e in GOLDEN])
def test_a_stream_is_framed_as_the_standard_says(stream: bytes, events: list[SseEvent]) -> None:
    assert parse(stream) == events


@pytest.mark.parametrize("stream", [pytest.param(stream, id=name) for name, stream, _ in GOLDEN])
def test_wherever_it_is_split_it_is_framed_alike(stream: bytes) -> None:
    whole = parse(stream)
    for cut in range(len(stream) + 1):
        assert parse(stream[:cut], stream[cut:]) == whole, cut
        assert parse(stream[:cut], b"", stream[cut:]) == whole, cut
    assert parse(*(bytes([byte]) for byte in stream)) == whole


def test_random_splits_of_a_mixed_stream_give_the_same_events() -> None:
    stream = b"".join(stream for _, stream, _ in GOLDEN if stream.endswith((b"\n\n", b"\r\r", b"\r\n\r\n")))
    whole, chance = parse(stream), random.Random(18)
    assert len(whole) > 30
    for _ in range(500):
        cuts = sorted(chance.sample(range(len(stream)), chance.randint(1, 40)))
        assert parse(*(stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True))) == whole


def test_an_event_is_given_as_soon_as_its_empty_line_is_there() -> None:
    parser = SseParser()
    assert parser.feed(b"data: a\r\n\r") == data("a")
    assert parser.feed(b"\ndata: b\n") == []
    assert parser.feed(b"\n") == data("b")


def test_strict_closing_drops_what_was_cut_off() -> None:
    assert parse(b"data: a\n\ndata: b\n", strict=True) == data("a")


def test_an_event_of_one_mebibyte_passes_in_small_pieces() -> None:
    big = b"data: " + b"x" * (1 << 20) + b"\n\n"
    assert parse(*(big[at : at + 997] for at in range(0, len(big), 997))) == data("x" * (1 << 20))


@pytest.mark.parametrize("ending", [b"", b"\n\n", b"\n\ndata: b\n\n", b"\n\ndata: b"])
@pytest.mark.parametrize("size", [1, 7, 5000])
def test_an_event_over_the_limit_is_given_up(ending: bytes, size: int) -> None:
    parser, stream = SseParser(event_bytes_max=1000), b"data: " + b"x" * 2000 + ending
    with pytest.raises(BadGatewayError, match="1000 bytes"):
        for at in range(0, len(stream), size):
            parser.feed(stream[at : at + size])


def test_many_small_events_may_be_larger_than_the_limit_together() -> None:
    parser = SseParser(event_bytes_max=100)
    assert len(parser.feed(b"data: abc\n\n" * 50)) == 50


def test_what_is_written_reads_back() -> None:
    assert parse(sse.write(b'{"a":1}')) == data('{"a":1}')
    assert parse(sse.write(b"a\nb\r\nc", b"ping")) == [SseEvent("a\nb\nc", "ping")]
