"""A JSON Schema of another dialect as Anthropic's structured output takes it.

The vendor's rules: https://platform.claude.com/docs/en/build-with-claude/structured-outputs (seen 2026-11-21): every
object says `additionalProperties: false`; bounds of numbers, strings and arrays are refused. As the vendor's own SDKs
do, a bound moves into the description, where the model still reads it.
"""

from __future__ import annotations

import msgspec

from tollbridge.model.json import Json, JsonObject

_BOUNDS = frozenset(
    ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength")
) | {"maxItems", "uniqueItems", "minProperties", "maxProperties"}
_MANY = ("properties", "$defs", "definitions")
_LISTS = ("anyOf", "allOf", "oneOf", "prefixItems")


def closed_schema(schema: JsonObject, loosened: list[str], path: str = "$") -> JsonObject:
    """`schema` within those rules. `loosened` collects the path of each bound that is now words only, and of each
    object that had been open."""
    closed: JsonObject = {}
    bounds: JsonObject = {}
    for key, value in schema.items():
        if key in _BOUNDS or (key == "minItems" and value not in (0, 1)):
            bounds[key] = value
        elif key in _MANY and isinstance(value, dict):
            closed[key] = {name: _inner(item, loosened, f"{path}.{name}") for name, item in value.items()}
        elif key in _LISTS and isinstance(value, list):
            closed[key] = [_inner(item, loosened, path) for item in value]
        elif key == "items":
            closed[key] = _inner(value, loosened, f"{path}[]")
        else:
            closed[key] = value
    if bounds:
        loosened.append(path)
        said = msgspec.json.encode(bounds).decode()
        closed["description"] = f"{closed['description']} {said}" if closed.get("description") else said
    if closed.get("type") == "object" or "properties" in closed:
        if closed.get("additionalProperties") is not False:
            loosened.append(path)
        closed["additionalProperties"] = False
    return closed


def _inner(value: Json, loosened: list[str], path: str) -> Json:
    return closed_schema(value, loosened, path) if isinstance(value, dict) else value
