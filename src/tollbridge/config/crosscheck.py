"""What only the whole file shows: names that lead nowhere, keys that anybody could guess."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import msgspec

from tollbridge.config.document import Array, Node, Scalar, Table
from tollbridge.config.findings import Place
from tollbridge.config.kinds import At
from tollbridge.config.master_key import weak_key
from tollbridge.config.models import access_groups
from tollbridge.config.schema import Filled, nearest
from tollbridge.config.settings import Alias, ModelEntry

FALLBACKS = ("router.fallbacks", "router.context_window_fallbacks", "router.content_policy_fallbacks")

Fields = Mapping[str, Filled]


class Names(msgspec.Struct, frozen=True):
    """The names that a client may ask for. `ids`: of the deployments."""

    exact: Sequence[str]
    wildcards: Sequence[str]
    ids: Collection[str]

    def known(self, name: str) -> bool:
        return name in self.exact or name in self.ids or any(_matches(pattern, name) for pattern in self.wildcards)

    def with_aliases(self, aliases: Iterable[str]) -> Names:
        return Names(list(dict.fromkeys((*self.exact, *aliases))), self.wildcards, self.ids)

    def hint(self, name: str) -> str:
        near = difflib.get_close_matches(name[:200], (*self.exact, *self.wildcards), n=3, cutoff=0.5)
        return f"; did you mean {' or '.join(near)}?" if near else ""


def names_of(models: Sequence[ModelEntry]) -> Names:
    names = dict.fromkeys(entry.model_name for entry in models)
    ids = frozenset(entry.id for entry in models if "*" not in entry.model_name)
    return Names([name for name in names if "*" not in name], [name for name in names if "*" in name], ids)


def check(fields: Fields, models: Sequence[ModelEntry], at_models: At, *, open_door: bool) -> None:
    aliases: Mapping[str, Alias] = fields["router.aliases"].value if "router.aliases" in fields else {}
    groups = names_of(models)
    _check_aliases(fields, aliases, groups)
    _check_access_groups(models, groups.with_aliases(aliases).exact, at_models)
    if models:
        known = groups.with_aliases(aliases)
        for field in FALLBACKS:
            if field in fields:
                _check_fallbacks(fields[field], known)
        if "router.default_fallbacks" in fields:
            filled = fields["router.default_fallbacks"]
            for target, place in _listed(filled.node):
                if not known.known(target):
                    filled.at.warning(place, f"no model is called {target!r}{known.hint(target)}")
    if "general.master_key" in fields and not open_door:
        _check_master_key(fields["general.master_key"])


def check_charged(fields: Fields, providers: Collection[str]) -> None:
    """What is charged by a provider's name, where there is no such provider."""
    for field in ("settings.margins", "settings.discounts"):
        filled = fields.get(field)
        if filled is None or not isinstance(filled.node, Table):
            continue
        for name, entry in filled.node.entries.items():
            if name not in providers and name != "global":
                near = nearest(name, (*providers, "global"))
                hint = f"; did you mean `{near}`?" if near else ""
                filled.at.key(name).warning(entry.place, f"no provider is called so: it changes no price{hint}")


def check_mcp_aliases(fields: Fields, servers: Collection[str]) -> None:
    """Those of servers that are not in the file. One that is added over the API says its alias itself."""
    filled = fields.get("settings.mcp_aliases")
    if filled is None or not isinstance(filled.node, Table):
        return
    for alias, server in filled.value.items():
        if server not in servers:
            near = nearest(server, servers)
            hint = f"; did you mean `{near}`?" if near else ""
            place = filled.node.entries[alias].node.place
            filled.at.key(alias).warning(place, f"`mcp_servers` has no {server!r}: it names nothing{hint}")


def _check_aliases(fields: Fields, aliases: Mapping[str, Alias], groups: Names) -> None:
    if not aliases:
        return
    filled = fields["router.aliases"]
    entries = filled.node.entries if isinstance(filled.node, Table) else {}
    for name, alias in aliases.items():
        at, entry = filled.at.key(name), entries[name]
        if name in groups.exact:
            at.warning(entry.place, f"there is a model called {name!r}, which is used; the alias is not")
        elif alias.model and not groups.known(alias.model):
            at.warning(entry.node.place, f"no model is called {alias.model!r}{groups.hint(alias.model)}")


def _check_access_groups(models: Sequence[ModelEntry], names: Collection[str], at: At) -> None:
    for group, members in access_groups(models).items():
        if group in names and set(members) != {group}:
            first = next(entry for entry in models if group in (entry.model_info.get("access_groups") or ()))
            at.warning(
                first.where,
                f"the access group {group!r} is called like a model or an alias: a key that lists it may ask for both, "
                "that model and what is in the group",
            )


def _check_fallbacks(filled: Filled, known: Names) -> None:
    for name, place, targets in _fallbacks(filled.node):
        if name != "*" and not known.known(name):
            filled.at.warning(place, f"no model is called {name!r}{known.hint(name)}")
        for target, target_place in targets:
            if target == name:
                filled.at.warning(target_place, f"{name!r} falls back to itself")
            elif not known.known(target):
                filled.at.warning(target_place, f"no model is called {target!r}{known.hint(target)}")


def _fallbacks(node: Node) -> Iterator[tuple[str, Place, list[tuple[str, Place]]]]:
    for item in node.items if isinstance(node, Array) else (node,):
        if isinstance(item, Table):
            for name, entry in item.entries.items():
                yield name, entry.place, list(_listed(entry.node))


def _listed(node: Node) -> Iterator[tuple[str, Place]]:
    for item in node.items if isinstance(node, Array) else (node,):
        if isinstance(item, Scalar) and item.value is not None:
            yield item.text, item.place


def _check_master_key(filled: Filled) -> None:
    reason = weak_key(filled.value.reveal())
    if reason is not None:
        filled.at.error(
            filled.node.place,
            f"is too weak: {reason}. Take a random one (`openssl rand -hex 24`), or serve this machine alone without "
            "a key: `--open`, or `open_on_loopback: true`",
        )


def _matches(pattern: str, name: str) -> bool:
    head, _, tail = pattern.partition("*")
    return name.startswith(head) and name.endswith(tail) and len(name) >= len(head) + len(tail)
