"""Gemini's own `Schema` -> JSON Schema.

`parameters` and `responseSchema` hold an OpenAPI-like subset: types in upper case, `nullable`, counts as strings, and
no `$ref`, no `additionalProperties` (https://ai.google.dev/api/caching#Schema, seen 2026-11-26). Their younger twins
`parametersJsonSchema` and `responseJsonSchema` take JSON Schema as it is. So what a client wrote in the subset is read
into JSON Schema for everybody else, and what others wrote goes out in the twins: nothing has to be taken out of it.
"""

from __future__ import annotations

from tollbridge.model.json import Json, JsonObject
from tollbridge.wires.gemini.vocabulary import fields, listed

_COUNTS = frozenset(("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"))
_MANY = ("properties", "defs", "$defs")
_LISTS = ("anyOf", "allOf", "oneOf", "prefixItems")
_INNER = ("items", "additionalProperties")


def json_schema(schema: Json) -> JsonObject:
    """Raises TypeError where `schema` is no schema. What is JSON Schema already comes back equal."""
    out: JsonObject = {}
    nullable = False
    for key, value in fields(schema).items():
        if key == "type" and value.__class__ is str:
            if value != "TYPE_UNSPECIFIED":
                out[key] = value.lower()
        elif key == "nullable":
            nullable = value is True
        elif key in _COUNTS and value.__class__ is str and value.isdecimal():
            out[key] = int(value)
        elif key in _MANY and value.__class__ is dict:
            # The names in it are the client's own, whatever they look like.
            out["$defs" if key == "defs" else key] = {name: json_schema(item) for name, item in value.items()}
        elif key in _LISTS:
            out[key] = [json_schema(item) for item in listed(value)]
        elif key in _INNER and value.__class__ is dict:
            out[key] = json_schema(value)
        elif key == "ref":
            out["$ref"] = value
        elif key == "example":
            out["examples"] = [value]
        elif key != "propertyOrdering" and not (key == "format" and value == "enum"):
            out[key] = value
    return _or_null(out) if nullable else out


def _or_null(schema: JsonObject) -> JsonObject:
    if schema.get("type").__class__ is str:
        schema["type"] = [schema["type"], "null"]
        if schema.get("enum").__class__ is list and None not in schema["enum"]:
            schema["enum"] = [*schema["enum"], None]
    elif schema.get("anyOf").__class__ is list:
        schema["anyOf"] = [*schema["anyOf"], {"type": "null"}]
    return schema
