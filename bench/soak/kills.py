"""A hundred kills under load (`bench.audit.kills`): nothing is lost but what was under way, nothing is there twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from bench.audit.kills import CLIENTS, Killed, kill_often
from bench.soak.outcome import Bounds, Outcome

KILLS = 100
SHOWN_MAX = 20


def soak(bounds: Bounds, directory: Path) -> Outcome:
    killed = asyncio.run(kill_often(directory, KILLS, bounds.seed, bounds.seconds))
    return Outcome(_figures(killed), killed.reckoning.problems[:SHOWN_MAX])


def _figures(killed: Killed) -> list[tuple[str, str]]:
    found, fates = killed.reckoning, killed.reckoning.fates
    streams = sum(one.fate == "lost" and one.asked.stream and bool(one.text) for one in killed.seen)
    doubled = len(killed.ledger.entries) - len({entry.mark for entry in killed.ledger.entries})
    whole = {one.asked.mark for one in killed.seen if one.fate == "whole"}
    missing = [billed - entered for billed, entered in zip(found.billed, found.entered, strict=True)]
    cut = set(found.in_flight)
    states = Counter(line.state for line in killed.bill if line.mark in cut)
    return [
        ("kills", f"{len(killed.under_way)}, {CLIENTS} clients at once, seeded"),
        (
            "requests",
            f"{len(killed.seen):,}: {', '.join(f'{count:,} {fate}' for fate, count in sorted(fates.items()))}",
        ),
        ("streams cut by a kill", f"{streams:,}"),
        ("entries", f"{len(killed.ledger.entries):,}, {doubled} of them doubled"),
        ("answered whole and not entered", f"{len(whole - {entry.mark for entry in killed.ledger.entries}):,}"),
        ("attempts", f"{found.exact:,} token for token as billed, {found.estimated:,} estimated"),
        (
            "under way at each kill",
            f"{min(killed.under_way)} to {max(killed.under_way)}, {sum(killed.under_way):,} in all",
        ),
        ("billed and not entered", f"{len(found.in_flight):,} of these"),
        ("their attempts", ", ".join(f"{count:,} {state}" for state, count in sorted(states.items()))),
        ("bill - ledger", f"{missing[0]:,} tokens in, {missing[1]:,} out"),
    ]
