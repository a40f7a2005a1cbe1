"""`${NAME}` within a text, as the files of MCP clients have it: the variable of that name.

`${NAME:-else}` has a value for where it is not set, `$${` is `${` itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_VARIABLE = re.compile(r"\$\$(?=\{)|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


class Unset(Exception):
    """`name` is not set, and nothing stands in its place."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def fill(text: str, environ: Mapping[str, str]) -> str:
    """Raises Unset."""

    def variable(found: re.Match[str]) -> str:
        name, instead = found[1], found[2]
        if name is None:
            return "$"
        value = environ.get(name) or instead
        if value is None:
            raise Unset(name)
        return value

    return _VARIABLE.sub(variable, text)


def escaped(text: str) -> str:
    """What `fill` makes this text of."""
    return text.replace("${", "$${")


def names_variables(text: str) -> bool:
    return any(found[1] for found in _VARIABLE.finditer(text))
