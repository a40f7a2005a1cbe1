"""`multipart/form-data` (RFC 7578): a body as the fields of a form, and back.

1. Names and file names stand in `content-disposition`; `"` and line breaks in them are percent-encoded, as browsers do.
2. A part with a file name is a file, any other a text in UTF-8.
3. A body that does not end with its boundary was cut: it is refused, as is one with more than `PARTS_MAX` parts.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from tollbridge.errors import BadRequestError
from tollbridge.model.tasks.task import Upload
from tollbridge.wires.task import Form

PARTS_MAX = 1_000
HEAD_BYTES_MAX = 8 * 1024
_BOUNDARY = re.compile(r'(?i)^multipart/form-data\s*;.*?boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))')
_PARAMETER = re.compile(r';\s*(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))')
_ENCODED = {'"': "%22", "\r": "%0D", "\n": "%0A"}


def is_form(content_type: str) -> bool:
    return content_type.strip().lower().startswith("multipart/form-data")


def read_form(body: bytes, content_type: str) -> Form:
    """Raises BadRequestError."""
    found = _BOUNDARY.match(content_type.strip())
    if found is None:
        raise _malformed("its content type names no boundary")
    mark = b"--" + (found[1] or found[2]).encode("latin-1")
    pieces = (b"\r\n" + body).split(b"\r\n" + mark)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise _malformed("it does not end with its boundary")
    if len(pieces) - 2 > PARTS_MAX:
        raise _malformed(f"it has more than {PARTS_MAX} parts")
    return Form(tuple(_part(piece) for piece in pieces[1:-1]))


def _part(piece: bytes) -> tuple[str, str | Upload]:
    head, blank, data = piece.lstrip(b" \t").removeprefix(b"\r\n").partition(b"\r\n\r\n")
    if not blank or len(head) > HEAD_BYTES_MAX:
        raise _malformed("a part has no head that can be read")
    headers = _headers(head)
    said = {name.lower(): value for name, value in _parameters(headers.get("content-disposition", ""))}
    name = said.get("name")
    if not name:
        raise _malformed("a part has no name")
    if "filename" in said:
        return name, Upload(said["filename"], headers.get("content-type", ""), data)
    try:
        return name, data.decode()
    except UnicodeDecodeError as error:
        raise _malformed(f"`{name[:100]}` is neither a file nor a text in UTF-8") from error


def _headers(head: bytes) -> dict[str, str]:
    found = {}
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        found[name.strip().lower()] = value.strip()
    return found


def _parameters(disposition: str) -> list[tuple[str, str]]:
    return [
        (found[1], _decoded(found[2]) if found[2] is not None else found[3])
        for found in _PARAMETER.finditer(disposition)
    ]


def _decoded(text: str) -> str:
    for plain, encoded in _ENCODED.items():
        text = text.replace(encoded, plain)
    return re.sub(r"\\([\"\\])", r"\1", text)


def write_form(form: Form) -> tuple[bytes, str]:
    """(body, content type). The boundary follows from the content, which holds it nowhere."""
    parts = [_written(name, value) for name, value in form.fields]
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(part)
    boundary = f"tollbridge-{digest.hexdigest()}"
    while any(boundary.encode() in part for part in parts):
        digest.update(b"again")
        boundary = f"tollbridge-{digest.hexdigest()}"
    mark = b"--" + boundary.encode()
    body = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts)
    return body + mark + b"--\r\n", f"multipart/form-data; boundary={boundary}"


def _written(name: str, value: str | Upload) -> bytes:
    said = f'content-disposition: form-data; name="{_encoded(name)}"'
    if isinstance(value, str):
        return said.encode() + b"\r\n\r\n" + value.encode()
    said += f'; filename="{_encoded(value.name)}"'
    kind = re.sub(r"[^\x20-\x7e]", "", value.media_type) or "application/octet-stream"
    return f"{said}\r\ncontent-type: {kind}\r\n\r\n".encode() + value.data


def _encoded(text: str) -> str:
    for plain, encoded in _ENCODED.items():
        text = text.replace(plain, encoded)
    return text


def _malformed(why: str) -> BadRequestError:
    return BadRequestError(f"The body is no form that can be read: {why}.", code="invalid_form")
