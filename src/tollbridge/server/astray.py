"""What is said to who asks for a path that is not here: nobody needs to be known for it, so it is bounded by the path's
length before anything is compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

from tollbridge.catalog.near import near
from tollbridge.providers.auth import SigV4
from tollbridge.providers.ready import lacking
from tollbridge.providers.root import names_of
from tollbridge.providers.row import Provider
from tollbridge.providers.table import DEMO, ROWS
from tollbridge.server.absent import instead_of

SHOWN_MAX, COMPARED_MAX, SEGMENTS_MAX = 200, 60, 16
"""Characters of a path that is told, of one that is compared with those that are here, and segments of such a one."""
SURE = 0.94
"""From here on a path is taken for a slip of the pen, whatever LiteLLM has below its beginning."""


def said_of(path: str, exact: Iterable[str], is_here: Callable[[str], bool]) -> str:
    """`exact`: the paths without an id. `is_here`: whether a path, with its ids, is served."""
    if not path.isprintable() or len(path) > SHOWN_MAX:
        return "There is no such path here."
    told = f"There is no {path} here."
    segments = path.split("/")[1:]
    if len(segments) > SEGMENTS_MAX:
        return told
    twice = _twice(segments, is_here)
    if twice:
        return f"{told} {twice}"
    known = frozenset(exact)
    instead = instead_of(path)
    if instead:
        return told + (_nearest(path, known, SURE) or instead)
    closed = _closed_way(segments[0]) if len(segments) > 1 else ""
    below = _below(segments, known)
    if closed or below:
        return " ".join(filter(None, (told, closed, below and f"{below} is here.")))
    return told + _nearest(path, known)


def _twice(segments: list[str], is_here: Callable[[str], bool]) -> str:
    """Where a part is repeated, and one less of it is a path: the client's base URL has what the client adds."""
    for begin in range(len(segments) - 1):
        for size in range(1, (len(segments) - begin) // 2 + 1):
            part = segments[begin : begin + size]
            once = "/" + "/".join(segments[:begin] + segments[begin + size :])
            if part == segments[begin + size : begin + 2 * size] and is_here(once):
                return f"/{'/'.join(part)} is there twice: take it out of the client's base URL. {once} is here."
    return ""


def _below(segments: list[str], exact: frozenset[str]) -> str:
    """The longest end of the path that is one by itself: of several segments, or all that follows a version."""
    ends = ["/" + "/".join(segments[begin:]) for begin in range(1, len(segments) - 1)]
    if len(segments) == 2 and segments[0] in ("v1", "v2"):
        ends.append(f"/{segments[1]}")
    return next((end for end in ends if end in exact), "")


def _closed_way(name: str) -> str:
    row = _by_first_part().get(name)
    lacks = "" if row is None else _lacks(row)
    if row is None or not lacks:
        return ""
    return (
        f"/{name}/... leads to {row.name} where the gateway has a credential for it: {lacks}, or name one of its "
        "models in model_list (docs/pass-through.md)."
    )


def _lacks(row: Provider) -> str:
    """What is signed anew for each request is not passed through."""
    if isinstance(row.authentication, SigV4):
        keys = (*row.key_env, *row.token_env)
        return f"set {' or '.join(keys)}" if keys else ""
    return lacking(row, {})


@cache
def _by_first_part() -> dict[str, Provider]:
    return {name: row for row in ROWS.values() if row.name != DEMO.name for name in names_of(row)}


def _nearest(path: str, exact: Iterable[str], likeness: float = 0.8) -> str:
    found = near(path, exact, 1, likeness) if len(path) <= COMPARED_MAX else []
    return f" Did you mean {found[0]}?" if found else ""
