"""Lists and objects in a form, a field for each of their members, as OpenAI's clients write them:

    litellm_metadata[tags][]   a        {"litellm_metadata": {"tags": ["a", "b"], "team": {"paid": true}}}
    litellm_metadata[tags][]   b
    litellm_metadata[team][paid]   true

Numbers and null were made texts on the way and stay so; members of an object that say true or false do again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tollbridge.errors import BadRequestError
from tollbridge.model.json import Json, JsonObject

DEPTH_MAX = 16

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_WORDS: dict[str, Json] = {"true": True, "false": False}


def root(name: str) -> str:
    return name.partition("[")[0]


def read_bracketed(fields: Iterable[tuple[str, str]]) -> JsonObject:
    """Raises BadRequestError for a name that cannot be read, and for a member that is said twice."""
    told: JsonObject = {}
    for name, value in fields:
        found = _NAME.fullmatch(name)
        if found is None or found[2].count("[") > DEPTH_MAX:
            raise BadRequestError(f"The field `{name[:100]}` of the form cannot be read.", param=name[:100])
        path = found[2][1:-1].split("][") if found[2] else []
        if not _put_below(told, found[1], path, value):
            raise BadRequestError(f"The form says `{name[:100]}` twice.", param=name[:100])
    return told


def _put_below(told: JsonObject, name: str, path: list[str], value: str) -> bool:
    if path:
        return _put(told.setdefault(name, [] if not path[0] else {}), path, value)
    return name not in told and told.setdefault(name, value) is value


def _put(held: Json, path: list[str], value: str) -> bool:
    """False where something stands there."""
    step, *rest = path
    if not step:
        if not isinstance(held, list):
            return False
        if not rest:
            held.append(value)
            return True
        # the next member of the last object, or the first of the next one
        return bool(held and _put(held[-1], rest, value)) or _put_in_new(held, rest, value)
    if not isinstance(held, dict):
        return False
    if not rest:
        if step in held:
            return False
        held[step] = _WORDS.get(value, value)
        return True
    return _put(held.setdefault(step, [] if not rest[0] else {}), rest, value)


def _put_in_new(held: list[Json], path: list[str], value: str) -> bool:
    held.append([] if not path[0] else {})
    return _put(held[-1], path, value)
