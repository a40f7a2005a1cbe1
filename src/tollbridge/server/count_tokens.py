"""`POST /v1/messages/count_tokens`: asked of the provider where it can count, else counted here by the tokenizer."""

from __future__ import annotations

import asyncio

import msgspec

from tollbridge.calls.ask import Ask, peek, string_field
from tollbridge.calls.count import count_upstream
from tollbridge.catalog.tokens import count_request
from tollbridge.errors import APIError
from tollbridge.observe import Record
from tollbridge.routing.engine import Trace
from tollbridge.server.answers import JSON, error_answer, own_headers
from tollbridge.server.controls import take_controls
from tollbridge.server.gateway import Gateway
from tollbridge.server.inbound import Inbound, Responder
from tollbridge.server.pipeline import forwarded_headers, outcome
from tollbridge.wires.base import Wire


async def count_tokens(gateway: Gateway, dialect: Wire, inbound: Inbound, responder: Responder, record: Record) -> None:
    trace = Trace([])
    try:
        fields = peek(inbound.body)
        record.model_asked = string_field(fields, "model")
        take_controls(fields, inbound.headers, metadata_is_ours=False)
        group = gateway.engine.routes.groups.resolve(record.model_asked)
        record.group = group.label
        ask = Ask(
            dialect,
            inbound.body,
            fields,
            group.name,
            stream=False,
            id=record.id,
            headers=forwarded_headers(inbound.headers),
            seals=gateway.seals,
        )
        if any(deployment.count_tokens_path is not None for deployment in group.members) and not ask.sealed:
            body = await gateway.engine.run(ask, trace, count_upstream)
        else:
            counted = await asyncio.to_thread(count_request, ask.request().value)
            body = msgspec.json.encode({"input_tokens": counted})
        record.status = 200
        responder.reply(200, [JSON, *own_headers(record, None, ())], body)
    except APIError as error:
        status, headers, body = error_answer(dialect, error)
        record.status, record.error, record.outcome = status, type(error).__name__, outcome(error)
        responder.reply(status, [*headers, *own_headers(record, None, ())], body)
    record.attempts = len(trace.attempts)
    record.upstream_s = trace.upstream_s
