"""The JSON Schema of a configuration, for editors, made from the tables of keys by which a file is read.

It is strict about names and forgiving about values, as the reader is: a number may be text, and every value may be
`os.environ/NAME`. `tollbridge check` says more.
"""

from __future__ import annotations

from collections.abc import Mapping

from tollbridge.config import kinds
from tollbridge.config.load import FREE_PREFIXES, TOP
from tollbridge.config.schema import Key, Section
from tollbridge.config.tables import general, listener, prices_file, router
from tollbridge.config.tables.deployment import ENTRY, PARAMS
from tollbridge.config.tables.litellm import LITELLM
from tollbridge.config.tables.mcp import MCP_SERVER
from tollbridge.config.tables.providers import PROVIDER
from tollbridge.model.json import JsonObject

DRAFT = "https://json-schema.org/draft/2020-12/schema"
TEXT = ["string", "number", "null"]
NUMBER = ["number", "string", "null"]
_TYPES: Mapping[object, list[str]] = {
    kinds.text: TEXT,
    kinds.named: TEXT,
    kinds.secret: TEXT,
    kinds.file: TEXT,
    prices_file.prices_file: TEXT,
    kinds.period: NUMBER,
    kinds.number: NUMBER,
    kinds.numeric: NUMBER,
    kinds.seconds: NUMBER,
    kinds.count: NUMBER,
    kinds.integer: NUMBER,
    kinds.flag: ["boolean", "integer", "string", "null"],
    kinds.anything_table: ["object", "null"],
    kinds.texts: ["array", "string", "number", "null"],
}
_BELOW: Mapping[object, Section] = {
    listener.cors: listener.CORS,
    listener.tls: listener.TLS,
    listener.timeouts: listener.TIMEOUTS,
    listener.limits: listener.LIMITS,
    listener.proxies: listener.PROXIES,
}
"""Kinds that read a table by a section of its own."""


def schema() -> JsonObject:
    entry = _table(ENTRY)
    for name in ("litellm_params", "params"):
        entry["properties"][name] = _table(PARAMS)
    server, provider = _table(MCP_SERVER), _table(PROVIDER)
    sections = {one.name: _table(one) for one in (router.ROUTER, LITELLM, general.GENERAL)}
    listed: JsonObject = {
        **sections,
        "model_list": {"type": ["array", "null"], "items": entry},
        "mcp_servers": _several(server),
        "providers": _several(provider),
        "environment_variables": {"type": ["object", "null"]},
        "include": {"type": ["array", "string", "null"]},
    }
    properties = {name: listed.get(name) or _value(key) for name, key in TOP.keys.items()}
    prefixes = "|".join(prefix.replace(".", r"\.") for prefix in FREE_PREFIXES)
    return {
        "$schema": DRAFT,
        "title": "Tollbridge's configuration",
        "type": ["object", "null"],
        "properties": properties,
        "patternProperties": {f"^(?:{prefixes})": {}},
        "additionalProperties": False,
    }


def _several(one: JsonObject) -> JsonObject:
    """By name, or as a list."""
    return {"anyOf": [{"type": ["object", "null"], "additionalProperties": one}, {"type": "array", "items": one}]}


def _table(section: Section) -> JsonObject:
    return {
        "type": ["object", "null"],
        "properties": {name: _value(key) for name, key in section.keys.items()},
        "patternProperties": {f"^(?:{pattern.pattern})$": _value(key) for pattern, key in section.patterns},
        "additionalProperties": False,
    }


def _value(key: Key) -> JsonObject:
    if key.sort == "later":
        return {"description": f"Not built yet; {key.note}.", "deprecated": True}
    if key.sort == "moot":
        return {"description": "Has nothing to change here."}
    if key.kind in _BELOW:
        return _table(_BELOW[key.kind])
    return {"type": _TYPES[key.kind]} if key.kind in _TYPES else {}
