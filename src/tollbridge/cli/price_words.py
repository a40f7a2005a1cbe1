"""The names of prices in words: `cache_read>200000@batch` is a cache read in a batch, from 200,001 tokens on."""

from __future__ import annotations

from decimal import Decimal

COLUMNS = ("input", "output", "cache_read", "cache_write")
PER_UNIT = {
    "search_low": "a search, little context",
    "search_medium": "a search",
    "search_high": "a search, much context",
    "per_request": "a request",
    "per_second": "a second",
    "per_second_in": "a second",
}
"""Classes that are not by the token, in words."""


def place_of(price: str) -> tuple[bool, str, int, str, int]:
    """Tokens before pieces, the plain list before those of services; input and output first."""
    kind, tier, service = apart(price)
    at = COLUMNS.index(kind) if kind in COLUMNS else len(COLUMNS)
    return kind in PER_UNIT, service, at, kind, int(tier or 0)


def apart(price: str) -> tuple[str, str, str]:
    """Its class, its tier and its service; "" where it has none."""
    head, _, service = price.partition("@")
    kind, _, tier = head.partition(">")
    return kind, tier, service


def in_words(price: str) -> str:
    kind, tier, service = apart(price)
    words = PER_UNIT.get(kind, kind.replace("_", " "))
    if service:
        words += f", {service.replace('+', ', ')}"
    return words + (f", from {int(tier) + 1:,} tokens on" if tier else "")


def per(price: str, rate: int) -> float:
    return rate / 10**15 if price in PER_UNIT else rate / 10**9


def unit_of(price: str) -> str:
    return "$" if price in PER_UNIT else "$/M"


def exact(price: str, rate: int | None) -> str:
    """Dollars per million tokens, or for the piece, with all their digits."""
    if rate is None:
        return "-"
    return f"{(Decimal(rate) / (10**15 if price in PER_UNIT else 10**9)).normalize():f}"
