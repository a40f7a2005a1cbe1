"""What is done for a request, step by step, in the log (`tollbridge.routing`, at DEBUG): for `--detailed_debug`.

Nobody's words stand there: of a body its size and the names of its fields, of an error its class, status and code.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from tollbridge.calls.ask import Ask
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.exchange import Answer, Streaming
from tollbridge.errors import APIError
from tollbridge.secret import MASK

_FIELDS_MAX = 40

log = logging.getLogger("tollbridge.routing")


class Steps:
    """Made where they are wanted alone: what is not looked for costs nothing."""

    def asked(self, ask: Ask, ready: Sequence[Deployment]) -> None:
        fields = ", ".join(name[:100] for name in list(ask.fields)[:_FIELDS_MAX])
        log.debug(
            "%s asks for %r in %s%s, %d bytes (%s); ready: %s",
            *(ask.id, ask.model, ask.dialect.name, ", streamed" if ask.stream else "", len(ask.body), fields),
            ", ".join(map(_called, ready)) or "nobody",
        )

    def tries(self, ask: Ask, deployment: Deployment, number: int, fallback: str) -> None:
        instead = f", instead as {fallback!r}" if fallback else ""
        origin = deployment.origin
        path = deployment.path.partition("?")[0]  # a query may be a credential
        for secret in deployment.hidden:
            path = path.replace(secret, MASK)
        where = f"{origin.scheme}://{origin.host}:{origin.port}{path}"
        log.debug("%s attempt %d%s: %s at %s", ask.id, number, instead, _called(deployment), where)

    def ended(self, ask: Ask, number: int, seconds: float, value: object) -> None:
        how = ""
        if isinstance(value, Answer | Streaming):
            how = ", passed on as it is" if value.relayed else ", translated"
            if value.caveats:
                how += "; " + ", ".join(f"{one.code} {one.where}" for one in value.caveats)
        log.debug("%s attempt %d is answered after %.3f s%s", ask.id, number, seconds, how)

    def failed(self, ask: Ask, number: int, seconds: float, error: APIError) -> None:
        told = " ".join(str(one) for one in (error.status_code, error.code) if one)
        wait = "" if error.retry_after_s is None else f", come again in {error.retry_after_s:g} s"
        log.debug(
            "%s attempt %d failed after %.3f s: %s %s%s", ask.id, number, seconds, type(error).__name__, told, wait
        )

    def waits(self, ask: Ask, seconds: float) -> None:
        log.debug("%s waits %.3f s for the next", ask.id, seconds)


def steps() -> Steps | None:
    return Steps() if log.isEnabledFor(logging.DEBUG) else None


def _called(deployment: Deployment) -> str:
    return f"{deployment.provider}/{deployment.model} ({deployment.id})"
