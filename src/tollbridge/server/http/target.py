"""The request target, read once into the one path that routing, policy and handlers see (CVE-2026-49468 was two paths).

Rules
- Origin form only: `/path?query`, visible ASCII. No absolute or authority form, no `*`, no fragment, no backslash.
- Percent-escapes are decoded once. What decodes to a control character, a backslash, `?`, `#` or another escape is
  refused, and so is what is not UTF-8. `%2F` is a slash like any other: ids of models hold slashes.
- A segment `.` or `..`, also with parameters (`..;x`), is refused and never resolved.
- Nothing else is normalized: `//admin`, `/Admin`, `/admin.`, `/admin;x` are other paths than `/admin`.
"""

from __future__ import annotations

import re

from tollbridge.errors import BadRequestError

_ORIGIN_FORM = re.compile(rb"/[!\"$-\[\]-~]*")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})?")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\x80-\x9f\\?#]|%[0-9A-Fa-f]{2}")
_DOT_SEGMENT = re.compile(r"/\.\.?(?:[/;]|$)")


def read_target(target: bytes) -> tuple[str, str]:
    """Path and query. Raises BadRequestError."""
    if not _ORIGIN_FORM.fullmatch(target):
        raise BadRequestError("The request target must be a path in visible ASCII that begins with a slash.")
    raw_path, _, query = target.partition(b"?")
    path = _decode(raw_path) if b"%" in raw_path else raw_path.decode("ascii")
    if "/." in path and _DOT_SEGMENT.search(path):
        raise BadRequestError("The path must not contain '.' or '..' segments.")
    return path, query.decode("ascii")


def _decode(raw: bytes) -> str:
    try:
        path = _ESCAPE.sub(_unescape, raw).decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequestError("The path is not UTF-8 after percent-decoding.") from None
    if _FORBIDDEN.search(path):
        raise BadRequestError("The path holds an escape that is not allowed (control, backslash, '?', '#' or '%').")
    return path


def _unescape(match: re.Match[bytes]) -> bytes:
    digits = match[1]
    if digits is None:
        raise BadRequestError("The path holds an incomplete percent-escape.")
    return bytes((int(digits, 16),))
