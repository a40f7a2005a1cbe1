"""Values that a request's own fields may have; `where` is told of one that has another."""

from __future__ import annotations

from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json


def is_true(value: Json, where: str) -> bool:
    if not isinstance(value, bool):
        raise BadRequestError(f"Expected true or false - at `{where}`.", param=where.removeprefix("$."))
    return value


def seconds(value: Json, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e6:
        raise BadRequestError(f"Expected seconds greater than 0 - at `{where}`.", param=where.removeprefix("$."))
    return float(value)


def count(value: Json, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 20 or value != int(value):
        raise BadRequestError(f"Expected a whole number from 0 to 20 - at `{where}`.", param=where.removeprefix("$."))
    return int(value)
