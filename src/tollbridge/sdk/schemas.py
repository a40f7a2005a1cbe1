"""A pydantic class as `response_format`, or as the `text_format` of Responses: its JSON schema, made strict.

OpenAI's strict mode wants `additionalProperties: false` and every property required, in every object, and nothing
beside a `$ref` (https://platform.openai.com/docs/guides/structured-outputs, seen 2026-11-21). Pydantic is not imported:
whatever has `model_json_schema` will do.
"""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.model.json import Json, JsonObject


def response_format(value: object) -> object:
    """The `json_schema` format for a class with `model_json_schema`; anything else as it is."""
    describe = getattr(value, "model_json_schema", None)
    if describe is None or not isinstance(value, type):
        return value
    schema: JsonObject = describe()
    return {
        "type": "json_schema",
        "json_schema": {"name": value.__name__, "schema": strict_schema(schema), "strict": True},
    }


def text_format(value: object) -> object:
    """The same as Responses has it, in `text.format`: what a chat has under `json_schema` stands beside the type."""
    made = response_format(value)
    inner = made.get("json_schema") if isinstance(made, Mapping) else None
    return {"type": "json_schema", **inner} if isinstance(inner, Mapping) else made


def strict_schema(schema: JsonObject) -> JsonObject:
    """A strict copy. Defaults go: a strict answer says every field."""
    strict: JsonObject = _strict(schema, schema, frozenset())
    return strict


_VERBATIM = frozenset({"enum", "const", "examples"})
_TABLES = frozenset({"properties", "$defs", "definitions"})


def _strict(node: Json, root: JsonObject, inside: frozenset[str]) -> Json:
    """`inside`: references that are written out around this node; a type that holds itself is not written out again."""
    if isinstance(node, list):
        return [_strict(item, root, inside) for item in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref")
    if isinstance(reference, str) and len(node) > 1:
        if reference in inside:
            return {"$ref": reference}
        inside |= {reference}
        node = {**_target(reference, root), **{key: value for key, value in node.items() if key != "$ref"}}
    made: JsonObject = {}
    for key, value in node.items():
        if key in _TABLES and isinstance(value, dict):  # its keys are names, not words of the schema
            made[key] = {name: _strict(inner, root, inside) for name, inner in value.items()}
        elif key != "default":
            made[key] = value if key in _VERBATIM else _strict(value, root, inside)
    if made.get("type") == "object" or "properties" in made:
        made.setdefault("additionalProperties", False)
        made["required"] = list(made.get("properties") or ())
    return made


def _target(reference: str, root: JsonObject) -> JsonObject:
    node: Json = root
    for name in reference.removeprefix("#/").split("/"):
        node = node[name]
    found: JsonObject = node
    return found
