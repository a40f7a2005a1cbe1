"""`Secret`: a string that does not show itself.

`str`, `repr`, `format`, JSON (msgspec's `enc_hook` sees an unknown type; `json.dumps(default=str)` gives `***`),
pickle and copies all give `***`. Only `reveal()` gives the value, so that a search for `.reveal(` lists every place
that does.
"""

from __future__ import annotations

import hmac
from typing import Final

MASK: Final = "***"


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
