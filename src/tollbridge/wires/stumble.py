"""What a reader stumbled over, in words for who wrote the body: Missing field `url` - at `$.messages[0].content[0]`.

Readers index boldly, and a wire's `shapes.py` says what was wrong, where it has a shape for it. This says the rest:
the place is that of the innermost object of the body that the reader had in hand when it stumbled, which its frames
tell. Only after a failure, and no name of Python's is told to anybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import msgspec

from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json

STUMBLES = (LookupError, TypeError, AttributeError, ValueError, RecursionError)
"""What a reader may meet in a body that is not what it expects."""

_DEPTH_MAX = 60
_JSONS = {"NoneType": "null", "dict": "object", "list": "array"}
_PYTHONS = re.compile("`(NoneType|dict|list)`")
_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "true or false"),
    (int, "number"),
    (float, "number"),
    (str, "text"),
    (list, "list"),
    (dict, "object"),
)


def found_in(body: Json, cause: BaseException) -> tuple[str, str]:
    """(what, where)."""
    if isinstance(cause, RecursionError):
        return "Nested too deeply", "$"
    if isinstance(cause, UnicodeError):
        return "Text with half of a surrogate pair is no Unicode", "$"
    name = cause.args[0] if cause.args and cause.args[0].__class__ is str else ""
    held, scalars = _in_hand(body, cause)
    if isinstance(cause, KeyError):
        return next(filter(None, (_missing(value, place, name) for place, value in held)), ("Unexpected value", "$"))
    wrong = next(filter(None, (_named(value, place, name) for place, value in held)), None)
    if wrong is None and held:
        wrong = _same(held[0][1], held[0][0], scalars)
    if wrong is not None:
        return f"Unexpected {kind_of(wrong[1])}", wrong[0]
    if not isinstance(body, dict):
        return f"Unexpected {kind_of(body)}", "$"
    return "Unexpected value", held[0][0] if held else "$"


def refused(body: Json, cause: BaseException, look: Callable[[Json], tuple[str, str] | None]) -> BadRequestError:
    """A client's body, by what `look` finds in it, (what, where); where that does not go so far, by what the reader
    stumbled over."""
    try:
        fault = look(body)
    except STUMBLES:
        fault = None
    message, path = fault or found_in(body, cause)
    return BadRequestError(f"{message} - at `{path}`", param=path.removeprefix("$").removeprefix(".") or None)


def said(body: Json, cause: BaseException) -> str:
    """The two as one. What was no JSON to begin with is told in the decoder's words."""
    if isinstance(cause, msgspec.DecodeError):
        return str(cause)
    what, where = found_in(body, cause)
    return f"{what} - at `{where}`"


def place_of(told: str) -> str | None:
    """Of a sentence that ends as these do: the place without `$.`."""
    return told.rpartition(" - at `$")[2].removeprefix(".").rstrip("`") or None


def kind_of(value: Json) -> str:
    return next((word for kind, word in _KINDS if value.__class__ is kind), "null")


def in_json_words(told: str) -> str:
    """What msgspec says of values that have no JSON's name there."""
    return _PYTHONS.sub(lambda found: f"`{_JSONS[found[1]]}`", told)


def _holders(value: Json, place: str, depth: int) -> Iterator[tuple[str, Json]]:
    if depth > _DEPTH_MAX:
        return
    if isinstance(value, dict):
        yield place, value
        for key, inner in value.items():
            yield from _holders(inner, f"{place}.{key}", depth + 1)
    elif isinstance(value, list):
        yield place, value
        for at, inner in enumerate(value):
            yield from _holders(inner, f"{place}[{at}]", depth + 1)


def _in_hand(body: Json, cause: BaseException) -> tuple[list[tuple[str, Json]], list[Json]]:
    """Objects and lists of the body, from the innermost frame out and in each the innermost first; and what else the
    innermost frame had."""
    places = {id(value): place for place, value in _holders(body, "$", 0)}
    frames = []
    traceback = cause.__traceback__
    while traceback is not None:
        frames.append(list(traceback.tb_frame.f_locals.values()))
        traceback = traceback.tb_next
    held: list[tuple[str, Json]] = []
    for values in reversed(frames):
        known = {places[id(value)]: value for value in values if id(value) in places}
        held += sorted(known.items(), key=lambda one: -len(one[0]))
    return held, [value for value in (frames or [[]])[-1] if not isinstance(value, dict | list)]


def _missing(value: Json, place: str, name: str) -> tuple[str, str] | None:
    """What a KeyError says of an object: it lacks the field, or has a value that no table has."""
    if not isinstance(value, dict) or value.get(name) is not None or not name:
        return None
    key = next((key for key, held in value.items() if held == name and key != "type"), None)
    return (f"Missing field `{name}`", place) if key is None else (f"Unexpected value `{name}`", f"{place}.{key}")


def _named(value: Json, place: str, name: str) -> tuple[str, Json] | None:
    """A field of that name, here or one step below."""
    if not isinstance(value, dict) or not name:
        return None
    for known in (name, snake(name)):
        if known in value:
            return f"{place}.{known}", value[known]
        for key, inner in value.items():
            if isinstance(inner, dict) and known in inner:
                return f"{place}.{key}.{known}", inner[known]
    return None


def _same(value: Json, place: str, scalars: list[Json]) -> tuple[str, Json] | None:
    """The one field, or item, that the reader had in hand too."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    same = [(key, inner) for key, inner in items if any(inner is held for held in scalars)]
    if len(same) != 1:
        return None
    key, inner = same[0]
    return (f"{place}.{key}" if isinstance(value, dict) else f"{place}[{key}]"), inner


def snake(name: str) -> str:
    """As Google's formats may spell a name too."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
