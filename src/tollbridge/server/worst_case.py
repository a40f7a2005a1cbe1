from __future__ import annotations

import msgspec


class Worst(msgspec.Struct, frozen=True):
    tokens: int
    nanousd: int | None


def worst_case(ask, members, *, priced, counted):  # type: ignore
    return Worst(100, 100)
