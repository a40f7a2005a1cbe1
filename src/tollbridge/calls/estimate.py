"""What an answer used, by our own count, where its provider did not say or said nothing that could be.

The ledger enters it as `estimated`. A format that has no word for "not known" tells it to its clients too, with a
Caveat: Anthropic's `usage` is two numbers, and 0 would say that nothing was used.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from tollbridge.calls.aside import aside, is_short
from tollbridge.calls.ask import Ask
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.heard import Heard, words
from tollbridge.catalog.parts import BILLED, billed_tokens
from tollbridge.catalog.tokens import count_text
from tollbridge.errors import APIError
from tollbridge.model.fold import unfold
from tollbridge.model.response import Caveat, Response, Usage
from tollbridge.wires.anthropic_messages.vocabulary import NAME as MESSAGES

ESTIMATED = Caveat(
    code="estimated", where="$.usage", detail="The provider did not tell what was used: it is the gateway's own count."
)


Estimate = Callable[[Usage | None, Heard], Awaitable[Usage]]
"""What was told, if anything, and what was said."""


class Shown(msgspec.Struct, frozen=True):
    response: Response
    caveats: tuple[Caveat, ...] = ()


def is_told(usage: Usage | None) -> bool:
    return usage is not None and usage.input > 0 and usage.output > 0


def estimated(ask: Ask, deployment: Deployment, told: Usage | None, heard: Heard | None) -> Usage:
    """Never less than the provider told."""
    output = 0 if heard is None else round(count_text(heard.text, deployment.model) * heard.times)
    if told is None:
        return Usage(input=_prompt(ask, deployment), output=output)
    extra = told.extra
    if output > told.output and BILLED in extra and billed_tokens(told) == (0, 0):
        extra = {name: value for name, value in extra.items() if name != BILLED}  # it is not so that nothing was said
    input = told.input or _prompt(ask, deployment)
    return msgspec.structs.replace(told, input=input, output=max(told.output, output), extra=extra)


async def estimated_aside(ask: Ask, deployment: Deployment, told: Usage | None, heard: Heard) -> Usage:
    """The same; nobody but who asks waits for what is long."""
    if is_short(ask, len(heard.text), deployment.model):
        return estimated(ask, deployment, told, heard)
    return await aside(estimated, ask, deployment, told, heard)


def must_tell(ask: Ask) -> bool:
    """The client's format has no answer without numbers."""
    return (ask.client or ask).dialect.name == MESSAGES


async def as_shown(response: Response, ask: Ask, deployment: Deployment) -> Shown:
    """A whole answer, as its client is told it."""
    if is_told(response.usage) or not must_tell(ask):
        return Shown(response)
    heard = Heard("".join(map(words, unfold(response))))
    counted = await estimated_aside(ask, deployment, response.usage, heard)
    if counted == response.usage:
        return Shown(response)
    return Shown(msgspec.structs.replace(response, usage=counted), (ESTIMATED,))


def _prompt(ask: Ask, deployment: Deployment) -> int:
    try:
        return ask.count(deployment.model)
    except APIError:  # relayed as it came, and the provider made sense of what we could not read
        return max(1, len(ask.body) // 4)
