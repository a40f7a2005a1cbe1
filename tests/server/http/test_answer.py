from __future__ import annotations

import pytest

from tollbridge.calls.headers import lines
from tollbridge.server.http.answer import Preludes, write_head


def test_the_date_is_made_once_a_second() -> None:
    preludes = Preludes()
    preludes.set_time(0.9)
    first = preludes.get(200)
    assert first == b"HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
    preludes.set_time(0.99)
    assert preludes.get(200) is first
    preludes.set_time(1.0)
    assert b"00:00:01" in preludes.get(200)


def test_statuses_without_a_registered_phrase_have_one() -> None:
    assert Preludes().get(529).startswith(b"HTTP/1.1 529 Overloaded\r\n")
    assert Preludes().get(599).startswith(b"HTTP/1.1 599 Unknown\r\n")


@pytest.mark.parametrize("value", [b"a\r\nb: c", b"a\nb", b"a\rb", b"a\0b", b"\r\n\r\nbody"])
def test_no_value_splits_a_head(value: bytes) -> None:
    prelude = Preludes().get(200)
    head = write_head(
        prelude, [(b"x-a", value), (b"x-b", b"fine"), (b"content-length", b"9")], b"content-length: 0\r\n"
    )
    assert head == prelude + b"x-b: fine\r\ncontent-length: 0\r\n\r\n"


def test_lines_go_out_as_they_are_and_pairs_beside_them_are_looked_at() -> None:
    prelude = Preludes().get(200)
    ours = lines([(b"x-ours", b"1"), (b"x-also", b"2")])
    head = write_head(
        prelude, [ours, (b"x-theirs", b"3"), (b"date", b"no"), (b"x-bad", b"4\r\nset-cookie: a")], b"a: b\r\n"
    )
    assert head == prelude + ours + b"x-theirs: 3\r\na: b\r\n\r\n"
