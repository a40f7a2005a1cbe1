"""Which keys a table may have. The tables of keys are in `tables/`; the machinery that reads by them is here.

A key is of one of four sorts:
- it *fills* a field of the result ("router.retries": the field `retries` of what is collected under `router`);
- it is known and its feature is *later* than this version: a warning, unless it is set to nothing or to false;
- it is *refused*: whoever says it relies on what is not here, and a gateway without it would be worse than none;
- it is *moot*: it has nothing to change here, so nothing is said.

Several keys may fill one field: `num_retries` in `litellm_settings` and in `router_settings`. Which section wins is
said in `load.PRECEDENCE`; two different values are a warning.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from tollbridge.config.document import Array, Entry, Node, Scalar, Table
from tollbridge.config.findings import Place
from tollbridge.config.kinds import At, Kind, anything

Sort = Literal["fills", "later", "refused", "moot"]

NO_EFFECT = "it has no effect"
NO_WORDS: Mapping[str, str] = {}
NOT_RESTRICTED = "NOTHING IS RESTRICTED by it"
NO_ACCESS = "restricts who gets at something, which is not built: all would. Take it out to serve without it"
NO_GUARDS = "asks for guards, and there are none here: nothing would be checked. Take it out to serve without them"


class Key(msgspec.Struct, frozen=True):
    """`note`: what a warning tells beyond "is not built yet"; `words`: and where one of these stands in its value, what
    the warning of that one is. `needed`: its variable must be set. `about`: what it
    does, in Markdown, for the reference (scripts/config_reference.py)."""

    name: str
    sort: Sort
    fills: str = ""
    kind: Kind = anything
    note: str = ""
    needed: bool = False
    about: str = ""
    words: Mapping[str, str] = {}


class Section(msgspec.Struct, frozen=True):
    """`patterns`: names too many to list; `usual`: the usual ones among them, for whoever mistypes one. `hint`: what to
    do with a key that is not known."""

    name: str
    keys: Mapping[str, Key]
    patterns: tuple[tuple[re.Pattern[str], Key], ...] = ()
    usual: tuple[str, ...] = ()
    hint: str = ""

    def key(self, name: str) -> Key | None:
        found = self.keys.get(name)
        if found is None:
            return next((key for pattern, key in self.patterns if pattern.fullmatch(name)), None)
        return found


class Filled(msgspec.Struct, frozen=True):
    """What a key says, and where: `place` is the key's, `node` what was read."""

    name: str
    value: Any
    node: Node
    at: At
    place: Place


def fills(field: str, kind: Kind, *names: str, about: str = "", needed: bool = False) -> list[Key]:
    """Several names are spellings of one key."""
    return [Key(name, "fills", field, kind, needed=needed, about=about) for name in names]


def later(*names: str, note: str = NO_EFFECT, words: Mapping[str, str] = NO_WORDS) -> list[Key]:
    return [Key(name, "later", note=note, words=words) for name in names]


def restricts(*names: str) -> list[Key]:
    """Not built yet, and the operator may rely on it: said louder."""
    return later(*names, note=NOT_RESTRICTED)


def guards(*names: str) -> list[Key]:
    """What lets content be checked: no gateway starts as if it did."""
    return [Key(name, "refused", note=NO_GUARDS) for name in names]


def access(*names: str) -> list[Key]:
    """What keeps somebody from something: no gateway starts as if it did."""
    return [Key(name, "refused", note=NO_ACCESS) for name in names]


def moot(*names: str) -> list[Key]:
    return [Key(name, "moot") for name in names]


def section(
    name: str,
    *groups: Iterable[Key],
    patterns: tuple[tuple[re.Pattern[str], Key], ...] = (),
    usual: tuple[str, ...] = (),
    hint: str = "",
) -> Section:
    keys: dict[str, Key] = {}
    for group in groups:
        for key in group:
            if key.name in keys:
                raise ValueError(f"{name}.{key.name} stands twice in the table of keys")
            keys[key.name] = key
    return Section(name, keys, patterns, usual, hint)


def read_section(
    node: Node, section: Section, at: At, others: Iterable[Section] = (), *, tell_missing: bool = True
) -> dict[str, list[Filled]]:
    """What the keys of `node` fill, by field. `others`: where a misplaced key may belong. `tell_missing`: warn of
    variables that are not set; what lies deeper `environment.tell_missing` tells."""
    filled: dict[str, list[Filled]] = {}
    if isinstance(node, Scalar) and node.value is None:
        return filled
    if not isinstance(node, Table):
        at.expected("a table", node)
        return filled
    for name, entry in node.entries.items():
        at_key = at.key(name)
        key = section.key(name)
        if key is None:
            at_key.error(entry.place, unknown_key(name, section, others))
        elif isinstance(entry.node, Scalar) and entry.node.value is None:
            if entry.node.missing and tell_missing:
                _tell_missing(entry.node, key, at_key)
        elif key.sort == "fills":
            value = key.kind(entry.node, at_key)
            filled.setdefault(key.fills, []).append(Filled(name, value, entry.node, at_key, entry.place))
        else:
            tell_absent(key, entry, at_key)
    return filled


def tell_absent(key: Key, entry: Entry, at: At) -> None:
    """Of a key whose feature is not here."""
    if key.sort == "later" and not is_off(entry.node):
        items = entry.node.items if isinstance(entry.node, Array) else (entry.node,)
        known = [one for one in items if isinstance(one, Scalar) and one.text in key.words]
        for one in known:
            at.warning(one.place, f"{one.text!r} {key.words[one.text]}")
        if len(known) < len(items):
            at.warning(entry.place, not_built(key.note))
    elif key.sort == "refused" and not is_off(entry.node):
        at.error(entry.place, key.note)


def values_of(node: Node, section: Section, at: At) -> dict[str, Any]:
    """What a table within a table says, by field."""
    return {field: filled[-1].value for field, filled in read_section(node, section, at).items()}


def not_built(consequence: str = NO_EFFECT) -> str:
    return f"is not built yet; {consequence}"


def _tell_missing(scalar: Scalar, key: Key, at: At) -> None:
    if key.needed:
        at.error(scalar.place, f"{scalar.variable} is not set")
    elif key.sort == "fills":
        at.warning(scalar.place, f"{scalar.variable} is not set: the key is left out")
    elif key.sort == "later":
        at.warning(scalar.place, f"{scalar.variable} is not set, and the key {not_built(key.note)}")


def is_off(node: Node) -> bool:
    """False, nothing, empty: whoever writes so does not miss the feature."""
    match node:
        case Scalar(value):
            return value in (None, False, 0, "") or str(value).lower() == "false"
        case Array(items):
            return not items
        case Table(entries):
            return not entries


def unknown_key(name: str, section: Section, others: Iterable[Section] = ()) -> str:
    others = list(others)
    for other in others:
        if other.key(name) is not None:
            return f"is not a key of {section.name}; it belongs in {other.name}"
    near = nearest(name, (*section.keys, *section.usual))
    hint = f" ({section.hint})" if section.hint else ""
    if near is not None:
        return f"is not a known key; did you mean `{near}`?{hint}"
    found = [(near, other) for other in others if (near := nearest(name, other.keys)) is not None]
    if found:
        near, other = max(found, key=lambda one: difflib.SequenceMatcher(None, _folded(name[:100]), one[0]).ratio())
        return f"is not a known key; did you mean `{near}` in {other.name}?{hint}"
    return f"is not a known key of {section.name}{hint}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like this one; None where none is alike."""
    folded = {_folded(candidate): candidate for candidate in known}
    found = difflib.get_close_matches(_folded(name[:100]), folded, n=1, cutoff=0.75)
    return folded[found[0]] if found else None


def _folded(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")
