"""Random programs of faults (`bench.audit.program`), one after another against one home."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

from bench.audit.house import house
from bench.audit.program import MODELS, Program, random_step
from bench.soak.outcome import Bounds, Clock, Outcome

PROGRAMS = 5_000
STEPS = 25
SHOWN_MAX = 20


def soak(bounds: Bounds, directory: Path) -> Outcome:
    return asyncio.run(_soak(bounds, directory))


async def _soak(bounds: Bounds, directory: Path) -> Outcome:
    clock = Clock(bounds)
    steps: Counter[str] = Counter()
    fates: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    problems: list[str] = []
    async with house(directory, MODELS) as gateway:
        for number in range(PROGRAMS):
            if not clock.another() or len(problems) > SHOWN_MAX:
                break
            chance = random.Random(bounds.seed * PROGRAMS + number)
            program = await Program.begin(gateway, f"p{number}")
            try:
                for _ in range(STEPS):
                    steps[await random_step(program, chance)] += 1
                    await program.glance()
            finally:
                told = await program.end()
            problems += [f"program {number}: {problem}" for problem in told]
            found = program.reckoning
            fates.update(found.fates)
            for name in ("exact", "estimated", "unbilled", "resent"):
                totals[name] += getattr(found, name)
            totals["in_flight"] += len(found.in_flight)
        shown = await gateway.metrics()
    figures = [
        ("programs", f"{clock.asked:,} of {STEPS} steps in {clock.elapsed_s:.0f} s"),
        ("steps", ", ".join(f"{count:,} {step}" for step, count in steps.most_common())),
        ("requests", f"{fates.total():,}: {', '.join(f'{count:,} {fate}' for fate, count in sorted(fates.items()))}"),
        ("attempts", f"{totals['exact']:,} token for token as billed, {totals['estimated']:,} estimated, in bounds"),
        ("billed and not entered", f"{totals['in_flight']:,}, under way at {steps['kill']:,} kills"),
        ("estimated and not billed", f"{totals['unbilled']:,}: clients that left before the request was sent"),
        ("billed twice, entered once", f"{totals['resent']:,}: sent again on a fresh connection"),
        ("entries lost", f"{shown['tollbridge_ledger_lost_total']:.0f}"),
    ]
    return Outcome(figures, problems[:SHOWN_MAX])
