"""Which models a key may ask for.

It is decided on the name of the group that a request was resolved to: whatever way led there (an alias, a fallback, the
name in the path), the group is what answers and what the list must hold. Behind a wildcard of the configuration that is
the full name (`openai/gpt-4o`), so that a list may say less than the wildcard. Names are compared letter by letter.

    []                      every model, as LiteLLM's
    all-proxy-models, *     every model
    no-default-models       none, whatever stands beside it
    fast                    that group; where `fast` is an alias of the configuration, that alias
    openai/*                every group whose name begins so; a star stands for any text, and may stand anywhere
    beta-models             what the entries of the configuration serve that are in that access group (`Groups`). With
                            `openai/*` in one group and `openai/o1-*` in another, `openai/o1-mini` is of the other: the
                            entry that serves it decides (https://docs.litellm.ai/docs/proxy/model_access_groups, seen
                            2026-11-27)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tollbridge.errors import PermissionDeniedError

if TYPE_CHECKING:
    from tollbridge.routing.groups import Group

Groups = Mapping[str, Sequence[str]]
"""Names of entries, some of them patterns, by access group (`model_info.access_groups`)."""
EVERY = frozenset({"*", "all-proxy-models"})
NONE = "no-default-models"


class Access:
    """Compiled once per key. `models`: the list as it was given. `every`: it allows all there is."""

    __slots__ = ("_aliases", "_beginnings", "_entries", "_names", "_patterns", "every", "models")

    def __init__(
        self,
        models: Sequence[str] = (),
        aliases: Mapping[str, str] | None = None,
        groups: Groups = MappingProxyType({}),
    ) -> None:
        self.models = tuple(models)
        self._aliases = dict(aliases or {})
        self.every = NONE not in models and (not models or not EVERY.isdisjoint(models))
        told = () if self.every or NONE in models else self.models
        self._entries = frozenset(name for group in told for name in groups.get(group, ()))
        self._names = frozenset(name for name in told if "*" not in name)
        patterns = [tuple(name.split("*")) for name in told if "*" in name]
        self._beginnings = tuple(pattern[0] for pattern in patterns if pattern[1:] == ("",))
        self._patterns = tuple(pattern for pattern in patterns if pattern[1:] != ("",))

    def named(self, asked: str) -> str:
        """The model that the key means by this name: the target of one of its own aliases, or the name itself. One
        step: an alias of an alias is none."""
        return self._aliases.get(asked, asked)

    def allows(self, group: str, asked: str | None = None, entry: str | None = None) -> bool:
        """`group`: the resolved group's name; or its configured pattern (`openai/*`), and then `asked` is the name that
        was asked of it. Otherwise `asked` is what the client asked for (after `named`), which counts only where the
        list holds that very name, so that an alias of the configuration may stand in it. For the target of a fallback
        the client's word is left out: it says nothing about it. `entry`: the name or pattern of the entry that serves
        it, where that is not `group`."""
        if self.every or group in self._names or asked in self._names or self._covers(group):
            return True
        if self._entries and (entry or group) in self._entries:
            return True
        return asked is not None and "*" in group and fits(group.split("*"), asked) and self._covers(asked)

    def reaches(self, group: Group[Any], asked: str | None = None) -> bool:
        """`allows`, of what a name was resolved to."""
        return self.allows(group.right, asked, group.label)

    def lists(self, name: str) -> bool:
        """Its own list has that name or pattern, or one that covers it."""
        return self.every or name in self._names or self._covers(name)

    def _covers(self, name: str) -> bool:
        if name.startswith(self._beginnings):
            return True
        return bool(self._patterns) and any(fits(pattern, name) for pattern in self._patterns)

    def refusal(self, asked: str, where: str = "") -> PermissionDeniedError:
        """Tells of the key's own list, and not whether there is such a model. `where`: the JSON path of the name, where
        that is not the model that is asked for."""
        listed = ", ".join(self.models[:8]) + (", ..." if len(self.models) > 8 else "")
        shown = asked[:200] if asked.isprintable() else "this model"
        return PermissionDeniedError(
            f"This key may not ask for {shown}{f' - at `{where}`' if where else ''}. It may ask for: {listed}.",
            code="key_model_access_denied",
            param=where.removeprefix("$.") or "model",
        )


ALL = Access()


def fits(pieces: Sequence[str], name: str) -> bool:
    """Whether `name` is the pieces with any text between them. Linear: each piece is looked for once, leftmost."""
    first, *middle, last = pieces
    if len(name) < len(first) + len(last) or not name.startswith(first) or not name.endswith(last):
        return False
    at, end = len(first), len(name) - len(last)
    for piece in middle:
        found = name.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True
