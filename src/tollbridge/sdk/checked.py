"""What a program passes to a function that computes: taken, or refused with the parameter's name, so that a mistake is
no Python error from deep inside and no wrong number. Each raises BadRequestError."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from tollbridge.errors import BadRequestError

T = TypeVar("T")
SHOWN_MAX = 60


def text(value: object, name: str) -> str:
    """None is the empty text."""
    if value is None or isinstance(value, str):
        return value or ""
    wrong(value, name, "a text")


def count(value: object, name: str) -> int:
    """Of tokens. None is none."""
    number = 0 if value is None else _whole(value)
    if number is None or number < 0:
        wrong(value, name, "a whole number that is not negative")
    return number


def count_or_none(value: object, name: str) -> int | None:
    return None if value is None else count(value, name)


def amount_or_none(value: object, name: str) -> float | None:
    """Of time."""
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value) or value < 0:
        wrong(value, name, "a number that is not negative")
    return float(value)


def table(value: Mapping[str, T] | None, name: str) -> Mapping[str, T]:
    """By names. None is an empty one."""
    if value is None or (isinstance(value, Mapping) and all(isinstance(key, str) for key in value)):
        return value or {}
    wrong(value, name, "a dictionary with names as keys")


def several(value: Iterable[T] | None, name: str) -> Sequence[T]:
    """A list, or what can be made one; a text is none. None is an empty one."""
    if value is None:
        return ()
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        wrong(value, name, "a list")
    return list(value)


def wrong(value: Any, name: str, must: str) -> NoReturn:
    shown = repr(value)
    if len(shown) > SHOWN_MAX:
        shown = f"{shown[:SHOWN_MAX]}..."
    raise BadRequestError(f"`{name}` must be {must}, and is {shown}.", code="invalid_value", param=name)


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    try:
        return operator.index(value)  # type: ignore[arg-type] # the question is whether it is one
    except TypeError:
        return None
