"""Schemas of an OpenAPI document as JSON Schema that stands by itself.

1. What is referred to is put in its place; a schema that comes to itself again is cut there, to its kind. References
   lead into the document alone: nothing is fetched for their sake.
2. A schema may grow by that as far as `NODES_MAX` and `DEPTH_MAX`; beyond it is refused (`TooMuch`), as soon as it is.
3. 3.0's own words become JSON Schema's (`nullable`, `exclusiveMinimum: true`, `example`); those that are only for other
   readers are left out.
"""

from __future__ import annotations

from urllib.parse import unquote

from tollbridge.model.json import Json, JsonObject

NODES_MAX = 5_000
DEPTH_MAX = 40
REFS_MAX = 50
_DROPPED = frozenset({"xml", "externalDocs", "discriminator", "nullable", "example", "deprecated", "$schema", "$id"})
_BY_NAME = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_ONE = frozenset({"items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"})
_ONE_MORE = frozenset({"unevaluatedItems", "unevaluatedProperties"})


class TooMuch(ValueError):
    """A schema is too large, or refers to what is not there. Says why."""


class Schemas:
    """Of one document, for one tool."""

    def __init__(self, document: JsonObject) -> None:
        self._document = document
        self._left = NODES_MAX

    def followed(self, value: Json) -> Json:
        """What it refers to, where it does. Raises TooMuch."""
        for _ in range(REFS_MAX):
            if not isinstance(value, dict) or not isinstance(value.get("$ref"), str):
                return value
            value = self._at(value["$ref"])
        raise TooMuch("it refers to itself")

    def read(self, schema: Json, *, written: bool = True) -> Json:
        """`written`: it is of what is sent, so that what can only be read is left out. Raises TooMuch."""
        return self._read(schema, (), 0, written)

    def _read(self, schema: Json, within: tuple[str, ...], depth: int, written: bool) -> Json:
        self._left -= 1
        if self._left < 0 or depth > DEPTH_MAX:
            raise TooMuch(f"its schema has more than {NODES_MAX} parts, or is deeper than {DEPTH_MAX}")
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            return {}
        ref = schema.get("$ref")
        if isinstance(ref, str):
            beside = {name: value for name, value in schema.items() if name != "$ref"}
            if ref in within or len(within) > REFS_MAX:
                return {**_kind(self._at(ref)), **_described(beside)}
            found = self._read(self._at(ref), (*within, ref), depth + 1, written)
            return {**found, **_described(beside)} if isinstance(found, dict) else found
        told: JsonObject = {}
        for name, value in schema.items():
            if name in _DROPPED or name.startswith("x-"):
                continue
            if name in _BY_NAME and isinstance(value, dict):
                told[name] = {
                    key: self._read(one, within, depth + 1, written)
                    for key, one in value.items()
                    if not (written and isinstance(one, dict) and one.get("readOnly") is True)
                }
            elif name in _LISTS and isinstance(value, list):
                told[name] = [self._read(one, within, depth + 1, written) for one in value]
            elif name in _ONE or name in _ONE_MORE:
                told[name] = self._read(value, within, depth + 1, written)
            else:
                self._count(value)
                told[name] = value
        return _modern(told, schema)

    def _count(self, value: Json) -> None:
        """Of a value that stands as it is: what stands in several places of a document is written out in each."""
        waiting = [value]
        while waiting:
            one = waiting.pop()
            self._left -= 1
            if self._left < 0:
                raise TooMuch(f"its schema has more than {NODES_MAX} parts")
            waiting += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()

    def _at(self, ref: str) -> Json:
        if not ref.startswith("#"):
            raise TooMuch("it refers to another document")
        found: Json = self._document
        for part in ref[1:].split("/")[1:]:
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(found, dict):
                found = found.get(name)
            elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
                found = found[int(name)]
            else:
                found = None
        if found is None:
            raise TooMuch(f"{ref[:100]!r} is not there")
        return found


def _modern(told: JsonObject, schema: JsonObject) -> JsonObject:
    """In JSON Schema's words."""
    for name, other in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if told.get(name) is True and other in told:
            told[name] = told.pop(other)
        elif isinstance(told.get(name), bool):
            del told[name]
    if "example" in schema and "examples" not in told:
        told["examples"] = [schema["example"]]
    if schema.get("nullable") is True:
        if isinstance(told.get("type"), str):
            told["type"] = [told["type"], "null"]
        if isinstance(told.get("enum"), list) and None not in told["enum"]:
            told["enum"] = [*told["enum"], None]
    required, properties = told.get("required"), told.get("properties")
    if isinstance(required, list) and isinstance(properties, dict):
        told["required"] = [name for name in required if name in properties or name not in schema.get("properties", {})]
        if not told["required"]:
            del told["required"]
    elif "required" in told and not isinstance(required, list):
        del told["required"]
    return told


def _kind(schema: Json) -> JsonObject:
    """What is told of a schema that comes to itself again."""
    if not isinstance(schema, dict):
        return {}
    return {name: schema[name] for name in ("type", "title", "description") if isinstance(schema.get(name), str)}


def _described(beside: JsonObject) -> JsonObject:
    return {name: beside[name] for name in ("description", "title", "default") if name in beside}
