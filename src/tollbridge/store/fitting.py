"""Records as both databases take them, whatever a client or a provider wrote.

1. PostgreSQL keeps no NUL, and takes no row of an index above 2,704 bytes (a third of a page). The sums by day are
   found by a day and four texts, so that each text of a row is cut to `TEXT_BYTES`; a longer one is nobody's name.
2. Both databases keep 64 bits of a number, and add numbers up. Counts or costs above `AMOUNT_MAX` are not known.

What is looked for is cut alike. Most records fit as they are, and that is seen quickly: this is run for each request.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

from msgspec.structs import replace

from tollbridge.observe.record import Record, Tried

TEXT_BYTES = 600
AMOUNT_MAX = 10**16
"""Of tokens, and of nano-dollars: more than the attempts of a request are believed to have used. Hundreds of entries of
it can be added up."""

_TEXTS = ("request_id", "answer_id", "key_id", "group", "provider", "model")
_TEXTS_TRIED = ("deployment", "provider", "model", "error_class")
_texts: Callable[[Record], tuple[str, ...]] = attrgetter(*_TEXTS)
_texts_tried: Callable[[Tried], tuple[str, ...]] = attrgetter(*_TEXTS_TRIED)


def fit(record: Record) -> Record:
    """The record itself where it fits."""
    told = "".join(_texts(record))
    if record.user is not None:
        told += record.user
    for tried in record.tried:
        told += "".join(_texts_tried(tried))
    if _plain(told) and _counted(record):
        return record
    known = _counted(record)
    return replace(
        record,
        **dict(zip(_TEXTS, map(fit_text, _texts(record)), strict=True)),
        user=None if record.user is None else fit_text(record.user),
        tokens=record.tokens if known else None,
        cost_nanousd=record.cost_nanousd if known else None,
        tried=tuple(map(_fit_tried, record.tried)),
    )


def fit_text(text: str) -> str:
    if _plain(text):
        return text
    kept = text.replace("\0", "\ufffd").encode()
    return kept[:TEXT_BYTES].decode(errors="ignore")  # but for half a character at the end


def _fit_tried(tried: Tried) -> Tried:
    known = _counted(tried)
    return replace(
        tried,
        **dict(zip(_TEXTS_TRIED, map(fit_text, _texts_tried(tried)), strict=True)),
        tokens=tried.tokens if known else None,
        cost_nanousd=tried.cost_nanousd if known else None,
    )


def _plain(text: str) -> bool:
    return len(text) <= TEXT_BYTES and text.isascii() and "\0" not in text


def _counted(of: Record | Tried) -> bool:
    cost, tokens = of.cost_nanousd, of.tokens
    return (cost is None or cost <= AMOUNT_MAX) and (not tokens or max(tokens.values()) <= AMOUNT_MAX)
