"""A request for a task: a `Conversation` in its whole life, which reads another kind of body and answers with another.

Sound has no words for an error: where it breaks, the connection is ended without a normal end.
"""

from __future__ import annotations

from typing import cast

from tollbridge.calls.ask import Ask, Fields
from tollbridge.calls.complete import exchange_completion
from tollbridge.calls.exchange import Answer, Streaming
from tollbridge.calls.headers import lines
from tollbridge.calls.heard import Heard
from tollbridge.calls.streams import Stream
from tollbridge.calls.task_ask import TaskAsk, read_fields, without
from tollbridge.calls.task_exchange import exchange_task
from tollbridge.calls.task_streams import RawStream
from tollbridge.errors import APIError, BadRequestError
from tollbridge.ledger.meter import Said
from tollbridge.observe import Record
from tollbridge.server.answers import NO_CACHE
from tollbridge.server.controls import NESTED, Controls
from tollbridge.server.gateway import Gateway
from tollbridge.server.inbound import Inbound
from tollbridge.server.pipeline import Conversation
from tollbridge.server.reading import read_ask
from tollbridge.wires.base import Wire
from tollbridge.wires.task import AnyTaskWire

UNSAID = {"openai_moderations": "omni-moderation-latest"}
"""The models of requests that need not name one, as their formats have it, by dialect."""


def read_task(
    gateway: Gateway,
    dialect: Wire,
    inbound: Inbound,
    record: Record,
    model: str | None = None,
    fields: Fields | None = None,
    make: type[Ask] = TaskAsk,
) -> tuple[Ask, Controls]:
    """As `read_ask`, of JSON or of a form."""
    fields, form = read_fields(inbound.body, inbound.headers.get(b"content-type", b"").decode("latin-1"))
    sent = len(fields)
    if form is not None and NESTED in fields:
        raise BadRequestError(f"A form has its fields beside each other - at `$.{NESTED}`.", param=NESTED)
    if model is None and "model" not in fields:
        model = UNSAID.get(dialect.name)
    ask, controls = read_ask(gateway, dialect, inbound, record, model, fields, make)
    if form is not None:
        cast(TaskAsk, ask).form = form if len(fields) == sent else without(form, fields)
        ask.body = inbound.body
    return ask, controls


class CompletionRun(Conversation):
    """A legacy completion, which is a conversation but for who is asked how."""

    __slots__ = ()

    _exchange = staticmethod(exchange_completion)


class TaskRun(Conversation):
    __slots__ = ("_answer", "_kind")

    _read_ask = staticmethod(read_task)
    _exchange = staticmethod(exchange_task)
    _answer: Answer | None
    _kind: bytes

    async def run(self, model: str | None = None) -> None:
        self._answer, self._kind = None, b""
        await super().run(model)

    async def _reply(self, answer: Answer) -> None:
        self._answer = answer
        await super()._reply(answer)

    async def _tell(self, streaming: Streaming) -> None:
        self._kind = streaming.kind
        await super()._tell(streaming)

    def _stream_lines(self) -> bytes:
        return self._kind + lines((NO_CACHE,)) if self._kind else super()._stream_lines()

    def _tell_failure(self, stream: Stream, error: APIError) -> None:
        if isinstance(stream, RawStream):
            self._responder.abort()
            return
        super()._tell_failure(stream, error)

    def _error_event(self, error: APIError) -> bytes:
        return cast(AnyTaskWire, self._dialect).write_stream_error(error)

    async def _account(self, *, here: bool = False) -> None:
        if self._answer is not None:
            self._said = Said(self._answer.said, self._answer.exact, _nothing, 0)
        await super()._account(here=here)


def _nothing() -> Heard:
    return Heard("")
