"""Which deployments of a group a request may have by its tags, where the operator routes by tags.

1. Those that have one of the request's tags (or all of them: `match_any` off).
2. Where there are none, and for a request without tags: those that are tagged `default`.
3. Where there are none either: none for a request with tags, all for one without.

A tag `!x` leaves out those that have `x`; `&x` leaves out those that have not. As in LiteLLM 1.108.7
(router_strategy/tag_based_routing.py, seen 2026-11-27).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tollbridge.calls.deployment import Deployment
from tollbridge.errors import BadRequestError

DEFAULT = "default"


class Tags(msgspec.Struct, frozen=True):
    """A request's, where they choose."""

    said: tuple[str, ...]
    match_any: bool


def tagged(members: Sequence[Deployment], tags: Sequence[str], match_any: bool) -> list[Deployment]:
    wanted = {tag for tag in tags if not tag.startswith(("!", "&"))}
    excluded = {tag[1:] for tag in tags if tag.startswith("!")}
    required = {tag[1:] for tag in tags if tag.startswith("&")}
    pool = [one for one in members if excluded.isdisjoint(one.tags) and required.issubset(one.tags)]
    if wanted:
        found = [one for one in pool if (not wanted.isdisjoint(one.tags) if match_any else wanted.issubset(one.tags))]
        if found:
            return found
    elif required:
        return pool
    usual = [one for one in pool if DEFAULT in one.tags]
    return usual or ([] if wanted else pool)


def nobody(tags: Sequence[str]) -> BadRequestError:
    said = ", ".join(tags) if tags else "none"
    return BadRequestError(
        f"No deployment of this model is for the request's tags ({said}).", param="tags", code="no_deployment_for_tags"
    )
