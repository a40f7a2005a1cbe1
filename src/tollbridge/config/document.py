"""YAML text -> nodes that know where they stand.

YAML 1.1 as PyYAML's SafeLoader understands it, built from the event stream, so that the text of a stranger cannot hurt:

- The parser's events are a flat sequence; nesting is ours, on a stack of bounded depth.
- An alias shares its anchor's node. What the file would be when written out is counted (`size`), so that a few lines of
  aliases of aliases cannot become a million nodes later.
- An anchor cannot contain itself. A key stands once in a table. `<<` merges tables; own keys win, then earlier ones.
- Dates stay text: `api_version: 2024-02-01` means what it says. Unknown tags are errors: nothing is ever constructed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml

from tollbridge.config.findings import Findings, Place

FILE_BYTES_MAX = 8 * 1024 * 1024
DEPTH_MAX = 64
SIZE_MAX = 1_000_000
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# The tag or alias is not shown: it may be a password that begins with `!` or `*` and lacks its quotes.
TAG = "this tag means nothing here; text that begins with `!` goes into quotes"
ALIAS = "this alias has no anchor above; text that begins with `*` goes into quotes"

_NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_YAML = "tag:yaml.org,2002:"


class Scalar(msgspec.Struct, frozen=True, eq=False):
    """`text`: as written. `variable`: the name behind `os.environ/`; `missing`: it is not set."""

    value: str | int | float | bool | None
    text: str
    place: Place
    variable: str = ""
    missing: bool = False
    size: int = 1


class Array(msgspec.Struct, frozen=True, eq=False):
    items: tuple[Node, ...]
    place: Place
    size: int = 1


class Entry(msgspec.Struct, frozen=True, eq=False):
    """`place`: where the key stands."""

    place: Place
    node: Node


class Table(msgspec.Struct, frozen=True, eq=False):
    entries: dict[str, Entry]
    place: Place
    size: int = 1


Node = Scalar | Array | Table


def array(items: list[Node], place: Place) -> Array:
    return Array(tuple(items), place, 1 + sum(item.size for item in items))


def table(entries: dict[str, Entry], place: Place) -> Table:
    return Table(entries, place, 1 + sum(entry.node.size for entry in entries.values()))


def node_of(value: Any, place: Place) -> Node:
    """What came as JSON, as if it stood there. Nothing in it names a variable."""
    match value:
        case dict():
            return table({str(name): Entry(place, node_of(item, place)) for name, item in value.items()}, place)
        case list():
            return array([node_of(item, place) for item in value], place)
        case _:
            return Scalar(value, "" if value is None else str(value), place)


def read_text(path: Path, file: str, findings: Findings) -> str | None:
    """The text of a file; None where it cannot be had, with an error that says why."""
    try:
        with path.open("rb") as opened:
            raw = opened.read(FILE_BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        findings.error(Place(file), f"cannot be read: {reason}")
        return None
    if len(raw) > FILE_BYTES_MAX:
        findings.error(Place(file), f"is larger than {FILE_BYTES_MAX // 1024 // 1024} MiB")
        return None
    try:
        return raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        findings.error(_place_after(before, file), "is not UTF-8: save the file in that encoding")
        return None


def read_document(text: str, file: str, findings: Findings, loader: Any = LOADER) -> Node | None:
    """The one document in `text`; None where it is empty or broken, the latter with an error."""
    odd = _NOT_YAML.search(text)
    if odd is not None:
        findings.error(_place_after(text[: odd.start()], file), f"the character {odd[0]!r} cannot stand in YAML")
        return None
    builder = _Builder(file, findings)
    try:
        return builder.build(_events(text, loader))
    except _Broken as broken:
        findings.error(broken.place, broken.message)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file) if mark is None else Place(file, mark.line + 1, mark.column + 1)
        findings.error(place, _explained(error, text, place))
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        findings.error(builder.last, f"is no valid YAML: {str(error).splitlines()[0]}")
    return None


def _events(text: str, loader: Any) -> Iterator[yaml.Event]:
    events: Iterator[yaml.Event] = yaml.parse(text, Loader=loader)
    return events


def _place_after(before: str, file: str) -> Place:
    return Place(file, before.count("\n") + 1, len(before) - before.rfind("\n"))


def _explained(error: yaml.MarkedYAMLError, text: str, place: Place) -> str:
    problem = " ".join((error.problem or "").split())
    lines = text.split("\n")
    if place.line <= len(lines) and lines[place.line - 1][place.column - 1 : place.column] == "\t":
        return "a tab stands where YAML wants spaces"
    context = f" {error.context}" if error.context else ""
    return f"is no valid YAML: {problem}{context}"


class _Broken(Exception):
    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place = place
        self.message = message


class _Frame:
    """A collection under way. `key` waits for its value, `merging` for what `<<` names; `merges` are those tables."""

    __slots__ = ("anchor", "entries", "is_table", "items", "key", "merges", "merging", "place")

    def __init__(self, is_table: bool, place: Place, anchor: str | None) -> None:
        self.is_table = is_table
        self.place = place
        self.anchor = anchor
        self.items: list[Node] = []
        self.entries: dict[str, Entry] = {}
        self.key: Scalar | None = None
        self.merging = False
        self.merges: list[Table] = []


class _Builder:
    def __init__(self, file: str, findings: Findings) -> None:
        self.last = Place(file)
        self._file = file
        self._findings = findings
        self._frames: list[_Frame] = []
        self._anchors: dict[str, Node | None] = {}  # None: still under way
        self._root: Node | None = None
        self._documents = 0
        self._safe: Any = yaml.SafeLoader("")  # for its rules: which plain text is a number, what number it is

    def build(self, events: Iterator[yaml.Event]) -> Node | None:
        for event in events:
            if event.start_mark is not None:
                self.last = Place(self._file, event.start_mark.line + 1, event.start_mark.column + 1)
            match event:
                case yaml.ScalarEvent() if self._is_merge(event):
                    self._frames[-1].merging = True
                case yaml.ScalarEvent():
                    self._take(self._scalar(event), event.anchor)
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    self._open(event)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    self._close()
                case yaml.AliasEvent():
                    self._take(self._aliased(event.anchor or ""), None)
                case yaml.DocumentStartEvent():
                    self._documents += 1
                    if self._documents > 1:
                        raise _Broken(self.last, "a second document begins here; a configuration is one")
        root = self._root
        return None if isinstance(root, Scalar) and root.value is None else root

    def _open(self, event: Any) -> None:
        is_table = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", f"{_YAML}{'map' if is_table else 'seq'}"):
            raise _Broken(self.last, TAG)
        if len(self._frames) >= DEPTH_MAX:
            raise _Broken(self.last, f"is nested more than {DEPTH_MAX} deep")
        if event.anchor:
            self._anchors[event.anchor] = None
        self._frames.append(_Frame(is_table, self.last, event.anchor))

    def _close(self) -> None:
        frame = self._frames.pop()
        if not frame.is_table:
            self._take(array(frame.items, frame.place), frame.anchor)
            return
        entries: dict[str, Entry] = {}
        for merged in frame.merges:
            for name, entry in merged.entries.items():
                entries.setdefault(name, entry)
        self._take(table({**entries, **frame.entries}, frame.place), frame.anchor)

    def _take(self, node: Node, anchor: str | None) -> None:
        """A node is complete: it belongs to the innermost open collection."""
        if node.size > SIZE_MAX:
            raise _Broken(self.last, f"is more than {SIZE_MAX} values, with the aliases written out")
        if anchor:
            self._anchors[anchor] = node
        if not self._frames:
            self._root = node
            return
        frame = self._frames[-1]
        if not frame.is_table:
            frame.items.append(node)
        elif frame.merging:
            self._merge(frame, node)
            frame.merging = False
        elif frame.key is None:
            frame.key = self._key(frame, node)
        else:
            frame.entries[frame.key.text] = Entry(frame.key.place, node)
            frame.key = None

    def _key(self, frame: _Frame, node: Node) -> Scalar:
        if not isinstance(node, Scalar):
            raise _Broken(node.place, "a key must be a plain word")
        first = frame.entries.get(node.text)
        if first is not None:
            self._findings.error(
                node.place, f"`{node.text}` stands twice in this table (first on line {first.place.line})"
            )
        return node

    def _is_merge(self, event: yaml.ScalarEvent) -> bool:
        if event.value != "<<" or not event.implicit[0] or not self._frames:
            return False
        frame = self._frames[-1]
        return frame.is_table and frame.key is None and not frame.merging

    def _merge(self, frame: _Frame, node: Node) -> None:
        for merged in node.items if isinstance(node, Array) else (node,):
            if not isinstance(merged, Table):
                raise _Broken(self.last, "`<<` merges tables, and this is none")
            frame.merges.append(merged)

    def _aliased(self, anchor: str) -> Node:
        if anchor not in self._anchors:
            raise _Broken(self.last, ALIAS)
        node = self._anchors[anchor]
        if node is None:
            raise _Broken(self.last, "an anchor contains itself")
        return node

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        text, tag = event.value, event.tag
        if _SURROGATE.search(text):
            raise _Broken(self.last, "half of a surrogate pair is no character")
        if tag is None or tag == "!":
            tag = self._safe.resolve(yaml.ScalarNode, text, event.implicit)
        return Scalar(self._value(tag, text), text, self.last)

    def _value(self, tag: str, text: str) -> str | int | float | bool | None:
        node = yaml.ScalarNode(tag, text)
        match tag.removeprefix(_YAML):
            case "str" | "timestamp" | "value" | "merge":
                return text
            case "null":
                return None
            case "bool" if text.lower() in yaml.SafeLoader.bool_values:
                return text.lower() in ("yes", "true", "on")
            case "int" | "float" as kind:
                try:
                    make = self._safe.construct_yaml_int if kind == "int" else self._safe.construct_yaml_float
                    value: int | float = make(node)
                except (ValueError, IndexError, OverflowError):  # `0x_` looks like a number to YAML and is none
                    return text
                return value if abs(value) < 2**63 or isinstance(value, float) else text
            case _:
                raise _Broken(self.last, TAG)
