"""Days and moments in options, UTC. A wrong one ends the command as click ends it, with the option's name."""

from __future__ import annotations

import re
import time

import click

from tollbridge.ledger.report import read_date

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def moment(option: str, said: str | None, *, end: bool = False) -> float | None:
    """Epoch seconds. A day as an `end` is meant with all its hours."""
    try:
        return None if said is None else read_date(said, end=end)
    except ValueError as error:
        raise click.BadParameter(f"{said!r} {error}", param_hint=option) from error


def day(option: str, said: str | None) -> str | None:
    """As it was said: sums by day know no hours."""
    if said is not None and _DAY.fullmatch(said) is None:
        raise click.BadParameter(f"{said!r} must be a day like 2026-11-25", param_hint=option)
    found = moment(option, said)
    return None if found is None else shown_day(found)


def shown_day(epoch_s: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(epoch_s))


def out_of_order() -> click.BadParameter:
    return click.BadParameter("must not be before --since", param_hint="--until")
