"""OpenAPI 2.0 in the shapes of 3.0: host and base path are a server, a body among the parameters is a request body."""

from __future__ import annotations

from tollbridge.model.json import Json, JsonObject

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_OF_SCHEMA = (
    *("type", "format", "items", "default", "enum", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum"),
    *("maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems", "multipleOf"),
)
_STYLES: dict[Json, JsonObject] = {
    "multi": {"style": "form", "explode": True},
    "ssv": {"style": "spaceDelimited", "explode": False},
    "pipes": {"style": "pipeDelimited", "explode": False},
}


def from_swagger(document: JsonObject) -> JsonObject:
    paths = document.get("paths")
    found = {
        **{name: value for name, value in document.items() if name not in ("swagger", "host", "basePath", "schemes")},
        "openapi": "3.0.4",
        "paths": {path: _path(item, document) for path, item in paths.items()} if isinstance(paths, dict) else None,
    }
    schemes, host = document.get("schemes"), document.get("host")
    base = document.get("basePath")
    path = base if isinstance(base, str) else ""
    if isinstance(host, str):
        known = schemes if isinstance(schemes, list) and schemes else ["https"]
        found["servers"] = [{"url": f"{'https' if 'https' in known else known[0]}://{host}{path}"}]
    elif path:
        found["servers"] = [{"url": path}]
    return found


def _path(item: Json, document: JsonObject) -> Json:
    if not isinstance(item, dict):
        return item
    shared = [_followed(one, document) for one in _list(item.get("parameters"))]
    return {
        **item,
        "parameters": [_parameter(one) for one in shared if not _of_body(one)],
        **{
            method: _operation(item[method], [one for one in shared if _of_body(one)], document)
            for method in METHODS
            if isinstance(item.get(method), dict)
        },
    }


def _operation(operation: JsonObject, shared: list[Json], document: JsonObject) -> JsonObject:
    own = [_followed(one, document) for one in _list(operation.get("parameters"))]
    found = {**operation, "parameters": [_parameter(one) for one in own if not _of_body(one)]}
    consumes = _list(operation.get("consumes")) or _list(document.get("consumes"))
    for one in (*shared, *own):
        if isinstance(one, dict) and one.get("in") == "body":
            kind = next((kind for kind in consumes if isinstance(kind, str)), "application/json")
            found["requestBody"] = {
                "description": one.get("description", ""),
                "required": one.get("required", False),
                "content": {kind: {"schema": one.get("schema", {})}},
            }
    fields = [one for one in (*shared, *own) if isinstance(one, dict) and one.get("in") == "formData"]
    if fields:
        schema: JsonObject = {
            "type": "object",
            "properties": {str(one.get("name")): _schema(one) for one in fields},
            "required": [str(one.get("name")) for one in fields if one.get("required") is True],
        }
        kind = MULTIPART if MULTIPART in consumes or any(one.get("type") == "file" for one in fields) else FORM
        found["requestBody"] = {"required": bool(schema["required"]), "content": {kind: {"schema": schema}}}
    return found


def _parameter(said: Json) -> Json:
    if not isinstance(said, dict) or "$ref" in said:
        return said
    style = _STYLES.get(said.get("collectionFormat"))
    if style is None and said.get("type") == "array":
        style = {"explode": False}  # with commas
    return {**said, **(style or {}), "schema": _schema(said)}


def _schema(said: JsonObject) -> JsonObject:
    schema = {name: said[name] for name in _OF_SCHEMA if name in said}
    if schema.get("type") == "file":
        schema |= {"type": "string", "format": "binary"}
    if isinstance(said.get("description"), str):
        schema["description"] = said["description"]
    return schema


def _followed(said: Json, document: JsonObject) -> Json:
    """A parameter that stands in `parameters` of the document."""
    ref = said.get("$ref") if isinstance(said, dict) else None
    kept = document.get("parameters")
    if isinstance(ref, str) and ref.startswith("#/parameters/") and isinstance(kept, dict):
        return kept.get(ref.removeprefix("#/parameters/"))
    return said


def _of_body(said: Json) -> bool:
    return isinstance(said, dict) and said.get("in") in ("body", "formData")


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []
