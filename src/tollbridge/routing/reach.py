"""Who may answer a request, before it is known who will: the group that was asked for and whatever it falls back to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tollbridge.errors import APIError
from tollbridge.routing.board import Fallbacks, Routes

if TYPE_CHECKING:
    from tollbridge.calls.deployment import Deployment


def may_answer(routes: Routes, group: str, fallbacks: Sequence[str] | None = None) -> Sequence[Deployment]:
    """`fallbacks`: the client's own, or None for the operator's. Rather too many than too few: whatever the error, at
    any depth, healthy or not. A fallback that cannot be made (its key is missing) cannot answer."""
    if not fallbacks and (fallbacks is not None or not routes.falls_back):
        return routes.groups.resolve(group).members
    configured = routes.fallbacks
    found: list[Deployment] = []
    names, seen = [group], {group}
    for name in names:
        try:
            found.extend(routes.groups.resolve(name).members)
        except APIError:
            if name == group:
                raise
            continue
        for after in _after(configured, name) if fallbacks is None else fallbacks:
            if after not in seen and routes.groups.knows(after):
                seen.add(after)
                names.append(after)
    return found


def _after(fallbacks: Fallbacks, group: str) -> Iterable[str]:
    for table in (fallbacks.general, fallbacks.context_window, fallbacks.content_policy):
        yield from table.get(group) or table.get("*") or ()
    yield from fallbacks.default
