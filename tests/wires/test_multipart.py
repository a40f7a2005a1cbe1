"""Forms: what is written reads back, whatever is in it; what was cut or is none is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tollbridge.errors import BadRequestError
from tollbridge.model.tasks.task import Upload
from tollbridge.wires.multipart import PARTS_MAX, read_form, write_form
from tollbridge.wires.task import Form

PLAIN_NAMES = st.text(
    st.characters(categories=("L", "N", "P", "S"), exclude_characters="\\%") | st.just(" "), min_size=1, max_size=20
).filter(str.strip) | st.sampled_from(['a"b', "a\r\nb"])
TEXTS = st.text(st.characters(blacklist_categories=("Cs",)), max_size=200)
FILES = st.builds(
    Upload,
    PLAIN_NAMES,
    st.sampled_from(["audio/mpeg", "image/png", "application/octet-stream"]),
    st.binary(max_size=300) | st.sampled_from([b"\r\n--tollbridge-", b"\r\n\r\n--", b"--", b"\r\n", b"\r\n--x--\r\n"]),
)


@settings(max_examples=40)
@given(st.lists(st.tuples(PLAIN_NAMES, TEXTS | FILES), max_size=6))
def test_what_is_written_reads_back(fields: list[tuple[str, str | Upload]]) -> None:
    body, kind = write_form(Form(tuple(fields)))
    assert read_form(body, kind) == Form(tuple(fields))


@settings(max_examples=40)
@given(st.lists(st.tuples(PLAIN_NAMES, FILES), min_size=1, max_size=3), st.data())
def test_a_form_that_was_cut_anywhere_is_refused(fields: list[tuple[str, str | Upload]], data: st.DataObject) -> None:
    body, kind = write_form(Form(tuple(fields)))
    end = len(body) - 4  # the last boundary and its dashes; the line break after them may be missing
    cut = data.draw(st.integers(0, end))
    with pytest.raises(BadRequestError):
        read_form(body[:cut], kind)


BROWSER = (
    b'preamble\r\n--Z\r\nContent-Disposition: form-data; name="a%22b"\r\n\r\none\r\n'
    b'--Z\r\nCONTENT-DISPOSITION: form-data; name=file; filename="x \\"y\\".mp3"\r\nContent-Type: audio/mpeg\r\n\r\n'
    b"\x00\xff\r\n\r\n--Z--\r\nepilogue"
)


@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=Z", 'Multipart/Form-Data; charset=utf-8; boundary="Z"']
)
def test_what_other_clients_write_is_read(kind: str) -> None:
    assert read_form(BROWSER, kind) == Form(
        (('a"b', "one"), ("file", Upload('x "y".mp3', "audio/mpeg", b"\x00\xff\r\n")))
    )


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/form-data; boundary=Z"),
        (b"--Z--", "multipart/form-data"),
        (b"--Z--", "multipart/form-data; boundary=" + "z" * 71),
        (b"--Z\r\nno head", "multipart/form-data; boundary=Z"),
        (b"--Z\r\n\r\nx\r\n--Z--", "multipart/form-data; boundary=Z"),
        (b"--Z\r\ncontent-disposition: form-data; name=a\r\n\r\n\xff\r\n--Z--", "multipart/form-data; boundary=Z"),
        (b"--Z\r\nx: " + b"y" * 9000 + b"\r\n\r\nx\r\n--Z--", "multipart/form-data; boundary=Z"),
        (
            b"--Z\r\ncontent-disposition: form-data; name=a\r\n\r\nx\r\n" * (PARTS_MAX + 1) + b"--Z--",
            "multipart/form-data; boundary=Z",
        ),
    ],
)
def test_what_is_no_form_is_refused(body: bytes, kind: str) -> None:
    with pytest.raises(BadRequestError) as refused:
        read_form(body, kind)
    assert refused.value.code == "invalid_form"


def test_a_list_may_be_named_with_brackets() -> None:
    form = Form((("a[]", "1"), ("a", "2"), ("b", "3"), ("f[]", Upload("x", "", b"y"))))
    assert form.texts("a") == ["1", "2"]
    assert form.text("b") == "3"
    assert form.text("c") is None
    assert [file.data for file in form.uploads("f")] == [b"y"]
