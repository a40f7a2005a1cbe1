"""What is known of a model's name as one key says it: found out once, for all requests that say it again.

A key that was read anew has another `Access`, and a configuration that was read anew another gateway, with ways of its
own: nothing here needs to be told of a change. Names that nobody may ask for, or that are none, are not kept; nor are
long ones, which a pattern may let through.
"""

from __future__ import annotations

import msgspec

from tollbridge.policy.access import Access

WAYS_MAX = 4096
ASKED_LENGTH_MAX = 256


class Way(msgspec.Struct, frozen=True):
    """`shown`: what the client said, fit for a log. `group`: the name of the group that answers; `label`: that name, or
    the pattern of the configuration that it is made by."""

    shown: str
    group: str
    label: str


class Ways:
    """`asked`: the name as it stands in the body, JSON and all, or in the path."""

    __slots__ = ("_known", "find")

    def __init__(self) -> None:
        self._known: dict[tuple[Access, bytes | str], Way] = {}
        self.find = self._known.get

    def keep(self, access: Access, asked: bytes | str, way: Way) -> None:
        if len(asked) > ASKED_LENGTH_MAX:
            return
        if len(self._known) >= WAYS_MAX:
            self._known.clear()
        self._known[access, asked] = way
