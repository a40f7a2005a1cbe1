"""One server's description that names another's tools: it may want to steer how those are called (tool shadowing).

A name counts where it is surely meant as one: with the server before it, or spelled as only a program would (`_`, a
digit, a capital inside), or in quotes, or beside the word "tool". "search" or "add" in a sentence does not.
"""

from __future__ import annotations

import re
from typing import Protocol

from tollbridge.mcp.hidden import texts_of
from tollbridge.model.json import JsonObject

NAMED_MAX = 5
_WORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")
_QUOTES = "`'\"\u2018\u2019\u201c\u201d"
_TOOL = re.compile(r"\W*tools?\b", re.IGNORECASE)
_TOOL_BEFORE = re.compile(r"\btools?\W*$", re.IGNORECASE)


class Owners(Protocol):
    """Servers by names of tools."""

    def get(self, name: str) -> str | None: ...


def others_named(definition: JsonObject, names: Owners) -> list[str]:
    """`names`: of the other servers' tools. What is named, as `name of server`."""
    found: dict[str, None] = {}
    for place, text in texts_of({name: value for name, value in definition.items() if name != "name"}):
        if place.rpartition(".")[2] not in ("description", "title", "instructions"):
            continue
        for word in _WORD.finditer(text):
            server = names.get(word.group())
            if server is not None and _meant(text, word):
                found[f"{word.group()!r} of {server!r}"] = None
                if len(found) >= NAMED_MAX:
                    return list(found)
    return list(found)


def _meant(text: str, word: re.Match[str]) -> bool:
    name = word.group()
    if re.search(r"[_.\d-]|[a-z][A-Z]", name):
        return True
    before, after = text[max(0, word.start() - 8) : word.start()], text[word.end() : word.end() + 8]
    if before[-1:] in tuple(_QUOTES) and after[:1] in tuple(_QUOTES):
        return True
    return _TOOL.match(after) is not None or _TOOL_BEFORE.search(before) is not None
