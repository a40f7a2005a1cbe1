"""`Secret`: a string that does not show itself; and what is surely a key, wherever else it stands.

`str`, `repr`, `format`, JSON (msgspec's `enc_hook` sees an unknown type; `json.dumps(default=str)` gives `***`),
pickle and copies all give `***`. Only `reveal()` gives the value, so that a search for `.reveal(` lists every place
that does.
"""

from __future__ import annotations

import hmac
import re
from typing import Final

MASK: Final = "***"

_SHAPES = (
    r"\b(?:sk-[^\s\"',;\\]{13,}|(?:gsk|hf|xai|nvapi|ghp|glpat)[-_][0-9A-Za-z]{20,}|AIza[-\w]{30,}"
    r"|A(?:KIA|SIA)[0-9A-Z]{16}|eyJ[-\w]{8,}\.[-\w.]{8,})"
)
_KEY = re.compile(_SHAPES, re.ASCII)
_KEY_IN_BYTES = re.compile(_SHAPES.encode())
_CHARACTERS_MIN = 16


def without_keys(text: str) -> str:
    """What a client said, fit for a log: a key that was pasted into the wrong place (a model's name, a user) does not
    stand in it. Narrow, so that no other name is harmed: words of providers are searched by `calls.redact`."""
    return text if len(text) < _CHARACTERS_MIN else _KEY.sub(MASK, text)


def without_keys_in_bytes(text: bytes) -> bytes:
    """Of JSON, which stays JSON."""
    return _KEY_IN_BYTES.sub(MASK.encode(), text)


class Secret:
    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        return self.__value

    def __repr__(self) -> str:
        return MASK

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__value.encode(), other.__value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self.__value))

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        return Secret, (MASK,)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self
