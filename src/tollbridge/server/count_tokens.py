"""`POST /v1/messages/count_tokens`, `:countTokens`: asked of the provider where it can count, else counted here by the
tokenizer, as where tools are run here. It costs nothing, but it is a request: a key may make it for its models, and
within its limits."""

from __future__ import annotations

from functools import partial

from tollbridge.calls.aside import aside
from tollbridge.calls.count import count_here, count_upstream, counts_upstream
from tollbridge.errors import APIError
from tollbridge.observe import Record
from tollbridge.routing.engine import Trace
from tollbridge.server.accounting import failed
from tollbridge.server.answers import JSON, error_answer, own_headers, shown_to
from tollbridge.server.gateway import Gateway
from tollbridge.server.identify import confirm
from tollbridge.server.inbound import Inbound, Responder
from tollbridge.server.reachable import may_ask
from tollbridge.server.reading import policy_for, read_ask
from tollbridge.server.tool_loop import definitions, with_tools
from tollbridge.wires.base import Wire, Written


async def count_tokens(
    gateway: Gateway,
    dialect: Wire,
    inbound: Inbound,
    responder: Responder,
    record: Record,
    model: str | None = None,
) -> None:
    trace, place, allowed = Trace([]), None, None
    try:
        await confirm(gateway.authenticator, inbound)
        ask, controls = read_ask(gateway, dialect, inbound, record, model)
        ask.instead = {}  # what is asked for is the count of the request itself
        principal = inbound.principal
        if principal is not None and principal.key is not None:
            place = gateway.allowance.place(principal.key)
            allowed = partial(may_ask, principal.access, None)
        found = definitions(gateway.tools, ask, inbound)
        if found and gateway.tools is not None:  # their definitions hold keys of ours, and mean nothing elsewhere
            ask.reads(Written(await with_tools(gateway.tools, ask, found, inbound, record)))
        members = gateway.engine.routes.groups.resolve(ask.model).members
        if not found and not ask.sealed and any(counts_upstream(ask, deployment) for deployment in members):
            policy = policy_for(controls, gateway.engine.policy)
            body = await gateway.engine.run(ask, trace, count_upstream, policy=policy, allowed=allowed)
        else:
            body = await aside(count_here, ask)
        record.status = 200
        responder.reply(200, [JSON, own_headers(record, dialect)], body)
    except APIError as error:
        status, headers, body = error_answer(dialect, shown_to(inbound.principal, error))
        record.status = status
        failed(record, error)
        responder.reply(status, [*headers, own_headers(record, dialect)], body)
    finally:
        if place is not None:
            place.release()
    record.attempts = len(trace.attempts)
    record.upstream_ms = trace.upstream_s * 1000
