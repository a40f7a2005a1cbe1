"""Where `os.environ/NAME` gets its value. Nothing here changes the environment of the process.

Precedence: the real environment, then `.env` beside the configuration file, then `.env` in the working directory, then
`environment_variables` in the file. The operator who starts the process has the last word; LiteLLM lets the file win,
so a name with two different values is a warning. An empty variable counts as not set: `KEY=` in a `.env` means "none".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tollbridge.config.document import Array, Entry, Node, Scalar, Table, array, read_text, table
from tollbridge.config.findings import Findings, Place

PREFIX = "os.environ/"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ASSIGNMENT = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)[ \t]*=[ \t]*")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_SINGLE = re.compile(r"'([^']*)'", re.DOTALL)
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_NEARLY = re.compile(r"\$([A-Z_][A-Z0-9_]*)|\$\{(?:env:)?([A-Za-z_]\w*)\}|os\.environ[.:]([A-Za-z_]\w*)")
_BRACES = re.compile(r"\$\{[A-Za-z_]\w*\}")


class Environment(Mapping[str, str]):
    """The first layer that has a name, non-empty, gives it. Shows no value."""

    def __init__(self, *layers: Mapping[str, str]) -> None:
        self._layers = layers

    def __getitem__(self, name: str) -> str:
        for layer in self._layers:
            value = layer.get(name)
            if value:
                return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter({name: None for layer in self._layers for name, value in layer.items() if value})

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<Environment of {len(self)} variables>"


def read_dotenv(environ: Mapping[str, str], findings: Findings, *directories: Path) -> Environment:
    """`environ` with what the `.env` files of these directories add, the first directory first. For the server and the
    command line only: a library does not read files that nobody named."""
    layers: list[Mapping[str, str]] = [environ]
    for directory in dict.fromkeys(path.resolve() for path in directories):
        path = directory / ".env"
        if path.is_file():
            text = read_text(path, str(path), findings)
            if text is not None:
                layers.append(parse_dotenv(text, str(path), Environment(*layers), findings))
    return Environment(*layers)


def parse_dotenv(text: str, file: str, environ: Mapping[str, str], findings: Findings) -> dict[str, str]:
    """`NAME=value` lines. `export` and comments are allowed; double quotes know `\\n`; both quotes may span lines;
    `${NAME}` is replaced except in single quotes."""
    values: dict[str, str] = {}
    known = Environment(environ, values)
    text = text.replace("\r\n", "\n")
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end].strip()
        if not line or line.startswith("#"):
            at = end + 1
            continue
        start = at + len(text[at:end]) - len(text[at:end].lstrip())
        assignment = _ASSIGNMENT.match(text, start)
        if assignment is None:
            column = start - at + 1
            findings.warning(Place(file, text.count("\n", 0, at) + 1, column), "is not NAME=value: the line is skipped")
            at = end + 1
            continue
        value, after = _dotenv_value(text, assignment.end(), known)
        values[assignment[1]] = value
        end = text.find("\n", after)
        at = len(text) if end < 0 else end + 1
    return values


def _dotenv_value(text: str, at: int, known: Mapping[str, str]) -> tuple[str, int]:
    double = _DOUBLE.match(text, at)
    if double is not None:
        plain = re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), double[1], flags=re.DOTALL)
        return _expanded(plain, known), double.end()
    single = _SINGLE.match(text, at)
    if single is not None:
        return single[1], single.end()
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    return _expanded(re.sub(r"(^|\s)#.*", "", text[at:end]).strip(), known), end


def _expanded(text: str, known: Mapping[str, str]) -> str:
    return _REFERENCE.sub(lambda reference: known.get(reference[1], ""), text)


def resolve(node: Node, environ: Mapping[str, str], findings: Findings) -> Node:
    """The node with each `os.environ/NAME` replaced; where NAME is not set the scalar is marked `missing`."""
    return _Resolver(environ, findings).resolved(node)


class _Resolver:
    """Shared nodes stay shared: an alias is resolved once."""

    def __init__(self, environ: Mapping[str, str], findings: Findings) -> None:
        self._environ = environ
        self._findings = findings
        self._done: dict[int, Node] = {}

    def resolved(self, node: Node) -> Node:
        done = self._done.get(id(node))
        if done is None:
            done = self._done[id(node)] = self._resolve(node)
        return done

    def _resolve(self, node: Node) -> Node:
        match node:
            case Table(entries, place):
                return table({n: Entry(e.place, self.resolved(e.node)) for n, e in entries.items()}, place)
            case Array(items, place):
                return array([self.resolved(item) for item in items], place)
            case Scalar(str() as value) if value.startswith(PREFIX):
                return self._variable(node, value.removeprefix(PREFIX))
        return node

    def _variable(self, node: Scalar, name: str) -> Scalar:
        if _NAME.fullmatch(name) is None:
            self._findings.error(node.place, f"after {PREFIX} stands the name of a variable: letters, digits and _")
            return node
        value = self._environ.get(name)
        if not value:
            return Scalar(None, node.text, node.place, variable=name, missing=True)
        return Scalar(value, value, node.place, variable=name)


def nearly_variable(value: str, *, braces: bool = False, secret: bool = False) -> str | None:
    """What to say of a text that looks as if it named a variable and does not; None where nothing is to be said. A
    password may begin with `$`, so that only whole names in capitals are told. `braces`: `${NAME}` works there.
    `secret`: the text itself is not told, which may be a password after all."""
    if braces and _BRACES.search(value):
        return None
    found = _NEARLY.fullmatch(value.strip())
    if found is not None:
        name = "NAME" if secret else found[1] or found[2] or found[3]
        return f"names no variable and is taken as it is written; the variable is `{PREFIX}{name}`"
    if PREFIX in value:
        other = ", or `${NAME}` within a text" if braces else ""
        return f"`{PREFIX}` is taken as it is written: a variable is the whole value, `{PREFIX}NAME`{other}"
    if not braces and _BRACES.search(value):
        return f"`${{...}}` is taken as it is written: a variable is the whole value, `{PREFIX}NAME`"
    return None


def missing_variables(node: Node) -> Iterator[Scalar]:
    """The scalars below `node` whose variable is not set."""
    waiting, seen = [node], set()
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        match current:
            case Table(entries):
                waiting.extend(entry.node for entry in reversed(entries.values()))
            case Array(items):
                waiting.extend(reversed(items))
            case Scalar(missing=True):
                yield current


def tell_missing(top: Table, findings: Findings) -> None:
    """A warning for each variable that is not set and of which nothing was said yet, wherever it is named: below keys
    that are not built too, and in lists."""
    waiting: list[tuple[str, Node]] = [("", top)]
    seen: set[int] = set()
    while waiting:
        path, current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        match current:
            case Table(entries):
                waiting += [(f"{path}.{name}" if path else name, entry.node) for name, entry in entries.items()]
            case Array(items):
                waiting += [(f"{path}[{index}]", item) for index, item in enumerate(items)]
            case Scalar(missing=True) if not findings.told(current.place):
                findings.warning(current.place, f"{current.variable} is not set: this is left out", path)


def read_variables(node: Table, environ: Mapping[str, str], findings: Findings) -> dict[str, str]:
    """The section `environment_variables`, as a layer to be put below `environ`."""
    values: dict[str, str] = {}
    for name, entry in node.entries.items():
        path = f"environment_variables.{name}"
        scalar = entry.node
        if not isinstance(scalar, Scalar):
            findings.error(scalar.place, "expected text", path)
            continue
        if isinstance(scalar.value, str) and scalar.value.startswith(PREFIX):
            source = scalar.value.removeprefix(PREFIX)
            value = environ.get(source) or values.get(source, "")
            if not value:
                findings.warning(scalar.place, f"{source} is not set", path)
        else:
            value = "" if scalar.value is None else scalar.text
        real = environ.get(name)
        if real and value and real != value:
            findings.warning(scalar.place, "the environment already has another value, which wins", path)
        values[name] = value
    return values
