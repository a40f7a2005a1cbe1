"""Calls in a text, found as it grows.

What is a call: a JSON object with the `name` of a tool that was offered and `arguments` (or `parameters`) that are an
object,

1. between `<tool_call>` and `</tool_call>`, anywhere; the last closing tag may be missing, as models stop at it;
2. or at the beginning of the text, bare or in a code fence, as models write it that were trained on other prompts.
   Others may follow it.

Everything else is text, letter for letter: a tag around something else, an object with another name, a fence with
code. White space around calls is nobody's. A text is held back only while it may still become a call, and for at most
HELD_MAX characters.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator

import msgspec

from tollbridge.model.json import Json
from tollbridge.wires.tools_in_words.offer import CLOSE, OPEN

HELD_MAX = 64 * 1024
_FENCE = "```"
_FENCE_LINE = re.compile(r"```[a-z_]*\s*")
_FENCE_BEGUN = re.compile(r"`{0,2}|```[a-z_]*\s*")

_encode = msgspec.json.Encoder().encode


class Call(msgspec.Struct, frozen=True):
    """`arguments`: JSON text of an object."""

    name: str
    arguments: str


Found = str | Call


class Finder:
    """`feed` pieces of one text, then `close`. What comes out, in order, is the text with its calls apart; pieces of
    text are never empty."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._held = ""
        self._scanned = 0  # of what is held: no object ends before it
        self._depth = 0
        self._in_text = self._escaped = False
        self._leading = True  # nothing but calls came so far
        self._called = False  # the last thing that came out is a call
        self._fenced = False  # and a fence that was opened before it is still to be closed

    def feed(self, text: str) -> Iterator[Found]:
        self._held += text
        while self._held and (yield from self._step()):
            pass
        if len(self._held) > HELD_MAX:
            yield from self._as_text(len(self._held))

    def close(self) -> Iterator[Found]:
        """What was held back: a call whose closing tag is missing, else text."""
        held, stripped = self._held, self._held.lstrip()
        call = _call(stripped[len(OPEN) :], self._names) if stripped.startswith(OPEN) else None
        if call is not None:
            self._held = ""
            yield call
        elif not self._called or held.strip() not in ("", _FENCE if self._fenced else ""):
            yield from self._as_text(len(held))

    def _step(self) -> Generator[Found, None, bool]:
        """Says what can be said of the beginning of what is held. False: it must be waited for."""
        if self._held.lstrip().startswith(OPEN):
            return (yield from self._tagged())
        if self._leading:
            return (yield from self._led())
        return (yield from self._plain())

    def _tagged(self) -> Generator[Found, None, bool]:
        end = self._held.find(CLOSE)
        if end < 0:
            return False
        begin = self._held.find(OPEN) + len(OPEN)
        call = _call(self._held[begin:end], self._names)
        if call is None:
            yield from self._as_text(begin)
        else:
            yield self._call(call, end + len(CLOSE))
        return True

    def _led(self) -> Generator[Found, None, bool]:
        """At the beginning: white space, a fence, then an object or a tag."""
        held = self._held
        stripped = held.lstrip()
        blank = len(held) - len(stripped)
        if OPEN.startswith(stripped) or _FENCE_BEGUN.fullmatch(stripped):
            return False
        if self._fenced and stripped.startswith(_FENCE):
            self._fenced = False
            self._take(blank + len(_FENCE))
            return True
        fence = _FENCE_LINE.match(stripped)
        start = blank + (0 if fence is None else fence.end())
        if held[start] != "{":
            self._leading = False
            return True
        end = self._end_of_object(start)
        if end is None:
            return False
        call = _call(held[start:end], self._names)
        if call is None:
            yield from self._as_text(end)
        else:
            self._fenced = fence is not None
            yield self._call(call, end)
        return True

    def _plain(self) -> Generator[Found, None, bool]:
        """Text up to a tag, or to what may become one. White space before that is held back with it."""
        held = self._held
        at = held.find(OPEN)
        text = held[: len(held) - _begun(held) if at < 0 else at].rstrip()
        self._take(len(text))
        if self._called:
            text = text.lstrip()
        if text:
            self._called = False
            yield text
        return at >= 0

    def _end_of_object(self, start: int) -> int | None:
        """Where the object that begins at `start` ends. Each character is looked at once."""
        held = self._held
        at = max(self._scanned, start)
        while at < len(held):
            letter = held[at]
            at += 1
            if self._in_text:
                if self._escaped:
                    self._escaped = False
                elif letter == "\\":
                    self._escaped = True
                elif letter == '"':
                    self._in_text = False
            elif letter == '"':
                self._in_text = True
            elif letter in "{[":
                self._depth += 1
            elif letter in "}]":
                self._depth -= 1
                if self._depth == 0:
                    return at
        self._scanned = at
        return None

    def _as_text(self, length: int) -> Iterator[Found]:
        text = self._held[:length]
        self._leading = self._called = False
        self._take(length)
        if text:
            yield text

    def _call(self, call: Call, length: int) -> Call:
        self._take(length)
        self._called = True
        return call

    def _take(self, length: int) -> None:
        self._held = self._held[length:]
        self._scanned = self._depth = 0
        self._in_text = self._escaped = False


def _begun(text: str) -> int:
    """How many letters at its end may be the beginning of a tag."""
    return next((size for size in range(len(OPEN) - 1, 0, -1) if text.endswith(OPEN[:size])), 0)


def _call(text: str, names: frozenset[str]) -> Call | None:
    try:
        value: Json = msgspec.json.decode(text.strip())
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or value.get("name") not in names:
        return None
    arguments = value.get("arguments", value.get("parameters", {}))
    if not isinstance(arguments, dict) or not value.keys() <= {"name", "arguments", "parameters", "id", "type"}:
        return None
    return Call(value["name"], _encode(arguments).decode())
