"""A change to single fields of a body that may lose something, and then says so.

A patch (`providers/row.py`) rewrites a body without a word; what costs the client a wish is a `Rewrite`."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tollbridge.model.json import JsonObject
from tollbridge.model.response import Caveat

Changes = tuple[JsonObject, tuple[Caveat, ...]]
"""The fields to set, None for those to take out."""


class Rewrite(msgspec.Struct, frozen=True):
    """`on`: it concerns a body that has one of these; `reads`: what it must see. `written`: also where a writer of ours
    made the body."""

    on: frozenset[str]
    reads: frozenset[str]
    apply: Callable[[JsonObject], Changes]
    written: bool = False
