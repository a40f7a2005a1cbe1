"""An entry added to a table of the configuration file, by changing its text: comments, order and spelling stay.

The new text is read again before it is given: it says what the old one said and the entry, and nothing else. Where that
cannot be had by adding lines (the table stands in braces), nothing is changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from tollbridge.errors import ConfigError
from tollbridge.model.json import Json

INDENT = 2
WIDTH = 1_000_000


def as_yaml(value: Mapping[str, Json]) -> str:
    return yaml.safe_dump(dict(value), sort_keys=False, allow_unicode=True, width=WIDTH, indent=INDENT)


def with_entry(text: str, section: str, name: str, entry: Mapping[str, Json]) -> str:
    """`text` with `entry` under `section`. Raises ConfigError where it cannot be added."""
    try:
        before = yaml.safe_load(text)
        top = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ConfigError("The file is no valid YAML; `tollbridge check` says where.") from error
    if before is not None and not isinstance(before, dict):
        raise ConfigError("The file is no table of sections.")
    expected = {**(before or {}), section: _with(section, (before or {}).get(section), name, entry)}
    changed = _changed(text, top, section, name, entry)
    try:
        after = yaml.safe_load(changed)
    except yaml.YAMLError:
        after = None
    if after != expected:
        raise ConfigError(f"`{section}` is written in a way that lines cannot be added to; add the entry by hand.")
    return changed


def _with(section: str, now: Any, name: str, entry: Mapping[str, Json]) -> Any:
    match now:
        case None:
            return {name: dict(entry)}
        case dict():
            if name in now:
                raise ConfigError(f"`{section}` has an entry {name!r} already.")
            return {**now, name: dict(entry)}
        case list():
            if any(isinstance(item, dict) and item.get("server_name") == name for item in now):
                raise ConfigError(f"`{section}` has an entry {name!r} already.")
            return [*now, {"server_name": name, **entry}]
    raise ConfigError(f"`{section}` is no table.")


def _changed(text: str, top: yaml.Node | None, section: str, name: str, entry: Mapping[str, Json]) -> str:
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    node = _of(top, section)
    if node is None:
        new, at = f"{'' if not text.strip() else chr(10)}{as_yaml({section: {name: entry}})}", len(lines)
    elif isinstance(node, yaml.ScalarNode):  # `mcp_servers:` with nothing below
        new, at = _indented(as_yaml({name: entry}), INDENT), node.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        item = as_yaml({"server_name": name, **entry})
        new = _indented("- " + _indented(item, 2)[2:], node.start_mark.column)
        at = _end(node, lines)
    else:
        new, at = _indented(as_yaml({name: entry}), node.start_mark.column), _end(node, lines)
    before, behind = lines[:at], lines[at:]
    if before and not before[-1].endswith("\n"):
        before[-1] += end
    return "".join([*before, new.replace("\n", end), *behind])


def _of(top: yaml.Node | None, section: str) -> yaml.Node | None:
    if not isinstance(top, yaml.MappingNode):
        return None
    found: yaml.Node | None = next((value for key, value in top.value if key.value == section), None)
    return found


def _end(block: yaml.Node, lines: list[str]) -> int:
    """The line behind the last one of a block, and behind comments that stand deeper than its entries. (Where a block
    ends by PyYAML's word, all comments behind it are counted in.)"""
    last = block
    while isinstance(last, yaml.CollectionNode) and not last.flow_style and last.value:
        item = last.value[-1]
        last = item[1] if isinstance(last, yaml.MappingNode) else item
    at = last.end_mark.line + (last.end_mark.column > 0)
    while at < len(lines) and lines[at].lstrip().startswith("#"):
        if len(lines[at]) - len(lines[at].lstrip()) <= block.start_mark.column:
            break
        at += 1
    return int(at)


def _indented(text: str, width: int) -> str:
    return "".join(" " * width + line for line in text.splitlines(keepends=True))
