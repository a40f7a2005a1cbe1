"""What comes on a client's connection, from its bytes to the requests in them: heads, who asks, bodies.

`Connection` goes on from here: it is told of the bytes, handles the requests, and answers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from copy import copy
from math import inf

from tollbridge.errors import APIError, InternalServerError
from tollbridge.policy.principal import Principal
from tollbridge.server.forwarded import Origin, strip_root_path
from tollbridge.server.http.answer import Answer
from tollbridge.server.http.body import Discarded, Framing, framing_for, sink_for, too_large
from tollbridge.server.http.flow import Flow
from tollbridge.server.http.head import CHUNKED, END, Head, HeadMemory, check_beginning, no_switch
from tollbridge.server.http.outflow import Outflow
from tollbridge.server.http.service import Service
from tollbridge.server.inbound import Inbound, Refusal
from tollbridge.transport.channel import Channel

log = logging.getLogger("tollbridge.server.http.connection")

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


# States: plain integers, in this order, since a member of an Enum costs a lookup at each use.
READING_HEAD = 1
READING_BODY = 2
ADMITTING = 3
HANDLING = 4
CLOSING = 5


class Intake(asyncio.Protocol):
    """The reading half. An answer asks the other half of its line (`answer.Line`), which closes it too."""

    __slots__ = (
        "_answer",
        "_body",
        "_body_began",
        "_body_bytes",
        "_deadline",
        "_first",
        "_flow",
        "_half_closed",
        "_head_began",
        "_heads",
        "_inbound",
        "_outflow",
        "_paused_reading",
        "_peer",
        "_pending",
        "_principal",
        "_route",
        "_scheme",
        "_served",
        "_service",
        "_state",
        "_trusted",
        "_unread",
        "_verdict",
        "preludes",
        "transport",
    )

    transport: asyncio.Transport
    _peer: str
    _scheme: str
    _trusted: bool
    _first: Inbound
    """As it was before anybody saw it: the request of the head that `_heads` remembers."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.preludes = service.preludes
        self._state = READING_HEAD
        self._pending = b""
        self._inbound: Inbound | None = None
        self._answer: Answer | None = None
        self._body: Framing | None = None
        self._body_began = 0.0
        self._body_bytes = 0
        self._deadline = inf
        self._flow: Flow | None = None
        self._head_began = True
        self._half_closed = False
        self._paused_reading = False
        self._served = 0
        self._unread = False
        self._outflow = Outflow()
        self._heads = HeadMemory()
        self._principal: Principal | None = None
        self._route: object = None
        self._verdict: tuple[Inbound, Head, Refusal | None] | None = None

    def _advance(self) -> None:
        """Goes on with what is pending, until more bytes or an answer are needed."""
        try:
            if self._verdict is not None:
                self._go_on(*self._verdict)
            while self._pending and self._state < ADMITTING and not (self._outflow.full and self._blocked):
                went_on = self._read_head() if self._state == READING_HEAD else self._read_body()
                if not went_on:
                    break
        except APIError as error:
            self._reject(error)
        except Exception:
            log.exception("a request could not be taken in")
            self._reject(InternalServerError("Internal server error.", fault="gateway"))
        if self._state >= ADMITTING or self._blocked:
            return
        if self._half_closed:
            self._close()
        elif self._paused_reading and (self._flow is None or not self._flow.full):
            self._paused_reading = False
            self.transport.resume_reading()

    @property
    def _blocked(self) -> bool:
        """What is pending has to wait: for the answer before it, or for a client that takes no answers."""
        state = self._state
        return state >= ADMITTING or (state == READING_HEAD and self._outflow.full)

    def _read_head(self) -> bool:
        data = self._pending
        if data[0] == 13 and data.startswith(b"\r\n"):
            # One empty line before a request is allowed (RFC 9112 section 2.2).
            data = self._pending = data[2:]
        service = self._service
        limits = service.limits
        end = data.find(END) + len(END)
        if end < len(END) or end > limits.head_bytes:
            self._await_head(data)
            return False
        heads = self._heads
        head = heads.read(data[:end], limits)
        self._pending = data[end:]
        if heads.again:
            inbound = copy(self._first)
            inbound.headers = head.headers
            inbound.received = service.loop.time()
            inbound.known, inbound.route = self._principal, self._route
        else:
            inbound = self._read_request(head)
            self._first = copy(inbound)
        self._inbound = inbound
        answer = self._answer = Answer(self, head.method == "HEAD", head.http11, head.keep_alive)
        verdict = service.application.admit(inbound)
        if verdict is None or isinstance(verdict, Refusal):
            self._go_on(inbound, head, verdict)
        else:
            self._state = ADMITTING
            self._deadline = inf
            service.running[answer] = service.loop.create_task(self._await_verdict(inbound, head, verdict, answer))
        return True

    def _read_request(self, head: Head) -> Inbound:
        service = self._service
        path, host, peer, scheme = head.path, head.host, self._peer, self._scheme
        if self._trusted:
            origin = service.forwarding.origin(Origin(peer, scheme, host), head.headers)
            peer, scheme, host = origin.peer, origin.scheme, origin.host
        if service.root_path:
            path = strip_root_path(path, service.root_path)
        return Inbound(
            head.method,
            path,
            head.query,
            head.headers,
            peer,
            scheme,
            host,
            service.loop.time(),
            service.limits.body_bytes,
            websocket=head.websocket,
        )

    async def _await_verdict(
        self, inbound: Inbound, head: Head, pending: Awaitable[Refusal | None], answer: Answer
    ) -> None:
        service = self._service
        try:
            verdict = await pending
        except Exception:
            log.exception("%s %s could not be admitted", inbound.method, inbound.path)
            verdict = service.application.internal_error(inbound)
        finally:
            service.running.pop(answer, None)
        if self._state == ADMITTING:
            self._state = READING_HEAD
            self._verdict = inbound, head, verdict
            self._advance()

    def _go_on(self, inbound: Inbound, head: Head, refusal: Refusal | None) -> None:
        """Once it is known who asks."""
        self._verdict = None
        self._principal, self._route = inbound.principal, inbound.route
        if refusal is not None:
            self._turn_down(refusal, head)
        elif head.websocket and (not inbound.switches or head.length):
            raise no_switch()
        elif head.length == 0:
            self._run(inbound)
        else:
            self._begin_body(inbound, head)

    def _await_head(self, data: bytes) -> None:
        limits = self._service.limits
        check_beginning(data, limits)
        if not self._head_began:
            self._head_began = True
            self._deadline = self._service.loop.time() + limits.header_s

    def _begin_body(self, inbound: Inbound, head: Head) -> None:
        length = head.length
        coding = head.headers.pop(b"content-encoding", None)
        if inbound.flows and coding is None and not 0 < length <= len(self._pending):
            self._begin_flow(inbound, head)
            return
        if length > inbound.body_limit:
            raise too_large(inbound.body_limit)
        if coding is None and 0 < length <= len(self._pending):
            inbound.body, self._pending = self._pending[:length], self._pending[length:]
            self._run(inbound)
            return
        limits = self._service.limits
        if coding is not None:
            inbound.headers.pop(b"content-length", None)
        self._await_body(framing_for(length, sink_for(coding, inbound.body_limit, limits.inflation), limits))
        if head.expects and not self._pending:
            self.transport.write(_CONTINUE)

    def _begin_flow(self, inbound: Inbound, head: Head) -> None:
        """The handler begins with the body still to come. As long as the client keeps to the rate it takes its time."""
        limits = self._service.limits
        if head.length > limits.upload_bytes:
            raise too_large(limits.upload_bytes)
        length = None if head.length == CHUNKED else head.length
        flow = inbound.flow = self._flow = Flow(self._service.loop, limits.upload_bytes, length, self._flow_on)
        self._await_body(framing_for(head.length, flow, limits))
        if head.expects and not self._pending:
            self.transport.write(_CONTINUE)
        self._run(inbound)

    def _flow_on(self) -> None:
        """What had come of a body is taken. The time in which the client was not heard is not the client's."""
        if self._paused_reading and self._state == READING_BODY:
            self._paused_reading = False
            self._body_began = self._service.loop.time()
            self._body_bytes = 0
            self.transport.resume_reading()

    def _await_body(self, body: Framing) -> None:
        now = self._service.loop.time()
        self._state = READING_BODY
        self._body = body
        self._body_began = now
        self._body_bytes = 0
        self._deadline = now + self._service.limits.body_s

    def _read_body(self) -> bool:
        body, inbound = self._body, self._inbound
        assert body is not None
        data, self._pending = self._pending, b""
        self._body_bytes += len(data)
        rest = body.feed(data)
        flow = self._flow
        if rest is None:
            if flow is not None and flow.full and not self._paused_reading:
                self._paused_reading = True
                self.transport.pause_reading()
            return False
        self._pending = rest
        self._body = None
        if flow is not None:
            self._flow = None
            self._state = HANDLING
            flow.end()
        elif inbound is None:
            self._await_request()
        else:
            inbound.body = body.sink.content()
            self._run(inbound)
        return True

    def _turn_down(self, refusal: Refusal, head: Head) -> None:
        """Answers before the body was read. A short body is then thrown away and the connection kept; a client that
        awaits `100 Continue` may send its body or not, so there is no telling what comes next."""
        answer = self._answer
        assert answer is not None
        self._inbound = None
        limit = self._service.limits.discard_bytes
        self._unread = head.expects or head.length == CHUNKED or head.length > limit
        if head.length > 0 and not self._unread:
            self._await_body(framing_for(head.length, Discarded(limit), self._service.limits))
        answer.reply(refusal.status, refusal.headers, refusal.body)

    def _reject(self, error: APIError) -> None:
        """Answers a request that cannot be read, and ends the connection. Who takes its body answers."""
        self._unread = True
        if self._flow is not None:
            self._state = HANDLING
            self._flow.fail(error)
            self._flow = None
            return
        answer = self._answer
        if answer is None and self._state == READING_BODY:
            self._close()
            return
        answer = answer or Answer(self, False, True, False)
        refusal = self._service.application.refuse(self._inbound, error)
        answer.reply(refusal.status, refusal.headers, refusal.body)

    def _await_request(self) -> None:
        self._state = READING_HEAD
        self._head_began = False
        self._deadline = self._service.loop.time() + self._service.limits.idle_s

    def _run(self, inbound: Inbound) -> None:
        answer = self._answer
        assert answer is not None
        if self._flow is None:
            self._state = HANDLING
        self._deadline = inf
        service = self._service
        self._inbound = None
        service.running[answer] = service.loop.create_task(service.handle(inbound, answer))
        if self._half_closed:
            answer.probe()

    # what the other half does

    def _close(self) -> None:
        raise NotImplementedError

    def begins(self, wants_keep_alive: bool) -> bool:
        raise NotImplementedError

    def ended(self, keep: bool) -> None:
        raise NotImplementedError

    def broke(self, chunked: bool) -> None:
        raise NotImplementedError

    def room(self) -> asyncio.Future[None] | None:
        raise NotImplementedError

    def switched(self, limit: int) -> Channel:
        raise NotImplementedError
