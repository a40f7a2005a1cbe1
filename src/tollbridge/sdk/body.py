"""Python objects -> the bytes of a request. Dictionaries, our own objects, pydantic's and dataclasses may be mixed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json, JsonObject
from tollbridge.sdk.schemas import response_format


def write_body(fields: Mapping[str, object]) -> bytes:
    """JSON. What is None is left out at the top, as OpenAI's SDK does. Raises BadRequestError that names the
    parameter which cannot be written."""
    body = {name: value for name, value in fields.items() if value is not None}
    if "response_format" in body:
        body["response_format"] = response_format(body["response_format"])
    try:
        return _encode(body)
    except _UNWRITABLE as error:
        name = next((name for name, value in body.items() if not _is_writable(value)), "")
        raise BadRequestError(f"`{name}` cannot be written as JSON: {_told(error)}.", param=name) from error


def plain(value: object) -> Json:
    """The same as dictionaries, lists, texts and numbers. Raises BadRequestError."""
    return msgspec.json.decode(write_json(value))


def write_json(value: object) -> bytes:
    try:
        return _encode(value)
    except _UNWRITABLE as error:
        raise BadRequestError(f"A {type(value).__name__} cannot be written as JSON: {_told(error)}.") from error


def _plain_object(value: object) -> object:
    dump = getattr(value, "model_dump", None)
    if dump is not None and not isinstance(value, type):
        dumped: JsonObject = dump(exclude_none=True)
        return dumped
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterable) and not isinstance(value, type):
        return list(value)
    raise TypeError(f"there is no JSON for a {type(value).__name__}")


_UNWRITABLE = (TypeError, ValueError, OverflowError, RecursionError)
_encode = msgspec.json.Encoder(enc_hook=_plain_object).encode


def _is_writable(value: object) -> bool:
    try:
        _encode(value)
    except _UNWRITABLE:
        return False
    return True


def _told(error: Exception) -> str:
    match error:
        case UnicodeError():
            return "a text holds half of a character (a lone surrogate)"
        case RecursionError():
            return "it is nested too deeply, or holds itself"
        case _:
            return str(error).rstrip(".")
