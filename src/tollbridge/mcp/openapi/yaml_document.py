"""YAML 1.2's core, event by event, into what JSON could say.

Built without recursion: the loaders of PyYAML recurse, the one in C until the process is dead. What stands under an
anchor stays one value wherever it is named, or a few lines would be gigabytes; keys become texts, tags mean nothing.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

DEPTH_MAX = 200
NODES_MAX = 2_000_000
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    word: value for value, words in ((True, "true True TRUE"), (False, "false False FALSE")) for word in words.split()
}
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,30})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_NO_KEY = object()


class NoYaml(ValueError):
    """It cannot be read."""


class _Level:
    """A list or an object that is being filled. `merged`: what the object takes over from others, when it is full."""

    __slots__ = ("items", "key", "merged")

    def __init__(self, items: list[Any] | dict[str, Any]) -> None:
        self.items = items
        self.key: Any = _NO_KEY
        self.merged: list[Any] = []

    def put(self, value: Any) -> None:
        if isinstance(self.items, list):
            self.items.append(value)
        elif self.key is _NO_KEY:
            self.key = value
        else:
            key, self.key = self.key, _NO_KEY
            self._entry(key, value)

    def _entry(self, key: Any, value: Any) -> None:
        assert isinstance(self.items, dict)
        if isinstance(key, dict | list):
            raise NoYaml("a key is no text")
        if key == "<<":
            self.merged.append(value)
            return
        self.items[_name(key)] = value

    def end(self) -> None:
        items = self.items
        others = [one for value in self.merged for one in (value if isinstance(value, list) else [value])]
        for other in others:
            if isinstance(items, dict) and isinstance(other, dict):
                for name, value in list(other.items()):
                    items.setdefault(name, value)  # what it says itself goes before


def read_yaml(data: bytes) -> Any:
    """Raises NoYaml."""
    try:
        return _built(data)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise NoYaml(str(error)) from error


def _built(data: bytes) -> Any:
    root = _Level([])
    levels, anchors, nodes = [root], dict[str, Any](), 0
    for event in yaml.parse(data, Loader=_LOADER):
        nodes += 1
        if nodes > NODES_MAX or len(levels) > DEPTH_MAX:
            raise NoYaml("too much of it")
        value: Any
        match event:
            case yaml.AliasEvent():
                if event.anchor not in anchors:
                    raise NoYaml("an alias of nothing")
                levels[-1].put(anchors[event.anchor])
                continue
            case yaml.ScalarEvent():
                value = event.value if event.style or not event.implicit[0] else _scalar(event.value)  # plain
            case yaml.SequenceStartEvent():
                value = []
            case yaml.MappingStartEvent():
                value = {}
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                levels.pop().end()
                continue
            case _:
                continue
        if event.anchor is not None:
            anchors[event.anchor] = value
        levels[-1].put(value)
        if isinstance(value, dict | list):
            levels.append(_Level(value))
    found = root.items
    assert isinstance(found, list)
    return found[0] if len(found) == 1 else None


def _name(key: Any) -> str:
    if isinstance(key, bool) or key is None:
        return "null" if key is None else str(key).lower()
    return str(key)


def _scalar(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
