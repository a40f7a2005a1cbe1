"""multipart/form-data as it arrives: the same whatever the pieces, strict where readers differ, bounded (S56)."""

from __future__ import annotations

import pytest

from tollbridge.errors import BadRequestError
from tollbridge.server.multipart import (
    HEAD_BYTES_MAX,
    PARTS_MAX,
    Data,
    Ended,
    MultipartReader,
    Part,
    boundary_of,
    write_end,
    write_part,
)

FORM = (
    b'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
    b'--b\r\ncontent-disposition: form-data; name="file"; filename="a \\"q\\".jsonl"\r\n'
    b"Content-Type: application/jsonl\r\n\r\n{}\r\n--ad\r\n\r\n--\r\n"
    b'--b  \r\nContent-Disposition: form-data; name="empty"\r\n\r\n\r\n--b--\r\n'
)
READ = [
    (Part("purpose"), b"batch"),
    (Part("file", 'a "q".jsonl', "application/jsonl"), b"{}\r\n--ad\r\n\r\n--"),
    (Part("empty"), b""),
]


def read(*pieces: bytes, boundary: bytes = b"b") -> list[tuple[Part, bytes]]:
    reader, parts, ended = MultipartReader(boundary), list[tuple[Part, bytes]](), 0
    for piece in pieces:
        for event in reader.feed(piece):
            match event:
                case Part():
                    parts.append((event, b""))
                case Data(data):
                    parts[-1] = (parts[-1][0], parts[-1][1] + data)
                case Ended():
                    ended += 1
                    assert ended == len(parts)
    reader.close()
    return parts


def test_a_form_is_read_the_same_however_it_is_cut() -> None:
    assert read(FORM) == READ
    for at in range(len(FORM)):
        assert read(FORM[:at], FORM[at:]) == READ, at
    assert read(*(bytes((byte,)) for byte in FORM)) == READ


def test_what_is_written_reads_back() -> None:
    written = b"".join(
        write_part(b"xyz", part) + data + b"\r\n" for part, data in READ if '"' not in str(part.filename)
    )
    expected = [one for one in READ if '"' not in str(one[0].filename)]
    assert read(written + write_end(b"xyz"), boundary=b"xyz") == expected


def test_data_is_given_out_as_it_comes() -> None:
    reader = MultipartReader(b"b")
    list(reader.feed(b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n'))
    given = [event for _ in range(64) for event in reader.feed(b"x" * 65536)]
    assert sum(len(event.data) for event in given if isinstance(event, Data)) > 63 * 65536
    assert len(reader._held) < 65536


@pytest.mark.parametrize(
    "form",
    [
        b"",
        b"--b--",
        b"preamble\r\n" + FORM,
        FORM.replace(b"\r\n", b"\n"),
        FORM.removesuffix(b"--b--\r\n"),
        b"--b\r\n\r\nx\r\n--b--",
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--",
        b'--b\r\nContent-Disposition: form-data; name="a"; name="b"\r\n\r\nx\r\n--b--',
        b'--b\r\nContent-Disposition: form-data; name="a"\r\ncontent-disposition: form-data; name="b"\r\n\r\nx\r\n--b-'
        b"-",
        b'--b\r\nContent-Disposition: attachment; name="a"\r\n\r\nx\r\n--b--',
        b'--b\r\nContent-Disposition: form-data; name="a" junk\r\n\r\nx\r\n--b--',
        b'--b\r\nContent-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n--b--',
        b'--b\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx\r\n--b--',
        b'--b junk\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b--',
        b"--b\r\nX: " + b"x" * HEAD_BYTES_MAX + b"\r\n\r\n\r\n--b--",
        b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * (PARTS_MAX + 1) + b"--b--",
    ],
)
def test_s56_what_could_be_read_twice_or_without_end_is_refused(form: bytes) -> None:
    if form == b"--b--":
        assert read(form) == []
        return
    with pytest.raises(BadRequestError):
        read(form)


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('Multipart/Form-Data; charset=utf-8; boundary="a b"', b"a b"),
        ("multipart/form-data;boundary=----x; charset=utf-8", b"----x"),
    ],
)
def test_the_boundary_stands_in_the_content_type(content_type: str, boundary: bytes) -> None:
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize("content_type", ["", "application/json", "multipart/form-data", "multipart/mixed; boundary=a"])
def test_without_one_it_is_no_form(content_type: str) -> None:
    with pytest.raises(BadRequestError):
        boundary_of(content_type)
