"""A function call that a stream tells in pieces (Vertex, `streamFunctionCallArguments`).

    {"name": "f", "willContinue": true}                                         the call begins
    {"partialArgs": [{"jsonPath": "$.a.b[0]", "stringValue": "x", "willContinue": true}], "willContinue": true}
    {}                                                                          the call is whole

Each piece sets a value at a path; a string goes on while its own `willContinue` says so.
https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling (seen 2026-11-26)
"""

from __future__ import annotations

import re
from itertools import pairwise

from tollbridge.model.json import Json, JsonObject
from tollbridge.wires.gemini.vocabulary import fields, listed, string

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['([^']+)'\]")
_VALUES = ("stringValue", "numberValue", "boolValue")
ITEMS_MAX = 10_000


class PartialCall:
    """`part`: the part that the call began with; `whole()` is the part it has become."""

    def __init__(self, part: JsonObject) -> None:
        self._part = part
        self._call = fields(part["functionCall"])
        self._arguments: JsonObject = dict(self._call.pop("args", None) or {})
        self._growing: str | None = None
        self.add(self._call)

    def add(self, call: JsonObject) -> bool:
        """Another piece. Whether more are to come."""
        for piece in listed(call.pop("partialArgs", [])):
            said = fields(piece)
            path = string(said["jsonPath"])
            value = next((said[name] for name in _VALUES if name in said), None)
            self._set(path, value, grows=self._growing == path)
            self._growing = path if said.get("willContinue") is True else None
        return call.pop("willContinue", False) is True

    def sign(self, signature: Json) -> None:
        if signature is not None:
            self._part = {**self._part, "thoughtSignature": signature}

    def whole(self) -> JsonObject:
        return {**self._part, "functionCall": {**self._call, "args": self._arguments}}

    def _set(self, path: str, value: Json, *, grows: bool) -> None:
        steps: list[str | int] = [int(step[2]) if step[2] else step[1] or step[3] for step in _STEP.finditer(path)]
        if not steps or any(isinstance(step, int) and step > ITEMS_MAX for step in steps):
            raise ValueError(f"no path of arguments: {path[:80]}")
        at: Json = self._arguments
        for step, following in pairwise(steps):
            inner = _held(at, step)
            if inner is None:
                inner = [] if isinstance(following, int) else {}
                _put(at, step, inner)
            at = inner
        old = _held(at, steps[-1])
        _put(at, steps[-1], old + value if grows and isinstance(old, str) and isinstance(value, str) else value)


def _held(at: Json, step: str | int) -> Json:
    if isinstance(step, int):
        return at[step] if step < len(listed(at)) else None
    return fields_in(at).get(step)


def _put(at: Json, step: str | int, value: Json) -> None:
    if isinstance(step, int):
        listed(at).extend([None] * (step + 1 - len(at)))
        at[step] = value
    else:
        fields_in(at)[step] = value


def fields_in(at: Json) -> JsonObject:
    if at.__class__ is not dict:
        raise TypeError("a path of arguments leads through a plain value")
    return at
