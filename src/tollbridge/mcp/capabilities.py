"""What servers can, as it is told to clients. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from tollbridge.mcp.revisions import TASKS
from tollbridge.model.json import JsonObject

MERGED = ("tools", "prompts", "resources", "completions", "logging", "tasks")


def extensions_of(capabilities: JsonObject) -> JsonObject:
    found = capabilities.get("extensions")
    return found if isinstance(found, dict) else {}


def merged(all: Iterable[JsonObject]) -> JsonObject:
    """Of several servers together: what one of them can. Of extensions only what passes under other names."""
    told: JsonObject = {}
    for capabilities in all:
        for name in MERGED:
            one = capabilities.get(name)
            if isinstance(one, dict):
                told[name] = {**told.get(name, {}), **{key: value for key, value in one.items() if value}}
        settings = extensions_of(capabilities).get(TASKS)
        if isinstance(settings, dict):
            told["extensions"] = {TASKS: settings}
    return passed(told) or {"tools": {}}


def passed(capabilities: JsonObject) -> JsonObject:
    """Without what a server that is shared may not be asked: all tasks, whosesoever they are."""
    tasks = capabilities.get("tasks")
    if not isinstance(tasks, dict) or "list" not in tasks:
        return capabilities
    return {**capabilities, "tasks": {name: value for name, value in tasks.items() if name != "list"}}


def to_modern_client(capabilities: JsonObject) -> JsonObject:
    """Each request says by itself from which level on it wants log lines, and tasks are an extension."""
    return {name: value for name, value in capabilities.items() if name not in ("logging", "tasks")}


def to_legacy_client(capabilities: JsonObject) -> JsonObject:
    """Every session may name a level, which is answered here."""
    told = {name: value for name, value in capabilities.items() if name != "extensions"}
    return told if "logging" in told else {**told, "logging": {}}
