"""A node as a value of some type, or an error where the node stands.

A kind never raises: after an error its value is a harmless stand-in, for no configuration comes of a file with errors.

Text that spells a number or a truth value is one: what comes from a variable is always text, and people quote numbers.
A number where text is wanted is taken as it is written (`api_version: 2024`); a truth value is not, for `yes` and `on`
are truth values in YAML 1.1, and whoever names a model `on` should hear of it.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from tollbridge.calls.cache_points import CachePoint, examine_points, near_key
from tollbridge.config.document import Array, Node, Scalar, Table
from tollbridge.config.environment import nearly_variable
from tollbridge.config.findings import Findings, Place
from tollbridge.model.json import Json, JsonObject
from tollbridge.secret import Secret

T = TypeVar("T")

SECRET_NAME = re.compile(
    r"(?i)(?:keys?|token|secret|passw\w*|credentials?|authorization|database_url|dsn)(?:$|[\[.])|_secret_"
)
NAMES_A_PRICE = re.compile(r"cost_per_\w*token$")
SHOWN_MAX = 40


class At(msgspec.Struct, frozen=True):
    """Where in the file a value stands, as its reader calls it: `general_settings.cors.origins[1]`."""

    path: str
    findings: Findings

    def key(self, name: str) -> At:
        return At(f"{self.path}.{name}" if self.path else name, self.findings)

    def item(self, index: int) -> At:
        return At(f"{self.path}[{index}]", self.findings)

    def error(self, place: Place, message: str) -> None:
        self.findings.error(place, message, self.path)

    def warning(self, place: Place, message: str) -> None:
        self.findings.warning(place, message, self.path)

    def expected(self, what: str, node: Node) -> None:
        self.error(node.place, f"expected {what}, got {self._shown(node)}")

    def doubted(self, what: str, node: Node, outcome: str) -> None:
        self.warning(node.place, f"expected {what}, got {self._shown(node)}; {outcome}")

    def _shown(self, node: Node) -> str:
        match node:
            case Array():
                return "a list"
            case Table():
                return "a table"
            case Scalar(variable=str(variable)) if variable:
                return f"what ${variable} holds"
            case Scalar(None):
                return "nothing"
            case Scalar(bool(value)):
                return f"{node.text} (which is {str(value).lower()} in YAML; put it into quotes for text)"
            case _ if SECRET_NAME.search(self.path) and not NAMES_A_PRICE.search(self.path):
                return "something else"
        shown = repr(node.text)
        return shown if len(shown) <= SHOWN_MAX else f"{shown[:SHOWN_MAX]}...'"


Kind = Callable[[Node, At], Any]


def text(node: Node, at: At) -> str:
    match node:
        case Scalar(bool() | None):
            pass
        case Scalar(str(value)):
            return value
        case Scalar():
            return node.text
    at.expected("text", node)
    return ""


def named(node: Node, at: At) -> str:
    """Text that is not empty."""
    value = text(node, at)
    if isinstance(node, Scalar) and node.value == "":
        at.expected("a name", node)
    return value


def file(node: Node, at: At) -> str:
    """A file that is there. A relative path counts from the configuration file that names it."""
    path = Path(node.place.file).parent / named(node, at)
    if not os.path.isfile(path):  # unlike Path.is_file, false for a name that is too long
        at.error(node.place, f"there is no file {path}")
    return str(path)


def literal(node: Node, at: At) -> str:
    """Text of which a warning tells where it was meant to name a variable."""
    return _literal(node, at)


def secret(node: Node, at: At) -> Secret:
    return Secret(_literal(node, at, secret=True))


def template(node: Node, at: At) -> Secret:
    """As `secret`, where `${NAME}` is a variable."""
    return Secret(_literal(node, at, braces=True, secret=True))


def _literal(node: Node, at: At, *, braces: bool = False, secret: bool = False) -> str:
    value = text(node, at)
    if isinstance(node, Scalar) and not node.variable:
        told = nearly_variable(value, braces=braces, secret=secret)
        if told is not None:
            at.warning(node.place, told)
    return value


def flag(node: Node, at: At) -> bool:
    match node:
        case Scalar(bool(value)):
            return value
        case Scalar(str(value)) if value.strip().lower() in _FLAGS:
            return _FLAGS[value.strip().lower()]
        case Scalar(0 | 1 as value):
            return bool(value)
    at.expected("true or false", node)
    return False


_FLAGS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def number(node: Node, at: At) -> float:
    """Finite, and not negative."""
    return _bounded(node, at, "a number", 0.0)


def seconds(node: Node, at: At) -> float:
    """A duration greater than 0."""
    value = _bounded(node, at, "a number of seconds", 0.0)
    if value == 0 and _as_number(node) == 0:
        at.error(node.place, "must be greater than 0 seconds")
    return value


def period(node: Node, at: At) -> float:
    """Seconds of `30s`, `15m`, `12h`, `7d`, `4w`, `3mo` (of 30 days); a number alone is seconds. Greater than 0."""
    said = _PERIOD.fullmatch(node.value) if isinstance(node, Scalar) and isinstance(node.value, str) else None
    if said is None:
        return seconds(node, at)
    if int(said[1]) == 0:
        at.error(node.place, "must be greater than 0")
    return int(said[1]) * _UNITS_S[said[2]]


_PERIOD = re.compile(r"([0-9]{1,9})(s|m|h|d|w|mo)")
_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0, "mo": 2_592_000.0}


def numeric(node: Node, at: At) -> int | float:
    """Any number, whole ones as `int`: for fields that are sent on."""
    if isinstance(node, Scalar) and isinstance(node.value, (int, float)) and _as_number(node) is not None:
        return node.value
    value = _bounded(node, at, "a number", -math.inf)
    return int(value) if value == int(value) else value


def count(node: Node, at: At) -> int:
    """A whole number, not negative."""
    value = _bounded(node, at, "a whole number", 0.0)
    if value != int(value):
        at.expected("a whole number", node)
    return int(value)


def integer(node: Node, at: At) -> int:
    """A whole number."""
    value = _bounded(node, at, "a whole number", -math.inf)
    if value != int(value):
        at.expected("a whole number", node)
    return int(value)


def _bounded(node: Node, at: At, what: str, least: float) -> float:
    value = _as_number(node)
    if value is None:
        at.expected(what, node)
        return 0.0
    if value < least:
        at.error(node.place, "must not be negative")
        return 0.0
    return value


def _as_number(node: Node) -> float | None:
    match node:
        case Scalar(bool()):
            return None
        case Scalar(int() | float() | str() as value):
            try:
                found = float(value)
            except (ValueError, OverflowError):
                return None
            return found if math.isfinite(found) else None
    return None


def anything(node: Node, at: At) -> Json:
    """Plain values. What a missing variable should have given is left out."""
    match node:
        case Table(entries):
            return {name: anything(entry.node, at) for name, entry in entries.items() if not _is_missing(entry.node)}
        case Array(items):
            return [anything(item, at) for item in items if not _is_missing(item)]
        case Scalar(value):
            return value


def cache_points(node: Node, at: At) -> tuple[CachePoint, ...]:
    points, faults = examine_points(anything(node, at))
    items = [item for item in node.items if not _is_missing(item)] if isinstance(node, Array) else []
    for fault in faults:
        where, within = (node, at) if fault.at is None else (items[fault.at], at.item(fault.at))
        place = where.place
        if fault.key:
            within = within.key(fault.key)
            if isinstance(where, Table) and fault.key in where.entries:
                entry = where.entries[fault.key]
                place = entry.place if near_key(fault.key) else entry.node.place
        within.error(place, fault.told)
    told = {fault.at for fault in faults}
    for index, item in enumerate(items):
        for name, entry in item.entries.items() if isinstance(item, Table) and index not in told else ():
            near = near_key(name)
            if near is not None:
                at.item(index).key(name).warning(entry.place, f"is not a known key; did you mean `{near}`?")
    return points


def anything_table(node: Node, at: At) -> JsonObject:
    if isinstance(node, Table):
        value: JsonObject = anything(node, at)
        return value
    at.expected("a table", node)
    return {}


class ListOf(msgspec.Struct, Generic[T], frozen=True):
    """A list, or one item in place of a list of one."""

    kind: Callable[[Node, At], T]
    what: str = "a list"

    def __call__(self, node: Node, at: At) -> tuple[T, ...]:
        match node:
            case Array(items):
                return tuple(self.kind(item, at.item(i)) for i, item in enumerate(items) if not _is_missing(item))
            case Scalar(None) | Table():
                at.expected(self.what, node)
                return ()
        return (self.kind(node, at),)


class MapOf(msgspec.Struct, Generic[T], frozen=True):
    """A table whose keys are names of the operator's."""

    kind: Callable[[Node, At], T]

    def __call__(self, node: Node, at: At) -> dict[str, T]:
        if not isinstance(node, Table):
            at.expected("a table", node)
            return {}
        return {n: self.kind(e.node, at.key(n)) for n, e in node.entries.items() if not _is_missing(e.node)}


def list_of(kind: Callable[[Node, At], T], what: str = "a list") -> ListOf[T]:
    return ListOf(kind, what)


def map_of(kind: Callable[[Node, At], T]) -> MapOf[T]:
    return MapOf(kind)


texts = list_of(text, "a list of texts")


def fallbacks(node: Node, at: At) -> Mapping[str, tuple[str, ...]]:
    """`[{model: [models]}, ...]`, or one table of them."""
    found: dict[str, tuple[str, ...]] = {}
    tables = node.items if isinstance(node, Array) else (node,)
    for index, item in enumerate(tables):
        at_item = at.item(index) if isinstance(node, Array) else at
        if not isinstance(item, Table):
            at_item.expected("{model: [models]}", item)
            continue
        for name, entry in item.entries.items():
            found[name] = found.get(name, ()) + texts(entry.node, at_item.key(name))
    return found


def _is_missing(node: Node) -> bool:
    return isinstance(node, Scalar) and node.missing
