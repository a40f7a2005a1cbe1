"""One table out of a file and those it includes. Each node keeps the file it stands in.

`include` is a path or a list of them, relative to the file that says so. Lists are joined, the including file's entries
first; sections are merged key by key. Where both say something else, the including file wins, with a warning. A file is
read once, however often it is included; a file that includes itself, over whatever detour, is an error.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tollbridge.config.document import Array, Entry, Node, Scalar, Table, array, read_document, read_text, table
from tollbridge.config.environment import resolve
from tollbridge.config.findings import Findings, Place
from tollbridge.config.kinds import At, anything, texts

FILES_MAX = 256


class Gathered:
    """`files`: in the order in which they were read."""

    def __init__(self, environ: Mapping[str, str], findings: Findings) -> None:
        self.files: list[Path] = []
        self._environ = environ
        self._findings = findings
        self._under_way: list[Path] = []

    def read(self, path: Path) -> Table:
        real = path.resolve()
        self.files.append(real)
        self._under_way.append(real)
        merged = self._read(path, real)
        self._under_way.pop()
        return merged

    def _read(self, path: Path, real: Path) -> Table:
        empty = table({}, Place(str(path)))
        text = read_text(path, str(path), self._findings)
        node = None if text is None else read_document(text, str(path), self._findings)
        if node is None:
            return empty
        if not isinstance(node, Table):
            self._findings.error(node.place, "expected sections such as `model_list:`")
            return empty
        included = node.entries.get("include")
        merged = table({name: entry for name, entry in node.entries.items() if name != "include"}, node.place)
        if included is None or (isinstance(included.node, Scalar) and included.node.value is None):
            return merged
        for other, place in self._included(included.node, path.parent):
            merged = self._merge(merged, self._one(other, place))
        return merged

    def _included(self, node: Node, directory: Path) -> list[tuple[Path, Place]]:
        named = resolve(node, self._environ, self._findings)
        places = [item.place for item in named.items] if isinstance(named, Array) else [named.place]
        names = texts(named, At("include", self._findings))
        return [(directory / name, place) for name, place in zip(names, places, strict=False)]

    def _one(self, path: Path, place: Place) -> Table:
        empty = table({}, place)
        try:
            real = path.resolve()
        except (OSError, ValueError, RuntimeError):
            self._findings.error(place, f"{str(path)!r} is no path", "include")
            return empty
        if real in self._under_way:
            chain = " -> ".join(file.name for file in [*self._under_way[self._under_way.index(real) :], real])
            self._findings.error(place, f"the files include each other: {chain}", "include")
        elif not os.path.isfile(real):  # unlike Path.is_file, false for a name that is too long
            self._findings.error(place, f"there is no file {path}", "include")
        elif len(self.files) >= FILES_MAX:
            self._findings.error(place, f"more than {FILES_MAX} files", "include")
        elif real not in self.files:
            return self.read(path)
        return empty

    def _merge(self, ours: Table, theirs: Table) -> Table:
        entries = dict(ours.entries)
        for name, entry in theirs.entries.items():
            mine = entries.get(name)
            entries[name] = entry if mine is None else Entry(mine.place, self._joined(name, mine.node, entry.node))
        return table(entries, ours.place)

    def _joined(self, name: str, ours: Node, theirs: Node) -> Node:
        match ours, theirs:
            case Array(items), Array(others):
                return array([*items, *others], ours.place)
            case Table(entries), Table(others):
                for key in entries.keys() & others.keys():
                    self._compare(f"{name}.{key}", entries[key].node, others[key].node)
                return table({**others, **entries}, ours.place)
            case Scalar(None), _:
                return theirs
            case _, Scalar(None):
                return ours
        self._compare(name, ours, theirs)
        return ours

    def _compare(self, path: str, ours: Node, theirs: Node) -> None:
        at = At(path, self._findings)
        if anything(ours, at) != anything(theirs, at):
            at.warning(theirs.place, f"{ours.place} says otherwise, and wins")
