"""What a server asks for in `WWW-Authenticate`: RFC 9110, 11.6.1; RFC 6750, 3; RFC 9728, 5.1."""

from __future__ import annotations

import re

import msgspec

LENGTH_MAX = 8192
_PAIR = re.compile(r'([A-Za-z0-9_*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))')
_BEARER = re.compile(r"(?:^|,)\s*(?:bearer|dpop)\s+", re.IGNORECASE)
_NEXT = re.compile(r",\s*[A-Za-z][A-Za-z0-9_-]*\s+(?=[A-Za-z0-9_*-]+\s*=)")


class Challenge(msgspec.Struct, frozen=True):
    metadata_url: str | None = None
    scopes: tuple[str, ...] = ()
    error: str = ""


def read_challenge(header: str) -> Challenge:
    """What cannot be read says nothing."""
    begin = _BEARER.search(header[:LENGTH_MAX])
    if begin is None:
        return Challenge()
    said = header[begin.end() : LENGTH_MAX]
    end = _NEXT.search(said)
    pairs = {
        name.lower(): re.sub(r"\\(.)", r"\1", quoted) if quoted else bare
        for name, quoted, bare in _PAIR.findall(said if end is None else said[: end.start()])
    }
    scopes = tuple(dict.fromkeys(pairs.get("scope", "").split()))
    return Challenge(pairs.get("resource_metadata") or None, scopes, pairs.get("error", ""))
