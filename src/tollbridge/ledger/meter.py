"""What a request used and cost, from what its attempts were told.

1. Where the provider's last word on usage arrived, that is what counts, token for token.
2. Where it did not (a stream that was cut, a client that left, a provider that says nothing), tokens are counted here
   from what was asked and what was said, and the entry is `estimated`. It never counts less than the provider told. A
   total of 0 is no word: it stands where a provider said something senseless.
3. An attempt that failed: one that the provider refused, or that never reached it, was billed for nothing; one that
   broke off after it was sent is estimated by its prompt. What it may have answered unheard is not known: at most the
   request's `max_tokens` are missing there. Of a task that was asked in parts, those that were answered count.
4. A request costs what its attempts cost together. One price that is unknown makes the sum unknown. A part of an answer
   that another model had, and that has no price, is charged as if the model that was asked had done it: `assumed`.
5. What must be counted here is counted before the entry (`count`), aside where it is long (`counted`).
6. A model that is paid by the second is paid from the moment it is asked until its last byte, or until it is given up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from tollbridge.calls.aside import aside, is_short
from tollbridge.calls.ask import Ask
from tollbridge.calls.estimate import estimated as estimated_usage
from tollbridge.calls.estimate import is_told
from tollbridge.calls.heard import Heard
from tollbridge.catalog.kept import Bill, keep
from tollbridge.catalog.parts import PLAIN_SERVICES
from tollbridge.catalog.pricing import ASSUMED
from tollbridge.errors import APIError
from tollbridge.model.response import Usage
from tollbridge.observe import Record, Tried, tokens
from tollbridge.routing.engine import Attempt
from tollbridge.wires.tap import Along

NEVER_SENT = frozenset(
    {
        "connect_refused",
        "dns_failure",
        "tls_failure",
        "host_unreachable",
        "too_many_open_files",
        "no_local_port",
        "egress_refused",
        "proxy_failure",
        "transport_closed",
        "connect_timeout",
        "pool_timeout",
    }
)
"""Codes of `transport.base`: no byte of the request had reached the provider."""

NOTHING = Along()
_SILENT = Usage()


class Said(msgspec.Struct, frozen=True, eq=False):
    """What the attempt that answered said of itself. `exact`: its usage counts the whole answer. `heard`: its words,
    for where they must be counted. `bytes`: of the whole answer, where that is known."""

    along: Along
    exact: bool
    heard: Callable[[], Heard]
    bytes: int | None = None


Counts = Sequence[Usage | None]
"""Our own count of what each attempt used; None where the provider's word stands, or nothing was used."""


def count(attempts: Sequence[Attempt], ask: Ask, said: Said | None) -> Counts:
    """Some 50 ms for a long prompt, and most of a second for the first in a process."""
    last = attempts[-1]
    return [_count(attempt, ask, said if attempt is last else None) for attempt in attempts]


async def counted(attempts: Sequence[Attempt], ask: Ask, said: Said | None) -> Counts | None:
    """The same, aside where it is long or the first; None where nothing must be counted."""
    last = attempts[-1]
    models = [one.deployment.model for one in attempts if _is_counted(one, ask, said if one is last else None)]
    if not models:
        return None
    heard = 0 if said is None else said.bytes
    if heard is not None and all(is_short(ask, heard, model) for model in models):
        return count(attempts, ask, said)
    return await aside(count, attempts, ask, said)


def meter(
    record: Record, attempts: Sequence[Attempt], ask: Ask, said: Said | None, counts: Counts | None = None
) -> None:
    """Fills in the record's tokens, cost and attempts. `said`: of the last attempt; None where nobody answered.
    `counts`: None where they are to be made now, if any are needed."""
    last = attempts[-1]
    if said is not None and said.exact and len(attempts) == 1:
        usage = said.along.usage
        if usage is not None and usage.input and usage.output:
            tariff = last.deployment.tariff
            record.tokens, record.priced = tokens(usage), tariff.priced
            record.cost_nanousd = tariff.cost(usage, said.along.service_tier, last.seconds)
            if record.cost_nanousd is None and tariff.covers and usage.extra:
                _assume(record, tariff.assumed(usage, said.along.service_tier, last.seconds))
            if usage.extra or tariff.timed or said.along.service_tier not in PLAIN_SERVICES:
                record.bill = _bill(usage, said, last)
            return
    if counts is None:
        counts = count(attempts, ask, said)
    priced = [
        _tried(attempt, ask, said if attempt is last else None, own)
        for attempt, own in zip(attempts, counts, strict=True)
    ]
    tried = tuple(one for one, _, _ in priced)
    record.tokens = _sum(tried)
    record.estimated = any(one.estimated for one in tried)
    record.priced = last.deployment.tariff.priced
    if said is not None:
        record.bill = _bill(priced[-1][2], said, last)
    costs = [one.cost_nanousd for one in tried if one.tokens is not None]
    known = [cost for cost in costs if cost is not None]
    record.cost_nanousd = sum(known) if len(known) == len(costs) else None
    if any(assumed for _, assumed, _ in priced):
        _assume(record, record.cost_nanousd)
    if len(attempts) > 1 or last.error is not None:
        record.tried, record.why = tried, ""


def may_be_billed(error: APIError) -> bool:
    """The request reached the provider, and the provider did not refuse it."""
    return not error.wire and error.fault == "provider" and error.code not in NEVER_SENT


def _bill(usage: Usage | None, said: Said, attempt: Attempt) -> Bill | None:
    """`usage`: what it was priced by."""
    seconds = attempt.seconds if attempt.deployment.tariff.timed else None
    return keep(usage or _SILENT, said.along.service_tier, seconds) or None


def _assume(record: Record, cost_nanousd: int | None) -> None:
    """An answer of which a part is charged at the prices of the model that was asked."""
    if cost_nanousd is not None:
        record.cost_nanousd, record.priced = cost_nanousd, ASSUMED


def _is_counted(attempt: Attempt, ask: Ask, said: Said | None) -> bool:
    error = attempt.error
    if said is not None:
        usage = said.along.usage
        return not (ask.task and usage is not None) and not (said.exact and is_told(usage))
    if error is not None and ask.task and ask.spent_on(error) is not None:
        return False
    return attempt.abandoned or (error is not None and may_be_billed(error))


def _count(attempt: Attempt, ask: Ask, said: Said | None) -> Usage | None:
    if not _is_counted(attempt, ask, said):
        return None
    told, heard = (None, None) if said is None else (said.along.usage, said.heard())
    return estimated_usage(ask, attempt.deployment, told, heard)


def _tried(attempt: Attempt, ask: Ask, said: Said | None, counted: Usage | None) -> tuple[Tried, bool, Usage | None]:
    """And whether a part of its cost is assumed, and what it was priced by."""
    deployment, error = attempt.deployment, attempt.error
    usage, estimated, service_tier = None, False, None
    if said is not None:
        usage, service_tier = said.along.usage, said.along.service_tier
        if counted is not None:
            estimated, usage = not said.exact or counted != usage, counted
        elif ask.task and usage is not None:
            estimated = not said.exact
    elif error is not None and ask.task and (spent := ask.spent_on(error)) is not None:
        usage, estimated = spent, True
    elif counted is not None:
        usage, estimated = counted, True
    cost = None if usage is None else deployment.tariff.cost(usage, service_tier, attempt.seconds)
    assumed = None
    if cost is None and usage is not None:
        cost = assumed = deployment.tariff.assumed(usage, service_tier, attempt.seconds)
    one = Tried(
        deployment=deployment.id,
        provider=deployment.provider,
        model=deployment.model,
        status=_status(attempt),
        error_class="" if error is None else type(error).__name__,
        ms=round(attempt.seconds * 1000, 3),
        tokens=None if usage is None else tokens(usage),
        cost_nanousd=cost,
        estimated=estimated,
        why=error.message if error is not None and error.public else "",
    )
    return one, assumed is not None, usage


def _status(attempt: Attempt) -> int:
    """What the provider answered with; 0 where it did not."""
    if attempt.abandoned:
        return 0
    if attempt.error is None:
        return 200
    return attempt.error.status_code if attempt.error.wire else 0


def _sum(tried: Sequence[Tried]) -> dict[str, int] | None:
    total: dict[str, int] = {}
    for one in tried:
        for kind, count in (one.tokens or {}).items():
            total[kind] = total.get(kind, 0) + count
    return total or None
