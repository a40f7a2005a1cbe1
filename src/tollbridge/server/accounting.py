"""What the record of a request says of its way to an answer, and the one moment in which it is accounted for.

`account` writes what the request used and cost to the journal, where a provider was asked, and tells the observers.
After it the record is in the log and in the ledger, and is changed no more.
"""

from __future__ import annotations

import time

import msgspec

from tollbridge.calls.ask import Ask
from tollbridge.calls.deployment import Deployment
from tollbridge.calls.exchange import Answer, Streaming
from tollbridge.calls.streams import Stream
from tollbridge.errors import APIError, APITimeoutError
from tollbridge.ledger.meter import NOTHING, Counts, Said, meter
from tollbridge.observe import Record
from tollbridge.observe.record import Outcome
from tollbridge.routing.engine import Trace
from tollbridge.server.answers import plainly
from tollbridge.server.gateway import Gateway


def answered(record: Record, trace: Trace, result: Answer | Streaming) -> None:
    """Who answered, after how many attempts; of a stream, who began to."""
    deployment = result.deployment
    record.deployment, record.provider, record.model = deployment.id, deployment.provider, deployment.model
    record.group, record.relayed, record.status = deployment.group, result.relayed, 200
    if result.caveats:
        record.caveats = plainly(result.caveats)
    record.attempts = len(trace.attempts)
    if record.attempts > 1 or (record.attempts and trace.attempts[0].fallback):
        record.fallbacks = trace.fallbacks
    record.upstream_ms = result.upstream_s * 1000


def asked_last(record: Record, trace: Trace) -> None:
    """Who was asked last, where nobody answered."""
    last = trace.attempts[-1].deployment
    record.deployment, record.provider, record.model, record.group = last.id, last.provider, last.model, last.group
    record.attempts = len(trace.attempts)
    record.fallbacks = trace.fallbacks
    record.upstream_ms = trace.upstream_s * 1000


def failed(record: Record, error: APIError) -> None:
    record.error_class, record.outcome = type(error).__name__, outcome(error)
    if error.public:  # of the network: its message names the address
        record.why = error.message


class Elsewhere(msgspec.Struct):
    """What a conversation with tools waited for besides its last round's provider: tools, and providers of earlier
    rounds. `to_words_s`: of a stream, all that was waited for before its first words."""

    seconds: float = 0.0
    to_words_s: float = 0.0

    def waited_ms(self, record: Record) -> float:
        return self.to_words_s * 1000 if record.ttft_ms else record.upstream_ms + self.seconds * 1000


def account(
    gateway: Gateway,
    record: Record,
    trace: Trace,
    ask: Ask | None,
    said: Said | None,
    stream: Stream | None,
    elsewhere: Elsewhere | None = None,
    counts: Counts | None = None,
) -> None:
    """`ask`: None where the request could not be read. `said`: by who answered; None where nobody did. `counts`: as
    `meter` has it."""
    attempts = trace.attempts
    if stream is not None and attempts:
        if stream.caveats:
            record.caveats = (*record.caveats, *plainly(stream.caveats))
        attempts[-1].seconds = gateway.engine.routes.now() - attempts[-1].began
    if attempts and not record.attempts:  # it ended within an attempt
        asked_last(record, trace)
    record.duration_ms = (time.monotonic() - record.began) * 1000
    waited_ms = record.upstream_ms if elsewhere is None else elsewhere.waited_ms(record)
    record.overhead_ms = max(0.0, (record.ttft_ms or record.duration_ms) - waited_ms)
    if not attempts or ask is None:
        gateway.observe(record, None)
        return
    record.id = gateway.ulids.next()
    record.answer_id = (NOTHING if said is None else said.along).id
    if record.answer_id and not record.relayed:
        record.answer_id = ask.repeats.get("id", record.answer_id)  # what the client knows it by
    if ask.shown_id:
        record.answer_id = ask.shown_id
    meter(record, attempts, ask, said, counts)
    gateway.observe(record, gateway.journal.append(record))


def of(deployment: Deployment, error: APIError) -> APIError:
    """The error, with whose it is."""
    if not error.provider:
        error.provider, error.model = deployment.provider, deployment.model
    return error


def outcome(error: APIError) -> Outcome:
    """A provider's answer, whatever its status, is the provider's; a refusal of ours is by whose fault it is."""
    if isinstance(error, APITimeoutError):
        return "timeout"
    if error.wire or error.fault == "provider":
        return "upstream_error"
    return "client_error" if error.fault == "client" else "gateway_error"
