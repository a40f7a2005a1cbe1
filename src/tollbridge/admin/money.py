"""Dollars, as JSON says them, and the nano-dollars that are counted in."""

from __future__ import annotations

from decimal import Decimal

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


def write_dollars(nanousd: int) -> float:
    return nanousd / NANO
