"""Headers of an answer, as they are handed from whoever knows one to whoever writes them.

A header is a pair: its name in lower case, and its value. Or it is lines: any number of headers as they go out, each
`name: value` with its CRLF. Lines are written by us, of names and values that hold no line break for certain (numbers,
ids of ours, what `printable` made); they cost a tenth of pairs, and an answer has some twenty headers of ours. What
somebody else wrote is a pair, and looked at once more before it goes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

Pair = tuple[bytes, bytes]
Header = Pair | bytes


def lines(headers: Iterable[Pair]) -> bytes:
    return b"".join([b"%b: %b\r\n" % pair for pair in headers])


def pairs(headers: Iterable[Header]) -> Iterator[Pair]:
    for header in headers:
        if isinstance(header, bytes):
            for line in header.splitlines():
                name, _, value = line.partition(b": ")
                yield name, value
        else:
            yield header
