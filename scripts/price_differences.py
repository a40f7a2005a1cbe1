"""Where the two sources differ, why, and which one the catalog follows.

The reasons are tried in order. One that cannot be told from the data alone is `unsettled`, and such models are named
on the page one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from scripts.genai_list import Listed, Prices

Source = Literal["litellm", "genai-prices"]
Reason = Literal[
    "rounded",
    "currency",
    "superseded",
    "by the hour",
    "another region",
    "another model",
    "not by the token",
    "unsettled",
]

REASONS: Mapping[Reason, tuple[Source, str]] = {
    "rounded": ("litellm", "at most 1.5 % apart: one of them rounds, or converts from units of the vendor's"),
    "currency": ("genai-prices", "the vendor lists euros, which litellm's table takes for dollars"),
    "superseded": ("genai-prices", "litellm's is a price that genai-prices knows with the day on which it ended"),
    "by the hour": ("litellm", "the vendor is cheaper at some hours; the usual price is charged, as an upper bound"),
    "another region": ("litellm", "genai-prices has one price for several regions; litellm's row is the very name"),
    "another model": ("litellm", "a pattern of genai-prices takes the name for that of another model"),
    "not by the token": ("litellm", "a model of images or sound, which the two lists count in different units"),
    "unsettled": ("litellm", "the two simply differ, and neither says since when; litellm's row is the very name"),
}
EUROS = frozenset({"ovhcloud"})
ROUNDED = 0.015
CHAT = frozenset({"chat", "responses", "completion", "embedding", "rerank", ""})
_REGION = re.compile(
    r"^(?:us|eu|apac|global|jp|au|ca|in|us-gov|sa|global-standard|data-zone|regional)[./]|^[a-z]{2}(?:-gov)?-[a-z]+-\d/"
)
_VERSION = re.compile(r"(?:[-@](?:20\d{6}|20\d\d-\d\d-\d\d|latest|v\d+(?::\d+)?|\d{3,4})|:\d+)+$")


@dataclass(frozen=True)
class Difference:
    """`prices`: class -> (litellm's, genai-prices'), in nano-dollars per million."""

    provider: str
    model: str
    id: str
    prices: Mapping[str, tuple[int, int]]
    reason: Reason

    @property
    def follows(self) -> Source:
        return REASONS[self.reason][0]


@dataclass(frozen=True)
class Beyond:
    """A price besides the plain ones of tokens (a tier, a service, a fee) of a model on whose plain ones both agree.
    `ours` None: the catalog has none."""

    provider: str
    model: str
    price: str
    ours: int | None
    theirs: int


BEYOND: Mapping[str, str] = {
    "a tier that the window does not reach": "not in the catalog: the vendor took it back",
    "a tier that begins a token earlier": "litellm's is followed: `200k` is not said to the token anywhere",
    "the fee of a search": "litellm's is followed: it tells apart the tools of older and newer models",
    "a service": "litellm's is followed",
}


def beyond(provider: str, model: str, ours: Prices, theirs: Listed) -> list[Beyond]:
    return [
        Beyond(provider, model, price, ours.get(price), rate)
        for price, rate in theirs.prices.items()
        if ours.get(price) != rate
    ]


def _sort(one: Beyond) -> str:
    if one.price.startswith("search_"):
        return "the fee of a search"
    if one.ours is not None:
        return "a service"
    return "a tier that begins a token earlier" if "99999" in one.price else "a tier that the window does not reach"


def difference(provider: str, model: str, mode: str, ours: Prices, theirs: Listed) -> Difference | None:
    """Of the plain lists: tokens alone, below every tier."""
    differing = {
        kind: (rate, theirs.prices[kind])
        for kind, rate in ours.items()
        if kind.isidentifier() and not kind.startswith(("search_", "per_")) and theirs.prices.get(kind, rate) != rate
    }
    if not differing:
        return None
    return Difference(provider, model, theirs.id, differing, _reason(provider, model, mode, ours, theirs, differing))


def _reason(
    provider: str, model: str, mode: str, ours: Prices, theirs: Listed, differing: Mapping[str, tuple[int, int]]
) -> Reason:
    if all(abs(a - b) <= ROUNDED * max(a, b) for a, b in differing.values()):
        return "rounded"
    if provider in EUROS:
        return "currency"
    if any(all(old.get(kind) == rate for kind, (rate, _) in differing.items()) for old in theirs.earlier):
        return "by the hour" if theirs.timed else "superseded"
    if theirs.timed:
        return "by the hour"
    if _REGION.search(model) or _REGION.search(theirs.id):
        return "another region"
    if mode not in CHAT:
        return "not by the token"
    if _plain(model) != _plain(theirs.id) or model.endswith("-latest"):
        return "another model"
    return "unsettled"


def _plain(name: str) -> str:
    return _VERSION.sub("", name.lower().rpartition("/")[2])


def page(found: Iterable[Difference], besides: Iterable[Beyond], compared: int) -> str:
    """The section of docs/prices.md."""
    besides = list(besides)
    found = sorted(found, key=lambda one: (list(REASONS).index(one.reason), one.provider, one.model))
    lines = [
        f"{compared:,} rows stand in both lists; in {compared - len(found):,} of them all token prices agree, "
        f"in {len(found)} they do not:",
        "",
        "| reason | models | followed | of | why |",
        "|---|--:|---|---|---|",
    ]
    for reason, (follows, why) in REASONS.items():
        these = [one for one in found if one.reason == reason]
        if these:
            lines.append(f"| {reason} | {len(these)} | {follows} | {_counted(these)} | {why} |")
    lines += ["", "Among the models on whose plain prices both agree, they differ in", "", "| in | models | of | so |"]
    lines.append("|---|--:|---|---|")
    for sort, so in BEYOND.items():
        models = {f"{one.provider}/{one.model}": one for one in besides if _sort(one) == sort}
        if models:
            lines.append(f"| {sort} | {len(models)} | {_counted(models.values())} | {so} |")
    lines += [
        "",
        "The unsettled ones of the first table, dollars per million tokens:",
        "",
        "| model | class | litellm | genai-prices |",
    ]
    lines.append("|---|---|--:|--:|")
    for one in found:
        if one.reason == "unsettled":
            for kind, (ours, theirs) in one.prices.items():
                lines.append(f"| `{one.provider}/{one.model}` | {kind} | {_dollars(ours)} | {_dollars(theirs)} |")
    return "\n".join(lines) + "\n"


def _counted(found: Iterable[Difference | Beyond]) -> str:
    counts: dict[str, int] = {}
    for one in found:
        counts[one.provider] = counts.get(one.provider, 0) + 1
    return ", ".join(f"{provider} {count}" for provider, count in sorted(counts.items()))


def _dollars(nano: int) -> str:
    return f"{nano / 10**9:.6f}".rstrip("0").rstrip(".")
