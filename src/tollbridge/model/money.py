"""Dollars, as JSON and people say them, and the nano-dollars that are counted in."""

from __future__ import annotations

from decimal import Decimal
from typing import overload

NANO = 1_000_000_000
NANOUSD_MAX = 2**63 - 1


def read_dollars(dollars: float) -> int:
    """Exactly. Raises ValueError where the sum is negative, finer than a nano-dollar, or more than can be counted."""
    nano = Decimal(repr(dollars)) * NANO
    if nano.is_nan():
        raise ValueError("must be a number of dollars")
    if nano < 0:
        raise ValueError("must not be negative")
    if nano > NANOUSD_MAX:
        raise ValueError("is more than 9 billion dollars")
    if nano != nano.to_integral_value():
        raise ValueError("is finer than a nano-dollar ($0.000000001)")
    return int(nano)


@overload
def write_dollars(nanousd: int) -> float: ...
@overload
def write_dollars(nanousd: int | None) -> float | None: ...
def write_dollars(nanousd: int | None) -> float | None:
    """For JSON. What is unknown stays so."""
    return None if nanousd is None else nanousd / NANO


def spell_dollars(nanousd: int, places: int = 1) -> str:
    """Exactly, with at least so many decimal `places` and no more than needed: `0.0031`, `12.0`."""
    if nanousd < 0:
        return "-" + spell_dollars(-nanousd, places)
    whole, rest = divmod(nanousd, NANO)
    text = f"{whole}.{rest:09d}"
    kept = len(text) - 9 + places
    return text[:kept] + text[kept:].rstrip("0")


def round_dollars(nanousd: int) -> str:
    """For a table that people read: to the cent from a dollar on, else three digits that count. `$12.35`, `$0.000113`.
    Nothing but 0 is shown as 0."""
    size = abs(nanousd)
    unit = NANO // 100 if size >= NANO else 10 ** max(0, len(str(size)) - 3)
    rounded = (size + unit // 2) // unit * unit
    return show_dollars(-rounded if nanousd < 0 else rounded)


def show_dollars(nanousd: int) -> str:
    """For people: exactly, at least cents. `$0.0031`, `$12.00`."""
    return f"-${spell_dollars(-nanousd, 2)}" if nanousd < 0 else f"${spell_dollars(nanousd, 2)}"
