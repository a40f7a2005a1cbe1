"""Public model names and what stands behind them: exact name > alias > deployment id > longest wildcard
(decision 18).

A wildcard entry (`openai/*`, `*`) has a maker instead of members: it makes the deployments for a name when the name is
first asked for. Several entries with the same pattern share its names. Made groups are kept in a bounded cache.
"""

from __future__ import annotations

import difflib
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

import msgspec

from tollbridge.catalog.near import did_you_mean
from tollbridge.errors import APIError, ServiceUnavailableError, UnknownModelError

D = TypeVar("D")
Maker = Callable[[str, str], Sequence[D]]
"""(name as asked for, what the `*` stands for) -> deployments; raises NotFoundError where there is no such model."""

MADE_MAX = 1_000
SHOWN_MAX = 8
NAME_BYTES = 512  # of a name that a group is made for: names are kept, told in headers and logged


NONE_ENABLED = "no_enabled_deployment"


class Idle(msgspec.Struct, frozen=True):
    """An entry that is configured and serves nothing: its key is missing, say. `why`: for the operator."""

    id: str
    model: str
    why: str


class Group(msgspec.Struct, Generic[D], frozen=True, eq=False):
    """Deployments that share a public name. `label`: the configured name or pattern, fit for a metric's label.
    `within`: where the name is a deployment's id, the group that it belongs to."""

    name: str
    label: str
    members: tuple[D, ...]
    within: str = ""

    @property
    def right(self) -> str:
        """The name that whoever asks for it must be allowed."""
        return self.within or self.name


class Wildcard(msgspec.Struct, Generic[D], frozen=True, eq=False):
    pattern: str
    make: Maker[D]

    def match(self, name: str) -> str | None:
        """What the `*` stands for; None where the name does not match. Linear: no regular expression is built from
        a name, and a pattern is the operator's."""
        head, star, tail = self.pattern.partition("*")
        if not star or not name.startswith(head) or not name.endswith(tail) or len(name) < len(head) + len(tail):
            return None
        return name[len(head) : len(name) - len(tail)]


class Groups(Generic[D]):
    """Who answers to which name. Immutable but for the cache: a reload makes a new one."""

    def __init__(
        self,
        named: Iterable[Group[D]],
        wildcards: Iterable[Wildcard[D]] = (),
        aliases: Mapping[str, str] | None = None,
        hidden: frozenset[str] = frozenset(),
        bare: Maker[D] | None = None,
        ids: Mapping[str, Group[D]] | None = None,
        idle: Mapping[str, Sequence[Idle]] | None = None,
    ) -> None:
        """`hidden`: aliases that are not listed. `bare`: makes deployments for a name that nothing else matches. `ids`:
        groups of one deployment, by its id; never listed. `idle`: by public name or pattern."""
        self._named = {group.name: group for group in named}
        self._wildcards = sorted(wildcards, key=lambda wildcard: -len(wildcard.pattern))
        self._aliases = dict(aliases or {})
        self._hidden = hidden
        self._bare = bare
        self._made: OrderedDict[str, Group[D]] = OrderedDict()
        self._idle = dict(idle or {})
        self._ids = {id: group for id, group in (ids or {}).items() if id not in self._aliases}

    def resolve(self, name: str) -> Group[D]:
        """The group for a name. Raises NotFoundError with near names, and what a maker raises (a missing key)."""
        group = self._named.get(name)
        if group is not None:
            return group
        target = self._aliases.get(name, name)
        return self._named.get(target) or self._ids.get(target) or self._made.get(target) or self._make(target)

    def knows(self, name: str) -> bool:
        """There is a group for the name, and it could be made."""
        try:
            self.resolve(name)
        except APIError:
            return False
        return True

    def entry(self, name: str) -> str:
        """The configured name or pattern that serves a name, whether it can be made or not; "" where none does."""
        target = name if name in self._named else self._aliases.get(name, name)
        if target in self._named:
            return target
        if target in self._ids:
            return self._ids[target].label
        return next((wildcard.pattern for wildcard in self._wildcards if wildcard.match(target) is not None), "")

    def names(self, name: str) -> bool:
        """It is the very name of a group, or stands for one: no pattern is asked."""
        return name in self._named or name in self._aliases or name in self._ids

    def listed(self) -> list[str]:
        """The names that clients are shown, wildcards as patterns."""
        names = [*self._named, *(alias for alias in self._aliases if alias not in self._hidden)]
        return list(dict.fromkeys((*names, *(wildcard.pattern for wildcard in self._wildcards))))

    def serves(self, name: str) -> bool:
        """Of a listed name: somebody answers to it, or one entry of the pattern does."""
        if "*" in name and name not in self._named:
            return sum(one.pattern == name for one in self._wildcards) > len(self.idle(name))
        try:
            return bool(self.resolve(name).members)
        except APIError:
            return False

    def idle(self, name: str) -> Sequence[Idle]:
        """What stands behind a name, or among the entries of a pattern, and serves nothing."""
        return self._idle.get(self.entry(name) if name not in self._idle else name, ())

    def reached(self) -> Iterable[Group[D]]:
        """Those of the configuration, and those that were made for names that were asked for."""
        return (*self._named.values(), *self._made.values())

    def members(self) -> Iterable[D]:
        for group in self.reached():
            yield from group.members

    def _make(self, name: str) -> Group[D]:
        _check_name(name)
        pattern = next((wildcard.pattern for wildcard in self._wildcards if wildcard.match(name) is not None), None)
        if pattern is not None:
            return self._keep(Group(name, pattern, self._made_by(pattern, name)))
        if self._bare is not None:
            made = tuple(self._bare(name, name))
            if made:
                return self._keep(Group(name, "*", made))
        raise unknown_model(name, [one for one in self.listed() if self.serves(one)])

    def _made_by(self, pattern: str, name: str) -> tuple[D, ...]:
        """What the entries of a pattern make. One that cannot is passed over where another can."""
        members: list[D] = []
        refusals: list[APIError] = []
        for wildcard in self._wildcards:
            matched = wildcard.match(name) if wildcard.pattern == pattern else None
            if matched is not None:
                try:
                    members.extend(wildcard.make(name, matched))
                except APIError as error:
                    refusals.append(error)
        if refusals and not members:
            raise refusals[0]
        return tuple(members)

    def _keep(self, group: Group[D]) -> Group[D]:
        self._made[group.name] = group
        if len(self._made) > MADE_MAX:
            self._made.popitem(last=False)
        return group


def _check_name(name: str) -> None:
    """Of what a client wrote, before it becomes a group's."""
    if not name.isprintable():
        hint = "The name of a model has no control characters, nor others that cannot be shown."
    elif len(name.encode()) > NAME_BYTES:
        hint = f"The name of a model has at most {NAME_BYTES} bytes."
    else:
        return
    raise _no_such_model(name, hint)


def unknown_model(name: str, known: Sequence[str], *, others: bool = False) -> UnknownModelError:
    """`known`: names, and patterns with a `*`. `others`: there are models that whoever asks may not ask for."""
    near = difflib.get_close_matches(name[:200], [one for one in known if "*" not in one], n=3, cutoff=0.5)
    if near:
        hint = did_you_mean(near)
    elif known:
        patterns = [one for one in known if "*" in one]
        shown = [*[one for one in known if "*" not in one][: SHOWN_MAX - min(len(patterns), 2)], *patterns][:SHOWN_MAX]
        hint = f"Known here: {', '.join(shown)}{f' and {more} more' if (more := len(known) - len(shown)) else ''}."
    elif others:
        hint = "Nothing else that this key may ask for is served here."
    else:
        hint = "No model is configured: set a provider's key in the environment, or name models in `model_list`."
    return _no_such_model(name, hint)


def none_enabled(name: str) -> ServiceUnavailableError:
    return ServiceUnavailableError(
        f"None of the deployments of {name!r} is enabled. The gateway's operator finds why in its log of the "
        "start, and with `tollbridge check`.",
        code=NONE_ENABLED,
    )


def _no_such_model(name: str, hint: str) -> UnknownModelError:
    shown = re.sub(r"[^\x20-\x7e]", "?", name[:200])
    return UnknownModelError(f"The model {shown!r} does not exist here. {hint}", code="model_not_found", param="model")
