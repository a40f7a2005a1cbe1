"""The comparison of bill, ledger and what clients saw. Pure.

1. Each request is in the ledger at most once; one that a client was answered whole, exactly once, with the id and the
   tokens that the client saw. The answer is the one to its own question.
2. What the ledger has as the provider's word stands on the bill, token for token, each line of the bill used once.
3. What it has as an estimate stands for one line of the bill. Its prompt is within `NEAR` of the bill's; its output is
   never more than that above the bill's, and at most the request's `max_tokens` below it, and not below what the client
   had read. An attempt that its client left before the provider had it may be estimated and not billed.
4. A request on a kept connection that the provider closes before a word is sent again by the transport, and that is no
   attempt of its own: where the provider had begun on it, its prompt is billed once more (`resent`).
5. What is on the bill and not in the ledger was under way when the gateway was killed. It is listed.
6. A request costs what its tokens cost by plain arithmetic; its attempts add up to it; days and keys add up, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from bench.audit.books import Billed, Entry, Ledger, Part
from bench.audit.clients import MAX_TOKENS, Fate, Seen
from bench.audit.models import TOKEN_CHARACTERS, Model
from tollbridge.observe.ulid import at as moment_of

T = TypeVar("T", Billed, Entry)

NEAR = 0.3
AROUND = 40
"""Tokens that the provider's JSON adds to a prompt, and the tokenizer to a short text."""


class Reckoning(msgspec.Struct):
    """`in_flight`: marks that are on the bill and not in the ledger. `unbilled`: estimates of what never was sent.
    `resent`: lines of the bill without an attempt."""

    problems: list[str] = []
    in_flight: list[str] = []
    unbilled: int = 0
    resent: int = 0
    exact: int = 0
    estimated: int = 0
    fates: Counter[Fate] = msgspec.field(default_factory=Counter)
    billed: tuple[int, int] = (0, 0)
    entered: tuple[int, int] = (0, 0)


def reckon(seen: Iterable[Seen], bill: Sequence[Billed], ledger: Ledger, models: Sequence[Model]) -> Reckoning:
    found = Reckoning()
    by_mark = {one.asked.mark: one for one in seen}
    found.fates = Counter(one.fate for one in by_mark.values())
    lines, entries = _grouped(bill), _grouped(ledger.entries)
    for mark in by_mark.keys() | lines.keys() | entries.keys():
        case = _Case(mark, by_mark.get(mark), lines.get(mark, []), entries.get(mark, []), found)
        case.judge({model.name: model for model in models})
    found.billed = _summed((line.input_tokens, line.output_tokens) for line in bill)
    found.entered = _summed(part.tokens for entry in ledger.entries for part in entry.parts if part.tokens)
    found.problems += _sums(ledger)
    return found


class _Case:
    """One request."""

    def __init__(
        self, mark: str, seen: Seen | None, lines: list[Billed], entries: list[Entry], found: Reckoning
    ) -> None:
        self._mark = mark
        self._seen = seen
        self._lines = lines
        self._entries = entries
        self._found = found

    def judge(self, models: Mapping[str, Model]) -> None:
        seen, entries = self._seen, self._entries
        if seen is None:
            self._wrong("nobody asked for it")
            return
        if len(entries) > 1:
            self._wrong(f"{len(entries)} entries")
        elif entries:
            self._judge_entry(entries[0], seen, models)
        elif seen.fate == "whole":
            self._wrong("it was answered whole and is not in the ledger")
        elif self._lines and seen.fate in ("lost", "broken", "left"):
            self._found.in_flight.append(self._mark)
        elif self._lines:
            self._wrong("it is billed and not in the ledger")

    def _judge_entry(self, entry: Entry, seen: Seen, models: Mapping[str, Model]) -> None:
        row = entry.row
        if seen.fate == "whole":
            self._judge_whole(entry, seen, models[entry.parts[-1].model.rpartition("-")[0]].exact)
        elif seen.fate == "refused" and row["status"] != seen.status:
            self._wrong(f"the client was told {seen.status}, the ledger {row['status']}")
        elif seen.fate in ("broken", "refused") and row["outcome"] == "ok":
            self._wrong("it failed, and the ledger calls it ok")
        elif seen.fate == "unreached":
            self._wrong("it never came")
        if seen.request_id and row["request_id"] != seen.request_id:
            self._wrong(f"it is {seen.request_id} to its client, {row['request_id']} in the ledger")
        self._judge_parts(entry, seen)
        self._judge_cost(entry, models)

    def _judge_whole(self, entry: Entry, seen: Seen, exact: bool) -> None:
        row, last = entry.row, entry.parts[-1]
        if row["outcome"] != "ok" or row["status"] != 200:
            self._wrong(f"it was answered whole, and the ledger says {row['status']} {row['outcome']}")
        if row["answer_id"] != seen.id:
            self._wrong(f"the client saw the id {seen.id}, the ledger has {row['answer_id']}")
        if seen.id not in {line.id for line in self._lines}:
            self._wrong(f"the answer {seen.id} was given to somebody else's question: {self._lines}")
        if exact and last.estimated:
            self._wrong("the provider's usage arrived, and the ledger has an estimate")
        if exact and seen.tokens is not None and last.tokens != seen.tokens:
            self._wrong(f"the client saw {seen.tokens}, the ledger has {last.tokens}")

    def _judge_parts(self, entry: Entry, seen: Seen) -> None:
        left = list(self._lines)
        estimates = []
        for part in entry.parts:
            if part.tokens is None:
                continue
            if part.estimated:
                estimates.append(part)
                continue
            self._found.exact += 1
            line = next((line for line in left if (line.input_tokens, line.output_tokens) == part.tokens), None)
            if line is None:
                self._wrong(f"{part.tokens} of {part.model} stand on no bill: {self._lines}")
            else:
                left.remove(line)
        self._found.estimated += len(estimates)
        resent = min(
            len(left) - len(estimates), sum(line.state == "broken" and not line.output_tokens for line in left)
        )
        if resent > 0:
            self._found.resent += resent
        elif len(left) > len(estimates):
            self._wrong(f"on the bill, and in no attempt: {left}, but for {estimates}")
        unbilled = max(0, len(estimates) - len(left))
        self._found.unbilled += unbilled
        if unbilled and seen.fate not in ("left", "lost"):
            self._wrong(f"{unbilled} estimates of what nobody billed: {estimates}")
        for line, part in zip(left, estimates, strict=False):
            self._judge_estimate(line, part, seen)

    def _judge_estimate(self, line: Billed, part: Part, seen: Seen) -> None:
        assert part.tokens is not None
        into, out = part.tokens
        if abs(into - line.input_tokens) > NEAR * line.input_tokens + AROUND:
            self._wrong(f"a prompt of {line.input_tokens} tokens is estimated at {into}")
        if out > (1 + NEAR) * line.output_tokens + AROUND / 4:
            self._wrong(f"an output of {line.output_tokens} tokens is estimated at {out}")
        if out < line.output_tokens - MAX_TOKENS:
            self._wrong(f"{line.output_tokens - out} tokens of output are missing")
        if out < (1 - NEAR) * len(seen.text) / TOKEN_CHARACTERS - AROUND / 4:
            self._wrong(f"the client read {len(seen.text)} characters, estimated at {out} tokens")

    def _judge_cost(self, entry: Entry, models: Mapping[str, Model]) -> None:
        costs: list[int | None] = []
        for part in entry.parts:
            if part.tokens is None:
                continue
            prices = models[part.model.rpartition("-")[0]].prices
            cost = None if prices is None else part.tokens[0] * prices[0] + part.tokens[1] * prices[1]
            costs.append(cost)
            if part.cost_nanousd != cost:
                self._wrong(f"{part.tokens} of {part.model} cost {cost}, the ledger says {part.cost_nanousd}")
        row = entry.row
        whole = None if None in costs else sum(cost for cost in costs if cost is not None)
        if row["cost_nanousd"] != whole:
            self._wrong(f"it cost {whole}, the ledger says {row['cost_nanousd']}")
        told = _summed(part.tokens for part in entry.parts if part.tokens)
        if (row["input_tokens"] or 0, row["output_tokens"] or 0) != told:
            self._wrong(f"its attempts used {told}, the row has {row['input_tokens']}, {row['output_tokens']}")

    def _wrong(self, what: str) -> None:
        fate = "unknown" if self._seen is None else f"{self._seen.fate}, {self._seen.asked}"
        self._found.problems.append(f"{self._mark} ({fate}): {what}")


def _sums(ledger: Ledger) -> list[str]:
    """What keys spent, and the days, against the rows."""
    problems = []
    spent: Counter[str] = Counter()
    days: dict[tuple[str, str], Counter[str]] = {}
    for entry in ledger.entries:
        row = entry.row
        spent[row["key_id"]] += row["cost_nanousd"] or 0
        day = datetime.fromtimestamp(moment_of(row["id"]), UTC).strftime("%Y-%m-%d")
        days.setdefault((day, row["key_id"]), Counter()).update(
            {
                "requests": 1,
                "failures": int(row["outcome"] != "ok"),
                "cost_nanousd": row["cost_nanousd"] or 0,
                "unpriced": int(row["cost_nanousd"] is None),
                "estimated": row["estimated"],
                "input_count": row["input_tokens"] or 0,
                "output_count": row["output_tokens"] or 0,
            }
        )
    for key, spend in ledger.spend.items():
        if spend != spent[key]:
            problems.append(f"key {key} spent {spent[key]} by its rows, {spend} by its counter")
    for place in days.keys() | ledger.daily.keys():
        by_rows = dict(days.get(place, {}))
        counted = {name: count for name, count in ledger.daily.get(place, {}).items() if name not in ("day", "key_id")}
        if by_rows != counted:
            problems.append(f"{place}: {by_rows} by its rows, {counted} by the sums of days")
    return problems


def _grouped(found: Iterable[T]) -> dict[str, list[T]]:
    by_mark: dict[str, list[T]] = {}
    for one in found:
        by_mark.setdefault(one.mark, []).append(one)
    return by_mark


def _summed(pairs: Iterable[tuple[int, int]]) -> tuple[int, int]:
    into = out = 0
    for pair in pairs:
        into, out = into + pair[0], out + pair[1]
    return into, out
