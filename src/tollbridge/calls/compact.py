"""One attempt at a compaction: relayed where the provider speaks the Responses format, else a summary by the model."""

from __future__ import annotations

import copy
import time

import msgspec

from tollbridge.calls.ask import Ask
from tollbridge.calls.beside import ask_beside, below
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.exchange import ANSWER_BYTES_MAX, Answer, Streaming, exchange, says_no_such_path
from tollbridge.calls.redact import redact_errors
from tollbridge.errors import APIError
from tollbridge.model.json import JsonObject
from tollbridge.transport.base import Incoming, Transport
from tollbridge.wires.openai_responses.compaction import asks_for_summary, compacted
from tollbridge.wires.openai_responses.vocabulary import NAME

_encode = msgspec.json.Encoder().encode
_NOT_THERE = frozenset({"store", "stream", "background"})
"""Fields of a response, which the request for a compaction does not have."""


async def exchange_compaction(ask: Ask, deployment: Deployment, transport: Transport) -> Answer | Streaming:
    """Raises APIError, as `exchange` does. A server that turns out not to have the path is asked for a summary."""
    native = deployment.for_dialect(NAME)
    if native.wire.name == NAME and not ask.sealed:
        try:
            return await _relayed(ask, native, transport)
        except APIError as error:
            if not says_no_such_path(error):
                raise
    return await _summarized(ask, deployment, transport)


async def _relayed(ask: Ask, deployment: Deployment, transport: Transport) -> Answer:
    fields = {name: raw for name, raw in ask.fields.items() if name not in deployment.drops | _NOT_THERE}
    fields["model"] = deployment.model_raw
    began = time.monotonic()

    def read(incoming: Incoming, received: bytes) -> Answer:
        body = redact_errors(received, deployment.hidden)
        said = deployment.wire.read_along(body)
        return Answer(deployment, body, said, incoming.headers, ask.caveats, True, time.monotonic() - began)

    return await ask_beside(ask, deployment, transport, fields, below(deployment, "/compact"), ANSWER_BYTES_MAX, read)


async def _summarized(ask: Ask, deployment: Deployment, transport: Transport) -> Answer:
    body: JsonObject = ask.json()
    asking = copy.copy(ask)
    asking.becomes(_encode(asks_for_summary(body)))
    answer = await exchange(asking, deployment, transport)
    assert isinstance(answer, Answer)  # it is asked for whole
    made = compacted(body, msgspec.json.decode(answer.body), ask.created, ask.seals)
    return msgspec.structs.replace(answer, body=_encode(made), relayed=False)
