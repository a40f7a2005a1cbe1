"""Rows R25 and R26 of the fault matrix at the level of the whole gateway, and promise P1. `make soak` kills a hundred
times.

The arithmetic is itself put to the test: of a run that was sound each kind of loss is made up, and must be seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from bench.audit.books import Entry, Ledger
from bench.audit.kills import Killed, kill_often
from bench.audit.models import SOUND
from bench.audit.reckon import reckon

KILLS = 10
SEED = 20_261_125

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Killed:
    return asyncio.run(kill_often(tmp_path_factory.mktemp("kills"), KILLS, SEED))


def test_killed_at_random_instants_the_ledger_is_the_bill_but_for_what_was_in_flight(killed: Killed) -> None:
    found = killed.reckoning
    assert found.problems == []
    assert len(found.in_flight) <= sum(killed.under_way)
    fates = {one.asked.mark: one.fate for one in killed.seen}
    assert {fates[mark] for mark in found.in_flight} <= {"lost"}


def test_the_run_saw_whole_answers_and_streams_and_kills_under_load(killed: Killed) -> None:
    whole = [one.asked for one in killed.seen if one.fate == "whole"]
    assert len({(one.path, one.model.rpartition("-")[2], one.stream) for one in whole}) == 8
    assert min(killed.under_way) > 0
    assert any(one.fate == "lost" and one.text and one.asked.stream for one in killed.seen)
    assert {one.status for one in killed.seen if one.fate == "refused"} == {429}


def without_one(entries: list[Entry], wanted: str) -> list[Entry]:
    return [entry for entry in entries if entry.mark != wanted]


def with_one_twice(entries: list[Entry], wanted: str) -> list[Entry]:
    return [*entries, *(entry for entry in entries if entry.mark == wanted)]


def with_other_tokens(entries: list[Entry], wanted: str) -> list[Entry]:
    def changed(entry: Entry) -> Entry:
        parts = [
            msgspec.structs.replace(part, tokens=(part.tokens[0], part.tokens[1] + 1))
            for part in entry.parts
            if part.tokens
        ]
        return Entry(entry.row, tuple(parts))

    return [changed(entry) if entry.mark == wanted else entry for entry in entries]


def with_another_cost(entries: list[Entry], wanted: str) -> list[Entry]:
    return [
        Entry({**entry.row, "cost_nanousd": entry.row["cost_nanousd"] + 1}, entry.parts)
        if entry.mark == wanted
        else entry
        for entry in entries
    ]


def made_up(entries: list[Entry], wanted: str) -> list[Entry]:
    return [
        *entries,
        *(Entry({**entry.row, "end_user": "nobody"}, entry.parts) for entry in entries if entry.mark == wanted),
    ]


@pytest.mark.parametrize("spoil", [without_one, with_one_twice, with_other_tokens, with_another_cost, made_up])
def test_a_loss_that_is_made_up_is_found(killed: Killed, spoil: Callable[[list[Entry], str], list[Entry]]) -> None:
    wanted = next(one.asked.mark for one in killed.seen if one.fate == "whole" and one.asked.model.startswith("plain"))
    ledger = killed.ledger
    spoiled = Ledger(spoil(list(ledger.entries), wanted), ledger.daily, ledger.spend)
    told = " ".join(reckon(killed.seen, killed.bill, spoiled, SOUND).problems)
    assert ("nobody" if spoil is made_up else f"{wanted} (") in told
