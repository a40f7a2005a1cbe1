"""Which of the operator's own values are credentials, besides the key itself. They are masked wherever a provider's
words are shown (`redact`).

A name tells. Where it says so outright (`api_key`, `password`), its value counts unless it is a plain word; where it
may mean something else (`key` in `prompt_cache_key`, `token`, `code`), only a value that nobody would write in a
sentence does: an ordinary one would be masked in every message that holds it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote_plus

from tollbridge.model.json import Json

_SAYS_SO = re.compile(
    r"(?i)api.?key|secret|passw|credential|authoriz|bearer|cookie|signature|(?:access|auth|private|subscription).?(?:key|token)"
)
_MAY_SAY = re.compile(r"(?i)key|token(?!s)|auth|^sig$|^code$|session")
_PLAIN_WORD = re.compile(r"[a-z][a-z_-]{0,9}|[\d.]+")
_UNGUESSABLE = re.compile(r"(?=\S*\d)(?=\S*[A-Za-z])\S{12,}|[A-Za-z+/=_-]{24,}")

_HEADERS = re.compile(r"(?i)auth|key|token|secret|cookie")


def in_headers(headers: Mapping[str, str]) -> Iterator[str]:
    """Bare, without `Bearer `."""
    for name, value in headers.items():
        if _HEADERS.search(name):
            yield value.removeprefix("Bearer ").removeprefix("Basic ")


def in_query(target: str) -> Iterator[str]:
    """Of a request target, as it stands there and decoded."""
    for pair in target.partition("?")[2].split("&"):
        name, _, value = pair.partition("=")
        decoded = unquote_plus(value)
        if _is_credential(unquote_plus(name), decoded):
            yield from dict.fromkeys((decoded, value))


def in_body(value: Json, name: str = "", *, within: bool = False) -> Iterator[str]:
    """At any depth. `within`: it stands in something whose name spoke of credentials."""
    match value:
        case str():
            if _is_credential(name, value) or (within and _UNGUESSABLE.fullmatch(value)):
                yield value
        case dict():
            within = within or bool(_SAYS_SO.search(name) or _MAY_SAY.search(name))
            for key, item in value.items():
                yield from in_body(item, key, within=within)
        case list():
            for item in value:
                yield from in_body(item, name, within=within)


def _is_credential(name: str, value: str) -> bool:
    if _SAYS_SO.search(name):
        return not _PLAIN_WORD.fullmatch(value)
    return bool(_MAY_SAY.search(name) and _UNGUESSABLE.fullmatch(value))
