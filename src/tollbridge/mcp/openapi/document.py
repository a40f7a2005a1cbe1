"""An OpenAPI document as it was read: JSON or YAML, of 3.0, 3.1 or 2.0 (Swagger), which is turned into 3.0's shapes.

Whoever wrote it is not believed: its size is bounded, and what refers to itself or to much is bounded where it is
followed (`schemas.py`). Source: OpenAPI Specification 3.1.1, 3.0.4, 2.0, https://spec.openapis.org (2026-11-26).
"""

from __future__ import annotations

import re

import msgspec

from tollbridge.mcp.openapi.swagger import from_swagger
from tollbridge.mcp.openapi.yaml_document import NoYaml, read_yaml
from tollbridge.model.json import Json, JsonObject

BYTES_MAX = 16 * 1024 * 1024
_VERSION = re.compile(r"3\.[0-2](\.\d+)?(-.*)?")


class NoDocument(ValueError):
    """It is no OpenAPI document that can be used. Says why, and quotes nothing of it but names."""


def read_document(data: bytes) -> JsonObject:
    """Raises NoDocument."""
    if len(data) > BYTES_MAX:
        raise NoDocument(f"it is larger than {BYTES_MAX // 2**20} MiB")
    parsed = _parsed(data)
    if not isinstance(parsed, dict):
        raise NoDocument("it is no object")
    document: JsonObject = parsed
    version = document.get("openapi", document.get("swagger"))
    if "swagger" in document and str(version) == "2.0":
        document = from_swagger(document)
    elif not isinstance(version, str) or _VERSION.fullmatch(version) is None:
        raise NoDocument("it does not say `openapi: 3.0` or `3.1`, or `swagger: 2.0`")
    if not isinstance(document.get("paths"), dict):
        raise NoDocument("it has no `paths`")
    return document


def base_of(document: JsonObject) -> str | None:
    """The first of its servers, with its variables as they are by default: a URL, or a path on the document's host."""
    servers = document.get("servers")
    first = servers[0] if isinstance(servers, list) and servers else None
    url = first.get("url") if isinstance(first, dict) else None
    if not isinstance(url, str) or not isinstance(first, dict):
        return None
    variables = first.get("variables")
    for name, variable in variables.items() if isinstance(variables, dict) else ():
        default = variable.get("default") if isinstance(variable, dict) else None
        url = url.replace("{" + name + "}", str(default))
    return url


def key_of(document: JsonObject) -> tuple[str, str] | None:
    """Where the API takes a key, and under which name (`query`, `api_key`), where it takes it in one place alone."""
    components = document.get("components")
    schemes = components.get("securitySchemes") if isinstance(components, dict) else None
    schemes = schemes or document.get("securityDefinitions")
    found = {
        (scheme["in"], scheme["name"])
        for scheme in (schemes.values() if isinstance(schemes, dict) else ())
        if isinstance(scheme, dict)
        and scheme.get("type") == "apiKey"
        and scheme.get("in") in ("header", "query")
        and isinstance(scheme.get("name"), str)
    }
    return found.pop() if len(found) == 1 else None


def _parsed(data: bytes) -> Json:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # YAML, or nothing
    try:
        return read_yaml(data)
    except NoYaml as error:
        raise NoDocument("it is neither JSON nor YAML that can be read") from error
