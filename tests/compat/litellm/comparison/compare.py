"""What the two programs saw, beside each other, and the list of differences that are known, each with its reason.

`kept/` has what LiteLLM saw. `differences.json` lists where ours differs:

    {"cases": ["encode"], "at": "gpt-4o", "kind": "better", "why": "..."}

`at`: the path of the observation in the case, "" for the whole of it. `kind`: `better` on purpose, `other`
where neither is, `absent` where it is not built and says so.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
KINDS = ("better", "other", "absent")
NOTHING = "-"
FAILED = "the case failed"


@dataclass(frozen=True)
class Known:
    kind: str
    why: str


@dataclass(frozen=True)
class Difference:
    case: str
    at: str
    theirs: Any
    ours: Any


@cache
def kept(what: str) -> dict[str, Any]:
    """LiteLLM's, with its version and the day on which it was asked. `what`: names or keys."""
    found: dict[str, Any] = json.loads((HERE / "kept" / f"{what}.json").read_bytes())
    return found


@cache
def known(what: str) -> dict[tuple[str, str], Known]:
    """By (case, at)."""
    found: dict[tuple[str, str], Known] = {}
    for one in json.loads((HERE / "differences.json").read_bytes())[what]:
        if one["kind"] not in KINDS or not one["why"]:
            raise ValueError(f"{one}: a difference has a kind and a reason")
        for case in one["cases"]:
            if (case, one["at"]) in found:
                raise ValueError(f"{case}, {one['at']}: listed twice")
            found[case, one["at"]] = Known(one["kind"], one["why"])
    return found


def differences(case: str, theirs: Any, ours: Any) -> Iterator[Difference]:
    """Where the two differ. Numbers that only rounding tells apart are one."""
    if not isinstance(theirs, dict) or not isinstance(ours, dict) or FAILED in {*theirs, *ours}:
        if theirs != ours:
            yield Difference(case, "", theirs, ours)
        return
    left, right = dict(_leaves(theirs)), dict(_leaves(ours))
    for at in dict.fromkeys([*left, *right]):
        one, other = left.get(at, NOTHING), right.get(at, NOTHING)
        if not _alike(one, other):
            yield Difference(case, at, one, other)


def _leaves(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, one in value.items():
        at = f"{path} / {name}" if path else name
        if isinstance(one, dict) and one:
            yield from _leaves(one, at)
        else:
            yield at, one


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, float | int) and isinstance(other, float | int) and type(one) is not bool:
        return math.isclose(one, other, rel_tol=1e-9)
    return bool(one == other)
