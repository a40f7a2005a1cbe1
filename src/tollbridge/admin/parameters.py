"""What may stand in the queries and bodies of the management routes. Each reader gives the value, or raises
UnprocessableEntityError with the parameter's name; a query's empty value says nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from tollbridge.admin.key_fields import unknown_field
from tollbridge.catalog.parts import COST_MAX_USD
from tollbridge.errors import UnprocessableEntityError
from tollbridge.ledger.report import read_date
from tollbridge.model.json import Json, JsonObject
from tollbridge.model.money import NANO
from tollbridge.observe.ulid import is_ulid

LIST_MAX = 1_000
DIGITS_MAX = 9
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_KINDS = {str: "a text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}


def only(said: Mapping[str, object], known: Collection[str]) -> None:
    for name in said:
        if name not in known:
            raise unknown_field(name, known)


def invalid(name: str, what: str) -> UnprocessableEntityError:
    return UnprocessableEntityError(f"`{name}` {what}.", code="invalid_field", param=name)


def missing(name: str, what: str) -> UnprocessableEntityError:
    return UnprocessableEntityError(f"`{name}` is missing: {what}.", code="missing_field", param=name)


def kind(value: Json) -> str:
    return _KINDS.get(type(value), "null")


def text(body: JsonObject, name: str, what: str) -> str:
    """`what` it shall be, for whoever left it out."""
    value = body.get(name)
    if value is None or value == "":
        raise missing(name, what)
    if not isinstance(value, str):
        raise invalid(name, f"must be a text ({what}), and is {kind(value)}")
    return value


def texts(body: JsonObject, name: str) -> list[str]:
    """Empty where nothing is said."""
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise invalid(name, f"must be a list of texts, and is {kind(value)}")
    if len(value) > LIST_MAX:
        raise invalid(name, f"must be a list of at most {LIST_MAX:,}")
    for item in value:
        if not isinstance(item, str) or not item:
            raise invalid(name, f"must be a list of texts, and holds {'an empty one' if item == '' else kind(item)}")
    return value


def number(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    said = query.get(name)
    if not said:
        return default
    if not (said.isascii() and said.isdecimal()) or len(said) > DIGITS_MAX or not 1 <= int(said) <= most:
        raise invalid(name, f"must be a whole number from 1 to {most:,}")
    return int(said)


def dollars(query: Mapping[str, str], name: str) -> int | None:
    """In nano-dollars; None where nothing is said."""
    said = query.get(name)
    if not said:
        return None
    try:
        value = Decimal(said)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not 0 <= value <= COST_MAX_USD:
        raise invalid(name, f"must be dollars, from 0 to {COST_MAX_USD:,}")
    return int((value * NANO).to_integral_value(ROUND_HALF_UP))


def flag(query: Mapping[str, str], name: str) -> bool | None:
    """None where nothing is said."""
    said = query.get(name)
    if not said:
        return None
    found = _FLAGS.get(said.lower())
    if found is None:
        raise invalid(name, "must be true or false")
    return found


def one_of(query: Mapping[str, str], name: str, words: Collection[str]) -> Any:
    """The first of the words where nothing is said."""
    said = query.get(name) or next(iter(words))
    if said not in words:
        raise invalid(name, f"is one of {', '.join(filter(None, words))}")
    return said


def moments(query: Mapping[str, str]) -> tuple[float | None, float | None]:
    """Of `start_date` and `end_date`, in epoch seconds: from the one, to before the other."""
    since, until = _moment(query, "start_date"), _moment(query, "end_date", end=True)
    if since is not None and until is not None and until <= since:
        raise invalid("end_date", "must not be before `start_date`")
    return since, until


def _moment(query: Mapping[str, str], name: str, *, end: bool = False) -> float | None:
    said = query.get(name)
    if not said:
        return None
    try:
        return read_date(said, end=end)
    except ValueError as error:
        raise invalid(name, str(error)) from error


def entry(query: Mapping[str, str], name: str) -> str | None:
    """The id of an entry of the ledger."""
    said = query.get(name) or None
    if said is not None and not is_ulid(said):
        raise invalid(name, "must be the `metadata.tollbridge.id` of the last row of the page before")
    return said
