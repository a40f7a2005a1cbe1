"""Characters that a person does not see and a model reads: in them a tool's definition can say what nobody approved.

1. Hidden are control characters but tab and line ends, format characters (zero-width ones, those that turn the
   direction of a text, tags), letters that are drawn as nothing, and the variation selectors that no script uses.
2. Writing needs some of them: joiners between the letters of scripts that join and between emoji, the tags in the flags
   of Scotland and the like, marks that stand before Arabic numbers. There they are not hidden.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from tollbridge.model.json import Json

STRINGS_MAX = 100_000
NAMED_MAX = 4
_SUSPECT = re.compile(r"[^\n\r\t -~\u00a1-\u00ac\u00ae-\u02ff\u0370-\u05ff\u4e00-\u9fff\uac00-\ud7a3]")
"""What is looked at more closely: most texts hold none of it."""
_JOINERS = "\u200c\u200d"
_DRAWN_AS_NOTHING = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
_BEFORE_NUMBERS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f")


def hidden_in(value: Json, where: str = "") -> list[str]:
    """What is hidden in a value, place by place: `U+200B ZERO WIDTH SPACE in description`."""
    return [
        f"{', '.join(names)} in {place or 'the text'}"
        for place, text in texts_of(value, where)
        if (names := _named(text))
    ]


def visible(text: str) -> str:
    """With what is hidden written out."""
    if _SUSPECT.search(text) is None:
        return text
    hidden = dict(_hidden(text))
    return "".join(f"\\u{{{ord(one):04x}}}" if at in hidden else one for at, one in enumerate(text))


def texts_of(value: Json, where: str = "") -> Iterator[tuple[str, str]]:
    """(where, text) of each text in a value, names included; not of the rest where there are very many."""
    waiting = [(where, value)]
    for _ in range(STRINGS_MAX):
        if not waiting:
            return
        place, one = waiting.pop()
        if isinstance(one, str):
            yield place, one
        elif isinstance(one, dict):
            for name, inner in one.items():
                if _SUSPECT.search(name) is not None:
                    yield f"a name in {place or 'it'}", name
                waiting.append((f"{place}.{visible(name)[:60]}" if place else visible(name)[:60], inner))
        elif isinstance(one, list):
            waiting += [(place, inner) for inner in one]


def _named(text: str) -> list[str]:
    if _SUSPECT.search(text) is None:
        return []
    found = sorted({one for _, one in _hidden(text)})
    named = [f"U+{ord(one):04X} {unicodedata.name(one, 'CONTROL')}" for one in found[:NAMED_MAX]]
    return named if len(found) <= NAMED_MAX else [*named, f"{len(found) - NAMED_MAX} others"]


def _hidden(text: str) -> Iterator[tuple[int, str]]:
    flags = {at for found in _FLAG.finditer(text) for at in range(*found.span())}
    for found in _SUSPECT.finditer(text):
        at, one = found.start(), found.group()
        if _is_hidden(one) and at not in flags and not (one in _JOINERS and _joins(text, at)):
            yield at, one


def _is_hidden(one: str) -> bool:
    if one in _DRAWN_AS_NOTHING or "\U000e0000" <= one <= "\U000e0fff":
        return True
    return unicodedata.category(one) in ("Cc", "Cf") and one not in _BEFORE_NUMBERS


def _joins(text: str, at: int) -> bool:
    """It stands between two signs that may be joined."""
    return 0 < at < len(text) - 1 and _joinable(text[at - 1]) and _joinable(text[at + 1])


def _joinable(one: str) -> bool:
    """A letter or mark of a script that joins, or a part of an emoji."""
    if one in "\ufe0f\u2640\u2642\u2695\u2696\u2708\u2764" or "\U0001f000" <= one <= "\U0001faff":
        return True
    return "\u0600" <= one <= "\u1cff" and unicodedata.category(one)[0] in "LM"
