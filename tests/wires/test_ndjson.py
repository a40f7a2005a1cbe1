"""Lines of JSON out of bytes, however they are cut."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from tollbridge.errors import BadGatewayError
from tollbridge.wires.ndjson import LineParser

STREAM = '{"a":"é☃𝄞"}\n{"b":"x\\ny"}\r\n\n   \r\n{"c":[1,2]}\n{"d":4}'.encode()
LINES = ['{"a":"é☃𝄞"}', '{"b":"x\\ny"}', '{"c":[1,2]}', '{"d":4}']


def lines(pieces: list[bytes]) -> list[str]:
    parser = LineParser()
    events = [event for piece in pieces for event in parser.feed(piece)]
    return [event.data for event in (*events, *parser.close())]


def test_a_stream_cut_anywhere_gives_the_same_lines() -> None:
    for cut in range(len(STREAM) + 1):
        assert lines([STREAM[:cut], STREAM[cut:]]) == LINES, cut
    assert lines([bytes([byte]) for byte in STREAM]) == LINES


def test_a_stream_cut_in_many_places_gives_the_same_lines() -> None:
    chance = random.Random(7)
    for _ in range(200):
        cuts = [0, *sorted(chance.sample(range(len(STREAM)), 6)), len(STREAM)]
        assert lines([STREAM[a:b] for a, b in pairwise(cuts)]) == LINES, cuts


def test_a_line_is_given_as_soon_as_it_ends() -> None:
    parser = LineParser()
    assert parser.feed(b'{"a":1') == []
    assert [event.data for event in parser.feed(b'}\n{"b"')] == ['{"a":1}']
    assert [event.data for event in parser.feed(b":2}\n")] == ['{"b":2}']
    assert parser.close() == []


def test_a_byte_order_mark_stands_first_or_is_text() -> None:
    assert lines([b"\xef\xbb", b"\xbf{}\n{}\n"]) == ["{}", "{}"]
    assert lines([b"{}\n\xef\xbb\xbf{}\n"]) == ["{}", "﻿{}"]


def test_what_is_no_utf8_is_shown_as_such() -> None:
    assert lines([b'{"a":"\xff"}\n']) == ['{"a":"�"}']


def test_nothing_is_no_line() -> None:
    assert lines([]) == lines([b""]) == lines([b"\n\r\n \n"]) == []


@pytest.mark.parametrize("pieces", [[b"x" * 101], [b"x" * 60, b"x" * 60], [b"x" * 60, b"x" * 50 + b"\n"]])
def test_a_line_that_is_too_long_is_given_up(pieces: list[bytes]) -> None:
    parser = LineParser(line_bytes_max=100)
    with pytest.raises(BadGatewayError, match="more than 100 bytes"):
        for piece in pieces:
            parser.feed(piece)


def test_many_short_lines_are_not_one_long_one() -> None:
    assert len(LineParser(line_bytes_max=10).feed(b"12345\n" * 1000)) == 1000
